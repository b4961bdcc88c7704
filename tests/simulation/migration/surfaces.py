"""Model potentials for one atom, with saddles known exactly."""

from __future__ import annotations

import numpy as np
from scipy.optimize import root

A = np.array([-200.0, -100.0, -170.0, 15.0])
B = np.array([[-1.0, 0.0, -10.0], [-1.0, 0.0, -10.0], [-6.5, 11.0, -6.5], [0.7, 0.6, 0.7]])
CENTRES = np.array([[1.0, 0.0], [0.0, 0.5], [-0.5, 1.5], [-1.0, 1.0]])
SCALE = 0.01
"""The potential is in arbitrary units; so it becomes eV, and the coordinates Å."""


class MullerBrown:
    """The Müller-Brown surface (doi 10.1007/BF00547608) in x and y, a spring in z."""

    calls = 0

    def get_potential_energy(self, atoms) -> float:
        (x, y, z), *_ = atoms.positions
        return float(energy(np.array([x, y])) + 5 * z**2)

    def get_forces(self, atoms):
        self.calls += 1
        (x, y, z), *_ = atoms.positions
        gx, gy = gradient(np.array([x, y]))
        return np.array([[-gx, -gy, -10 * z]])


def terms(at):
    dx, dy = (at - CENTRES).T
    return dx, dy, A * np.exp(B[:, 0] * dx**2 + B[:, 1] * dx * dy + B[:, 2] * dy**2)


def energy(at) -> float:
    return SCALE * float(terms(at)[2].sum())


def gradient(at):
    dx, dy, value = terms(at)
    return SCALE * np.array(
        [
            (value * (2 * B[:, 0] * dx + B[:, 1] * dy)).sum(),
            (value * (B[:, 1] * dx + 2 * B[:, 2] * dy)).sum(),
        ]
    )


def stationary(x: float, y: float):
    """The stationary point next to a place, by a root of the gradient."""
    found = root(gradient, [x, y], tol=1e-12)
    assert found.success
    return found.x


LEFT, MIDDLE, RIGHT = (stationary(*at) for at in ((-0.558, 1.442), (-0.05, 0.467), (0.623, 0.028)))
HIGH_SADDLE, LOW_SADDLE = stationary(-0.822, 0.624), stationary(0.212, 0.293)


class Slope:
    """Energy that only falls along x: no barrier anywhere."""

    def get_potential_energy(self, atoms) -> float:
        (x, y, z), *_ = atoms.positions
        return float(-0.3 * x + 5 * (y**2 + z**2))

    def get_forces(self, atoms):
        (_, y, z), *_ = atoms.positions
        return np.array([[0.3, -10 * y, -10 * z]])
