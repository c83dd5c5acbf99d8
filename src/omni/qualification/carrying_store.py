"""Lets verdicts outlive an edit of the criteria that cannot change them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from omni.base.log import get_logger
from omni.campaigns.types import Campaign
from omni.qualification.edits import Edit, edit_of, stands
from omni.qualification.types import Carriable, VerdictKey
from omni.storage.db import Database, Executor
from omni.storage.sql import Fragment, load_queries

QUERIES = load_queries("omni.qualification")
EPOCHS = load_queries("omni.qualification", "shortlist")

MOST_SOURCES = 5
"""From so many criteria that a campaign had before verdicts are carried over, the newest first."""
PAGE = 500
_PAGE = Fragment("and s.profile_id > :after::bigint order by s.profile_id limit :limit")
_OF_PEOPLE = Fragment("and s.profile_id = any(:profile_ids::bigint[]) order by s.profile_id")

Mark = Callable[[int, Mapping[int, str]], Awaitable[object]]
"""Marks candidates as settled under an epoch, given the view of each that is settled."""


async def carry(
    db: Database,
    key: VerdictKey,
    epoch: int,
    campaign: Campaign,
    *,
    now: datetime,
    mark: Mark,
) -> int:
    """Carry over what the campaign's former criteria have brought, once for each epoch.

    What is broken off begins anew, and finds what was carried in its place.

    Args:
        key: What verdicts are wanted for.
        epoch: The key's number.
        mark: Marks who is settled by it.

    Returns:
        How many verdicts need not be asked for.
    """
    if await is_carried(db, epoch):
        return 0
    carried = 0
    for source_hash, criteria in await list_sources(db, key):
        edit = edit_of(criteria, campaign.criteria)
        carried += await _carry_from(db, key, epoch, campaign, source_hash, edit, now, mark)
    await note_carried(db, epoch, now=now)
    if carried:
        get_logger().info("qualification.verdicts_carried", verdicts=carried, model=key.model)
    return carried


async def _carry_from(
    db: Database,
    key: VerdictKey,
    epoch: int,
    campaign: Campaign,
    source_hash: str,
    edit: Edit,
    now: datetime,
    mark: Mark,
) -> int:
    carried = after = 0
    while page := await page_carriable(
        db, key, source_hash, after=after, limit=PAGE, with_views=edit.asks_for_views
    ):
        kept = [one for one in page if stands(edit, one.view, campaign.brief, one.reasons)]
        carried += await carry_verdicts(
            db, [one.id for one in kept], criteria_hash=key.criteria_hash, now=now
        )
        if kept:
            await mark(epoch, {one.profile_id: one.profile_hash for one in kept})
        after = page[-1].profile_id
    return carried


async def find_carriable(
    db: Executor, key: VerdictKey, epoch: int, campaign: Campaign, profile_ids: Sequence[int]
) -> frozenset[int]:
    """Return who of these people the next run will not ask about; nothing is carried by it."""
    if not profile_ids or await is_carried(db, epoch):
        return frozenset()
    found: set[int] = set()
    for source_hash, criteria in await list_sources(db, key):
        edit = edit_of(criteria, campaign.criteria)
        rows = await db.fetch(
            QUERIES["find_carriable"],
            {"whom": _OF_PEOPLE},
            **asdict(key),
            source_hash=source_hash,
            profile_ids=[one for one in profile_ids if one not in found],
            with_views=edit.asks_for_views,
        )
        verdicts = [Carriable(**row) for row in rows]
        found |= {
            one.profile_id
            for one in verdicts
            if stands(edit, one.view, campaign.brief, one.reasons)
        }
    return frozenset(found)


async def list_sources(
    db: Executor, key: VerdictKey, *, limit: int = MOST_SOURCES
) -> list[tuple[str, dict[str, Any]]]:
    """Return hash and canonical JSON of other criteria of the campaign, the newest first."""
    rows = await db.fetch(EPOCHS["list_sources"], **asdict(key), limit=limit)
    return [(row["criteria_hash"], row["criteria"]) for row in rows]


async def is_carried(db: Executor, epoch: int) -> bool:
    """Tell whether all verdicts that hold under this epoch, too, were carried over to it."""
    return bool(await db.fetchval(EPOCHS["is_carried"], epoch=epoch))


async def note_carried(db: Executor, epoch: int, *, now: datetime) -> None:
    """Note that they were."""
    await db.execute(EPOCHS["note_carried"], epoch=epoch, now=now)


async def page_carriable(
    db: Executor,
    key: VerdictKey,
    source_hash: str,
    *,
    after: int,
    limit: int,
    with_views: bool,
) -> list[Carriable]:
    """Return candidates with a verdict under other criteria and none under these, by profile.

    Args:
        key: What verdicts are wanted for.
        source_hash: Hash of the other criteria.
        after: The last profile of the page before; 0 is the first page.
        with_views: Read what a judge sees, too; else it is empty.
    """
    rows = await db.fetch(
        QUERIES["find_carriable"],
        {"whom": _PAGE},
        **asdict(key),
        source_hash=source_hash,
        after=after,
        limit=limit,
        with_views=with_views,
    )
    return [Carriable(**row) for row in rows]


async def carry_verdicts(
    db: Executor, ids: Sequence[int], *, criteria_hash: str, now: datetime
) -> int:
    """Let verdicts hold under other criteria, too; return how many are new there."""
    return await db.execute(
        QUERIES["carry_verdicts"], ids=list(ids), criteria_hash=criteria_hash, now=now
    )


def count_standing(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    brief: str,
    verdicts: Sequence[tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]],
) -> int:
    """Return how many verdicts, each given as view and reasons, an edit cannot change.

    Args:
        before: Canonical JSON.
        after: The same.
        brief: The campaign's, which stays.
        verdicts: Under the criteria before.
    """
    edit = edit_of(before, after)
    return sum(stands(edit, view, brief, reasons) for view, reasons in verdicts)
