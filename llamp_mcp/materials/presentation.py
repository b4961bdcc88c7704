"""Values as text: `name = value unit [source]`, in as few bytes as a reader needs."""

from __future__ import annotations

from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

from llamp_mcp.materials.groups import field_named
from llamp_mcp.provenance import Fact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llamp_mcp.materials.groups.table import Field

VOIGT = "Voigt order xx, yy, zz, yz, xz, xy"


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


def value_text(name: str, value: Any, mark: str) -> str:
    """One value: `bulk_modulus.vrh = 54.533 GPa [a]`; tensors on lines of their own."""
    field = field_named(name)
    unit = f" {field.unit}" if field.unit and field.unit != "dimensionless" else ""
    if name == "symmetry":
        described = f"{value['symbol']} ({value['number']}) {value.get('crystal_system', '')}"
        return f"symmetry = {described.rstrip()}{mark}"
    if field.heavy:
        return _heavy(field, name, value, mark)
    if field.parts and isinstance(value, dict):
        parts = [f"{part} = {number(value[part])}{unit}" for part in field.parts if part in value]
        return f"{name}.{', '.join(parts)}{mark}"
    if isinstance(value, dict):
        return f"{name} = " + ", ".join(f"{k} {number(v)}" for k, v in value.items()) + mark
    if isinstance(value, list):
        return f"{name} = {', '.join(number(item) for item in value)}{unit}{mark}"
    return f"{name} = {number(value)}{unit}{mark}"


def _heavy(field: Field, name: str, value: Any, mark: str) -> str:
    if isinstance(value, dict):
        return "".join(_heavy(field, f"{name}.{key}", value[key], mark) for key in value)
    if not isinstance(value[0], list):
        return f"{name} = [{', '.join(number(x) for x in value)}] {field.unit}{mark}"
    order = f", {VOIGT}" if len(value) == 6 else ""
    rows = "".join(f"\n  [{', '.join(number(x) for x in row)}]" for row in value)
    return f"\n  {name} ({field.unit}{order}){mark}:{rows}"


def scalar_values(values: Mapping[str, Any]) -> Iterator[tuple[str, float | int | str | bool]]:
    """Every scalar in a document of fields, by its dotted name."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{k}", v) for k, v in value.items() if not isinstance(v, list))
        elif isinstance(value, (bool, int, float, str)):
            yield name, value


def facts(
    row: Mapping[str, Any], values: Mapping[str, Any], sources: Mapping[str, str], database: str
) -> Iterator[Fact]:
    """Every scalar of a row of results as a fact, with the source its value names.

    Args:
        row: With material_id, formula and sources {field: key}.
        values: Fields of the row.
        sources: What the keys mean.
        database: The source of a value that names none.
    """
    for name, value in scalar_values(values):
        base = name.partition(".")[0]
        source = sources.get(row["sources"].get(base, ""), database)
        unit = field_named(name).unit
        yield Fact(row["material_id"], name, value, unit, source, row["formula"])
