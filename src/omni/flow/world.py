"""The world: everything a step may touch, built once by the command line and handed down."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from omni.base.clock import Clock, utc_now
from omni.base.errors import Rejected
from omni.base.settings import Settings
from omni.base.vault import Vault, open_vault
from omni.connectors.handover.opening import open_handovers
from omni.connectors.http import HttpClient
from omni.connectors.ports import Inbox, MessageSender, ProfileSource, Remembering
from omni.connectors.registry import load_connectors
from omni.connectors.types import SeedType
from omni.flow.crowds import Crowds
from omni.jobs.bullmq import BullBroker
from omni.jobs.ports import Broker
from omni.llm.factory import build_pools
from omni.llm.pool import Pool
from omni.llm.prices import read_prices
from omni.llm.types import Prices
from omni.storage.db import Database
from omni.storage.objects import Objects, S3Access
from omni.storage.pages import Pages

_Port = TypeVar("_Port")
_OpenPort = Callable[[HttpClient, Settings], _Port | None]


@dataclass(frozen=True, slots=True)
class World:
    """What the steps work with.

    The mappings go by platform. The judges stand in the order in which they are preferred; there
    is none where the model is turned off.
    """

    settings: Settings
    db: Database
    broker: Broker
    http: HttpClient
    sources: Mapping[str, ProfileSource]
    senders: Mapping[str, MessageSender]
    inboxes: Mapping[str, Inbox]
    judges: tuple[Pool, ...]
    objects: Objects
    vault: Vault
    seeds: Mapping[str, Sequence[SeedType]] = field(default_factory=dict[str, Sequence[SeedType]])
    prices: Prices = field(default_factory=Prices)
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
        connectors = load_connectors()
        base_urls = [url for connector in connectors for url in connector.base_urls(settings)]
        said = {u: s for each in connectors for u, s in each.authorizations(settings).items()}
        if settings.webhook_sender_url:
            base_urls.append(settings.webhook_sender_url)
        http = await stack.enter_async_context(
            HttpClient.from_settings(settings, base_urls=base_urls, authorizations=said)
        )
        sources = _open({c.platform: c.source for c in connectors}, http, settings)
        for source in sources.values():
            if isinstance(source, Remembering):
                source.use_memory(Pages(db, utc_now))
        handed = open_handovers(http, settings)
        inboxes = _open({c.platform: c.inbox for c in connectors}, http, settings)
        judges = build_pools(settings)
        for judge in judges:
            stack.push_async_callback(judge.close)
        yield World(
            settings=settings,
            db=db,
            broker=broker,
            http=http,
            sources=sources,
            senders=_open({c.platform: c.sender for c in connectors}, http, settings) | handed,
            # What is handed over is answered to whoever delivers it, and comes back by webhook.
            inboxes={name: inbox for name, inbox in inboxes.items() if name not in handed},
            seeds={c.platform: c.seeds for c in connectors},
            judges=judges,
            prices=read_prices(settings.llm_prices),
            objects=open_objects(settings),
            vault=open_vault(
                settings.secret_key.get_secret_value() if settings.secret_key else None,
                settings.data_dir,
            ),
        )


def open_objects(settings: Settings) -> Objects:
    """Return where pictures are kept.

    Raises:
        Rejected: A setting is wrong.
    """
    secret = settings.objects_s3_secret
    return Objects(
        settings.objects_url or settings.data_dir / "objects",
        s3=S3Access(
            settings.objects_s3_endpoint,
            settings.objects_s3_region,
            settings.objects_s3_key_id,
            secret.get_secret_value() if secret else None,
        ),
    )


def _open(
    ports: Mapping[str, _OpenPort[_Port] | None], http: HttpClient, settings: Settings
) -> dict[str, _Port]:
    """Open one kind of port of every platform that has it."""
    found = {name: port(http, settings) for name, port in ports.items() if port is not None}
    return {name: port for name, port in found.items() if port is not None}
