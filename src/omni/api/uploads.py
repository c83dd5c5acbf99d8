"""Uploads: a file goes from the wire to its folder piece by piece, hashed and bounded."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from omni.api.errors import TooLarge
from omni.base.errors import Rejected

FILE = "file"
MAX_FIELD = 1_000
"""Bytes of a form's other fields, each."""

MAX_FIELDS = 10
STALLED_S = 30.0
"""How long the caller may send nothing."""


@dataclass(slots=True)
class Upload:
    """A form with a file.

    Attributes:
        name: What the caller calls the file.
        size: Bytes.
        fields: The form's other fields.
    """

    name: str = ""
    size: int = 0
    sha256: str = ""
    fields: dict[str, str] = field(default_factory=dict[str, str])


async def receive(
    stream: AsyncIterator[bytes], content_type: str, into: Path, *, max_bytes: int
) -> Upload:
    """Write the form's file to `into`, which is removed if that fails.

    Raises:
        Rejected: Not a form with one file, or it broke off.
        TooLarge: The file has more than `max_bytes`.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise Rejected("send a form: multipart/form-data with the part 'file'", field=FILE)
    try:
        with into.open("wb") as out:
            form = _Form(out, max_bytes)
            parser = MultipartParser(boundary, form.callbacks())
            iterator = aiter(stream)
            while True:
                async with asyncio.timeout(STALLED_S):
                    chunk = await anext(iterator, None)
                if chunk is None:
                    break
                parser.write(chunk)
                await form.flush()
            parser.finalize()
        return form.upload()
    except BaseException as error:
        await asyncio.to_thread(into.unlink, missing_ok=True)
        if isinstance(error, FormParserError):
            raise Rejected(f"the form cannot be read: {error}", field=FILE) from error
        if isinstance(error, TimeoutError):
            raise Rejected(f"nothing came for {STALLED_S:g} s", field=FILE) from error
        raise


class _Form:
    """Takes what the parser finds."""

    def __init__(self, out: Any, max_bytes: int) -> None:
        self._out = out
        self._max_bytes = max_bytes
        self._hash = hashlib.sha256()
        self._upload = Upload()
        self._pending: list[bytes] = []
        self._header = b""
        self._value = b""
        self._part = ""
        self._is_file = False
        self._has_file = False
        self._ended = False
        self._text = b""

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    async def flush(self) -> None:
        """Write what has come, off the event loop."""
        pending, self._pending = self._pending, []
        if pending:
            await asyncio.to_thread(self._write, pending)

    def upload(self) -> Upload:
        if self._pending:
            self._write(self._pending)
        if not self._ended:
            raise Rejected("the form broke off before its end", field=FILE)
        if not self._has_file:
            raise Rejected("the form has no part called 'file'", field=FILE)
        self._upload.sha256 = self._hash.hexdigest()
        return self._upload

    def _write(self, pending: list[bytes]) -> None:
        for piece in pending:
            self._hash.update(piece)
            self._out.write(piece)

    def _begin(self) -> None:
        self._part, self._is_file, self._text = "", False, b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, options = parse_options_header(self._value)
            self._part = options.get(b"name", b"").decode("utf-8", "replace")
            if self._part == FILE:
                if self._has_file:
                    raise Rejected("the form has two files: send one", field=FILE)
                self._is_file = self._has_file = True
                self._upload.name = _plain(options.get(b"filename", b""))
        self._header, self._value = b"", b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._upload.size += end - start
            if self._upload.size > self._max_bytes:
                raise TooLarge(f"a file may have at most {self._max_bytes:,} bytes")
            self._pending.append(data[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > MAX_FIELD or len(self._upload.fields) >= MAX_FIELDS:
            raise Rejected("the form's other fields are too large", field=self._part[:50] or FILE)

    def _end(self) -> None:
        if not self._is_file and self._part:
            self._upload.fields[self._part] = self._text.decode("utf-8", "replace").strip()

    def _finish(self) -> None:
        self._ended = True


def _plain(name: bytes) -> str:
    """Return a file's name without folders and characters that cannot be shown."""
    last = name.decode("utf-8", "replace").replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in last if c.isprintable())[:200].strip() or "unnamed"
