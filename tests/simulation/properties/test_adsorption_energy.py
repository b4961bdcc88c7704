from __future__ import annotations

import pytest
from ase.build import molecule
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms
from ase.optimize import BFGS
from pymatgen.io.ase import AseAtomsAdaptor

from llamp_mcp.errors import Cancelled, InvalidInput
from llamp_mcp.simulation.calculate_property import facts
from llamp_mcp.structures.edits.adsorbate import AdsorbateArguments, adsorbate
from llamp_mcp.structures.edits.slab import SlabArguments, slab
from tests.simulation.conftest import copper
from tests.simulation.properties import oracle

TIGHT = 0.005


@pytest.fixture(scope="module")
def clean():
    """Two by two cells of Cu(111), four layers."""
    made = slab(
        copper(a=oracle.lattice_constant()),
        SlabArguments(miller=[1, 1, 1], min_thickness_a=6, min_vacuum_a=12),
    ).structure
    made.make_supercell([2, 2, 1])
    return made


def relaxed(atoms, fixed=()):
    atoms.calc = EMT()
    atoms.set_constraint(FixAtoms(indices=list(fixed)))
    BFGS(atoms, logfile=None).run(fmax=TIGHT, steps=300)
    return float(atoms.get_potential_energy())


def direct(clean, symbol, start, fixed=(), gas=None):
    """The three energies by ASE alone; the adsorbate starts where `start` says."""
    bare = AseAtomsAdaptor.get_atoms(clean)
    covered = bare.copy()
    covered.append(symbol)
    covered.positions[-1] = start
    reference = molecule(gas or symbol, vacuum=8, pbc=True)
    share = 1 / len(reference)
    return relaxed(covered, fixed) - relaxed(bare, fixed) - share * relaxed(reference)


@pytest.mark.parametrize("symbol", ["O", "H"])
def test_an_atom_in_the_hollow_is_bound_as_ase_alone_says(prop, put, clean, structures, symbol):
    result = prop(
        "adsorption_energy",
        put(clean),
        molecule=symbol,
        site_kind="hollow",
        height_a=1.2,
        fmax_ev_per_a=TIGHT,
    )
    end = structures.get(result.values["structure_id"])
    expected = direct(clean, symbol, end.cart_coords[-1] + [0, 0, 0.2])

    assert result.converged
    assert result.values["adsorption_energy_ev"] == pytest.approx(expected, abs=2e-3)
    assert result.values["adsorption_energy_ev"] < 0, "binds"
    assert len(end) == len(clean) + 1


def test_half_a_molecule_is_the_reference_and_the_bottom_is_held(prop, put, clean, structures):
    crystal = put(clean)
    result = prop(
        "adsorption_energy",
        crystal,
        molecule="O",
        site_kind="hollow",
        height_a=1.2,
        gas="O2",
        fixed_layers=2,
        fmax_ev_per_a=TIGHT,
    )
    end = structures.get(result.values["structure_id"])
    heights = clean.cart_coords[:, 2]
    low = [at for at in range(len(clean)) if heights[at] < sorted(heights)[8] - 0.5]
    expected = direct(clean, "O", end.cart_coords[-1], low, gas="O2")

    assert len(low) == result.values["fixed_atoms"] == 8
    assert result.values["adsorption_energy_ev"] == pytest.approx(expected, abs=2e-3)
    for at in low:
        assert end.cart_coords[at] == pytest.approx(clean.cart_coords[at], abs=1e-4)


def test_a_covered_slab_made_by_the_edit_gives_the_same_energy(prop, put, clean, structures):
    covered = adsorbate(
        clean,
        AdsorbateArguments(molecule="O", site_kind="hollow", height_a=1.2),
        lookup=structures.get,
    ).structure
    given = prop(
        "adsorption_energy", put(clean), adsorbed_id=put(covered), fmax_ev_per_a=TIGHT
    ).values
    expected = direct(clean, "O", covered.cart_coords[-1])
    assert given["adsorption_energy_ev"] == pytest.approx(expected, abs=2e-3)
    assert given["placed"].startswith("as in s-")


def test_a_molecule_that_leaves_the_surface_is_told(prop, put, clean):
    result = prop("adsorption_energy", put(clean), molecule="N2", height_a=5)
    assert any("not bound there" in warning for warning in result.warnings)
    assert result.values["whole"] is True


def test_dense_layers_are_warned_of(prop, put):
    one = slab(copper(), SlabArguments(miller=[1, 1, 1], min_thickness_a=6)).structure
    result = prop("adsorption_energy", put(one), molecule="O", height_a=1.3)
    assert any("dense layer" in warning for warning in result.warnings)


def test_the_limits_of_the_model_are_always_said(prop, put, clean):
    result = prop("adsorption_energy", put(clean), molecule="CO", max_steps=5)
    assert any("trained on crystals" in warning for warning in result.warnings)
    text = result.text()
    for told in ("negative: binds", "E(slab)", "all atoms free", result.values["structure_id"]):
        assert told in text
    (fact,) = facts(result)
    assert (fact.property, fact.unit) == ("adsorption_energy_ev", "eV")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({}, "exactly one of molecule | adsorbed_id"),
        ({"molecule": "Xy"}, "Unknown molecule"),
        ({"molecule": "O", "gas": "N2"}, "cannot stand for"),
        ({"molecule": "O", "fixed_layers": 4}, "4 atomic planes"),
        ({"adsorbed_id": "s-0", "height_a": 2}, "cannot be chosen"),
    ],
)
def test_wrong_arguments_are_refused(refuse, put, clean, arguments, why):
    with pytest.raises(InvalidInput, match=why.replace("|", r"\|")):
        refuse("adsorption_energy", put(clean), **arguments)


def test_a_covered_slab_that_is_another_one_is_refused(refuse, put, clean):
    other = clean.copy()
    other.append("O", [0.1, 0.1, 0.9])
    other.scale_lattice(1.1 * other.volume)
    with pytest.raises(InvalidInput, match="in the same cell"):
        refuse("adsorption_energy", put(clean), adsorbed_id=put(other))


def test_a_crystal_is_no_slab(refuse, put):
    with pytest.raises(InvalidInput, match="no vacuum"):
        refuse("adsorption_energy", put(copper()), molecule="O")


def test_an_element_the_calculator_lacks_is_refused(refuse, put, clean):
    with pytest.raises(Exception, match="does not cover S"):
        refuse("adsorption_energy", put(clean), molecule="S")


def test_an_interrupted_calculation_keeps_the_slab_and_the_molecule(prop, put, clean):
    asked, stop = [], 10**6

    def count():
        asked.append(1)
        return len(asked) == stop

    arguments = {"molecule": "CO", "fmax_ev_per_a": TIGHT}
    start = put(clean)
    stop = 9
    with pytest.raises(Cancelled):
        prop("adsorption_energy", start, cancelled=count, **arguments)
    stop = 10**6
    asked.clear()
    resumed = prop("adsorption_energy", start, cancelled=count, **arguments)
    assert resumed.converged
    asked.clear()
    again = prop("adsorption_energy", start, cancelled=count, **arguments)
    assert len(asked) == 3, "one question for each of three parts, all of them done"
    assert again.values == resumed.values
