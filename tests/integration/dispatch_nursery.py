"""A process that bears workers and tells how each of them died.

Usage: python -m tests.integration.dispatch_nursery DATABASE_URL NETWORK_URL KEY
It reads a round a line, as JSON: [{"now": …, "moment": …, "nth": …, "after_s": …}, …], one for each
worker that runs at the same time. A worker ends itself as `kill -9` does when it comes to `moment`
for the n-th time, or is killed `after_s` seconds from its birth. The answer is a line of statuses.
Everything is imported once; a fork is quick, and has nothing that is open.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from collections import Counter
from datetime import datetime
from typing import Any

from omni.base.log import configure_logging
from omni.base.vault import Vault
from omni.connectors.http import HttpClient
from omni.connectors.synthetic.sender import SyntheticSender
from omni.connectors.types import Credentials, Outgoing, Receipt
from omni.dispatch.work import dispatch
from omni.jobs.types import Progress
from tests.dispatch_fixtures import watched


class Fate:
    """When this process dies."""

    def __init__(self, moment: str | None, nth: int) -> None:
        self._moment, self._nth = moment, nth
        self._met = Counter[str]()

    async def meet(self, moment: str) -> None:
        """End this process as `kill -9` does, if this is the moment."""
        self.meet_now(moment)

    def meet_now(self, moment: str) -> None:
        """As `meet`."""
        self._met[moment] += 1
        if moment == self._moment and self._met[moment] == self._nth:
            os.kill(os.getpid(), signal.SIGKILL)


class DoomedSender(SyntheticSender):
    """Sends over HTTP, and may die on either side of it."""

    fate: Fate

    async def refusal(self, sender: Credentials, platform_id: str) -> str | None:
        self.fate.meet_now("before the question")
        told = await super().refusal(sender, platform_id)
        self.fate.meet_now("after the question")
        return told

    async def send(self, sender: Credentials, message: Outgoing) -> Receipt:
        self.fate.meet_now("before the wire")
        receipt = await super().send(sender, message)
        self.fate.meet_now("after the wire")
        return receipt


async def live(database_url: str, network_url: str, key: str, spec: dict[str, Any]) -> None:
    """Run dispatch once, as long as it lasts."""
    fate = Fate(spec.get("moment"), spec.get("nth", 1))

    def report(progress: Progress) -> None:
        fate.meet_now("after the record")

    async with (
        watched(database_url, fate.meet) as db,
        HttpClient(user_agent="omni-tests", loopback=True) as http,
    ):
        sender = DoomedSender(http, network_url)
        sender.fate = fate
        now = datetime.fromisoformat(spec["now"])
        senders = {sender.platform: sender}
        await dispatch(db, senders, Vault(key), clock=lambda: now, report=report)


def bear(arguments: list[str], spec: dict[str, Any]) -> int:
    """Fork a worker; return its process id."""
    child = os.fork()
    if child:
        return child
    try:
        if "after_s" in spec:
            killer = threading.Timer(spec["after_s"], os.kill, (os.getpid(), signal.SIGKILL))
            killer.daemon = True
            killer.start()
        asyncio.run(live(arguments[0], arguments[1], arguments[2], spec))
        os._exit(0)
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        os._exit(1)


def main(arguments: list[str]) -> None:
    """Serve rounds until the input ends."""
    configure_logging("error")
    for line in sys.stdin:
        children = [bear(arguments, spec) for spec in json.loads(line)]
        statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        sys.stdout.write(json.dumps(statuses) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
