"""Outcomes in the tables become better weights, once."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any

import numpy as np

from omni.campaigns import store as campaigns
from omni.campaigns.types import Campaign
from omni.profiles.types import DEFAULT_WEIGHTS, SIGNALS
from omni.storage.db import Database
from omni.weights.plan import MIN_OUTCOMES
from omni.weights.work import learn
from tests.dispatch_fixtures import NOW, add_campaign, add_leads, rows

LATER = NOW + timedelta(days=8)


async def _with_outcomes(db: Database, count: int, *, silent: bool = False) -> Campaign:
    """Leads whose first signal decides: above a half they are interested, else they say no."""
    campaign = await add_campaign(db)
    await add_leads(db, campaign, count)
    rng = np.random.default_rng(3)
    for row in await rows(db, "select id, profile_id, platform_id from leads order by id"):
        signals = [float(signal) for signal in rng.random(len(SIGNALS))]
        await rows(
            db,
            "update profile_features set signals = :signals where profile_id = :id",
            signals=signals,
            id=row["profile_id"],
        )
        await _end(db, campaign, row, interested=signals[0] > 0.5, silent=silent)
    return campaign


async def _end(
    db: Database, campaign: Campaign, lead: dict[str, Any], *, interested: bool, silent: bool
) -> None:
    if silent:
        await rows(
            db,
            "insert into messages (campaign_id, lead_id, profile_id, platform, platform_id,"
            " username, body, body_hash, state, sent_at)"
            " values (:campaign, :lead, :profile, 'synthetic', :person, 'u', 'x', 'x', 'sent',"
            " :now)",
            campaign=campaign.id,
            lead=lead["id"],
            profile=lead["profile_id"],
            person=lead["platform_id"],
            now=NOW,
        )
    if interested or not silent:
        await rows(
            db,
            "insert into feedback_events"
            " (source, event_id, kind, campaign_id, lead_id, occurred_at)"
            " values ('s', 'e' || :lead::bigint, :kind, :campaign, :lead, :now)",
            kind="interested" if interested else "not_interested",
            campaign=campaign.id,
            lead=lead["id"],
            now=NOW,
        )


async def test_the_signal_that_decides_gains_weight(db: Database) -> None:
    campaign = await _with_outcomes(db, 300)
    learned = await learn(db, campaign, now=NOW)
    assert learned is not None
    assert learned.trained_on == 300
    share = np.abs(learned.weights) / np.abs(learned.weights).sum()
    assert share[0] == max(share) > 0.3
    assert learned.metrics["auc_after"] > max(0.9, learned.metrics["auc_before"])


async def test_a_second_night_without_news_teaches_nothing(db: Database) -> None:
    campaign = await _with_outcomes(db, 60)
    learned = await learn(db, campaign, now=NOW)
    assert learned is not None
    version = await campaigns.add_weights(db, campaign.id, **asdict(learned), now=NOW)
    current = await campaigns.get(db, campaign.id)
    assert (current.weights, current.weights_version) == (learned.weights, version)
    assert await learn(db, current, now=NOW) is None


async def test_weights_that_a_person_chose_are_where_learning_begins(db: Database) -> None:
    campaign = await _with_outcomes(db, MIN_OUTCOMES)
    chosen = (0.1, 5.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1)
    await campaigns.add_weights(db, campaign.id, weights=chosen, trained_on=0, metrics={}, now=NOW)
    learned = await learn(db, await campaigns.get(db, campaign.id), now=NOW)
    assert learned is not None
    assert learned.weights[1] > 4
    assert sum(map(abs, learned.weights)) > 5


async def test_silence_is_a_no_after_a_week(db: Database) -> None:
    campaign = await _with_outcomes(db, 60, silent=True)
    assert await learn(db, campaign, now=NOW + timedelta(days=6)) is None, "only the yes are known"
    learned = await learn(db, campaign, now=LATER)
    assert learned is not None
    assert learned.trained_on == 60
    assert learned.weights[0] > DEFAULT_WEIGHTS[0]


async def test_other_campaigns_and_lost_profiles_do_not_count(db: Database) -> None:
    campaign = await _with_outcomes(db, MIN_OUTCOMES + 2)
    other = await add_campaign(db, name="Other")
    assert await learn(db, other, now=LATER) is None
    await rows(db, "delete from profiles_raw where platform_id in ('p1', 'p2', 'p3')")
    assert await learn(db, campaign, now=LATER) is None
