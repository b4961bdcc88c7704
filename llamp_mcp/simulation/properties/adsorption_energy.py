"""`adsorption_energy`: how strongly an atom or a molecule is bound to a surface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.provenance import LineageStep
from llamp_mcp.simulation.force_field import ForceField, Found
from llamp_mcp.simulation.properties.adsorption_system import (
    AdsorptionArguments,
    System,
    on_relaxed,
    system_of,
)
from llamp_mcp.simulation.properties.common import unconverged
from llamp_mcp.simulation.properties.kind import Answered, Asked, Kind, Values
from llamp_mcp.simulation.subject import check_subject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pymatgen.core import Structure

    from llamp_mcp.simulation.calculators import Calculators
    from llamp_mcp.simulation.workers.monitor import Monitor
    from llamp_mcp.structures.store import StructureStore

_BONDED: Final = 1.25
"""Atoms nearer than this times the sum of their covalent radii are bonded."""

_FREE_A: Final = 3.0
"""An adsorbate farther than this from the slab has left it."""

_DENSE_A: Final = 5.0


def check(
    asked: Asked,
    arguments: AdsorptionArguments,
    *,
    structures: StructureStore,
    calculators: Calculators,
) -> None:
    """Refuse what is no slab, an unknown molecule or site, elements that are not covered."""
    check_subject(
        asked.structure_id, asked.calculator, structures=structures, calculators=calculators
    )
    system = system_of(asked, arguments, structures)
    elements = system.covered.composition + system.gas.composition
    calculators.resolve(
        asked.calculator,
        [element.symbol for element in elements.element_composition],
        len(system.covered),
    )


def adsorption_energy(
    asked: Asked,
    arguments: AdsorptionArguments,
    *,
    structures: StructureStore,
    calculators: Calculators,
    monitor: Monitor,
) -> Answered:
    """E(slab with adsorbate) - E(slab) - E(molecule in a box), all by the same force field."""
    system = system_of(asked, arguments, structures)
    force_field = ForceField(
        calculators, asked.calculator, [system.covered, system.gas], len(system.covered)
    )
    how = arguments.atoms_only
    slab = force_field.find("slab", system.slab, monitor, how, system.fixed)
    gas = force_field.find("molecule", system.gas, monitor, how)
    start = on_relaxed(system, slab.structure) if arguments.adsorbed_id is None else system.covered
    covered = force_field.find("slab with adsorbate", start, monitor, how, system.fixed)
    handle = structures.put(covered.structure, _lineage(asked, arguments, force_field, covered))
    relaxations = [("the slab", slab), ("the molecule", gas), ("the covered slab", covered)]
    geometry = _geometry(system, covered.structure, start)
    values = _values(system, slab, gas, covered, arguments)
    return Answered(
        values={**values, **geometry, "structure_id": handle},
        calculators=[force_field.provenance],
        converged=all(one.converged for _, one in relaxations),
        warnings=[
            *unconverged(relaxations, arguments),
            *system.notes,
            *_warnings(system, geometry, covered.structure),
            *force_field.caveats(),
        ],
    )


def _values(
    system: System, slab: Found, gas: Found, covered: Found, arguments: AdsorptionArguments
) -> Values:
    import numpy as np

    a, b, _ = system.slab.lattice.matrix
    area = float(np.linalg.norm(np.cross(a, b)))
    return {
        "adsorption_energy_ev": covered.energy_ev - slab.energy_ev - system.share * gas.energy_ev,
        "covered_energy_ev": covered.energy_ev,
        "slab_energy_ev": slab.energy_ev,
        "gas_energy_ev": gas.energy_ev,
        "gas": system.gas_name,
        "gas_share": system.share,
        "adsorbate": system.covered[len(system.slab) :][0].species_string
        if len(system.covered) == len(system.slab) + 1
        else _formula(system),
        "placed": system.placed,
        "coverage_per_a2": 1 / area,
        "fixed_atoms": len(system.fixed),
        "n_atoms": len(system.covered),
        "max_force_ev_per_a": covered.max_force_ev_per_a,
        "steps": covered.steps,
        "fmax_ev_per_a": arguments.fmax_ev_per_a,
    }


def _formula(system: System) -> str:
    left = system.covered.composition - system.slab.composition
    return str(left.element_composition.formula)


def _geometry(system: System, relaxed: Structure, start: Structure) -> dict[str, Any]:
    """Where the adsorbate ended: its nearest surface atom, its way, and whether it is whole."""
    import numpy as np
    from pymatgen.util.coord import pbc_shortest_vectors

    many = len(system.slab)
    lattice = relaxed.lattice
    apart = lattice.get_all_distances(relaxed.frac_coords[many:], relaxed.frac_coords[:many])
    who, nearest = np.unravel_index(int(np.argmin(np.round(apart, 6))), apart.shape)
    shifts = [
        pbc_shortest_vectors(lattice, before, after)[0, 0]
        for before, after in zip(start.frac_coords[many:], relaxed.frac_coords[many:], strict=True)
    ]
    a, b, _ = lattice.matrix
    normal = np.cross(a, b) / np.linalg.norm(np.cross(a, b))
    mean = np.mean(shifts, axis=0)
    return {
        "nearest_distance_a": float(apart.min()),
        "nearest_pair": f"{relaxed[many + int(who)].species_string} to "
        f"{relaxed[int(nearest)].species_string}",
        "moved_along_surface_a": float(np.linalg.norm(mean - (mean @ normal) * normal)),
        "moved_along_normal_a": float(mean @ normal),
        "whole": len(_fragments(relaxed, many)) == len(_fragments(system.covered, many)),
    }


def _fragments(structure: Structure, many: int) -> set[int]:
    """One atom of each group of the adsorbate's atoms that hang together."""
    import numpy as np
    from ase.data import covalent_radii

    atoms = list(range(many, len(structure)))
    radii = np.array([covalent_radii[structure[at].specie.Z] for at in atoms])
    coords = structure.frac_coords[atoms]
    bonded = structure.lattice.get_all_distances(coords, coords) < _BONDED * (
        radii[:, None] + radii
    )
    label = np.arange(len(atoms))
    for _ in atoms:
        label = np.array([label[row].min() for row in bonded])
    return set(label.tolist())


def _lineage(
    asked: Asked, arguments: AdsorptionArguments, force_field: ForceField, found: Found
) -> LineageStep:
    return LineageStep(
        action="calculate_property",
        parent=arguments.adsorbed_id or asked.structure_id,
        parameters={
            "kind": "adsorption_energy",
            **arguments.model_dump(exclude_none=True),
            "calculator": force_field.provenance["name"],
            "sha256": force_field.provenance["sha256"],
            "converged": found.converged,
        },
    )


def _warnings(system: System, geometry: dict[str, Any], relaxed: Structure) -> Iterable[str]:
    if geometry["nearest_distance_a"] > _FREE_A:
        yield (
            f"the adsorbate ended {geometry['nearest_distance_a']:.2f} Å from the slab: it is not "
            "bound there"
        )
    if not geometry["whole"]:
        yield "the adsorbate broke or bonded anew while relaxing: the energy is of the fragments"
    shortest_a = min(relaxed.lattice.a, relaxed.lattice.b)
    if shortest_a < _DENSE_A:
        yield (
            f"adsorbates are only {shortest_a:.2f} Å apart: this is a dense layer; for a single "
            "one make a supercell of the slab along a and b"
        )
    alone = len(system.gas) == 1
    what = "an isolated atom" if alone else "a molecule in the gas phase"
    yield (
        f"a force field trained on crystals may be far off for {what}"
        + (", give gas (O2 for O) to compare with the molecule" if alone else "")
        + "; no zero-point energy, and van der Waals binding only if it was trained in"
    )


def text(values: Values) -> Iterable[str]:
    """The value and its parts."""
    yield (
        f"adsorption energy = {values['adsorption_energy_ev']:.4f} eV per {values['adsorbate']} "
        "(negative: binds)"
    )
    yield (
        f"= E(covered) {values['covered_energy_ev']:.6f} - E(slab) {values['slab_energy_ev']:.6f} "
        f"- {values['gas_share']:g} x E({values['gas']} in a box) {values['gas_energy_ev']:.6f} eV"
    )
    yield (
        f"placed {values['placed']}; relaxed {values['structure_id']} ({values['n_atoms']} atoms, "
        f"{values['steps']} steps, max force {values['max_force_ev_per_a']:.2g} eV/Å): moved "
        f"{values['moved_along_surface_a']:.3f} Å along the surface, "
        f"{values['moved_along_normal_a']:+.3f} Å along its normal; nearest "
        f"{values['nearest_pair']} {values['nearest_distance_a']:.3f} Å; adsorbate "
        f"{'whole' if values['whole'] else 'NOT whole'}"
    )
    held = values["fixed_atoms"]
    yield (
        f"slab, molecule and covered slab relaxed to {values['fmax_ev_per_a']:g} eV/Å at fixed "
        f"cell, {f'{held} lowest atoms held' if held else 'all atoms free'}; coverage "
        f"{values['coverage_per_a2']:.5f} per Å² on one side. A symmetric site may be a saddle "
        "point: compare several"
    )


def facts(values: Values) -> Iterable[tuple[str, str, float, str]]:
    """The value, under the covered slab."""
    yield values["structure_id"], "adsorption_energy_ev", values["adsorption_energy_ev"], "eV"


KIND = Kind(
    name="adsorption_energy",
    arguments=AdsorptionArguments,
    check=check,
    run=adsorption_energy,
    text=text,
    facts=facts,
)
