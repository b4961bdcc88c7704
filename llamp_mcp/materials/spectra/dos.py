"""Electronic density of states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llamp_mcp.materials.spectra.bands import SEMILOCAL
from llamp_mcp.materials.spectra.kind import (
    COLOURS,
    GREY,
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

    from pymatgen.electronic_structure.dos import Dos

    from llamp_mcp.materials.source import Document
    from llamp_mcp.materials.spectra.kind import Floats

_WINDOW = (-10.0, 10.0)
_GAP_TOLERANCE = 1e-4
"""pymatgen's default, which the Project uses too: below this part of the mean there is no state."""
_PER_CELL = "states/eV per cell"


def _parse(document: Document) -> Dos:
    """The total density of states."""
    from pymatgen.electronic_structure.dos import Dos

    require(document, "energies", "densities", "efermi")
    return Dos.from_dict(document)


def _total(dos: Dos) -> Floats:
    """Both spins together."""
    return sum(dos.densities.values(), start=0 * dos.energies)


def _by_element(document: Document) -> dict[str, Any]:
    """Density of states projected on the atoms of each element, both spins; empty if not given."""
    if not (document.get("pdos") and document.get("structure")):
        return {}
    from pymatgen.electronic_structure.dos import CompleteDos

    found = CompleteDos.from_dict(document).get_element_dos()
    return {str(element): dos.densities for element, dos in found.items()}


def _spins(densities: Any) -> dict[str, Any]:
    from pymatgen.electronic_structure.core import Spin

    names = {Spin.up: "up", Spin.down: "down"}
    return {name: densities[spin] for spin, name in names.items() if spin in densities}


def _read(documents: Sequence[Document], view: View) -> Reading:
    import numpy as np

    document = documents[0]
    dos, spins = _parse(document), _spins(_parse(document).densities)
    elements = _by_element(document)
    fermi, energies, total = float(dos.efermi), dos.energies, _total(dos)
    gap, cbm, vbm = _gap(dos)
    zero = vbm if gap > 0 else fermi
    at_fermi = {name: float(np.interp(fermi, energies, one)) for name, one in spins.items()}
    below = energies <= fermi
    values: dict[str, Any] = {"band_gap": gap, "fermi_energy": fermi}
    if gap > 0:
        values |= {"vbm_energy": vbm, "cbm_energy": cbm}
    values["dos_at_fermi"] = sum(at_fermi.values())
    values["is_spin_polarized"] = len(spins) > 1
    if len(spins) > 1:
        values |= {f"dos_at_fermi_{name}": value for name, value in at_fermi.items()}
        values |= _polarization(at_fermi, gap)
    for name, densities in elements.items():
        parts = _spins(densities).values()
        values[f"dos_at_fermi_{name}"] = float(
            sum(np.interp(fermi, energies, part) for part in parts)
        )
    values["states_below_fermi"] = float(np.trapezoid(total[below], energies[below]))
    values["energy_step"] = float(np.diff(energies).mean())
    return Reading(
        values,
        _units(values),
        _notes(values, document, view),
        _draw(energies - zero, spins, elements, view, gapped=gap > 0),
        sample(energies - zero, total, view.at, "eV"),
        ("DOS", "eV above the " + ("VBM" if gap > 0 else "Fermi level"), _PER_CELL),
    )


def _gap(dos: Dos) -> tuple[float, float, float]:
    """Gap and its upper and lower edge in eV, by pymatgen; no gap has both at the Fermi level."""
    total = _total(dos)
    here = total[dos.energies == dos.efermi]
    if (here > _GAP_TOLERANCE * total.mean()).any():  # where pymatgen fails: states right there
        return 0.0, float(dos.efermi), float(dos.efermi)
    gap, upper, lower = dos.get_interpolated_gap(tol=_GAP_TOLERANCE)
    return float(gap), float(upper), float(lower)


def _polarization(at_fermi: dict[str, float], gap: float) -> dict[str, float]:
    """|up - down| / (up + down) at the Fermi level (doi 10.1126/sciadv.1602241); metals only."""
    up, down = at_fermi["up"], at_fermi["down"]
    if gap > 0 or up + down <= 0:
        return {}
    return {"spin_polarization_at_fermi": abs(up - down) / (up + down)}


def _units(values: dict[str, Any]) -> dict[str, str]:
    energies = ("band_gap", "fermi_energy", "vbm_energy", "cbm_energy", "energy_step")
    units = dict.fromkeys(energies, "eV")
    units |= {name: _PER_CELL for name in values if name.startswith("dos_at_fermi")}
    return units | {"states_below_fermi": "states per cell"}


def _notes(values: dict[str, Any], document: Document, view: View) -> tuple[str, ...]:
    from pymatgen.core.structure import Structure

    step = values["energy_step"]
    notes = [
        SEMILOCAL,
        f"band_gap: between the points where the total falls below {_GAP_TOLERANCE:g} of its mean; "
        f"its grid ({step:.3g} eV), k-points and smearing blur it; the gap of kind='bands' is "
        "sharper",
        "states_below_fermi should be the number of valence electrons; where it is not, the grid "
        "is too coarse for absolute values",
    ]
    if document.get("structure"):
        cell = Structure.from_dict(document["structure"])
        notes.append(f"per cell: a cell of {len(cell)} atoms ({cell.formula})")
        if values["states_below_fermi"] < len(cell):
            notes.append(
                "WARNING: fewer states below the Fermi level than atoms: the absolute scale is "
                "wrong in this document; trust positions and ratios only"
            )
    else:
        notes.append("per cell: the calculation's own cell, which this document does not hold")
    if any(name.startswith("dos_at_fermi_") and name[13:] not in ("up", "down") for name in values):
        notes.append("elements: projections on spheres round the atoms; their sum misses the rest")
    if view.at:
        notes.append("values at energies: both spins together")
    return tuple(notes)


def _draw(
    energies: Any, spins: dict[str, Any], elements: dict[str, Any], view: View, *, gapped: bool
) -> bytes:
    drawn, axes = figure(7, 4.2)
    low, high = view.window or _WINDOW
    shown = (energies >= low) & (energies <= high)
    for name, densities in spins.items():
        sign = 1 if name == "up" else -1
        label = "total" if name == "up" else None
        axes.fill_between(energies, sign * densities, color=GREY, alpha=0.3, lw=0, label=label)
        axes.plot(energies, sign * densities, color="#606060", lw=0.7)
        for number, (element, projected) in enumerate(elements.items()):
            axes.plot(
                energies,
                sign * _spins(projected)[name],
                color=COLOURS[number % len(COLOURS)],
                lw=1.1,
                label=element if name == "up" else None,
            )
    top = {name: float(found[shown].max(initial=0.0)) for name, found in spins.items()}
    axes.set_xlim(low, high)
    axes.set_ylim(-1.08 * top["down"] if "down" in top else 0, 1.08 * top["up"] or 1.0)
    axes.axvline(0, color="black", lw=0.6, ls=":")
    if "down" in spins:
        axes.axhline(0, color="black", lw=0.6)
    what = "valence band maximum" if gapped else "Fermi level"
    axes.set(title=view.title, xlabel=f"Energy above the {what} (eV)", ylabel=_label(spins))
    axes.legend(loc="upper right", fontsize=8, framealpha=0.9)
    return png(drawn)


def _label(spins: dict[str, Any]) -> str:
    base = "Density of states\n(states/eV per cell"
    return f"{base}; spin down negative)" if "down" in spins else f"{base})"


def _data(documents: Sequence[Document]) -> dict[str, Any]:
    document = documents[0]
    dos = _parse(document)
    elements = {
        element: {name: floats(part) for name, part in _spins(densities).items()}
        for element, densities in _by_element(document).items()
    }
    return {
        "fermi_energy": float(dos.efermi),
        "energies": floats(dos.energies),
        "total": {name: floats(found) for name, found in _spins(dos.densities).items()},
        "elements": elements,
        "units": {
            "fermi_energy": "eV",
            "energies": "eV",
            "total": f"{_PER_CELL}, by spin",
            "elements": f"{_PER_CELL}, by element, then spin",
        },
    }


KIND = Kind(
    name="dos",
    title="electronic density of states",
    has_prop="dos",
    stored="dos",
    read=_read,
    data=_data,
)
