"""When the supervisor tries again, and what it shows of the parts' logs."""

from __future__ import annotations

import asyncio
import inspect
import json
import socket
from pathlib import Path

import pytest

from omni.base.errors import Rejected
from omni.cli import logs
from omni.cli.guard import bind
from omni.cli.lifetime import Signals
from omni.cli.logs import LogFile, telling
from omni.cli.render import plain
from omni.cli.supervisor import LONGEST_WAIT_S, STOP_S, gives_up, wait_before
from omni.flow.worker import run_worker


def test_the_wait_doubles_up_to_a_bound() -> None:
    waits = [wait_before(crashes) for crashes in range(1, 12)]
    assert waits == sorted(waits)
    assert waits[1] == 2 * waits[0]
    assert waits[-1] == LONGEST_WAIT_S


def test_five_crashes_in_a_minute_are_enough() -> None:
    assert not gives_up([1, 2, 3, 4])
    assert gives_up([1, 10, 20, 30, 61])
    assert not gives_up([1, 10, 20, 30, 62])


def test_a_worker_that_minds_its_bounds_is_not_killed() -> None:
    """A run that was told to end, and takes all the time it has, still ends before the kill."""
    bounds = inspect.signature(run_worker).parameters["timing"].default
    assert bounds.drain + bounds.abandon + 5 <= STOP_S


def test_a_second_signal_hurries_unless_it_is_the_first_one_twice() -> None:
    signals = Signals()
    signals.heard(100.0)
    assert signals.stop.is_set()
    signals.heard(100.2)
    assert not signals.hurry.is_set()
    signals.heard(102.0)
    assert signals.hurry.is_set()


def test_only_lines_that_tell_of_errors_are_shown() -> None:
    error = {"event": "crawl.failed", "level": "error", "job_id": "7", "exception": "long", "n": 1}
    assert telling(json.dumps(error)) == "crawl.failed job_id=7 n=1"
    assert telling(json.dumps({"event": "crawl.done", "level": "info"})) is None
    assert telling("Traceback (most recent call last):") is None
    assert telling('["error"]') is None
    assert telling("") is None


def test_what_a_terminal_would_obey_is_not_shown() -> None:
    assert plain("a\x1b[31mb\x00\nc\u202ed") == "a [31mb c d"


async def test_a_log_keeps_everything_within_its_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "MAX_BYTES", 1_000)
    shown: list[str] = []
    log = LogFile(tmp_path / "logs" / "api.log", shown.append)
    for number in range(4):
        stream = asyncio.StreamReader()
        stream.feed_data(b'{"event": "a.failed", "level": "error"}\n' + b"x" * 600)
        stream.feed_data(f"\nlast {number}".encode())
        stream.feed_eof()
        await log.fill_from(stream)
    log.close()
    assert shown == ["a.failed"] * 4
    assert log.last_line() == "last 3"
    files = sorted(path.name for path in (tmp_path / "logs").iterdir())
    assert files == ["api.log", "api.log.1"]


async def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "api.log", lambda _: None)
    stream = asyncio.StreamReader()
    stream.feed_data(b"y" * 1_000_000)
    stream.feed_eof()
    await log.fill_from(stream)
    log.close()
    assert len(log.last_line()) <= 300
    assert (tmp_path / "api.log").stat().st_size == 1_000_000


def test_a_taken_port_is_named_with_its_setting() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Rejected, match=rf"port {port} .* taken.*OMNI_API_PORT"):
            bind("127.0.0.1", port, "OMNI_API_PORT")


@pytest.mark.parametrize(("host", "port"), [("192.0.2.1", 0), ("127.0.0.1", 70_000)])
def test_an_address_that_is_not_ours_is_named_with_its_setting(host: str, port: int) -> None:
    with pytest.raises(Rejected, match="OMNI_UI_HOST, OMNI_UI_PORT"):
        bind(host, port, "OMNI_UI_PORT")
