"""`surface_energy`: energy of a surface per area, from slabs of growing thickness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.provenance import LineageStep
from llamp_mcp.simulation.force_field import ForceField, Found
from llamp_mcp.simulation.properties.common import unconverged
from llamp_mcp.simulation.properties.kind import Answered, Asked, Kind, Values
from llamp_mcp.simulation.properties.surface_slabs import (
    Slab,
    SurfaceArguments,
    oriented_cell,
    slabs_of,
)
from llamp_mcp.simulation.subject import check_subject
from llamp_mcp.units import EV_PER_A2_IN_J_PER_M2

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.figure import Figure

    from llamp_mcp.simulation.calculators import Calculators
    from llamp_mcp.simulation.workers.monitor import Monitor
    from llamp_mcp.structures.store import StructureStore

_CONVERGED_J_PER_M2: Final = 0.02
_STRESS_GPA: Final = 0.1
_LEAST_SPAN: Final = 0.1
"""Of the axis of a picture, relative to the value."""


def check(
    asked: Asked,
    arguments: SurfaceArguments,
    *,
    structures: StructureStore,
    calculators: Calculators,
) -> None:
    """Refuse planes that do not exist, slabs of another composition, too many atoms."""
    crystal = check_subject(
        asked.structure_id, asked.calculator, structures=structures, calculators=calculators
    )
    slabs = slabs_of(crystal, arguments, structures)
    elements = [element.symbol for element in crystal.composition.element_composition]
    calculators.resolve(asked.calculator, elements, len(slabs[-1].structure))


def surface_energy(
    asked: Asked,
    arguments: SurfaceArguments,
    *,
    structures: StructureStore,
    calculators: Calculators,
    monitor: Monitor,
) -> Answered:
    """Gamma = (E(slab) - N e(bulk)) / 2A of each slab, and of the line E(N) through several.

    The bulk energy is that of the cell oriented along the plane; a wrong one would make gamma
    grow with the thickness, which the line through several slabs avoids
    (doi 10.1088/0953-8984/8/36/005, doi 10.1016/j.susc.2013.05.016).
    """
    crystal = structures.get(asked.structure_id)
    given = arguments.slab_id is not None
    # `check` has cut the slabs of the crystal as it was, and resolved the calculator for them.
    force_field = ForceField(calculators, asked.calculator, [crystal], len(crystal))
    how = arguments.atoms_only if given else arguments.with_cell
    bulk = force_field.find("crystal", crystal, monitor, how)
    slabs = slabs_of(bulk.structure, arguments, structures)
    oriented = force_field.find("oriented cell", oriented_cell(bulk.structure, arguments), monitor)
    rows, relaxations = [], [("the crystal", bulk)]
    for at, slab in enumerate(slabs):
        found = force_field.find(f"slab {at}", slab.structure, monitor, arguments.atoms_only)
        handle = structures.put(found.structure, _lineage(asked, arguments, force_field, found))
        rows.append({**_row(slab, found, oriented), "structure_id": handle})
        relaxations.append((f"slab {at}", found))
    values = _values(slabs[-1], rows, oriented, arguments)
    values["bulk_volume_change_percent"] = 100 * (bulk.structure.volume / crystal.volume - 1)
    return Answered(
        values=values,
        calculators=[force_field.provenance],
        converged=all(one.converged for _, one in relaxations),
        warnings=[
            *unconverged(relaxations, arguments),
            *dict.fromkeys(note for slab in slabs for note in slab.notes),
            *_warnings(asked, arguments, values, bulk, structures),
            *force_field.caveats(),
        ],
        plot=_plot(values, asked, monitor) if len(rows) > 1 else None,
    )


def _row(slab: Slab, found: Found, oriented: Found) -> dict[str, Any]:
    """One slab's energies."""
    n_atoms = len(slab.structure)
    area = 2 * slab.area_a2
    bulk_ev = n_atoms * oriented.energy_ev_per_atom
    gamma = (found.energy_ev - bulk_ev) / area
    unrelaxed = (found.start_energy_ev - bulk_ev) / area
    return {
        "n_atoms": n_atoms,
        "thickness_a": slab.report["thickness_a"],
        "surface_energy_j_per_m2": gamma * EV_PER_A2_IN_J_PER_M2,
        "surface_energy_ev_per_a2": gamma,
        "unrelaxed_j_per_m2": unrelaxed * EV_PER_A2_IN_J_PER_M2,
        "energy_ev": found.energy_ev,
        "max_force_ev_per_a": found.max_force_ev_per_a,
        "steps": found.steps,
    }


def _values(
    slab: Slab, rows: list[dict[str, Any]], oriented: Found, arguments: SurfaceArguments
) -> Values:
    """The values of the thickest slab, and what the thinner ones say of it."""
    best = rows[-1]
    values = {
        "surface_energy_j_per_m2": best["surface_energy_j_per_m2"],
        "surface_energy_ev_per_a2": best["surface_energy_ev_per_a2"],
        "unrelaxed_j_per_m2": best["unrelaxed_j_per_m2"],
        "slabs": rows,
        "linear_fit": _line(rows, slab.area_a2),
        "change_with_thickness_j_per_m2": None,
        "area_a2": slab.area_a2,
        "vacuum_a": slab.report["vacuum_a"],
        "miller": slab.report.get("miller"),
        "miller_cell": slab.report.get("miller_cell"),
        "termination": slab.report.get("termination"),
        "top": slab.report.get("top"),
        "bottom": slab.report.get("bottom"),
        "terminations_found": slab.report.get("terminations_found"),
        "surfaces_equivalent": slab.report["surfaces_equivalent"],
        "is_polar": slab.report["is_polar"],
        "bulk_energy_ev_per_atom": oriented.energy_ev_per_atom,
        "fmax_ev_per_a": arguments.fmax_ev_per_a,
    }
    if len(rows) > 1:
        values["change_with_thickness_j_per_m2"] = (
            best["surface_energy_j_per_m2"] - rows[-2]["surface_energy_j_per_m2"]
        )
    return values


def _line(rows: Sequence[dict[str, Any]], area_a2: float) -> dict[str, float] | None:
    """The line E = 2A gamma + N e through the slabs."""
    if len(rows) < 2:
        return None
    import numpy as np

    slope, intercept = np.polyfit(
        [row["n_atoms"] for row in rows], [row["energy_ev"] for row in rows], 1
    )
    gamma = float(intercept) / (2 * area_a2)
    return {
        "surface_energy_j_per_m2": gamma * EV_PER_A2_IN_J_PER_M2,
        "surface_energy_ev_per_a2": gamma,
        "bulk_energy_ev_per_atom": float(slope),
    }


def _lineage(
    asked: Asked, arguments: SurfaceArguments, force_field: ForceField, found: Found
) -> LineageStep:
    return LineageStep(
        action="calculate_property",
        parent=arguments.slab_id or asked.structure_id,
        parameters={
            "kind": "surface_energy",
            **arguments.model_dump(exclude_none=True, exclude={"thicknesses"}),
            "calculator": force_field.provenance["name"],
            "sha256": force_field.provenance["sha256"],
            "converged": found.converged,
        },
    )


def _warnings(
    asked: Asked,
    arguments: SurfaceArguments,
    values: Values,
    bulk: Found,
    structures: StructureStore,
) -> Iterable[str]:
    change = values["change_with_thickness_j_per_m2"]
    if change is None:
        yield "one thickness only: nothing says that the surface energy has settled"
    elif abs(change) > _CONVERGED_J_PER_M2:
        yield (
            f"not converged with thickness: the last slab changed it by {change:+.3f} J/m²; raise "
            "min_thickness_a"
        )
    if values["surface_energy_j_per_m2"] < 0:
        yield "a negative surface energy: this crystal is no stable phase of the force field"
    if arguments.slab_id is None:
        return
    stress = max(abs(component) for component in bulk.stress_gpa)
    if stress > _STRESS_GPA:
        yield (
            f"the crystal is under {stress:.2g} GPa in this force field, so its strain energy "
            "enters: relax it, cut the slab from the relaxed one, or give miller"
        )
    made_from = {step.parent for step in structures.history(arguments.slab_id)}
    if asked.structure_id not in made_from:
        yield "nothing recorded says that this slab was cut from this crystal"


def text(values: Values) -> Iterable[str]:
    """The value, each slab, and how it was got."""
    yield _head(values)
    for row in values["slabs"]:
        yield (
            f"slab {row['thickness_a']:.3f} Å, {row['n_atoms']} atoms: "
            f"{row['surface_energy_j_per_m2']:.4f} J/m² = {row['surface_energy_ev_per_a2']:.6f} "
            f"eV/Å² (unrelaxed {row['unrelaxed_j_per_m2']:.4f} J/m²); energy "
            f"{row['energy_ev']:.6f} eV, {row['steps']} steps, max force "
            f"{row['max_force_ev_per_a']:.2g} eV/Å; {row['structure_id']}"
        )
    if line := values["linear_fit"]:
        change = round(values["change_with_thickness_j_per_m2"], 4) + 0.0
        yield (
            f"change from the slab before {change:+.4f} J/m²; "
            f"line through all slabs: {line['surface_energy_j_per_m2']:.4f} J/m² = "
            f"{line['surface_energy_ev_per_a2']:.6f} eV/Å², with bulk "
            f"{line['bulk_energy_ev_per_atom']:.6f} eV/atom"
        )
    yield (
        f"gamma = (E(slab) - N e(bulk)) / 2A; A = {values['area_a2']:.4f} Å², bulk "
        f"{values['bulk_energy_ev_per_atom']:.6f} eV/atom of the cell along the plane, vacuum "
        f"{values['vacuum_a']:.3f} Å"
    )
    relaxed = f"relaxed first (volume {values['bulk_volume_change_percent']:+.3f} %)"
    kept = "taken in its given cell" if values["miller"] is None else relaxed
    yield (
        f"crystal {kept}; slab relaxed to {values['fmax_ev_per_a']:g} eV/Å, all atoms free, cell "
        "fixed; no reconstruction is searched for"
    )


def _head(values: Values) -> str:
    plane = "the given slab"
    if values["miller"] is not None:
        plane = (
            f"({' '.join(map(str, values['miller']))}) of the {values['miller_cell']}, termination "
            f"{values['termination']} of {values['terminations_found']} (top {values['top']}, "
            f"bottom {values['bottom']})"
        )
    sides = {
        True: "both sides equivalent",
        False: "the two sides differ: this is their mean",
        None: "whether both sides are equivalent was not determined: this is their mean",
    }[values["surfaces_equivalent"]]
    polar = {True: "; polar", False: "; not polar", None: ""}[values["is_polar"]]
    return (
        f"surface energy = {values['surface_energy_j_per_m2']:.4f} J/m² = "
        f"{values['surface_energy_ev_per_a2']:.6f} eV/Å² (unrelaxed "
        f"{values['unrelaxed_j_per_m2']:.4f} J/m²) of {plane}; {sides}{polar}"
    )


def _plot(values: Values, asked: Asked, monitor: Monitor) -> dict[str, str]:
    from llamp_mcp.simulation.plots import keep_plot

    return keep_plot(monitor, _drawn(values, asked))


def _drawn(values: Values, asked: Asked) -> Figure:
    """Surface energy against thickness, relaxed and not, and the value of the line."""
    from llamp_mcp.plots import figure

    drawn, axes = figure()
    thickness = [row["thickness_a"] for row in values["slabs"]]
    for key, label, colour in (
        ("surface_energy_j_per_m2", "relaxed", "#1f5f9e"),
        ("unrelaxed_j_per_m2", "unrelaxed", "#8fbbe0"),
    ):
        axes.plot(thickness, [row[key] for row in values["slabs"]], "o-", color=colour, label=label)
    line = values["linear_fit"]["surface_energy_j_per_m2"]
    axes.axhline(line, color="#c8442c", ls="--", label="line through all slabs")
    plane = " ".join(map(str, values["miller"]))
    axes.set(
        title=f"Surface energy of ({plane}), {asked.structure_id}",
        xlabel="Slab thickness (Å)",
        ylabel="Surface energy (J/m²)",
    )
    axes.margins(x=0.1, y=0.35)
    low, high = axes.get_ylim()
    least = _LEAST_SPAN * abs(line)  # else a converged value looks like noise
    if high - low < least:
        axes.set_ylim((low + high - least) / 2, (low + high + least) / 2)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    return drawn


def facts(values: Values) -> Iterable[tuple[str, str, float, str]]:
    """The value in both units."""
    yield "", "surface_energy_j_per_m2", values["surface_energy_j_per_m2"], "J/m²"
    yield "", "surface_energy_ev_per_a2", values["surface_energy_ev_per_a2"], "eV/Å²"


KIND = Kind(
    name="surface_energy",
    arguments=SurfaceArguments,
    check=check,
    run=surface_energy,
    text=text,
    facts=facts,
)
