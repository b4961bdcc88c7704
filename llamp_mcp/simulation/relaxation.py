"""Minimisation of energy over positions and cell, for every calculation that needs it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from llamp_mcp.errors import SimulationError
from llamp_mcp.simulation.descent import Descent
from llamp_mcp.units import EV_PER_A3_IN_GPA

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from ase import Atoms

    from llamp_mcp.simulation.workers.monitor import Monitor

Cell = Literal["fixed", "volume", "full"]

STRESS_TOLERANCE_GPA: Final = 0.05
"""Largest component of stress + pressure left in a relaxed cell: 0.02 % strain at 90 GPa.

A force criterion alone stops far earlier: ASE compares `fmax` with the virial divided by the
number of atoms, which at 0.05 eV/Å leaves about 0.4 GPa in silicon.
"""

_VOLUME_FACTOR: Final = 4.0
_RISE_EV_PER_ATOM: Final = 1.0
"""Beyond these against the start a relaxation has left what can be a minimum near it."""

_SAME_START: Final = 1e-5
"""Relative difference below which two runs of a force field on one start are the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimum:
    """What to minimise and how far.

    Attributes:
        cell: `fixed`: atoms only; `volume`: isotropic; `full`: all six strains.
        fmax_ev_per_a: Largest force left on an atom, eV/Å.
        pressure_gpa: External pressure, GPa.
        max_steps: Steps of the optimizer.
        stress_gpa: Largest component of stress + pressure left in a free cell, GPa.
    """

    cell: Cell = "full"
    fmax_ev_per_a: float = 0.02
    pressure_gpa: float = 0.0
    max_steps: int = 500
    stress_gpa: float = STRESS_TOLERANCE_GPA


def minimise(atoms: Atoms, minimum: Minimum, monitor: Monitor, label: str = "") -> tuple[int, bool]:
    """Move atoms (and cell), in place, until converged.

    Checkpoints are left with the monitor. A later attempt takes one only when it was left by the
    very same relaxation (label, criteria, atoms and forces at the start), so that a calculation of
    many relaxations may call this for each.

    Args:
        atoms: With a calculator; constraints hold.
        minimum: The criteria.
        monitor: Told of each step; may cancel; keeps the checkpoints.
        label: What this is a part of, for the progress message.

    Returns:
        Steps taken, and whether every force is within `fmax_ev_per_a` and, where the cell is free,
        the stress within `stress_gpa` of the pressure.

    Raises:
        SimulationError: The force field failed, or led away from any minimum near the start.
        Cancelled: The caller asked to stop.
    """
    target = _target(atoms, minimum)
    start = _Start(atoms, minimum, label)
    descent = Descent(target, len(atoms))
    steps = start.go_on(atoms, descent, monitor)
    pressure = minimum.pressure_gpa / EV_PER_A3_IN_GPA if minimum.cell != "fixed" else 0.0
    while True:
        monitor.check()
        energy, force, residual = _measure(atoms, minimum, label, steps)
        start.check(atoms, steps)
        if monitor.due():
            monitor.progress(
                steps,
                minimum.max_steps,
                f"{label}{energy / len(atoms):.4f} eV/atom, max force {force:.3g} eV/Å, "
                f"stress {residual:.3g} GPa",
            )
        converged = force <= minimum.fmax_ev_per_a and residual <= minimum.stress_gpa
        if converged or steps >= minimum.max_steps:
            return steps, converged
        if monitor.checkpoint_due():
            monitor.save(start.checkpoint(atoms, descent, steps))
        descent.step(energy + pressure * float(atoms.get_volume()))
        steps += 1


def max_force_ev_per_a(atoms: Atoms) -> float:
    """Largest norm of a force on an atom, eV/Å; constrained ones count as zero."""
    import numpy as np

    return float(np.linalg.norm(atoms.get_forces(), axis=1).max())


def stress_gpa(atoms: Atoms) -> list[float]:
    """Stress in GPa as xx yy zz yz xz xy; positive is tension."""
    return [float(component) * EV_PER_A3_IN_GPA for component in atoms.get_stress(voigt=True)]


class _Start:
    """Where a relaxation began: tells its checkpoints from those of others, and divergence.

    Args:
        atoms: As they are now.
        minimum: The criteria.
        label: Of the part.

    Raises:
        SimulationError: The force field cannot treat them.
    """

    def __init__(self, atoms: Atoms, minimum: Minimum, label: str) -> None:
        import numpy as np

        self._energy_ev, _, _ = _measure(atoms, minimum, label, 0)
        self._volume_a3 = float(atoms.get_volume())
        self._what = {"label": label, **asdict(minimum)}
        self._arrays: dict[str, np.ndarray[Any, Any]] = {
            "start_positions": atoms.get_positions(),
            "start_cell": atoms.cell.array.copy(),
            # of this force field, with these constraints
            "start_forces": atoms.get_forces(),
            "start_energy_ev": np.array(self._energy_ev),
        }

    def checkpoint(self, atoms: Atoms, descent: Descent, steps: int) -> dict[str, Any]:
        """What a later attempt goes on from."""
        return {
            **self._arrays,
            **descent.state(),
            "relaxation": self._what,
            "steps": steps,
            "positions": atoms.get_positions(),
            "cell": atoms.cell.array.copy(),
        }

    def go_on(self, atoms: Atoms, descent: Descent, monitor: Monitor) -> int:
        """Put atoms and optimizer where an earlier attempt left them; the steps it had taken."""
        state = monitor.restore()
        if state is None or not self._began(state):
            return 0
        atoms.set_cell(state["cell"], apply_constraint=False)
        atoms.set_positions(state["positions"], apply_constraint=False)
        descent.restore(state)
        return int(state["steps"])

    def check(self, atoms: Atoms, steps: int) -> None:
        """Refuse to go on towards nothing physical.

        Raises:
            SimulationError: The volume or the energy left all bounds.
        """
        change = float(atoms.get_volume()) / self._volume_a3
        rise = (float(atoms.get_potential_energy()) - self._energy_ev) / len(atoms)
        if 1 / _VOLUME_FACTOR <= change <= _VOLUME_FACTOR and rise <= _RISE_EV_PER_ATOM:
            return
        raise _diverged(
            self._what["label"],
            steps,
            f"the volume is {change:.3g} times what it was, the energy changed by "
            f"{rise:.3g} eV/atom",
        )

    def _began(self, state: Mapping[str, Any]) -> bool:
        import numpy as np

        if state.get("relaxation") != self._what:
            return False
        return all(
            state[name].shape == here.shape
            and np.allclose(state[name], here, rtol=_SAME_START, atol=_SAME_START)
            for name, here in self._arrays.items()
        )


def _target(atoms: Atoms, minimum: Minimum) -> Any:
    """What the optimizer moves: the atoms, or a filter over them and their cell."""
    if minimum.cell == "fixed":
        return atoms
    from ase.filters import FrechetCellFilter

    return FrechetCellFilter(
        atoms,
        hydrostatic_strain=minimum.cell == "volume",
        scalar_pressure=minimum.pressure_gpa / EV_PER_A3_IN_GPA,
    )


def _measure(atoms: Atoms, minimum: Minimum, label: str, steps: int) -> tuple[float, float, float]:
    """Energy in eV, largest force in eV/Å, what still drives the cell in GPa.

    Raises:
        SimulationError: The force field gave no numbers, or raised.
    """
    import numpy as np

    try:
        energy, force = float(atoms.get_potential_energy()), max_force_ev_per_a(atoms)
        residual = _residual_stress_gpa(atoms, minimum)
    except (ArithmeticError, ValueError, RuntimeError) as error:
        raise _diverged(label, steps, f"the force field failed ({error})") from error
    if not np.isfinite([energy, force, residual]).all():
        raise _diverged(
            label, steps, f"energy {energy} eV, largest force {force} eV/Å, stress {residual} GPa"
        )
    return energy, force, residual


def _diverged(label: str, steps: int, how: str) -> SimulationError:
    return SimulationError(
        f"{label}The relaxation diverged at step {steps}: {how}",
        next_step="Check the structure for atoms that are too close or far apart, relax with cell "
        "'fixed' first, or use another calculator.",
    )


def _residual_stress_gpa(atoms: Atoms, minimum: Minimum) -> float:
    """Largest component of what still drives the cell; 0 for a fixed one."""
    if minimum.cell == "fixed":
        return 0.0
    stress: np.ndarray[Any, Any] = atoms.get_stress(voigt=True) * EV_PER_A3_IN_GPA
    stress[:3] += minimum.pressure_gpa
    if minimum.cell == "volume":
        return float(abs(stress[:3].mean()))
    return float(abs(stress).max())
