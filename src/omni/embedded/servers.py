"""The servers that Omni needs, shared by its processes on this machine.

Each process that uses a server holds a shared lock on a file for as long; the kernel lets go of it
even when the process is killed. Whoever leaves and finds no other holder stops the server.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from omni.base.errors import Fatal, OmniError, Rejected
from omni.base.log import get_logger
from omni.base.settings import Settings
from omni.embedded.postgres import Postgres
from omni.embedded.valkey import Valkey

_TURN_S = 180.0
_POSTGRES_SCHEMES = ("postgresql://", "postgres://")
_REDIS_SCHEMES = ("redis://", "rediss://", "unix://")


class _Server(Protocol):
    @property
    def url(self) -> str: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...


class Servers:
    """Embedded Postgres and Valkey, or those that the settings name instead.

    Use it as a context, with or without `async`; inside, `database_url` and `redis_url` are set.

    Attributes:
        database_url: Where Postgres is.
        redis_url: Where Redis or Valkey is.
    """

    database_url: str
    redis_url: str

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._shares: list[_Share] = []

    def start(self) -> None:
        """Start what the settings do not name, or join those that already run.

        Raises:
            Rejected: A URL is none, or the data folder cannot be used; the message says why and
                what to do.
            Fatal: A server did not start.
        """
        _check_url("OMNI_DATABASE_URL", self._settings.database_url, _POSTGRES_SCHEMES)
        _check_url("OMNI_REDIS_URL", self._settings.redis_url, _REDIS_SCHEMES)
        folder = self._settings.data_dir
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Rejected(f"OMNI_DATA_DIR: {folder}: {error.strerror}") from error
        try:
            self.database_url = self._settings.database_url or self._join(
                folder, "postgres", Postgres(folder / "postgres")
            )
            self.redis_url = self._settings.redis_url or self._join(
                folder, "valkey", Valkey(folder / "valkey")
            )
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Leave the servers; stop those that no other process uses."""
        while self._shares:
            share = self._shares.pop()
            try:
                share.leave()
            except (OmniError, OSError) as error:
                get_logger().error("embedded.stop_failed", error=str(error))

    def _join(self, folder: Path, name: str, server: _Server) -> str:
        share = _Share(folder, name, server)
        url = share.join()
        self._shares.append(share)
        return url

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.stop)


def _check_url(setting: str, url: str | None, schemes: tuple[str, ...]) -> None:
    if url is not None and not url.startswith(schemes):
        raise Rejected(f"{setting} must begin with {' or '.join(schemes)}")


class _Share:
    """One process' share in one server."""

    def __init__(self, folder: Path, name: str, server: _Server) -> None:
        self._turn = folder / f"{name}.turn"
        self._holders = folder / f"{name}.holders"
        self._server = server
        self._held: int | None = None

    def join(self) -> str:
        """Start the server or find it running; hold it; return its URL."""
        with _turn(self._turn):
            self._server.start()
            self._held = _open(self._holders)
            fcntl.flock(self._held, fcntl.LOCK_SH)
            return self._server.url

    def leave(self) -> None:
        """Let go of the server, and stop it if nobody else holds it."""
        if self._held is None:
            return
        with _turn(self._turn):
            try:
                fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._server.stop()
            except BlockingIOError:
                pass
            finally:
                os.close(self._held)
                self._held = None


@contextmanager
def _turn(path: Path) -> Generator[None]:
    """Wait, within a bound, until no other process starts or stops the server."""
    descriptor = _open(path)
    try:
        deadline = time.monotonic() + _TURN_S
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Fatal(f"another process has held {path} for {_TURN_S:.0f} s") from None
                time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except PermissionError as error:
        raise Rejected(
            f"{path} belongs to another user: run Omni as the user who made it, "
            "or set OMNI_DATA_DIR to another folder"
        ) from error
