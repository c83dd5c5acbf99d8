"""How messages are written, looked at before they are sent, and approved."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from omni.api.schemas.requests import MAX_ID, Prose, printable
from omni.campaigns.types import MessageWriter
from omni.dispatch.types import StandstillKind

MAX_BATCH = 200

Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
MessageId = Annotated[int, Field(ge=1, le=MAX_ID)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class _Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class AutopilotIn(_In):
    """How many messages may go without a person's look in any 24 hours; null: none."""

    daily_cap: int | None = Field(ge=1, le=1_000)


class AutopilotOut(_Out):
    """A campaign's autopilot: its cap, how much of it is used up, and since when a person wants it.

    `taken_back` tells how many approvals a change has just taken back; `off_because`, why it went
    off by itself.
    """

    campaign_id: int
    daily_cap: int | None
    since: datetime | None
    used: int
    taken_back: int = 0
    off_because: str | None = None
    off_at: datetime | None = None


class ClaimOut(_Out):
    """What a model's text says of a person, and the words of the profile that it stands on."""

    claim: str
    quote: str


class DraftsPreviewIn(_In):
    """Whose texts to show; a template that is given takes the place of the campaign's."""

    limit: int = Field(default=5, ge=1, le=50, description="For how many leads, the best first")
    message_template: Prose | None = None
    writer: MessageWriter | None = None


class DraftPreview(_Out):
    """What one person would get; without a `body`, `problem` says why, or it is not written yet."""

    lead_id: int
    platform: str
    username: str
    body: str | None
    problem: str | None
    claims: list[ClaimOut] = Field(default_factory=list[ClaimOut])


class DraftsPreview(_Out):
    """What would be drafted now; nothing was written down or sent.

    `recipients` is counted up to 10,000. `finish_at` is when all of them could be out under the
    accounts' limits, if each were approved now; null where no account could send them all.
    `unwritten` of the `items` wait for a model: POST /campaigns/{id}/drafts/write asks it.
    """

    items: list[DraftPreview]
    recipients: int
    waiting: int = Field(description="Approved messages that go before them")
    finish_at: datetime | None
    unwritten: int = 0
    note: str = ""


class DraftingOut(_Out):
    """Whether first messages are drafted now, and what keeps them from it.

    `reason` is null where nothing does: `campaign` (not active), `template` (none), `no model`
    (none that writes is set up), `model down` (each that was asked failed), `budget` (spent).
    """

    campaign_id: int
    recipients: int = Field(description="People who would get a draft, counted up to 10,000")
    reason: StandstillKind | None
    words: str = ""
    help: str = ""
    since: datetime | None = None
    next_at: datetime | None = Field(
        default=None, description="When drafting is tried again; null: with what asks for it next"
    )


class WriteIn(_In):
    """For how many leads a model shall write now, so that a preview can show it."""

    limit: int = Field(default=5, ge=1, le=50)


class Approval(_In):
    """Approval of exactly the text that was read."""

    id: MessageId
    body_hash: Hash


class ApproveManyIn(_In):
    """Many approvals at once; each stands for itself."""

    items: list[Approval] = Field(min_length=1, max_length=MAX_BATCH)


class Edit(_In):
    """A new text for one message; it voids an approval.

    `body_hash`, of the text that was read, keeps it from taking the place of another's.
    """

    id: MessageId
    body_hash: Hash | None = None
    body: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=8_000),
        AfterValidator(printable),
    ]


class EditManyIn(_In):
    """Many new texts at once; each stands for itself."""

    items: list[Edit] = Field(min_length=1, max_length=MAX_BATCH)


class RejectManyIn(_In):
    """Many messages that shall not be sent."""

    ids: list[MessageId] = Field(min_length=1, max_length=MAX_BATCH)


class Done(_Out):
    """What became of one message of a batch; `problem` says why nothing did."""

    id: int
    outcome: Literal["done", "conflict", "not found", "rejected"]
    problem: str | None = None
    body_hash: str | None = None


class BatchOut(_Out):
    """What became of each message, in the order in which they were given."""

    items: list[Done]
    done: int
