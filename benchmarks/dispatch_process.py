"""One worker of the dispatch benchmark: the product's, or the least that claims a message at all.

Usage: python -m benchmarks.dispatch_process ROLE DATABASE_URL
It says `ready`, waits for a line, works until nothing is due, and says how many it has sent.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime

import asyncpg
from cryptography.fernet import Fernet

from omni.base.clock import utc_now
from omni.base.log import configure_logging
from omni.base.vault import Vault
from omni.connectors.types import Credentials, Identity, Outgoing, Receipt
from omni.dispatch.work import dispatch
from omni.jobs.types import Progress
from omni.storage.db import Database

CLAIM = """
update messages set state = 'claimed', claimed_at = now(), charged_at = now() where id = (
    select id from messages
    where platform = 'bench' and state = 'approved' and eligible_at <= now()
    order by eligible_at, id limit 1 for update skip locked
) returning id
"""
SENT = "update messages set state = 'sent', sent_at = now() where id = $1"


class InstantSender:
    """A platform that takes everything at once."""

    platform = "bench"

    async def verify(self, sender: Credentials) -> Identity:
        """Know every account."""
        return Identity(sender.handle, sender.handle)

    async def refusal(self, sender: Credentials, platform_id: str) -> str | None:
        """Let everybody be written to."""
        del sender, platform_id

    async def send(self, sender: Credentials, message: Outgoing) -> Receipt:
        """Take it."""
        del sender
        return Receipt(message.key, utc_now())

    async def find_sent(
        self, sender: Credentials, message: Outgoing, since: datetime
    ) -> Receipt | None:
        """Show nothing."""
        del sender, message, since


def unheard(progress: Progress) -> None:
    """Take no note of progress."""
    del progress


async def ours(url: str) -> int:
    """Send with the product's own dispatch until nothing is due."""
    db = await Database.connect(url, size=8)
    vault, sent = Vault(Fernet.generate_key().decode()), 0
    sender = InstantSender()
    await _go()
    while True:
        done = await dispatch(db, {sender.platform: sender}, vault, clock=utc_now, report=unheard)
        sent += done.sent
        if not done.sent:
            return sent


async def bare(url: str) -> int:
    """Claim and settle with two statements a message, four at a time, and no gate at all."""
    pool = await asyncpg.create_pool(url, min_size=4, max_size=4)
    await _go()

    async def lane() -> int:
        sent = 0
        while (claimed := await pool.fetchval(CLAIM)) is not None:
            await pool.execute(SENT, claimed)
            sent += 1
        return sent

    return sum(await asyncio.gather(*(lane() for _ in range(4))))


async def _go() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)


if __name__ == "__main__":
    configure_logging("error")
    role = {"ours": ours, "bare": bare}[sys.argv[1]]
    sys.stdout.write(f"{asyncio.run(role(sys.argv[2]))}\n")
