from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.eos import EquationOfState
from ase.optimize import BFGS
from ase.units import GPa
from matcalc import ElasticityCalc
from pydantic import ValidationError
from pymatgen.core import Lattice, Structure

from llamp_mcp.errors import Cancelled, InvalidInput, NotFound
from llamp_mcp.simulation.calculators import Calculators
from llamp_mcp.simulation.compute_elastic_tensor import (
    ElasticParams,
    check,
    compute_elastic_tensor,
    facts,
)
from llamp_mcp.simulation.lattice import elasticity
from llamp_mcp.simulation.workers.monitor import Monitor
from tests.simulation.conftest import copper, loads_force_field, silicon


@pytest.fixture
def compute(settings, structures, put, tmp_path):
    def compute(structure, directory="job", cancelled=lambda: False, **arguments):
        where = tmp_path / directory
        where.mkdir(exist_ok=True)
        handle = structure if isinstance(structure, str) else put(structure)
        return compute_elastic_tensor(
            ElasticParams(structure_id=handle, **{"calculator": "emt", **arguments}),
            structures=structures,
            calculators=Calculators(settings),
            monitor=Monitor("j-test", where, cancelled=cancelled),
        )

    return compute


def argon() -> Structure:
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.25), ["Ar"], [[0, 0, 0]])


def hexagonal_copper() -> Structure:
    return Structure(
        Lattice.hexagonal(2.55, 4.16), ["Cu", "Cu"], [[1 / 3, 2 / 3, 1 / 4], [2 / 3, 1 / 3, 3 / 4]]
    )


def test_copper_equals_second_derivatives_of_the_energy(compute, structures):
    """Oracle: ASE's EMT energies of strained cells, differentiated twice by hand."""
    result = compute(copper())
    relaxed = structures.get(result.structure_id)
    a = relaxed.lattice.a

    def energy_density(strain: np.ndarray) -> float:
        atoms = bulk("Cu", a=a, cubic=True)
        volume = atoms.get_volume()
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
        atoms.calc = EMT()
        return float(atoms.get_potential_energy() / volume / GPa)

    def second(pattern: list[list[float]]) -> float:
        h, along = 1e-3, np.array(pattern)
        ends = energy_density(h * along) + energy_density(-h * along)
        return (ends - 2 * energy_density(0 * along)) / h**2

    c11 = second([[1, 0, 0], [0, 0, 0], [0, 0, 0]])
    shear = second([[1, 0, 0], [0, -1, 0], [0, 0, 0]])  # 2 (C11 - C12)
    c44 = second([[0, 0.5, 0], [0.5, 0, 0], [0, 0, 0]])
    tensor = np.array(result.elastic_tensor_gpa)

    assert tensor[0, 0] == pytest.approx(c11, rel=0.01)
    assert tensor[0, 1] == pytest.approx(c11 - shear / 2, rel=0.01)
    assert tensor[3, 3] == pytest.approx(c44, rel=0.01)
    assert result.born_stable


def test_bulk_modulus_is_that_of_the_equation_of_state_whatever_the_cell(compute):
    """Oracle: ASE's Birch-Murnaghan fit of EMT energies; the issue asks for 134.4 GPa."""
    result = compute(copper().get_primitive_structure())
    volumes, energies = [], []
    for strain in np.linspace(-0.02, 0.02, 9):
        atoms = bulk("Cu", a=3.59 * (1 + strain))
        atoms.calc = EMT()
        volumes.append(atoms.get_volume())
        energies.append(atoms.get_potential_energy())
    _, _, modulus = EquationOfState(volumes, energies, eos="birchmurnaghan").fit()

    assert result.bulk_modulus_vrh_gpa == pytest.approx(modulus / GPa, rel=0.01)
    assert result.bulk_modulus_vrh_gpa == pytest.approx(134.4, abs=1)


def test_copper_equals_matcalc(compute, structures):
    """Oracle: matcalc's ElasticityCalc, whose moduli are in eV/Å³."""
    result = compute(copper())
    relaxed = structures.get(result.structure_id)
    oracle = ElasticityCalc(
        EMT(),
        norm_strains=(-0.005, 0.005),
        shear_strains=(-0.005, 0.005),
        fmax=1e-4,
        relax_structure=False,
        relax_deformed_structures=False,
        r2_min=0,  # it counts components that are zero as badly fitted
    ).calc(relaxed)

    assert result.bulk_modulus_vrh_gpa == pytest.approx(oracle["bulk_modulus_vrh"] / GPa, rel=0.01)
    assert result.shear_modulus_vrh_gpa == pytest.approx(
        oracle["shear_modulus_vrh"] / GPa, rel=0.01
    )
    assert np.array(result.elastic_tensor_gpa) == pytest.approx(
        np.asarray(oracle["elastic_tensor"].voigt) / GPa, rel=0.01, abs=0.1
    )


def test_a_pair_potential_obeys_cauchy(compute):
    """Analytic: C12 = C44 where every atom is a centre of symmetry and forces are of pairs."""
    tensor = np.array(compute(argon(), calculator="lj").elastic_tensor_gpa)

    assert tensor[0, 1] == pytest.approx(tensor[3, 3], rel=2e-3)


@loads_force_field
def test_silicon_equals_stresses_of_ase_with_the_atoms_relaxed(compute, settings, structures):
    """Oracle: central differences of ASE's stress, atoms relaxed by ASE's BFGS, trained MACE."""
    result = compute(silicon().get_primitive_structure(), calculator="si-mace")
    relaxed = structures.get(result.structure_id)
    loaded = Calculators(settings).load("si-mace", ["Si"], dtype="float64").calculator

    def stress(strain: np.ndarray) -> np.ndarray:
        atoms = bulk("Si", a=relaxed.volume ** (1 / 3) * 4 ** (1 / 3))
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
        atoms.calc = loaded
        BFGS(atoms, logfile=None).run(fmax=1e-5, steps=200)
        found: np.ndarray = atoms.get_stress(voigt=True) / GPa
        return found

    h = 0.002
    along_x = np.diag([h, 0, 0])
    c11, c12 = ((stress(along_x) - stress(-along_x)) / (2 * h))[:2]
    shear = np.array([[0, 0, 0], [0, 0, h / 2], [0, h / 2, 0]])
    c44 = ((stress(shear) - stress(-shear)) / (2 * h))[3]
    tensor = np.array(result.elastic_tensor_gpa)

    assert tensor[0, 0] == pytest.approx(c11, rel=0.01)
    assert tensor[0, 1] == pytest.approx(c12, rel=0.01)
    assert tensor[3, 3] == pytest.approx(c44, rel=0.01)

    clamped = compute(result.structure_id, "clamped", calculator="si-mace", ions="clamped")
    assert clamped.elastic_tensor_gpa[0][:2] == pytest.approx([c11, c12], rel=0.01)
    assert clamped.elastic_tensor_gpa[3][3] > 1.2 * c44, "held atoms are stiffer"
    assert any("clamped" in warning for warning in clamped.warnings)


def test_a_turned_crystal_has_the_same_tensor_in_its_own_axes(compute, put):
    """A rotation changes the axes of the cell, nothing else; hexagonal: C66 = (C11 - C12) / 2."""
    crystal = hexagonal_copper()
    turn = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]]) @ _about_z(20)
    turned = Structure(crystal.lattice.matrix @ turn.T, ["Cu", "Cu"], crystal.frac_coords)
    here, there = compute(crystal, "a"), compute(turned, "b")
    stored = compute(turned, "c", axes="stored")
    tensor = np.array(here.elastic_tensor_gpa)

    assert np.array(there.elastic_tensor_gpa) == pytest.approx(tensor, abs=0.05)
    assert there.anisotropy == pytest.approx(here.anisotropy, rel=1e-3)
    assert tensor[5, 5] == pytest.approx((tensor[0, 0] - tensor[0, 1]) / 2, abs=0.01)
    assert tensor[2, 2] > tensor[0, 0], "the hexagonal axis is z"
    assert np.abs(tensor[:3, 3:]).max() == 0
    assert elasticity.rotated(
        np.array(stored.elastic_tensor_gpa), np.array(there.axes["rows"])
    ) == pytest.approx(tensor, abs=0.05)
    assert np.array(stored.elastic_tensor_gpa) != pytest.approx(tensor, abs=1)


def _about_z(degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def test_a_crystal_that_deforms_by_itself_is_not_stable(compute):
    """bcc copper goes to fcc along the Bain path: C11 < C12 (10.1103/PhysRevB.90.224104)."""
    cell = Structure(Lattice.cubic(2.87), ["Cu", "Cu"], [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]])
    result = compute(cell)
    tensor = result.elastic_tensor_gpa

    assert tensor[0][0] < tensor[0][1]
    assert not result.born_stable
    assert result.eigenvalues_gpa[0] == pytest.approx(tensor[0][0] - tensor[0][1], abs=1e-4)
    assert "NOT stable" in result.text()


def test_a_crystal_under_stress_says_so_and_is_kept(compute, put):
    handle = put(copper(a=3.5))
    result = compute(handle, relax=False)

    assert result.structure_id == handle
    assert result.fit["residual_stress_gpa"] > 1
    assert any("under stress" in warning for warning in result.warnings)
    assert "NOT relaxed first" in result.text()


def test_interrupted_and_run_again_it_goes_on(compute, emt_calls, tmp_path):
    whole = compute(hexagonal_copper(), "whole")
    in_all = emt_calls()
    asked = 0

    def after_some() -> bool:
        nonlocal asked
        asked += 1
        return asked > 60

    with pytest.raises(Cancelled):
        compute(hexagonal_copper(), "broken", cancelled=after_some)
    kept = (tmp_path / "broken" / "parts.jsonl").read_text().count("\n")
    emt_calls()
    resumed = compute(hexagonal_copper(), "broken")

    assert 1 < kept < 25
    assert resumed == whole
    assert emt_calls() < 0.9 * in_all


def test_text_facts_and_lineage_say_what_was_found(compute, put, structures):
    parent = put(copper(a=3.7))
    result = compute(parent)
    step = structures.history(result.structure_id)[-1]
    text = result.text()
    told = {fact.property: fact for fact in facts(result)}

    assert "Voigt order xx yy zz yz xz xy" in text
    for value in (result.bulk_modulus_vrh_gpa, result.elastic_tensor_gpa[0][0]):
        assert f"{value:.5g}" in text
    assert f"{result.anisotropy:.4g}" in text
    assert told["c44_gpa"].value == result.elastic_tensor_gpa[3][3]
    assert "c14_gpa" not in told
    assert told["poisson_ratio"].subject == result.structure_id
    assert (step.action, step.parent) == ("compute_elastic_tensor", parent)
    assert structures.get(result.structure_id).lattice.a == pytest.approx(3.59, abs=0.01)


def test_progress_counts_strained_cells(settings, structures, put, tmp_path):
    reports: list[tuple[int, int, str]] = []
    compute_elastic_tensor(
        ElasticParams(structure_id=put(copper()), calculator="emt"),
        structures=structures,
        calculators=Calculators(settings),
        monitor=Monitor("j-test", tmp_path, report=lambda d, t, m, _: reports.append((d, t, m))),
    )

    assert [done for done, *_ in reports] == sorted(done for done, *_ in reports)
    assert {total for _, total, _ in reports} == {25}
    assert reports[-1][2].startswith("strain xy +0.01")


def test_bad_input_is_refused_before_a_job_is_made(settings, structures, put):
    def refused(**arguments: object) -> None:
        params = ElasticParams.model_validate({"calculator": "emt", **arguments})
        check(params, structures=structures, calculators=Calculators(settings))

    with pytest.raises(NotFound):
        refused(structure_id="s-0000000000000000")
    partly = Structure(Lattice.cubic(3.6), [{"Cu": 0.5, "Au": 0.5}], [[0, 0, 0]])
    with pytest.raises(InvalidInput, match="partly occupied"):
        refused(structure_id=put(partly))
    slab = Structure(Lattice.tetragonal(3.6, 20), ["Cu"] * 2, [[0, 0, 0.5], [0.5, 0.5, 0.59]])
    with pytest.raises(InvalidInput, match=r"18\.2 Å of empty space along c"):
        refused(structure_id=put(slab))
    with pytest.raises(ValidationError):
        refused(structure_id=put(copper()), strain=0.2)
