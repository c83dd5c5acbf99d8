"""Keep in bounds, evict out of bounds: for changed profiles, or for one campaign as a whole.

Changed profiles are looked at first, outside of any transaction: their features are read, held
against all campaigns in memory, and scored. Then one short transaction reads the pairs that they
are held in and writes the differences.

**Why the pairs are right at rest**, whatever runs at once. A change is a commit: of features, of
a profile's deletion, of criteria, of weights. In the same transaction it asks for the job that
follows from it. Four things hold:

1. The writers of the pairs of one profile come one after the other, whatever the campaign: each
   holds the lane of the profile (`lock_lanes`) until its end, and takes its snapshots after it has
   the lane, since the lock is a statement of its own. So a later writer sees all that an earlier
   one wrote, and no older features, criteria or weights than it did.
2. A writer writes nothing for a profile whose features, in such a snapshot, are not those that it
   had looked at (`find_overtaken`, by the version of the row; a refresh looks and writes in one
   statement). So what it writes is what that snapshot says.
3. A writer writes nothing for a campaign whose criteria or weights, in the snapshot of the
   statement that writes, are not those that it had compiled (`fresh`). So compiled campaigns may be
   kept for as long as one likes: a stale one costs a delta its write, and never makes one wrong.
   That no delta passes over a campaign because of it is the keeper's part: he compares what he
   keeps with the campaigns after the job has begun.
4. After the last change of a pair there is a job that began after it, and covers the pair. What
   changes a pair is what its criteria read, its signals and its username. A job that is told what
   changed passes over the campaigns that read nothing of it; so whoever finds that a profile has
   been overtaken looks at it again himself, for the later change may concern other campaigns.

So the job of 4 leaves the pair as a full evaluation would, and every writer after it sees the same
values or writes nothing; one before it is overwritten. A change that comes between the snapshot of
2 or 3 and the commit has its own job, which waits for the lane. A writer that dies leaves nothing
of its transaction, and its job runs again.

A refresh that was stopped goes on where it was, if it is the same job for the same criteria and
weights. Whatever changed behind it has a job of its own: a profile its maintenance; criteria,
weights and the return of a campaign that was paused another refresh, which begins with the first
profile. The place is written in the transaction of its range, so it never promises too much.

There is no deadlock: all lanes of a transaction are taken in ascending order before anything else,
and only who holds a profile's lane touches its pairs. Nobody waits long: a lane is held for the
reading and writing of pairs, never while a thousand campaigns are evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from omni.base.errors import Transient
from omni.base.log import get_logger
from omni.candidates.differences import (
    Changes,
    Differences,
    Looked,
    Pair,
    concerned,
    differences,
    doubtful,
    lanes_of,
    lanes_of_range,
    matches_of,
    wanted_pairs,
)
from omni.candidates.plan import SCORE_SQL, add_reports, score_params
from omni.candidates.store import QUERIES
from omni.candidates.types import CandidateReport, Crowd, Target
from omni.jobs.types import Progress
from omni.storage.db import Database, Tx
from omni.storage.sql import Fragment

IDS_PER_STATEMENT = 1_000
PROFILES_PER_RANGE = 2_000
MOST_LOOKS = 20
"""How often one attempt looks at those who change while they are looked at; each is shorter."""

FEW = 5_000
"""So many candidates of a campaign may be walked for each range of a refresh."""

_LAST_ID = 2**63 - 1


async def maintain(
    db: Database,
    crowd: Crowd,
    profile_ids: Sequence[int],
    *,
    now: datetime,
    changes: Changes | None = None,
) -> CandidateReport:
    """Bring the pairs of these profiles up to date, for all campaigns of the crowd at once.

    Args:
        db: Not a transaction: each thousand of profiles has its own short one.
        crowd: As it was, or was found to be still, after the job had begun.
        profile_ids: Profiles that are new, changed or deleted; nothing else is looked at.
        now: Written as `updated_at` where something changes.
        changes: What changed of them, as sets of `MARKS`. Who is not in it, or all if it is None,
            may have changed in everything.

    Raises:
        Transient: Somebody changed again and again, whenever they had been looked at.
    """
    ids = sorted(set(profile_ids))
    looked_at = concerned(crowd, ids, changes)
    reports = [CandidateReport(passed=len(ids) - len(looked_at))]
    for start in range(0, len(looked_at), IDS_PER_STATEMENT):
        part = looked_at[start : start + IDS_PER_STATEMENT]
        reports.append(await _maintain(db, crowd, part, now, changes))
    report = add_reports(reports)
    get_logger().info(
        "candidates.maintained",
        profiles=len(ids),
        campaigns=len(crowd.targets),
        entered=report.entered,
        left=report.left,
        rescored=report.rescored,
        stale=report.stale,
        overtaken=report.overtaken,
        passed=report.passed,
    )
    return report


async def refresh(
    db: Database,
    target: Target,
    *,
    now: datetime,
    report: Callable[[Progress], None],
    job_id: UUID | None = None,
) -> CandidateReport:
    """Bring all pairs of one campaign up to date, in a short transaction for each range of ids.

    It may be stopped at any point, and run again: the same job goes on where it was, and what is
    right already is not written. If the criteria or the weights change meanwhile, it stops, because
    another refresh is due then.

    Args:
        db: Not a transaction: maintenance goes on between two ranges, and beside them.
        target: The campaign with its present criteria and weights.
        now: Written as `updated_at` where something changes.
        report: Told after each range how far it is, in profile_ids.
        job_id: Who asks, and may ask again; None begins with the first profile each time.

    Returns:
        What this run did; the runs before it, that were stopped, are not counted.
    """
    last: int = await db.fetchval(QUERIES["last_profile"]) or 0
    begun = after = await _place(db, target, job_id)
    total = CandidateReport()
    held: int = await db.fetchval(QUERIES["count_candidates"], campaign_id=target.campaign_id)
    while after < _LAST_ID:
        upto: int = (
            await db.fetchval(QUERIES["end_of_range"], after=after, size=PROFILES_PER_RANGE)
            or _LAST_ID
        )
        few = held + total.entered <= FEW
        part = await _refresh_range(db, target, now, after, upto, job_id, few=few)
        total = add_reports([total, part])
        if part.stale:
            break
        report(Progress(min(upto, last), last, "profiles"))
        after = upto
    if job_id is not None:
        await db.execute(QUERIES["forget_place"], campaign_id=target.campaign_id, job_id=job_id)
    get_logger().info(
        "candidates.refreshed",
        begun_after=begun,
        entered=total.entered,
        left=total.left,
        rescored=total.rescored,
        unchanged=total.unchanged,
        overtaken=bool(total.stale),
    )
    return total


async def _place(db: Database, target: Target, job_id: UUID | None) -> int:
    """Return the last profile that an earlier run of the same job has done, or 0."""
    if job_id is None:
        return 0
    return await db.fetchval(QUERIES["find_place"], job_id=job_id, **_state(target)) or 0


def _state(target: Target) -> dict[str, Any]:
    """Return what a refresh is for, as the statements take it."""
    return {
        "campaign_id": target.campaign_id,
        "criteria_hash": target.criteria_hash,
        "weights_version": target.weights_version,
    }


async def _maintain(
    db: Database, crowd: Crowd, ids: Sequence[int], now: datetime, changes: Changes | None
) -> CandidateReport:
    """Look and write, and again for those who changed in between."""
    reports: list[CandidateReport] = []
    left = ids
    for _ in range(MOST_LOOKS):
        report, left = await _look_and_write(db, crowd, left, now, changes)
        reports.append(report)
        if not left:
            return add_reports(reports)
    raise Transient(f"{len(left)} profiles change faster than they can be looked at")


async def _look_and_write(
    db: Database, crowd: Crowd, ids: Sequence[int], now: datetime, changes: Changes | None
) -> tuple[CandidateReport, list[int]]:
    """Return what was done, and who was overtaken by another change and left alone."""
    looked = await _look(db, crowd, ids, changes)
    async with db.transaction() as tx:
        await tx.execute(QUERIES["lock_lanes"], lanes=lanes_of(ids))
        found = await tx.fetch(
            QUERIES["find_overtaken"], ids=ids, row_versions=[looked.versions[i] for i in ids]
        )
        overtaken = {row["profile_id"] for row in found}
        held = await tx.fetch(QUERIES["read_pairs"], ids=ids)
        written = await _write(tx, crowd, differences(crowd, looked, held, overtaken), now)
    return replace(written, overtaken=len(overtaken)), sorted(overtaken)


async def _look(db: Database, crowd: Crowd, ids: Sequence[int], changes: Changes | None) -> Looked:
    """Find out what the profiles mean to the campaigns; nothing is locked meanwhile."""
    columns = "".join(f", {sql} as {name}" for name, sql in crowd.matcher.columns.items())
    rows = await db.fetch(QUERIES["read_profiles"], {"columns": Fragment(columns)}, ids=ids)
    matches = matches_of(crowd, rows)
    doubts, supposed = doubtful(crowd, matches, changes)
    refused: set[Pair] = set()
    for place, asked in doubts.items():
        target = crowd.targets[place]
        where = Fragment(target.where.sql, target.where.params)
        found = await db.fetch(QUERIES["confirm_matches"], {"where": where}, ids=asked)
        refused |= {(i, target.campaign_id) for i in {*asked} - {r["profile_id"] for r in found}}
    versions: dict[int, int | None] = dict.fromkeys(ids)
    versions |= {row["profile_id"]: row["row_version"] for row in rows}
    return Looked(versions, wanted_pairs(crowd, rows, matches, refused), supposed)


async def _write(tx: Tx, crowd: Crowd, found: Differences, now: datetime) -> CandidateReport:
    touched = found.campaigns
    if not touched:
        return CandidateReport(unchanged=found.unchanged)
    targets = [target for target in crowd.targets if target.campaign_id in touched]
    row = await tx.fetchrow(
        QUERIES["write_differences"],
        campaign_ids=[target.campaign_id for target in targets],
        criteria_hashes=[target.criteria_hash for target in targets],
        weights_versions=[target.weights_version for target in targets],
        new_profiles=[each[0] for each in found.new],
        new_campaigns=[each[1] for each in found.new],
        new_usernames=[each[2] for each in found.new],
        new_scores=[each[3] for each in found.new],
        profiles=[each[0] for each in found.changed],
        their_campaigns=[each[1] for each in found.changed],
        usernames=[each[2] for each in found.changed],
        scores=[each[3] for each in found.changed],
        out_profiles=[each[0] for each in found.out],
        out_campaigns=[each[1] for each in found.out],
        out_gone=[each[2] for each in found.out],
        now=now,
    )
    assert row is not None
    return CandidateReport(
        entered=row["entered"],
        left=row["gone"],
        rescored=row["rescored"],
        unchanged=found.unchanged,
        stale=len(targets) - row["fresh"],
    )


async def _refresh_range(
    db: Database,
    target: Target,
    now: datetime,
    after: int,
    upto: int,
    job_id: UUID | None,
    *,
    few: bool,
) -> CandidateReport:
    fragments = {
        "campaign": Fragment("cc.campaign_id" if few else "cc.campaign_id + 0"),
        "where": Fragment(target.where.sql, target.where.params),
        "score": Fragment(SCORE_SQL, score_params(target.weights)),
    }
    state = _state(target)
    async with db.transaction() as tx:
        await tx.execute(QUERIES["lock_lanes"], lanes=lanes_of_range(after + 1, upto))
        row = await tx.fetchrow(
            QUERIES["refresh_pairs"], fragments, now=now, after=after, upto=upto, **state
        )
        if row is None or not row["fresh"]:
            return CandidateReport(stale=1)
        if job_id is not None:
            await tx.execute(QUERIES["note_place"], job_id=job_id, upto=upto, now=now, **state)
    return CandidateReport(
        entered=row["written"] - row["rescored"],
        left=row["gone"],
        rescored=row["rescored"],
        unchanged=row["held"] - row["gone"] - row["rescored"],
    )
