"""Equations of state."""

from typing import Any, Final

from llamp_mcp.materials.groups.table import Field, Group, only_document
from llamp_mcp.units import EV_PER_A3_IN_GPA

_LEGACY: Final = {"V0": "V0", "E0": "E0", "B": "B0", "C": "B1"}
"""Names of the fit in documents that emmet-core calls legacy → its names today."""

_AGREES: Final = (0.5, 2.0)
"""Two estimates of one modulus; its two possible units lie a factor of 160 apart."""


def fold(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The one document, its bulk moduli in GPa.

    emmet-core gives the unit of B0 as GPa, but takes over the moduli of legacy documents as they
    stand. So each is held against the curvature of the energies of the same document, in eV/Å³.
    """
    document = only_document(rows)
    fits = _fits(document.get("eos"))
    if not fits:
        return document
    curvature = _bulk_modulus(document.get("volumes") or [], document.get("energies") or [])
    notes = list(document.get("_notes", ()))
    for fit in fits:
        if fit.get("B0") is not None:
            fit["B0"], note = _in_gpa(fit["B0"], curvature, legacy=bool(fit.pop("_legacy", False)))
            notes += [note] if note and note not in notes else []
        fit.pop("_legacy", None)
    return {**document, "eos": fits, "_notes": notes}


def _fits(eos: Any) -> list[dict[str, Any]]:
    if isinstance(eos, dict):
        eos = [
            {"model": model, "_legacy": True}
            | {new: fit[old] for old, new in _LEGACY.items() if fit.get(old) is not None}
            for model, fit in eos.items()
            if isinstance(fit, dict)
        ]
    fits = [dict(fit) for fit in eos or () if isinstance(fit, dict)]
    return sorted(fits, key=lambda fit: str(fit.get("model", "")))


def _bulk_modulus(volumes: list[float], energies: list[float]) -> float | None:
    """V d²E/dV² in eV/Å³ of the parabola through the lowest point and its neighbours."""
    points = sorted(zip(volumes, energies, strict=False))
    lowest = min(range(len(points)), key=lambda i: points[i][1], default=0)
    if not 0 < lowest < len(points) - 1:
        return None
    (v0, e0), (v1, e1), (v2, e2) = points[lowest - 1 : lowest + 2]
    if not v0 < v1 < v2:
        return None
    second = 2 * ((e2 - e1) / (v2 - v1) - (e1 - e0) / (v1 - v0)) / (v2 - v0)
    return v1 * second if second > 0 else None


def _in_gpa(
    modulus: float, curvature: float | None, *, legacy: bool
) -> tuple[float | None, str | None]:
    """A bulk modulus in GPa, and what was done to it."""
    low, high = _AGREES
    if curvature is None:
        if not legacy:
            return modulus, None
        return None, "B0 left out: this legacy document does not say its unit"
    if low < modulus / (curvature * EV_PER_A3_IN_GPA) < high:
        return modulus, None
    if low < modulus / curvature < high:
        return modulus * EV_PER_A3_IN_GPA, "B0 converted from eV/Å³, which the energies show it in"
    return None, "B0 left out: it agrees with the energies in neither GPa nor eV/Å³"


GROUP = Group(
    name="eos",
    about="equations of state fitted to energies at several volumes",
    fields=(
        Field(
            "eos",
            "one fit per model; V0, E0: volume and energy of the minimum, B0: bulk modulus there, "
            "B1: its pressure derivative, R2: quality of the fit",
            columns=(
                ("model", ""),
                ("V0", "Å³"),
                ("B0", "GPa"),
                ("B1", ""),
                ("E0", "eV"),
                ("R2", ""),
            ),
            raw=("eos", "energies", "volumes"),
        ),
        Field("volumes", "of the cells", own_unit="Å³", heavy=True),
        Field("energies", "at the volumes", own_unit="eV", heavy=True),
    ),
    method="static PBE energies at 0 K",
    caveat="volumes and energies are per cell or per atom: the schema does not say, mp-api's text "
    "says per atom",
    has_prop="eos",
    document=("task_id", "energies", "volumes", "eos"),
    fold=fold,
)
