"""The groups of properties, in the order in which they are listed.

To add one: a file with a `GROUP`, and its line here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from llamp_mcp.errors import InvalidInput, one_of
from llamp_mcp.materials.groups import (
    absorption,
    alloys,
    bonds,
    chemenv,
    dielectric,
    elasticity,
    electrodes,
    electronic_structure,
    eos,
    grain_boundary,
    magnetism,
    oxidation_states,
    phonon,
    piezoelectric,
    provenance,
    robocrys,
    similarity,
    substrates,
    summary,
    surface,
    tasks,
    thermo,
    xas,
)

if TYPE_CHECKING:
    from llamp_mcp.materials.groups.table import Field, Group

GroupName = Literal[
    "summary",
    "thermo",
    "elasticity",
    "magnetism",
    "dielectric",
    "piezoelectric",
    "electronic_structure",
    "phonon",
    "absorption",
    "xas",
    "surface",
    "grain_boundary",
    "eos",
    "bonds",
    "oxidation_states",
    "chemenv",
    "robocrys",
    "similarity",
    "substrates",
    "electrodes",
    "alloys",
    "provenance",
    "tasks",
]

GROUPS: Final[dict[str, Group]] = {
    module.GROUP.name: module.GROUP
    for module in (
        summary,
        thermo,
        elasticity,
        magnetism,
        dielectric,
        piezoelectric,
        electronic_structure,
        phonon,
        absorption,
        xas,
        surface,
        grain_boundary,
        eos,
        bonds,
        oxidation_states,
        chemenv,
        robocrys,
        similarity,
        substrates,
        electrodes,
        alloys,
        provenance,
        tasks,
    )
}


def _homes() -> dict[str, str]:
    """Where a value is read when only its name is given: its own group before the summary.

    A name that several groups use is nowhere at home: it means something else in each.
    """
    users: dict[str, list[str]] = {}
    for group in GROUPS.values():
        for field in group.fields:
            if not field.local and group is not summary.GROUP:
                users.setdefault(field.name, []).append(group.name)
    homes = {name: groups[0] for name, groups in users.items() if len(groups) == 1}
    return {**{field.name: "summary" for field in summary.GROUP.fields}, **homes}


HOME: Final[dict[str, str]] = _homes()
SUMMARY: Final[dict[str, Field]] = {field.name: field for field in summary.GROUP.fields}
"""The fields of the summary, which search filters by, sorts by and shows."""
FIELDS: Final[dict[str, Field]] = {
    f.name: f for g, names in GROUPS.items() for f in names.fields if HOME.get(f.name) == g
} | SUMMARY
"""Every field that is understood by its name alone; the summary's where it has one."""


def group_named(name: str) -> Group:
    """The group of that name.

    Raises:
        InvalidInput: There is none; the text lists them.
    """
    if name not in GROUPS:
        raise one_of("group", name, GROUPS)
    return GROUPS[name]


def field_named(name: str, group: str = "") -> Field:
    """The field that a name, or a dotted name such as `bulk_modulus.vrh`, belongs to.

    Args:
        name: Name of the field.
        group: The group that is meant; empty: the summary before its own group.

    Raises:
        InvalidInput: There is none; the text lists them.
    """
    base, _, part = name.partition(".")
    if group:
        return group_named(group).resolve(name)
    if base not in FIELDS:
        raise _unknown(name, base)
    field = FIELDS[base]
    if part and part not in field.parts:
        raise one_of(
            "field", name, (f"{base}.{p}" for p in field.parts) if field.parts else (base,)
        )
    return field


def home_of(name: str) -> str:
    """The group that a field is read from when only its name is given.

    Raises:
        InvalidInput: No group has it, or several do.
    """
    base = name.partition(".")[0]
    if base in HOME:
        return HOME[base]
    users = _users(base)
    if "summary" in users:
        return "summary"
    if len(users) != 1 or any(f.name == base and f.local for f in GROUPS[users[0]].fields):
        raise _unknown(name, base)
    return users[0]


def _users(base: str) -> list[str]:
    """The groups with a field of that name, listed or only in their documents."""
    return [group.name for group in GROUPS.values() if group.field(base) is not None]


def _unknown(name: str, base: str) -> InvalidInput:
    """The error for a name that cannot be understood alone."""
    error = one_of("field", name, FIELDS)
    users = _users(base)
    if not users:
        return error
    return InvalidInput(
        f"{name!r} alone does not say which value is meant",
        allowed=f"the name together with groups=[...] of {', '.join(users)}",
        next_step=error.next_step,
    )


def describe_group(name: str) -> str:
    """What each property of a group means, its unit, the method and the caveats."""
    group = group_named(name)
    lines = [f"{group.name}: {group.about}", f"Method: {group.method}."]
    if group.caveat:
        lines.append(f"Beware: {group.caveat}.")
    lines += [_described(field) for field in group.fields]
    listed = {field.name for field in group.fields}
    others = [other for other in group.document if other not in listed]
    if others:
        lines.append(f"Also in its documents, given when named in `fields`: {', '.join(others)}")
    return "\n".join(lines)


def _described(field: Field) -> str:
    parts = f" ({', '.join(field.parts)})" if field.parts else ""
    if field.columns and not field.parts:
        columns = (f"{key} [{unit}]" if unit else key for key, unit in field.columns)
        parts = f" ({', '.join(columns)})"
    unit = f" [{field.unit}]" if field.unit else ""
    asked = "; given when named in `fields`" if field.on_request else ""
    cut = f"; the first {field.shown}, all when named in `fields`" if field.shown else ""
    return f"- {field.name}{parts}{unit}: {field.about}{asked}{cut}"
