from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms, units
from ase.md.analysis import DiffusionCoefficient

from llamp_mcp.errors import InvalidInput
from llamp_mcp.simulation.trajectories import diffusion
from llamp_mcp.simulation.trajectories.correlation import mean_squared_displacement
from llamp_mcp.simulation.trajectories.msd_fit import fit_line
from tests.simulation.trajectories.conftest import asked, trajectory, walk


def measured(paths, **arguments):
    block = diffusion.block(trajectory(paths), asked(what=["diffusion"], **arguments))
    return block.values["species"]["Cu"], block.warnings


def test_random_walks_lie_within_the_error_as_often_as_they_should():
    """D = 1 Å²/ps by construction; the window is the one that is chosen without being told."""
    rng = np.random.default_rng(1)
    rows = [measured(walk(rng, 200, 16))[0] for _ in range(40)]
    off = np.array([(row["d_a2_per_ps"] - 1) / row["error_a2_per_ps"] for row in rows])

    assert abs(off.mean()) < 0.4
    assert 0.55 < np.mean(np.abs(off) < 1) < 0.85
    assert np.mean(np.abs(off) < 1.96) > 0.88


@pytest.mark.parametrize(("atoms", "first"), [(4, 5), (30, 10)])
def test_fit_is_covered_and_better_than_a_plain_one(atoms, first):
    rng = np.random.default_rng(2)
    off, plain = [], []
    for _ in range(50):
        paths = walk(rng, 200, atoms)
        msd = mean_squared_displacement(paths)
        line = fit_line(paths, msd, first, 100)
        exact = 0.6 * atoms / (atoms - 1)
        off.append((line.slope - exact) / line.error)
        plain.append((np.polyfit(np.arange(first, 100), msd[first:100], 1)[0] - exact) / line.error)

    assert 0.5 < np.mean(np.abs(off) < 1) < 0.85
    assert np.std(plain) > 1.15 * np.std(off)


def test_rare_hops_are_covered_although_no_gaussian():
    rng = np.random.default_rng(3)
    off = []
    for _ in range(40):
        axis = np.eye(3)[rng.integers(0, 3, (249, 30))] * rng.choice([-1, 1], (249, 30, 1))
        steps = axis * (rng.random((249, 30, 1)) < 0.02)
        paths = np.concatenate([np.zeros((1, 30, 3)), steps.cumsum(axis=0)])
        line = fit_line(paths, mean_squared_displacement(paths), 4, 125)
        off.append((line.slope - 0.02) / line.error)

    assert 0.5 < np.mean(np.abs(off) < 1) < 0.85


def test_value_is_that_of_ase_on_the_same_lags():
    """ASE fits from one time origin: compared on motion without any noise, x² growing evenly."""
    lags = np.sqrt(np.arange(80.0))
    paths = np.stack([lags, -lags], axis=1)[:, :, None] * np.array([1.0, 0.0, 0.0])
    images = [Atoms("Cu2", positions=frame) for frame in paths]
    ase = DiffusionCoefficient(images, 100 * units.fs)
    ase.calculate()
    slopes, _ = ase.get_diffusion_coefficients()

    assert slopes[0] * units.fs * 1000 == pytest.approx(1 / 0.6, rel=1e-9)
    ours = np.polyfit(np.arange(80) * 0.1, (paths[:, 0] ** 2).sum(-1), 1)[0] / 6
    assert ours == pytest.approx(slopes[0] * units.fs * 1000)


def test_units_are_exact():
    row, _ = measured(walk(np.random.default_rng(4), 100, 8))

    assert row["d_cm2_per_s"] == pytest.approx(1e-4 * row["d_a2_per_ps"], rel=1e-12)
    assert sum(row["along_xyz_cm2_per_s"]) == pytest.approx(3 * row["d_cm2_per_s"], rel=1e-9)


def test_motion_along_one_axis_is_told_as_such():
    paths = walk(np.random.default_rng(5), 200, 20)
    paths[..., 1:] = 0
    row, _ = measured(paths)

    assert row["along_xyz_cm2_per_s"][0] == pytest.approx(1e-4, rel=0.3)
    assert row["along_xyz_cm2_per_s"][1:] == pytest.approx([0, 0], abs=1e-12)


def test_atoms_that_vibrate_about_their_sites_do_not_diffuse():
    rng = np.random.default_rng(6)
    vibrating = np.zeros((400, 30, 3))
    for k in range(1, 400):
        vibrating[k] = 0.7 * vibrating[k - 1] + 0.1 * rng.normal(size=(30, 3))
    row, warnings = measured(vibrating)

    assert not row["seen"]
    assert row["upper_bound_cm2_per_s"] < 1e-7
    assert "below what this run can see" in warnings[0]
    assert "not seen: D <" in "\n".join(diffusion.text({"method": "", "species": {"Cu": row}}))


def test_ballistic_motion_is_said_not_to_be_diffusive():
    rng = np.random.default_rng(7)
    velocities = rng.normal(size=(20, 3))
    row, warnings = measured(np.arange(200)[:, None, None] * 0.01 * velocities)

    assert row["loglog_slope"] == pytest.approx(2, abs=0.05)
    assert any("not (yet) diffusive" in warning for warning in warnings)


def test_window_asked_for_is_the_window_fitted():
    paths = walk(np.random.default_rng(8), 200, 10)

    assert measured(paths, fit_ps=[1.0, 5.0])[0]["fit_ps"] == [1.0, 5.0]
    for wrong in ([5.0, 1.0], [0.0, 3.0], [1.0, 19.0], [1.0, 1.2]):
        with pytest.raises(InvalidInput, match="no window of lags"):
            measured(paths, fit_ps=wrong)


def test_element_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(InvalidInput, match=r"no 'Li' in this trajectory.*Allowed: Cu"):
        measured(walk(np.random.default_rng(9), 60, 4), species=["Li"])
