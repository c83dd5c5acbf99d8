"""Strangers' pictures: only real ones of known formats and bounded size are kept, made anew."""

from __future__ import annotations

import zlib
from io import BytesIO
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from omni.base.errors import Rejected
from omni.profiles.images import KEPT_SIDE, KEPT_TYPE, MAX_BYTES, remake


def saved(image: Image.Image, kind: str, **how: Any) -> bytes:
    out = BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def picture(kind: str, size: tuple[int, int] = (8, 8)) -> bytes:
    return saved(Image.new("RGB", size, (200, 30, 30)), kind)


def noise(side: int) -> Image.Image:
    return Image.frombytes("RGB", (side, side), Random(1).randbytes(3 * side * side))


def opened(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(remake(data).data))
    image.load()
    return image


def near(found: Any, wanted: Any, by: int = 12) -> bool:
    return all(abs(a - b) <= by for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_known_formats_are_made_anew(kind: str) -> None:
    made = remake(picture(kind))
    assert (made.content_type, made.width, made.height) == (KEPT_TYPE, 8, 8)
    image = opened(picture(kind))
    assert image.format == "WEBP"
    assert near(image.convert("RGB").getpixel((4, 4)), (200, 30, 30))
    assert remake(picture(kind)) == made, "the same bytes, so that they are kept once"


def chunk(name: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")


def png(width: int, height: int, *chunks: bytes, depth: int = 8, colour: int = 2) -> bytes:
    """A PNG of raw chunks; its header claims what one likes."""
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes((depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + b"".join(chunks) + chunk(b"IEND", b"")


ZIPPED = zlib.compress(b"\x00" * 300_000_000, 9)
"""300 MB in 300 kB."""


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>not found</html>",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>",
        b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>",
        b"PK\x03\x04" + b"\x00" * 100,
        b"%PDF-1.7",
        b"BM" + b"\x00" * 100,
        saved(Image.new("RGB", (8, 8)), "TIFF"),
        saved(Image.new("RGB", (8, 8)), "ICO"),
        picture("PNG")[:20],
        picture("PNG", (300, 300))[:-40],
        saved(noise(300), "JPEG")[:9_000],
        b"\x89PNG\r\n\x1a\n" + b"\x00" * 100,
        b"GIF89a",
        png(50_000, 50_000, chunk(b"IDAT", zlib.compress(b"\x00"))),
        png(10_000, 10_000, chunk(b"IDAT", ZIPPED)),
        png(100_000, 1, chunk(b"IDAT", zlib.compress(b"\x00" * 300_001))),
        png(8, 8),
        png(8, 8, chunk(b"iCCP", b"x\x00\x00" + ZIPPED), chunk(b"IDAT", b"")),
        b"\xff\xd8\xff" + b"x" * 50,
    ],
    ids=lambda data: repr(data[:12]) + str(len(data)),
)
def test_everything_else_is_refused(data: bytes) -> None:
    with pytest.raises(Rejected):
        remake(data)


def test_what_unpacks_to_more_than_the_header_says_is_not_unpacked() -> None:
    made = remake(png(2, 2, chunk(b"IDAT", ZIPPED)))
    assert (made.width, made.height) == (2, 2)


def test_too_many_bytes_are_refused_unread() -> None:
    with pytest.raises(Rejected, match="allowed"):
        remake(picture("PNG") + b"\x00" * MAX_BYTES)


def test_of_an_animation_the_first_frame_is_kept() -> None:
    frames = [Image.new("P", (16, 16), n % 250) for n in range(10_000)]
    first = saved(frames[0].convert("RGB"), "PNG")
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], optimize=False)
    image = opened(data)
    assert not getattr(image, "is_animated", False)
    assert near(
        image.convert("RGB").getpixel((5, 5)), opened(first).convert("RGB").getpixel((5, 5))
    )


def test_where_a_photograph_was_taken_is_not_kept_and_it_stands_upright() -> None:
    image = Image.new("RGB", (40, 20), (0, 0, 255))
    image.paste((255, 0, 0), (0, 0, 20, 20))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # to be turned by 90° clockwise
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (38.0, 42.0, 0.0)
    exif[ExifTags.Base.Artist] = "Somebody"
    data = saved(
        image, "JPEG", exif=exif, icc_profile=b"profile" * 100, comment=b"a secret", quality=95
    )
    assert b"Somebody" in data
    made = remake(data)
    for secret in (b"Somebody", b"EXIF", b"Exif", b"ICCP", b"profile", b"secret", b"XMP"):
        assert secret not in made.data
    upright = opened(data)
    assert (upright.size, dict(upright.getexif())) == ((20, 40), {})
    assert near(upright.convert("RGB").getpixel((10, 5)), (255, 0, 0), 40)
    assert near(upright.convert("RGB").getpixel((10, 35)), (0, 0, 255), 40)


@pytest.mark.parametrize("broken", [b"Exif\x00\x00garbage", b"Exif\x00\x00MM\x00*\xff\xff\xff\xff"])
def test_broken_metadata_is_no_reason_to_refuse(broken: bytes) -> None:
    data = saved(Image.new("RGB", (9, 5)), "JPEG", exif=broken)
    assert opened(data).size == (9, 5)


@pytest.mark.parametrize(
    ("image", "kind", "colour"),
    [
        (Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", (255, 0, 0)),
        (Image.new("I;16", (8, 8), 0x8000), "PNG", (128, 128, 128)),
        (Image.new("1", (8, 8), 1), "PNG", (255, 255, 255)),
        (Image.new("L", (8, 8), 77), "JPEG", (77, 77, 77)),
        (Image.new("RGB", (8, 8), (10, 200, 30)).quantize(4), "PNG", (10, 200, 30)),
        (Image.new("LA", (8, 8), (90, 255)), "PNG", (90, 90, 90)),
    ],
    ids=["cmyk", "16 bits", "1 bit", "grey", "palette", "grey with alpha"],
)
def test_every_kind_of_colour_arrives(
    image: Image.Image, kind: str, colour: tuple[int, int, int]
) -> None:
    assert near(opened(saved(image, kind)).convert("RGB").getpixel((4, 4)), colour)


def test_transparency_stays() -> None:
    image = opened(saved(Image.new("RGBA", (8, 8), (255, 0, 0, 0)), "PNG"))
    pixel = image.convert("RGBA").getpixel((4, 4))
    assert isinstance(pixel, tuple)
    assert pixel[3] == 0


def test_large_pictures_are_made_smaller_and_keep_their_shape() -> None:
    made = remake(picture("JPEG", (4_000, 2_000)))
    assert (made.width, made.height) == (KEPT_SIDE, KEPT_SIDE // 2)


def test_what_stands_behind_a_picture_is_not_kept() -> None:
    page = b"<script>alert(1)</script>PK\x05\x06"
    assert page not in remake(picture("GIF") + page).data
    assert page not in remake(picture("JPEG") + page).data


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(["PNG", "JPEG", "WEBP", "GIF"]), st.data())
def test_damage_is_refused_or_harmless_and_never_a_crash(kind: str, data: st.DataObject) -> None:
    whole = bytearray(saved(noise(24), kind))
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(whole) - 1))
        whole[place] = data.draw(st.integers(0, 255))
    try:
        assert remake(bytes(whole)).content_type == KEPT_TYPE
    except Rejected:
        return
