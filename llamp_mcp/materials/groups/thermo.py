"""Energies and stability."""

from llamp_mcp.materials.groups.table import Field, Group

GROUP = Group(
    name="thermo",
    about="energies and stability against decomposition",
    fields=(
        Field("energy_above_hull", "0: on the convex hull, stable at 0 K"),
        Field("formation_energy_per_atom", "from the elements, per atom, not per formula unit"),
        Field("is_stable", "whether it is on the hull"),
        Field(
            "decomposition_enthalpy",
            "to the competing phases; negative: stable by that much",
        ),
        Field("energy_per_atom", "of the calculation, with corrections; compare within one source"),
        Field("thermo_type", "functional mix of the energies", text=("thermo_type",)),
    ),
    method="PBE GGA(+U) with MP corrections unless thermo_type says otherwise; 0 K, no vibrations",
    caveat="hull and corrections change between database versions: compare within one source",
)
