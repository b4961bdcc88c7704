"""The numbers of a figure: how many of them, with how many digits."""

from __future__ import annotations

from math import isfinite, log10
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

DIGITS = 6


def thinned(x: ArrayLike, y: ArrayLike, most: int) -> dict[str, Any]:
    """A line of at most so many points; what was thinned says how many it had."""
    xs, ys = plain_array(x), plain_array(y)
    if len(xs) <= most:
        return {"x": numbers(xs), "y": numbers(ys)}
    kept = _extremes(ys, most)
    return {"x": numbers(xs[kept]), "y": numbers(ys[kept]), "points": len(xs)}


def plain_array(values: ArrayLike) -> NDArray[Any]:
    """As numbers, those that are masked as NaN."""
    import numpy as np

    filled: NDArray[Any] = np.ma.filled(np.ma.asarray(values, dtype=float), np.nan)
    return filled


def _extremes(values: NDArray[Any], most: int) -> NDArray[Any]:
    """Indices of the first, the last, and the smallest and largest value of each stretch."""
    import numpy as np

    kept = {0, len(values) - 1}
    for stretch in np.array_split(np.arange(len(values)), max(1, (most - 2) // 2)):
        if np.isfinite(values[stretch]).any():
            part = values[stretch]
            kept |= {int(stretch[np.nanargmin(part)]), int(stretch[np.nanargmax(part)])}
        else:
            kept.add(int(stretch[0]))
    return np.array(sorted(kept))


def short(value: float) -> float:
    """A length or size, four digits."""
    return float(f"{value:.4g}")


def numbers(values: ArrayLike | Iterable[float]) -> list[float | None]:
    """Six significant digits of the range of the values; None where there is none."""
    import numpy as np

    array = np.ravel(np.asarray(values, dtype=float))
    finite = array[np.isfinite(array)]
    digits = DIGITS
    if finite.size and np.ptp(finite) > 0:
        digits += max(0, round(log10(float(np.abs(finite).max() / np.ptp(finite)))))
    form = f".{min(digits, 15)}g"
    return [_integer(float(format(v, form))) if isfinite(v) else None for v in array.tolist()]


def _integer(value: float) -> float:
    return int(value) if value.is_integer() and abs(value) < 1e15 else value
