"""Where a run begins: its time step, its targets, the velocities, and what is no start at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.errors import SimulationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from ase import Atoms

    Floats = np.ndarray[Any, np.dtype[np.float64]]

MIN_CONTACT_A: Final = 0.5
"""Closer than any two nuclei: H-H, the shortest bond, is 0.74 Å."""


def default_timestep_fs(atoms: Atoms) -> float:
    """0.5 fs with hydrogen, 1 fs with an atom lighter than carbon (12 u), else 2 fs."""
    lightest = float(atoms.get_masses().min())
    if lightest < 3:
        return 0.5
    return 1.0 if lightest < 12 else 2.0


def schedule(given: Sequence[float], steps: int) -> Floats:
    """A target at steps 0 … `steps`, the given values spread evenly and joined by lines."""
    import numpy as np

    at = np.linspace(0, steps, len(given))
    values: Floats = np.interp(np.arange(steps + 1), at, given)
    return values


@dataclass(frozen=True, slots=True)
class Targets:
    """What the thermostat and the barostat aim at, at each step.

    Attributes:
        kelvin: Temperature, K; shape (steps + 1,).
        gpa: Pressure, GPa; the same shape.
        moving: Whether either changes in the course of the run.
    """

    kelvin: Floats
    gpa: Floats
    moving: bool

    @classmethod
    def of(
        cls, steps: int, temperature_k: Sequence[float], pressure_gpa: Sequence[float] = (0.0,)
    ) -> Targets:
        """Both schedules spread over the run."""
        return cls(
            schedule(temperature_k, steps),
            schedule(pressure_gpa, steps),
            len(set(temperature_k)) > 1 or len(set(pressure_gpa)) > 1,
        )


def start_velocities(atoms: Atoms, kelvin: float, rng: np.random.Generator) -> None:
    """Maxwell-Boltzmann velocities, centre of mass at rest, scaled to exactly this temperature."""
    from ase.constraints import FixCom
    from ase.md.velocitydistribution import force_temperature, thermalize_momenta

    atoms.set_constraint(FixCom())
    thermalize_momenta(atoms, kelvin, rng=rng)
    force_temperature(atoms, kelvin)


def check_contacts(atoms: Atoms, when: str = "at the start") -> None:
    """Refuse atoms on top of each other.

    Raises:
        SimulationError: Two atoms are closer than any nuclei come.
    """
    from ase.neighborlist import neighbor_list

    first, second, distances = neighbor_list("ijd", atoms, MIN_CONTACT_A)
    if len(distances):
        nearest = int(distances.argmin())
        raise SimulationError(
            f"Atoms {first[nearest]} and {second[nearest]} are {distances[nearest]:.3g} Å apart "
            f"{when}",
            allowed=f"at least {MIN_CONTACT_A} Å",
            next_step="Correct the structure, or relax it first.",
        )
