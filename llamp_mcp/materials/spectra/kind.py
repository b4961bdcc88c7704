"""What every kind of spectrum is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llamp_mcp.errors import InvalidInput, SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from llamp_mcp.materials.source import Document, SpectrumKind

    Floats = NDArray[Any]

BLUE, RED, GREY = "#1f5f9e", "#c8442c", "#9a9a9a"
COLOURS = ("#1f5f9e", "#c8442c", "#2f8f5b", "#b07a1e", "#7a4fa3", "#4aa3a3")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is asked of a spectrum.

    Attributes:
        title: Heading of the picture.
        window: Lowest and highest energy or frequency shown; None: the usual range.
        at: Energies or frequencies whose values are wanted.
        element: Symbol of the absorbing element (xas); empty: any.
        edge: Absorption edge (xas); empty: any.
    """

    title: str
    window: tuple[float, float] | None = None
    at: tuple[float, ...] = ()
    element: str = ""
    edge: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """The numbers of a spectrum, and its picture.

    Attributes:
        values: Scalars, short lists of numbers, and objects of both, by name.
        units: Unit of each value that has one, by name or dotted name; others are passed over.
        at: (energy or frequency, value) for each that was asked for.
        at_words: Name of those values, unit of the first and of the second number.
        notes: Definitions and caveats.
        picture: PNG.
    """

    values: dict[str, Any]
    units: dict[str, str]
    notes: tuple[str, ...]
    picture: bytes
    at: tuple[tuple[float, float], ...] = ()
    at_words: tuple[str, str, str] = ("", "", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of spectrum.

    Attributes:
        name: As callers say it.
        title: What it is, for headings.
        has_prop: The name under which a summary says that the entry has it (`has_props`).
        stored: The name of the object that a source hands out; None where it is a document.
        endpoint: The endpoint of the documents; empty where it is an object.
        read: Numbers and picture of the documents of one material.
        data: The curves themselves, as plain JSON.
        curve: Whether it has one value per energy, so that `at` means something.
    """

    name: str
    title: str
    has_prop: str
    read: Callable[[Sequence[Document], View], Reading]
    data: Callable[[Sequence[Document]], dict[str, Any]]
    stored: SpectrumKind | None = None
    endpoint: str = ""
    curve: bool = True


def require(document: Document, *names: str) -> None:
    """Check that a document has what a spectrum is made of.

    Raises:
        SourceError: Something is missing or empty.
    """
    if missing := [name for name in names if document.get(name) in (None, [], {})]:
        raise SourceError(
            f"The spectrum of {document.get('material_id', 'this material')} came without "
            f"{', '.join(missing)}",
            next_step="Nothing can be read from it; try another kind or material.",
        )


def sample(
    x: Floats, y: Floats, wanted: tuple[float, ...], unit: str
) -> tuple[tuple[float, float], ...]:
    """Values of a curve by linear interpolation.

    Args:
        x: Ascending, shape (n,).
        y: Shape (n,).
        wanted: Where.
        unit: Of x, for the error.

    Raises:
        InvalidInput: A point lies outside the curve.
    """
    import numpy as np

    low, high = float(x[0]), float(x[-1])
    if outside := [point for point in wanted if not low <= point <= high]:
        raise InvalidInput(
            f"at={outside[0]:g} {unit} lies outside the spectrum",
            allowed=f"{low:.6g} to {high:.6g} {unit}",
        )
    return tuple((point, float(np.interp(point, x, y))) for point in wanted)


def inside(x: Floats, view: View, unit: str) -> Any:
    """Which points lie in the window.

    Raises:
        InvalidInput: None does.
    """
    import numpy as np

    if view.window is None:
        return np.ones(len(x), dtype=bool)
    low, high = view.window
    mask = (x >= low) & (x <= high)
    if not mask.any():
        raise InvalidInput(
            f"The window {low:g} to {high:g} {unit} holds no point of the spectrum",
            allowed=f"a part of {float(x.min()):.6g} to {float(x.max()):.6g} {unit}",
        )
    return mask


def floats(values: Any) -> list[float]:
    """Plain numbers of an array, -0 as 0."""
    return [float(value) + 0.0 for value in values]
