from __future__ import annotations

import numpy as np
import pytest
from ase.calculators.lj import LennardJones
from matcalc import QHACalc
from pymatgen.core import Lattice, Structure

from llamp_mcp.errors import Cancelled, InvalidInput
from llamp_mcp.simulation.calculate_property import facts
from llamp_mcp.simulation.calculators import ARGON_EPSILON_EV, ARGON_SIGMA_A
from llamp_mcp.simulation.lattice import quasi_harmonic, vibrations
from tests.simulation.conftest import copper

PNG = b"\x89PNG"


@pytest.fixture(autouse=True)
def _coarse_mesh(monkeypatch):
    for module in (vibrations, quasi_harmonic):
        monkeypatch.setattr(module, "MESH_LENGTH_A", 40)


def argon() -> Structure:
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.25), ["Ar"], [[0, 0, 0]])


@pytest.mark.filterwarnings("ignore:PhonopyQHA is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_argon_equals_matcalc(prop, put):
    """Oracle: matcalc's QHACalc with the same strains and supercell, ASE's Lennard-Jones."""
    result = prop(
        "thermal_expansion",
        put(argon()),
        calculator="lj",
        temperatures_k=[20, 40],
        strain=0.035,
        min_width_a=5,
    )
    lattice = Structure(
        Lattice([[0, 2.625, 2.625], [2.625, 0, 2.625], [2.625, 2.625, 0]]), ["Ar"], [[0, 0, 0]]
    )
    oracle = QHACalc(
        LennardJones(
            epsilon=ARGON_EPSILON_EV, sigma=ARGON_SIGMA_A, rc=3 * ARGON_SIGMA_A, smooth=True
        ),
        t_step=1,
        t_max=45,
        fmax=1e-5,
        allow_shape_change=False,
        scale_factors=[1 + strain for strain in result.values["strains"]],
        phonon_calc_kwargs={"supercell_matrix": [[-1, 1, 1], [1, -1, 1], [1, 1, -1]]},
        store_ha_phonon=False,
    ).calc(lattice)

    for row in result.values["thermal"]:
        kelvin = int(row["temperature_k"])
        assert row["volumetric_expansion_per_k"] == pytest.approx(
            oracle["thermal_expansion_coefficients"][kelvin], rel=0.02
        )
        assert row["bulk_modulus_gpa"] == pytest.approx(oracle["bulk_modulus_P"][kelvin], rel=0.02)
        assert row["gibbs_energy_ev_per_atom"] == pytest.approx(
            oracle["gibbs_free_energies"][kelvin], abs=1e-4
        )
        assert row["heat_capacity_j_per_k_mol"] == pytest.approx(
            oracle["heat_capacity_P"][kelvin], rel=0.02
        )


def test_copper_expands_and_says_how(prop, put):
    handle = put(copper())
    result = prop("thermal_expansion", handle, temperatures_k=[100, 300], min_width_a=3)
    cold, warm = result.values["thermal"]
    text = result.text()
    told = {fact.property: fact for fact in facts(result)}

    assert result.converged
    assert warm["volume_a3_per_atom"] > cold["volume_a3_per_atom"]
    assert (
        result.values["zero_point"]["volume_a3_per_atom"]
        > (result.values["static_volume_a3_per_atom"])
    ), "zero-point vibrations expand"
    assert warm["volumetric_expansion_per_k"] == pytest.approx(
        sum(warm["axial_expansion_per_k"]), rel=0.01
    )
    assert warm["lattice_a"] == pytest.approx([(4 * warm["volume_a3_per_atom"]) ** (1 / 3)] * 3)
    assert f"{1e6 * warm['volumetric_expansion_per_k']:.4g}" in text
    assert f"{warm['bulk_modulus_gpa']:.4g} GPa" in text
    assert "narrower than 10 Å" in text
    assert told["bulk_modulus_gpa at 300 K"].value == warm["bulk_modulus_gpa"]
    assert told["bulk_modulus_gpa at 300 K"].subject == handle
    assert next(iter(result.images())).startswith(PNG)


def test_temperatures_that_cannot_be_reached_are_named(prop, put):
    result = prop(
        "thermal_expansion",
        put(argon()),
        calculator="lj",
        temperatures_k=[10, 500],
        min_width_a=5,
    )

    assert [row["temperature_k"] for row in result.values["thermal"]] == [10]
    assert any("leaves the range" in warning for warning in result.warnings)


def test_interrupted_and_run_again_it_goes_on(prop, put, emt_calls, tmp_path):
    """At the first attempt five parts of some fifteen are done."""
    handle = put(copper())
    arguments = {"temperatures_k": [300], "min_width_a": 3, "volumes": 5}
    path = tmp_path / "parts.jsonl"

    def after_some() -> bool:
        return bool(path.is_file() and path.read_text().count("\n") >= 5)

    with pytest.raises(Cancelled):
        prop("thermal_expansion", handle, cancelled=after_some, **arguments)
    emt_calls()
    resumed = prop("thermal_expansion", handle, **arguments)
    left = emt_calls()
    path.unlink()
    whole = prop("thermal_expansion", handle, **arguments)

    assert left <= emt_calls() - 5
    assert resumed.values == whole.values


def test_large_cells_are_refused_before_a_job_is_made(refuse, put):
    odd = copper((3, 3, 2))
    odd.perturb(0.1)

    with pytest.raises(InvalidInput, match="72 atoms"):
        refuse("thermal_expansion", put(odd))


def test_more_volumes_are_stretched_than_compressed(prop, put):
    result = prop(
        "thermal_expansion", put(copper()), temperatures_k=[100], min_width_a=3, strain=0.03
    )

    assert result.values["strains"] == pytest.approx(np.linspace(-0.015, 0.03, 7))
