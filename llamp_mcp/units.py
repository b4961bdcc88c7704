"""Units of Materials Project fields, and the few conversions this package needs.

Field names are emmet-core's, and so are the units: the descriptions of its models give them. A
name that means different things in different documents has its unit in the group instead.
"""

from __future__ import annotations

from typing import Final

EV_PER_A3_IN_GPA: Final = 160.2176634
"""1 eV/Å³ in GPa: exact, by the elementary charge of the 2019 SI (doi 10.1088/1681-7575/aa950a)."""
EV_PER_A2_IN_J_PER_M2: Final = EV_PER_A3_IN_GPA / 10
"""1 eV/Å² in J/m²."""

FIELD_UNITS: Final[dict[str, str]] = {
    "nsites": "atoms per cell",
    "nelements": "elements",
    "volume": "Å³ per cell",
    "density": "g/cm³",
    "density_atomic": "Å³/atom",
    "uncorrected_energy_per_atom": "eV/atom",
    "energy_per_atom": "eV/atom",
    "energy_uncertainy_per_atom": "eV/atom",
    "formation_energy_per_atom": "eV/atom",
    "energy_above_hull": "eV/atom",
    "equilibrium_reaction_energy_per_atom": "eV/atom",
    "decomposition_enthalpy": "eV/atom",
    "band_gap": "eV",
    "cbm": "eV",
    "vbm": "eV",
    "efermi": "eV",
    "dos_energy_up": "eV",
    "dos_energy_down": "eV",
    "bulk_modulus": "GPa",
    "shear_modulus": "GPa",
    "elastic_tensor": "GPa",
    "compliance_tensor": "1/TPa",
    "young_modulus": "Pa",
    "debye_temperature": "K",
    "universal_anisotropy": "dimensionless",
    "homogeneous_poisson": "dimensionless",
    "thermal_conductivity": "W/(m·K)",
    "magmoms": "μB per site",
    "num_magnetic_sites": "sites",
    "num_unique_magnetic_sites": "sites",
    "total_magnetization": "μB per cell",
    "total_magnetization_normalized_vol": "μB/Å³",
    "total_magnetization_normalized_formula_units": "μB per formula unit",
    "e_total": "relative permittivity",
    "e_ionic": "relative permittivity",
    "e_electronic": "relative permittivity",
    "n": "dimensionless",
    "e_ij_max": "C/m²",
    "weighted_surface_energy": "J/m²",
    "weighted_surface_energy_EV_PER_ANG2": "eV/Å²",
    "weighted_work_function": "eV",
    "surface_anisotropy": "dimensionless",
    "shape_factor": "dimensionless",
}


def unit_of(field: str) -> str | None:
    """Unit of a field, or of the field a dotted path (`bulk_modulus.vrh`) starts with."""
    return FIELD_UNITS.get(field, FIELD_UNITS.get(field.partition(".")[0]))
