"""Who may open the web UI where it listens on another address than this machine's."""

from __future__ import annotations

import pytest

from omni.api.store import create_key
from omni.base.clock import utc_now
from omni.client.client import ApiProblem, ApiUnreachable
from omni.storage.db import Database
from omni.ui import session
from omni.ui.session import Sessions
from tests.api_fixtures import served


@pytest.mark.parametrize("asks", [False, True], ids=["an-api-on-loopback", "an-api-elsewhere"])
async def test_only_a_key_that_is_known_opens_the_pages(
    db: Database, monkeypatch: pytest.MonkeyPatch, asks: bool
) -> None:
    """Though an API that listens on this machine alone answers whoever shows no key at all."""
    browsers = iter(["ann"] * 100)
    monkeypatch.setattr(session, "_browser_id", lambda: next(browsers))
    _, known = await create_key(db, name="ann", scopes=["read"], now=utc_now())
    async with served(db, require_keys=asks) as api:
        sessions = Sessions(api.url, None, require_login=True)
        for wrong in (
            "",
            "  ",
            "x",
            "k\u00e9y",
            "a\nb",
            "omni_" + "a" * 43,
            known[:-1],
            known + "a",
        ):
            with pytest.raises(ApiProblem) as caught:
                await sessions.log_in(wrong)
            assert caught.value.status == 401, wrong
            assert sessions.find() is None
        client = await sessions.log_in(f" {known} ")
        assert sessions.find() is client
        again = await sessions.log_in(known)
        assert sessions.find() is again is not client
        assert (await again.list_campaigns()).items == []
        await sessions.log_out()
        assert sessions.find() is None
        assert not sessions.is_logged_in()
        await sessions.close()
        with pytest.raises((ApiUnreachable, RuntimeError)):
            await client.list_campaigns()
