from __future__ import annotations

import pytest
from ase.build import bulk, fcc100, fcc111
from ase.calculators.lj import LennardJones
from pymatgen.core import Lattice, Structure

from llamp_mcp.errors import Cancelled, InvalidInput
from llamp_mcp.simulation.calculators import ARGON_EPSILON_EV, ARGON_SIGMA_A
from llamp_mcp.simulation.properties.surface_slabs import SurfaceArguments, slabs_of
from llamp_mcp.structures.edits.slab import SlabArguments, slab
from tests.simulation.conftest import copper
from tests.simulation.properties import oracle

EV_PER_A2_IN_J_PER_M2 = 16.02176634  # CODATA: elementary charge 1.602176634e-19 C


def direct(build, fmax: float | None) -> float:
    """J/m² of nine layers made by ase.build, relaxed by BFGS."""
    a = oracle.lattice_constant()
    made = build("Cu", (1, 1, 9), a=a, vacuum=7.5, periodic=True)
    area = float(abs((made.cell[0][0] * made.cell[1][1]) - made.cell[0][1] * made.cell[1][0]))
    bulk_ev = oracle.energy(bulk("Cu", a=a), None)
    gamma = (oracle.energy(made, fmax) - 9 * bulk_ev) / (2 * area)
    return gamma * EV_PER_A2_IN_J_PER_M2


@pytest.mark.parametrize(("miller", "build"), [([1, 1, 1], fcc111), ([1, 0, 0], fcc100)])
def test_fcc_surfaces_of_copper_are_those_of_ase_build(prop, put, miller, build):
    result = prop(
        "surface_energy", put(copper()), miller=miller, thicknesses=1, fmax_ev_per_a=0.002
    )
    values = result.values

    assert result.converged
    assert values["surface_energy_j_per_m2"] == pytest.approx(direct(build, 0.002), abs=1e-3)
    assert values["unrelaxed_j_per_m2"] == pytest.approx(direct(build, None), abs=1e-3)
    ratio = values["surface_energy_j_per_m2"] / values["surface_energy_ev_per_a2"]
    assert ratio == pytest.approx(EV_PER_A2_IN_J_PER_M2)
    assert values["surfaces_equivalent"] is True
    assert values["is_polar"] is False


def test_the_line_through_slabs_finds_the_bulk_energy_by_itself(prop, put):
    """Where the bulk energy is right, the slope of E(N) is that energy."""
    values = prop(
        "surface_energy", put(copper()), miller=[1, 0, 0], min_thickness_a=6, thicknesses=3
    ).values
    line = values["linear_fit"]

    assert [row["n_atoms"] for row in values["slabs"]] == sorted(
        {row["n_atoms"] for row in values["slabs"]}
    )
    assert line["bulk_energy_ev_per_atom"] == pytest.approx(
        values["bulk_energy_ev_per_atom"], abs=1e-3
    )
    assert line["surface_energy_j_per_m2"] == pytest.approx(
        values["surface_energy_j_per_m2"], abs=5e-3
    )


def test_argon_is_that_of_ases_lennard_jones(prop, put):
    """Unrelaxed, at the lattice constant the result itself relaxed to."""
    argon = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.26), ["Ar"], [[0, 0, 0]])
    result = prop("surface_energy", put(argon), calculator="lj", miller=[1, 0, 0], thicknesses=1)
    a = 5.26 * (1 + result.values["bulk_volume_change_percent"] / 100) ** (1 / 3)
    layers = result.values["slabs"][0]["n_atoms"]

    def energy(atoms):
        atoms.calc = LennardJones(
            epsilon=ARGON_EPSILON_EV, sigma=ARGON_SIGMA_A, rc=3 * ARGON_SIGMA_A, smooth=True
        )
        return float(atoms.get_potential_energy())

    made = fcc100("Ar", (1, 1, layers), a=a, vacuum=7.5, periodic=True)
    gamma = (energy(made) - layers * energy(bulk("Ar", "fcc", a=a))) / a**2
    assert result.values["unrelaxed_j_per_m2"] == pytest.approx(
        gamma * EV_PER_A2_IN_J_PER_M2, rel=1e-4
    )
    assert any("one thickness only" in warning for warning in result.warnings)
    assert result.plot is None


def test_a_given_slab_is_taken_with_the_crystal_it_was_cut_from(prop, put):
    crystal = copper(a=oracle.lattice_constant())
    cut = slab(crystal, SlabArguments(miller=[1, 1, 1], min_thickness_a=12)).structure
    result = prop("surface_energy", put(crystal), slab_id=put(cut), fmax_ev_per_a=0.002)

    assert result.values["surface_energy_j_per_m2"] == pytest.approx(
        direct(fcc111, 0.002), abs=1e-3
    )
    assert any("nothing recorded" in warning for warning in result.warnings)
    assert not any("under" in warning for warning in result.warnings)


def test_a_strained_crystal_beside_a_given_slab_is_warned_of(prop, put):
    crystal = copper(a=3.65)
    cut = slab(crystal, SlabArguments(miller=[1, 1, 1], min_thickness_a=6)).structure
    result = prop("surface_energy", put(crystal), slab_id=put(cut))
    assert any("strain energy" in warning for warning in result.warnings)


def test_a_slab_of_another_composition_is_refused_with_the_reason(refuse, put):
    crystal = Structure.from_spacegroup(
        "Pm-3m", Lattice.cubic(3.75), ["Au", "Cu"], [[0, 0, 0], [0, 0.5, 0.5]]
    )
    cut = slab(crystal, SlabArguments(miller=[1, 0, 0], symmetric=True)).structure
    with pytest.raises(InvalidInput, match="chemical potentials"):
        refuse("surface_energy", put(crystal), slab_id=put(cut))


def test_a_crystal_given_as_slab_is_refused(refuse, put):
    with pytest.raises(InvalidInput, match="vacuum along c"):
        refuse("surface_energy", put(copper()), slab_id=put(copper()))


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({}, "give miller, or slab_id"),
        ({"miller": [0, 0, 0]}, "no plane"),
        ({"miller": [1, 1, 1], "termination": 9}, "no termination 9"),
        ({"slab_id": "s-0", "thicknesses": 3}, "cannot be chosen"),
    ],
)
def test_wrong_arguments_are_refused(refuse, put, arguments, why):
    with pytest.raises(InvalidInput, match=why):
        refuse("surface_energy", put(copper()), **arguments)


def test_a_polar_plane_comes_with_its_note(structures):
    """Tasker type 3: (111) of rock salt (doi 10.1088/0022-3719/12/22/036)."""
    oxide = Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(4.2), ["Mg2+", "O2-"], [[0, 0, 0], [0.5, 0.5, 0.5]]
    )
    (made,) = slabs_of(oxide, SurfaceArguments(miller=[1, 1, 1], thicknesses=1), structures)
    assert made.report["is_polar"]
    assert "is polar" in made.notes[0]


def test_text_says_every_slab_and_the_plot_is_kept(prop, put):
    result = prop("surface_energy", put(copper()), miller=[1, 1, 1])
    text = result.text()
    for row in result.values["slabs"]:
        assert f"{row['surface_energy_j_per_m2']:.4f} J/m²" in text
        assert row["structure_id"] in text
    assert "line through all slabs" in text
    assert "both sides equivalent" in text
    assert [image[:4] for image in result.images()] == [b"\x89PNG"]


def test_an_interrupted_calculation_goes_on_with_the_slabs_it_has(prop, put):
    crystal, asked, stop = put(copper()), [], 12

    def count():
        asked.append(1)
        return len(asked) == stop

    arguments = {"miller": [1, 1, 1], "fmax_ev_per_a": 0.001, "min_thickness_a": 7}
    with pytest.raises(Cancelled):
        prop("surface_energy", crystal, cancelled=count, **arguments)
    asked.clear()
    stop = 10**6
    resumed = prop("surface_energy", crystal, cancelled=count, **arguments)
    assert resumed.converged
    assert resumed.values["surface_energy_j_per_m2"] == pytest.approx(
        direct(fcc111, 0.002), abs=1e-3
    )
