from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms

from llamp_mcp.errors import Cancelled, SimulationError
from llamp_mcp.simulation.migration.band import relax_band
from llamp_mcp.simulation.migration.profile import drawn, profile, rows
from llamp_mcp.simulation.workers.monitor import Monitor
from tests.simulation.migration import surfaces
from tests.simulation.migration.surfaces import MullerBrown, Slope


def run(tmp_path, start, end, potential=None, cancelled=lambda: False, checkpoint_s=15, **given):
    """The band of one atom in the middle of nothing."""
    atoms = Atoms("Ar", positions=[[*start, 0.0]], cell=[50, 50, 50], pbc=True)
    return relax_band(
        atoms,
        np.array([[*end, 0.0]]),
        potential or MullerBrown(),
        Monitor("j", tmp_path, cancelled=cancelled, checkpoint_s=checkpoint_s),
        **{"images": 7, "fmax_ev_per_a": 1e-3, "max_steps": 2000, **given},
    )


def test_the_climbing_image_finds_the_exact_saddle_of_the_muller_brown_surface(tmp_path):
    """Oracle: a root of the analytic gradient."""
    band = run(tmp_path, surfaces.LEFT, surfaces.MIDDLE)
    seen = profile(band)
    exact = surfaces.energy(surfaces.HIGH_SADDLE) - surfaces.energy(surfaces.LEFT)

    assert band.converged
    assert seen.shape == "single_barrier"
    assert band.climbed == seen.top
    assert seen.barrier_ev == pytest.approx(exact, abs=1e-5)
    assert band.positions[seen.top, 0, :2] == pytest.approx(surfaces.HIGH_SADDLE, abs=1e-3)
    assert band.energies_ev[-1] - band.energies_ev[0] == pytest.approx(
        surfaces.energy(surfaces.MIDDLE) - surfaces.energy(surfaces.LEFT)
    )


def test_the_way_back_has_the_same_saddle(tmp_path):
    back = run(tmp_path, surfaces.MIDDLE, surfaces.LEFT)
    exact = surfaces.energy(surfaces.HIGH_SADDLE) - surfaces.energy(surfaces.MIDDLE)
    assert profile(back).barrier_ev == pytest.approx(exact, abs=1e-5)


def test_a_minimum_on_the_way_is_found(tmp_path):
    """From left to right the surface has a third minimum in between."""
    band = run(tmp_path, surfaces.LEFT, surfaces.RIGHT, images=15)
    seen = profile(band)

    assert seen.shape == "intermediate_minimum"
    (well,) = seen.wells
    assert band.positions[well, 0, :2] == pytest.approx(surfaces.MIDDLE, abs=0.15)
    assert seen.barrier_ev == pytest.approx(
        surfaces.energy(surfaces.HIGH_SADDLE) - surfaces.energy(surfaces.LEFT), abs=1e-4
    )
    assert drawn(seen, "Müller-Brown").axes[0].get_title() == "Müller-Brown"


def test_a_path_without_a_barrier_is_told_and_nothing_climbs(tmp_path):
    band = run(tmp_path, [0, 0], [2, 0], Slope(), fmax_ev_per_a=0.02)
    seen = profile(band)

    assert band.converged
    assert band.climbed is None
    assert seen.shape == "barrierless"
    assert seen.barrier_ev == 0
    assert seen.energies_ev[-1] == pytest.approx(-0.6)


def test_rows_hold_the_length_of_the_path_and_the_force_of_the_potential(tmp_path):
    band = run(tmp_path, [0, 0], [2, 0], Slope(), fmax_ev_per_a=0.02, images=3)
    found = rows(profile(band), band)
    assert [row["coordinate_a"] for row in found] == pytest.approx([0, 0.5, 1, 1.5, 2], abs=1e-6)
    assert {round(row["max_force_ev_per_a"], 9) for row in found} == {0.3}


def test_too_few_steps_are_not_called_converged(tmp_path):
    band = run(tmp_path, surfaces.LEFT, surfaces.MIDDLE, max_steps=3)
    assert not band.converged
    assert band.steps == 3


def test_an_interrupted_band_goes_on_bit_for_bit(tmp_path):
    whole_dir, cut_dir = tmp_path / "whole", tmp_path / "cut"
    whole_dir.mkdir()
    cut_dir.mkdir()
    whole, cut, rest = MullerBrown(), MullerBrown(), MullerBrown()
    expected = run(whole_dir, surfaces.LEFT, surfaces.MIDDLE, whole)
    left = iter(range(whole.calls // 2))
    with pytest.raises(Cancelled):
        run(
            cut_dir,
            surfaces.LEFT,
            surfaces.MIDDLE,
            cut,
            cancelled=lambda: next(left, None) is None,
            checkpoint_s=0,
        )
    resumed = run(cut_dir, surfaces.LEFT, surfaces.MIDDLE, rest)

    assert resumed.steps == expected.steps
    assert np.array_equal(resumed.positions, expected.positions)
    assert rest.calls < 0.6 * whole.calls


def test_an_image_that_has_not_moved_is_not_computed_again(tmp_path):
    """One force call per image and step, two for the ends."""
    potential = MullerBrown()
    band = run(tmp_path, surfaces.LEFT, surfaces.MIDDLE, potential)
    assert potential.calls == 7 * (band.steps + 1) + 2


def test_a_force_field_that_fails_ends_the_search(tmp_path):
    class Broken(MullerBrown):
        def get_potential_energy(self, _atoms):
            return float("nan")

    with pytest.raises(SimulationError, match="nan eV"):
        run(tmp_path, surfaces.LEFT, surfaces.MIDDLE, Broken())
