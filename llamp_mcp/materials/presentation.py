"""Values as text: `name = value unit [source]`, in as few bytes as a reader needs."""

from __future__ import annotations

from string import ascii_lowercase
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.materials.groups import FIELDS
from llamp_mcp.provenance import Fact
from llamp_mcp.quoting import as_data

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llamp_mcp.materials.groups.table import Field

VOIGT = "Voigt order xx, yy, zz, yz, xz, xy"
_PLAIN: Final = frozenset({"", "dimensionless"})


def number(value: float | str) -> str:
    """Six significant digits, and three decimals from 1000 on; plain words for the rest."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, float):
        return str(value)
    return f"{round(value, 3):.12g}" if abs(value) >= 1000 else f"{value:.6g}"


class Legend:
    """Letters for the sources of values, given out in the order in which they are met."""

    def __init__(self, citations: Mapping[str, str]) -> None:
        self._citations, self._letters = citations, dict[str, str]()

    def mark(self, source: str | None) -> str:
        """` [a]` for a source, nothing for a value that names none."""
        if source is None:
            return ""
        count = len(self._letters)
        letter = self._letters.setdefault(
            source, ascii_lowercase[count] if count < 26 else str(count)
        )
        return f" [{letter}]"

    def line(self) -> str:
        """What the letters mean."""
        texts = (
            f"[{letter}] {self._citations.get(key, key)}" for key, letter in self._letters.items()
        )
        return "Sources: " + "; ".join(texts) if self._letters else ""


def citation_texts(
    citations: Mapping[str, Mapping[str, str]], used: Iterable[str]
) -> dict[str, str]:
    """The sources that an answer uses, each in one line."""
    texts = {}
    for key in dict.fromkeys(used):
        source = citations.get(key, {"name": key, "database_version": ""})
        version = source["database_version"]
        texts[key] = source["name"] + (f" ({version})" if version else "")
    return texts


def value_text(field: Field, label: str, value: Any, mark: str = "") -> str:
    """One value: `bulk_modulus.vrh = 54.533 GPa [a]`; matrices on lines of their own.

    Args:
        field: What the value is of.
        label: The name it is told by.
        value: Anything that JSON has.
        mark: The letter of its source.
    """
    if field.name == "symmetry" and isinstance(value, dict) and "symbol" in value:
        return _symmetry(label, value, mark)
    if isinstance(value, dict):
        if any(_is_matrix(item) for item in value.values()):
            return "".join(
                value_text(field, f"{label}.{key}", item, mark) for key, item in value.items()
            )
        return f"{label}{'.' if field.parts else ': '}{_parts(field, value)}{mark}"
    if _is_matrix(value):
        return _matrix(field, label, value, mark)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return f"{label}{mark}: {' | '.join(_parts(field, item, ' ') for item in value)}"
    if isinstance(value, list):
        return f"{label} = [{', '.join(map(_short, value))}]{_unit(field.unit)}{mark}"
    return f"{label} = {_short(value)}{_unit(field.unit)}{mark}"


def _symmetry(label: str, value: dict[str, Any], mark: str) -> str:
    described = f"{value['symbol']} ({value.get('number', '?')}) {value.get('crystal_system', '')}"
    others = (f"{k} {_short(v)}" for k, v in value.items() if k not in _TOLD_OF_SYMMETRY)
    return ", ".join((f"{label} = {described.rstrip()}", *others)) + mark


_TOLD_OF_SYMMETRY: Final = frozenset({"symbol", "number", "crystal_system"})


def _parts(field: Field, value: Mapping[str, Any], joint: str = " = ") -> str:
    """The parts of an object, each with its unit."""
    return ", ".join(
        f"{key}{joint}{_short(item)}{_unit(field.unit_of(key))}"
        for key, item in value.items()
        if item is not None
    )


def _short(value: Any) -> str:
    """A value within a line, whatever it is."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} {_short(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_short, value))}]"
    if isinstance(value, str):
        return as_data(value)
    return "none" if value is None else number(value)


def _is_matrix(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 1 and all(_is_row(row) for row in value)


def _is_row(row: Any) -> bool:
    return isinstance(row, list) and bool(row) and isinstance(row[0], (int, float))


def _matrix(field: Field, label: str, value: list[list[float]], mark: str) -> str:
    order = VOIGT if len(value[0]) == 6 else ""
    told = ", ".join(word for word in (field.unit or "", order) if word)
    rows = "".join(f"\n  [{', '.join(map(_short, row))}]" for row in value)
    return f"\n  {label}{f' ({told})' if told else ''}{mark}:{rows}"


def _unit(unit: str | None) -> str:
    return f" {unit}" if unit and unit not in _PLAIN else ""


def scalar_values(values: Mapping[str, Any]) -> Iterator[tuple[str, float | int | str | bool]]:
    """Every scalar in a document of fields, by its dotted name; of a list of objects numbered."""
    for name, value in values.items():
        yield from _scalars(name, value)


def _scalars(name: str, value: Any) -> Iterator[tuple[str, float | int | str | bool]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _scalars(f"{name}.{key}", item)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            if isinstance(item, dict):
                yield from _scalars(f"{name}[{position}]", item)
    elif isinstance(value, (bool, int, float, str)):
        yield name, value


def facts(
    row: Mapping[str, Any],
    values: Mapping[str, Any],
    sources: Mapping[str, str],
    database: str,
    fields: Mapping[str, Field] = FIELDS,
) -> Iterator[Fact]:
    """Every scalar of a row of results as a fact, with the source its value names.

    Args:
        row: With material_id, formula and sources {field: key}.
        values: Fields of the row.
        sources: What the keys mean.
        database: The source of a value that names none.
        fields: What the names of the values are.
    """
    for name, value in scalar_values(values):
        base, part = _split(name, values)
        source = sources.get(row["sources"].get(base, ""), database)
        field = fields.get(base)
        unit = field.unit_of(part) or None if field else None
        yield Fact(row["material_id"], name, value, unit, source, row["formula"])


def _split(name: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """The field that a scalar is of, and the last of its keys; a field's own name may be dotted."""
    base = name if name in values else name.partition("[")[0]
    while base not in values and "." in base:
        base = base.rpartition(".")[0]
    base = base if base in values else name.partition(".")[0]
    return base, name[len(base) :].rpartition(".")[2]
