"""How rows of values are told: as text, with their units, caveats, and as facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llamp_mcp.materials import presentation
from llamp_mcp.materials.groups import GROUPS, HOME
from llamp_mcp.quoting import NOTICE, holds_prose

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llamp_mcp.materials.groups.table import Field
    from llamp_mcp.provenance import Fact

Row = dict[str, Any]
"""`requested`, `material_id`, `formula`, `selection`, `groups` {name: {field: value}}, `sources`,
`warnings` and `cut`, as `get_properties` gives them."""


def lines(row: Row, legend: presentation.Legend) -> Iterator[str]:
    """An entry as text: its id before the values of every group."""
    told: dict[str, Any] = {}
    several = len(row["groups"]) > 1
    if not any(row["groups"].values()) and not row["cut"]:
        yield f"{row['material_id']} {row['formula']}"
    for group, values in row["groups"].items():
        texts = []
        for name, value in values.items():
            label = name
            if name in told:
                if told[name] == value:
                    continue
                label = f"{group}.{name}"
            told[name] = told.get(name, value)
            key = row["sources"].get(f"{group}.{name}", row["sources"].get(name))
            field = _field(group, name)
            shown = _shown(row["cut"].get(f"{group}.{name}"))
            texts.append(presentation.value_text(field, label + shown, value, legend.mark(key)))
        unshown = (n for n in row["cut"] if n.startswith(f"{group}.") and _bare(n) not in values)
        texts += [_bare(name) + _shown(row["cut"][name]) for name in unshown]
        if texts:
            where = f" ({group})" if several else ""
            yield f"{row['material_id']} {row['formula']}{where}: {'; '.join(texts)}"
    asked = "" if row["requested"] == row["material_id"] else f"'{row['requested']}': "
    yield f"  {asked}{row['selection']}"
    if row["warnings"]:
        yield f"  Warning: {'; '.join(row['warnings'])}"


def _bare(label: str) -> str:
    return label.partition(".")[2]


def _shown(cut: dict[str, Any] | None) -> str:
    if cut is None:
        return ""
    return f" ({cut['shown']} of {cut['total']} {cut['of']}; all: {cut['resource']})"


def _field(group: str, name: str) -> Field:
    return GROUPS[group].resolve(name)


def _values(rows: Iterable[Row]) -> Iterator[tuple[str, str, Any]]:
    """Group, name and value of everything that is given."""
    for row in rows:
        for group, values in row["groups"].items():
            yield from ((group, name, value) for name, value in values.items())


def units(rows: list[Row]) -> dict[str, str]:
    """Units by field, and by `group.field` where the name alone has another unit."""
    units: dict[str, str] = {}
    for group, name, _ in _values(rows):
        field = _field(group, name)
        told = {name: field.unit or ""} | {f"{name}.{part}": unit for part, unit in field.columns}
        for label, unit in told.items():
            if units.setdefault(label, unit) != unit:
                units[f"{group}.{label}"] = unit
    return {label: unit for label, unit in sorted(units.items()) if unit}


def caveats(rows: list[Row]) -> Iterator[str]:
    """Method and caveat of every group whose values are given; what to make of quotations."""
    given = list(_values(rows))
    names = dict.fromkeys(group for group, _, _ in given)
    homes = dict.fromkeys(HOME[n] for group, n, _ in given if group == "summary" and n in HOME)
    for name in dict.fromkeys((*names, *homes)):
        group = GROUPS[name]
        yield f"{name}: {group.method}" + (f"; {group.caveat}" if group.caveat else "")
    for group_name, name in dict.fromkeys((group, name) for group, name, _ in given):
        if _field(group_name, name) in GROUPS[group_name].fields and _field(group_name, name).heavy:
            yield f"{name}: {_field(group_name, name).about}"
    if holds_prose([row["groups"] for row in rows]):
        yield NOTICE


def facts(rows: Iterable[Row], sources: Mapping[str, str], database: str) -> Iterator[Fact]:
    """Every scalar of the rows as a fact.

    Args:
        rows: Rows of an answer.
        sources: What the keys of sources mean.
        database: The source of a value that names none.
    """
    for row in rows:
        told: dict[str, Any] = {}
        fields: dict[str, Field] = {}
        for group, name, value in _values([row]):
            label = name if told.get(name, value) == value else f"{group}.{name}"
            told[label], fields[label] = value, _field(group, name)
        yield from presentation.facts(row, told, sources, database, fields)
