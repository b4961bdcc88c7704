"""Grain boundaries."""

from llamp_mcp.materials.groups.table import Field, Group, ascending, listing

GROUP = Group(
    name="grain_boundary",
    about="energies of grain boundaries",
    fields=(
        Field(
            "grain_boundaries",
            "lowest energy first; w_sep: work of separation",
            columns=(
                ("sigma", ""),
                ("type", ""),
                ("rotation_axis", ""),
                ("gb_plane", ""),
                ("rotation_angle", "°"),
                ("gb_energy", "J/m²"),
                ("w_sep", "J/m²"),
            ),
            shown=8,
            raw=(
                "sigma",
                "type",
                "rotation_axis",
                "gb_plane",
                "rotation_angle",
                "gb_energy",
                "w_sep",
            ),
        ),
    ),
    method="PBE coincidence-site-lattice cells, 0 K",
    caveat="elements only",
    endpoint="grain_boundaries",
    has_prop="grain_boundaries",
    document=(
        "material_id",
        "sigma",
        "type",
        "rotation_axis",
        "gb_plane",
        "rotation_angle",
        "gb_energy",
        "initial_structure",
        "final_structure",
        "pretty_formula",
        "w_sep",
        "structure",
        "chemsys",
        "last_updated",
    ),
    fold=listing("grain_boundaries", ascending("gb_energy")),
    rows="grain_boundaries",
)
