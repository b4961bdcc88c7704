"""One force field on several structures: energies and minima, each a part of one calculation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.errors import SimulationError
from llamp_mcp.simulation.atoms import elements_of, moved, to_atoms
from llamp_mcp.simulation.relaxation import Minimum, max_force_ev_per_a, minimise, stress_gpa

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ase import Atoms
    from ase.calculators.calculator import Calculator
    from pymatgen.core import Structure

    from llamp_mcp.simulation.calculators import Calculators, LoadedCalculator
    from llamp_mcp.simulation.workers.monitor import Monitor


_CLASSICAL: Final = ("emt", "lj")


@dataclass(frozen=True, slots=True)
class Found:
    """A structure and what the force field says of it.

    Attributes:
        structure: As it is now.
        energy_ev: Of all its atoms, eV.
        start_energy_ev: Before it was relaxed, eV.
        max_force_ev_per_a: Largest force on an atom that may move, eV/Å.
        stress_gpa: xx yy zz yz xz xy; positive: tension.
        steps: Of the optimizer.
        converged: Whether the criteria were reached.
    """

    structure: Structure
    energy_ev: float
    start_energy_ev: float
    max_force_ev_per_a: float
    stress_gpa: list[float]
    steps: int
    converged: bool

    @property
    def energy_ev_per_atom(self) -> float:
        """Energy per atom, eV."""
        return self.energy_ev / len(self.structure)

    @property
    def pressure_gpa(self) -> float:
        """Minus a third of the trace of the stress, GPa."""
        return -sum(self.stress_gpa[:3]) / 3


class ForceField:
    """A loaded calculator that is put on one structure after the other; for the worker only.

    Args:
        calculators: Where it is loaded from.
        name: Empty for the default.
        structures: All that will be treated; their elements decide whether it can.
        n_atoms: Of the largest.

    Raises:
        CalculatorError: It lacks an element, takes fewer atoms, or cannot be loaded.
    """

    def __init__(
        self,
        calculators: Calculators,
        name: str,
        structures: Iterable[Structure],
        n_atoms: int,
    ) -> None:
        elements = sorted({one for made in structures for one in elements_of(made)})
        calculators.resolve(name, elements, n_atoms)
        self._loaded: LoadedCalculator = calculators.load(
            name, elements, dtype="float64", n_atoms=n_atoms
        )

    @property
    def provenance(self) -> dict[str, Any]:
        """What a result says of it."""
        return self._loaded.provenance

    @property
    def calculator(self) -> Calculator:
        """The ASE calculator."""
        return self._loaded.calculator

    def caveats(self) -> Iterable[str]:
        """What is known of such force fields away from the minima of crystals."""
        if self.provenance["family"] not in _CLASSICAL:
            yield (
                "learned force fields trained near equilibrium tend to be too soft: energies of "
                "surfaces, defects and barriers come out too low (shown for CHGNet and MACE-MP-0, "
                "doi 10.1038/s41524-024-01500-6)"
            )

    def find(
        self,
        part: str,
        structure: Structure,
        monitor: Monitor,
        minimum: Minimum | None = None,
        fixed: Sequence[int] = (),
    ) -> Found:
        """Energy of a structure, relaxed if a minimum is asked for; computed once per job.

        Args:
            part: Name of this part of the calculation, which no other has.
            structure: It is left as it was.
            monitor: Keeps the part.
            minimum: How far to relax; None: as it stands.
            fixed: Sites that stay where they are.

        Raises:
            SimulationError: Energy or forces are not finite.
            Cancelled: The caller asked to stop.
        """
        atoms = to_atoms(structure)

        def compute() -> dict[str, Any]:
            from ase.constraints import FixAtoms

            atoms.calc = self._loaded.calculator
            if fixed:
                atoms.set_constraint(FixAtoms(indices=list(fixed)))
            start_ev = float(atoms.get_potential_energy())
            steps, converged = 0, True
            if minimum is not None:
                steps, converged = minimise(atoms, minimum, monitor, f"{part}: ")
            return {
                "positions": atoms.positions.tolist(),
                "cell": atoms.cell.array.tolist(),
                "energy_ev": float(atoms.get_potential_energy()),
                "start_energy_ev": start_ev,
                "max_force_ev_per_a": max_force_ev_per_a(atoms),
                "stress_gpa": stress_gpa(atoms),
                "steps": steps,
                "converged": converged,
            }

        kept = dict(monitor.once(part, compute))
        atoms.set_constraint()
        atoms.set_cell(kept.pop("cell"))
        atoms.positions = kept.pop("positions")
        return Found(structure=moved(structure, atoms), **kept)

    def forces(self, part: str, atoms: Atoms, monitor: Monitor) -> list[list[float]]:
        """Forces on atoms as they stand, eV/Å; computed once per job.

        Args:
            part: Name of this part of the calculation, which no other has.
            atoms: Periodic; they are left without a calculator.
            monitor: Keeps the part.

        Raises:
            SimulationError: A force is not finite.
            Cancelled: The caller asked to stop.
        """
        import numpy as np

        def compute() -> list[list[float]]:
            atoms.calc = self._loaded.calculator
            found = atoms.get_forces()
            atoms.calc = None
            if not np.isfinite(found).all():
                raise SimulationError(
                    f"The calculator gave forces that are not finite ({part})",
                    next_step="Check the structure for atoms that are too close, or use another "
                    "calculator.",
                )
            rows: list[list[float]] = found.tolist()
            return rows

        forces: list[list[float]] = monitor.once(part, compute)
        return forces
