"""Phonon bands along lines of the Brillouin zone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llamp_mcp.materials.spectra.kind import BLUE, RED, Kind, Reading, View, floats, require
from llamp_mcp.materials.spectra.paths import Line, draw_lines, draw_ticks, line_of
from llamp_mcp.plots import figure, png

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymatgen.phonon.bandstructure import PhononBandStructureSymmLine

    from llamp_mcp.materials.source import Document

TOLERANCE_THZ = 0.01
"""pymatgen's: a mode is imaginary when its frequency is further below zero than this."""
NEAR_GAMMA = 0.1
"""Å⁻¹. Imaginary modes no further from Γ than this are often noise of the acoustic sum rule."""
_ACOUSTIC = 3


def _parse(document: Document) -> PhononBandStructureSymmLine:
    """The object of pymatgen; eigenvectors only tell which modes are acoustic at Γ."""
    from pymatgen.phonon.bandstructure import PhononBandStructureSymmLine

    require(document, "qpoints", "bands", "lattice_rec")
    slim = {key: document[key] for key in ("qpoints", "bands", "lattice_rec")}
    vectors = document.get("eigendisplacements") or {"real": [], "imag": []}
    labels = document.get("labels_dict") or {}
    return PhononBandStructureSymmLine.from_dict(
        slim | {"eigendisplacements": vectors, "labels_dict": labels, "has_nac": False}
    )


def _read(documents: Sequence[Document], view: View) -> Reading:
    import numpy as np

    made = _parse(documents[0])
    line, frequencies = line_of(made), np.sort(made.bands, axis=0)
    lowest, highest = frequencies[0], frequencies[-1]
    imaginary = np.flatnonzero(lowest < -TOLERANCE_THZ)
    values: dict[str, Any] = {
        "has_imaginary_modes": bool(len(imaginary)),
        "min_frequency": float(lowest.min()),
        "min_at": line.describe(int(lowest.argmin())),
        "max_frequency": float(highest.max()),
        "max_at": line.describe(int(highest.argmax())),
        "branches": made.nb_bands,
        "q_points": made.nb_qpoints,
    }
    if len(imaginary):
        away = [line.gap(line.points[i].frac_coords, (0, 0, 0)) for i in imaginary]
        values |= {"imaginary_q_points": len(imaginary), "imaginary_reach": max(away)}
    if (acoustic := made.asr_breaking()) is not None:
        values["acoustic_at_gamma"] = floats(acoustic)
    values |= _gap(frequencies)
    values["has_nac"] = bool(documents[0].get("has_nac"))
    names = ("min_frequency", "max_frequency", "acoustic_at_gamma", "acoustic_max", "optical_min")
    units = dict.fromkeys((*names, "acoustic_optical_gap"), "THz")
    distances = ("min_at.nearest_distance", "max_at.nearest_distance", "imaginary_reach")
    units |= dict.fromkeys(distances, "Å⁻¹")
    return Reading(values, units, _notes(values), _draw(line, made.bands, view))


def _gap(frequencies: Any) -> dict[str, float]:
    """Top of the acoustic and bottom of the optical branches, counted by frequency at each q."""
    if len(frequencies) <= _ACOUSTIC:
        return {}
    top = float(frequencies[_ACOUSTIC - 1].max())
    bottom = float(frequencies[_ACOUSTIC].min())
    found = {"acoustic_max": top, "optical_min": bottom}
    return found | {"acoustic_optical_gap": bottom - top} if bottom > top else found


def _notes(values: dict[str, Any]) -> tuple[str, ...]:
    notes = [
        f"imaginary: frequency below -{TOLERANCE_THZ:g} THz, given as a negative number; only "
        "q-points of the path are seen"
    ]
    if values["has_imaginary_modes"]:
        reach = values["imaginary_reach"]
        notes.append(
            f"all imaginary modes lie within {NEAR_GAMMA:g} Å⁻¹ of Γ: often noise of the acoustic "
            "sum rule rather than an instability"
            if reach <= NEAR_GAMMA
            else f"imaginary modes reach {reach:.3g} Å⁻¹ from Γ: the structure is dynamically "
            "unstable in this calculation (0 K, harmonic)"
        )
    if "acoustic_at_gamma" in values:
        notes.append("acoustic_at_gamma: zero by the acoustic sum rule; what is left is its error")
    if "optical_min" in values:
        gap = "" if "acoustic_optical_gap" in values else "; they overlap, there is no gap"
        notes.append(f"acoustic: the three lowest branches at each q-point{gap}")
    notes.append(
        "with the non-analytical correction at Γ (LO-TO splitting)"
        if values["has_nac"]
        else "without the non-analytical correction at Γ: no LO-TO splitting in polar crystals"
    )
    return tuple(notes)


def _draw(line: Line, frequencies: Any, view: View) -> bytes:
    drawn, axes = figure(7, 4.6)
    draw_lines(axes, line, frequencies, color=BLUE, lw=1.1)
    draw_ticks(axes, line)
    axes.axhline(0, color="black", lw=0.6, ls=":")
    low, high = float(frequencies.min()), float(frequencies.max())
    margin = 0.04 * (high - low)
    low, high = view.window or (min(low - margin, 0.0), high + margin)
    axes.set(title=view.title, ylabel="Frequency (THz)")
    axes.set_ylim(low, high)
    if frequencies.min() < -TOLERANCE_THZ and low < 0:
        axes.axhspan(low, 0, color=RED, alpha=0.08, lw=0, zorder=0)
        axes.set_ylabel("Frequency (THz; imaginary as negative)")
    return png(drawn)


def _data(documents: Sequence[Document]) -> dict[str, Any]:
    made = _parse(documents[0])
    line = line_of(made)
    return {
        "frequencies": made.bands.tolist(),
        "q_points": [point.frac_coords.tolist() for point in line.points],
        "distance": line.distance,
        "labels": line.marks(),
        "branches": [list(branch) for branch in line.branches],
        "reciprocal_lattice": line.lattice.matrix.tolist(),
        "has_nac": bool(documents[0].get("has_nac")),
        "units": {
            "frequencies": "THz, by branch, then q-point; imaginary as negative",
            "q_points": "fractions of the reciprocal lattice vectors",
            "distance": "Å⁻¹, with 2π",
            "reciprocal_lattice": "rows, Å⁻¹, with 2π",
        },
    }


KIND = Kind(
    name="phonon_bands",
    title="phonon bands",
    has_prop="phonon",
    stored="phonon_bands",
    read=_read,
    data=_data,
    curve=False,
)
