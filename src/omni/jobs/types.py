"""Typed jobs: what may be asked for, and what the ledger says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from omni.jobs.bases import JobArgs, QueueName
from omni.jobs.judging import AttackJudge, CompareJudges

JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]

QUEUES: tuple[QueueName, ...] = ("crawl", "qualify", "dispatch")


class CrawlConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds of one crawl.

    Attributes:
        max_profiles: The most profiles that it fetches.
        max_pages: The most pages of people that it reads.
        max_depth: 0 takes the seed's own people; 1 also the followers of each, and so on.
        max_breadth: The most people that it takes from the followers of each person; the seed's own
            list is not meant.
        max_bytes: Bytes of answers, unpacked, until it stops with what it has.
        max_seconds: Wall-clock seconds until it stops with what it has, over all its runs.
    """

    max_profiles: int = 500
    max_pages: int = 200
    max_depth: int = 0
    max_breadth: int = 1_000
    max_bytes: int = 500_000_000
    max_seconds: int = 900


class CrawlSeed(JobArgs, frozen=True):
    """Walk from one seed and write what is found."""

    kind = "crawl.seed"
    queue = "crawl"
    timeout_s = 3_600.0

    platform: str
    seed_type: str
    seed_value: str
    config: CrawlConfig = CrawlConfig()
    campaign_id: int | None = None


class CrawlRefresh(JobArgs, frozen=True):
    """Look again at the people whose look has become worth its price.

    Attributes:
        limit: The most people, of all platforms together.
    """

    kind = "crawl.refresh"
    queue = "crawl"

    limit: int = 2_000


class ImportProfiles(JobArgs, frozen=True):
    """Take in the people of a file that was handed in, from where an earlier run left off."""

    kind = "profiles.import"
    queue = "crawl"
    timeout_s = 7_200.0

    import_id: int
    campaign_id: int | None = None


class ReenrichProfiles(JobArgs, frozen=True):
    """Make features anew, from the stored payloads, where an older enrichment made them.

    Attributes:
        after: The profile_id behind which to begin.
    """

    kind = "profiles.reenrich"
    queue = "crawl"
    timeout_s = 3_600.0

    after: int = 0


class FetchImages(JobArgs, frozen=True):
    """Fetch the pictures of these people that are not held yet.

    Attributes:
        again: How many times those that did not come were put off already.
    """

    kind = "images.fetch"
    queue = "crawl"
    timeout_s = 300.0

    profile_ids: tuple[int, ...]
    again: int = 0


class SweepImages(JobArgs, frozen=True):
    """Remove pictures that nobody shows any more, a bounded number a run."""

    kind = "images.sweep"
    queue = "crawl"


class SweepStorage(JobArgs, frozen=True):
    """Remove old imports and their files, and what was read long ago of web pages."""

    kind = "storage.sweep"
    queue = "crawl"


class MaintainCandidates(JobArgs, frozen=True):
    """Bring every active campaign's candidates up to date with these changed profiles.

    Attributes:
        changed: What changed of each of them, one bit for each of `marks`; None is everything.
        marks: What the bits stood for when the job was written.
    """

    kind = "candidates.maintain"

    profile_ids: tuple[int, ...]
    changed: tuple[int, ...] | None = None
    marks: tuple[str, ...] = ()


class RefreshCandidates(JobArgs, frozen=True):
    """Bring one campaign's candidates up to date with its criteria and weights."""

    kind = "candidates.refresh"
    timeout_s = 3_600.0

    campaign_id: int


class QualifyCampaign(JobArgs, frozen=True):
    """Judge the campaign's shortlist and turn verdicts into leads."""

    kind = "qualify.campaign"
    timeout_s = 7_200.0

    campaign_id: int
    limit: int | None = None


class DraftMessages(JobArgs, frozen=True):
    """Write a pending message for every lead that has none."""

    kind = "dispatch.draft"
    queue = "dispatch"

    campaign_id: int


class WriteDrafts(JobArgs, frozen=True):
    """Let a model write what a preview of a campaign's drafts shows."""

    kind = "dispatch.write"
    queue = "dispatch"

    campaign_id: int
    limit: int = 5


class FollowUp(JobArgs, frozen=True):
    """Write the follow-ups that are due in every active campaign, and let autopilots approve."""

    kind = "dispatch.follow_up"
    queue = "dispatch"


class DispatchMessages(JobArgs, frozen=True):
    """Send approved messages, within every account's limits."""

    kind = "dispatch.dm"
    queue = "dispatch"


class ReconcileMessages(JobArgs, frozen=True):
    """Look for messages that were perhaps sent in their threads."""

    kind = "dispatch.reconcile"
    queue = "dispatch"


class SweepFeedback(JobArgs, frozen=True):
    """Read every account's inbox."""

    kind = "feedback.sweep"
    queue = "dispatch"


class ErasePerson(JobArgs, frozen=True):
    """Remove everything that is kept of a person; whom, only the erasure knows."""

    kind = "people.erase"
    queue = "dispatch"
    max_attempts = 20
    timeout_s = 3_600.0

    erasure_id: str


class DeliverWebhooks(JobArgs, frozen=True):
    """Tell the user's own programs what has happened, as far as it is due."""

    kind = "webhooks.deliver"
    queue = "dispatch"
    timeout_s = 300.0


class ClassifyReplies(JobArgs, frozen=True):
    """Let a model read the replies that the rules leave open."""

    kind = "feedback.classify"
    queue = "qualify"


class UpdateWeights(JobArgs, frozen=True):
    """Learn the campaign's weights from its outcomes."""

    kind = "weights.update"

    campaign_id: int


class Noop(JobArgs, frozen=True):
    """Do nothing: measures the queue itself, and proves that workers are alive."""

    kind = "jobs.noop"

    payload: str = ""


KINDS: Mapping[str, type[JobArgs]] = {
    kind.kind: kind
    for kind in (
        CrawlSeed, CrawlRefresh, ImportProfiles, ReenrichProfiles, FetchImages, SweepImages,
        SweepStorage, MaintainCandidates, RefreshCandidates, QualifyCampaign, CompareJudges,
        AttackJudge, DraftMessages,
        WriteDrafts, FollowUp, DispatchMessages, ReconcileMessages, SweepFeedback, ClassifyReplies,
        ErasePerson, DeliverWebhooks,
        UpdateWeights, Noop,
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to be written to the ledger.

    Attributes:
        args: What to do.
        key: Makes the id deterministic: the same key is the same job, and enqueuing it again is a
            no-op. None gives a random id.
        run_at: Not before this moment; None is now.
    """

    args: JobArgs
    key: str | None = None
    run_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: `done` of `total` (None: not known yet), and a few words.

    Attributes:
        counts: What there is to say in numbers, by name; which names, says the kind of job.
    """

    done: int
    total: int | None = None
    note: str = ""
    counts: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class Job:
    """A row of the ledger."""

    id: UUID
    kind: str
    queue: QueueName
    args: dict[str, Any]
    campaign_id: int | None
    state: JobState
    run_at: datetime
    attempts: int
    max_attempts: int
    cancel_requested: bool
    progress: dict[str, Any] | None
    result: dict[str, Any] | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One ring of the doorbell: which job, and the how-manieth ring it is.

    A job that is queued again gets the next number, which voids every earlier ring.
    """

    job_id: UUID
    number: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run that the ledger granted to a worker.

    Delivery and attempt together name the run: with the worker's name they fence off every other.

    Attributes:
        delivery: Which ring began it.
        attempt: 1 for the first run.
        args: As the ledger holds them; the worker decodes them into the kind's `JobArgs`.
    """

    job_id: UUID
    delivery: int
    kind: str
    args: dict[str, Any]
    campaign_id: int | None
    attempt: int
    max_attempts: int


@dataclass(frozen=True, slots=True)
class Finish:
    """What becomes of a job when a run ends.

    Attributes:
        state: `queued` is another run, not before `run_at`.
        refund: The run does not count as an attempt.
        result: JSON text, or None.
        error: One line, cut to a bound, or None.
    """

    state: JobState
    run_at: datetime | None = None
    refund: bool = False
    result: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that ended: which one, how, and the jobs that follow from it."""

    run: Claimed
    finish: Finish
    progress: str | None = None
    follow_ups: tuple[NewJob, ...] = ()


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life of one run, with its newest progress as JSON text."""

    run: Claimed
    progress: str | None = None


@dataclass(frozen=True, slots=True)
class LostRun:
    """A run whose worker went silent, and the state that its job got."""

    job_id: UUID
    kind: str
    campaign_id: int | None
    attempts: int
    state: JobState
