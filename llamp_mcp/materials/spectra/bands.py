"""Electronic bands along lines of the Brillouin zone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llamp_mcp.materials.spectra.kind import BLUE, RED, Kind, Reading, View, require
from llamp_mcp.materials.spectra.paths import Line, draw_lines, draw_ticks, line_of
from llamp_mcp.plots import figure, png

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymatgen.electronic_structure.bandstructure import BandStructureSymmLine

    from llamp_mcp.materials.source import Document

SEMILOCAL = (
    "semilocal functionals (GGA, GGA+U, r2SCAN) give gaps that are typically 30-50 % too small, "
    "and may make a small-gap semiconductor a metal"
)
_WINDOW = (-6.0, 6.0)
_TOLERANCE_EV = 1e-4
"""pymatgen's: a band is crossed when it lies further than this on both sides of the Fermi level."""
_SAME_POINT = 0.01
"""Å⁻¹, pymatgen's: a gap between points closer than this is direct."""


def _parse(document: Document) -> BandStructureSymmLine:
    """The object of pymatgen, without projections: most of the bytes, and of no use here."""
    from pymatgen.electronic_structure.bandstructure import BandStructureSymmLine

    require(document, "kpoints", "bands", "lattice_rec", "efermi")
    slim = {k: document[k] for k in ("kpoints", "bands", "lattice_rec", "efermi")}
    return BandStructureSymmLine.from_dict(
        slim | {"labels_dict": document.get("labels_dict") or {}}
    )


def _channels(made: BandStructureSymmLine) -> dict[str, Any]:
    """Energies by spin, each of shape (bands, points), eV."""
    from pymatgen.electronic_structure.core import Spin

    names = {Spin.up: "up", Spin.down: "down"}
    return {name: made.bands[spin] for spin, name in names.items() if spin in made.bands}


def _read(documents: Sequence[Document], view: View) -> Reading:
    made = _parse(documents[0])
    line, channels = line_of(made), _channels(made)
    fermi = float(made.efermi)
    values: dict[str, Any] = {
        "is_metal": bool(made.is_metal()),
        **_gap(made, line, channels),
        "fermi_energy": fermi,
        "is_spin_polarized": len(channels) > 1,
        "bands": made.nb_bands,
        "k_points": len(line.points),
    }
    if len(channels) > 1:
        for name, energies in channels.items():
            if (gap := _channel_gap(energies, fermi)) is not None:
                values[f"gap_spin_{name}"] = gap
    names = ("band_gap", "direct_gap", "fermi_energy", "gap_spin_up", "gap_spin_down")
    units = dict.fromkeys((*names, "vbm.energy", "cbm.energy"), "eV")
    units |= dict.fromkeys(("vbm.nearest_distance", "cbm.nearest_distance"), "Å⁻¹")
    return Reading(values, units, _notes(values), _draw(line, channels, values, view))


def _gap(made: BandStructureSymmLine, line: Line, channels: dict[str, Any]) -> dict[str, Any]:
    """The gap, the smallest one without change of k-point and spin, and where the edges are."""
    import numpy as np

    fermi = float(made.efermi)
    if made.is_metal(efermi_tol=_TOLERANCE_EV):
        return {"band_gap": 0.0}
    sides = [_sides(energies, fermi) for energies in channels.values()]
    below, above = (np.vstack(bands) for bands in zip(*sides, strict=True))
    if not len(below) or not len(above):
        return {}  # the calculation holds no gap
    top, bottom = below.max(axis=0), above.min(axis=0)
    at = {"vbm": int(top.argmax()), "cbm": int(bottom.argmin())}
    points = [line.points[index].frac_coords for index in at.values()]
    vertical = [high.min(axis=0) - low.max(axis=0) for low, high in sides if len(low) and len(high)]
    return {
        "band_gap": float(bottom.min() - top.max()),
        "is_gap_direct": line.gap(*points) < _SAME_POINT,
        **({"direct_gap": float(np.min(vertical))} if vertical else {}),
        "vbm": {"energy": float(top.max()) + 0.0} | line.describe(at["vbm"]),
        "cbm": {"energy": float(bottom.min()) + 0.0} | line.describe(at["cbm"]),
    }


def _sides(energies: Any, fermi: float) -> tuple[Any, Any]:
    """Whole bands below and above the Fermi level, which may lie exactly on a band's edge.

    pymatgen parts single energies instead, and then takes the valence band maximum for empty when
    the Fermi level was put there.
    """
    occupied = energies.max(axis=1) <= fermi + _TOLERANCE_EV
    return energies[occupied], energies[~occupied]


def _channel_gap(energies: Any, fermi: float) -> float | None:
    """Gap of one spin in eV, 0 where a band crosses the Fermi level, None without both sides."""
    below, above = _sides(energies, fermi)
    if len(above) and above.min() < fermi - _TOLERANCE_EV:
        return 0.0
    if not len(below) or not len(above):
        return None
    return float(above.min() - below.max())


def _notes(values: dict[str, Any]) -> tuple[str, ...]:
    notes = [SEMILOCAL]
    if "band_gap" not in values:
        notes.append("the calculation has bands on one side of the Fermi level only: no gap here")
    notes.append(
        "extrema are those on the path; one off the path would be missed. Energies are on the "
        "calculation's own scale: only differences mean something"
    )
    gaps = (values.get("gap_spin_up"), values.get("gap_spin_down"))
    if values["is_metal"] and 0.0 in gaps and any(gap for gap in gaps):
        notes.append("one spin has a gap at the Fermi level, the other none: a half-metal here")
    return tuple(notes)


def _draw(line: Line, channels: dict[str, Any], values: dict[str, Any], view: View) -> bytes:
    drawn, axes = figure(7, 4.6)
    edge = values.get("vbm")
    zero = edge["energy"] if edge else values["fermi_energy"]
    polarised = len(channels) > 1
    for name, energies in channels.items():
        colour, style = (BLUE, "-") if name == "up" else (RED, "--")
        draw_lines(
            axes,
            line,
            energies - zero,
            color=colour,
            ls=style,
            lw=1.1,
            label=f"spin {name}" if polarised else None,
        )
    draw_ticks(axes, line)
    axes.axhline(0, color="black", lw=0.6, ls=":")
    for name, colour in (("vbm", "#2f8f5b"), ("cbm", "#b07a1e")):
        if name in values:
            _mark(axes, line, values[name], zero, colour, name.upper())
    what = "valence band maximum" if edge else "Fermi level"
    axes.set(title=view.title, ylabel=f"Energy above the {what} (eV)")
    axes.set_ylim(*(view.window or _WINDOW))
    if polarised or edge:
        axes.legend(loc="upper right", fontsize=8, framealpha=0.9)
    return png(drawn)


def _mark(axes: Any, line: Line, edge: dict[str, Any], zero: float, colour: str, name: str) -> None:
    places = [
        distance
        for distance, point in zip(line.distance, line.points, strict=True)
        if abs(point.frac_coords - edge["frac_coords"]).max() < 1e-4
    ]
    heights = [edge["energy"] - zero] * len(places)
    axes.plot(places, heights, "o", ms=5, color=colour, label=name, zorder=5)


def _data(documents: Sequence[Document]) -> dict[str, Any]:
    made = _parse(documents[0])
    line = line_of(made)
    return {
        "fermi_energy": float(made.efermi),
        "energies": {name: found.tolist() for name, found in _channels(made).items()},
        "k_points": [point.frac_coords.tolist() for point in line.points],
        "distance": line.distance,
        "labels": line.marks(),
        "branches": [list(branch) for branch in line.branches],
        "reciprocal_lattice": line.lattice.matrix.tolist(),
        "units": {
            "fermi_energy": "eV",
            "energies": "eV, by spin, then band, then k-point",
            "k_points": "fractions of the reciprocal lattice vectors",
            "distance": "Å⁻¹, with 2π",
            "reciprocal_lattice": "rows, Å⁻¹, with 2π",
        },
    }


KIND = Kind(
    name="bands",
    title="electronic bands",
    has_prop="bandstructure",
    stored="bands",
    read=_read,
    data=_data,
    curve=False,
)
