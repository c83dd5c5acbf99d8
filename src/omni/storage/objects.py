"""Object storage: bytes under the SHA-256 of what they are, in a folder or, by URL, elsewhere."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from obstore import delete_async, get_async, head_async, put_async
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import from_url

from omni.base.errors import NotFound, Rejected, Transient
from omni.base.hashing import digest_bytes

MAX_BYTES = 16_000_000
TIMEOUT_S = 30
"""The most seconds that a store elsewhere has for an answer."""
_NAME = re.compile(r"[0-9a-f]{64}")
_COPY = re.compile(r"[0-9a-f]{0,32}")


@dataclass(frozen=True, slots=True)
class S3Access:
    """How a store with the S3 API is reached; what is None is left to the environment.

    Attributes:
        endpoint: Its URL, where it is not Amazon's; plain http is for this machine alone.
    """

    endpoint: str | None = None
    region: str | None = None
    key_id: str | None = None
    secret: str | None = field(default=None, repr=False)

    def options(self) -> dict[str, Any]:
        """Return what obstore takes."""
        given = {
            "endpoint": self.endpoint,
            "region": self.region,
            "access_key_id": self.key_id,
            "secret_access_key": self.secret,
        }
        return {name: value for name, value in given.items() if value}


class Objects:
    """Content-addressed storage: the same bytes are kept once, however often they are put.

    Args:
        place: A folder, made when needed, or a URL that obstore knows, such as `s3://bucket/omni`.
        max_bytes: The largest object that is taken or given.
        s3: How to reach a place that begins with `s3://`.

    Raises:
        Transient: The folder cannot be made.
        Rejected: The URL is none.
    """

    def __init__(
        self, place: Path | str, *, max_bytes: int = MAX_BYTES, s3: S3Access | None = None
    ) -> None:
        self._max_bytes = max_bytes
        url = place if isinstance(place, str) and "://" in place else None
        try:
            if url is None or url.startswith("file://"):
                self._store = from_url(url or Path(place).resolve().as_uri(), mkdir=True)
            elif url.startswith("s3://") and s3 is not None:
                plain = (s3.endpoint or "").startswith("http://")
                self._store = from_url(
                    url,
                    client_options={"allow_http": plain, "timeout": f"{TIMEOUT_S}s"},
                    retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=TIMEOUT_S)},
                    **s3.options(),
                )
            else:
                self._store = from_url(url)
        except OSError as error:
            raise Transient(f"object storage: {error}") from error
        except (BaseError, ValueError) as error:
            raise Rejected(f"not a place for objects: {_first_line(error)}") from error

    async def put(self, data: bytes, *, copy: str = "") -> str:
        """Keep `data`; return its name, the SHA-256 in hexadecimal.

        Args:
            data: What to keep.
            copy: Lower-case hexadecimal: parts this object from others of the same name, such as
                one that is being removed.

        Raises:
            Rejected: It is larger than the bound.
            Transient: The storage failed.
        """
        if len(data) > self._max_bytes:
            raise Rejected(f"an object of {len(data)} bytes is over the {self._max_bytes} allowed")
        name = digest_bytes(data)
        with _passing_faults():
            path = _path(name, copy)
            try:
                await put_async(self._store, path, data, mode="create")
            except AlreadyExistsError:
                # What a crash of the machine cut short must not be taken for the object.
                if (await head_async(self._store, path))["size"] != len(data):
                    await put_async(self._store, path, data, mode="overwrite")
        return name

    async def get(self, name: str, *, copy: str = "") -> bytes:
        """Return the object of this name.

        Raises:
            NotFound: It is not there, or what is there is damaged.
            Rejected: It is larger than the bound, or the name is none.
            Transient: The storage failed.
        """
        path = _path(name, copy)
        with _passing_faults():
            found = await get_async(self._store, path)
            if found.meta["size"] > self._max_bytes:
                raise Rejected(f"the object is over the {self._max_bytes} bytes allowed")
            data = bytes(await found.bytes_async())
        if digest_bytes(data) != name:
            raise NotFound(f"object {name[:12]} is damaged")
        return data

    async def delete(self, name: str, *, copy: str = "") -> bool:
        """Remove the object of this name; tell whether it was there.

        Raises:
            Rejected: The name is none.
            Transient: The storage failed.
        """
        path = _path(name, copy)
        try:
            with _passing_faults():
                await delete_async(self._store, path)
        except NotFound:
            return False
        return True


def _path(name: str, copy: str) -> str:
    """Return where an object lies; two letters of folder keep listings short."""
    if not _NAME.fullmatch(name) or not _COPY.fullmatch(copy):
        raise Rejected("an object's name is a SHA-256 in lower-case hexadecimal")
    return f"{name[:2]}/{name}-{copy}" if copy else f"{name[:2]}/{name}"


@contextmanager
def _passing_faults() -> Generator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound("there is no such object") from error
    except (BaseError, OSError) as error:
        raise Transient(f"object storage: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
