"""Lets verdicts outlive an edit of the criteria that cannot change them."""

from __future__ import annotations

from datetime import datetime

from omni.base.log import get_logger
from omni.campaigns.types import Campaign
from omni.qualification import shortlist_store as shortlists
from omni.qualification import store
from omni.qualification.edits_plan import Edit, edit_of, stands
from omni.qualification.types import VerdictKey
from omni.storage.db import Database

PAGE = 500


async def carry(
    db: Database,
    key: VerdictKey,
    epoch: int,
    campaign: Campaign,
    *,
    now: datetime,
    mark: shortlists.Mark,
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
    if await shortlists.is_carried(db, epoch):
        return 0
    carried = 0
    for source_hash, criteria in await shortlists.list_sources(db, key):
        edit = edit_of(criteria, campaign.criteria)
        carried += await _carry_from(db, key, epoch, campaign, source_hash, edit, now, mark)
    await shortlists.note_carried(db, epoch, now=now)
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
    mark: shortlists.Mark,
) -> int:
    carried = after = 0
    while page := await store.page_carriable(
        db, key, source_hash, after=after, limit=PAGE, with_views=edit.asks_for_views
    ):
        kept = [one for one in page if stands(edit, one.view, campaign.brief, one.reasons)]
        carried += await store.carry_verdicts(
            db, [one.id for one in kept], criteria_hash=key.criteria_hash, now=now
        )
        if kept:
            await mark(epoch, {one.profile_id: one.profile_hash for one in kept})
        after = page[-1].profile_id
    return carried
