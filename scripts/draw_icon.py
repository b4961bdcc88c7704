"""Draw the icon: a cell of rock salt, as manifests/mcpb/icon.png and icon-256.png.

.venv/bin/python scripts/draw_icon.py
"""

import math
from itertools import product
from pathlib import Path

from PIL import Image, ImageDraw

FOLDER = Path(__file__).parents[1] / "manifests" / "mcpb"
SIZE, FINE = 512, 4  # drawn four times as large, then made smaller: smooth edges
SPACING = 0.185  # of atoms, as a part of the picture
GROUND, ROD = "#10243e", "#7f9cc0"
ATOMS = {0: ("#f2a541", 0.050), 1: ("#4fb3bf", 0.062)}  # cation, anion: colour, radius


def projected(x: float, y: float, z: float) -> tuple[float, float, float]:
    """Position in the picture, and depth, seen along the diagonal of the cell."""
    return (
        0.5 + (x - y) * math.cos(math.pi / 6) * SPACING,
        0.5 - (z - (x + y) / 2) * SPACING,
        x + y + z,
    )


def draw() -> Image.Image:
    """The picture, atoms in front last."""
    side = SIZE * FINE
    image = Image.new("RGBA", (side, side))
    brush = ImageDraw.Draw(image)
    brush.rounded_rectangle((0, 0, side - 1, side - 1), radius=side * 0.2, fill=GROUND)
    sites = list(product((-1, 0, 1), repeat=3))
    shown = [site for site in sites if max(site) == 1]  # the three faces towards us
    for one, other in product(shown, shown):
        if sum(abs(a - b) for a, b in zip(one, other, strict=True)) == 1:
            ends = [projected(*site) for site in (one, other)]
            line = [coordinate * side for end in ends for coordinate in end[:2]]
            brush.line(line, fill=ROD, width=side // 64)
    for site in sorted(shown, key=lambda site: projected(*site)[2]):
        x, y, _ = projected(*site)
        colour, radius = ATOMS[sum(site) % 2]
        ball(brush, x * side, y * side, radius * side, colour)
    return image.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def ball(brush: ImageDraw.ImageDraw, x: float, y: float, radius: float, colour: str) -> None:
    """A ball lit from the upper left, parted from what is behind it by a dark rim."""
    rim = radius * 1.1
    brush.ellipse((x - rim, y - rim, x + rim, y + rim), fill=GROUND)
    brush.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    shine, left, top = radius * 0.3, x - radius * 0.35, y - radius * 0.35
    brush.ellipse((left - shine, top - shine, left + shine, top + shine), fill="#ffffffb0")


if __name__ == "__main__":
    icon = draw()
    icon.save(FOLDER / "icon.png", optimize=True)
    icon.resize((256, 256), Image.Resampling.LANCZOS).save(FOLDER / "icon-256.png", optimize=True)
