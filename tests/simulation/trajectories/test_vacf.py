from __future__ import annotations

import numpy as np
import pytest

from llamp_mcp.simulation.trajectories import vacf
from llamp_mcp.simulation.trajectories.block import Undetermined
from tests.simulation.trajectories.conftest import asked, trajectory

INTERVAL = 0.01


def oscillators(frequency, frames=2000, atoms=20, seed=0):
    """Opposite pairs of harmonic oscillators of random phase and direction, in THz."""
    rng = np.random.default_rng(seed)
    times = np.arange(frames)[:, None, None] * INTERVAL
    phase, direction = rng.uniform(0, 2 * np.pi, (atoms // 2, 1)), rng.normal(size=(atoms // 2, 3))
    omega = 2 * np.pi * frequency
    moving = direction * np.sin(omega * times + phase)
    velocities = direction * omega * np.cos(omega * times + phase)
    both = [np.concatenate([one, -one], axis=1) for one in (moving, velocities)]
    return trajectory(both[0], velocities=both[1], interval_ps=INTERVAL)


def test_harmonic_oscillators_give_a_cosine_and_a_peak_at_their_frequency():
    block = vacf.block(oscillators(7.0), asked(what=["vacf"]))
    curve = block.panels[0].curves[0]

    assert curve.y[:200] == pytest.approx(np.cos(2 * np.pi * 7 * curve.x[:200]), abs=0.02)
    assert block.values["dos_peaks_thz"] == pytest.approx([7.0], abs=0.05)
    spectrum = block.panels[1].curves[0]
    assert np.trapezoid(spectrum.y, spectrum.x) == pytest.approx(1)


def test_bound_atoms_have_no_green_kubo_diffusion_within_its_error():
    row = vacf.block(oscillators(7.0), asked(what=["vacf"])).values["species"]["Cu"]

    assert not row["vacf_has_decayed"]
    assert abs(row["green_kubo_d_cm2_per_s"]) < 2 * row["green_kubo_error_cm2_per_s"]


def test_langevin_particles_diffuse_alike_by_green_kubo_and_einstein():
    """Ornstein-Uhlenbeck velocities of <v²> = 1 per direction and memory tau: D = tau."""
    frames, atoms, tau = 3000, 60, 0.2
    rng = np.random.default_rng(1)
    keep = np.exp(-INTERVAL / tau)
    velocities = rng.normal(size=(frames, atoms, 3))
    for k in range(1, frames):
        velocities[k] = keep * velocities[k - 1] + np.sqrt(1 - keep**2) * velocities[k]
    velocities -= velocities.mean(axis=1, keepdims=True)
    positions = np.cumsum(velocities, axis=0) * INTERVAL
    moving = trajectory(positions, velocities=velocities, interval_ps=INTERVAL)
    row = vacf.block(moving, asked(what=["vacf"])).values["species"]["Cu"]
    exact = 1e-4 * tau * (1 - 1 / atoms)

    for kind in ("green_kubo", "einstein"):
        off = row[f"{kind}_d_cm2_per_s"] - exact
        assert abs(off) < 3 * row[f"{kind}_error_cm2_per_s"]
        assert abs(off) < 0.15 * exact
    assert row["vacf_has_decayed"]


def test_vibrations_too_fast_for_the_frames_are_warned_of():
    assert vacf.block(oscillators(7.0), asked()).warnings == []
    (warning,) = vacf.block(oscillators(48.0), asked()).warnings
    assert "write frames more often" in warning


def test_frames_without_velocities_say_what_lacks():
    still = trajectory(np.zeros((50, 2, 3)))
    with pytest.raises(Undetermined, match="hold no velocities"):
        vacf.block(still, asked())


def test_text_says_peaks_and_both_diffusion_coefficients():
    values = vacf.block(oscillators(7.0), asked()).values
    told = "\n".join(vacf.text(values))

    assert "peaks at 7 THz" in told
    assert "D by Green-Kubo = (" in told
    assert "D by Einstein = (" in told
    assert "VACF not decayed" in told
