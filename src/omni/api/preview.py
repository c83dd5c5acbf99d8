"""What criteria would do, found out in bounded time.

Each question is one read-only statement with a limit of its own, about 3 s for all of them; the
whole, with the wait for a free connection, ends within `PATIENCE_S`. A small table is counted
whole; of a large one a sample of its pages is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, sqrt
from time import perf_counter
from typing import Any

from omni.api.deps import ApiDeps
from omni.api.estimate import estimate_calls
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
from omni.qualification.carrying_store import count_standing
from omni.qualification.plan import PROMPT_VERSION
from omni.qualification.types import MOST_REFUSALS, asked_version
from omni.storage.db import Database, Row
from omni.storage.sql import Fragment

FEW = 20_000
"""So many profiles are counted whole."""
PATIENCE_S = 5.0
"""Seconds after which a preview is given up, whatever it waits for."""
MOST_CANDIDATES = 20_000
MOST_JUDGED = 20_000
MOST_WEIGHED = 1_000
EXAMPLES = 5

_MS = {"plan": 200, "few": 700, "sample": 700, "small": 300, "matches": 300, "edit": 350}
_SAMPLES = (("sample", 2_000), ("small", 300))
_THIN = 4
_SURE = 1.96
_NOBODY = Where("false")


@dataclass(frozen=True, slots=True)
class Looked:
    """What a count found: `row` is None where there was no time even for a small sample."""

    row: Row | None
    exact: bool
    sample: Fragment
    most: int
    profiles: int

    def count(self, name: str) -> CountOut | None:
        """Return how many of all profiles are what the column says."""
        if self.row is None:
            return None
        if self.exact:
            return exactly(self.row[name])
        pages = self.row["pages"]
        return extrapolate(self.row[name], self.row["rows"], self.profiles, draws=pages)


async def preview(db: Database, asked: PreviewIn, deps: ApiDeps | None = None) -> PreviewOut:
    """Say what criteria mean and whom they would concern; for a campaign, what would change.

    Args:
        deps: Whose judges and prices say what an edit would take; None: that is not told.

    Raises:
        Rejected: The criteria are wrong; `field` is the path.
        NotFound: There is no such campaign.
        OutOfTime: So many ask at once that there was no answer within `PATIENCE_S`.
    """
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await _preview(db, asked, deps)
    except TimeoutError as error:
        raise OutOfTime("too many ask at once: ask again in a moment") from error


async def _preview(db: Database, asked: PreviewIn, deps: ApiDeps | None) -> PreviewOut:
    started = perf_counter()
    campaign = None if asked.campaign_id is None else await campaigns.get(db, asked.campaign_id)
    document = asked.criteria if asked.criteria is not None else campaign and campaign.criteria
    compiled, probes = compile_criteria(document), probe_criteria(document)
    held = compile_criteria(campaign.criteria).where if campaign else _NOBODY
    profiles, estimate = await _plan(db, compiled.where)
    edited = campaign and replace(
        campaign,
        brief=campaign.brief if asked.brief is None else asked.brief,
        criteria=compiled.canonical,
        criteria_hash=compiled.criteria_hash,
    )
    looked = await _look(db, compiled.where, held, probes, profiles)
    row: Mapping[str, Any] = looked.row or {"rows": 0}
    return PreviewOut(
        english=compiled.english,
        criteria=compiled.canonical,
        criteria_hash=compiled.criteria_hash,
        sql=compiled.where.sql,
        params=dict(compiled.where.params),
        notes=[NoteOut.model_validate(note) for note in compiled.notes],
        profiles=looked.profiles,
        estimate=estimate,
        looked_at=row["rows"],
        fits=looked.count("fits"),
        clauses=_shares(probes, row),
        matches=(matches := await _matches(db, compiled.where, looked)),
        edit=await _edit(db, deps, campaign, edited, compiled, looked, matches)
        if campaign and edited
        else None,
        took_ms=round((perf_counter() - started) * 1_000, 1),
    )


def exactly(count: int) -> CountOut:
    """Return a count that is one."""
    return CountOut(value=count, exact=True, low=count, high=count)


def extrapolate(hits: int, rows: int, total: int, *, draws: int) -> CountOut:
    """Return what a sample's share says of the whole, with Wilson's interval of 95 %.

    Args:
        hits: How many of the sample.
        rows: The sample.
        total: The whole.
        draws: How often chance chose: the pages, since the rows of a page are alike.
    """
    if rows == 0 or draws == 0:
        return CountOut(value=0, exact=False, low=0, high=total)
    share, weight = hits / rows, _SURE**2 / draws
    middle = (share + weight / 2) / (1 + weight)
    reach = _SURE / (1 + weight) * sqrt(share * (1 - share) / draws + weight / (4 * draws))
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
    """Count whom the criteria fit, and each clause: in all profiles, or in some of many."""
    whole = (("few", FEW + 1, Fragment("")),) if profiles <= FEW else ()
    samples = tuple((name, 2 * size, _pages(size, profiles)) for name, size in _SAMPLES)
    for name, most, sample in (*whole, *samples):
        fragments = {
            "where": Fragment(where.sql, where.params),
            "held": _renamed(held),
            "parts": _counted(probes),
            "sample": sample,
        }
        try:
            async with db.question(within_ms=_MS[name]) as tx:
                row = await tx.fetchrow(QUERIES["count_fitting"], fragments, most=most)
        except OutOfTime:
            continue
        exact = name == "few"
        if row is not None and not (exact and row["rows"] > FEW):
            return Looked(row, exact, sample, most, row["rows"] if exact else profiles)
    return Looked(None, False, Fragment(""), 0, profiles)


def _pages(size: int, profiles: int) -> Fragment:
    """Return the clause that picks about `size` profiles: every fourth of four times the pages."""
    percent = min(100.0, 100.0 * _THIN * size / max(profiles, 1))
    return Fragment(
        "tablesample system (:percent::real) repeatable (1) "
        f"where ((ctid::text::point)[1])::int % {_THIN} = 1",
        {"percent": percent},
    )


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
    fragments = {"where": Fragment(where.sql, where.params), "sample": looked.sample}
    try:
        async with db.question(within_ms=_MS["matches"]) as tx:
            rows = await tx.fetch(
                QUERIES["list_matches"], fragments, most=looked.most, limit=EXAMPLES
            )
    except OutOfTime:
        return []
    return [MatchOut(**row) for row in rows]


async def _edit(
    db: Database,
    deps: ApiDeps | None,
    before: Campaign,
    after: Campaign,
    compiled: Compiled,
    looked: Looked,
    matches: Sequence[MatchOut],
) -> EditOut | None:
    fits, enters, leaves = (looked.count(name) for name in ("fits", "enters", "leaves"))
    if fits is None or enters is None or leaves is None:
        return None
    changes = (after.criteria_hash, after.brief) != (before.criteria_hash, before.brief)
    runs = before.status == "active"
    judged = await _judged(db, after, compiled) if changes else 0
    stays = max(0, fits.value - enters.value)
    kept = await _kept(db, deps, before, after, compiled, stays) if changes else 0
    calls = exactly(0)
    if changes:
        spared = max(judged, kept)
        value, low, high = (max(0, n - spared) for n in (fits.value, fits.low, fits.high))
        calls = CountOut(value=value, exact=fits.exact, low=low, high=high)
    shortlist = ceil(before.judge_share * min(before.shortlist_size, calls.value))
    some = [match.profile_id for match in matches]
    return EditOut(
        changes=changes,
        enters=enters,
        leaves=await _leaves(db, before, compiled.where) or leaves,
        judged_already=judged,
        kept=kept,
        calls_next_run=shortlist if runs else 0,
        calls_in_all=calls,
        estimate=await estimate_calls(deps, after, calls.value, some) if deps and changes else None,
    )


async def _kept(
    db: Database,
    deps: ApiDeps | None,
    before: Campaign,
    after: Campaign,
    compiled: Compiled,
    stays: int,
) -> int:
    """Count the verdicts that the edit cannot change; of very many, as a part of them has it."""
    if deps is None or not deps.judges or after.brief != before.brief:
        return 0
    try:
        async with db.question(within_ms=_MS["edit"]) as tx:
            rows = await tx.fetch(
                QUERIES["list_staying"],
                {"where": Fragment(compiled.where.sql, compiled.where.params)},
                campaign_id=before.id,
                criteria_hash=before.criteria_hash,
                prompt_version=asked_version(before, PROMPT_VERSION),
                model=deps.judges[0].model,
                most=MOST_WEIGHED,
            )
    except OutOfTime:
        return 0
    verdicts = [(row["view"], row["reasons"]) for row in rows]
    kept = count_standing(before.criteria, after.criteria, before.brief, verdicts)
    return kept if len(rows) < MOST_WEIGHED else kept * max(stays, len(rows)) // len(rows)


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
    return exactly(row["leaves"])


async def _judged(db: Database, campaign: Campaign, compiled: Compiled) -> int:
    """Count whom these criteria need not ask about, as after an edit that is taken back."""
    try:
        async with db.question(within_ms=_MS["edit"]) as tx:
            return await tx.fetchval(
                QUERIES["count_judged"],
                {"where": Fragment(compiled.where.sql, compiled.where.params)},
                campaign_id=campaign.id,
                criteria_hash=compiled.criteria_hash,
                prompt_version=asked_version(campaign, PROMPT_VERSION),
                most_refusals=MOST_REFUSALS,
                most=MOST_JUDGED,
            )
    except OutOfTime:
        return 0
