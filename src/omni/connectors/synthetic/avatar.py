"""Pictures of synthetic people: symmetrical patterns, the same for the same person."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageDraw

from omni.connectors.synthetic.dice import Dice

_CELLS = 5
_SIZE = 120


def identicon(seed: int, number: int, position: int) -> bytes:
    """Return a PNG of 120×120 pixels for a person's picture at `position`, 0 for the avatar."""
    dice = Dice(seed, "picture", number, position)
    cell = _SIZE // _CELLS
    ink = (dice.below(180), dice.below(180), dice.below(180))
    image = Image.new("RGB", (_SIZE, _SIZE), (240, 240, 240))
    draw = ImageDraw.Draw(image)
    for row in range(_CELLS):
        for column in range((_CELLS + 1) // 2):
            if dice.chance(0.5):
                for x in {column, _CELLS - 1 - column}:
                    corner = (x * cell, row * cell)
                    draw.rectangle((corner, (corner[0] + cell - 1, corner[1] + cell - 1)), ink)
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
