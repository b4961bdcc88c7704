"""One step from forces to forces: what every ensemble's integrator is to the run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ase import Atoms

    from llamp_mcp.simulation.dynamics.start import Floats, Targets


def _no_target(_kelvin: float, _gpa: float) -> None:
    """Of an integrator that aims at nothing."""


@dataclass(frozen=True, slots=True)
class Integrator:
    """An integrator of ASE's, by what a run needs of it.

    Attributes:
        step: Takes and returns forces, eV/Å; moves the atoms by one time step.
        set_target: Takes temperature in K and pressure in GPa.
        conserved: The energy that should not drift at constant targets, eV; None where none is.
        inner: Objects with a state of their own, by name, and their attributes that hold it.
    """

    step: Callable[[Floats], Floats]
    set_target: Callable[[float, float], None] = _no_target
    conserved: Callable[[], float] | None = None
    inner: Mapping[str, tuple[Any, tuple[str, ...]]] = field(default_factory=dict)

    def run(self, atoms: Atoms, targets: Targets, done: int = -1) -> Iterator[int]:
        """Yield each step after `done`, of a new run from 0, positions and forces up to date.

        ASE's own loop asks for the forces thrice a step; each time the calculator compares all
        atoms with those it knows, which is dearer than the whole integration.
        """
        forces = atoms.get_forces(md=True)
        if done < 0:
            yield 0
        for number in range(max(done, 0) + 1, len(targets.kelvin)):
            if targets.moving:
                self.set_target(float(targets.kelvin[number]), float(targets.gpa[number]))
            forces = self.step(forces)
            yield number

    def state(self) -> dict[str, Any]:
        """All that the next step depends on besides atoms and random numbers, by name."""
        import numpy as np

        return {
            f"{name}.{attribute}": np.array(getattr(owner, attribute))
            for name, (owner, attributes) in self.inner.items()
            for attribute in attributes
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set what `state` gave, bit for bit."""
        for name, (owner, attributes) in self.inner.items():
            for attribute in attributes:
                value = state[f"{name}.{attribute}"]
                plain = isinstance(getattr(owner, attribute), list)
                setattr(owner, attribute, value.tolist() if plain else value[()])


def total_energy(atoms: Atoms) -> Callable[[], float]:
    """Potential and kinetic energy in eV, without asking the calculator again."""
    return lambda: float(atoms.calc.results["energy"]) + float(atoms.get_kinetic_energy())
