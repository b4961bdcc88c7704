"""Thermal expansion in the quasi-harmonic approximation: harmonic phonons at several volumes.

Method: doi 10.1103/PhysRevB.81.174301. The free energy F(V, T) = E(V) + F_phonon(V, T) is fitted
by Vinet's equation of state at each temperature; its minimum is the volume there.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llamp_mcp.errors import SimulationError
from llamp_mcp.simulation.atoms import to_atoms
from llamp_mcp.simulation.lattice.parts import TIGHT, PartOf
from llamp_mcp.simulation.lattice.standard import standard_cell
from llamp_mcp.simulation.lattice.vibrations import (
    IMAGINARY_THZ,
    MESH_LENGTH_A,
    Vibrations,
    vibrations,
)
from llamp_mcp.units import EV_PER_A3_IN_GPA

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from phonopy.qha.qha import QHAResult
    from pymatgen.core.structure import Structure

    from llamp_mcp.simulation.force_field import ForceField, Found
    from llamp_mcp.simulation.workers.monitor import Monitor

    Floats = np.ndarray[Any, np.dtype[np.float64]]

MIN_VOLUMES: Final = 5
_DISPLACEMENT_A: Final = 0.01
_LEAST_TEMPERATURES: Final = 4
_STEPS: Final = 100
"""Temperatures between zero and the highest asked for; derivatives are differences of these."""


class Volume(NamedTuple):
    """The crystal at one volume.

    Attributes:
        strain: Linear strain of the relaxed cell.
        found: Relaxed, its pressure that which holds it there.
        lattice: Its vibrations.
        lowest_thz: Lowest frequency, imaginary ones negative.
    """

    strain: float
    found: Found
    lattice: Vibrations
    lowest_thz: float


class Expansion(NamedTuple):
    """Against temperature, per primitive cell; each array is as long as `temperatures_k`.

    Attributes:
        volume_a3: Å³.
        expansion_per_k: (1/V) dV/dT, 1/K.
        bulk_modulus_gpa: Isothermal, GPa.
        gibbs_ev: eV.
        capacity_ev_per_k: At constant pressure, eV/K.
        gruneisen: Thermodynamic Grüneisen parameter.
        lengths_a: Of the conventional cell, by 3, Å; None where angles may change.
        axial_per_k: Linear expansion of each, by 3, 1/K; None likewise.
    """

    temperatures_k: Floats
    volume_a3: Floats
    expansion_per_k: Floats
    bulk_modulus_gpa: Floats
    gibbs_ev: Floats
    capacity_ev_per_k: Floats
    gruneisen: Floats
    lengths_a: Floats | None
    axial_per_k: Floats | None

    def at(self, name: str, temperature_k: float) -> Any:
        """One of the arrays at a temperature, by a cubic spline through its points."""
        from scipy.interpolate import CubicSpline

        return CubicSpline(self.temperatures_k, getattr(self, name))(temperature_k)


def at_volumes(
    relaxed: Structure,
    strains: Sequence[float],
    repeats: list[int],
    force_field: ForceField,
    monitor: Monitor,
) -> list[Volume]:
    """Vibrations of the crystal at several volumes, its shape and atoms relaxed at each.

    Args:
        relaxed: Standard primitive cell at no pressure.
        strains: Linear, of the cell's edges.
        repeats: Conventional cells of the supercell.
        force_field: What forces come from.
        monitor: Keeps each relaxation and each displacement.
    """
    volumes = []
    for number, strain in enumerate(strains):
        part = PartOf(monitor, number, len(strains))
        name = f"volume {number + 1} of {len(strains)}"
        found = _held(relaxed, strain, force_field, part, name)
        cell = standard_cell(to_atoms(found.structure))
        lattice = vibrations(cell, repeats, _DISPLACEMENT_A, force_field, part, f"{name}, ")
        volumes.append(Volume(strain, found, lattice, lattice.softest().frequency_thz))
    return volumes


def _held(
    relaxed: Structure, strain: float, force_field: ForceField, monitor: Monitor, name: str
) -> Found:
    """The crystal near a volume: scaled, atoms relaxed, then shape too under its own pressure.

    Under that pressure a cubic cell stays as it is; another relaxes its shape, and its volume
    changes by little.
    """
    scaled = relaxed.copy()
    scaled.scale_lattice(relaxed.volume * (1 + strain) ** 3)
    found = force_field.find(f"{name}, atoms", scaled, monitor, replace(TIGHT, cell="fixed"))
    hydrostatic = [-found.pressure_gpa] * 3 + [0.0] * 3
    shear = max(abs(s - h) for s, h in zip(found.stress_gpa, hydrostatic, strict=True))
    if shear <= TIGHT.stress_gpa:
        return found
    under = replace(TIGHT, pressure_gpa=found.pressure_gpa)
    return force_field.find(f"{name}, shape", found.structure, monitor, under)


def stable(volumes: Sequence[Volume]) -> list[Volume]:
    """Those without imaginary modes, whose free energy is defined.

    Raises:
        SimulationError: Too few are left.
    """
    kept = [one for one in volumes if one.lowest_thz >= -IMAGINARY_THZ]
    if len(kept) < MIN_VOLUMES:
        told = ", ".join(f"{one.strain:+.3g}: {one.lowest_thz:.3g}" for one in volumes)
        raise SimulationError(
            f"Only {len(kept)} of {len(volumes)} volumes have no imaginary modes (lowest frequency "
            f"in THz by linear strain: {told})",
            allowed=f"at least {MIN_VOLUMES}",
            next_step="The crystal is no minimum of this force field, or comes apart when "
            "stretched: take a smaller strain or look with compute_phonons.",
        )
    return kept


def expansion(volumes: Sequence[Volume], highest_k: float) -> Expansion:
    """Fit the free energies and follow their minimum from zero to the highest temperature.

    Temperatures whose volume lies outside of those computed are left out.

    Raises:
        SimulationError: Even the zero-point vibrations lead out of these volumes.
    """
    import numpy as np
    from phonopy import run_qha

    temperatures = np.arange(_STEPS + 3) * highest_k / _STEPS
    with warnings.catch_warnings():
        # Of fits that fail and axes that are extrapolated, where the volume is beyond what was
        # computed: both are cut off below.
        warnings.simplefilter("ignore", UserWarning)
        found = run_qha(
            [one.lattice.phonopy for one in volumes],
            temperatures=temperatures,
            internal_energies=[one.found.energy_ev for one in volumes],
            mesh=MESH_LENGTH_A,
            eos="vinet",
            exclude_gamma_acoustic=True,
        )
    computed = [one.found.structure.volume for one in volumes]
    inside = (found.equilibrium_volumes >= min(computed)) & (
        found.equilibrium_volumes <= max(computed)
    )
    inside &= np.isclose(found.temperatures, temperatures[: len(inside)])
    end = len(inside) if inside.all() else int(np.argmin(inside))
    if end < _LEAST_TEMPERATURES:
        raise SimulationError(
            "The zero-point vibrations alone expand the crystal beyond the volumes computed",
            next_step="Take a larger strain.",
        )
    return _until(found, end)


def _until(found: QHAResult, end: int) -> Expansion:
    """The first so many temperatures."""
    lattice = found.lattice
    return Expansion(
        found.temperatures[:end],
        found.equilibrium_volumes[:end],
        found.thermal_expansion[:end],
        found.bulk_moduli[:end] * EV_PER_A3_IN_GPA,
        found.gibbs_free_energies[:end],
        found.heat_capacity_P.heat_capacities[:end],
        found.gruneisen_parameters[:end],
        None if lattice is None else lattice.lattice_parameters[:end],
        None if lattice is None else lattice.axial_thermal_expansions[:end],
    )
