from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from pydantic import ValidationError
from scipy.optimize import minimize_scalar

from llamp_mcp.errors import Cancelled, InvalidInput, NotFound
from llamp_mcp.simulation.calculators import Calculators
from llamp_mcp.simulation.relax_structure import RelaxParams, check, facts, relax_structure
from llamp_mcp.simulation.workers.monitor import Monitor
from llamp_mcp.structures.symmetry import space_group
from tests.simulation.conftest import copper, loads_force_field, silicon


@pytest.fixture
def relax(settings, structures, tmp_path):
    def relax(structure_id, **arguments):
        return relax_structure(
            RelaxParams(structure_id=structure_id, **{"calculator": "emt", **arguments}),
            structures=structures,
            calculators=Calculators(settings),
            monitor=Monitor("j-test", tmp_path),
        )

    return relax


def test_full_relaxation_finds_the_minimum_of_the_energy(relax, put, structures):
    """Oracle: the lattice constant that minimises ASE's EMT energy, searched directly."""

    def energy(a: float) -> float:
        atoms = bulk("Cu", a=a)
        atoms.calc = EMT()
        return float(atoms.get_potential_energy())

    best = minimize_scalar(energy, bracket=(3.5, 3.7))
    result = relax(put(copper(a=3.7)))

    assert result.converged
    assert result.lattice["a"] == pytest.approx(best.x, abs=1e-3)
    assert result.energy_ev_per_atom == pytest.approx(best.fun, abs=1e-5)
    assert max(abs(s) for s in result.stress_gpa) <= 0.05
    assert structures.get(result.structure_id).lattice.a == pytest.approx(result.lattice["a"])
    assert result.volume_change_percent == pytest.approx(100 * ((best.x / 3.7) ** 3 - 1), abs=0.1)


def test_relaxed_structure_remembers_how_it_was_made(relax, put, structures):
    parent = put(copper(a=3.65))
    step = structures.history(relax(parent).structure_id)[-1]

    assert (step.action, step.parent) == ("relax_structure", parent)
    assert step.parameters["calculator"] == "emt"
    assert step.parameters["cell"] == "full"


def test_facts_are_told_under_the_handle_with_their_units(relax, put):
    result = relax(put(copper()))
    told = {fact.property: fact for fact in facts(result)}

    assert {fact.subject for fact in told.values()} == {result.structure_id}
    assert (told["a"].value, told["a"].unit) == (result.lattice["a"], "Å")
    assert told["gamma"].unit == "degrees"
    assert told["energy_ev_per_atom"].unit == "eV/atom"


def test_fixed_cell_moves_atoms_only(relax, put, structures):
    structure = copper(2)
    structure.perturb(0.1)
    result = relax(put(structure), cell="fixed", fmax_ev_per_a=0.01)
    relaxed = structures.get(result.structure_id)

    assert np.allclose(relaxed.lattice.matrix, structure.lattice.matrix)
    assert result.max_force_ev_per_a <= 0.01
    assert result.spacegroup_before["number"] == 1
    assert result.spacegroup_after["symbol"] == "Fm-3m"


def test_volume_relaxation_keeps_the_shape(relax, put):
    structure = copper(a=3.7)
    structure.apply_strain([0.02, 0, 0])
    result = relax(put(structure), cell="volume")

    assert result.converged
    assert result.lattice["a"] / result.lattice["b"] == pytest.approx(1.02, rel=1e-6)
    assert abs(sum(result.stress_gpa[:3])) / 3 <= 0.05
    assert result.stress_gpa[0] > 0.05, "what the shape cannot give stays"


def test_pressure_leaves_a_stress_of_minus_the_pressure(relax, put):
    """Sign: ASE's stress is positive under tension."""
    result = relax(put(copper()), pressure_gpa=10)

    assert result.stress_gpa[:3] == pytest.approx([-10] * 3, abs=0.05)
    assert result.volume_change_percent < 0


def test_unconverged_relaxation_says_so_and_still_returns_its_structure(relax, put, structures):
    structure = copper(2)
    structure.perturb(0.2)
    result = relax(put(structure), cell="fixed", max_steps=2)

    assert not result.converged
    assert result.steps == 2
    assert "NOT converged" in result.text()
    assert len(structures.get(result.structure_id)) == 32


def test_text_says_every_number_and_id_of_the_result(relax, put):
    result = relax(put(copper(a=3.65)))
    text = result.text()

    assert result.structure_id in text
    for value in (
        f"{result.energy_ev:.8g} eV",
        f"{result.energy_ev_per_atom:.6g} eV/atom",
        f"{result.energy_change_ev_per_atom:.4g} eV/atom",
        f"{result.max_force_ev_per_a:.3g} eV/Å",
        f"{result.volume_a3:.6g} Å³",
        f"{result.volume_change_percent:.4g} %",
        *(f"{stress:.4g}" for stress in result.stress_gpa),
        *(f"{name} = {value:.6g}" for name, value in result.lattice.items()),
        "Fm-3m (225",
        "emt",
        result.calculator["version"],
    ):
        assert value in text


def test_pressure_on_a_fixed_cell_is_refused(settings, structures, put):
    params = RelaxParams(structure_id=put(copper()), calculator="emt", cell="fixed", pressure_gpa=1)

    with pytest.raises(InvalidInput, match="no effect with cell 'fixed'"):
        check(params, structures=structures, calculators=Calculators(settings))


def test_unknown_structure_is_refused(settings, structures):
    with pytest.raises(NotFound):
        check(
            RelaxParams(structure_id="s-0123456789abcdef"),
            structures=structures,
            calculators=Calculators(settings),
        )


def test_a_space_group_that_is_held_becomes_exact_and_stays(relax, put, structures):
    """Oracle: spglib at a tolerance of 1e-5 Å; each atom of the start is off by 0.003 Å."""
    structure = copper((2, 1, 1), a=3.7)
    structure.perturb(0.003)
    held = relax(put(structure), keep_symmetry=True, pressure_gpa=2)
    before, after = (
        space_group(one, 1e-5) for one in (structure, structures.get(held.structure_id))
    )

    assert before is not None
    assert after is not None
    assert before.number == 1
    assert after.number == held.spacegroup_before["number"] == 225
    assert held.converged
    assert held.stress_gpa[:3] == pytest.approx([-2] * 3, abs=0.05)
    assert ", held" in held.text()


def test_result_names_the_structure_it_began_with(relax, put):
    parent = put(copper(a=3.65))
    result = relax(parent)

    assert result.parent_id == parent != result.structure_id
    assert parent in result.text()


def test_atoms_that_end_too_close_are_warned_of(relax, put):
    structure = copper()
    structure.translate_sites([1], [0, -0.4, -0.4])
    result = relax(put(structure), cell="fixed", max_steps=1, fmax_ev_per_a=1)

    assert any("not to be trusted" in warning for warning in result.warnings)


@pytest.mark.parametrize(
    "wrong", [{"fmax_ev_per_a": 0}, {"fmax_ev_per_a": -1}, {"max_steps": 0}, {"cell": "none"}]
)
def test_values_out_of_bounds_are_refused(wrong):
    with pytest.raises(ValidationError):
        RelaxParams(structure_id="s-0", **wrong)


def test_cancellation_stops_within_a_step(settings, structures, put, tmp_path):
    structure = copper(2)
    structure.perturb(0.2)
    asked = iter([False, False, True])
    with pytest.raises(Cancelled):
        relax_structure(
            RelaxParams(structure_id=put(structure), calculator="emt"),
            structures=structures,
            calculators=Calculators(settings),
            monitor=Monitor("j-test", tmp_path, cancelled=lambda: next(asked)),
        )
    assert next(asked, "spent") == "spent"


@loads_force_field
def test_silicon_with_a_real_mace_model_has_its_lattice_constant(relax, put, settings):
    """5.470 Å was measured when the model was trained; the energy is MACE's called directly."""
    result = relax(put(silicon()), calculator="si-mace", fmax_ev_per_a=0.001)
    direct = bulk("Si", cubic=True, a=result.lattice["a"])
    direct.calc = Calculators(settings).load("si-mace", ["Si"], dtype="float64").calculator

    assert result.lattice["a"] == pytest.approx(5.470, abs=2e-3)
    assert result.energy_ev == pytest.approx(float(direct.get_potential_energy()), abs=1e-8)
    assert result.calculator["sha256"].startswith("0e30c98e859e9064")
    assert result.calculator["dtype"] == "float64"


@loads_force_field
def test_chgnet_relaxes_silicon_and_says_how_far_it_can_be_trusted(relax, put, settings):
    """Oracle: the minimum of CHGNet's energy over the lattice constant, called directly."""
    result = relax(put(silicon()), calculator="chgnet")
    calculator = Calculators(settings).load("chgnet", ["Si"]).calculator

    def energy(a: float) -> float:
        atoms = bulk("Si", a=a)
        atoms.calc = calculator
        return float(atoms.get_potential_energy())

    scan = np.linspace(5.40, 5.52, 13)
    best = np.polyfit(scan, [energy(a) for a in scan], 3)
    lowest = min(scan[0] + np.arange(0, 0.12, 1e-4), key=lambda a: np.polyval(best, a))

    assert result.lattice["a"] == pytest.approx(lowest, abs=5e-3)
    assert "Si 78/101" in result.text()
    assert result.calculator["sha256"]
