"""The first look at a material: cell, symmetry, and the main number of every other group."""

from llamp_mcp.materials.groups.table import Field, Group

GROUP = Group(
    name="summary",
    about="cell, density and symmetry, with the main values of the other groups",
    fields=(
        Field("formula_pretty", "reduced formula", text=("formula_pretty",)),
        Field("nsites", "atoms in the cell"),
        Field("volume", "volume of the cell"),
        Field("density", "mass density"),
        Field("density_atomic", "volume per atom"),
        Field(
            "symmetry",
            "space group",
            parts=("symbol", "number", "crystal_system"),
            leaf="number",
            text=("symbol", "crystal_system"),
        ),
    ),
    method="DFT-relaxed cell (0 K); semilocal functionals misjudge volumes by a few percent",
    view=(
        "energy_above_hull",
        "is_stable",
        "formation_energy_per_atom",
        "band_gap",
        "bulk_modulus",
        "shear_modulus",
        "ordering",
        "total_magnetization",
    ),
)
