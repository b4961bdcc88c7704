from __future__ import annotations

import signal
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pytest
from ase.neighborlist import neighbor_list
from pymatgen.core import Lattice, Structure
from pymatgen.io.ase import AseAtomsAdaptor

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.disorder import quasirandom
from llamp_mcp.structures.disorder.quasirandom import (
    Shell,
    most_random,
    objective,
    shells,
    warren_cowley,
)
from tests.structures.conftest import crystal

if TYPE_CHECKING:
    from collections.abc import Sequence


def fcc(*repeats: int) -> Structure:
    return crystal("Fm-3m", 3.8, H=0.0) * list(repeats)


def bcc(*repeats: int) -> Structure:
    return crystal("Im-3m", 3.0, H=0.0) * list(repeats)


def parameter(labels: Sequence[int] | np.ndarray, shell: Shell, pair: tuple[int, int]) -> float:
    table = np.array([labels], dtype=np.int8)
    return float(warren_cowley(table, shell, int(table.max()) + 1)[0][pair])


def test_ordered_alloys_have_the_known_parameters() -> None:
    # B2: all eight neighbours are unlike, of the next six none is. L1_2: gold has twelve copper
    # neighbours, copper four gold ones; then each has six like ones.
    cscl = bcc(2, 2, 2)
    labels = [round(2 * site.frac_coords[0] % 1 * 2) % 2 for site in cscl]
    first, second = shells(cscl)[:2]
    assert parameter(labels, first, (0, 1)) == pytest.approx(-1)
    assert parameter(labels, second, (0, 1)) == pytest.approx(1)
    cu3au = fcc(2, 2, 2)
    labels = [int(not any(np.round(site.frac_coords * 4) % 2)) for site in cu3au]
    first, second = shells(cu3au)[:2]
    assert parameter(labels, first, (0, 1)) == pytest.approx(-1 / 3)
    assert parameter(labels, second, (0, 1)) == pytest.approx(1)
    assert parameter(labels, first, (1, 1)) == pytest.approx(1)


def test_shells_are_those_of_the_lattice() -> None:
    found = shells(fcc(3, 3, 3))
    assert [shell.images.sum() / 108 for shell in found] == [12, 6, 24, 12, 24]
    expected = [3.8 * np.sqrt(n / 2) for n in range(1, 6)]
    assert [shell.nearest_a for shell in found] == pytest.approx(expected)
    assert [shell.farthest_a for shell in found] == pytest.approx(expected)


def test_the_mean_over_all_arrangements_is_that_of_drawing_without_replacement() -> None:
    # Of two different sites the second is unlike the first with probability c N / (N - 1), so the
    # mean parameter is -1 / (N - 1) in every shell of a finite cell.
    cell = fcc(1, 1, 2)
    table = np.zeros((28, 8), dtype=np.int8)
    for row, marked in zip(table, combinations(range(8), 2), strict=True):
        row[list(marked)] = 1
    for shell in shells(cell):
        assert warren_cowley(table, shell, 2)[:, 0, 1].mean() == pytest.approx(-1 / 7)


def test_the_parameters_agree_with_ases_neighbours() -> None:
    cell = fcc(2, 2, 2)
    labels = np.random.default_rng(0).integers(0, 3, 32)
    atoms = AseAtomsAdaptor.get_atoms(cell)
    for shell in shells(cell):
        first, second, distance = neighbor_list("ijd", atoms, shell.farthest_a + 0.01)
        inside = distance > shell.nearest_a - 0.01
        first, second = first[inside], second[inside]
        for i, j in combinations(range(3), 2):
            expected = 1 - np.mean(labels[second[labels[first] == i]] == j) / np.mean(labels == j)
            assert parameter(labels, shell, (i, j)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("cell", "counts"), [(fcc(1, 1, 2), (6, 2)), (bcc(1, 2, 2), (4, 4)), (bcc(1, 2, 2), (3, 3, 2))]
)
def test_a_complete_search_finds_the_least_objective(
    cell: Structure, counts: tuple[int, ...]
) -> None:
    # All arrangements one by one, with several images of a neighbour in these small cells.
    every: set[tuple[int, ...]] = {()}
    for _ in range(8):
        every = {
            (*start, label)
            for start in every
            for label in range(len(counts))
            if start.count(label) < counts[label]
        }
    least = objective(np.array(sorted(every), dtype=np.int8), shells(cell), len(counts)).min()
    found = most_random(cell, counts, 50_000, 0)
    assert found.complete
    assert found.tried == len(every)
    assert found.objective == pytest.approx(least)
    assert tuple(found.labels.count(label) for label in range(len(counts))) == counts


def test_a_random_search_of_most_arrangements_comes_close_to_the_best() -> None:
    cell = fcc(2, 2, 1)
    best = most_random(cell, (8, 8), 50_000, 0)
    found = most_random(cell, (8, 8), 10_000, 0)
    assert (best.tried, best.complete, found.complete) == (12_870, True, False)
    assert found.objective == pytest.approx(best.objective)


def test_a_random_search_repeats_with_its_seed_and_nothing_of_the_process_changes(
    capfd: pytest.CaptureFixture[str],
) -> None:
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    found = [most_random(fcc(2, 2, 2), (24, 8), 3000, seed) for seed in (1, 1, 2)]
    assert not found[0].complete
    assert found[0].tried == 3000
    assert found[0].labels == found[1].labels != found[2].labels
    # Far better than a typical arrangement: 0.3 in the mean.
    assert found[0].objective < 0.1
    assert capfd.readouterr() == ("", "")
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers


def test_a_search_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quasirandom, "_TIMEOUT_S", 0.01)
    with pytest.raises(InvalidInput, match=r"not done in 0.01 s.*smaller target_atoms"):
        most_random(fcc(2, 2, 2), (24, 8), 50_000, 0)


def test_a_library_that_fails_is_not_taken_for_an_answer() -> None:
    with pytest.raises(RuntimeError, match="sqsgenerator failed"):
        most_random(fcc(2, 2, 2), (20, 8), 1000, 0)


def test_sites_that_see_only_their_own_images_are_refused() -> None:
    chain = Structure(Lattice.tetragonal(3, 40), ["H", "H"], [[0.0, 0.0, 0.0], [0.0, 0.0, 0.5]])
    with pytest.raises(InvalidInput, match=r"their own periodic images.*target_atoms"):
        shells(chain)
