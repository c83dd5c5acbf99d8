"""What each process of Omni does between its start and its stop."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from omni.base.settings import Settings, is_loopback

if TYPE_CHECKING:
    from omni.api.deps import ApiDeps
    from omni.campaigns.types import Campaign
    from omni.flow.world import World

Ready = Callable[[str], None]
"""Called once, when the part does its work, with where it can be reached."""

Body = Callable[[Settings, asyncio.Event, Ready], Awaitable[None]]

ACTIVE_CAMPAIGNS = 10_000
"""The most campaigns that the schedule serves."""


@dataclass(frozen=True, slots=True)
class Part:
    """A process of Omni.

    Attributes:
        name: Its command, `omni <name>`.
        about: What it does, one line.
        run: Runs until the event is set.
    """

    name: str
    about: str
    run: Body


async def api(settings: Settings, stop: asyncio.Event, ready: Ready) -> None:
    """Serve the HTTP API."""
    from omni.api.app import create_api
    from omni.cli.guard import bind, check_address
    from omni.cli.serving import serve
    from omni.cli.world import open_world

    with bind(settings.api_host, settings.api_port, "OMNI_API_PORT") as bound:
        async with open_world(settings) as world:
            await check_address(settings.api_host, "OMNI_API_HOST", world.db)
            app = create_api(_deps(world, settings.api_host))
            where = f"{settings.api_url}/docs"
            await serve(app, bound, stop=stop, ready=lambda: ready(where))


async def crawler(settings: Settings, stop: asyncio.Event, ready: Ready) -> None:
    """Serve the crawler's own API, and take jobs from the queue `crawl`."""
    from omni.api.app import create_crawler_app
    from omni.cli.guard import bind, check_address
    from omni.cli.serving import serve
    from omni.cli.world import open_world
    from omni.flow.steps import bind_steps
    from omni.flow.traffic import process_name, report_hosts
    from omni.flow.worker import run_worker

    with bind(settings.crawler_host, settings.crawler_port, "OMNI_CRAWLER_PORT") as bound:
        async with open_world(settings) as world:
            await check_address(settings.crawler_host, "OMNI_CRAWLER_HOST", world.db)
            app = create_crawler_app(_deps(world, settings.crawler_host))
            where = f"http://{settings.crawler_host}:{settings.crawler_port}"
            async with asyncio.TaskGroup() as group:
                group.create_task(serve(app, bound, stop=stop, ready=lambda: ready(where)))
                group.create_task(
                    run_worker(
                        db=world.db,
                        broker=world.broker,
                        steps=bind_steps(world),
                        queues=("crawl",),
                        concurrency=settings.crawler_concurrency,
                        clock=world.clock,
                        stop=stop,
                    )
                )
                group.create_task(
                    report_hosts(
                        db=world.db,
                        http=world.http,
                        process=process_name("crawler"),
                        clock=world.clock,
                        stop=stop,
                    )
                )


async def worker(settings: Settings, stop: asyncio.Event, ready: Ready) -> None:
    """Take jobs from the queues `qualify` and `dispatch`."""
    from omni.cli.world import open_world
    from omni.flow.steps import bind_steps
    from omni.flow.traffic import process_name, report_hosts
    from omni.flow.worker import run_worker

    async with open_world(settings) as world, asyncio.TaskGroup() as group:
        ready("queues qualify and dispatch")
        group.create_task(
            run_worker(
                db=world.db,
                broker=world.broker,
                steps=bind_steps(world),
                queues=("qualify", "dispatch"),
                concurrency=settings.worker_concurrency,
                clock=world.clock,
                stop=stop,
            )
        )
        group.create_task(
            report_hosts(
                db=world.db,
                http=world.http,
                process=process_name("worker"),
                clock=world.clock,
                stop=stop,
            )
        )


async def scheduler(settings: Settings, stop: asyncio.Event, ready: Ready) -> None:
    """Relay the ledger to the queues, and write down what is due."""
    from omni.campaigns import store as campaigns
    from omni.cli.world import open_world
    from omni.flow.schedule import run_schedule
    from omni.jobs.relay import run_relay

    async with open_world(settings) as world:

        async def active() -> list[Campaign]:
            return await campaigns.active(world.db, limit=ACTIVE_CAMPAIGNS)

        ready("relay and timetable")
        async with asyncio.TaskGroup() as group:
            group.create_task(
                run_relay(db=world.db, broker=world.broker, clock=world.clock, stop=stop)
            )
            group.create_task(
                run_schedule(
                    db=world.db,
                    list_campaigns=active,
                    clock=world.clock,
                    stop=stop,
                    jobs_kept=timedelta(days=settings.jobs_kept_days),
                    recordings_kept=timedelta(days=settings.recordings_kept_days),
                )
            )


async def synthetic(settings: Settings, stop: asyncio.Event, ready: Ready) -> None:
    """Serve the synthetic network: made-up people, on this machine only."""
    from omni.cli.guard import bind
    from omni.cli.serving import serve
    from omni.connectors.synthetic.server import create_app

    with bind("127.0.0.1", settings.synthetic_port, "OMNI_SYNTHETIC_PORT") as bound:
        app = create_app(
            settings.synthetic_people,
            settings.synthetic_seed,
            settings.data_dir / "synthetic" / "state.sqlite",
        )
        where = f"http://127.0.0.1:{settings.synthetic_port}"
        await serve(app, bound, stop=stop, ready=lambda: ready(where))


def _deps(world: World, host: str) -> ApiDeps:
    from omni.api.deps import ApiDeps
    from omni.flow.importing import open_desk

    return ApiDeps(
        db=world.db,
        broker=world.broker,
        platforms={name: source.seed_types for name, source in world.sources.items()},
        senders=frozenset(world.senders),
        seeds=world.seeds,
        vault=world.vault,
        objects=world.objects,
        clock=world.clock,
        # Whoever has set a key wants it asked for, on this machine, too.
        require_keys=not is_loopback(host) or world.settings.api_key is not None,
        files=open_desk(world),
        max_upload_bytes=world.settings.import_max_bytes,
        judges=world.judges,
        prices=world.prices,
        verifiers=world.senders,
        judge_share=world.settings.judge_share,
    )


def ui(settings: Settings, ready: Ready) -> None:
    """Serve the web UI; it minds the signals of its process by itself."""
    from omni.ui.app import run_ui

    asyncio.run(_check_ui_address(settings))
    where = f"http://{settings.ui_host}:{settings.ui_port}"
    threading.Thread(
        target=lambda: _announce(settings.ui_host, settings.ui_port, lambda: ready(where)),
        daemon=True,
    ).start()
    run_ui(settings)


async def _check_ui_address(settings: Settings) -> None:
    from omni.cli.guard import bind, check_address
    from omni.cli.world import open_database

    bind(settings.ui_host, settings.ui_port, "OMNI_UI_PORT").close()
    if not is_loopback(settings.ui_host):
        async with open_database(settings) as db:
            await check_address(settings.ui_host, "OMNI_UI_HOST", db)


def _announce(host: str, port: int, ready: Callable[[], None]) -> None:
    """Call `ready` once something listens, if that is within a minute."""
    for _ in range(600):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            if probe.connect_ex((host, port)) == 0:
                ready()
                return
        time.sleep(0.1)


PARTS: Mapping[str, Part] = {
    part.name: part
    for part in (
        Part("synthetic", "the synthetic network", synthetic),
        Part("api", "the HTTP API", api),
        Part("crawler", "the crawler: its API, and the queue crawl", crawler),
        Part("worker", "the queues qualify and dispatch", worker),
        Part("scheduler", "the relay and the timetable", scheduler),
    )
}
"""The parts that run on asyncio, in the order in which they start; the UI follows them."""
