"""Keep in bounds, evict out of bounds: for changed profiles, or for one campaign as a whole.

**Why the pairs are right at rest**, whatever runs at once. A change is a commit: of features, of
a profile's deletion, of criteria, of weights. In the same transaction it asks for the job that
follows from it. Three things hold:

1. The writers of one campaign come one after the other (`lock_writer`), and each takes its snapshot
   after it has the lock, since the lock is a statement of its own. So a later writer sees all that
   an earlier one wrote, and no older features, criteria or weights than it did.
2. A writer whose criteria or weights are not those of its snapshot writes nothing.
3. After the last change of a pair there is a job that began after it, and covers the pair.

So the job of 3 leaves the pair as a full evaluation would, and every writer after it sees the same
values or writes nothing. A writer that dies leaves nothing of its transaction, and its job runs
again. There is no deadlock: a transaction holds one such lock, and only its holder writes pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from omni.base.log import get_logger
from omni.candidates.plan import SCORE_SQL, add_reports, score_params
from omni.candidates.store import QUERIES
from omni.candidates.types import CandidateReport, Target
from omni.jobs.types import Progress
from omni.profiles.types import DEFAULT_WEIGHTS
from omni.storage.db import Database
from omni.storage.sql import Fragment, Query

MAX_TARGETS = 1_000
"""The most campaigns that one call of `maintain` serves."""

IDS_PER_STATEMENT = 1_000
PROFILES_PER_RANGE = 2_000
_LAST_ID = 2**63 - 1


async def maintain(
    db: Database, targets: Sequence[Target], profile_ids: Sequence[int], *, now: datetime
) -> CandidateReport:
    """Bring the pairs of these profiles up to date, in a short transaction for each campaign.

    Args:
        db: Not a transaction: each campaign is let go before the next is taken.
        targets: At most `MAX_TARGETS`.
        profile_ids: Profiles that are new, changed or deleted; nothing else is looked at.
        now: Written as `updated_at` where something changes.
    """
    if len(targets) > MAX_TARGETS:
        raise ValueError(f"at most {MAX_TARGETS} campaigns at once")
    ids = sorted(set(profile_ids))
    parts = [
        ids[start : start + IDS_PER_STATEMENT] for start in range(0, len(ids), IDS_PER_STATEMENT)
    ]
    report = add_reports(
        [
            await _write(db, QUERIES["maintain_pairs"], target, now, ids=part)
            for target in targets
            for part in parts
        ]
    )
    get_logger().info(
        "candidates.maintained",
        profiles=len(ids),
        campaigns=len(targets),
        entered=report.entered,
        left=report.left,
        rescored=report.rescored,
        stale=report.stale,
    )
    return report


async def refresh(
    db: Database, target: Target, *, now: datetime, report: Callable[[Progress], None]
) -> CandidateReport:
    """Bring all pairs of one campaign up to date, in a short transaction for each range of ids.

    It may be stopped at any point, and run again: what is right already is not written. If the
    criteria or the weights change meanwhile, it stops, because another refresh is due then.

    Args:
        db: Not a transaction: maintenance goes on between two ranges.
        target: The campaign with its present criteria and weights.
        now: Written as `updated_at` where something changes.
        report: Told after each range how far it is, in profile_ids.
    """
    last: int = await db.fetchval(QUERIES["last_profile"]) or 0
    total, after = CandidateReport(), 0
    while after < _LAST_ID:
        upto: int = (
            await db.fetchval(QUERIES["end_of_range"], after=after, size=PROFILES_PER_RANGE)
            or _LAST_ID
        )
        part = await _write(db, QUERIES["refresh_pairs"], target, now, after=after, upto=upto)
        total = add_reports([total, part])
        if part.stale:
            break
        report(Progress(min(upto, last), last, "profiles"))
        after = upto
    get_logger().info(
        "candidates.refreshed",
        entered=total.entered,
        left=total.left,
        rescored=total.rescored,
        unchanged=total.unchanged,
        overtaken=bool(total.stale),
    )
    return total


async def _write(
    db: Database, query: Query, target: Target, now: datetime, **scope: object
) -> CandidateReport:
    fragments = {
        "where": Fragment(target.where.sql, target.where.params),
        "score": Fragment(SCORE_SQL, score_params(target.weights)),
    }
    async with db.transaction() as tx:
        await tx.execute(QUERIES["lock_writer"], campaign_id=target.campaign_id)
        row = await tx.fetchrow(
            query,
            fragments,
            campaign_id=target.campaign_id,
            criteria_hash=target.criteria_hash,
            weights=list(target.weights),
            default_weights=list(DEFAULT_WEIGHTS),
            now=now,
            **scope,
        )
    if row is None or not row["fresh"]:
        return CandidateReport(stale=1)
    return CandidateReport(
        entered=row["written"] - row["rescored"],
        left=row["gone"],
        rescored=row["rescored"],
        unchanged=row["held"] - row["gone"] - row["rescored"],
    )
