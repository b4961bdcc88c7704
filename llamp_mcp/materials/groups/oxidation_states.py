"""Oxidation states."""

from llamp_mcp.materials.groups.table import METADATA, Field, Group

GROUP = Group(
    name="oxidation_states",
    about="oxidation states",
    fields=(
        Field(
            "average_oxidation_states",
            "mean per element; a fraction means mixed valence",
        ),
        Field("possible_species", "ions"),
        Field("method", "by which they were assigned", local=True),
        Field("possible_valences", "of each site", heavy=True),
    ),
    method="guessed from composition and bond valence, not measured",
    has_prop="oxi_states",
    document=(
        *METADATA,
        "possible_species",
        "possible_valences",
        "average_oxidation_states",
        "method",
    ),
)
