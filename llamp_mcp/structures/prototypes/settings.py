"""Space groups in their settings, from spglib's table of Hall symbols.

pymatgen's `SpaceGroup` would do, but takes seconds to expand a cubic group and has only the first
origin of some groups.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from llamp_mcp.errors import InvalidInput, clip
from llamp_mcp.structures.prototypes.wyckoff import Position, positions_of, tabulated

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray
    from pymatgen.core import Lattice
    from spglib import SpaceGroupType

    from llamp_mcp.structures.prototypes.arguments import CellShape

    Floats = NDArray[np.float64]

_SETTINGS: Final = 530
_SYSTEMS: Final = (
    (2, "triclinic"),
    (15, "monoclinic"),
    (74, "orthorhombic"),
    (142, "tetragonal"),
    (167, "trigonal"),
    (194, "hexagonal"),
    (230, "cubic"),
)
"""The last space group of each crystal system."""

_FORMER: Final = {"Abm2": 39, "Aba2": 41, "Cmca": 64, "Cmma": 67, "Ccca": 68}
"""Symbols of the International Tables before 1992, when the letter e came in."""


class Setting(NamedTuple):
    """A space group in one setting.

    Attributes:
        hall: Its number in spglib's table of Hall symbols.
        number: Of the space group in the International Tables.
        symbol: Hermann-Mauguin, with the choice of origin or axes where there are several.
        rotations: Shape (operations, 3, 3), on fractional coordinates.
        translations: Shape (operations, 3).
    """

    hall: int
    number: int
    symbol: str
    rotations: Floats
    translations: Floats

    @property
    def system(self) -> str:
        """The crystal system."""
        return next(name for last, name in _SYSTEMS if self.number <= last)

    @property
    def positions(self) -> tuple[Position, ...]:
        """Its Wyckoff positions, most special first; none in a setting that is not standard."""
        return positions_of(self.hall)

    @property
    def other_origin(self) -> str | None:
        """The symbol of the same group with its other origin, where it has two."""
        name, _, choice = self.symbol.partition(":")
        return f"{name}:{3 - int(choice)}" if choice in ("1", "2") else None

    def images(self, point: ArrayLike) -> Floats:
        """Images of a point under every operation, not wrapped: (operations, 3)."""
        import numpy as np

        moved: Floats = self.rotations @ np.asarray(point, dtype=float) + self.translations
        return moved

    def orbit(self, point: ArrayLike) -> Floats:
        """The points of a cell that the operations make of one: (multiplicity, 3), in [0, 1)."""
        import numpy as np

        wrapped = np.mod(np.round(self.images(point), 12), 1.0)
        kept: list[Floats] = []
        for image in wrapped:
            apart = np.array(kept).reshape(-1, 3) - image
            if (np.abs(apart - np.round(apart)).max(axis=1) > 1e-5).all():
                kept.append(image)
        return np.array(kept)

    def locate(self, point: ArrayLike) -> tuple[Position | None, dict[str, float]]:
        """The most special position a point is on, and x, y, z there; None without a table."""
        images = self.images(point)
        for position in self.positions:
            found = position.solve(images)
            if found is not None:
                return position, found
        return None, {}

    def position(self, name: str) -> Position | None:
        """The position called "4f" or "f"."""
        return next((one for one in self.positions if name in (one.name, one.letter)), None)

    def fits(self, lattice: Lattice) -> bool:
        """Whether the rotations keep the lengths and angles of a lattice."""
        import numpy as np

        metric = lattice.matrix @ lattice.matrix.T
        turned = np.swapaxes(self.rotations, 1, 2) @ metric @ self.rotations
        return bool(np.abs(turned - metric).max() < 1e-4 * np.abs(metric).max())


@lru_cache(maxsize=64)
def setting_named(named: int | str) -> Setting:
    """The setting of a number ("227": the standard one) or a symbol ("Fd-3m:2", "P2_1/n").

    Raises:
        InvalidInput: There is none.
    """
    name, _, choice = str(named).strip().partition(":")
    number = int(name) if name.isdigit() else _FORMER.get(name.replace(" ", ""))
    for hall in (*tabulated(), *range(1, _SETTINGS + 1)):  # the standard ones first
        found = _type(hall)
        meant = _bare(name) in _called(hall) if number is None else found.number == number
        if meant and choice in ("", found.choice):
            return _setting(hall)
    raise InvalidInput(
        f"Unknown space group {clip(named)}",
        allowed="1 to 230, or a Hermann-Mauguin symbol such as 'Fm-3m', 'P6_3/mmc', 'P2_1/n', with "
        "the origin or axes where there are two: 'Fd-3m:2', 'R-3m:R'",
    )


@lru_cache(maxsize=64)
def _setting(hall: int) -> Setting:
    import numpy as np
    import spglib

    found = _type(hall)
    operations = spglib.get_symmetry_from_database(hall)
    symbol = str(found.international_short)
    if hall not in tabulated():
        symbol = found.international.rpartition("=")[2].replace(" ", "")
    elif found.choice in ("1", "2", "H", "R"):
        symbol = f"{symbol}:{found.choice}"
    return Setting(
        hall,
        found.number,
        symbol,
        np.asarray(operations["rotations"], dtype=float),
        np.asarray(operations["translations"], dtype=float),
    )


@cache
def _type(hall: int) -> SpaceGroupType:
    import spglib

    # spglib 2.7 warns at every call until its old error codes are switched off.
    spglib.error.OLD_ERROR_HANDLING = False
    return spglib.get_spacegroup_type(hall)


@cache
def _called(hall: int) -> frozenset[str]:
    """All symbols of a setting."""
    found = _type(hall)
    symbols = [found.international_short, found.international_full, *found.international.split("=")]
    # "P 1 2_1/n 1" is mostly written P2_1/n
    symbols.extend("".join(part for part in one.split() if part != "1") for one in symbols[1:])
    return frozenset(map(_bare, symbols))


def _bare(symbol: str) -> str:
    return symbol.replace(" ", "").replace("_", "")


def lattice_of(given: CellShape, setting: Setting) -> Lattice:
    """The lattice, with what the crystal system fixes put in.

    Args:
        given: Lengths in Å, angles in degrees.
        setting: Of the space group.

    Raises:
        InvalidInput: A constant is missing, or contradicts the space group.
    """
    from pymatgen.core import Lattice

    names = ("a", "b", "c", "alpha", "beta", "gamma")
    values = _fixed(setting, given.a) | given.model_dump(exclude_none=True)
    if missing := [name for name in names if name not in values]:
        raise InvalidInput(
            f"The {setting.system} lattice of {setting.symbol} needs {', '.join(missing)}"
        )
    lattice = Lattice.from_parameters(**values)
    told = ", ".join(f"{name}={values[name]:g}" for name in names)
    # pymatgen builds some cell from any three angles, with others where these cannot meet.
    if any(abs(lattice.parameters[at] - values[name]) > 1e-3 for at, name in enumerate(names)):
        raise InvalidInput(
            f"No cell has {told}",
            allowed="angles with a sum below 360 degrees, each below the sum of the others",
        )
    if not setting.fits(lattice):
        raise InvalidInput(
            f"The lattice {told} does not fit the {setting.system} space group {setting.symbol}",
            allowed="lattice constants of the crystal system; leave out those it fixes",
        )
    return lattice


def _fixed(setting: Setting, a: float) -> dict[str, float]:
    """The constants that the crystal system gives, for the first one in Å."""
    system = setting.system
    fixed: dict[str, float] = {}
    if system in ("tetragonal", "trigonal", "hexagonal", "cubic"):
        fixed["b"] = a
    if system == "cubic":
        fixed["c"] = a
    if system in ("orthorhombic", "tetragonal", "cubic"):
        fixed |= {"alpha": 90.0, "beta": 90.0, "gamma": 90.0}
    elif system in ("trigonal", "hexagonal"):
        fixed |= {"alpha": 90.0, "beta": 90.0, "gamma": 120.0}
    elif system == "monoclinic":
        fixed |= {"alpha": 90.0, "gamma": 90.0}
    return fixed
