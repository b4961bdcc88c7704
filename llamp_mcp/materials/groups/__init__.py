"""The groups of properties, in the order in which they are listed.

To add one: a file with a `GROUP`, and its line here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from llamp_mcp.errors import one_of
from llamp_mcp.materials.groups import (
    dielectric,
    elasticity,
    electronic_structure,
    magnetism,
    oxidation_states,
    summary,
    thermo,
)

if TYPE_CHECKING:
    from llamp_mcp.materials.groups.table import Field, Group

GroupName = Literal[
    "summary",
    "thermo",
    "elasticity",
    "electronic_structure",
    "magnetism",
    "dielectric",
    "oxidation_states",
]

GROUPS: Final[dict[str, Group]] = {
    group.name: group
    for group in (
        summary.GROUP,
        thermo.GROUP,
        elasticity.GROUP,
        electronic_structure.GROUP,
        magnetism.GROUP,
        dielectric.GROUP,
        oxidation_states.GROUP,
    )
}
HOME: Final[dict[str, str]] = {f.name: g.name for g in GROUPS.values() for f in g.fields}
FIELDS: Final[dict[str, Field]] = {f.name: f for g in GROUPS.values() for f in g.fields}
SCALARS: Final[dict[str, Field]] = {
    name: field
    for field in FIELDS.values()
    if field.single
    for name in (field.name, *(f"{field.name}.{part}" for part in field.parts))
}
"""Every name a sort may use; a bare name of an object means its `leaf`."""
NUMBERS: Final[dict[str, Field]] = {
    name: field for name, field in SCALARS.items() if name.rpartition(".")[2] not in field.text
}
"""Those of them whose values are numbers, which a range can be put on."""


def group_named(name: str) -> Group:
    """The group of that name.

    Raises:
        InvalidInput: There is none; the text lists them.
    """
    if name not in GROUPS:
        raise one_of("group", name, GROUPS)
    return GROUPS[name]


def field_named(name: str) -> Field:
    """The field that a name, or a dotted name such as `bulk_modulus.vrh`, belongs to.

    Raises:
        InvalidInput: There is none; the text lists them.
    """
    base, _, part = name.partition(".")
    if base not in FIELDS:
        raise one_of("field", name, FIELDS)
    field = FIELDS[base]
    if part and part not in field.parts:
        raise one_of(
            "field", name, (f"{base}.{p}" for p in field.parts) if field.parts else (base,)
        )
    return field


def scalar_key(name: str, *, numeric: bool = False) -> str:
    """The dotted name that a filter or a sort on `name` means.

    Raises:
        InvalidInput: There is no such field, or it is not one value (one number) per material.
    """
    field = field_named(name)
    allowed, purpose = (NUMBERS, "range") if numeric else (SCALARS, "sort")
    if name not in allowed:
        raise one_of(f"field for a {purpose}", name, allowed)
    return name if "." in name else field.key


def fields_of(group: Group) -> tuple[Field, ...]:
    """All fields a group shows: its own and those it takes from other groups."""
    return (*group.fields, *(FIELDS[name] for name in group.view))


def describe_group(name: str) -> str:
    """What each property of a group means, its unit, the method and the caveats."""
    group = group_named(name)
    lines = [f"{group.name}: {group.about}", f"Method: {group.method}."]
    if group.caveat:
        lines.append(f"Beware: {group.caveat}.")
    for field in fields_of(group):
        parts = f" ({', '.join(field.parts)})" if field.parts else ""
        unit = f" [{field.unit}]" if field.unit else ""
        asked = "; given when named in `fields`" if field.heavy else ""
        lines.append(f"- {field.name}{parts}{unit}: {field.about}{asked}")
    return "\n".join(lines)
