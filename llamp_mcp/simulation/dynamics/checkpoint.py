"""The whole state of a run, so that one which goes on is bit for bit the one never interrupted.

That is: atoms, thermostat and barostat, random numbers, and the geometry for which the calculator
built its neighbour list. ASE's lists are kept while no atom has moved far; their order decides in
which order forces are summed, and so their last bits. The first calls of a model that is compiled
just in time (MACE) have other last bits, too: they are spent before the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from ase import Atoms

    from llamp_mcp.simulation.dynamics.integrators import Integrator


WARM_UP_CALLS: Final = 3
_SHIFT_A: Final = 1e-3


def warm_up(atoms: Atoms) -> None:
    """Call the calculator a few times, so that a new process computes as one long at it."""
    start = atoms.positions.copy()
    for number in range(1, WARM_UP_CALLS + 1):
        atoms.positions[:] = start + number * _SHIFT_A  # as a whole, but not the same to it
        atoms.get_forces(md=True)
    atoms.positions[:] = start


def state_of(atoms: Atoms, integrator: Integrator, rng: np.random.Generator) -> dict[str, Any]:
    """Arrays and JSON values that `restore` takes."""
    state: dict[str, Any] = {
        "positions": atoms.arrays["positions"],
        "momenta": atoms.arrays["momenta"],
        "cell": atoms.cell.array,
        "random": dict(rng.bit_generator.state),
        **integrator.state(),
    }
    neighbours = _neighbour_list(atoms.calc)
    if neighbours is not None:
        state["list_positions"] = neighbours.coordinates
        state["list_cell"] = neighbours.cell.array
    return state


def restore(
    state: Mapping[str, Any], atoms: Atoms, integrator: Integrator, rng: np.random.Generator
) -> None:
    """Bring a run that was just set up to the state of another."""
    if "list_positions" in state:
        atoms.calc.reset()  # so that a new list is built here
        _place(atoms, state["list_positions"], state["list_cell"])
        atoms.get_forces(md=True)
    _place(atoms, state["positions"], state["cell"])
    atoms.set_momenta(state["momenta"], apply_constraint=False)
    integrator.restore(state)
    rng.bit_generator.state = state["random"]


def _place(atoms: Atoms, positions: Any, cell: Any) -> None:
    atoms.set_cell(cell)
    atoms.set_positions(positions, apply_constraint=False)


def _neighbour_list(calculator: Any) -> Any:
    """The list that a classical calculator of ASE keeps between calls, once it has one."""
    from ase.neighborlist import NeighborList

    neighbours = getattr(calculator, "nl", None)
    return neighbours.nl if isinstance(neighbours, NeighborList) else None
