from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.optimize import BFGS
from ase.units import GPa
from pymatgen.core.lattice import Lattice
from pymatgen.core.structure import Structure
from pymatgen.io.ase import AseAtomsAdaptor
from scipy.optimize import minimize_scalar

from llamp_mcp.errors import CalculatorError, Cancelled, InvalidInput
from llamp_mcp.simulation.atoms import to_atoms
from llamp_mcp.simulation.calculate_energy import EnergyParams, calculate_energy, check, facts
from llamp_mcp.simulation.calculators import Calculators
from llamp_mcp.simulation.workers.monitor import Monitor
from tests.simulation.conftest import copper


@pytest.fixture
def energy(settings, structures, tmp_path):
    def energy(structure_id, cancelled=lambda: False, **arguments):
        return calculate_energy(
            EnergyParams(structure_id=structure_id, **{"calculator": "emt", **arguments}),
            structures=structures,
            calculators=Calculators(settings),
            monitor=Monitor("j-test", tmp_path, cancelled=cancelled),
        )

    return energy


@pytest.fixture
def refuse(settings, structures):
    def refuse(structure_id, **arguments):
        check(
            EnergyParams(structure_id=structure_id, **{"calculator": "emt", **arguments}),
            structures=structures,
            calculators=Calculators(settings),
        )

    return refuse


def gold(a: float = 4.1) -> Structure:
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(a), ["Au"], [[0, 0, 0]])


def cu3au(a: float = 3.75) -> Structure:
    return Structure.from_spacegroup(
        "Pm-3m", Lattice.cubic(a), ["Au", "Cu"], [[0, 0, 0], [0.5, 0.5, 0]]
    )


def lowest(symbol: str, bracket: tuple[float, float]) -> float:
    """The lowest EMT energy per atom of an fcc metal, searched over its lattice constant."""

    def energy(a: float) -> float:
        atoms = bulk(symbol, a=a)
        atoms.calc = EMT()
        return float(atoms.get_potential_energy())

    return float(minimize_scalar(energy, bracket=bracket).fun)


def test_energy_force_and_stress_are_those_of_ase(energy, put):
    structure = cu3au()
    structure.perturb(0.1)
    atoms = to_atoms(structure)
    atoms.calc = EMT()
    result = energy(put(structure))

    assert result.energy_ev == pytest.approx(atoms.get_potential_energy())
    assert result.energy_ev_per_atom == pytest.approx(atoms.get_potential_energy() / 4)
    assert result.max_force_ev_per_a == pytest.approx(
        np.linalg.norm(atoms.get_forces(), axis=1).max()
    )
    assert result.stress_gpa == pytest.approx(atoms.get_stress() / GPa)
    assert result.formation_energy_ev_per_atom is None


def test_formation_energy_is_against_relaxed_elements(energy, put):
    """Oracle: lowest EMT energy over the lattice constant, searched; elements start strained."""
    compound, elements = put(cu3au()), [put(gold()), put(copper(a=3.7))]
    result = energy(compound, reference="elements", reference_ids=elements)
    pure = 3 * lowest("Cu", (3.5, 3.7)) + lowest("Au", (4.0, 4.2))

    assert result.formation_energy_ev_per_atom == pytest.approx(
        (result.energy_ev - pure) / 4, abs=1e-5
    )
    assert [one["structure_id"] for one in result.references] == elements
    assert {one["spacegroup"] for one in result.references} == {"Fm-3m (225)"}


def test_an_element_against_itself_has_the_energy_of_its_strain(energy, put):
    strained = put(copper(a=3.7))
    result = energy(strained, reference="elements", reference_ids=[strained])

    assert result.formation_energy_ev_per_atom == pytest.approx(
        result.energy_ev_per_atom - lowest("Cu", (3.5, 3.7)), abs=1e-5
    )
    assert "relax_structure" in result.warnings[0]


def test_a_molecular_reference_keeps_its_box(energy, put):
    """Oracle: the molecule relaxed by ASE in the same box."""
    atoms = molecule("N2", vacuum=6, pbc=True)
    box = put(AseAtomsAdaptor.get_structure(atoms))
    result = energy(box, reference="elements", reference_ids=[box])
    atoms.calc = EMT()
    BFGS(atoms, logfile=None).run(fmax=0.001)
    (reference,) = result.references

    assert reference["relaxed"] == "atoms"
    assert reference["volume_a3_per_atom"] == pytest.approx(atoms.get_volume() / 2)
    assert reference["energy_ev_per_atom"] == pytest.approx(
        atoms.get_potential_energy() / 2, abs=1e-3
    )


def test_references_of_other_elements_are_left_aside(energy, put):
    """A batch shares its references."""
    elements = [put(gold()), put(copper(a=3.7))]
    result = energy(elements[1], reference="elements", reference_ids=elements)

    assert [one["element"] for one in result.references] == ["Cu"]


def test_an_interrupted_calculation_keeps_the_references_it_has(energy, put, monkeypatch, tmp_path):
    arguments = {"reference": "elements", "reference_ids": [put(copper(a=3.7)), put(gold())]}
    compound, parts = put(cu3au()), tmp_path / "parts.jsonl"
    whole = energy(compound, **arguments)
    parts.unlink()
    with pytest.raises(Cancelled):
        energy(
            compound,
            lambda: parts.is_file() and parts.read_text().count("\n") == 2,
            **arguments,
        )
    calls: list[list[str]] = []
    monkeypatch.setattr(EMT, "calculate", _told(calls, EMT.calculate))
    again = energy(compound, **arguments)

    assert again == whole
    assert {"".join(sorted(set(symbols))) for symbols in calls} == {"Cu"}, "Au and Cu3Au were kept"


def _told(calls, calculate):
    def told(self, atoms=None, *args, **kwargs):
        calls.append(atoms.get_chemical_symbols())
        return calculate(self, atoms, *args, **kwargs)

    return told


def test_text_says_every_number_and_what_it_may_not_be_mixed_with(energy, put):
    elements = [put(gold()), put(copper(a=3.7))]
    result = energy(put(cu3au()), reference="elements", reference_ids=elements)
    text = result.text()

    for value in (
        f"{result.energy_ev:.8g} eV",
        f"{result.energy_ev_per_atom:.6g} eV/atom",
        f"{result.formation_energy_ev_per_atom:.5g} eV/atom",
        f"{result.max_force_ev_per_a:.3g} eV/Å",
        *(f"{stress:.4g}" for stress in result.stress_gpa),
        *(f"{one['energy_ev_per_atom']:.6g} eV/atom" for one in result.references),
        *elements,
        result.structure_id,
        "Pm-3m (221",
        "not relaxed here",
        "do not mix with formation energies, hull or reaction energies of the Materials Project",
    ):
        assert value in text


def test_facts_name_the_structure_and_its_references(energy, put):
    elements = [put(gold()), put(copper(a=3.7))]
    result = energy(put(cu3au()), reference="elements", reference_ids=elements)
    told = {(fact.subject, fact.property): fact.value for fact in facts(result)}

    assert told[result.structure_id, "formation_energy_ev_per_atom"] == (
        result.formation_energy_ev_per_atom
    )
    assert {subject for subject, name in told if name == "relaxed_energy_ev_per_atom"} == set(
        elements
    )


def test_unphysical_contacts_are_warned_of(energy, put):
    structure = copper()
    structure.translate_sites([1], [0, -0.4, -0.4])

    assert any("unphysical" in warning for warning in energy(put(structure)).warnings)


def test_a_lacking_reference_is_refused_with_what_to_do(refuse, put):
    with pytest.raises(InvalidInput, match=r"No reference structure of Au .* reference_ids"):
        refuse(put(cu3au()), reference="elements", reference_ids=[put(copper())])


def test_two_references_of_an_element_are_refused(refuse, put):
    twice = [put(gold()), put(copper()), put(copper(a=3.7))]
    with pytest.raises(InvalidInput, match="Two references of Cu"):
        refuse(put(cu3au()), reference="elements", reference_ids=twice)


def test_a_compound_is_no_reference(refuse, put):
    with pytest.raises(InvalidInput, match="one element only"):
        refuse(put(cu3au()), reference="elements", reference_ids=[put(cu3au())])


def test_references_without_their_purpose_are_refused(refuse, put):
    with pytest.raises(InvalidInput, match="no effect with reference 'none'"):
        refuse(put(cu3au()), reference_ids=[put(copper())])


def test_an_element_the_force_field_lacks_is_refused(refuse, put):
    iron = Structure.from_spacegroup("Im-3m", Lattice.cubic(2.87), ["Fe"], [[0, 0, 0]])
    with pytest.raises(CalculatorError, match="does not cover Fe"):
        refuse(put(iron))
