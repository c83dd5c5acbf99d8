"""Where a process may listen: on this machine freely, elsewhere only once there are API keys."""

from __future__ import annotations

import errno
import socket

from omni.api.store import has_usable_key
from omni.base.clock import utc_now
from omni.base.errors import Rejected
from omni.base.settings import is_loopback
from omni.storage.db import Database


async def check_address(host: str, setting: str, db: Database) -> None:
    """Refuse an address that others can reach while nobody needs a key.

    Raises:
        Rejected: There is no API key yet.
    """
    if not is_loopback(host) and not await has_usable_key(db, now=utc_now()):
        raise Rejected(
            f"{setting} is {host}, which other machines can reach, and there is no API key: "
            "make one with `omni keys create NAME --scope send --scope admin`, "
            "or listen on 127.0.0.1"
        )


def bind(host: str, port: int, setting: str) -> socket.socket:
    """Return a socket bound to the address.

    Args:
        host: Name or address.
        port: 0 takes any free one.
        setting: Name of the variable that holds the port, such as `OMNI_API_PORT`.

    Raises:
        Rejected: The port is taken, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, since asyncio turns Nagle's algorithm off only then: an answer in two writes
    # would wait 40 ms for the caller's acknowledgement of the first.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except (OSError, OverflowError) as error:
        bound.close()
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise Rejected(
                f"port {port} on {host} is taken, perhaps by another Omni: "
                f"stop that program, or set {setting} to a free port"
            ) from error
        address = setting.replace("_PORT", "_HOST")
        raise Rejected(
            f"cannot listen on {host} port {port} ({address}, {setting}): {error}"
        ) from error
    return bound
