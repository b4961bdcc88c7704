"""`thermal_expansion`: volume, bulk modulus and heat capacity against temperature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field

from llamp_mcp.errors import InvalidInput
from llamp_mcp.simulation.atoms import to_atoms
from llamp_mcp.simulation.force_field import ForceField
from llamp_mcp.simulation.lattice.drawing import draw_expansion
from llamp_mcp.simulation.lattice.parts import TIGHT, PartOf, how_far
from llamp_mcp.simulation.lattice.quasi_harmonic import (
    MIN_VOLUMES,
    Expansion,
    Volume,
    at_volumes,
    expansion,
    stable,
)
from llamp_mcp.simulation.lattice.standard import MIN_HEIGHT_A, standard_cell, to_structure
from llamp_mcp.simulation.lattice.vibrations import IMAGINARY_THZ
from llamp_mcp.simulation.plots import keep_plot
from llamp_mcp.simulation.properties.kind import Answered, Asked, Kind, Values
from llamp_mcp.simulation.subject import check_subject
from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llamp_mcp.simulation.calculators import Calculators
    from llamp_mcp.simulation.lattice.standard import StandardCell
    from llamp_mcp.simulation.workers.monitor import Monitor
    from llamp_mcp.structures.store import StructureStore

MAX_PRIMITIVE_ATOMS: Final = 50
_ARRAYS: Final = ("volume_a3", "expansion_per_k", "bulk_modulus_gpa", "gibbs_ev", "gruneisen")


class ExpansionArguments(Arguments):
    """Temperatures, and the volumes that are compared."""

    temperatures_k: Annotated[
        list[Annotated[float, Field(gt=0, le=5000)]], Field(min_length=1, max_length=20)
    ] = Field([100, 300, 600, 1000], description="K")
    strain: Annotated[float, Field(ge=0.002, le=0.1)] = Field(
        0.03, description="largest, linear; half of it compressed; 0.03"
    )
    volumes: Annotated[int, Field(ge=MIN_VOLUMES, le=15)] = Field(7, description="default 7")
    min_width_a: Annotated[float, Field(gt=0, le=60)] = Field(
        MIN_HEIGHT_A, description="of supercell, Å, 10"
    )


def check(
    asked: Asked,
    arguments: ExpansionArguments,
    *,
    structures: StructureStore,
    calculators: Calculators,
) -> None:
    """Refuse cells that would take too many supercells."""
    structure = check_subject(
        asked.structure_id, asked.calculator, structures=structures, calculators=calculators
    )
    cell = standard_cell(to_atoms(structure))
    if len(cell.primitive) > MAX_PRIMITIVE_ATOMS:
        raise InvalidInput(
            f"The primitive cell of {asked.structure_id} has {len(cell.primitive)} atoms",
            allowed=f"at most {MAX_PRIMITIVE_ATOMS}: phonons are computed at each volume",
        )
    n_atoms = cell.n_atoms(cell.repeats(arguments.min_width_a))
    calculators.resolve(asked.calculator, cell.primitive.get_chemical_symbols(), n_atoms)


def thermal_expansion(
    asked: Asked,
    arguments: ExpansionArguments,
    *,
    structures: StructureStore,
    calculators: Calculators,
    monitor: Monitor,
) -> Answered:
    """Quasi-harmonic: relax, then relax and compute phonons at several volumes, fit, follow."""
    given = structures.get(asked.structure_id)
    cell = standard_cell(to_atoms(given))
    largest = cell.n_atoms(cell.repeats(arguments.min_width_a))
    force_field = ForceField(calculators, asked.calculator, [given], largest)
    whole = PartOf(monitor, 0, arguments.volumes)
    found = force_field.find("relaxation", to_structure(cell.primitive), whole, TIGHT)
    cell = standard_cell(to_atoms(found.structure))
    repeats = cell.repeats(arguments.min_width_a)
    volumes = at_volumes(
        to_structure(cell.primitive), _strains(arguments), repeats, force_field, monitor
    )
    kept = stable(volumes)
    curves = expansion(kept, max(arguments.temperatures_k))
    fewer = expansion(kept[1:], max(arguments.temperatures_k)) if len(kept) > MIN_VOLUMES else None
    told = [t for t in arguments.temperatures_k if t <= curves.temperatures_k[-1]]
    formula, units = given.composition.get_reduced_formula_and_factor()
    title = f"{formula}, {cell.spacegroup}, {force_field.provenance['name']}: quasi-harmonic"
    drawn = draw_expansion(curves, len(cell.primitive), title)
    return Answered(
        values={
            "thermal": [
                {**_row(curves, t, cell, len(given) / units), **_spread(curves, fewer, t)}
                for t in told
            ],
            "thermal_per": f"{formula} ({len(given) / units:g} atoms)",
            "zero_point": _row(curves, 0.0, cell, len(given) / units),
            "static_volume_a3_per_atom": found.structure.volume / len(found.structure),
            "strains": [one.strain for one in volumes],
            "lowest_thz": [one.lowest_thz for one in volumes],
            "spacegroup": cell.spacegroup,
            "supercell": {
                "repeats": repeats,
                "n_atoms": cell.n_atoms(repeats),
                "heights_a": cell.heights_a(repeats),
            },
            "relaxed": how_far(found),
        },
        calculators=[force_field.provenance],
        converged=all(one.converged for one in (found, *(v.found for v in volumes))),
        warnings=list(_warnings(arguments, volumes, kept, curves, cell.heights_a(repeats))),
        plot=keep_plot(monitor, drawn),
    )


def _strains(arguments: ExpansionArguments) -> list[float]:
    """Equally spaced, more of them stretched than compressed: crystals mostly expand."""
    last = arguments.volumes - 1
    return [arguments.strain * (1.5 * number / last - 0.5) for number in range(last + 1)]


def _row(
    curves: Expansion, temperature_k: float, cell: StandardCell, atoms_per_formula: float
) -> dict[str, Any]:
    """All that is known at one temperature."""
    from ase.units import kJ, mol

    volume, alpha, bulk, gibbs, gruneisen = (
        float(curves.at(name, temperature_k)) for name in _ARRAYS
    )
    n_atoms = len(cell.primitive)
    capacity = float(curves.at("capacity_ev_per_k", temperature_k)) / n_atoms * atoms_per_formula
    row: dict[str, Any] = {
        "temperature_k": temperature_k,
        "volume_a3_per_atom": volume / n_atoms,
        "volumetric_expansion_per_k": alpha,
        "bulk_modulus_gpa": bulk,
        "gibbs_energy_ev_per_atom": gibbs / n_atoms,
        "heat_capacity_j_per_k_mol": capacity * mol / kJ * 1000,
        "gruneisen_parameter": gruneisen,
    }
    if curves.lengths_a is not None:
        row["lattice_a"] = [float(x) for x in curves.at("lengths_a", temperature_k)]
        row["axial_expansion_per_k"] = [float(x) for x in curves.at("axial_per_k", temperature_k)]
    return row


def _spread(curves: Expansion, fewer: Expansion | None, temperature_k: float) -> dict[str, float]:
    """What leaving out the most compressed volume changes: how far the fit can be trusted."""
    if fewer is None or temperature_k > fewer.temperatures_k[-1]:
        return {}
    both = [float(one.at("expansion_per_k", temperature_k)) for one in (curves, fewer)]
    return {"volumetric_expansion_spread_per_k": abs(both[0] - both[1])}


def _warnings(
    arguments: ExpansionArguments,
    volumes: list[Volume],
    kept: list[Volume],
    curves: Expansion,
    heights_a: list[float],
) -> Iterator[str]:
    if len(kept) < len(volumes):
        left = [f"{v.strain:+.3g} ({v.lowest_thz:.3g} THz)" for v in volumes if v not in kept]
        yield f"left out for imaginary modes, by linear strain: {', '.join(left)}"
    last = float(curves.temperatures_k[-1])
    if last < max(arguments.temperatures_k):
        yield (
            f"above {last:.4g} K the volume leaves the range that was computed: those temperatures "
            "are left out; take a larger strain if the crystal bears it"
        )
    if min(heights_a) < MIN_HEIGHT_A:
        yield f"the supercell is narrower than {MIN_HEIGHT_A:g} Å: compare with a larger one"
    if not all(one.found.converged for one in volumes):
        yield "the relaxation at a volume did not converge"


def text(values: Values) -> Iterable[str]:
    """One line per temperature, then how they were computed."""
    yield (
        f"standard cell, {values['spacegroup']}; static lattice {_short(values)} Å³/atom; heat "
        f"capacity at constant pressure, per mole of {values['thermal_per']}"
    )
    yield from (_row_text(row) for row in (values["zero_point"], *values["thermal"]))
    cell = values["supercell"]
    strains = ", ".join(
        f"{strain:+.3g}" + (f" ({lowest:.3g} THz)" if lowest < -IMAGINARY_THZ else "")
        for strain, lowest in zip(values["strains"], values["lowest_thz"], strict=True)
    )
    yield (
        "Method: quasi-harmonic, Vinet's equation of state of F(V, T) = E + F_phonon at each "
        f"temperature; relaxed first ({values['relaxed']}), atoms and shape relaxed at each "
        f"volume; linear strains (imaginary mode, if any): {strains}; supercell "
        f"{'x'.join(map(str, cell['repeats']))} conventional cells = {cell['n_atoms']} atoms, "
        f"{' '.join(f'{h:.4g}' for h in cell['heights_a'])} Å between faces, displacements 0.01 Å. "
        "± is the change when the most compressed volume is left out. No other anharmonicity "
        "(fails near melting), no electronic heat capacity, no LO-TO splitting"
    )


def _short(values: Values) -> str:
    return f"{values['static_volume_a3_per_atom']:.5f}"


def _row_text(row: dict[str, Any]) -> str:
    spread = row.get("volumetric_expansion_spread_per_k")
    told = "" if spread is None else f" ± {1e6 * spread:.2g}"
    line = (
        f"{row['temperature_k']:g} K: volume {row['volume_a3_per_atom']:.5f} Å³/atom, volumetric "
        f"expansion {1e6 * row['volumetric_expansion_per_k']:.4g}{told} e-6 /K, bulk modulus "
        f"{row['bulk_modulus_gpa']:.4g} GPa, heat capacity "
        f"{row['heat_capacity_j_per_k_mol']:.4g} J/(K mol), Gibbs energy "
        f"{row['gibbs_energy_ev_per_atom']:.5f} eV/atom, Grüneisen "
        f"{row['gruneisen_parameter']:.4g}"
    )
    if "lattice_a" not in row:
        return line
    lengths = " ".join(f"{x:.5f}" for x in row["lattice_a"])
    axial = " ".join(f"{1e6 * x:.4g}" for x in row["axial_expansion_per_k"])
    return f"{line}; conventional a b c = {lengths} Å, linear expansion {axial} e-6 /K"


def facts(values: Values) -> Iterable[tuple[str, str, float, str]]:
    """What holds at each temperature."""
    for row in values["thermal"]:
        at = f"at {row['temperature_k']:g} K"
        yield "", f"volume_a3_per_atom {at}", row["volume_a3_per_atom"], "Å³/atom"
        expansion_per_k = row["volumetric_expansion_per_k"]
        yield "", f"volumetric_expansion_per_k {at}", expansion_per_k, "1/K"
        yield "", f"bulk_modulus_gpa {at}", row["bulk_modulus_gpa"], "GPa"
        capacity = row["heat_capacity_j_per_k_mol"]
        yield "", f"heat_capacity_j_per_k_mol {at}", capacity, "J/(K mol)"


KIND = Kind(
    name="thermal_expansion",
    arguments=ExpansionArguments,
    check=check,
    run=thermal_expansion,
    text=text,
    facts=facts,
)
