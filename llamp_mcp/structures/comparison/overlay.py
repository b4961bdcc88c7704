"""Two cells laid on each other: the search for the best way, and what it tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.comparison import cells
from llamp_mcp.structures.comparison.correspondence import best, is_multiple, is_searchable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure

    from llamp_mcp.structures.comparison.cells import Cell
    from llamp_mcp.structures.comparison.correspondence import Correspondence

MAX_SITES: Final = 240
"""Sites of a cell that is laid on another: at this size a search takes some seconds."""

PAIRS_SHOWN: Final = 24

CLOSE: Final = (0.02, 1.0)
"""Tolerances of lengths and angles (degrees) tried first, so that cells almost alike are not
matched at a larger strain."""


class Tolerances(NamedTuple):
    """What still counts as the same; `length` and `site` are parts, as StructureMatcher's are."""

    length: float
    site: float
    angle_deg: float
    scale: bool
    primitive: bool


class Overlay(NamedTuple):
    """A correspondence of two cells; `averaged` tells that they were reduced coarsely."""

    reference: Cell
    other: Cell
    found: Correspondence
    averaged: bool

    @property
    def rms_normalised(self) -> float:
        """Root mean square displacement by (V/n)^(1/3)."""
        return self.found.rmsd_a / self.found.length_a

    @property
    def max_normalised(self) -> float:
        """Largest displacement by (V/n)^(1/3)."""
        return self.found.max_a / self.found.length_a

    @property
    def _reference_is_large(self) -> bool:
        return len(self.reference.structure) >= len(self.other.structure)

    def _axes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Corresponding axes of the reference and of the other, unscaled, as rows in Å."""
        one, other = self.reference.structure.lattice.matrix, self.other.structure.lattice.matrix
        if self._reference_is_large:
            return one, self.found.matrix @ other
        return self.found.matrix @ one, other

    def tolerances(self) -> dict[str, float]:
        """The smallest tolerances of a comparison at equal volume with which it matches."""
        from pymatgen.core import Lattice

        one, other = (Lattice(axes) for axes in self._axes())
        other = other.scale(one.volume)
        ratios = [a / b for a, b in zip(one.abc, other.abc, strict=True)]
        angles = zip(one.angles, other.angles, strict=True)
        return {
            "length_tolerance": round(max(max(ratio, 1 / ratio) - 1 for ratio in ratios), 4),
            "angle_tolerance_deg": round(max(abs(a - b) for a, b in angles), 3),
            "site_tolerance": round(self.max_normalised, 4),
        }

    def report(self) -> dict[str, Any]:
        """Displacements, strain, and the relation of the cells and sites."""
        import numpy as np

        one, other = self._axes()
        deformation = np.linalg.inv(one) @ other
        stretches = np.linalg.svd(deformation, compute_uv=False)
        volumes = [cells.volume_per_site(c.structure) for c in (self.reference, self.other)]
        report = {
            "rmsd_a": round(self.found.rmsd_a, 5),
            "rms_normalised": round(self.rms_normalised, 5),
            "max_distance_a": round(self.found.max_a, 5),
            "max_normalised": round(self.max_normalised, 5),
            "principal_strains_percent": [round(100 * float(s - 1), 4) + 0.0 for s in stretches],
            "volume_change_percent": round(100 * (volumes[1] / volumes[0] - 1), 4) + 0.0,
            "cell_in_reference_axes": self._relation(),
            "mirror_image": bool(np.linalg.det(deformation) < 0),
            **self._mapping(),
        }
        return {**report, "averaged": True} if self.averaged else report

    def _relation(self) -> list[list[float]]:
        """Axes of the other as given, in those of the reference as given, strain removed."""
        import numpy as np

        one, other = self._axes()
        back = np.linalg.inv(self.reference.given.lattice.matrix)
        rows = self.other.given.lattice.matrix @ np.linalg.inv(other) @ one @ back
        return [[round(float(x), 3) + 0.0 for x in row] for row in rows]

    def _mapping(self) -> dict[str, Any]:
        """Pairs of sites, all or the most displaced."""
        found = zip(self.found.pairs, self.found.displacements_a, strict=True)
        pairs = []
        for large, (small, displacement_a) in enumerate(found):
            one, other = (large, small) if self._reference_is_large else (small, large)
            sites = (self.reference.sites[one], self.other.sites[other])
            pairs.append((*sites, round(displacement_a, 4)))
        shown = sorted(sorted(pairs, key=lambda pair: -pair[2])[:PAIRS_SHOWN])
        names = ("reference_site", "site", "displacement_a")
        return {
            "pairs": len(pairs),
            "truncated": len(shown) < len(pairs),
            "mapping": [dict(zip(names, pair, strict=True)) for pair in shown],
        }


class Search(NamedTuple):
    """What a search found: the best overlay, and why there is none."""

    overlay: Overlay | None
    matches: bool
    multiple: bool
    n_reference: int
    n_other: int
    complete: bool


def search(reference: Structure, other: Structure, tolerances: Tolerances) -> Search:
    """Lay two structures on each other, first by exact reductions of their cells, then by coarse.

    Args:
        reference: `cells.bare`.
        other: `cells.bare`, of the same composition.
        tolerances: What still matches.

    Raises:
        InvalidInput: The cells are too large.
    """
    nearest: Overlay | None = None
    multiple, complete, sizes = False, True, (0, 0)
    for one, two, averaged in _cells(reference, other, tolerances.primitive):
        sizes = sizes if sizes != (0, 0) else (len(one.structure), len(two.structure))
        large, small = _by_size(one, two, scale=tolerances.scale)
        if not is_multiple(large, small):
            continue
        multiple = True
        for length, angle_deg in _steps(tolerances):
            if not is_searchable(large, small, length):
                complete = False
                continue
            found = best(large, small, length, angle_deg)
            if found is None:
                continue
            overlay = Overlay(one, two, found, averaged)
            if overlay.max_normalised <= tolerances.site:
                return Search(overlay, True, True, *sizes, complete)
            nearest = nearest or overlay
    return Search(nearest, False, multiple, *sizes, complete)


def _cells(
    reference: Structure, other: Structure, primitive: bool
) -> Iterator[tuple[Cell, Cell, bool]]:
    reduce = cells.exact if primitive else cells.as_given
    one, two = reduce(reference), reduce(other)
    for cell in (one, two):
        if len(cell.structure) > MAX_SITES:
            which = "primitive cell" if primitive else "cell"
            raise InvalidInput(
                f"A {which} of {len(cell.structure)} sites ({cell.given.composition.formula}) is "
                "too large to be compared site by site",
                allowed=f"at most {MAX_SITES} sites",
                next_step="Compare smaller cells, or the properties that analyze_structure tells.",
            )
    yield one, two, False
    if primitive:
        rough = cells.coarse(reference, one), cells.coarse(other, two)
        sizes = [len(cell.structure) for cell in rough]
        if sizes != [len(one.structure), len(two.structure)]:
            yield *rough, True


def _steps(tolerances: Tolerances) -> list[tuple[float, float]]:
    asked = (tolerances.length, tolerances.angle_deg)
    close = (min(CLOSE[0], asked[0]), min(CLOSE[1], asked[1]))
    return list(dict.fromkeys([close, asked]))


def _by_size(one: Cell, two: Cell, *, scale: bool) -> tuple[Structure, Structure]:
    """The larger structure first; both at the geometric mean of their volumes per site if so."""
    made = [one.structure, two.structure]
    if scale:
        volumes = [cells.volume_per_site(structure) for structure in made]
        common = (volumes[0] * volumes[1]) ** 0.5
        made = [structure.copy() for structure in made]
        for structure in made:
            structure.scale_lattice(common * len(structure))
    large, small = made if len(made[0]) >= len(made[1]) else made[::-1]
    return large, small
