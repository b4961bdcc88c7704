"""Adsorption sites of the upper surface of a slab, by symmetry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, get_args

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.surfaces.surface import Profile, standing
from llamp_mcp.structures.symmetry import MAX_ATOMS, SYMPREC_A, analyzer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure

AdsorptionKind = Literal["ontop", "bridge", "hollow"]

_WINDOW_A: Final = 0.9
"""Depth below the highest atom of an element that still is the surface: pymatgen's default."""

_DEEPEST_A: Final = 1.5
"""Depth below the highest atom of all to which the atoms of another element are looked for."""

_PROBE_A: Final = 1.0
"""An atom is exposed when a sphere of this radius can sit straight on top of it."""

_SAME_A: Final = 0.1
"""Positions in the plane nearer than this are one; the symmetry tolerance of small cells too."""

_MOST_TOLERANT: Final = 256

_UNDER_A: Final = 0.3
"""An atom is straight below a place when it is no farther aside than this."""

_MAX_SURFACE: Final = 200


class AdsorptionSite(NamedTuple):
    """A kind of place on the surface.

    Attributes:
        kind: By the surface atoms around it in the plane: over one, between two, among several.
        position: Fractional coordinates along a and b.
        point: The place in Å, at no particular height.
        multiplicity: How many equivalent ones the cell has.
        atoms: Species of the surface atoms nearest in the plane.
        depth_a: Of the highest of them below the topmost atom, Å.
        over: The first atom straight below, such as "Cu 2.087 Å deep", or nothing.
    """

    kind: AdsorptionKind
    position: tuple[float, float]
    point: NDArray[np.float64]
    multiplicity: int
    atoms: tuple[str, ...]
    depth_a: float
    over: str

    def as_report(self, at: int) -> dict[str, Any]:
        """The site in a list of those of its kind."""
        return {
            "site_kind": self.kind,
            "site_index": at,
            "position": list(self.position),
            "equivalent": self.multiplicity,
            "atoms": " ".join(self.atoms),
            **({"over": self.over} if self.over else {}),
        }


def adsorption_sites(structure: Structure, seen: Profile) -> list[AdsorptionSite]:
    """The inequivalent sites: over the highest atoms first, each kind after the other.

    pymatgen's AdsorbateSiteFinder proposes them, from a Delaunay triangulation of the exposed
    atoms. What it calls a bridge is a hollow where more than two atoms are equally near, as in the
    middle of a square.

    Raises:
        InvalidInput: The surface is too large for the search.
    """
    upright, exposed = _upright(structure, seen)
    if len(exposed) > _MAX_SURFACE or len(structure) > MAX_ATOMS:
        raise InvalidInput(
            f"The surface has {len(exposed)} exposed atoms (the slab {len(structure)} atoms)",
            allowed=f"at most {_MAX_SURFACE} exposed atoms for a search of sites",
            next_step="Give position=[x, y], or put the adsorbate on before the supercell.",
        )
    rows, shifts = _operations(upright)
    found = []
    for kind, points in _proposed(upright, exposed).items():
        rest = _fractions(upright, points)
        while len(rest):
            images = rows @ rest[0] + shifts
            apart = _plane_distances(upright, rest, images).min(axis=1)
            many = int((apart < _SAME_A).sum())
            found.append(_site(structure, upright, seen, exposed, kind, rest[0], many))
            rest = rest[apart >= _SAME_A]
    kinds = get_args(AdsorptionKind)
    return _distinct(
        upright,
        sorted(
            found, key=lambda s: (kinds.index(s.kind), round(s.depth_a, 2), s.atoms, *s.position)
        ),
    )


def _upright(structure: Structure, seen: Profile) -> tuple[Structure, list[int]]:
    """The slab in one piece, c along the normal, and its exposed atoms."""
    import numpy as np
    from pymatgen.core import Lattice, Structure

    a, b, _ = structure.lattice.matrix
    if np.cross(a, b) @ seen.normal < 0:
        b = -b
    lattice = Lattice([a, b, (seen.thickness_a + seen.gap_a) * seen.normal])
    # Lifted off the origin plane, so that rounding does not put the lowest atoms on top.
    coords = standing(structure, seen) + (seen.gap_a / 2 - seen.bottom_a) * seen.normal
    upright = Structure(
        lattice,
        [site.species for site in structure],
        lattice.get_fractional_coords(coords),
        to_unit_cell=True,
    )
    return upright, _exposed(upright, seen)


def _exposed(upright: Structure, seen: Profile) -> list[int]:
    """Atoms of the surface: near the top of all or of their element, and not covered."""
    import numpy as np
    from pymatgen.analysis.molecule_structure_comparator import CovalentRadius

    names = [
        max(site.species.element_composition, key=lambda one: one.X).symbol for site in upright
    ]
    radii = np.array([CovalentRadius.radius.get(name, 1.5) for name in names])
    depths = seen.thickness_a - seen.heights_a
    shallowest: dict[str, float] = {}
    for name, depth in zip(names, depths, strict=True):
        shallowest[name] = min(depth, shallowest.get(name, np.inf))
    at_top = [
        at
        for at, name in enumerate(names)
        if depths[at] <= min(_DEEPEST_A, shallowest[name] + _WINDOW_A)
        and (depths[at] <= _WINDOW_A or shallowest[name] > _WINDOW_A)
    ]
    kept = []
    for at in at_top:
        probe = upright.cart_coords[at] + (radii[at] + _PROBE_A) * seen.normal
        near = upright.get_sites_in_sphere(probe, float(radii.max()) + _PROBE_A, include_index=True)
        if all(
            one.nn_distance > radii[one.index] + _PROBE_A - 1e-3 or one.index == at for one in near
        ):
            kept.append(at)
    return kept


def _proposed(upright: Structure, exposed: list[int]) -> dict[str, list[NDArray[np.float64]]]:
    from pymatgen.analysis.adsorption import AdsorbateSiteFinder

    surface = set(exposed)
    marks = ["surface" if at in surface else "subsurface" for at in range(len(upright))]
    finder = AdsorbateSiteFinder(upright.copy(site_properties={"surface_properties": marks}))
    kinds = get_args(AdsorptionKind)
    found = finder.find_adsorption_sites(  # type: ignore[no-untyped-call]
        distance=0, symm_reduce=0, positions=kinds
    )
    return {kind: found[kind] for kind in kinds}


def _operations(upright: Structure) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What symmetry operations that leave top on top do in the plane: rotations, translations."""
    import numpy as np

    # A relaxed surface has its symmetry only within a tolerance, which spglib is too slow for in
    # large cells.
    symprec_a = _SAME_A if len(upright) <= _MOST_TOLERANT else SYMPREC_A
    kept = [
        operation
        for operation in analyzer(upright, symprec_a).get_symmetry_operations()
        if operation.rotation_matrix[2][2] > 0
    ]
    return (
        np.array([operation.rotation_matrix[:2, :2] for operation in kept]),
        np.array([operation.translation_vector[:2] for operation in kept]),
    )


def _fractions(upright: Structure, points: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """In-plane fractional coordinates in [0, 1), in ascending order."""
    import numpy as np

    if not points:
        return np.zeros((0, 2))
    coords = np.round(upright.lattice.get_fractional_coords(points)[:, :2], 6) % 1.0
    ordered: NDArray[np.float64] = coords[np.lexsort((coords[:, 1], coords[:, 0]))]
    return ordered


def _plane_distances(
    upright: Structure, ones: NDArray[np.float64], others: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Shortest in-plane distances between points given by fractions of a and b, Å."""
    import numpy as np

    plane = upright.lattice.matrix[:2]
    between = ones[:, None] - others[None]
    between -= np.round(between)
    steps = np.array([[i, j] for i in (-1, 0, 1) for j in (-1, 0, 1)])
    lengths = [np.linalg.norm((between + step) @ plane, axis=2) for step in steps]
    shortest: NDArray[np.float64] = np.min(lengths, axis=0)
    return shortest


def _images(
    upright: Structure, at: NDArray[np.float64]
) -> tuple[NDArray[np.int_], NDArray[np.float64]]:
    """Every atom and its nearest images: its number, and its distance in the plane, Å."""
    import numpy as np

    between = upright.frac_coords[:, :2] - at
    between -= np.round(between)
    steps = np.array([[i, j] for i in (-1, 0, 1) for j in (-1, 0, 1)])
    lengths = np.linalg.norm((between[:, None] + steps) @ upright.lattice.matrix[:2], axis=2)
    return np.repeat(np.arange(len(upright)), len(steps)), lengths.ravel()


def _site(
    structure: Structure,
    upright: Structure,
    seen: Profile,
    exposed: list[int],
    kind: str,
    at: NDArray[np.float64],
    multiplicity: int,
) -> AdsorptionSite:
    import numpy as np

    depths = seen.thickness_a - seen.heights_a
    owners, aside = _images(upright, at)
    at_surface = np.isin(owners, exposed)
    many = 1 + get_args(AdsorptionKind).index(kind)  # atoms that make a site of this kind
    reach_a = np.sort(aside[at_surface])[many - 1] + _SAME_A
    near = at_surface & (aside < reach_a)
    around = owners[near]  # an atom counts as often as images of it are near
    if kind == "bridge" and len(around) > 2:
        kind = "hollow"
    under = sorted(
        set(owners[aside < _UNDER_A].tolist()), key=lambda i: (round(float(depths[i]), 3), i)
    )
    over = ""
    if under and (kind != "ontop" or depths[under[0]] > _SAME_A):
        over = f"{structure[under[0]].species_string} {depths[under[0]]:.3f} Å deep"
    point = at @ upright.lattice.matrix[:2]
    frac = np.round(structure.lattice.get_fractional_coords(point)[:2], 6) % 1.0
    return AdsorptionSite(
        kind=kind,  # type: ignore[arg-type]
        position=(float(frac[0]), float(frac[1])),
        point=point,
        multiplicity=multiplicity,
        atoms=tuple(sorted(structure[int(i)].species_string for i in around)),
        depth_a=float(depths[around].min()),
        over=over,
    )


def _distinct(upright: Structure, found: list[AdsorptionSite]) -> list[AdsorptionSite]:
    """Each place once: a hollow may have been proposed as a bridge too."""
    import numpy as np

    kept: list[AdsorptionSite] = []
    for site in found:
        at = upright.lattice.get_fractional_coords(site.point)[None, :2]
        others = [upright.lattice.get_fractional_coords(one.point)[:2] for one in kept]
        if not others or _plane_distances(upright, at, np.array(others)).min() > _SAME_A:
            kept.append(site)
    return kept
