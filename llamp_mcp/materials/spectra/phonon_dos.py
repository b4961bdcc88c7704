"""Phonon density of states, and the harmonic heat capacity and zero-point energy from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llamp_mcp.materials.spectra.kind import (
    COLOURS,
    GREY,
    RED,
    Kind,
    Reading,
    View,
    floats,
    require,
    sample,
)
from llamp_mcp.plots import figure, png

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymatgen.core.structure import Structure
    from pymatgen.phonon.dos import PhononDos

    from llamp_mcp.materials.source import Document

TEMPERATURE_K = 300.0
NORMALISATION = 0.02
"""Thermal values are given when the integral is 3N to this part of it: they are proportional."""
_STATES = 1e-3
"""Part of the peak above which a frequency counts as having states."""
_UNIT = "states/THz per cell"


def _parse(document: Document) -> tuple[PhononDos, dict[str, Any], Structure | None]:
    """The total, its parts by element, and the cell where the document holds one."""
    from pymatgen.core.structure import Structure
    from pymatgen.phonon.dos import CompletePhononDos, PhononDos

    require(document, "frequencies", "densities")
    cell = Structure.from_dict(document["structure"]) if document.get("structure") else None
    parts: dict[str, Any] = {}
    if cell is not None and document.get("pdos"):
        found = CompletePhononDos.from_dict(document).get_element_dos()
        parts = {str(element): part.densities for element, part in found.items()}
    return PhononDos.from_dict(document), parts, cell


def _read(documents: Sequence[Document], view: View) -> Reading:
    import numpy as np

    dos, parts, cell = _parse(documents[0])
    x, y = dos.frequencies, dos.densities
    total = float(np.trapezoid(y, x))
    negative = x <= 0
    occupied = x[y > _STATES * y.max()]
    values: dict[str, Any] = {
        "min_frequency": float(occupied.min()),
        "max_frequency": float(occupied.max()),
        "peak_frequency": float(x[y.argmax()]),
        "mean_frequency": float(np.trapezoid(x * y, x)) / total,
        "total_states": total,
        "imaginary_states": float(np.trapezoid(y[negative], x[negative])),
    }
    units = {name: "THz" for name in values if name.endswith("frequency")}
    units |= {"total_states": "states per cell", "imaginary_states": "states per cell"}
    thermal, thermal_units = _thermal(dos, cell, total)
    return Reading(
        values | thermal,
        units | thermal_units,
        _notes(values, cell, bool(thermal)),
        _draw(dos, parts, view),
        sample(x, y, view.at, "THz"),
        ("phonon DOS", "THz", _UNIT),
    )


def _thermal(
    dos: PhononDos, cell: Structure | None, total: float
) -> tuple[dict[str, float], dict[str, str]]:
    """Heat capacity and zero-point energy by pymatgen, where the normalisation is what it needs."""
    if cell is None or abs(total / (3 * len(cell)) - 1) > NORMALISATION:
        return {}, {}
    name = f"heat_capacity_{TEMPERATURE_K:g}k"
    formula = cell.composition.reduced_formula
    energy = float(dos.zero_point_energy(structure=cell)) / 1000
    return (
        {name: float(dos.cv(TEMPERATURE_K, structure=cell)), "zero_point_energy": energy},
        {name: f"J/(K·mol {formula})", "zero_point_energy": f"kJ/(mol {formula})"},
    )


def _notes(values: dict[str, Any], cell: Structure | None, thermal: bool) -> tuple[str, ...]:
    notes = [f"min and max: where the DOS exceeds {_STATES:g} of its peak; mean: weighted by it"]
    if cell is None:
        notes.append("no cell in the document: states are per its own cell, not told how large")
    else:
        notes.append(
            f"per cell: {len(cell)} atoms ({cell.formula}); the integral should be 3N = "
            f"{3 * len(cell)}" + ("" if thermal else ", it is not: no thermal values are derived")
        )
    if thermal:
        notes.append(
            f"heat capacity at {TEMPERATURE_K:g} K and constant volume, harmonic, from positive "
            "frequencies only; per mole of formula units"
        )
    if values["total_states"] and values["imaginary_states"] / values["total_states"] > _STATES:
        notes.append("states below 0 THz are imaginary modes (or smearing of acoustic ones)")
    return tuple(notes)


def _draw(dos: PhononDos, parts: dict[str, Any], view: View) -> bytes:
    drawn, axes = figure(7, 4)
    x, y = dos.frequencies, dos.densities
    axes.fill_between(x, y, color=GREY, alpha=0.3, lw=0, label="total")
    axes.plot(x, y, color="#606060", lw=0.8)
    for number, (element, part) in enumerate(parts.items()):
        axes.plot(x, part, color=COLOURS[number % len(COLOURS)], lw=1.1, label=element)
    low, high = view.window or (float(x[0]), float(x[-1]))
    axes.set_xlim(low, high)
    axes.set_ylim(0, 1.08 * float(y[(x >= low) & (x <= high)].max(initial=0.0)) or 1.0)
    label = "Frequency (THz)"
    if low < 0 and (y[x < 0] > _STATES * y.max()).any():
        axes.axvspan(low, 0, color=RED, alpha=0.08, lw=0, zorder=0)
        label = "Frequency (THz; imaginary as negative)"
    axes.set(title=view.title, xlabel=label, ylabel=f"Phonon density of states\n({_UNIT})")
    if parts:
        axes.legend(loc="upper right", fontsize=8, framealpha=0.9)
    return png(drawn)


def _data(documents: Sequence[Document]) -> dict[str, Any]:
    dos, parts, _ = _parse(documents[0])
    return {
        "frequencies": floats(dos.frequencies),
        "total": floats(dos.densities),
        "elements": {element: floats(part) for element, part in parts.items()},
        "units": {
            "frequencies": "THz; imaginary as negative",
            "total": _UNIT,
            "elements": f"{_UNIT}, by element",
        },
    }


KIND = Kind(
    name="phonon_dos",
    title="phonon density of states",
    has_prop="phonon",
    stored="phonon_dos",
    read=_read,
    data=_data,
)
