"""The same physics by ASE alone."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from ase.build import bulk
from ase.calculators.emt import EMT
from ase.optimize import BFGS
from scipy.optimize import minimize_scalar

if TYPE_CHECKING:
    from ase import Atoms


def energy(atoms: Atoms, fmax: float | None = 0.005) -> float:
    """EMT energy in eV, relaxed at fixed cell by BFGS; None: as it stands."""
    atoms.calc = EMT()
    if fmax is not None:
        BFGS(atoms, logfile=None).run(fmax=fmax, steps=300)
    return float(atoms.get_potential_energy())


@cache
def lattice_constant(symbol: str = "Cu") -> float:
    """Of the fcc metal in EMT, Å."""
    found = minimize_scalar(
        lambda a: energy(bulk(symbol, "fcc", a=a), None), bracket=(3.5, 3.7), tol=1e-10
    )
    return float(found.x)
