"""The embedded servers: shared by processes, stopped by the last, recovered after a kill."""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import asyncpg
import psutil
import pytest

from omni.base.errors import Rejected
from omni.base.settings import Settings
from omni.embedded.servers import Servers
from tests.conftest import require

HOLDER = """
import sys
from pathlib import Path
from omni.base.log import configure_logging
from omni.base.settings import Settings
from omni.embedded.servers import Servers
configure_logging("error")
with Servers(Settings(data_dir=Path(sys.argv[1]), database_url=None, redis_url=None)) as servers:
    print(servers.database_url, servers.redis_url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "data dir é"
    yield place
    with Servers(settings(place)):
        pass  # whatever a killed holder left running is joined, and stopped on leaving


def settings(folder: Path) -> Settings:
    return Settings(data_dir=folder, database_url=None, redis_url=None)


class Holder:
    """Another process that uses the servers until it is told to leave, or killed."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def urls(self) -> tuple[str, str]:
        assert self._process.stdout
        database_url, redis_url = self._process.stdout.readline().split()
        return database_url, redis_url

    def leave(self) -> None:
        self._process.communicate(timeout=60)
        assert self._process.returncode == 0

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate()


def run_sql(url: str, statement: str) -> object:
    async def run() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(run())


def answers(url: str) -> bool:
    try:
        return run_sql(url, "select 1") == 1
    except OSError:
        return False


def listens(redis_url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(redis_url.rsplit(":", 1)[1].split("/")[0]))) == 0


def test_the_last_holder_stops_the_servers_and_the_data_stays(folder: Path) -> None:
    with Servers(settings(folder)) as first:
        run_sql(first.database_url, "create table kept as select 7 as number")
        other = Holder(folder)
        assert other.urls() == (first.database_url, first.redis_url)
    assert answers(first.database_url)
    assert listens(first.redis_url)
    other.leave()
    assert not answers(first.database_url)
    assert not listens(first.redis_url)
    with Servers(settings(folder)) as again:
        assert run_sql(again.database_url, "select number from kept") == 7


def test_a_killed_holder_leaves_servers_that_the_next_one_joins_and_stops(folder: Path) -> None:
    victim = Holder(folder)
    database_url, redis_url = victim.urls()
    run_sql(database_url, "create table kept as select 8 as number")
    victim.kill()
    assert answers(database_url)
    with Servers(settings(folder)) as servers:
        assert (servers.database_url, servers.redis_url) == (database_url, redis_url)
    assert not answers(database_url)
    assert not listens(redis_url)


def test_a_killed_server_is_started_again_with_its_data(folder: Path) -> None:
    with Servers(settings(folder)) as servers:
        run_sql(servers.database_url, "create table kept as select 9 as number")
        postmaster = int((folder / "postgres" / "postmaster.pid").read_text().split()[0])
        psutil.Process(postmaster).send_signal(signal.SIGKILL)
        psutil.wait_procs([psutil.Process(postmaster)] if psutil.pid_exists(postmaster) else [], 10)
        with Servers(settings(folder)) as again:
            assert run_sql(again.database_url, "select number from kept") == 9


def test_a_process_number_that_another_program_took_is_not_mistaken_for_the_server(
    folder: Path,
) -> None:
    with Servers(settings(folder)) as servers:
        pid_file = folder / "postgres" / "postmaster.pid"
        text = pid_file.read_text()
    pid_file.write_text(text.replace(text.split("\n")[0], str(os.getpid()), 1))
    with Servers(settings(folder)) as servers:
        assert answers(servers.database_url)


def test_processes_that_start_at_once_share_one_server(folder: Path) -> None:
    holders = [Holder(folder) for _ in range(3)]
    urls = {holder.urls() for holder in holders}
    assert len(urls) == 1
    for holder in holders:
        assert answers(next(iter(urls))[0])
        holder.leave()
    assert not answers(next(iter(urls))[0])


def test_a_path_too_long_for_a_socket_works_and_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / ("d" * 120) / "omni"
    with Servers(settings(folder)) as servers:
        assert answers(servers.database_url)
        short = Path(unquote(servers.database_url.partition("host=")[2]))
        assert not short.is_relative_to(folder)
        assert short.stat().st_mode & 0o077 == 0
    assert not short.exists()


def test_half_a_creation_is_thrown_away(folder: Path) -> None:
    half = folder / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with Servers(settings(folder)) as servers:
        assert answers(servers.database_url)
    assert not half.exists()


def test_urls_in_the_settings_replace_the_embedded_servers(tmp_path: Path) -> None:
    named = Settings(
        data_dir=tmp_path, database_url="postgresql://there/db", redis_url="redis://there:1/0"
    )
    with Servers(named) as servers:
        assert servers.database_url == "postgresql://there/db"
        assert servers.redis_url == "redis://there:1/0"
    assert not (tmp_path / "postgres").exists()
    assert not (tmp_path / "valkey").exists()


@pytest.mark.parametrize("setting", ["database_url", "redis_url"])
def test_a_url_that_is_none_is_refused_by_its_setting(tmp_path: Path, setting: str) -> None:
    with pytest.raises(Rejected, match=f"OMNI_{setting.upper()} must begin with"):
        Servers(Settings(data_dir=tmp_path, **{setting: "nonsense"})).start()  # pyright: ignore[reportArgumentType]


def test_a_folder_of_another_postgres_is_refused_in_one_line(tmp_path: Path) -> None:
    with Servers(settings(tmp_path)):
        pass
    (tmp_path / "postgres" / "PG_VERSION").write_text("12\n")
    with pytest.raises(Rejected, match="made by Postgres 12, and this is Postgres 18"):
        Servers(settings(tmp_path)).start()


def test_a_folder_that_holds_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "letter.txt").write_text("dear reader")
    if os.geteuid() == 0:
        with pytest.raises(Rejected, match="belongs to user root, but Postgres would run as"):
            Servers(settings(tmp_path)).start()
        os.chown(tmp_path / "postgres", pwd.getpwnam("embedded_postgres").pw_uid, -1)
    with pytest.raises(Rejected, match="is not empty and holds no Postgres data"):
        Servers(settings(tmp_path)).start()
    assert (tmp_path / "postgres" / "letter.txt").read_text() == "dear reader"


def test_a_folder_of_another_user_is_refused_by_name(tmp_path: Path) -> None:
    require(os.geteuid() == 0, "root, to give a folder away")
    (tmp_path / "postgres").mkdir()
    os.chown(tmp_path / "postgres", 54_321, -1)
    with pytest.raises(Rejected, match="belongs to user 54321"):
        Servers(settings(tmp_path)).start()


def test_a_data_folder_that_cannot_be_made_names_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Rejected, match="OMNI_DATA_DIR"):
        Servers(settings(tmp_path / "file" / "data")).start()
