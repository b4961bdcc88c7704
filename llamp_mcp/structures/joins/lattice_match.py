"""Epitaxial matches of two surface cells, after Zur and McGill (1984, doi 10.1063/1.333084).

pymatgen's `ZSLGenerator` finds the pairs of supercells. It takes either turning sense of a pair of
vectors, so a pair may fit only after reflection; here the film is always turned, never reflected,
which keeps a chiral film the crystal it is.
"""

from __future__ import annotations

from itertools import product
from math import inf
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    Plane = NDArray[np.float64]
    Matrix = NDArray[np.int_]

_MAX_PAIRS: Final = 2_000_000
"""Pairs of supercells compared in one search: a few seconds."""

_PER_SIZE: Final = 24
"""Pairs of supercells of one size that are looked at closely; more than symmetry makes alike."""

_SAME_AREA: Final = 1e-6


class Match(NamedTuple):
    """A film supercell that fits a substrate supercell.

    Attributes:
        substrate: Integers 2x2, rows = supercell vectors in surface vectors of the substrate.
        film: Likewise of the film.
        area_a2: Of the substrate supercell, Å².
        deformation: F, 2x2, takes the film's vectors to the substrate's, x' = F x, each with its
            first surface vector along x.
        strains: Principal strains of the film, fractions, ascending.
    """

    substrate: Matrix
    film: Matrix
    area_a2: float
    deformation: Plane
    strains: tuple[float, float]

    @property
    def strain(self) -> float:
        """The larger of the strains, without its sign."""
        return max(abs(one) for one in self.strains)


class Search(NamedTuple):
    """What a search found.

    Attributes:
        best: The smallest area, then the least strain; None where nothing fits.
        matches: How many pairs of supercells fitted.
        searched_a2: Up to which area all pairs were compared, Å².
    """

    best: Match | None
    matches: int
    searched_a2: float


def search(
    substrate: Plane, film: Plane, max_strain: float, max_area_a2: float, *, least: bool = False
) -> Search:
    """Compare supercells in order of area until one fits.

    Args:
        substrate: Surface vectors as rows, 2x3, Å, in the Cartesian axes of the crystal.
        film: Likewise. Of matches alike, that with the axes of both crystals most parallel counts.
        max_strain: Largest strain of the film in any direction, a fraction.
        max_area_a2: Of the supercell, Å².
        least: Go on to the end and take the least strain instead.
    """
    best, best_rank = None, (inf, inf, inf)
    matches = pairs = 0
    searched_a2 = 0.0
    for size in _sizes(substrate, film, max_strain, max_area_a2):
        pairs += len(size.film) * len(size.substrate)
        enough = best is not None and not least
        if pairs > _MAX_PAIRS or (enough and size.mean_a2 > best_rank[0] * (1 + max_strain) ** 2):
            break
        searched_a2 = size.mean_a2
        limit = min(max_strain, best_rank[0]) if least else max_strain
        for one, other in _alike(size.film, size.substrate, limit):
            found, parallel = _match(substrate, film, size.substrate[other], size.film[one])
            if found.strain > max_strain + 1e-9:
                continue
            matches += 1
            area, strain = round(found.area_a2, 3), round(found.strain, 6)
            first, second = (strain, area) if least else (area, strain)
            if (first, second, -parallel) < best_rank:
                best, best_rank = found, (first, second, -parallel)
    return Search(best, matches, min(searched_a2, max_area_a2))


class _Size(NamedTuple):
    """All supercells of one size: their reduced vectors, (n, 2, 3), and the mean of both areas."""

    film: Plane
    substrate: Plane
    mean_a2: float


def _sizes(substrate: Plane, film: Plane, max_strain: float, max_area_a2: float) -> Iterator[_Size]:
    """The supercells of about equal areas, in order of the product of both areas."""
    import numpy as np
    from pymatgen.analysis.interfaces.zsl import ZSLGenerator

    areas = [float(np.linalg.norm(np.cross(*plane))) for plane in (film, substrate)]
    generator: Any = ZSLGenerator(  # type: ignore[no-untyped-call]
        max_area_ratio_tol=(1 + max_strain) ** 2 - 1 + 1e-6,
        max_area=max_area_a2 * (1 + max_strain) ** 2 + max(areas),
    )
    reduced: list[dict[int, Plane]] = [{}, {}]
    for matrices in generator.generate_sl_transformation_sets(*areas):
        counts = [round(float(np.linalg.det(some[0]))) for some in matrices]
        if counts[1] * areas[1] > max_area_a2 * (1 + _SAME_AREA):
            continue
        for known, count, some, plane in zip(
            reduced, counts, matrices, (film, substrate), strict=True
        ):
            if count not in known:
                known[count] = _reduced(some, plane)
        mean_a2 = float(np.sqrt(counts[0] * areas[0] * counts[1] * areas[1]))
        yield _Size(reduced[0][counts[0]], reduced[1][counts[1]], mean_a2)


def _reduced(matrices: list[Plane], plane: Plane) -> Plane:
    """The reduced vectors of all supercells of one size, (n, 2, 3), Å."""
    import numpy as np
    from pymatgen.analysis.interfaces.zsl import reduce_vectors

    return np.array([reduce_vectors(*(matrix @ plane)) for matrix in matrices])


def _alike(of: Plane, to: Plane, max_strain: float) -> Matrix:
    """The pairs of about equal reduced vectors, least strain first, (m, 2).

    pymatgen compares lengths and angles pair by pair in Python, which takes minutes for thousands.
    Here it is the stretches, the square roots of the eigenvalues of G_film^-1 G_substrate.
    """
    import numpy as np

    film, substrate = (vectors @ vectors.transpose(0, 2, 1) for vectors in (of, to))
    traces = np.einsum("fij,sji->fs", np.linalg.inv(film), substrate)
    product_of = np.linalg.det(substrate)[None] / np.linalg.det(film)[:, None]
    spread = np.sqrt(np.maximum(traces**2 - 4 * product_of, 0))
    stretches = np.sqrt((traces[None] + np.array([-1, 1])[:, None, None] * spread) / 2)
    strains = np.abs(stretches - 1).max(axis=0)
    order = np.argsort(strains, axis=None, kind="stable")[:_PER_SIZE]
    order = order[strains.ravel()[order] <= max_strain + 1e-9]
    return np.stack(np.unravel_index(order, strains.shape), axis=1)


def _match(substrate: Plane, film: Plane, to: Plane, of: Plane) -> tuple[Match, float]:
    """The match of two pairs of vectors, the film's taken in the basis that fits best.

    Returns:
        The match, and how parallel both crystals are: the sum of the cosines of the angles of
        their vectors, each in its own crystal's axes.
    """
    import numpy as np

    matrices = [
        np.rint(pair @ np.linalg.pinv(plane)).astype(int)
        for pair, plane in ((to, substrate), (of, film))
    ]
    if np.linalg.det(matrices[0]) < 0:
        matrices[0] = matrices[0][::-1]
    bases = np.array(list(product((-1, 0, 1), repeat=4))).reshape(-1, 2, 2) @ matrices[1]
    bases = bases[np.rint(np.linalg.det(bases)) == abs(round(float(np.linalg.det(matrices[1]))))]
    vectors = matrices[0] @ substrate, bases @ film
    maps = np.linalg.solve(bases @ upright(film), matrices[0] @ upright(substrate))
    strains = np.linalg.svd(maps, compute_uv=False)[:, ::-1] - 1
    units = [some / np.linalg.norm(some, axis=-1, keepdims=True) for some in vectors]
    parallel = (units[0] * units[1]).sum(axis=(-2, -1))
    worst = np.abs(strains).max(axis=1).round(7)
    at = int(np.lexsort((-parallel.round(6), worst))[0])
    low, high = (float(one) for one in strains[at])
    area_a2 = float(np.linalg.norm(np.cross(*vectors[0])))
    found = Match(matrices[0], bases[at], area_a2, maps[at].T, (low, high))
    return found, round(float(parallel[at]), 6)


def upright(plane: Plane) -> Plane:
    """Two vectors in their own plane, the first along x and the second above it, 2x2."""
    import numpy as np

    a = float(np.linalg.norm(plane[0]))
    along = float(plane[0] @ plane[1]) / a
    return np.array([[a, 0.0], [along, float(np.linalg.norm(np.cross(*plane))) / a]])
