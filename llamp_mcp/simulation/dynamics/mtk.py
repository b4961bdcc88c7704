"""ASE's Martyna-Tobias-Klein dynamics, counting what moves and computing forces once a step.

Imports ASE: for `barostats` only, when a run needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np  # noqa: TID253
from ase.md.nose_hoover_chain import MTKNPT, IsotropicMTKNPT  # noqa: TID253
from ase.stress import voigt_6_to_full_3x3_stress  # noqa: TID253

from llamp_mcp.simulation.dynamics.chains import Chain
from llamp_mcp.simulation.dynamics.stress import voigt_stress

if TYPE_CHECKING:
    from llamp_mcp.simulation.dynamics.start import Floats

SYMMETRIC: Final = 6
"""Independent components of a symmetric cell momentum."""


class AtomChain(Chain):
    """A chain by the names under which ASE's dynamics calls its thermostat.

    Args:
        masses: Of the atoms, u; shape (n, 1).
        kt: As of `Chain`.
        damping: As of `Chain`.
    """

    def __init__(self, masses: Floats, kt: float, damping: float) -> None:
        super().__init__(3 * len(masses) - 3, kt, damping)
        self._atom_masses = masses

    def integrate_nhc(self, momenta: Floats, time: float) -> Floats:
        """The momenta after this time."""
        twice_kinetic = float(np.vdot(momenta, momenta / self._atom_masses))
        return momenta * self.factor(twice_kinetic, time)


class CellChain(Chain):
    """A chain by the names under which ASE's dynamics calls its barostat.

    Args:
        n_atoms: Number of atoms.
        degrees: Of freedom of the cell.
        kt: As of `Chain`.
        damping: As of `Chain`.
    """

    def __init__(self, n_atoms: int, degrees: int, kt: float, damping: float) -> None:
        super().__init__(degrees, kt, damping)
        # With N - 1 atoms that move (doi 10.1063/1.467468): (f + d) kT of time² for the volume,
        # where f = 3 (N - 1) and d = 3, and a third of it for each component of a full cell.
        whole = 3 * n_atoms * kt * damping**2
        self.W = whole if degrees == 1 else whole / 3

    def integrate_nhc_baro(self, momentum: Any, time: float) -> Any:
        """The cell's momentum after this time; a number, or of shape (3, 3)."""
        return momentum * self.factor(float(np.sum(momentum * momentum)) / self.W, time)


class _OnceAStep:
    """Mixed into ASE's classes, which ask the calculator four times a step.

    Keeps the centre of mass at rest, too: forces of single precision do not quite add up to zero.
    """

    atoms: Any
    masses: Floats
    _p: Floats
    _pressure_au: float
    _known: tuple[Floats, Floats] | None = None

    def correct(self, thermostat: AtomChain, barostat: CellChain) -> None:
        """Take chains that count the degrees of freedom that move."""
        self._thermostat, self._barostat = thermostat, barostat
        self._num_atoms_global = len(self.masses) - 1

    def _forces_and_stress(self) -> tuple[Floats, Floats]:
        if self._known is None:
            self._update_atoms()  # type: ignore[attr-defined]
            forces = self.atoms.get_forces(md=True)
            stress = voigt_stress(self.atoms.calc.results)
            if stress is None:  # most calculators give it with the forces
                stress = self.atoms.get_stress(apply_constraint=False)
            self._known = forces, voigt_6_to_full_3x3_stress(stress)
        return self._known

    def _get_forces(self) -> Floats:
        return self._forces_and_stress()[0]

    def _integrate_q_cell(self, delta: float) -> None:
        super()._integrate_q_cell(delta)  # type: ignore[misc]
        self._known = None

    def _integrate_p(self, delta: float) -> None:
        super()._integrate_p(delta)  # type: ignore[misc]
        self._p -= self.masses * (self._p.sum(axis=0) / self.masses.sum())

    def get_conserved_energy(self) -> float:
        """Of atoms, cell and both chains, eV; ASE's asks the calculator."""
        momentum = self._cell_momentum()
        return (
            float(self.atoms.calc.results["energy"])
            + float(self.atoms.get_kinetic_energy())
            + self._thermostat.energy()
            + self._barostat.energy()
            + float(np.sum(momentum * momentum)) / (2 * self._barostat.W)
            + float(self._pressure_au * self._get_volume())  # type: ignore[attr-defined]
        )

    def _cell_momentum(self) -> Any:
        raise NotImplementedError

    def _pressure_tensor(self) -> Floats:
        """Virial and kinetic part, eV/Å³; (3, 3)."""
        volume: float = self._get_volume()  # type: ignore[attr-defined]
        kinetic: Floats = self._p.T @ (self._p / self.masses) / volume
        return kinetic - self._forces_and_stress()[1]


class Isotropic(_OnceAStep, IsotropicMTKNPT):  # type: ignore[misc]  # ase is untyped here
    """The cell keeps its shape."""

    def _cell_momentum(self) -> Any:
        return self._p_eps

    def _get_pressure(self) -> float:
        return float(np.trace(self._pressure_tensor())) / 3


class Full(_OnceAStep, MTKNPT):  # type: ignore[misc]  # ase is untyped here
    """All of the cell moves, without rotating."""

    def _cell_momentum(self) -> Any:
        return self._p_g

    def _get_stress(self) -> Floats:
        return self._pressure_tensor()


DYNAMICS: Final[dict[str, tuple[Any, int]]] = {
    "npt_isotropic": (Isotropic, 1),
    "npt_full": (Full, SYMMETRIC),
}
"""The dynamics of an ensemble, and the degrees of freedom of its cell."""
