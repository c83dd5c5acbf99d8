"""The active campaigns, compiled to be held against changed profiles, and kept between jobs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from omni.base.errors import Rejected
from omni.base.log import get_logger
from omni.campaigns import store as campaigns
from omni.campaigns.types import Campaign, Version
from omni.candidates import store as candidates
from omni.candidates.types import Crowd, Target
from omni.predicate.atoms import queries_of
from omni.predicate.compile import compile_where
from omni.predicate.matcher import Percolator
from omni.predicate.parse import parse
from omni.predicate.types import Criteria
from omni.storage.db import Database

PAGE = 1_000
"""How many campaigns are compiled together."""

Versions = tuple[Version, ...]


class Crowds:
    """Pages of all active campaigns, each compiled once for each state that it is in.

    A page is compared with the campaigns as they are whenever it is asked for, by the versions of
    their criteria and weights, and what was compiled is known by the very versions that went into
    it. So what is given is never older than the question.
    """

    def __init__(self) -> None:
        self._kept: dict[Versions, Crowd] = {}

    async def pages(self, db: Database) -> AsyncGenerator[Crowd]:
        """Yield all active campaigns, `PAGE` at a time.

        Where there is none, one empty page tells of it: people who are gone leave the campaigns
        that are paused, too.
        """
        used: dict[Versions, Crowd] = {}
        after = 0
        while True:
            versions = tuple(await campaigns.versions(db, PAGE, after_id=after))
            if not versions:
                break
            if versions not in self._kept:
                found = await campaigns.active(db, PAGE, after_id=after)
                if not found:
                    break
                # They may have changed since: what was read counts, not what was asked for.
                versions = tuple(map(_version, found))
                self._kept[versions] = await compile_crowd(db, found)
            used[versions] = crowd = self._kept[versions]
            yield crowd
            after = versions[-1].campaign_id
        if not used:
            yield Crowd((), Percolator((), {}))
        self._kept = used  # and what is no longer so is forgotten


async def compile_crowd(db: Database, found: Sequence[Campaign]) -> Crowd:
    """Compile campaigns together; those whose criteria no longer can be read are left out."""
    read = [(campaign, tree) for campaign in found if (tree := _tree(campaign)) is not None]
    queries = sorted({query for _, tree in read for query in queries_of(tree)})
    words = await candidates.read_words(db, queries)
    targets = tuple(target_of(campaign, tree) for campaign, tree in read)
    percolator = await asyncio.to_thread(Percolator, [tree for _, tree in read], words)
    return Crowd(targets, percolator)


def target_of(campaign: Campaign, tree: Criteria) -> Target:
    """Return what the campaign's candidates are kept for."""
    return Target(
        campaign.id,
        compile_where(tree),
        campaign.weights,
        campaign.weights_version,
        campaign.criteria_hash,
    )


def _tree(campaign: Campaign) -> Criteria | None:
    try:
        return parse(campaign.criteria)
    except Rejected as error:
        get_logger().error("flow.criteria_unreadable", campaign_id=campaign.id, error=str(error))
        return None


def _version(campaign: Campaign) -> Version:
    return Version(campaign.id, campaign.criteria_hash, campaign.weights_version)
