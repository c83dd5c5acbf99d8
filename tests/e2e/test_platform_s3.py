"""Pictures in an S3 bucket, on a server that we did not write."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from omni.base.errors import NotFound, Transient
from omni.base.settings import Settings
from omni.flow.world import open_objects
from omni.profiles import image_store as store
from omni.profiles.image_work import REMOVED_AFTER, UNUSED_FOR, keep, sweep
from omni.storage.db import Database
from omni.storage.objects import Objects
from tests.e2e.product import free_ports
from tests.profiles_fixtures import NOW

BUCKET = "pictures"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A moto server with one bucket."""
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    moto = Path(sys.executable).with_name("moto_server")
    log = tmp_path_factory.mktemp("moto") / "log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [moto, "-H", "127.0.0.1", "-p", str(port)], stdout=out, stderr=out
        )
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=20), trust_env=False) as http:
            for _ in range(100):
                try:
                    assert http.put(f"{url}/{BUCKET}", timeout=30).status_code == 200
                    break
                except httpx.TransportError:
                    assert server.poll() is None, log.read_text()
        yield url
    finally:
        server.terminate()
        server.wait(20)


def settings(endpoint: str, **changes: object) -> Settings:
    values: dict[str, object] = {
        "objects_url": f"s3://{BUCKET}/omni",
        "objects_s3_endpoint": endpoint,
        "objects_s3_region": "us-east-1",
        "objects_s3_key_id": "key",
        "objects_s3_secret": "secret",
    }
    return Settings(_env_file=None, **values | changes)  # pyright: ignore[reportCallIssue, reportArgumentType]


@pytest.fixture
def objects(endpoint: str) -> Objects:
    return open_objects(settings(endpoint))


async def test_bytes_are_kept_once_and_given_back(objects: Objects, endpoint: str) -> None:
    names = await asyncio.gather(*(objects.put(b"picture") for _ in range(8)))
    assert len(set(names)) == 1
    assert await objects.get(names[0]) == b"picture"
    assert await open_objects(settings(endpoint)).get(names[0]) == b"picture"
    other = await objects.put(b"picture", copy="a1")
    assert await objects.delete(other, copy="a1") is True
    assert await objects.get(names[0]) == b"picture"
    assert await objects.delete(names[0]) in (True, False)
    with pytest.raises(NotFound):
        await objects.get(names[0])


async def test_objects_are_collected_there_too(db: Database, objects: Objects) -> None:
    sha256, copy = await keep(db, objects, b"unused", "image/webp", now=NOW)
    assert await objects.get(sha256, copy=copy) == b"unused"
    later = NOW + 2 * UNUSED_FOR
    assert await sweep(db, objects, now=later) == (1, 0)
    assert await sweep(db, objects, now=later + 2 * REMOVED_AFTER) == (0, 1)
    with pytest.raises(NotFound):
        await objects.get(sha256, copy=copy)
    assert await store.find_doomed(db, before=later, limit=9) == []


async def test_a_store_that_is_away_is_a_passing_fault() -> None:
    (port,) = free_ports(1)
    away = open_objects(settings(f"http://127.0.0.1:{port}"))
    with pytest.raises(Transient) as told:
        await away.put(b"picture")
    assert "secret" not in str(told.value)


async def test_a_bucket_that_is_not_there_says_so(endpoint: str) -> None:
    with pytest.raises((NotFound, Transient)):
        await open_objects(settings(endpoint, objects_url="s3://nobody/omni")).put(b"picture")
