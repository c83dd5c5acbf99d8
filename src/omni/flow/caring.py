"""Tells the planner of looks whom campaigns care about, in the job that changes it.

A person is a lead, a candidate, or a stranger. Candidates and leads live downstream of profiles, so
it is the conductor that carries this up. Everything is idempotent and in bounded pages; what is
missed here (a person's decision, a campaign that was archived) is put right at the next look.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from omni.candidates import store as candidates
from omni.flow.world import World
from omni.leads import store as leads
from omni.profiles import refresh_work as refreshing
from omni.profiles.refresh import INTEREST

PAGE = 1_000


async def interests_of(world: World, profile_ids: Sequence[int]) -> dict[int, float]:
    """Return how much campaigns care about these people now."""
    live = await leads.find_live(world.db, profile_ids)
    held = await candidates.find_held(world.db, profile_ids)
    return {
        each: INTEREST["lead"]
        if each in live
        else INTEREST["candidate" if each in held else "stranger"]
        for each in profile_ids
    }


async def note_people(world: World, profile_ids: Sequence[int]) -> int:
    """Note it for these people; return for how many it is news."""
    ids = sorted(set(profile_ids))
    written = 0
    for start in range(0, len(ids), PAGE):
        interests = await interests_of(world, ids[start : start + PAGE])
        written += await refreshing.note_interest(world.db, interests, now=world.clock())
    return written


async def note_candidates(world: World, campaign_id: int) -> int:
    """Note it for all candidates of a campaign; return for how many it is news.

    Who has left them keeps the interest that they had until their next look, which comes the sooner
    for it.
    """
    written, mark = 0, await candidates.next_mark(world.db, campaign_id, after=-1)
    while mark is not None:
        after: tuple[float, int] | None = None
        while page := await candidates.page_held(
            world.db, campaign_id, judged_epoch=mark, after=after, limit=PAGE
        ):
            written += await note_people(world, [profile_id for _, profile_id in page])
            after = page[-1]
        mark = await candidates.next_mark(world.db, campaign_id, after=mark)
    return written


async def note_leads(world: World, campaign_id: int, since: datetime) -> int:
    """Note it for all whose lead has changed since a moment; return for how many it is news."""
    written, after = 0, 0
    while people := await leads.page_moved(
        world.db, campaign_id, since=since, after=after, limit=PAGE
    ):
        written += await note_people(world, people)
        after = people[-1]
    return written
