"""Bluesky for the suite of messengers: a real network with a stand-in for its chat service."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from omni.connectors.bluesky.chat import ChatAccount, ChatAccounts
from omni.connectors.bluesky.inbox import BlueskyInbox
from omni.connectors.bluesky.sender import BlueskySender
from omni.connectors.http import HttpClient
from omni.connectors.types import Credentials
from tests.broken_proxy import broken_proxy
from tests.conformance.messenger_case import MessengerCase
from tests.e2e.atproto_network import AtprotoNetwork, NetworkAccount
from tests.synthetic_fixtures import quick_client

SEND = r"^POST /xrpc/chat\.bsky\.convo\.sendMessage$"


@asynccontextmanager
async def bluesky(request: pytest.FixtureRequest) -> AsyncGenerator[MessengerCase]:
    """The chat service behind an account's server."""
    network: AtprotoNetwork = request.getfixturevalue("atproto_network")
    plain = [account for account in network.accounts if account.role == "plain"]
    people = [account for account in plain if account.allow_incoming == "all"]
    closed = next(account for account in plain if account.allow_incoming == "none")
    me = next(account for account in reversed(plain) if account.allow_incoming == "following")
    by_did = {person.did: person for person in [closed, *people]}
    began = datetime.now(UTC)
    with broken_proxy(network.pds, SEND) as proxy:
        proxy.stale_token = (400, b'{"error":"ExpiredToken","message":"Token has expired"}')
        async with quick_client(timeout_s=20.0) as http:
            theirs = chats(http, network, network.pds)

            async def texts(person: str) -> list[str]:
                if person not in by_did:
                    return []
                found = await messages(theirs.account(login(by_did[person])), me.did)
                return [
                    each["text"]
                    for each in reversed(found)
                    if datetime.fromisoformat(each["sentAt"]) >= began
                ]

            async def taken(person: str) -> int:
                sent = {json.loads(body)["message"]["text"] for body in proxy.carried_out}
                return sum(text in sent for text in await texts(person))

            async def reply(person: str, text: str) -> None:
                await write(theirs.account(login(by_did[person])), me.did, text)

            ours = chats(http, network, proxy.url)
            yield MessengerCase(
                sender=BlueskySender(ours),
                inbox=BlueskyInbox(ours),
                down=BlueskySender(chats(http, network, "http://127.0.0.1:9")),
                me=login(me),
                nobody=Credentials(me.handle, "not-the-password"),
                people=tuple(person.did for person in people),
                closed=closed.did,
                gone="did:plc:abcdefghijklmnopqrstuvwx",
                fail_next=proxy.failures.append,
                taken=taken,
                texts=texts,
                reply=reply,
            )


def chats(http: HttpClient, network: AtprotoNetwork, pds: str) -> ChatAccounts:
    """Return the way to the chat service through a server."""
    appview = f"{network.appview_did}#bsky_appview"
    return ChatAccounts(http, pds, f"{network.chat_did}#bsky_chat", appview)


def login(account: NetworkAccount) -> Credentials:
    """Return what an account signs in with."""
    return Credentials(account.handle, account.password)


async def messages(account: ChatAccount, other: str) -> list[dict[str, Any]]:
    """Return what the other one wrote to this account, newest first."""
    found = await account.chat("getConvoAvailability", {"members": [other]})
    if "convo" not in found:
        return []
    page = await account.chat("getMessages", {"convoId": found["convo"]["id"], "limit": 100})
    return [each for each in page["messages"] if each["sender"]["did"] == other]


async def write(account: ChatAccount, other: str, text: str) -> None:
    """Let this account write to the other one."""
    convo = (await account.chat("getConvoForMembers", {"members": [other]}))["convo"]["id"]
    await account.chat_once("sendMessage", {"convoId": convo, "message": {"text": text}})
