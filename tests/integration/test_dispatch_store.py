"""People approve what they have seen; secrets stay secret; pages are stable."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from omni.base.errors import Conflict, NotFound, Rejected
from omni.base.vault import Vault
from omni.dispatch import accounts_store, store
from omni.dispatch.drafting_work import draft
from omni.dispatch.types import Message
from omni.storage.db import Database
from omni.webhooks import store as endpoints
from tests.dispatch_fixtures import (
    NOW,
    VAULT,
    add_account,
    add_campaign,
    add_leads,
    ready,
    rows,
    states,
)


async def _pending(db: Database) -> Message:
    campaign = await add_campaign(db)
    await add_leads(db, campaign, 1)
    await draft(db, campaign, now=NOW)
    return (await store.list_messages(db, campaign_id=campaign.id))[0]


async def test_an_approval_is_bound_to_the_text_that_was_seen(db: Database) -> None:
    seen = await _pending(db)
    with pytest.raises(Conflict, match="changed"):
        await store.approve(db, seen.id, body_hash="0" * 64, now=NOW)
    edited = await store.edit(db, seen.id, body="Hello\0 there ", now=NOW)
    assert (edited.body, edited.state) == ("Hello there", "pending")
    with pytest.raises(Conflict, match="changed"):
        await store.approve(db, seen.id, body_hash=seen.body_hash, now=NOW)
    approved = await store.approve(db, seen.id, body_hash=edited.body_hash, now=NOW)
    assert (approved.state, approved.approved_hash) == ("approved", edited.body_hash)
    assert (approved.held_by, approved.eligible_at) == (None, NOW)
    with pytest.raises(Conflict, match="approved"):
        await store.approve(db, seen.id, body_hash=edited.body_hash, now=NOW)


async def test_an_edit_voids_the_approval_even_if_it_changes_nothing(db: Database) -> None:
    seen = await _pending(db)
    await store.approve(db, seen.id, body_hash=seen.body_hash, now=NOW)
    edited = await store.edit(db, seen.id, body=seen.body, now=NOW)
    assert (edited.state, edited.approved_hash, edited.held_by) == ("pending", None, "approval")
    with pytest.raises(Rejected) as caught:
        await store.edit(db, seen.id, body=" \n", now=NOW)
    assert caught.value.field == "body"


async def test_a_text_changed_behind_the_ledgers_back_cannot_be_approved(db: Database) -> None:
    seen = await _pending(db)
    await rows(db, "update messages set body = 'Buy now' where id = :id", id=seen.id)
    with pytest.raises(Conflict, match="changed"):
        await store.approve(db, seen.id, body_hash=seen.body_hash, now=NOW)


async def test_of_an_edit_and_an_approval_at_once_no_unseen_text_is_approved(db: Database) -> None:
    seen = await _pending(db)
    for number in range(15):
        shown = await store.get_message(db, seen.id)

        async def change(body: str = f"Text {number}") -> None:
            async with db.transaction() as tx:
                await store.edit(tx, seen.id, body=body, now=NOW)

        async def approve(body_hash: str = shown.body_hash) -> None:
            async with db.transaction() as tx:
                await store.approve(tx, seen.id, body_hash=body_hash, now=NOW)

        await asyncio.gather(change(), approve(), return_exceptions=True)
        message = await store.get_message(db, seen.id)
        assert (message.body, message.state) == (f"Text {number}", "pending")


@pytest.mark.parametrize("lead_state", ["withdrawn", "rejected"])
async def test_a_message_to_somebody_who_is_no_longer_wanted_cannot_be_approved(
    db: Database, lead_state: str
) -> None:
    seen = await _pending(db)
    await rows(db, "update leads set state = :state", state=lead_state)
    with pytest.raises(Conflict, match=f"the lead is {lead_state}"):
        await store.approve(db, seen.id, body_hash=seen.body_hash, now=NOW)
    assert await states(db) == {"pending": 1}
    await rows(db, "update leads set state = 'new'")
    approved = await store.approve(db, seen.id, body_hash=seen.body_hash, now=NOW)
    assert approved.state == "approved"


async def test_a_rejected_message_is_over(db: Database) -> None:
    seen = await _pending(db)
    assert (await store.reject(db, seen.id, now=NOW)).state == "cancelled"
    acts: list[Callable[[], Awaitable[Any]]] = [
        lambda: store.reject(db, seen.id, now=NOW),
        lambda: store.edit(db, seen.id, body="x", now=NOW),
        lambda: store.approve(db, seen.id, body_hash=seen.body_hash, now=NOW),
        lambda: store.settle(db, seen.id, arrived=True, now=NOW),
    ]
    for act in acts:
        with pytest.raises(Conflict, match="cancelled"):
            await act()


@pytest.mark.parametrize("arrived", [True, False])
async def test_a_person_settles_what_is_ambiguous(db: Database, arrived: bool) -> None:
    seen = await _pending(db)
    await rows(db, "update messages set state = 'ambiguous', sending_at = :now", now=NOW)
    settled = await store.settle(db, seen.id, arrived=arrived, now=NOW)
    assert (settled.state, settled.sent_at) == (("sent", NOW) if arrived else ("failed", None))


async def test_a_person_is_cancelled_everywhere_but_not_on_the_wire(db: Database) -> None:
    await ready(db, 2)
    other = await add_campaign(db, name="Other")
    await rows(
        db,
        "insert into messages"
        " (campaign_id, platform, platform_id, username, body, body_hash, state)"
        " select :id + n, 'synthetic', 'p1', 'p1', 'x', 'x', state from unnest(:states::text[])"
        " with ordinality as s (state, n)",
        id=other.id,
        states=["pending", "claimed", "sending", "sent", "failed", "ambiguous"],
    )
    cancelled = await store.cancel_for_person(
        db, platform="synthetic", platform_id="p1", reason="has replied", now=NOW
    )
    assert cancelled == 3
    assert await states(db) == {
        "cancelled": 3, "approved": 1, "sending": 1, "sent": 1, "failed": 1, "ambiguous": 1,
    }  # fmt: skip


async def test_pages_go_on_where_the_last_one_ended(db: Database) -> None:
    campaign = await ready(db, 7)
    seen: list[int] = []
    before: int | None = None
    while page := await store.list_messages(
        db, campaign_id=campaign.id, state="approved", before_id=before, limit=3
    ):
        seen += [message.id for message in page]
        before = page[-1].id
        if len(seen) == 3:
            await add_leads(db, campaign, 1, first=100)
            await draft(db, campaign, now=NOW)
    everything = await store.list_messages(db, campaign_id=campaign.id)
    assert seen == [message.id for message in everything if message.state == "approved"]
    assert len(everything) == 8


async def test_secrets_are_stored_encrypted_and_never_shown(db: Database) -> None:
    account = await add_account(db, secret="pässword".encode())
    (stored,) = await rows(db, "select credentials from accounts")
    assert b"ssword" not in stored["credentials"]
    assert "ssword" not in repr(await accounts_store.list_accounts(db))
    found = await accounts_store.credentials(db, account.id, VAULT)
    assert (found.handle, found.secret) == ("me", "pässword")
    assert "ssword" not in repr(found)
    with pytest.raises(Rejected, match="another key"):
        await accounts_store.credentials(db, account.id, Vault(Fernet.generate_key().decode()))
    bare = await add_account(db, handle="bare", secret=None)
    assert (await accounts_store.credentials(db, bare.id, VAULT)).secret is None


async def test_secrets_are_renewed_with_the_first_key_all_or_none(db: Database) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    account = await add_account(db, secret=b"one", vault=Vault(old))
    await add_account(db, handle="bare", secret=None)
    async with db.transaction() as tx:
        assert await accounts_store.renew_secrets(tx, Vault(f"{new},{old}")) == 1
    assert (await accounts_store.credentials(db, account.id, Vault(new))).secret == "one"
    with pytest.raises(Rejected):
        await accounts_store.credentials(db, account.id, Vault(old))
    await add_account(db, handle="lost", secret=b"two")
    before = await rows(db, "select credentials from accounts order by id")
    with pytest.raises(Rejected, match="another key"):
        async with db.transaction() as tx:
            await accounts_store.renew_secrets(tx, Vault(f"{old},{new}"))
    assert await rows(db, "select credentials from accounts order by id") == before


async def test_the_command_renews_secrets(db: Database, database_url: str, tmp_path: Path) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    account = await add_account(db, secret=b"one", vault=Vault(old))
    sealed = Vault(old).encrypt(b"hook")
    await endpoints.add_endpoint(
        db, url="https://example.org/", kinds=["message.sent"], secret=sealed, now=NOW
    )
    settings = {
        "OMNI_DATABASE_URL": database_url,
        "OMNI_SECRET_KEY": f"{new},{old}",
        "OMNI_DATA_DIR": str(tmp_path / "data"),
        "OMNI_REDIS_URL": "redis://127.0.0.1:1/0",
    }
    command = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "omni.cli.main", "keys", "rotate-secret",
        cwd=tmp_path, env=os.environ | settings, stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    said, complained = await asyncio.wait_for(command.communicate(), 60)
    assert (command.returncode, b"1 account(s) and 1 webhook(s)" in said) == (0, True), complained
    (hook,) = await rows(db, "select secret from webhook_endpoints")
    assert Vault(new).decrypt(hook["secret"]) == b"hook"
    assert not {old, new} & set((said + complained).decode().split())
    assert (await accounts_store.credentials(db, account.id, Vault(new))).secret == "one"


async def test_accounts_are_unique_paused_with_a_reason_and_resumed(db: Database) -> None:
    account = await add_account(db)
    with pytest.raises(Conflict, match="already"):
        await add_account(db)
    with pytest.raises(Rejected):
        await add_account(db, handle="other", hourly=5, daily=4)
    why = "too many blocks"
    paused = await accounts_store.pause_account(db, account.id, reason=why, by="person", now=NOW)
    assert paused is not None
    assert (paused.status, paused.pause_reason, paused.paused_by) == ("paused", why, "person")
    again = await accounts_store.pause_account(db, account.id, reason="x", by="harm", now=NOW)
    assert again is None, "a person's word stands"
    assert await accounts_store.get_account(db, account.id) == paused
    resumed = await accounts_store.resume_account(db, account.id, now=NOW)
    assert (resumed.status, resumed.pause_reason, resumed.resumed_at) == ("active", None, NOW)


async def test_what_is_not_there_is_said(db: Database) -> None:
    acts: list[Callable[[], Awaitable[Any]]] = [
        lambda: store.get_message(db, 99),
        lambda: store.approve(db, 99, body_hash="x", now=NOW),
        lambda: store.edit(db, 99, body="x", now=NOW),
        lambda: store.reject(db, 99, now=NOW),
        lambda: accounts_store.get_account(db, 99),
        lambda: accounts_store.resume_account(db, 99, now=NOW),
        lambda: accounts_store.credentials(db, 99, VAULT),
    ]
    for act in acts:
        with pytest.raises(NotFound, match="99"):
            await act()
