"""Pictures from strangers: looked at before they are kept."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from omni.base.errors import Rejected

MAX_BYTES = 5_000_000
MAX_PIXELS = 40_000_000
MAX_SIDE = 16_384

CONTENT_TYPES: Mapping[str, str] = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WEBP": "image/webp",
    "GIF": "image/gif",
}
"""Media types of the formats that are kept, by Pillow's names; others are not even parsed."""


def check_image(data: bytes) -> str:
    """Return the media type that the bytes themselves say they have.

    Only the header is decoded; the pixels are not, so a small file that unpacks to a huge picture
    costs nothing.

    Raises:
        Rejected: It is no picture of a known format, or larger than the bounds.
    """
    if len(data) > MAX_BYTES:
        raise Rejected(f"a picture of {len(data)} bytes is over the {MAX_BYTES} allowed")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(BytesIO(data), formats=tuple(CONTENT_TYPES)) as image:
                kind, (width, height) = image.format or "", image.size
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError) as error:
        raise Rejected("these bytes are no picture of a known format") from error
    except (SyntaxError, EOFError, IndexError, TypeError, OverflowError) as error:
        raise Rejected("these bytes are a broken picture") from error
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE or min(width, height) < 1:
        raise Rejected(f"a picture of {width}×{height} is over the {MAX_PIXELS} pixels allowed")
    return CONTENT_TYPES[kind]
