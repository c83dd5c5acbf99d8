"""Reads outcomes and learns from them. The caller writes the weights: `campaigns` owns them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from omni.base.log import get_logger
from omni.campaigns.types import Campaign
from omni.profiles.types import DEFAULT_WEIGHTS, SIGNALS
from omni.storage.db import Executor
from omni.storage.sql import load_queries
from omni.weights import plan
from omni.weights.types import Learned, Outcome

QUERIES = load_queries("omni.weights")

MAX_OUTCOMES = 20_000


async def learn(db: Executor, campaign: Campaign, *, now: datetime) -> Learned | None:
    """Return better weights for the campaign's cheap score, learned from what became of its leads.

    The outcomes are the newest `MAX_OUTCOMES` feedback events and as many messages that nobody
    answered within a week.

    Returns:
        None if there are too few outcomes, or if they teach nothing that the weights in use do not
        say already.
    """
    rows = await db.fetch(
        QUERIES["list_outcomes"],
        campaign_id=campaign.id,
        kinds=list(plan.KINDS),
        silent_since=now - plan.SILENCE,
        limit=MAX_OUTCOMES,
    )
    outcomes = (Outcome(r["lead_id"], r["kind"], r["at"], tuple(r["signals"])) for r in rows)
    samples = plan.samples_of(outcomes, len(SIGNALS))
    learned = plan.learn(samples, await _chosen(db, campaign.id), campaign.weights)
    get_logger().info(
        "weights.learned", campaign_id=campaign.id, outcomes=len(samples), new=learned is not None
    )
    return learned


async def _chosen(db: Executor, campaign_id: int) -> Sequence[float]:
    """Return the weights that a person chose, the default ones if nobody did."""
    return await db.fetchval(QUERIES["get_chosen_weights"], campaign_id=campaign_id) or (
        DEFAULT_WEIGHTS
    )
