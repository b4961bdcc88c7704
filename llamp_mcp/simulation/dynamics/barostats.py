"""Integrators at constant pressure: Martyna-Tobias-Klein, isotropic and with all of the cell.

ASE 3.29's `IsotropicMTKNPT` and `MTKNPT` (doi 10.1063/1.467468) do the integration, with two
corrections of what they count (measured with an ideal gas of 12 atoms at 300 K):

* The centre of mass is at rest, so 3N - 3 degrees of freedom move, not 3N: left alone they hold
  331 K and, with it, 1.10 of the volume.
* The momentum of a full cell stays symmetric, since the stress is: 6 degrees of freedom, not 9.
  Left alone the cell has 4.2 kT of kinetic energy where equipartition gives 3.

Forces and stress are computed once a step; ASE asks the calculator four times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from llamp_mcp.simulation.dynamics.chains import STATE
from llamp_mcp.simulation.dynamics.integrators import Integrator
from llamp_mcp.simulation.dynamics.thermostats import damping_time_fs

if TYPE_CHECKING:
    from ase import Atoms

    from llamp_mcp.simulation.dynamics.start import Floats

Barostat = Literal["npt_isotropic", "npt_full"]


def barostat_time_fs(timestep_fs: float) -> float:
    """Time constant of the barostat: ten times that of the thermostat.

    It sets the mass of the cell. A crystal's cell, which is stiff, swings some five times faster.
    """
    return 10 * damping_time_fs(timestep_fs)


def make_npt(
    atoms: Atoms, timestep_fs: float, name: Barostat, kelvin: float, gpa: float
) -> Integrator:
    """An integrator at constant temperature and pressure, both by Nosé-Hoover chains.

    Args:
        atoms: With velocities, the centre of mass at rest; periodic.
        timestep_fs: Time step, fs.
        name: Whether the cell keeps its shape.
        kelvin: First target temperature, K.
        gpa: First target pressure, GPa.
    """
    from ase import units

    from llamp_mcp.simulation.dynamics.mtk import DYNAMICS, AtomChain, CellChain

    atoms.set_constraint()  # ASE's NPT takes none; `mtk` keeps the centre of mass at rest
    make_dynamics, degrees = DYNAMICS[name]
    kt, tdamp = units.kB * kelvin, damping_time_fs(timestep_fs) * units.fs
    pdamp = barostat_time_fs(timestep_fs) * units.fs
    dynamics = make_dynamics(
        atoms,
        timestep_fs * units.fs,
        temperature_K=kelvin,
        pressure_au=gpa * units.GPa,
        tdamp=tdamp,
        pdamp=pdamp,
    )
    thermostat = AtomChain(dynamics.masses, kt, tdamp)
    barostat = CellChain(len(atoms), degrees, kt, pdamp)
    dynamics.correct(thermostat, barostat)

    def step(forces: Floats) -> Floats:
        dynamics.step()
        return forces

    def set_target(kelvin: float, gpa: float) -> None:
        for chain in (thermostat, barostat):
            chain.set_target(units.kB * kelvin)
        dynamics._pressure_au = gpa * units.GPa

    cell = ("_eps", "_p_eps") if name == "npt_isotropic" else ("_h", "_p_g")
    return Integrator(
        step,
        set_target,
        dynamics.get_conserved_energy,
        {
            "mtk": (dynamics, ("_q", "_p", *cell)),
            "thermostat": (thermostat, STATE),
            "barostat": (barostat, STATE),
        },
    )
