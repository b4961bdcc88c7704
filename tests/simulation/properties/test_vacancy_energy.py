from __future__ import annotations

import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS
from pymatgen.core import Lattice, Structure
from pymatgen.io.ase import AseAtomsAdaptor

from llamp_mcp.errors import Cancelled, InvalidInput
from llamp_mcp.simulation.calculate_property import facts
from tests.simulation.conftest import copper
from tests.simulation.properties import oracle


def cu3au() -> Structure:
    return Structure.from_spacegroup(
        "Pm-3m", Lattice.cubic(3.75), ["Au", "Cu"], [[0, 0, 0], [0, 0.5, 0.5]]
    )


def test_an_elements_vacancy_costs_what_ase_alone_says(prop, put, structures):
    """Oracle: E(N - 1) - E(N)·(N - 1)/N of the same cell, relaxed by ASE's BFGS."""
    result = prop("vacancy_energy", put(copper()), supercell=[2, 2, 2], fmax_ev_per_a=0.005)
    perfect = bulk("Cu", cubic=True, a=oracle.lattice_constant()).repeat(2)
    empty = perfect.copy()
    del empty[0]
    mu = oracle.energy(perfect, None) / len(perfect)
    unrelaxed = oracle.energy(empty.copy(), None) - 31 * mu
    relaxed = oracle.energy(empty) - 31 * mu

    assert result.converged
    assert result.values["formation_energy_ev"] == pytest.approx(relaxed, abs=1e-3)
    (row,) = result.values["vacancies"]
    assert row["unrelaxed_formation_energy_ev"] == pytest.approx(unrelaxed, abs=1e-3)
    assert row["formation_energy_ev"] < row["unrelaxed_formation_energy_ev"]
    assert row["equivalent_sites"] == 4
    kept = structures.get(row["structure_id"])
    assert len(kept) == 31
    assert structures.history(row["structure_id"])[-1].parameters["site"] == 0


def test_the_default_supercell_is_ten_angstrom_wide(prop, put):
    wide = prop("vacancy_energy", put(copper(a=3.59)), max_steps=1)
    assert wide.values["width_a"] >= 10
    assert not any("Å wide" in warning for warning in wide.warnings)


def test_a_small_supercell_is_warned_of(prop, put):
    small = prop("vacancy_energy", put(copper()), supercell=[2, 2, 2])
    assert any("only 7.18 Å wide" in warning for warning in small.warnings)


def test_each_inequivalent_site_of_a_compound_is_emptied_against_its_own_reference(prop, put):
    """Oracle: ASE's BFGS on cell and atoms; mu is the relaxed element's energy per atom."""
    gold = Structure.from_spacegroup("Fm-3m", Lattice.cubic(4.1), ["Au"], [[0, 0, 0]])
    references = [put(gold), put(copper())]
    result = prop(
        "vacancy_energy",
        put(cu3au()),
        supercell=[2, 2, 2],
        reference_ids=references,
        fmax_ev_per_a=0.005,
    )
    atoms = AseAtomsAdaptor.get_atoms(cu3au())
    atoms.calc = EMT()
    BFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=1e-3)
    host = AseAtomsAdaptor.get_atoms(AseAtomsAdaptor.get_structure(atoms)).repeat(2)
    perfect = oracle.energy(host.copy(), None)

    rows = {row["species"]: row for row in result.values["vacancies"]}
    assert rows["Au"]["equivalent_sites"] == 1
    assert rows["Cu"]["equivalent_sites"] == 3
    for symbol in ("Au", "Cu"):
        empty = host.copy()
        del empty[empty.get_chemical_symbols().index(symbol)]
        a = oracle.lattice_constant(symbol)
        mu = oracle.energy(bulk(symbol, "fcc", a=a), None)
        expected = oracle.energy(empty) - perfect + mu
        assert rows[symbol]["formation_energy_ev"] == pytest.approx(expected, abs=3e-3)


def test_a_compound_without_references_says_which_are_needed(refuse, put):
    with pytest.raises(InvalidInput, match="chemical potential of Au, Cu"):
        refuse("vacancy_energy", put(cu3au()))


def test_a_reference_of_two_elements_is_refused(refuse, put):
    with pytest.raises(InvalidInput, match="one element only"):
        refuse("vacancy_energy", put(cu3au()), reference_ids=[put(cu3au())])


def test_a_reference_that_is_not_needed_is_refused(refuse, put):
    with pytest.raises(InvalidInput, match="of no use"):
        refuse("vacancy_energy", put(copper()), reference_ids=[put(copper())])


def test_a_site_that_does_not_exist_is_refused(refuse, put):
    with pytest.raises(InvalidInput, match="no site 4"):
        refuse("vacancy_energy", put(copper()), sites=[4])


def test_text_says_energy_reservoir_cell_and_that_charges_are_out_of_reach(prop, put):
    result = prop("vacancy_energy", put(copper()), supercell=[2, 2, 2])
    text = result.text()
    (row,) = result.values["vacancies"]

    for told in (
        f"formation energy = {row['formation_energy_ev']:.4f} eV",
        f"mu(Cu) = {result.values['chemical_potentials'][0]['energy_ev']:.6f} eV",
        "32 atoms before removal",
        "neutral vacancies only",
        "fixed volume",
        row["structure_id"],
    ):
        assert told in text
    told = {(fact.subject, fact.property): fact for fact in facts(result)}
    assert told[result.structure_id, "vacancy_formation_energy_ev"].unit == "eV"
    assert (row["structure_id"], "formation_energy_ev") in told


def test_an_interrupted_calculation_goes_on_with_the_parts_it_has(prop, put):
    """The crystal and the perfect supercell are not computed again."""
    crystal, asked = put(copper()), []

    def count():
        asked.append(1)
        return len(asked) == stop

    stop = 10**6
    arguments = {"supercell": [2, 2, 2], "fmax_ev_per_a": 0.005}
    stop = 8
    with pytest.raises(Cancelled):
        prop("vacancy_energy", crystal, cancelled=count, **arguments)
    first, stop = len(asked), 10**6
    asked.clear()
    resumed = prop("vacancy_energy", crystal, cancelled=count, **arguments)
    again = len(asked)
    asked.clear()

    assert first == 8
    assert resumed.converged
    once_more = prop("vacancy_energy", crystal, cancelled=count, **arguments)
    assert len(asked) < again
    assert once_more.values == resumed.values
