"""X-ray absorption spectra, calculated by FEFF: one per element, edge and type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llamp_mcp.errors import NotFound, SourceError
from llamp_mcp.materials.spectra.kind import (
    BLUE,
    RED,
    Kind,
    Reading,
    View,
    floats,
    inside,
    require,
    sample,
)
from llamp_mcp.plots import figure, png

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llamp_mcp.materials.source import Document
    from llamp_mcp.materials.spectra.kind import Floats

EDGES = ("K", "L3", "L2", "L2,3")
TYPES = ("XANES", "XAFS", "EXAFS")
"""In the order in which one is taken where several are there."""
WHOM = ("absorbing_element", "edge", "spectrum_type")
"""The fields that tell spectra of one material apart."""
_UNIT = "arbitrary units"


def name_of(document: Document) -> str:
    """What a spectrum is of, such as `Fe K XANES`."""
    return " ".join(str(document.get(key, "?")) for key in WHOM)


def fits(document: Document, element: str, edge: str) -> bool:
    """Whether a spectrum is of this element and edge; an empty one fits any."""
    return (not element or document.get("absorbing_element") == element) and (
        not edge or document.get("edge") == edge
    )


def _rank(document: Document) -> tuple[str, int, int]:
    """Elements by name, then K before L, then near-edge before extended."""
    edge, kind = str(document.get("edge")), str(document.get("spectrum_type"))
    return (
        str(document.get("absorbing_element")),
        EDGES.index(edge) if edge in EDGES else len(EDGES),
        TYPES.index(kind) if kind in TYPES else len(TYPES),
    )


def names(documents: Iterable[Document]) -> list[str]:
    """The spectra there are, each once, in the order of choice."""
    return list(dict.fromkeys(name_of(document) for document in sorted(documents, key=_rank)))


def choose(documents: Sequence[Document], element: str, edge: str) -> Document:
    """The first spectrum of an element and edge.

    Raises:
        NotFound: There is none; the text lists those there are.
    """
    fitting = sorted((d for d in documents if fits(d, element, edge)), key=_rank)
    if not fitting:
        wanted = " ".join(part for part in (element, edge) if part)
        raise NotFound(
            f"{documents[0]['material_id']} has no xas of {wanted} here",
            allowed=", ".join(names(documents)),
        )
    return fitting[0]


def _curve(document: Document) -> tuple[Floats, Floats]:
    """Photon energies (eV) and absorption, ascending.

    Raises:
        SourceError: There is no curve in the document.
    """
    import numpy as np

    require(document, "spectrum")
    require(document["spectrum"] | {"material_id": document["material_id"]}, "x", "y")
    x, y = (np.asarray(document["spectrum"][key], dtype=float) for key in ("x", "y"))
    if x.shape != y.shape or len(x) < 3:
        raise SourceError(f"The spectrum {name_of(document)} holds no curve")
    return x, y


def _read(documents: Sequence[Document], view: View) -> Reading:
    document = choose(documents, view.element, view.edge)
    x, y = _curve(document)
    shown = inside(x, view, "eV")
    same = [d for d in documents if name_of(d) == name_of(document)]
    values: dict[str, Any] = {key: str(document.get(key)) for key in WHOM}
    values["edge_energy"] = edge_energy(x, y)
    near = values["spectrum_type"] != "EXAFS"
    if near:
        top = int(y[shown].argmax())
        values["white_line"] = {"energy": float(x[shown][top]), "intensity": float(y[shown][top])}
    values |= {"energy_min": float(x[0]), "energy_max": float(x[-1]), "points": len(x)}
    values["available"] = names(documents)
    energies = ("edge_energy", "white_line.energy", "energy_min", "energy_max")
    units = dict.fromkeys(energies, "eV") | {"white_line.intensity": _UNIT}
    notes = [
        "calculated by FEFF; energies may be offset from measured ones by some eV: compare shapes "
        "and differences",
        "edge_energy: the point of the steepest rise (e0 of pymatgen's XAS)",
    ]
    if near:
        where = "window" if view.window else "whole range"
        notes.append(f"white_line: the largest absorption in the {where}")
    if len(same) > 1:
        notes.append(f"{len(same)} spectra are of this element, edge and type; the first is shown")
    title = f"{view.title}: {name_of(document)}"
    return Reading(
        values,
        units,
        tuple(notes),
        _draw(x, y, values, view, title),
        sample(x, y, view.at, "eV"),
        ("absorption", "eV", _UNIT),
    )


def edge_energy(x: Floats, y: Floats) -> float:
    """The energy of the steepest rise, as pymatgen's `XAS.e0`."""
    import numpy as np

    return float(x[np.argmax(np.gradient(y) / np.gradient(x))])


def _draw(x: Floats, y: Floats, values: dict[str, Any], view: View, title: str) -> bytes:
    drawn, axes = figure(7, 4)
    axes.plot(x, y, color=BLUE, lw=1.4)
    energy = values["edge_energy"]
    axes.axvline(energy, color=RED, ls=":", lw=1.1, label=f"edge {energy:.6g} eV")
    if line := values.get("white_line"):
        label = f"white line {line['energy']:.6g} eV"
        axes.plot(line["energy"], line["intensity"], "o", ms=5, color="#2f8f5b", label=label)
    axes.set_xlim(*(view.window or (float(x[0]), float(x[-1]))))
    axes.set(title=title, xlabel="Photon energy (eV)", ylabel="Absorption μ (arbitrary units)")
    axes.ticklabel_format(axis="x", useOffset=False)
    axes.grid(alpha=0.25)
    axes.legend(loc="best", fontsize=8, framealpha=0.9)
    return png(drawn)


def _data(documents: Sequence[Document]) -> dict[str, Any]:
    spectra = []
    for document in sorted(documents, key=_rank):
        x, y = _curve(document)
        whom = {key: str(document.get(key)) for key in WHOM}
        spectra.append(whom | {"energies": floats(x), "absorption": floats(y)})
    return {"spectra": spectra, "units": {"energies": "eV", "absorption": _UNIT}}


KIND = Kind(
    name="xas", title="X-ray absorption", has_prop="xas", endpoint="xas", read=_read, data=_data
)
