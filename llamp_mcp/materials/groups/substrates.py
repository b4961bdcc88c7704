"""Substrates to grow a film on."""

from llamp_mcp.materials.groups.table import Field, Group, ascending, listing

GROUP = Group(
    name="substrates",
    about="substrates on which the material could grow as a film",
    fields=(
        Field(
            "substrates",
            "smallest coincidence area first, then lowest elastic energy; orient, film_orient: "
            "surfaces of substrate and film",
            columns=(
                ("sub_id", ""),
                ("sub_form", ""),
                ("orient", ""),
                ("film_orient", ""),
                ("area", "Å²"),
                ("energy", "meV"),
            ),
            shown=6,
            raw=("sub_id", "sub_form", "orient", "film_orient", "area", "energy"),
        ),
    ),
    method="geometric matching of surface cells; elastic energy of the strained film",
    caveat="no chemistry; an energy of 0 is given where the film has no elastic tensor",
    has_prop="substrates",
    document=(
        "sub_form",
        "sub_id",
        "film_orient",
        "area",
        "energy",
        "film_id",
        "norients",
        "orient",
    ),
    fold=listing("substrates", ascending("area", "energy")),
    rows="substrates",
)
