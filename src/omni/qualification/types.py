"""Verdicts: what a judge said of a person, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from omni.base.errors import OmniError
from omni.base.hashing import digest
from omni.campaigns.types import Campaign

MOST_REFUSALS = 3
"""So often one person's refused answers are paid for under one key; then the run passes them by."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Names a criterion and quotes the words of the profile that speak for or against it."""

    criterion: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judgement; `score` and `confidence` are between 0 and 1."""

    qualified: bool
    score: float
    confidence: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is no verdict, neither yes nor no; `reason` says what is wrong with it."""

    reason: str


@dataclass(frozen=True, slots=True)
class VerdictKey:
    """What a campaign's verdicts are valid for: another key, another verdict.

    The profile's part of the cache key is its `view_hash`; for a judge that sees, the SHA-256 of
    each picture that it is shown belongs to it (`view_shown` in the database).

    Attributes:
        prompt_version: Of the prompt with its static parts, the campaign's brief included.
    """

    campaign_id: int
    criteria_hash: str
    model: str
    prompt_version: str

    @classmethod
    def of(cls, campaign: Campaign, *, model: str, prompt_version: str) -> VerdictKey:
        """Return the key of the verdicts on the campaign as it is now.

        Args:
            campaign: Its criteria have their own hash; its brief goes into the prompt's version.
            model: `Judge.model`.
            prompt_version: `omni.qualification.plan.PROMPT_VERSION`.
        """
        asked = asked_version(campaign, prompt_version)
        return cls(campaign.id, campaign.criteria_hash, model, asked)


def asked_version(campaign: Campaign, prompt_version: str) -> str:
    """Return the version of the prompt with the campaign's brief in it."""
    return f"{prompt_version}/{digest(campaign.brief)[:12]}" if campaign.brief else prompt_version


@dataclass(frozen=True, slots=True)
class Question:
    """What a judge is asked, in the parts of `omni.llm.ports.Prompt`, which says what they mean."""

    system: str
    user: str
    schema: dict[str, Any]
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Viewed:
    """A person as judges see them."""

    profile_id: int
    username: str
    view: dict[str, Any]
    view_hash: str


@dataclass(frozen=True, slots=True)
class Label:
    """A verdict on a person, and whether the person fits, as somebody decided."""

    profile_id: int
    qualified: bool
    score: float
    fits: bool


@dataclass(frozen=True, slots=True)
class OpenCandidate:
    """A candidate without a verdict; `last_post_at` is None where no post was read."""

    profile_id: int
    cheap_score: float
    last_post_at: datetime | None


@dataclass(frozen=True, slots=True)
class Shortlisted:
    """A candidate that is to be judged: all that a judge may see is in `view`.

    Attributes:
        view_hash: Of the view; for a judge that sees, `+` and the SHA-256 of each picture follow.
        refusals: How many answers on this very view were refused until now.
    """

    profile_id: int
    username: str
    view: dict[str, Any]
    view_hash: str
    cheap_score: float
    refusals: int = 0

    @property
    def pictures(self) -> list[str]:
        """The SHA-256 of each picture that is shown with the view."""
        return self.view_hash.split("+")[1:]


@dataclass(frozen=True, slots=True)
class Carriable:
    """A verdict under other criteria, on the view `profile_hash`, which is still shown."""

    id: int
    profile_id: int
    profile_hash: str
    reasons: list[dict[str, Any]]
    view: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """Somebody on the shortlist.

    Attributes:
        explored: Drawn by chance, not for the rank.
        propensity: How likely it was to be chosen, above 0 and up to 1.
    """

    candidate: OpenCandidate
    explored: bool
    propensity: float


@dataclass(frozen=True, slots=True)
class QualificationReport:
    """What one run did.

    Attributes:
        shortlisted: How many were to be judged.
        calls: How often the judge was asked, whatever came of it: `verdicts`, `refused` and
            `failed` add up to it. What a judge asks its server again by itself is not counted.
        verdicts: Answers that are verdicts.
        refused: Answers that are none; recorded, and asked for again within bounds.
        qualified: Verdicts that say yes.
        failed: Calls that brought no answer, or none in time; nothing is recorded, and the next
            run asks again.
        held: What ended the run early, such as a spent budget.
        explored: How many of the shortlist were drawn by chance.
        carried: Verdicts that an edit of the criteria could not change, and that were not asked
            for again.
    """

    shortlisted: int
    calls: int
    verdicts: int
    refused: int
    qualified: int
    failed: int = 0
    held: str | None = None
    explored: int = 0
    carried: int = 0


class BudgetSpent(OmniError):
    """A campaign's limit of calls or of cost for the day does not take another call.

    Attributes:
        until: When the next day's budget begins.
    """

    def __init__(self, until: datetime) -> None:
        super().__init__(f"the campaign's budget of the day is spent until {until.isoformat()}")
        self.until = until


@dataclass(frozen=True, slots=True)
class Spent:
    """What a campaign has used up of a day's budget; cost in millionths of the currency."""

    calls: int = 0
    cost_micros: int = 0


@dataclass(frozen=True, slots=True)
class LastCall:
    """How the newest call of a model ended.

    Attributes:
        answered: Whether it had an answer; otherwise `error` says what happened.
    """

    model: str
    answered: bool
    error: str | None
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Cost:
    """What one model was called for on one day, and what it cost in millionths of the currency.

    Attributes:
        calls: `answered`, `failed`, and those under way or of a worker that died.
    """

    day: date
    model: str
    purpose: str
    calls: int
    answered: int
    failed: int
    prompt_tokens: int
    answer_tokens: int
    cost_micros: int


@dataclass(frozen=True, slots=True)
class Pace:
    """Averages of a model's last calls; None where its server did not tell."""

    calls: int = 0
    prompt_tokens: float | None = None
    answer_tokens: float | None = None
    latency_ms: float | None = None
