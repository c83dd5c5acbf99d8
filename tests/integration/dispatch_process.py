"""A worker as a process of its own that kills itself at one moment of a send.

Usage: python -m tests.integration.dispatch_process DATABASE_URL NETWORK_URL KEY NOW MOMENT
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import datetime

from omni.base.vault import Vault
from omni.connectors.http import HttpClient
from omni.connectors.synthetic.sender import SyntheticSender
from omni.connectors.types import Credentials, Outgoing, Receipt
from omni.dispatch.work import dispatch
from omni.jobs.types import Progress
from tests.dispatch_fixtures import watched


class DeadlySender(SyntheticSender):
    """Sends over HTTP, and dies right before or right after."""

    moment = ""

    async def send(self, sender: Credentials, message: Outgoing) -> Receipt:
        die_at("before the wire", self.moment)
        receipt = await super().send(sender, message)
        die_at("after the wire", self.moment)
        return receipt


def die_at(moment: str, wanted: str) -> None:
    """End this process as `kill -9` does, if this is the moment."""
    if moment == wanted:
        os.kill(os.getpid(), signal.SIGKILL)


async def main(database_url: str, network_url: str, key: str, now: str, moment: str) -> None:
    """Run dispatch once."""

    async def hook(here: str) -> None:
        die_at(here, moment)

    def report(progress: Progress) -> None:
        die_at("after the record", moment)

    async with (
        watched(database_url, hook) as db,
        HttpClient(user_agent="omni-tests", loopback=True) as http,
    ):
        sender = DeadlySender(http, network_url)
        sender.moment = moment
        senders = {sender.platform: sender}
        await dispatch(
            db, senders, Vault(key), clock=lambda: datetime.fromisoformat(now), report=report
        )


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
