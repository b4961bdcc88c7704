"""X-ray powder pattern: where an ideal crystal diffracts, and how strongly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llamp_mcp.plots import figure, png
from llamp_mcp.structures.analysis.block import Undetermined, dataset, primitive, table
from llamp_mcp.structures.analysis.reflections import Reflections
from llamp_mcp.structures.symmetry import MAX_ATOMS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pymatgen.core import Structure

    from llamp_mcp.structures.analyze_structure import AnalyzeStructureParams

PEAKS_SHOWN: Final = 30
FAMILIES_SHOWN: Final = 3
"""Families of planes told per peak; in a large cell many share one angle."""

MERGED_DEG: Final = 0.002
"""Reflections within this angle are one peak: cells are known to about 1e-5 Å, not better."""

MAX_WORK: Final = 100_000_000
"""Reflections times sites: a pattern of this many takes some seconds."""

LEAST_DEG: Final = 5.0
"""A pattern that must end before this angle is none."""

EXTINCT: Final = 1e-9
"""Part of the intensity with all electrons in phase below which a pattern is rounding noise."""

LABELS: Final = 16
LABEL_DEG: Final = 1.6
"""Peaks named in the picture, and the room each label takes."""

METHOD: Final = (
    "kinematic powder pattern of the ideal crystal by pymatgen: neutral-atom form factors, "
    "Lorentz-polarisation factor (1 + cos² 2θ)/(sin² θ cos θ), no Debye-Waller factor, absorption, "
    "anomalous scattering, texture or width; intensity is relative to the strongest peak = 100; "
    "hkl names one of the planes that the Laue class makes equal, multiplicity counts them"
)


class _Peak(NamedTuple):
    """One peak: its angle, the reflections' first and last angle, and its intensity."""

    two_theta_deg: float
    first_deg: float
    last_deg: float
    intensity: float


def block(structure: Structure, request: AnalyzeStructureParams) -> dict[str, Any]:
    """The strongest peaks, in order of angle.

    Returns:
        `wavelength_a` (Å), `cell` (lattice that the Miller indices refer to), and a table `peaks`:
        `two_theta_deg`, `d_a` (Å), `intensity` (strongest = 100), the number of `families` of
        planes at this angle, and of up to three of them an `hkl` and a `multiplicity`.

    Raises:
        Undetermined: Nothing diffracts in this range, an element has no form factor, the cell is
            too large, or spglib finds no symmetry at this tolerance.
    """
    from pymatgen.analysis.diffraction.xrd import WAVELENGTHS

    wavelength_a = WAVELENGTHS[request.wavelength]
    cell, axes = _cell(structure, request.symprec_a)
    last_deg = min(request.two_theta_max_deg, _affordable_deg(cell, wavelength_a))
    reflections = Reflections(cell, last_deg, wavelength_a, request.symprec_a)
    peaks = _peaks(cell, wavelength_a, last_deg, reflections)
    strongest = sorted(peaks, key=lambda peak: (-round(peak.intensity, 6), peak.two_theta_deg))
    names = ("a_a", "b_a", "c_a", "alpha_deg", "beta_deg", "gamma_deg")
    lattice = zip(names, cell.lattice.parameters, strict=True)
    cut = last_deg < request.two_theta_max_deg
    return {
        "formula": structure.composition.reduced_formula,
        "wavelength": request.wavelength,
        "wavelength_a": wavelength_a,
        "two_theta_max_deg": last_deg,
        "cell": {**{name: round(float(value), 5) for name, value in lattice}, "axes": axes},
        **table(
            "peaks",
            [_row(peak, reflections, wavelength_a) for peak in sorted(strongest[:PEAKS_SHOWN])],
            len(peaks),
        ),
        "method": METHOD,
        **({"note": f"cut at 2θ = {last_deg:g}°: the cell is large"} if cut else {}),
    }


def _cell(structure: Structure, symprec_a: float) -> tuple[Structure, str]:
    """The conventional cell with every atom where it is, and what its axes are.

    Idealising it would hide the splitting of peaks by a strain below the tolerance.
    """
    import numpy as np

    if len(structure) > MAX_ATOMS:
        return structure, "of the cell as given, which is too large for a search for symmetry"
    found = dataset(structure, symprec_a)
    axes = np.linalg.inv(found.transformation_matrix).T @ structure.lattice.matrix
    cell = primitive(structure, symprec_a).structure.copy()
    cell.make_supercell(np.rint(axes @ np.linalg.inv(cell.lattice.matrix)).astype(int))
    choice = f", setting {found.choice}" if found.choice else ""
    return cell, (
        f"conventional, {found.international} ({found.number}{choice}) of the International "
        f"Tables, symprec {symprec_a:g} Å, not idealised"
    )


def _affordable_deg(cell: Structure, wavelength_a: float) -> float:
    """The largest 2θ before the pattern has too many reflections.

    Raises:
        Undetermined: So few degrees would say nothing.
    """
    from math import asin, degrees, floor, pi

    radius = (MAX_WORK / (4 / 3 * pi * cell.volume * len(cell))) ** (1 / 3)
    affordable_deg = floor(2 * degrees(asin(min(1, wavelength_a * radius / 2))))
    if affordable_deg < LEAST_DEG:
        raise Undetermined(
            f"xrd: a cell of {len(cell)} sites and {cell.volume:.0f} Å³ has too many reflections",
            next_step="Use a smaller cell or a longer wavelength.",
        )
    return affordable_deg


def _peaks(
    cell: Structure, wavelength_a: float, last_deg: float, reflections: Reflections
) -> list[_Peak]:
    """Every peak in order of angle, intensities relative to the strongest.

    pymatgen would scale a range of extinct reflections alone, rounding noise, to 100, and tells
    reflections apart that differ by 1e-5°.
    """
    from pymatgen.analysis.diffraction.xrd import XRDCalculator

    electrons = _electrons(cell)
    found: list[tuple[float, float]] = []
    if len(reflections):
        pattern = XRDCalculator(wavelength_a).get_pattern(
            cell, scaled=False, two_theta_range=(0, last_deg)
        )
        found = [(float(x), float(y)) for x, y in zip(pattern.x, pattern.y, strict=True)]
    if max((y for _, y in found), default=0.0) <= EXTINCT * electrons**2:
        raise Undetermined(
            f"xrd: nothing diffracts below 2θ = {last_deg:g}° at {wavelength_a:g} Å",
            next_step="Use a larger two_theta_max_deg, or a shorter wavelength such as MoKa.",
        )
    merged = _merged(found)
    highest = max(peak.intensity for peak in merged)
    return [peak._replace(intensity=100 * peak.intensity / highest) for peak in merged]


def _merged(found: list[tuple[float, float]]) -> list[_Peak]:
    groups: list[list[tuple[float, float]]] = []
    for x, y in found:
        if groups and x - groups[-1][0][0] <= MERGED_DEG:
            groups[-1].append((x, y))
        else:
            groups.append([(x, y)])
    peaks = []
    for group in groups:
        intensity = sum(y for _, y in group)
        centre = sum(x * y for x, y in group) / intensity
        peaks.append(_Peak(centre, group[0][0], group[-1][0], intensity))
    return peaks


def _electrons(cell: Structure) -> float:
    """Electrons of the cell; every element among them must have a form factor."""
    from pymatgen.analysis.diffraction.xrd import ATOMIC_SCATTERING_PARAMS

    composition = cell.composition
    symbols = {species.symbol for species in composition}
    if missing := sorted(symbols - ATOMIC_SCATTERING_PARAMS.keys()):
        raise Undetermined(f"xrd: pymatgen has no form factor of {', '.join(missing)}")
    return float(composition.total_electrons)


def _row(peak: _Peak, reflections: Reflections, wavelength_a: float) -> dict[str, Any]:
    from math import radians, sin

    families = reflections.families(peak.first_deg, peak.last_deg)
    shown = families[:FAMILIES_SHOWN]
    return {
        "two_theta_deg": round(peak.two_theta_deg, 4),
        "d_a": round(wavelength_a / (2 * sin(radians(peak.two_theta_deg / 2))), 5),
        "intensity": round(peak.intensity, 3),
        "families": len(families),
        "hkl": [list(hkl) for hkl, _ in shown],
        "multiplicity": [count for _, count in shown],
    }


def plot(block: dict[str, Any], structure_id: str = "") -> bytes:
    """Sticks at the peaks of a block, the strongest named by their Miller indices; a PNG."""
    drawn, axes = figure()
    peaks = block["peaks"]
    axes.vlines([peak["two_theta_deg"] for peak in peaks], 0, [p["intensity"] for p in peaks])
    for peak in _named(peaks):
        _name(axes, peak)
    named = f"{block['formula']} ({structure_id})" if structure_id else block["formula"]
    shown = f", strongest {block['returned']} of {block['total']}" if block["truncated"] else ""
    axes.set_title(f"{named}, {_line(block)}{shown}", fontsize=11)
    axes.set_xlabel("2θ / °")
    axes.set_ylabel("intensity / strongest = 100")
    axes.set_xlim(0, block["two_theta_max_deg"])
    axes.set_ylim(0, 125)
    return png(drawn)


def _line(block: dict[str, Any]) -> str:
    name = block["wavelength"].replace("Ka", r" K$\alpha$")
    return f"{name}, λ = {block['wavelength_a']:g} Å"


def _named(peaks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The strongest peaks whose labels do not cover each other."""
    named: list[dict[str, Any]] = []
    for peak in sorted(peaks, key=lambda peak: -peak["intensity"]):
        free = all(abs(peak["two_theta_deg"] - o["two_theta_deg"]) > LABEL_DEG for o in named)
        if free and len(named) < LABELS:
            named.append(peak)
    return named


def _name(axes: Axes, peak: dict[str, Any]) -> None:
    indices = peak["hkl"][0]
    space = r"\ " if any(abs(index) > 9 for index in indices) else ""
    bars = [f"\\bar{{{-index}}}" if index < 0 else str(index) for index in indices]
    axes.annotate(
        f"${space.join(bars)}$",
        (peak["two_theta_deg"], peak["intensity"]),
        xytext=(0, 3),
        textcoords="offset points",
        rotation=90,
        ha="center",
        fontsize=8,
    )
