"""Object storage: addressed by content, bounded, and not fooled by damage."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from omni.base.errors import NotFound, Rejected, Transient
from omni.storage.objects import Objects


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_the_same_bytes_are_kept_once(tmp_path: Path) -> None:
    objects = Objects(tmp_path / "deep" / "objects")
    names = await asyncio.gather(*(objects.put(b"picture") for _ in range(8)))
    assert set(names) == {hashlib.sha256(b"picture").hexdigest()}
    assert len(files(tmp_path)) == 1
    assert await objects.get(names[0]) == b"picture"
    assert await Objects(f"file://{tmp_path}/deep/objects").get(names[0]) == b"picture"


async def test_what_is_deleted_is_gone_and_deleting_again_is_harmless(tmp_path: Path) -> None:
    objects = Objects(tmp_path)
    name = await objects.put(b"")
    assert await objects.delete(name) is True
    assert await objects.delete(name) is False
    with pytest.raises(NotFound):
        await objects.get(name)


async def test_damage_is_noticed_and_mended_by_putting_again(tmp_path: Path) -> None:
    objects = Objects(tmp_path)
    name = await objects.put(b"a whole picture")
    files(tmp_path)[0].write_bytes(b"a who")
    with pytest.raises(NotFound, match="damaged"):
        await objects.get(name)
    await objects.put(b"a whole picture")
    assert await objects.get(name) == b"a whole picture"


async def test_sizes_and_names_are_bounded(tmp_path: Path) -> None:
    objects = Objects(tmp_path, max_bytes=10)
    with pytest.raises(Rejected):
        await objects.put(b"x" * 11)
    large = await Objects(tmp_path).put(b"x" * 11)
    with pytest.raises(Rejected):
        await objects.get(large)
    for name in ("../../etc/passwd", "", "A" * 64, "a" * 63, "a" * 64 + "\n"):
        with pytest.raises(Rejected):
            await objects.get(name)
        with pytest.raises(Rejected):
            await objects.delete(name)


async def test_a_place_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises((Transient, Rejected)):
        await Objects(tmp_path / "file" / "objects").put(b"x")
    with pytest.raises(Rejected):
        Objects("nonsense://bucket")
