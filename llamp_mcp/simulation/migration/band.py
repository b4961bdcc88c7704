"""The nudged elastic band: images between two minima, relaxed onto the minimum-energy path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llamp_mcp.errors import SimulationError

if TYPE_CHECKING:
    import numpy as np
    from ase import Atoms
    from ase.calculators.calculator import Calculator
    from ase.mep import NEB
    from ase.optimize import FIRE
    from numpy.typing import NDArray

    from llamp_mcp.simulation.workers.monitor import Monitor

SPRING_EV_PER_A2: Final = 0.1
CLIMB_FROM: Final = 5.0
"""The highest image climbs when the largest force is below this times the one asked for."""

FLAT_EV: Final = 1e-3
"""An image is on top only if it is this much above both ends."""


class Band(NamedTuple):
    """A band as it was left.

    Attributes:
        positions: Of every image, ends included, not wrapped, Å, shape (images, atoms, 3).
        energies_ev: Of every image, eV, shape (images,).
        forces: Of the force field, without springs, eV/Å, shape (images, atoms, 3).
        residual_ev_per_a: Largest force left on the band, eV/Å.
        steps: Of the optimizer.
        converged: Whether the residual is small enough, the highest image climbing if there is one.
        climbed: The climbing image, from 0; None where no image is above both ends.
    """

    positions: NDArray[np.float64]
    energies_ev: NDArray[np.float64]
    forces: NDArray[np.float64]
    residual_ev_per_a: float
    steps: int
    converged: bool
    climbed: int | None


class OneImage:
    """What an image asks for its energy and forces: its own state of a shared calculator.

    An image that has not moved is not computed again, whichever image was computed last.
    """

    def __init__(self, shared: Calculator, monitor: Monitor) -> None:
        self._shared, self._monitor = shared, monitor
        self._at: NDArray[np.float64] | None = None
        self._energy_ev = 0.0
        self._forces: Any = None

    def get_potential_energy(self, atoms: Atoms) -> float:
        """Energy in eV, by the name ASE calls it."""
        self._compute(atoms)
        return self._energy_ev

    def get_forces(self, atoms: Atoms) -> NDArray[np.float64]:
        """Forces in eV/Å, by the name ASE calls it."""
        import numpy as np

        self._compute(atoms)
        forces: NDArray[np.float64] = np.array(self._forces)
        return forces

    def _compute(self, atoms: Atoms) -> None:
        import numpy as np

        if self._at is not None and np.array_equal(self._at, atoms.positions):
            return
        self._monitor.check()
        self._energy_ev = float(self._shared.get_potential_energy(atoms))
        self._forces = self._shared.get_forces(atoms)
        if not (np.isfinite(self._energy_ev) and np.isfinite(self._forces).all()):
            raise SimulationError(
                f"The force field gives {self._energy_ev} eV for an image of the path",
                next_step="Check that no two atoms pass through each other, or take more images.",
            )
        self._at = atoms.positions.copy()


def relax_band(
    initial: Atoms,
    final: NDArray[np.float64],
    calculator: Calculator,
    monitor: Monitor,
    *,
    images: int,
    fmax_ev_per_a: float,
    max_steps: int,
) -> Band:
    """Relax a band between two structures, with a climbing image where there is a barrier.

    Improved tangents (doi 10.1063/1.1323224), climbing image (doi 10.1063/1.1329672), first guess
    by image-dependent pair potentials (doi 10.1063/1.4878664). It goes on from the checkpoint of
    an interrupted attempt.

    Args:
        initial: The first image.
        final: Positions of the last, each atom at its image nearest to the first, Å.
        calculator: All images share it, each keeps its own state.
        monitor: Keeps checkpoints; may cancel.
        images: Between the ends.
        fmax_ev_per_a: Largest force left, eV/Å.
        max_steps: Of the optimizer.

    Raises:
        SimulationError: Energy or forces are not finite.
        Cancelled: The caller asked to stop.
    """
    import numpy as np
    from ase.optimize import FIRE

    neb = _first_guess(initial, final, images)
    for image in neb.images:
        image.calc = OneImage(calculator, monitor)
    optimizer = FIRE(neb, logfile=None)
    steps = _restore(monitor, neb, optimizer)
    while True:
        forces = neb.get_forces()
        residual = float(np.linalg.norm(forces, axis=1).max())
        if not neb.climb and residual <= CLIMB_FROM * fmax_ev_per_a and _top(neb) is not None:
            neb.climb = True
            continue
        if monitor.due():
            height = float(neb.energies.max() - neb.energies[0])
            told = f"barrier {height:.4f} eV, max force {residual:.3g} eV/Å"
            monitor.progress(steps, max_steps, f"band{' climbing' if neb.climb else ''}: {told}")
        if residual <= fmax_ev_per_a or steps >= max_steps:
            break
        if monitor.checkpoint_due():
            _save(monitor, neb, optimizer, steps)
        optimizer.step()
        steps += 1
    ends = [neb.images[at].get_forces() for at in (0, -1)]
    return Band(
        positions=np.array([image.positions for image in neb.images]),
        energies_ev=np.array(neb.energies),
        forces=np.array([ends[0], *neb.real_forces[1:-1], ends[1]]),
        residual_ev_per_a=residual,
        steps=steps,
        converged=residual <= fmax_ev_per_a,
        climbed=int(neb.imax) if neb.climb else None,
    )


def _first_guess(initial: Atoms, final: NDArray[np.float64], images: int) -> NEB:
    """A band whose pair distances change evenly, as far as they can."""
    from ase.mep import NEB

    last = initial.copy()
    last.positions = final
    band = [initial.copy() for _ in range(images + 1)] + [last]
    neb = NEB(band, k=SPRING_EV_PER_A2, climb=False, method="improvedtangent")
    neb.interpolate(method="idpp", mic=True)
    return neb


def _top(neb: NEB) -> int | None:
    """The image above both ends, if there is one."""
    top = int(neb.energies[1:-1].argmax()) + 1
    return top if neb.energies[top] > max(neb.energies[0], neb.energies[-1]) + FLAT_EV else None


def _save(monitor: Monitor, neb: NEB, optimizer: FIRE, steps: int) -> None:
    import numpy as np

    moving = optimizer.vel is not None
    monitor.save(
        {
            "band_positions": neb.get_positions(),
            "band_velocities": optimizer.vel if moving else np.zeros(0),
            "band": {
                "climb": neb.climb,
                "steps": steps,
                "optimizer": [optimizer.dt, optimizer.a, optimizer.Nsteps],
            },
        }
    )


def _restore(monitor: Monitor, neb: NEB, optimizer: FIRE) -> int:
    """Steps done by an interrupted attempt, whose state is taken over."""
    state = monitor.restore()
    if state is None or "band" not in state:
        return 0
    neb.set_positions(state["band_positions"])
    velocities = state["band_velocities"]
    optimizer.vel = velocities if len(velocities) else None
    optimizer.dt, optimizer.a, optimizer.Nsteps = state["band"]["optimizer"]
    neb.climb = bool(state["band"]["climb"])
    return int(state["band"]["steps"])
