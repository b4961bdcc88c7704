from __future__ import annotations

import numpy as np
import phonopy
import pytest
from pydantic import ValidationError
from pymatgen.core import Lattice, Structure

from llamp_mcp.errors import Cancelled, InvalidInput
from llamp_mcp.simulation.calculators import Calculators
from llamp_mcp.simulation.compute_phonons import PhononParams, check, facts
from tests.simulation.conftest import copper

GAS_CONSTANT = 8.31446261815324
"""J/(K mol): exact, of the 2019 SI (doi 10.1088/1681-7575/aa950a)."""
PNG = b"\x89PNG"


def body_centred_copper() -> Structure:
    return Structure(Lattice.cubic(2.87), ["Cu", "Cu"], [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]])


def test_per_mole_means_formula_units(phonons):
    """Cu3Au: four atoms, so 12 R at high temperature."""
    gold = Structure.from_spacegroup(
        "Pm-3m", Lattice.cubic(3.75), ["Au", "Cu"], [[0, 0, 0], [0, 0.5, 0.5]]
    )
    result = phonons(gold, supercell=[1, 1, 1], temperatures_k=[5000])

    assert result.thermal_per == "Cu3Au (4 atoms)"
    assert result.thermal[0]["heat_capacity_j_per_k_mol"] == pytest.approx(
        12 * GAS_CONSTANT, rel=2e-3
    )
    assert any("LO-TO" in warning for warning in result.warnings)


def test_an_unstable_crystal_has_imaginary_modes_where_it_deforms(phonons):
    """bcc copper shears to a close-packed one at N, the transverse mode of the bcc-hcp path."""
    result = phonons(body_centred_copper(), supercell=[2, 2, 2])
    q = np.abs(result.softest["q"])

    assert result.has_imaginary_modes
    assert result.min_frequency_thz < -0.5
    assert result.min_frequency_thz == pytest.approx(min(result.frequencies_thz["N"]), abs=1e-5)
    assert sorted(q) == pytest.approx([0, 0, 0.5])
    assert result.softest["exact"]
    assert "IMAGINARY MODES" in result.text()
    assert any("leave the imaginary modes out" in warning for warning in result.warnings)


def test_a_stable_crystal_has_none_and_acoustic_modes_vanish_at_gamma(phonons):
    result = phonons(copper(), supercell=[2, 2, 2])

    assert not result.has_imaginary_modes
    assert result.frequencies_thz["GAMMA"] == pytest.approx([0, 0, 0], abs=1e-3)
    assert result.acoustic_sum_rule["drift_ev_per_a2"] < 1e-6
    assert any("narrower than 10 Å" in warning for warning in result.warnings)
    assert next(iter(result.images())).startswith(PNG)


def test_frequencies_do_not_depend_on_the_cell_that_was_given(phonons):
    one = phonons(copper().get_primitive_structure(), "one", supercell=[1, 1, 1])
    two = phonons(copper((2, 1, 1), a=3.62), "two", supercell=[1, 1, 1])

    for label, modes in one.frequencies_thz.items():
        assert two.frequencies_thz[label] == pytest.approx(modes, abs=5e-3)


def test_interrupted_and_run_again_it_goes_on(phonons, emt_calls, tmp_path):
    """A crystal without symmetry beyond translations: 12 displacements."""
    odd = Structure(
        Lattice.from_parameters(2.6, 4.4, 4.5, 85, 92, 97),
        ["Cu", "Au"],
        [[0.0, 0.0, 0.0], [0.5, 0.45, 0.55]],
    )
    settled = {"supercell": [2, 1, 1], "relax": "atoms"}
    whole = phonons(odd, "whole", **settled)
    in_all = emt_calls()
    path = tmp_path / "broken" / "parts.jsonl"

    def after_some() -> bool:
        return bool(path.is_file() and path.read_text().count("\n") >= 4)

    with pytest.raises(Cancelled):
        phonons(odd, "broken", cancelled=after_some, **settled)
    emt_calls()
    resumed = phonons(odd, "broken", **settled)

    assert emt_calls() <= in_all - 4
    same = {"plot", "phonopy_file"}
    assert resumed.model_dump(exclude=same) == whole.model_dump(exclude=same)


def test_force_constants_can_be_read_by_phonopy(phonons):
    """Oracle: phonopy reads the file and gives the same frequencies."""
    result = phonons(copper(), supercell=[2, 2, 2])
    read = phonopy.load(result.phonopy_file, log_level=0)
    found = read.run_qpoints([[0.5, 0.5, 0]]).frequencies[0]

    assert sorted(found) == pytest.approx(result.frequencies_thz["X"], abs=1e-3)


def test_text_and_facts_hold_the_numbers(phonons, put, structures):
    result = phonons(copper(), supercell=[1, 1, 1])
    text = result.text()
    told = {fact.property: fact for fact in facts(result)}

    for row in result.thermal:
        assert f"{row['heat_capacity_j_per_k_mol']:.4f}" in text
        assert f"{row['free_energy_kj_per_mol']:.5f}" in text
    assert f"{result.min_frequency_thz:.4f} THz" in text
    assert "at X: " in text
    assert told["entropy_j_per_k_mol at 300 K"].unit == "J/(K mol)"
    step = structures.history(result.structure_id)[-1]
    assert step.action == "compute_phonons"
    assert len(structures.get(result.structure_id)) == 1


def test_bad_input_is_refused_before_a_job_is_made(settings, structures, put):
    def refused(**arguments: object) -> None:
        params = PhononParams.model_validate({"calculator": "emt", **arguments})
        check(params, structures=structures, calculators=Calculators(settings))

    handle = put(copper())
    with pytest.raises(InvalidInput, match="three integers"):
        refused(structure_id=handle, supercell=[2, 2])
    with pytest.raises(InvalidInput, match="has 32000 atoms"):
        refused(structure_id=handle, supercell=[20, 20, 20])
    with pytest.raises(ValidationError):
        refused(structure_id=handle, supercell=[0, 1, 1])
    odd = copper(4)
    odd.perturb(0.1)
    with pytest.raises(InvalidInput, match="256 atoms"):
        refused(structure_id=put(odd))
