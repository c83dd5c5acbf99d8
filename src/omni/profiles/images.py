"""Pictures from strangers: looked at before they are unpacked, and made anew before they are kept.

What is kept is never what came, but what Pillow saw in it, written again as WebP: no metadata (and
so no place where a photograph was taken), no colour profile, no second frame, nothing behind the
end of the picture. Whatever else a file may also be, a page or an archive, is gone with that.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

from omni.base.errors import Rejected

MAX_BYTES = 5_000_000
"""Of a file that is taken."""

MAX_PIXELS = 25_000_000
"""Of a picture that is unpacked: 100 MB with four channels."""

MAX_SIDE = 16_384

KEPT_SIDE = 1_024
"""Of a picture that is kept, in pixels."""

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
"""Pillow's names of what is read; other formats are not even parsed."""

KEPT_TYPE = "image/webp"

_QUALITY = 80
_BROKEN = (
    OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, ArithmeticError,
    AttributeError, MemoryError, AssertionError, struct.error, zlib.error,
)  # fmt: skip
"""What Pillow's readers raise on files that were made to break them."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that may be kept.

    Attributes:
        data: The file.
        content_type: Always `KEPT_TYPE`.
    """

    data: bytes
    content_type: str
    width: int
    height: int


def remake(data: bytes) -> Picture:
    """Return the picture in a file, upright, within `KEPT_SIDE`, and without anything else.

    Of an animation that is the first frame. The size is read from the header and checked before
    anything is unpacked. The same file always makes the same bytes. It takes up to a second or two
    of a processor; call it in a thread.

    Raises:
        Rejected: It is no picture of a known format, broken, cut short, or larger than the bounds.
    """
    if len(data) > MAX_BYTES:
        raise Rejected(f"a picture of {len(data)} bytes is over the {MAX_BYTES} allowed")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(BytesIO(data), formats=FORMATS) as image:
                _check_size(*image.size)
                # A JPEG is unpacked at the size that is needed; other formats take no notice.
                image.draft(None, (KEPT_SIDE, KEPT_SIDE))
                image.load()
                return _write(_shrunk(_plain(image)))
    except Rejected:
        raise
    except UnidentifiedImageError as error:
        raise Rejected("these bytes are no picture of a known format") from error
    except (*_BROKEN, Image.DecompressionBombError) as error:
        raise Rejected("these bytes are a broken picture") from error


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE or min(width, height) < 1:
        raise Rejected(f"a picture of {width}×{height} is over the {MAX_PIXELS} pixels allowed")


def _plain(image: Image.Image) -> Image.Image:
    """Return the pixels, upright, 8 bits a channel, in colours with or without transparency."""
    turned = _upright(image)
    if turned.mode.startswith(("I", "F")):
        # 16 bits of grey: Pillow would cut them off at 255 instead of scaling them.
        deep = turned.convert("I")
        turned = deep.point(lambda value: value / 256).convert("L")
    see_through = turned.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in turned.info
    return turned.convert("RGBA" if see_through else "RGB")


def _upright(image: Image.Image) -> Image.Image:
    """Turn the picture as its metadata asks; metadata that is broken asks for nothing."""
    try:
        return ImageOps.exif_transpose(image)
    except _BROKEN:
        return image


def _shrunk(image: Image.Image) -> Image.Image:
    image.thumbnail((KEPT_SIDE, KEPT_SIDE), reducing_gap=2.0)
    return image


def _write(image: Image.Image) -> Picture:
    image.info.clear()
    out = BytesIO()
    image.save(out, "WEBP", quality=_QUALITY, method=2, exif=b"", icc_profile=b"", xmp=b"")
    return Picture(out.getvalue(), KEPT_TYPE, *image.size)
