"""Electronic, vibrational, optical and X-ray spectra: key numbers, a picture, the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, PrivateAttr

from llamp_mcp.errors import InvalidInput, NotFound
from llamp_mcp.materials import identifiers, selection, spectra
from llamp_mcp.materials.presentation import number
from llamp_mcp.materials.source import Query
from llamp_mcp.materials.spectra import KindName, xas
from llamp_mcp.materials.spectra.kind import Kind, Reading, View
from llamp_mcp.operation import Operation, Params, ResourceLink, Result
from llamp_mcp.provenance import Fact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llamp_mcp.materials.source import Document, MaterialsSource

MAX_ENTRIES = 500
_FIELDS = ("energy_above_hull", "is_stable", "has_props")


class SpectrumParams(Params):
    """Arguments of `get_spectrum`."""

    material: str = Field(description="id or formula: 'mp-149', 'Si'")
    kind: KindName = Field(description="absorption: optical; xas: X-ray")
    element: str = Field(default="", description="xas: absorbing element")
    edge: Literal["any", "K", "L2", "L3", "L2,3"] = Field(default="any", description="xas only")
    window: Annotated[list[float], Field(max_length=2)] = Field(
        default=[],
        description="[min, max] shown: eV above the VBM (metals: E_F), THz, or photon eV",
    )
    at: Annotated[list[float], Field(max_length=10)] = Field(
        default=[], description="read the curve at these; unit as window"
    )


class SpectrumResult(Result):
    """Key numbers of a spectrum."""

    source: dict[str, str]
    material_id: str
    formula: str
    kind: str
    selection: str
    values: dict[str, Any]
    units: dict[str, str]
    at: list[dict[str, Any]]
    data_uri: str
    notes: list[str]
    _picture: bytes = PrivateAttr(b"")

    def text(self) -> str:
        """One line per value."""
        lines = [
            f"Source: {self.source['notice']}.",
            f"{self.material_id} {self.formula}".rstrip()
            + f" {self.kind}"
            + (f" ({self.selection})" if self.selection else ""),
            *(f"- {line}" for line in _value_lines(self.values, self.units)),
            *(
                f"- {row['name']} at {number(row['x'])} {row['x_unit']} = {number(row['value'])} "
                f"{row['unit']}"
                for row in self.at
            ),
            *(f"Note: {note}" for note in self.notes),
            f"Data: {self.data_uri}; the picture is attached.",
        ]
        return "\n".join(lines)

    def links(self) -> Iterable[ResourceLink]:
        """The curves."""
        yield ResourceLink(
            uri=self.data_uri,
            name=f"{self.material_id} {self.kind}",
            mime_type="application/json",
            description="the curves, with units",
        )

    def images(self) -> Iterable[bytes]:
        """The plot."""
        yield self._picture


def get_spectrum(params: SpectrumParams, *, source: MaterialsSource) -> SpectrumResult:
    """Get bands, DOS, phonons, optical absorption or XAS of a material: key numbers and a plot.

    For plain gaps use get_properties. A formula means its lowest entry that has the spectrum.
    """
    kind = spectra.KINDS[params.kind]
    _check(params, kind)
    chosen = _select(params, kind, source)
    try:
        rows = spectra.fetch(source, chosen.material_id, kind)
    except NotFound as error:
        raise _not_here(error, chosen, source) from error
    heading = f"{chosen.formula} ({chosen.material_id})" if chosen.formula else chosen.material_id
    view = View(
        title=heading if kind.name == "xas" else f"{heading}: {kind.title}",
        window=(params.window[0], params.window[1]) if params.window else None,
        at=tuple(params.at),
        element=params.element,
        edge=_edge(params),
    )
    reading = kind.read(rows.documents, view)
    return _result(params, chosen, reading, source, rows.notes)


def _result(
    params: SpectrumParams,
    chosen: _Chosen,
    reading: Reading,
    source: MaterialsSource,
    notes: tuple[str, ...],
) -> SpectrumResult:
    name, x_unit, unit = reading.at_words
    result = SpectrumResult(
        source=source.meta().summary(),
        material_id=chosen.material_id,
        formula=chosen.formula,
        kind=params.kind,
        selection=chosen.words,
        values=reading.values,
        units={
            name: reading.units[name] for name in _flat(reading.values) if name in reading.units
        },
        at=[
            {"name": name, "x": x, "x_unit": x_unit, "value": y, "unit": unit}
            for x, y in reading.at
        ],
        data_uri=f"mp://{chosen.material_id}/spectrum/{params.kind}",
        notes=[*reading.notes, *notes],
    )
    result._picture = reading.picture
    return result


def _check(params: SpectrumParams, kind: Kind) -> None:
    """Refuse arguments that mean nothing for this kind, rather than ignore them.

    Raises:
        InvalidInput: There is one.
    """
    if kind.name != "xas" and (params.element or params.edge != "any"):
        raise InvalidInput(f"element and edge mean nothing for kind={kind.name!r}", allowed="xas")
    if params.at and not kind.curve:
        curves = ", ".join(name for name, other in spectra.KINDS.items() if other.curve)
        raise InvalidInput(f"at means nothing for kind={kind.name!r}", allowed=curves)
    if params.window and (len(params.window) != 2 or params.window[0] >= params.window[1]):
        raise InvalidInput(
            f"window={params.window} is no range", allowed="[min, max] with min below max"
        )
    if params.element:
        identifiers.elements((params.element,))


def _edge(params: SpectrumParams) -> str:
    return "" if params.edge == "any" else params.edge


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The entry meant, how it was selected, and the spectra it is known to have."""

    material_id: str
    formula: str
    words: str
    known: tuple[str, ...]


def _select(params: SpectrumParams, kind: Kind, source: MaterialsSource) -> _Chosen:
    """The entry that is meant.

    Raises:
        NotFound: No entry of the formula is known to have the spectrum.
        InvalidInput: Several are, and none can be chosen.
    """
    what, name = identifiers.material(params.material)
    if what == "id":
        found = source.search(Query(material_ids=(name,), fields=_FIELDS, limit=1)).documents
        entry: Document = found[0] if found else {}
        return _Chosen(name, entry.get("formula_pretty") or "", "", known_kinds(entry))
    query = Query(formulas=(name,), fields=_FIELDS, limit=MAX_ENTRIES)
    entries = {e["material_id"]: e for e in source.search(query).documents}
    having = _having(params, kind, source, entries)
    if not having:
        known = {k for entry in entries.values() for k in known_kinds(entry)}
        raise NotFound(
            f"No entry of {params.material} is known to have {_wanted(params)} in this source "
            f"({len(entries)} {'entry' if len(entries) == 1 else 'entries'} of that composition)",
            allowed=f"for {params.material}: {', '.join(k for k in spectra.KINDS if k in known)}"
            if known
            else "",
            next_step=_advice(source),
        )
    hull = {i: selection.hull_energy(entry) for i, entry in entries.items()}
    choice = selection.choose([entries[i] for i in having], hull, _wanted(params))[0]
    if not choice.chosen:
        raise InvalidInput(
            f"{params.material} is ambiguous: {choice.selection}",
            next_step="Compare them with search_materials and call again with one of these ids.",
        )
    entry = choice.document
    formula = entry.get("formula_pretty") or params.material
    return _Chosen(entry["material_id"], formula, choice.selection, known_kinds(entry))


def _wanted(params: SpectrumParams) -> str:
    return " ".join(part for part in (params.element, _edge(params), params.kind) if part)


def _having(
    params: SpectrumParams, kind: Kind, source: MaterialsSource, entries: Mapping[str, Document]
) -> list[str]:
    """The entries that have the spectrum: by their documents, or by what the summary says.

    Objects of their own lie in a remote store, where asking for each would be one by one.
    """
    if not entries or kind.stored is not None:
        return [i for i, entry in entries.items() if kind.name in known_kinds(entry)]
    fields = xas.WHOM if kind.name == "xas" else ("bandgap",)
    found = {
        row["material_id"]
        for row in source.rows(kind.endpoint, tuple(entries), fields).documents
        if kind.name != "xas" or xas.fits(row, params.element, _edge(params))
    }
    return [i for i in entries if i in found]


def known_kinds(entry: Document) -> tuple[str, ...]:
    """The kinds of spectrum that a summary says its entry has (`has_props`)."""
    props = entry.get("has_props") or {}
    held = {name for name, has in props.items() if has} if isinstance(props, dict) else set(props)
    return tuple(name for name, kind in spectra.KINDS.items() if kind.has_prop in held)


def _not_here(error: NotFound, chosen: _Chosen, source: MaterialsSource) -> NotFound:
    """The error of a source, with what is known of the entry: its other spectra, its rivals."""
    known = ", ".join(chosen.known)
    rivals = f"It was taken as {chosen.words}; another id may be named. " if chosen.words else ""
    return NotFound(
        error.what,
        allowed=f"kinds the summary of {chosen.material_id} lists: {known}" if known else "",
        next_step=rivals + (error.next_step or _advice(source)),
    )


def _advice(source: MaterialsSource) -> str:
    if source.meta().kind == "live":
        return "Try another kind, or find entries that have it with search_materials."
    return (
        "This source holds a part of the Materials Project only; with an API key of your own "
        "(MP_API_KEY) the Project itself is asked."
    )


def _value_lines(values: Mapping[str, Any], units: Mapping[str, str]) -> Iterator[str]:
    """Every value; those of one object on one line."""
    for name, value in values.items():
        if isinstance(value, dict):
            parts = (_value(f"{name}.{key}", part, units) for key, part in value.items())
            yield "; ".join(parts)
        else:
            yield _value(name, value, units)


def _value(name: str, value: Any, units: Mapping[str, str]) -> str:
    words = ", ".join(map(number, value)) if isinstance(value, list) else number(value)
    return f"{name} = {words}" + (f" {units[name]}" if name in units else "")


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values by name, parts of objects by dotted name."""
    return {
        (f"{name}.{key}" if key else name): part
        for name, value in values.items()
        for key, part in (value.items() if isinstance(value, dict) else [("", value)])
    }


def _facts(result: SpectrumResult) -> Iterator[Fact]:
    """Every scalar, named after its kind: a gap along a path is not the gap of the summary."""
    origin = f"{result.source['name']} ({result.source['database_version']})"
    for name, value in _flat(result.values).items():
        if isinstance(value, (bool, int, float, str)):
            yield Fact(
                result.material_id,
                f"{result.kind}.{name}",
                value,
                result.units.get(name),
                origin,
                result.formula or None,
            )


OPERATION = Operation(
    name="get_spectrum",
    title="Get a spectrum",
    params=SpectrumParams,
    result=SpectrumResult,
    run=get_spectrum,
    toolset="materials",
    read_only=True,
    facts=_facts,
    view="plot",
)
