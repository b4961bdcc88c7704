"""Which field of the embedded sample stands in which of its groups."""

from __future__ import annotations

from typing import Final

_GROUPS: Final = {
    "summary": ("formula_pretty", "nsites", "volume", "density", "density_atomic", "symmetry"),
    "thermo": (
        "energy_above_hull",
        "formation_energy_per_atom",
        "is_stable",
        "decomposition_enthalpy",
        "energy_per_atom",
        "thermo_type",
    ),
    "elasticity": (
        "bulk_modulus",
        "shear_modulus",
        "universal_anisotropy",
        "homogeneous_poisson",
        "thermal_conductivity",
        "elastic_tensor",
    ),
    "electronic_structure": ("band_gap",),
    "magnetism": (
        "ordering",
        "total_magnetization",
        "total_magnetization_normalized_formula_units",
        "total_magnetization_normalized_vol",
        "is_magnetic",
        "num_magnetic_sites",
        "num_unique_magnetic_sites",
        "types_of_magnetic_species",
        "exchange_symmetry",
        "magmoms",
    ),
    "dielectric": ("e_total", "e_electronic", "total", "electronic"),
    "oxidation_states": ("average_oxidation_states",),
}

HOME: Final[dict[str, str]] = {name: group for group, names in _GROUPS.items() for name in names}
"""The group of a field; other fields of the sources are left out of the sample."""
