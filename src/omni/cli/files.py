"""Files that are written whole, or not at all."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from omni.base.errors import Rejected


@contextmanager
def whole_file(path: Path, *, replace: bool) -> Generator[IO[bytes]]:
    """Open a file that stands at its path when the block has ended well, and not before.

    It holds people's data, so only its owner may read it.

    Args:
        path: Where it will stand.
        replace: Whether it may take the place of another.

    Raises:
        Rejected: There is one already, or the folder takes none.
    """
    if not replace and path.exists():
        raise _there_already(path)
    try:
        part = NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False)  # noqa: SIM115
    except OSError as error:
        raise Rejected(f"{path} cannot be written: {error.strerror}", field="out") from error
    try:
        with part:
            yield part
            part.flush()
            os.fsync(part.fileno())
        _put(Path(part.name), path, replace=replace)
    finally:
        Path(part.name).unlink(missing_ok=True)


def _put(part: Path, path: Path, *, replace: bool) -> None:
    if replace:
        part.replace(path)
        return
    try:
        path.hardlink_to(part)  # unlike a rename it takes nobody's place
    except FileExistsError:
        raise _there_already(path) from None
    except OSError:  # a file system without links
        part.replace(path)


def _there_already(path: Path) -> Rejected:
    return Rejected(f"{path} is there already: --force replaces it", field="out")
