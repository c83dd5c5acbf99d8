"""Strangers' pictures: only real ones of known formats and bounded size are kept."""

from __future__ import annotations

import zlib
from io import BytesIO

import pytest
from PIL import Image

from omni.base.errors import Rejected
from omni.profiles.images import MAX_BYTES, check_image


def picture(kind: str, size: tuple[int, int] = (8, 8)) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp"), ("GIF", "image/gif")],
)
def test_known_formats_are_recognised_by_their_bytes(kind: str, media_type: str) -> None:
    assert check_image(picture(kind)) == media_type


def bomb(width: int, height: int) -> bytes:
    """A small PNG whose header claims a huge size."""
    data = bytearray(picture("PNG"))
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>not found</html>",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>",
        picture("BMP"),
        picture("TIFF"),
        picture("PNG")[:20],
        b"\x89PNG\r\n\x1a\n" + b"\x00" * 100,
        b"GIF89a",
        bomb(20_000, 20_000),
        bomb(10_000, 10_000),
        bomb(100_000, 1),
        b"\xff\xd8\xff" + b"x" * 50,
    ],
    ids=lambda data: repr(data[:12]),
)
def test_everything_else_is_refused(data: bytes) -> None:
    with pytest.raises(Rejected):
        check_image(data)


def test_too_many_bytes_are_refused_unread() -> None:
    with pytest.raises(Rejected, match="allowed"):
        check_image(picture("PNG") + b"\x00" * MAX_BYTES)
