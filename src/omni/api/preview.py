"""What criteria would do, found out in bounded time.

Each question is one read-only statement with a limit of its own; together they take at most the sum
of `_MS`, under 3 s. A small table is counted whole; of a large one a sample of its pages is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor, sqrt
from time import perf_counter
from typing import Any

from omni.api.schemas import NoteOut, PreviewIn
from omni.api.schemas.criteria import (
    ClauseShare,
    CountOut,
    EditOut,
    MatchOut,
    PreviewOut,
)
from omni.api.store import QUERIES
from omni.base.errors import OutOfTime
from omni.campaigns import store as campaigns
from omni.campaigns.types import Campaign
from omni.predicate.plan import compile_criteria, probe_criteria
from omni.predicate.types import Compiled, Probes, Step, Where
from omni.storage.db import Database, Row
from omni.storage.sql import Fragment

FEW = 20_000
"""So many profiles are counted whole."""
SAMPLE = 2_000
SMALL_SAMPLE = 300
MOST_CANDIDATES = 20_000
MOST_JUDGED = 20_000
EXAMPLES = 5

_MS = {"plan": 200, "few": 700, "sample": 700, "small": 300, "matches": 300, "edit": 350}
_SURE = 1.96
_NOBODY = Where("false")


@dataclass(frozen=True, slots=True)
class Looked:
    """What a count found: `row` is None where there was no time even for a small sample."""

    row: Row | None
    exact: bool
    percent: float


async def preview(db: Database, asked: PreviewIn) -> PreviewOut:
    """Say what criteria mean and whom they would concern; for a campaign, what would change.

    Raises:
        Rejected: The criteria are wrong; `field` is the path.
        NotFound: There is no such campaign.
    """
    started = perf_counter()
    campaign = None if asked.campaign_id is None else await campaigns.get(db, asked.campaign_id)
    document = asked.criteria if asked.criteria is not None else campaign and campaign.criteria
    compiled, probes = compile_criteria(document), probe_criteria(document)
    held = compile_criteria(campaign.criteria).where if campaign else _NOBODY
    profiles, estimate = await _plan(db, compiled.where)
    looked = await _look(db, compiled.where, held, probes, profiles)
    row: Mapping[str, Any] = looked.row or {"rows": 0, "fits": 0}
    profiles = row["rows"] if looked.exact else profiles
    fits = count_of(row["fits"], row["rows"], profiles, exact=looked.exact) if looked.row else None
    return PreviewOut(
        english=compiled.english,
        criteria=compiled.canonical,
        criteria_hash=compiled.criteria_hash,
        sql=compiled.where.sql,
        params=dict(compiled.where.params),
        notes=[NoteOut.model_validate(note) for note in compiled.notes],
        profiles=profiles,
        estimate=estimate,
        looked_at=row["rows"],
        fits=fits,
        clauses=_shares(probes, row),
        matches=await _matches(db, compiled.where, looked),
        edit=await _edit(db, campaign, compiled, looked, profiles) if campaign else None,
        took_ms=round((perf_counter() - started) * 1_000, 1),
    )


def count_of(hits: int, rows: int, total: int, *, exact: bool) -> CountOut:
    """Return a count, or what a sample's share says of the whole (Wilson's interval, 95 %)."""
    if exact:
        return CountOut(value=hits, exact=True, low=hits, high=hits)
    if rows == 0:
        return CountOut(value=0, exact=False, low=0, high=total)
    share, weight = hits / rows, _SURE**2 / rows
    middle = (share + weight / 2) / (1 + weight)
    reach = _SURE / (1 + weight) * sqrt(share * (1 - share) / rows + weight / (4 * rows))
    return CountOut(
        value=round(share * total),
        exact=False,
        low=max(0, floor((middle - reach) * total)),
        high=min(total, ceil((middle + reach) * total)),
    )


async def _plan(db: Database, where: Where) -> tuple[int, int | None]:
    """Return how many profiles there are and how many fit, as the planner's statistics have it."""
    async with db.question(within_ms=_MS["plan"]) as tx:
        profiles = await tx.estimate_rows(QUERIES["all_profiles"])
    try:
        async with db.question(within_ms=_MS["plan"]) as tx:
            fragments = {"where": Fragment(where.sql, where.params)}
            return profiles, await tx.estimate_rows(QUERIES["fitting_profiles"], fragments)
    except OutOfTime:
        return profiles, None


async def _look(db: Database, where: Where, held: Where, probes: Probes, profiles: int) -> Looked:
    fragments = {
        "where": Fragment(where.sql, where.params),
        "held": _renamed(held),
        "parts": _counted(probes),
    }
    if profiles <= FEW:
        try:
            async with db.question(within_ms=_MS["few"]) as tx:
                row = await tx.fetchrow(QUERIES["count_in_few"], fragments, most=FEW)
            if row is not None and row["rows"] <= FEW:
                return Looked(row, True, 100.0)
        except OutOfTime:
            pass
    for size, name in ((SAMPLE, "sample"), (SMALL_SAMPLE, "small")):
        percent = min(100.0, 100.0 * 1.3 * size / max(profiles, 1))
        try:
            async with db.question(within_ms=_MS[name]) as tx:
                row = await tx.fetchrow(
                    QUERIES["count_in_sample"], fragments, percent=percent, most=size
                )
            return Looked(row, False, percent)
        except OutOfTime:
            continue
    return Looked(None, False, 0.0)


def _renamed(where: Where) -> Fragment:
    """Give a second predicate of one query parameters of its own."""
    return Fragment(
        where.sql.replace(":c_", ":h_"),
        {name.replace("c_", "h_", 1): value for name, value in where.params.items()},
    )


def _counted(probes: Probes) -> Fragment:
    columns = [
        f"count(*) filter (where ({step.sql}) is true) as t_{place}, "
        f"count(*) filter (where ({step.sql}) is null) as u_{place}"
        for place, step in enumerate(_clauses(probes))
    ]
    return Fragment(", ".join(columns), probes.params)


def _clauses(probes: Probes) -> list[Step]:
    return [step for step in probes.steps() if step.kind == "clause"]


def _shares(probes: Probes, row: Mapping[str, Any]) -> list[ClauseShare]:
    if not row["rows"]:
        return []
    return [
        ClauseShare(
            path=step.path,
            field=step.field or "",
            english=step.english,
            fits=row[f"t_{place}"] / row["rows"],
            unknown=row[f"u_{place}"] / row["rows"],
        )
        for place, step in enumerate(_clauses(probes))
    ]


async def _matches(db: Database, where: Where, looked: Looked) -> list[MatchOut]:
    if looked.row is None or not looked.row["fits"]:
        return []
    fragments = {"where": Fragment(where.sql, where.params)}
    name = "list_matches_in_few" if looked.exact else "list_matches_in_sample"
    own = {} if looked.exact else {"percent": looked.percent}
    most = FEW if looked.exact else SAMPLE
    try:
        async with db.question(within_ms=_MS["matches"]) as tx:
            rows = await tx.fetch(QUERIES[name], fragments, most=most, limit=EXAMPLES, **own)
    except OutOfTime:
        return []
    return [MatchOut(**row) for row in rows]


async def _edit(
    db: Database, campaign: Campaign, compiled: Compiled, looked: Looked, profiles: int
) -> EditOut | None:
    if looked.row is None:
        return None
    row, changes = looked.row, compiled.criteria_hash != campaign.criteria_hash
    rows, exact = row["rows"], looked.exact
    fits = count_of(row["fits"], rows, profiles, exact=exact)
    judged = await _judged(db, campaign, compiled) if changes else 0
    in_all = CountOut(
        value=max(0, fits.value - judged) if changes else 0,
        exact=exact or not changes,
        low=max(0, fits.low - judged) if changes else 0,
        high=max(0, fits.high - judged) if changes else 0,
    )
    return EditOut(
        changes=changes,
        enters=count_of(row["enters"], rows, profiles, exact=exact),
        leaves=await _leaves(db, campaign, compiled.where)
        or count_of(row["leaves"], rows, profiles, exact=exact),
        judged_already=judged,
        calls_next_run=min(campaign.shortlist_size, in_all.value),
        calls_in_all=in_all,
    )


async def _leaves(db: Database, campaign: Campaign, where: Where) -> CountOut | None:
    """Count the present candidates who would go; None if there are too many to look at."""
    try:
        async with db.question(within_ms=_MS["edit"]) as tx:
            row = await tx.fetchrow(
                QUERIES["count_candidates_now"],
                {"where": Fragment(where.sql, where.params)},
                campaign_id=campaign.id,
                most=MOST_CANDIDATES,
            )
    except OutOfTime:
        return None
    if row is None or row["held"] > MOST_CANDIDATES:
        return None
    return count_of(row["leaves"], row["held"], row["held"], exact=True)


async def _judged(db: Database, campaign: Campaign, compiled: Compiled) -> int:
    """Count verdicts that these criteria have already, as after an edit that is taken back."""
    try:
        async with db.question(within_ms=_MS["edit"]) as tx:
            return await tx.fetchval(
                QUERIES["count_judged"],
                {"where": Fragment(compiled.where.sql, compiled.where.params)},
                campaign_id=campaign.id,
                criteria_hash=compiled.criteria_hash,
                most=MOST_JUDGED,
            )
    except OutOfTime:
        return 0
