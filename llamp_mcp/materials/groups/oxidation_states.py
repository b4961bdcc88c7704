"""Oxidation states."""

from llamp_mcp.materials.groups.table import Field, Group

GROUP = Group(
    name="oxidation_states",
    about="oxidation states",
    fields=(
        Field(
            "average_oxidation_states",
            "mean per element; a fraction means mixed valence",
            single=False,
        ),
    ),
    method="guessed from composition and bond valence, not measured",
)
