"""Magnetic order and moments."""

from llamp_mcp.materials.groups.table import Field, Group

GROUP = Group(
    name="magnetism",
    about="magnetic ordering and moments",
    fields=(
        Field("ordering", "FM, AFM, FiM or NM", text=("ordering",)),
        Field("total_magnetization", "of the cell"),
        Field("total_magnetization_normalized_formula_units", "per formula unit"),
        Field("total_magnetization_normalized_vol", "per volume"),
        Field("is_magnetic", "whether any site carries a moment"),
        Field("num_magnetic_sites", "magnetic sites in the cell", own_unit="sites"),
        Field("num_unique_magnetic_sites", "inequivalent magnetic sites", own_unit="sites"),
        Field("types_of_magnetic_species", "elements that carry moments", single=False),
        Field("exchange_symmetry", "space group number of the magnetic cell"),
        Field("magmoms", "moment of each site", single=False, heavy=True),
    ),
    method="collinear PBE GGA(+U), 0 K",
    caveat="the lowest order that was tried; most entries were only tried ferromagnetic",
)
