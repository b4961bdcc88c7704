"""Integrators at constant volume: velocity Verlet, and five thermostats around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from llamp_mcp.simulation.dynamics.chains import STATE, Chain
from llamp_mcp.simulation.dynamics.integrators import Integrator, total_energy

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from ase import Atoms

    from llamp_mcp.simulation.dynamics.start import Floats

    Maker = Callable[[Atoms, float, float, np.random.Generator], Integrator]

Thermostat = Literal["nose_hoover_chain", "langevin", "bussi", "berendsen", "andersen"]


def damping_time_fs(timestep_fs: float) -> float:
    """Time constant of every thermostat here: 100 fs, never below 20 steps."""
    return max(100.0, 20 * timestep_fs)


def make_nve(atoms: Atoms, timestep_fs: float) -> Integrator:
    """Velocity Verlet."""
    from ase import units
    from ase.md.verlet import VelocityVerlet

    dynamics = VelocityVerlet(atoms, timestep_fs * units.fs)
    return Integrator(dynamics.step, conserved=total_energy(atoms))


def make_nvt(
    atoms: Atoms, timestep_fs: float, name: Thermostat, kelvin: float, rng: np.random.Generator
) -> Integrator:
    """A thermostatted integrator.

    Args:
        atoms: With velocities, the centre of mass at rest.
        timestep_fs: Time step, fs.
        name: The thermostat.
        kelvin: First target, K.
        rng: For the stochastic ones.
    """
    makers: dict[Thermostat, Maker] = {
        "nose_hoover_chain": _nose_hoover_chain,
        "langevin": _langevin,
        "bussi": _bussi,
        "berendsen": _berendsen,
        "andersen": _andersen,
    }
    return makers[name](atoms, timestep_fs, kelvin, rng)


def _nose_hoover_chain(
    atoms: Atoms, timestep_fs: float, kelvin: float, _rng: np.random.Generator
) -> Integrator:
    """A chain around velocity Verlet."""
    from ase import units
    from ase.md.verlet import VelocityVerlet

    timestep = timestep_fs * units.fs
    verlet = VelocityVerlet(atoms, timestep)
    damping = damping_time_fs(timestep_fs) * units.fs
    chain = Chain(3 * len(atoms) - 3, units.kB * kelvin, damping)

    def half() -> None:
        momenta = atoms.get_momenta()
        twice_kinetic = float((momenta * momenta / verlet.masses).sum())
        atoms.set_momenta(
            momenta * chain.factor(twice_kinetic, timestep / 2), apply_constraint=False
        )

    def step(forces: Floats) -> Floats:
        half()
        forces = verlet.step(forces)
        half()
        return forces

    total = total_energy(atoms)
    return Integrator(
        step,
        lambda kelvin, _gpa: chain.set_target(units.kB * kelvin),
        lambda: total() + chain.energy(),
        {"chain": (chain, STATE)},
    )


def _langevin(
    atoms: Atoms, timestep_fs: float, kelvin: float, rng: np.random.Generator
) -> Integrator:
    """Friction and noise on each atom (doi 10.1080/00268978200100112)."""
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
    return Integrator(
        dynamics.step, lambda kelvin, _gpa: dynamics.set_temperature(temperature_K=kelvin)
    )


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

    def set_target(kelvin: float, _gpa: float) -> None:
        dynamics.temp = units.kB * kelvin
        dynamics.target_kinetic_energy = 0.5 * dynamics.temp * dynamics.ndof

    total = total_energy(atoms)
    return Integrator(
        dynamics.step,
        set_target,
        lambda: total() - dynamics.transferred_energy,
        {"bussi": (dynamics, ("transferred_energy",))},
    )


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
    return Integrator(
        dynamics.step, lambda kelvin, _gpa: dynamics.set_temperature(temperature_K=kelvin)
    )


def _andersen(
    atoms: Atoms, timestep_fs: float, kelvin: float, rng: np.random.Generator
) -> Integrator:
    """Collisions with a bath (doi 10.1063/1.439486): each component once per damping time."""
    from ase import units
    from ase.md.andersen import Andersen

    dynamics = Andersen(
        atoms,
        timestep_fs * units.fs,
        temperature_K=kelvin,
        andersen_prob=timestep_fs / damping_time_fs(timestep_fs),
        fixcm=True,  # it lends the centre of mass its thermal velocity for the collisions
        rng=rng,
    )
    return Integrator(dynamics.step, lambda kelvin, _gpa: dynamics.set_temperature(kelvin))
