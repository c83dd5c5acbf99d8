"""Writes direct messages: statuses that only who is mentioned in them can see.

The API has no other kind. Everybody who is mentioned receives the status, so a text that mentions
others is refused. A status to somebody who has blocked the account is taken by the server and shown
to nobody, so that is asked before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from omni.base.errors import Ambiguous, CannotTell, Rejected
from omni.connectors.http import HttpClient, HttpRejected
from omni.connectors.mastodon.account import MastodonAccount, acct_of, path_of
from omni.connectors.mastodon.mapping import PLATFORM, id_of, is_shown, moved_to, url_of
from omni.connectors.mastodon.markup import plain_text
from omni.connectors.readback import SKEW, find_receipt
from omni.connectors.types import Credentials, Identity, Outgoing, Receipt
from omni.connectors.values import fields_of, items_of, moment_in, text_in

MAX_PAGES = 10
PAGE = 40

_MENTION = re.compile(r"(?<![\w/=])@(\w+(?:[\w.-]*\w)?(?:@[\w.-]*\w(?::\d+)?)?)")
"""What servers take for a mention: `@` behind a letter is a mail address, behind `/` a link."""


class MastodonSender:
    """`MessageSender` by direct statuses.

    Args:
        http: The way out.
        base_url: The server of accounts whose handle names none; None if there is no default.
    """

    platform = PLATFORM

    def __init__(self, http: HttpClient, base_url: str | None) -> None:
        self._http = http
        self._base = base_url

    async def verify(self, sender: Credentials) -> Identity:
        """Return whose token it is.

        Raises:
            Unauthorized: The server does not take the token.
            Rejected: It is somebody else's, or the server does not say whose.
            Transient: The server did not answer well.
        """
        account = self._account(sender)
        me = await account.me()
        url, acct = url_of(me), acct_of(me)
        if url is None or not acct:
            raise Rejected(f"{account.home} does not say whose token it is")
        if acct.lower() != account.name.lower():
            raise Rejected(
                f"the token is @{acct}'s, not @{account.name}'s: enter the one that belongs to the"
                " handle",
                field="handle",
            )
        return Identity(url, f"@{acct}@{account.home}")

    async def refusal(self, sender: Credentials, platform_id: str) -> str | None:
        """Return why this person may not be written to; see `MessageSender.refusal`."""
        account = self._account(sender)
        person = await account.find(platform_id)
        if person is None:
            return "this person is gone"
        return await _refusal(account, person)

    async def send(self, sender: Credentials, message: Outgoing) -> Receipt:
        """Write a direct status that mentions this person alone; see `MessageSender.send`."""
        account = self._account(sender)
        person = await account.find(message.platform_id)
        if person is None:
            raise Rejected("this person is gone")
        reason = await _refusal(account, person)
        if reason:
            raise Rejected(reason)
        written = _written(person, message.text)
        body = {"status": written, "visibility": "direct"}
        answer = await account.post_once("/api/v1/statuses", body, {"Idempotency-Key": message.key})
        receipt = _receipt(fields_of(answer))
        if receipt is None:
            raise Ambiguous(f"perhaps taken: {account.home} answered without naming the status")
        return receipt

    async def find_sent(
        self, sender: Credentials, message: Outgoing, since: datetime
    ) -> Receipt | None:
        """Read back the account's own direct statuses; see `MessageSender.find_sent`."""
        account = self._account(sender)
        path = path_of(await account.me(), "statuses")
        before: str | None = None
        for _ in range(MAX_PAGES):
            params = {"limit": str(PAGE), "exclude_reblogs": "true"}
            page = [
                fields_of(status)
                for status in items_of(
                    await account.get(path, params | ({"max_id": before} if before else {}))
                )
            ]
            fresh = [s for s in page if (moment_in(s, "created_at") or since) >= since - SKEW]
            found = await _found(account, fresh, message, since)
            if found is not None:
                return found
            before = id_of(page[-1]) if page else None
            # Pinned or odd ones aside, they come newest first: the first old one ends the search.
            if len(fresh) < len(page) or before is None:
                return None
        raise CannotTell(f"the account has written more than {MAX_PAGES * PAGE} statuses since")

    def _account(self, sender: Credentials) -> MastodonAccount:
        return MastodonAccount(self._http, self._base, sender)


async def _refusal(account: MastodonAccount, person: Mapping[str, Any]) -> str | None:
    """Return why somebody may not be written to, as the server tells it now."""
    if moved_to(person):
        return "this person has moved to another account"
    if person.get("suspended") is True or not is_shown(person):
        return "this person does not want to be found, or is suspended"
    relationship = await account.relationship(person)
    if relationship.get("blocked_by") is True:
        return "this person has blocked the account"
    if relationship.get("blocking") is True or relationship.get("domain_blocking") is True:
        return "the account has blocked this person, or their server"
    return None


def _written(person: Mapping[str, Any], text: str) -> str:
    """Return the status as it is written.

    Raises:
        Rejected: It would reach others, too.
    """
    acct = acct_of(person)
    if not acct:
        raise Rejected("the server does not say how to mention this person")
    others = {name for name in _MENTION.findall(text) if name.lower() != acct.lower()}
    if others:
        names = ", ".join(f"@{name[:100]}" for name in sorted(others))
        raise Rejected(f"the text mentions {names}, who would receive it, too: take the @ out")
    return f"@{acct} {text}"


async def _found(
    account: MastodonAccount, statuses: list[Mapping[str, Any]], message: Outgoing, since: datetime
) -> Receipt | None:
    shown: list[tuple[str, Receipt]] = []
    for status in statuses:
        receipt = _receipt(status)
        people = (fields_of(each) for each in items_of(status.get("mentions")))
        person = next((p for p in people if text_in(p, "url") == message.platform_id), None)
        if receipt is None or person is None or text_in(status, "visibility") != "direct":
            continue
        source = await _source(account, status)
        shown.append((source.removeprefix(f"@{acct_of(person)} "), receipt))
    return find_receipt(shown, message.text, since)


async def _source(account: MastodonAccount, status: Mapping[str, Any]) -> str:
    """Return a status as it was written; what it shows where the server has no such call."""
    try:
        answer = await account.get(f"/api/v1/statuses/{id_of(status)}/source")
    except HttpRejected:
        return plain_text(text_in(status, "content"))
    return text_in(fields_of(answer), "text") or ""


def _receipt(status: Mapping[str, Any]) -> Receipt | None:
    found, at = id_of(status), moment_in(status, "created_at")
    return Receipt(found, at) if found and at else None
