"""One step after the other downhill: quickly while that works, carefully when it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MEMORY: Final = 30
RISE_EV_PER_ATOM: Final = 0.01
"""How far the energy may rise above the lowest so far before L-BFGS is given up."""

_PREFIX: Final = "descent_"


class Descent:
    """L-BFGS, and FIRE from the lowest point found as soon as L-BFGS climbs.

    L-BFGS (doi 10.1007/BF01589116) takes a half to a sixth of the force calls of FIRE
    (doi 10.1103/PhysRevLett.97.170201): CHGNet Si8 4 against 8, NaCl 4 against 20, rattled rutile
    45 against 86. But where the curvature is negative it runs uphill (it evaporated stretched
    copper); FIRE never does.

    Args:
        target: Atoms, or a filter over them and their cell.
        n_atoms: How many atoms.
    """

    def __init__(self, target: Any, n_atoms: int) -> None:
        from ase.optimize import LBFGS

        self._target = target
        self._rise_ev = RISE_EV_PER_ATOM * n_atoms
        self._optimizer: Any = LBFGS(target, logfile=None, memory=MEMORY)
        self._careful = False
        self._lowest_ev = float("inf")
        self._lowest_at: Any = target.get_positions()

    def step(self, energy_ev: float) -> None:
        """Move once.

        Args:
            energy_ev: Where the target is, eV; under pressure the enthalpy.
        """
        import numpy as np

        if not self._careful:
            if energy_ev < self._lowest_ev:
                self._lowest_ev, self._lowest_at = energy_ev, self._target.get_positions()
            elif energy_ev > self._lowest_ev + self._rise_ev:
                self._be_careful()
        before = self._target.get_positions()
        with np.errstate(divide="ignore", invalid="ignore"):  # a force that did not change at all
            self._optimizer.step()
        if not (self._careful or np.isfinite(self._target.get_positions()).all()):
            self._target.set_positions(before)
            self._be_careful()

    def state(self) -> dict[str, Any]:
        """All that the next step depends on, beside where the target is."""
        import numpy as np

        names = _FIRE if self._careful else _LBFGS
        state = {name: getattr(self._owner(name), name) for name in names}
        if not self._careful:
            state |= {name: np.array(state[name]) for name in ("s", "y", "rho")}
        state |= {"careful": self._careful, "lowest_ev": self._lowest_ev}
        state["lowest_at"] = self._lowest_at
        return {f"{_PREFIX}{name}": value for name, value in state.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where `state` was taken."""
        if state[f"{_PREFIX}careful"]:
            self._use_fire()
        self._lowest_ev = state[f"{_PREFIX}lowest_ev"]
        self._lowest_at = state[f"{_PREFIX}lowest_at"]
        for name in _FIRE if self._careful else _LBFGS:
            value = state[f"{_PREFIX}{name}"]
            setattr(self._owner(name), name, list(value) if name in ("s", "y", "rho") else value)

    def _be_careful(self) -> None:
        self._target.set_positions(self._lowest_at)
        self._use_fire()

    def _use_fire(self) -> None:
        from ase.optimize import FIRE

        self._careful = True
        self._optimizer = FIRE(self._target, logfile=None)

    def _owner(self, name: str) -> Any:
        inner = ("s", "y", "rho", "iteration")
        return self._optimizer.state if name in inner else self._optimizer


_LBFGS: Final = ("s", "y", "rho", "iteration", "r0", "f0")
_FIRE: Final = ("vel", "dt", "a", "Nsteps")
"""What ASE's optimizers carry from step to step."""
