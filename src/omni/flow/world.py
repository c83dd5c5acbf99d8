"""The world: everything a step may touch, built once by the command line and handed down."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from omni.base.clock import Clock, utc_now
from omni.base.errors import Rejected
from omni.base.settings import Settings
from omni.base.vault import Vault, open_vault
from omni.connectors.bluesky.source import BlueskySource
from omni.connectors.http import HttpClient
from omni.connectors.ports import Inbox, MessageSender, ProfileSource
from omni.connectors.synthetic.inbox import SyntheticInbox
from omni.connectors.synthetic.sender import SyntheticSender
from omni.connectors.synthetic.source import SyntheticSource
from omni.flow.crowds import Crowds
from omni.jobs.bullmq import BullBroker
from omni.jobs.ports import Broker
from omni.llm.factory import build_judge
from omni.llm.ports import Judge
from omni.storage.db import Database
from omni.storage.objects import Objects


@dataclass(frozen=True, slots=True)
class World:
    """What the steps work with; the mappings go by platform."""

    settings: Settings
    db: Database
    broker: Broker
    http: HttpClient
    sources: Mapping[str, ProfileSource]
    senders: Mapping[str, MessageSender]
    inboxes: Mapping[str, Inbox]
    judge: Judge
    objects: Objects
    vault: Vault
    clock: Clock = utc_now
    crowds: Crowds = field(default_factory=Crowds)

    def source(self, platform: str) -> ProfileSource:
        """Return the source of a platform.

        Raises:
            Rejected: There is none.
        """
        try:
            return self.sources[platform]
        except KeyError:
            known = ", ".join(sorted(self.sources))
            raise Rejected(
                f"no platform is called {platform!r}: choose one of {known}", field="platform"
            ) from None


@asynccontextmanager
async def build_world(
    settings: Settings, database_url: str, redis_url: str
) -> AsyncGenerator[World]:
    """Open everything; close it in reverse order at the end of the block.

    Raises:
        Transient: Postgres cannot be reached.
        Rejected: A setting is wrong.
    """
    async with AsyncExitStack() as stack:
        db = await Database.connect(database_url, size=settings.database_pool)
        stack.push_async_callback(db.close)
        broker = BullBroker(redis_url, prefix=settings.queue_prefix)
        stack.push_async_callback(broker.close)
        synthetic = settings.synthetic_base_url
        http = await stack.enter_async_context(
            HttpClient.from_settings(settings, base_urls=(synthetic, settings.bluesky_appview_url))
        )
        judge = build_judge(settings)
        stack.push_async_callback(judge.close)
        sources = (
            SyntheticSource(http, synthetic),
            BlueskySource(http, settings.bluesky_appview_url),
        )
        yield World(
            settings=settings,
            db=db,
            broker=broker,
            http=http,
            sources={source.platform: source for source in sources},
            senders={"synthetic": SyntheticSender(http, synthetic)},
            inboxes={"synthetic": SyntheticInbox(http, synthetic)},
            judge=judge,
            objects=Objects(settings.data_dir / "objects"),
            vault=open_vault(
                settings.secret_key.get_secret_value() if settings.secret_key else None,
                settings.data_dir,
            ),
        )
