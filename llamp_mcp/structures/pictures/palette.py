"""The finished pixels as a small file."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Final

from llamp_mcp.structures.pictures.colours import WHITE, Colour

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

_COLOURS: Final = 256
_MOST_ACCENTS: Final = 60
_SAMPLED: Final = 5
"""Every so many pixels are looked at for the palette."""


def merge(below: Bytes, above: Bytes) -> Bytes:
    """One picture over another.

    Args:
        below: (height, width, 3).
        above: The same with opacity, (height, width, 4).
    """
    import numpy as np

    opacity = above[..., 3:].astype(np.uint16)
    mixed = (above[..., :3] * opacity + below * (255 - opacity) + 127) // 255
    return mixed.astype(np.uint8)


def png(pixels: Bytes, accents: Sequence[Colour]) -> bytes:
    """PNG in 256 colours, a third as large as with all of them.

    Args:
        pixels: (height, width, 3).
        accents: Colours to keep exactly, although few pixels may have them.
    """
    import numpy as np
    from PIL import Image

    white = (pixels == 255).all(axis=2)
    kept = (WHITE, *accents[:_MOST_ACCENTS])
    sample = np.ascontiguousarray(pixels[~white][::_SAMPLED, None])
    found = Image.fromarray(sample).quantize(_COLOURS - len(kept), Image.Quantize.MEDIANCUT)
    palette = [part for colour in kept for part in colour] + (found.getpalette() or [])
    found.putpalette(palette[: 3 * _COLOURS])
    numbers = np.array(
        Image.fromarray(pixels).quantize(palette=found, dither=Image.Dither.NONE), np.uint8
    )
    numbers[white] = 0  # the library's nearest colour is not always the nearest
    made = Image.fromarray(numbers)
    made.putpalette(palette[: 3 * _COLOURS])
    stream = BytesIO()
    made.save(stream, format="png")
    return stream.getvalue()
