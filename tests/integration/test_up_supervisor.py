"""The supervisor with real processes: they come, crash, come back, and go in order."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from time import monotonic

import psutil
import pytest

from omni.base.errors import Fatal, Rejected
from omni.cli import supervisor as supervision
from omni.cli.lifetime import Signals
from omni.cli.supervisor import Supervisor

GOOD = """
import os, signal, sys, time
name, journal = sys.argv[1:]
def note(word):
    with open(journal, "a") as file:
        file.write(f"{name} {word}\\n")
def leave(*_):
    note("left")
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
note(f"came {os.getpid()}")
print(f"{name}: here", flush=True)
print('{"event": "%s.failed", "level": "error"}' % name, file=sys.stderr, flush=True)
while True:
    time.sleep(0.05)
"""
STUBBORN = GOOD.replace("signal.signal(signal.SIGTERM, leave)", "signal.signal(15, lambda *_: 0)")
REFUSING = "import sys; print('omni: no such port', file=sys.stderr); sys.exit(2)"
CRASHING = "import sys; print('first words'); sys.exit('last words')"
ORPHAN = """
import asyncio, os, sys
from omni.cli.lifetime import leave_with_parent, run_with_signals
leave_with_parent()
async def run(signals):
    print("part: ready", os.getpid(), flush=True)
    await signals.stop.wait()
run_with_signals(run)
"""
PARENT = """
import asyncio, sys, time
from pathlib import Path
from omni.cli.lifetime import Signals
from omni.cli.supervisor import Supervisor
async def run():
    parts = [("part", (sys.executable, "-c", sys.argv[1]))]
    say = lambda line: print(line, flush=True)
    options = {"environment": {}, "logs": Path(sys.argv[2]), "signals": Signals(), "say": say}
    async with Supervisor(parts, **options):
        await asyncio.sleep(60)
asyncio.run(run())
"""


class Play:
    """A stage for children that write down when they come and go."""

    def __init__(self, folder: Path) -> None:
        self.signals = Signals()
        self.told: list[str] = []
        self._folder = folder
        self._journal = folder / "journal"

    def of(self, *parts: tuple[str, str]) -> Supervisor:
        return Supervisor(
            [
                (name, (sys.executable, "-c", code, name, str(self._journal)))
                for name, code in parts
            ],
            environment={},
            logs=self._folder / "logs",
            signals=self.signals,
            say=self.told.append,
        )

    def journal(self) -> list[str]:
        return self._journal.read_text().splitlines() if self._journal.exists() else []

    def pids(self, name: str) -> list[int]:
        marks = (line.split() for line in self.journal())
        return [int(mark[2]) for mark in marks if mark[:2] == [name, "came"]]

    def heard(self, words: str) -> bool:
        return any(words in line for line in self.told)


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path)


async def until(what: object, seconds: float = 20.0) -> None:
    assert callable(what)
    async with asyncio.timeout(seconds):
        while True:
            if what():
                return
            await asyncio.sleep(0.02)


async def test_parts_stop_in_reverse_order(play: Play) -> None:
    async with play.of(("first", GOOD), ("second", GOOD)):
        assert play.heard("first      here")
        assert play.heard("second     here")
        await until(lambda: play.heard("first      | first.failed"))
    gone = [line for line in play.journal() if line.endswith("left")]
    assert gone == ["second left", "first left"]


async def test_a_killed_part_comes_back(play: Play) -> None:
    async with play.of(("part", GOOD)):
        (pid,) = play.pids("part")
        psutil.Process(pid).kill()
        await until(lambda: play.heard("is back"))
        assert play.heard("killed by signal 9")
        assert len(play.pids("part")) == 2


async def test_a_part_that_does_not_go_is_killed(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "STOP_S", 0.3)
    async with play.of(("good", GOOD), ("stubborn", STUBBORN)):
        pass
    assert [line for line in play.journal() if line.endswith("left")] == ["good left"]
    assert not psutil.pid_exists(play.pids("stubborn")[0])


async def test_a_hurry_does_not_wait_for_the_bound(play: Play) -> None:
    async with play.of(("stubborn", STUBBORN)):
        play.signals.hurry.set()
        begun = monotonic()
    assert monotonic() - begun < supervision.STOP_S / 2


async def test_a_refusal_ends_the_start_with_the_words_of_the_part(play: Play) -> None:
    with pytest.raises(Rejected, match=r"^no such port$"):
        async with play.of(("good", GOOD), ("refusing", REFUSING)):
            pytest.fail("it must not start")
    assert "good left" in play.journal() or not play.pids("good")


async def test_a_part_that_crashes_again_and_again_is_given_up(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "FIRST_WAIT_S", 0.01)
    with pytest.raises(Fatal, match=r"crashing ended 5 times within 60 s .*last words.*\.log"):
        async with play.of(("crashing", CRASHING)) as supervisor:
            await supervisor.until_broken()


async def test_a_stop_during_the_start_is_obeyed(play: Play) -> None:
    silent = "import time; time.sleep(60)"
    play.signals.stop.set()
    async with asyncio.timeout(20):
        async with play.of(("silent", silent)):
            pass


async def test_parts_leave_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, ORPHAN, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout
    pid = int((await parent.stdout.readline()).split()[-1])
    assert psutil.pid_exists(pid)
    parent.kill()
    await parent.communicate()
    await until(lambda: not psutil.pid_exists(pid) or _is_zombie(pid))


def _is_zombie(pid: int) -> bool:
    """Where nobody collects orphans, as in some containers, the dead stay listed."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
