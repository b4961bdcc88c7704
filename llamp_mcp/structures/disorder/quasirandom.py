"""Warren-Cowley parameters, and the search for arrangements with small ones.

The Warren-Cowley parameter of species i and j in a shell is 1 - n_ij / (n c_i c_j): n counts the
neighbours in the shell of all sites, n_ij those of an i that are a j (Cowley 1950, doi
10.1103/PhysRev.77.669). It is 0 on average in a random alloy.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import combinations, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.inequivalent import (
    MAX_ARRANGEMENTS,
    Pool,
    count_arrangements,
    every_arrangement,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from pymatgen.core import Structure

MAX_SITES: Final = 1000
"""Of a sublattice: the library keeps the distances of all pairs."""

MAX_SHELLS: Final = 5
_SAME_SHELL: Final = 1.03
"""A shell ends where the next distance is more than this factor times the one before."""

_TABLE: Final = 10_000_000
"""Sites of all arrangements in a complete search, 80 MB for each species."""

_FIRST_CUTOFF: Final = 2.5
"""In edges of the cube of a site's volume: five shells of a close-packed lattice."""

_PAIRS: Final = 1e8
"""Pairs counted by one search, in about a second."""

_KEPT: Final = 30
_KEPT_EQUAL: Final = 10
_TIMEOUT_S: Final = 60


class Shell(NamedTuple):
    """Pairs of sites at about the same distance.

    Attributes:
        nearest_a: Å.
        farthest_a: Å.
        images: Shape (sites, sites): how many images of each site are in the shell of each.
    """

    nearest_a: float
    farthest_a: float
    images: NDArray[np.float64]


class Found(NamedTuple):
    """The best arrangement of a search.

    Attributes:
        labels: Species number of each site.
        objective: As `objective` gives it.
        tried: Arrangements looked at.
        complete: Whether these are all there are.
        shells: Over which the objective runs.
    """

    labels: tuple[int, ...]
    objective: float
    tried: int
    complete: bool
    shells: tuple[Shell, ...]


def shells(sublattice: Structure) -> list[Shell]:
    """The nearest shells, closer than any site is to its own image.

    Args:
        sublattice: Only the sites concerned.

    Raises:
        InvalidInput: There is none: the cell is too small.
    """
    own_image = min(sublattice.lattice.get_lll_reduced_lattice().abc) * (1 - 1e-6)
    cutoff = min(own_image, _FIRST_CUTOFF * (sublattice.volume / len(sublattice)) ** (1 / 3))
    while len(found := _within(sublattice, cutoff)) < MAX_SHELLS and cutoff < own_image:
        cutoff = min(own_image, 1.3 * cutoff)
    if not found:
        raise InvalidInput(
            f"In this cell the {len(sublattice)} partially occupied sites are as near to their own "
            "periodic images as to each other",
            next_step="Give target_atoms for a larger cell, 32 or more say.",
        )
    return found[:MAX_SHELLS]


def _within(sublattice: Structure, cutoff: float) -> list[Shell]:
    """The shells that end before a distance in Å."""
    import numpy as np

    first, second, _, distances = sublattice.get_neighbor_list(cutoff)
    order = np.argsort(distances, kind="stable")
    pairs, distances = np.stack([first, second])[:, order], distances[order]
    ends = np.flatnonzero(distances[1:] > _SAME_SHELL * distances[:-1]) + 1
    # The last one may go on beyond the cutoff.
    complete = len(distances) and cutoff > _SAME_SHELL * distances[-1]
    found = []
    for low, high in pairwise([0, *ends.tolist(), *([len(distances)] if complete else [])]):
        images = np.zeros((len(sublattice), len(sublattice)))
        np.add.at(images, tuple(pairs[:, low:high]), 1)
        found.append(Shell(float(distances[low]), float(distances[high - 1]), images))
    return found


def warren_cowley(labels: NDArray[np.int8], shell: Shell, n_species: int) -> NDArray[np.float64]:
    """The parameters of a shell.

    Args:
        labels: Species number of each site, shape (arrangements, sites).
        shell: Of the sites.
        n_species: How many species there are.

    Returns:
        Shape (arrangements, species, species), symmetric.
    """
    import numpy as np

    held = [(labels == number).astype(float) for number in range(n_species)]
    near = [one @ shell.images for one in held]
    share = np.stack([one.mean(axis=1) for one in held], axis=1)
    counted = np.array([[(a * b).sum(axis=1) for b in held] for a in near])
    expected = shell.images.sum() * share[:, :, None] * share[:, None, :]
    parameters: NDArray[np.float64] = 1 - np.moveaxis(counted, -1, 0) / expected
    return parameters


def objective(
    labels: NDArray[np.int8], found: Sequence[Shell], n_species: int
) -> NDArray[np.float64]:
    """Sum over shells k and unlike pairs of |Warren-Cowley parameter| / k, of each arrangement."""
    import numpy as np

    total = np.zeros(len(labels))
    for number, shell in enumerate(found, start=1):
        parameters = np.abs(warren_cowley(labels, shell, n_species))
        for one, other in combinations(range(n_species), 2):
            total += parameters[:, one, other] / number
    return total


def most_random(sublattice: Structure, counts: Sequence[int], iterations: int, seed: int) -> Found:
    """The arrangement with the smallest objective of those looked at.

    All are where there are at most `iterations`, else so many random ones, by sqsgenerator. That
    counts a pair of sites once, where a small cell has several images of it in a shell; so the best
    that it finds are compared again here.

    Args:
        sublattice: Only the sites concerned, at most `MAX_SITES`.
        counts: How many sites get species 0, 1, …
        iterations: At most so many are tried, and no more than take seconds.
        seed: Of the random ones.

    Raises:
        InvalidInput: The cell is too small, or the search took too long.
    """
    import numpy as np

    within = shells(sublattice)
    pool = Pool(tuple(range(len(sublattice))), tuple(counts))
    ways = count_arrangements([pool])
    complete = ways <= min(iterations, MAX_ARRANGEMENTS, _TABLE // len(sublattice))
    if complete:
        table, tried = every_arrangement([pool]), ways
    else:
        pairs = sum(shell.images.sum() for shell in within) / 2
        tried = min(iterations, max(1000, int(_PAIRS / pairs)))
        table = _searched(sublattice, within, counts, tried, seed)
    values = np.round(objective(table, within, len(counts)), 9)
    best = int(values.argmin())
    return Found(tuple(table[best].tolist()), float(values[best]), tried, complete, tuple(within))


def _searched(
    sublattice: Structure, within: Sequence[Shell], counts: Sequence[int], tried: int, seed: int
) -> NDArray[np.int8]:
    """The best of random arrangements, shape (arrangements, sites), sorted by their labels."""
    import numpy as np

    edges = [0.0]
    for shell, following in zip(within, [*within[1:], None], strict=True):
        beyond = following.nearest_a if following else _SAME_SHELL * shell.farthest_a
        edges.append((shell.farthest_a + beyond) / 2)
    found = _asked(
        {
            "structure": {
                "lattice": sublattice.lattice.matrix.tolist(),
                "coords": sublattice.frac_coords.tolist(),
                "species": [1] * len(sublattice),
            },
            # Elements stand for species, which may be ions or vacancies.
            "composition": {_stand_in(number): count for number, count in enumerate(counts)},
            "shell_radii": edges,
            "shell_weights": {str(n): 1 / n for n in range(1, len(within) + 1)},
            "thread_config": 1,
            "keep": _KEPT,
            "max_results_per_objective": _KEPT_EQUAL,
            "iterations": tried,
            "seed": seed,
        }
    )
    return np.unique(np.array(found, dtype=np.int8) - 1, axis=0)


def _stand_in(number: int) -> str:
    from pymatgen.core import Element

    return Element.from_Z(number + 1).symbol


def _environment() -> dict[str, str]:
    """What an interpreter needs to start; keys and tokens of the server stay here."""
    needed = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
    return {name: os.environ[name] for name in needed if name in os.environ}


def _asked(request: dict[str, Any]) -> list[list[int]]:
    """The arrangements found, as atomic numbers."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", str(Path(__file__).with_name("sqs_process.py"))],
            input=json.dumps(request).encode(),
            capture_output=True,
            timeout=_TIMEOUT_S,
            env={"OMP_NUM_THREADS": "1", **_environment()},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InvalidInput(
            f"The search was not done in {_TIMEOUT_S} s",
            next_step="Use a smaller target_atoms or fewer iterations.",
        ) from error
    answer: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
    if "arrangements" not in answer:
        why = answer.get("error") or done.stderr.decode(errors="replace")
        raise RuntimeError(f"sqsgenerator failed: {why[-500:]}")
    found: list[list[int]] = answer["arrangements"]
    return found
