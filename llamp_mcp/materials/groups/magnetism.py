"""Magnetic order and moments."""

from llamp_mcp.materials.groups.table import METADATA, Field, Group

GROUP = Group(
    name="magnetism",
    about="magnetic ordering and moments",
    fields=(
        Field("ordering", "FM, AFM, FiM or NM"),
        Field("total_magnetization", "of the cell"),
        Field("total_magnetization_normalized_formula_units", "per formula unit"),
        Field("total_magnetization_normalized_vol", "per volume"),
        Field("is_magnetic", "whether any site carries a moment"),
        Field("num_magnetic_sites", "magnetic sites in the cell"),
        Field("num_unique_magnetic_sites", "inequivalent magnetic sites"),
        Field("types_of_magnetic_species", "elements that carry moments"),
        Field("exchange_symmetry", "space group number of the magnetic cell"),
        Field("magmoms", "moment of each site", heavy=True),
    ),
    method="collinear PBE GGA(+U), 0 K",
    caveat="the lowest order that was tried; most entries were only tried ferromagnetic",
    has_prop="magnetism",
    document=(
        *METADATA,
        "ordering",
        "is_magnetic",
        "exchange_symmetry",
        "num_magnetic_sites",
        "num_unique_magnetic_sites",
        "types_of_magnetic_species",
        "magmoms",
        "total_magnetization",
        "total_magnetization_normalized_vol",
        "total_magnetization_normalized_formula_units",
    ),
)
