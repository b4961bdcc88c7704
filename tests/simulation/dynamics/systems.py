"""An ideal gas, of which every moment is known, and a crystal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT

from llamp_mcp.simulation.dynamics.guard import Guard
from llamp_mcp.simulation.dynamics.recording import Record
from llamp_mcp.simulation.dynamics.start import Targets, start_velocities

if TYPE_CHECKING:
    from llamp_mcp.simulation.dynamics.integrators import Integrator

N_GAS = 12
DEGREES = 3 * N_GAS - 3
GAS_VOLUME_A3 = 27_000.0


class Nothing(Calculator):  # type: ignore[misc]  # ase is untyped here
    """No forces."""

    implemented_properties = ("energy", "forces", "stress")
    calls = 0

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.calls += 1
        self.results = {
            "energy": 0.0,
            "forces": np.zeros((len(atoms), 3)),
            "stress": np.zeros(6),
        }


def ideal_gas(kelvin: float, seed: int = 1) -> Atoms:
    rng = np.random.default_rng(seed)
    edge = GAS_VOLUME_A3 ** (1 / 3)
    atoms = Atoms(f"Ar{N_GAS}", rng.uniform(0, edge, (N_GAS, 3)), cell=[edge] * 3, pbc=True)
    atoms.calc = Nothing()
    start_velocities(atoms, kelvin, rng)
    return atoms


def crystal(kelvin: float, repeat: int = 2, a: float = 3.6) -> Atoms:
    atoms = bulk("Cu", cubic=True, a=a).repeat(repeat)
    atoms.calc = EMT()
    start_velocities(atoms, kelvin, np.random.default_rng(1))
    return atoms


def samples(integrator: Integrator, atoms: Atoms, targets: Targets) -> Record:
    """The numbers of every step."""
    guard = Guard(atoms, 1e6, 5)
    rows = []
    for step in integrator.run(atoms, targets):
        sample = guard.check(step, atoms)._replace(volume_a3=atoms.get_volume())
        rows.append((*sample, integrator.conserved() if integrator.conserved else np.nan))
    return Record(*np.array(rows).T)
