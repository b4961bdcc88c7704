"""Measures every step of a run, and stops one that explodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llamp_mcp.errors import SimulationError
from llamp_mcp.simulation.dynamics.start import check_contacts
from llamp_mcp.simulation.dynamics.stress import voigt_stress

if TYPE_CHECKING:
    import numpy as np
    from ase import Atoms

MAX_MOVE_A: Final = 1.0
"""An atom that goes further in one step is no dynamics: hydrogen at 300 K makes 0.05 Å in 2 fs."""
CONTACTS_EVERY: Final = 100
"""Steps between looks for atoms on top of each other, which stay so where a model has a hole."""
VOLUME_RATIO: Final = (0.3, 3.0)
"""Of the start: beyond, the material evaporates or the model has failed."""
MIN_HEIGHT_RATIO: Final = 0.4
"""Of the start: a cell that has sheared flatter than this has lost its shape."""


class Sample(NamedTuple):
    """What is measured of a step; pressure includes the kinetic part, NaN without a stress."""

    kelvin: float
    potential_ev: float
    pressure_gpa: float
    volume_a3: float


class Guard:
    """Measures a run, and stops it when it explodes.

    Args:
        atoms: As the run starts.
        highest_k: Highest target temperature of the run, K.
        timestep_fs: Time step, fs.
        cell_moves: Whether the cell changes.
    """

    def __init__(
        self, atoms: Atoms, highest_k: float, timestep_fs: float, *, cell_moves: bool = False
    ) -> None:
        from ase import units

        self._masses = atoms.get_masses()[:, None]
        self._limit_k = max(10 * highest_k, 10_000.0)
        self._timestep_fs = timestep_fs
        self._max_speed = MAX_MOVE_A / (timestep_fs * units.fs)
        self._to_kelvin = 1 / (units.kB * (3 * len(atoms) - 3))
        self._gpa = units.GPa
        self._cell_moves = cell_moves
        self._volume, self._height = float(atoms.get_volume()), _lowest_height(atoms)

    def check(self, step: int, atoms: Atoms) -> Sample:
        """Measure this step.

        Raises:
            SimulationError: Something is beyond all sense.
        """
        import numpy as np

        momenta: np.ndarray[Any, Any] = atoms.arrays["momenta"]
        velocities = momenta / self._masses
        doubled = float(np.vdot(momenta, velocities))
        kelvin, energy = doubled * self._to_kelvin, float(atoms.calc.results["energy"])
        if not (np.isfinite(energy) and np.isfinite(kelvin)):
            raise self._error(step, f"energy {energy} eV, temperature {kelvin} K")
        if kelvin > self._limit_k:
            raise self._error(step, f"temperature {kelvin:.0f} K, above {self._limit_k:.0f} K")
        fastest = float(np.sqrt(np.einsum("ij,ij->i", velocities, velocities).max()))
        if fastest > self._max_speed:
            move = fastest / self._max_speed * MAX_MOVE_A
            raise self._error(step, f"an atom moved {move:.2g} Å in one step")
        if step % CONTACTS_EVERY == 0:
            check_contacts(atoms, f"at step {step}")
        volume = self._check_cell(step, atoms) if self._cell_moves else self._volume
        stress = voigt_stress(atoms.calc.results)
        trace = np.nan if stress is None else float(stress[0] + stress[1] + stress[2])
        return Sample(kelvin, energy, (doubled / volume - trace) / (3 * self._gpa), volume)

    def _check_cell(self, step: int, atoms: Atoms) -> float:
        import numpy as np

        if not np.isfinite(atoms.cell.array).all():
            raise self._cell_error(step, "it is not a number any more")
        volume = float(atoms.get_volume())
        low, high = VOLUME_RATIO
        ratio = volume / self._volume
        if not low < ratio < high:
            raise self._cell_error(
                step, f"the volume is {ratio:.3g} of the first, outside {low:g} … {high:g}"
            )
        height = _lowest_height(atoms) / self._height
        if height < MIN_HEIGHT_RATIO:
            raise self._cell_error(
                step,
                f"the least height of the cell is {height:.3g} of the first, "
                f"below {MIN_HEIGHT_RATIO:g}",
            )
        return volume

    def _error(self, step: int, what: str) -> SimulationError:
        return SimulationError(
            f"The dynamics exploded at step {step} with {self._timestep_fs:g} fs: {what}",
            next_step=f"Relax the structure first, or use timestep_fs {self._timestep_fs / 4:g} or "
            "a lower temperature.",
        )

    def _cell_error(self, step: int, what: str) -> SimulationError:
        return SimulationError(
            f"The cell was lost at step {step}: {what}",
            next_step="Relax the structure at this pressure first (relax_structure), use ensemble "
            "'npt_isotropic' or 'nvt', or a temperature at which it does not evaporate.",
        )


def _lowest_height(atoms: Atoms) -> float:
    """Distance of the nearest pair of opposite cell faces, Å."""
    import numpy as np

    planes = np.linalg.inv(atoms.cell.array)  # a column's length is one over a distance
    return float(1 / np.linalg.norm(planes, axis=0).max())
