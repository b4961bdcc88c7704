"""Molecular dynamics: integrators with a movable target temperature, schedule, and guard.

The centre of mass is held still, so a cell of N atoms has 3N - 3 degrees of freedom; temperatures
and thermostats count them so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from llamp_mcp.errors import SimulationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from ase import Atoms

    Floats = np.ndarray[Any, np.dtype[np.float64]]

Thermostat = Literal["nose_hoover_chain", "langevin", "bussi", "berendsen"]

MAX_MOVE_A: Final = 1.0
"""An atom that goes further in one step is no dynamics: hydrogen at 300 K makes 0.05 Å in 2 fs."""
MIN_CONTACT_A: Final = 0.5
"""Closer than any two nuclei: H-H, the shortest bond, is 0.74 Å."""


def default_timestep_fs(atoms: Atoms) -> float:
    """0.5 fs with hydrogen, 1 fs with an atom lighter than carbon (12 u), else 2 fs."""
    lightest = float(atoms.get_masses().min())
    if lightest < 3:
        return 0.5
    return 1.0 if lightest < 12 else 2.0


def schedule(temperature_k: Sequence[float], steps: int) -> Floats:
    """Target temperature in K at steps 0 … `steps`, the given ones spread evenly."""
    import numpy as np

    given = np.linspace(0, steps, len(temperature_k))
    targets: Floats = np.interp(np.arange(steps + 1), given, temperature_k)
    return targets


def start_velocities(atoms: Atoms, kelvin: float, rng: np.random.Generator) -> None:
    """Maxwell-Boltzmann velocities, centre of mass at rest, scaled to exactly this temperature."""
    from ase.constraints import FixCom
    from ase.md.velocitydistribution import force_temperature, thermalize_momenta

    atoms.set_constraint(FixCom())
    thermalize_momenta(atoms, kelvin, rng=rng)
    force_temperature(atoms, kelvin)


@dataclass(frozen=True, slots=True)
class Integrator:
    """One step from forces to forces, how to move its target, and what it conserves if it does."""

    step: Callable[[Floats], Floats]
    set_target: Callable[[float], None]
    conserved: Callable[[], float] | None = None

    def run(self, atoms: Atoms, targets: Floats) -> Iterator[int]:
        """Yield the step number, from 0, each with positions and forces up to date.

        ASE's own loop asks for the forces thrice a step; each time the calculator compares all
        atoms with those it knows, which is dearer than the whole integration.
        """
        forces = atoms.get_forces(md=True)
        yield 0
        moving = bool((targets != targets[0]).any())
        for number, target in enumerate(targets[1:].tolist(), start=1):
            if moving:
                self.set_target(target)
            forces = self.step(forces)
            yield number


def damping_time_fs(timestep_fs: float) -> float:
    """Time constant of every thermostat here: 100 fs, never below 20 steps."""
    return max(100.0, 20 * timestep_fs)


def make_nve(atoms: Atoms, timestep_fs: float) -> Integrator:
    """Velocity Verlet."""
    from ase import units
    from ase.md.verlet import VelocityVerlet

    dynamics = VelocityVerlet(atoms, timestep_fs * units.fs)
    return Integrator(dynamics.step, lambda _kelvin: None, _total_energy(atoms))


def make_nvt(
    atoms: Atoms, timestep_fs: float, name: Thermostat, kelvin: float, rng: np.random.Generator
) -> Integrator:
    """A thermostatted integrator."""
    makers = {
        "nose_hoover_chain": _nose_hoover_chain,
        "langevin": _langevin,
        "bussi": _bussi,
        "berendsen": _berendsen,
    }
    return makers[name](atoms, timestep_fs, kelvin, rng)


def _total_energy(atoms: Atoms) -> Callable[[], float]:
    return lambda: float(atoms.calc.results["energy"]) + float(atoms.get_kinetic_energy())


def _nose_hoover_chain(
    atoms: Atoms, timestep_fs: float, kelvin: float, _rng: np.random.Generator
) -> Integrator:
    """A chain (doi 10.1063/1.463940) of ASE's around velocity Verlet.

    ASE 3.29's `NoseHooverChainNVT` is the same, but counts 3N degrees of freedom: with the centre
    of mass at rest it holds N / (N - 1) of the temperature asked for, 6 % too much for 17 atoms.
    Nor has it a `set_temperature`.
    """
    from ase import units
    from ase.md.nose_hoover_chain import NoseHooverChainThermostat
    from ase.md.verlet import VelocityVerlet

    timestep, damping = timestep_fs * units.fs, damping_time_fs(timestep_fs) * units.fs
    moving = len(atoms) - 1
    verlet = VelocityVerlet(atoms, timestep)
    thermostat = NoseHooverChainThermostat(
        num_atoms_global=moving, masses=verlet.masses, temperature_K=kelvin, tdamp=damping
    )

    def step(forces: Floats) -> Floats:
        atoms.set_momenta(thermostat.integrate_nhc(atoms.get_momenta(), timestep / 2))
        forces = verlet.step(forces)
        atoms.set_momenta(thermostat.integrate_nhc(atoms.get_momenta(), timestep / 2))
        return forces

    def set_target(kelvin: float) -> None:
        kt = units.kB * kelvin
        thermostat._kT = kt
        thermostat._Q[0] = 3 * moving * kt * damping**2
        thermostat._Q[1:] = kt * damping**2

    total = _total_energy(atoms)
    return Integrator(step, set_target, lambda: total() + thermostat.get_thermostat_energy())


def _langevin(
    atoms: Atoms, timestep_fs: float, kelvin: float, rng: np.random.Generator
) -> Integrator:
    from ase import units
    from ase.md.langevin import Langevin

    dynamics = Langevin(
        atoms,
        timestep_fs * units.fs,
        temperature_K=kelvin,
        friction=1 / (damping_time_fs(timestep_fs) * units.fs),
        fixcm=False,  # FixCom does it; ASE's own way does not sample the right distribution
        rng=rng,
    )
    return Integrator(dynamics.step, lambda kelvin: dynamics.set_temperature(temperature_K=kelvin))


def _bussi(atoms: Atoms, timestep_fs: float, kelvin: float, rng: np.random.Generator) -> Integrator:
    """Stochastic velocity rescaling (doi 10.1063/1.2408420)."""
    from ase import units
    from ase.md.bussi import Bussi

    dynamics = Bussi(
        atoms,
        timestep_fs * units.fs,
        temperature_K=kelvin,
        taut=damping_time_fs(timestep_fs) * units.fs,
        rng=rng,
    )

    def set_target(kelvin: float) -> None:
        dynamics.temp = units.kB * kelvin
        dynamics.target_kinetic_energy = 0.5 * dynamics.temp * dynamics.ndof

    total = _total_energy(atoms)
    return Integrator(dynamics.step, set_target, lambda: total() - dynamics.transferred_energy)


def _berendsen(
    atoms: Atoms, timestep_fs: float, kelvin: float, _rng: np.random.Generator
) -> Integrator:
    """Weak coupling (doi 10.1063/1.448118)."""
    from ase import units
    from ase.md.nvtberendsen import NVTBerendsen

    dynamics = NVTBerendsen(
        atoms,
        timestep_fs * units.fs,
        temperature_K=kelvin,
        taut=damping_time_fs(timestep_fs) * units.fs,
        fixcm=False,  # FixCom does it
    )
    return Integrator(dynamics.step, lambda kelvin: dynamics.set_temperature(temperature_K=kelvin))


def check_contacts(atoms: Atoms) -> None:
    """Refuse to start from atoms on top of each other.

    Raises:
        SimulationError: Two atoms are closer than any nuclei come.
    """
    from ase.neighborlist import neighbor_list

    first, second, distances = neighbor_list("ijd", atoms, MIN_CONTACT_A)
    if len(distances):
        nearest = int(distances.argmin())
        raise SimulationError(
            f"Atoms {first[nearest]} and {second[nearest]} are {distances[nearest]:.3g} Å apart "
            "at the start",
            allowed=f"at least {MIN_CONTACT_A} Å",
            next_step="Correct the structure, or relax it first.",
        )


class Guard:
    """Stops a run that explodes.

    Args:
        atoms: The running atoms.
        highest_k: Highest target temperature of the run, K.
        timestep_fs: Time step, fs.
    """

    def __init__(self, atoms: Atoms, highest_k: float, timestep_fs: float) -> None:
        from ase import units

        self._masses = atoms.get_masses()[:, None]
        self._limit_k = max(10 * highest_k, 10_000.0)
        self._timestep_fs = timestep_fs
        self._max_speed = MAX_MOVE_A / (timestep_fs * units.fs)
        self._to_kelvin = 1 / (units.kB * (3 * len(atoms) - 3))

    def check(self, step: int, atoms: Atoms) -> tuple[float, float]:
        """Temperature in K and potential energy in eV of this step.

        Raises:
            SimulationError: They, or a velocity, are beyond all sense.
        """
        import numpy as np

        momenta: np.ndarray[Any, Any] = atoms.arrays["momenta"]
        velocities = momenta / self._masses
        kelvin = float(np.vdot(momenta, velocities)) * self._to_kelvin
        energy = float(atoms.calc.results["energy"])
        if not (np.isfinite(energy) and np.isfinite(kelvin)):
            raise self._error(step, f"energy {energy} eV, temperature {kelvin} K")
        if kelvin > self._limit_k:
            raise self._error(step, f"temperature {kelvin:.0f} K, above {self._limit_k:.0f} K")
        fastest = float(np.sqrt(np.einsum("ij,ij->i", velocities, velocities).max()))
        if fastest > self._max_speed:
            move = fastest / self._max_speed * MAX_MOVE_A
            raise self._error(step, f"an atom moved {move:.2g} Å in one step")
        return kelvin, energy

    def _error(self, step: int, what: str) -> SimulationError:
        return SimulationError(
            f"The dynamics exploded at step {step} with {self._timestep_fs:g} fs: {what}",
            next_step=f"Relax the structure first, or use timestep_fs {self._timestep_fs / 4:g} or "
            "a lower temperature.",
        )
