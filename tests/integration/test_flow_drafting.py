"""Drafting as a job: what an autopilot approves goes out, and one campaign holds up no other."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from omni.campaigns import store as campaigns
from omni.campaigns.types import FollowUp as Step
from omni.jobs.types import DraftMessages, FollowUp, WriteDrafts
from omni.storage.db import Database
from tests.dispatch_fixtures import add_campaign, add_leads, rows, states
from tests.flow_fixtures import run_step, running_world


async def test_what_an_autopilot_approves_is_dispatched(
    db: Database, tmp_path: Path, database_url: str, valkey_url: str
) -> None:
    async with running_world(tmp_path, database_url, valkey_url) as world:
        campaign = await add_campaign(db)
        await add_leads(db, campaign, 3)
        done = await run_step(world, DraftMessages(campaign_id=campaign.id))
        assert (done.result["drafted"], done.result["approved"], done.follow_ups) == (3, 0, ())
        await campaigns.set_autopilot(db, campaign.id, 2, now=world.clock())
        done = await run_step(world, FollowUp())
        assert (done.result["approved"], done.result["campaigns"]) == (2, 1)
        assert [job.args.kind for job in done.follow_ups] == ["dispatch.dm"]
        assert await states(db) == {"pending": 1, "approved": 2}


async def test_follow_ups_are_written_past_a_campaign_that_is_broken(
    db: Database, tmp_path: Path, database_url: str, valkey_url: str
) -> None:
    async with running_world(tmp_path, database_url, valkey_url) as world:
        broken, sound = await add_campaign(db), await add_campaign(db, name="Sound")
        for campaign in (broken, sound):
            await add_leads(db, campaign, 1, prefix=campaign.name)
            await run_step(world, DraftMessages(campaign_id=campaign.id))
            await campaigns.update(
                db, campaign.id, now=world.clock(), follow_ups=(Step(24, "Still there?"),)
            )
        sent = world.clock() - timedelta(days=2)
        await rows(db, "update messages set state = 'sent', sent_at = :at", at=sent)
        await rows(
            db,
            'update campaigns set follow_ups = \'[{"delay_hours": 24, "template": "{{ x }}"}]\''
            " where id = :id",
            id=broken.id,
        )
        done = await run_step(world, FollowUp())
        assert (done.result["drafted"], done.result["unserved"]) == (1, 1)
        found = await rows(db, "select body from messages where step = 1")
        assert [row["body"] for row in found] == ["Still there?"]
        rules = await run_step(world, WriteDrafts(campaign_id=sound.id))
        assert "OMNI_JUDGE" in rules.result["note"]
