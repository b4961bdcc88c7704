"""Optical absorption from the frequency-dependent dielectric function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llamp_mcp.errors import SourceError
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
    from collections.abc import Sequence

    from llamp_mcp.materials.source import Document
    from llamp_mcp.materials.spectra.kind import Floats

THRESHOLD = 1e4
"""cm⁻¹. Absorption is said to begin where the coefficient first exceeds this."""
HBAR_C_EV_CM = 1.973269804e-5
"""ħc in eV·cm: exact by the 2019 SI (doi 10.1088/1681-7575/aa950a)."""
_AGREE = 0.05
_WINDOW_EV = (0.0, 15.0)
_FLOOR = 1.0


def _curve(document: Document) -> tuple[Floats, Floats]:
    """Energies (eV, ascending) and absorption coefficient (cm⁻¹).

    Raises:
        SourceError: The lists are missing or differ in length.
    """
    import numpy as np

    require(document, "energies", "absorption_coefficient")
    x = np.asarray(document["energies"], dtype=float)
    y = np.asarray(document["absorption_coefficient"], dtype=float)
    if x.shape != y.shape:
        raise SourceError(f"{len(x)} energies came with {len(y)} absorption coefficients")
    return x, y


def coefficient(x: Floats, real: Floats, imaginary: Floats) -> Floats:
    """Absorption coefficient of a dielectric function, 2Eκ/ħc with κ = √((|ε| - ε₁)/2).

    Args:
        x: Photon energies in eV, shape (n,).
        real: ε₁, shape (n,).
        imaginary: ε₂, shape (n,).

    Returns:
        In cm⁻¹, shape (n,).
    """
    import numpy as np

    extinction = np.sqrt((np.hypot(real, imaginary) - real).clip(0) / 2)
    return np.asarray(2 * x * extinction / HBAR_C_EV_CM)


def _derived(document: Document, x: Floats) -> Floats | None:
    """The coefficient from the document's own dielectric function, where it holds one."""
    import numpy as np

    names = ("average_real_dielectric", "average_imaginary_dielectric")
    real, imaginary = (np.asarray(document.get(name) or (), dtype=float) for name in names)
    return coefficient(x, real, imaginary) if real.shape == imaginary.shape == x.shape else None


def _checked(document: Document) -> tuple[Floats, Floats, str]:
    """Energies, coefficients in cm⁻¹, and what their check against the dielectric function said.

    Stored coefficients of different ages differ by constants (pymatgen pull request 2590: 2π;
    documents with the speed of light left out are known too), so the dielectric function decides.
    """
    import numpy as np

    x, stored = _curve(document)
    derived = _derived(document, x)
    if derived is None:
        return x, stored, "no dielectric function in the document: the coefficient is not checked"
    strong = derived > derived.max(initial=0.0) / 100
    ratio = float(np.median(stored[strong] / derived[strong])) if strong.any() else 1.0
    if abs(ratio - 1) <= _AGREE:
        return x, stored, "the coefficient agrees with the document's dielectric function"
    return (
        x,
        derived,
        f"WARNING: the stored coefficient is {ratio:.4g} times what the document's own dielectric "
        "function gives: wrong, or not in cm⁻¹; all numbers here are 2Eκ/ħc of that function",
    )


def _read(documents: Sequence[Document], view: View) -> Reading:
    document = documents[0]
    x, y, check = _checked(document)
    shown = inside(x, view, "eV")
    peak = int(y[shown].argmax())
    values: dict[str, Any] = {}
    if document.get("bandgap") is not None:
        values["bandgap"] = float(document["bandgap"])
    if (onset := _onset(x, y)) is not None:
        values["onset"] = onset
    values |= {
        "peak_coefficient": float(y[shown][peak]),
        "peak_energy": float(x[shown][peak]),
        "energy_min": float(x[0]),
        "energy_max": float(x[-1]),
    }
    real = document.get("average_real_dielectric")
    if real and x[0] == 0:
        values["static_dielectric"] = float(real[0])
    if document.get("nkpoints") is not None:
        values["nkpoints"] = int(document["nkpoints"])
    energies = ("bandgap", "onset", "peak_energy", "energy_min", "energy_max")
    units = dict.fromkeys(energies, "eV")
    return Reading(
        values,
        units | {"peak_coefficient": "cm⁻¹"},
        (check, *_notes(values, view)),
        _draw(x, y, values, view),
        sample(x, y, view.at, "eV"),
        ("absorption coefficient", "eV", "cm⁻¹"),
    )


def _onset(x: Floats, y: Floats) -> float | None:
    """The energy where the coefficient first reaches THRESHOLD, interpolated linearly."""
    above = y > THRESHOLD
    if not above.any():
        return None
    i = int(above.argmax())
    if i == 0:
        return float(x[0])
    part = (THRESHOLD - y[i - 1]) / (y[i] - y[i - 1])
    return float(x[i - 1] + part * (x[i] - x[i - 1]))


def _notes(values: dict[str, Any], view: View) -> tuple[str, ...]:
    notes = [
        "from a density functional dielectric function averaged over directions, without excitons "
        "or phonons; a semilocal gap is too small, so the true edge lies higher",
        f"onset: where the coefficient first exceeds {THRESHOLD:g} cm⁻¹; broadening lowers it, and "
        "it is not the gap",
        "peak: largest coefficient in the " + ("window" if view.window else "whole spectrum"),
    ]
    if "bandgap" in values:
        notes.append("bandgap: the electronic gap the document states for its calculation")
    if "static_dielectric" in values:
        notes.append("static_dielectric: real part at 0 eV, electrons only (ions clamped)")
    return tuple(notes)


def _draw(x: Floats, y: Floats, values: dict[str, Any], view: View) -> bytes:
    drawn, axes = figure(7, 4)
    axes.semilogy(x, y.clip(_FLOOR), color=BLUE, lw=1.3)
    low, high = view.window or (_WINDOW_EV[0], min(_WINDOW_EV[1], float(x[-1])))
    axes.set_xlim(low, high)
    top = float(y[(x >= low) & (x <= high)].max(initial=10.0))
    axes.set_ylim(min(1e2, top / 100), 3 * top)
    for name, colour, style in (("bandgap", "#2f8f5b", "--"), ("onset", RED, ":")):
        if name in values:
            text = f"{name} {values[name]:.3g} eV"
            axes.axvline(values[name], color=colour, ls=style, lw=1.1, label=text)
    axes.set(
        title=view.title, xlabel="Photon energy (eV)", ylabel="Absorption coefficient (cm$^{-1}$)"
    )
    axes.grid(alpha=0.25)
    if "bandgap" in values or "onset" in values:
        axes.legend(loc="lower right", fontsize=8, framealpha=0.9)
    return png(drawn)


def _data(documents: Sequence[Document]) -> dict[str, Any]:
    document = documents[0]
    x, y = _curve(document)
    derived = _derived(document, x)
    names = ("average_real_dielectric", "average_imaginary_dielectric", "bandgap", "nkpoints")
    return {
        "energies": floats(x),
        "absorption_coefficient": floats(y),
        **({} if derived is None else {"coefficient_from_dielectric": floats(derived)}),
        **{name: document[name] for name in names if document.get(name) is not None},
        "units": {
            "energies": "eV",
            "absorption_coefficient": "cm^-1 as the Project documents it",
            "coefficient_from_dielectric": "cm^-1, 2Eκ/ħc of the dielectric function here",
            "average_real_dielectric": "relative permittivity, one per energy",
            "average_imaginary_dielectric": "relative permittivity, one per energy",
            "bandgap": "eV",
        },
    }


KIND = Kind(
    name="absorption",
    title="optical absorption",
    has_prop="absorption",
    endpoint="absorption",
    read=_read,
    data=_data,
)
