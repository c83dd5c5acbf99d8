"""Messages for other software: rows for tools that take a file, and what the settings say."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest

from omni.base.errors import Rejected
from omni.base.settings import Settings
from omni.base.spreadsheet import harmless
from omni.connectors.handover.export import ExportSender
from omni.connectors.handover.opening import open_handovers
from omni.connectors.handover.webhook import WebhookSender
from omni.connectors.types import Credentials
from omni.dispatch import store as messages
from omni.dispatch.accounts_store import list_accounts
from omni.dispatch.spreadsheet import COLUMNS
from omni.dispatch.work import dispatch
from omni.flow.world import build_world
from omni.leads import suppressions_store as suppressions
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.api_fixtures import Served, served
from tests.dispatch_fixtures import VAULT, MovingClock, add_account, ready, states
from tests.synthetic_fixtures import quick_client


@pytest.fixture
async def api(db: Database) -> AsyncIterator[Served]:
    async with served(db) as running:
        yield running


def settings(**given: str) -> Settings:
    return Settings(_env_file=None, **given)  # pyright: ignore[reportCallIssue, reportArgumentType]


async def test_what_is_handed_over_stands_in_the_file_once(api: Served, db: Database) -> None:
    clock = MovingClock()
    await add_account(db, platform="file", handle="the tool", hourly=2)
    await ready(db, 3, platform="file", name="=HYPERLINK(1)")
    senders = {"file": ExportSender("file", clock=clock)}
    for _ in range(2):
        await dispatch(db, senders, VAULT, clock=clock, report=lambda _: None)
    assert await states(db) == {"sent": 2, "approved": 1}, "its limits are the account's"
    (account,) = await list_accounts(db)
    answer = await api.http.get(f"/accounts/{account.id}/handed-over")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    told = list(csv.DictReader(StringIO(answer.text.removeprefix("\ufeff"))))
    assert list(told[0]) == list(COLUMNS)
    assert [row["platform_id"] for row in told] == ["p1", "p2"]
    assert all(row["campaign"] == "'=HYPERLINK(1)" for row in told)
    assert all(row["message"].strip() for row in told)
    since = {"since": told[-1]["handed_over_at"]}
    later = await api.http.get(f"/accounts/{account.id}/handed-over", params=since)
    assert later.text.count("\r\n") == 1, "the header alone"


async def test_who_opts_out_or_answers_before_the_file_is_fetched_is_not_in_it(
    api: Served, db: Database
) -> None:
    clock = MovingClock()
    account = await add_account(db, platform="file", handle="the tool")
    await ready(db, 3, platform="file")
    senders = {"file": ExportSender("file", clock=clock)}
    await dispatch(db, senders, VAULT, clock=clock, report=lambda _: None)
    assert await states(db) == {"sent": 3}
    await suppressions.suppress(
        db, platform="file", platform_id="p1", reason="asked", source="person", now=clock()
    )
    await messages.cancel_for_person(
        db, platform="file", platform_id="p2", reason="has replied", now=clock(), replied=True
    )
    answer = await api.http.get(f"/accounts/{account.id}/handed-over")
    told = csv.DictReader(StringIO(answer.text.removeprefix("\ufeff")))
    assert [row["platform_id"] for row in told] == ["p3"]


async def test_what_is_committed_late_comes_in_the_next_file(api: Served, db: Database) -> None:
    clock = MovingClock()
    account = await add_account(db, platform="file", handle="the tool")
    await ready(db, 3, platform="file")
    send = Query(
        "send",
        "update messages set state = 'sent', account_id = :account, sent_at = :at,"
        " charged_at = :at, platform_message_id = 'export:' || id where platform_id = :who",
    )

    async def asked(since: str | None = None) -> list[dict[str, str]]:
        params = {} if since is None else {"since": since}
        answer = await api.http.get(f"/accounts/{account.id}/handed-over", params=params)
        return list(csv.DictReader(StringIO(answer.text.removeprefix("\ufeff"))))

    async with db.transaction() as slow:
        await slow.execute(send, account=account.id, at=clock(), who="p1")
        later = clock() + timedelta(minutes=1)
        await db.execute(send, account=account.id, at=later, who="p2")
        (second,) = await asked()
        assert second["platform_id"] == "p2"
    (first,) = await asked(second["handed_over_at"])
    assert first["platform_id"] == "p1", "charged before, but committed after the file was read"
    assert await asked(first["handed_over_at"]) == []
    await db.execute(send, account=account.id, at=later, who="p3")
    files = await asyncio.gather(*(asked(first["handed_over_at"]) for _ in range(4)))
    assert {row["platform_id"] for file in files for row in file} == {"p3"}
    assert len(await asked()) == 3


async def test_who_asks_badly_is_told(api: Served) -> None:
    assert (await api.http.get("/accounts/999/handed-over")).status_code == 404
    answer = await api.http.get("/accounts/1/handed-over", params={"since": "yesterday"})
    assert answer.status_code == 422


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@a", "\t=1", "\uff1d1", " =1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert harmless(cell).startswith("'")


def test_texts_stay_as_they_are() -> None:
    assert harmless("Hello,\n1 + 1 = 2\x07") == "Hello,\n1 + 1 = 2"


async def test_platforms_are_handed_over_as_the_settings_say() -> None:
    async with quick_client() as http:
        assert open_handovers(http, settings()) == {}
        hooks = open_handovers(http, settings(webhook_sender_url="https://sender.example/in"))
        assert {name: type(sender) for name, sender in hooks.items()} == {"file": WebhookSender}
        files = open_handovers(http, settings(export_platforms="file, crm"))
        assert {name: type(sender) for name, sender in files.items()} == {
            "file": ExportSender,
            "crm": ExportSender,
        }
        with pytest.raises(Rejected, match="OMNI_EXPORT_PLATFORMS"):
            open_handovers(
                http,
                settings(webhook_sender_url="https://sender.example", export_platforms="file"),
            )


async def test_the_inbox_of_a_platform_that_is_handed_over_is_not_read(
    tmp_path: Path, database_url: str, valkey_url: str
) -> None:
    given = settings(export_platforms="synthetic", data_dir=str(tmp_path))
    async with build_world(given, database_url, valkey_url) as world:
        assert isinstance(world.senders["synthetic"], ExportSender)
        assert "synthetic" not in world.inboxes
        identity = await world.senders["synthetic"].verify(Credentials("the tool"))
        assert identity.handle == "the tool"
