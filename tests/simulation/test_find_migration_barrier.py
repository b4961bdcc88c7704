from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms
from ase.optimize import BFGS
from pymatgen.core import Structure

from llamp_mcp.errors import Cancelled, InvalidInput, SimulationError
from llamp_mcp.simulation.calculators import Calculators
from llamp_mcp.simulation.find_migration_barrier import (
    MigrationParams,
    MigrationResult,
    check,
    facts,
    find_migration_barrier,
)
from llamp_mcp.simulation.workers.monitor import Monitor
from tests.simulation.conftest import copper

A = 3.59


@pytest.fixture
def barrier(settings, structures, tmp_path):
    def barrier(
        initial_id, final_id, cancelled=lambda: False, where="job", checkpoint_s=15, **arguments
    ):
        directory = tmp_path / where
        directory.mkdir(exist_ok=True)
        return find_migration_barrier(
            MigrationParams(
                initial_id=initial_id,
                final_id=final_id,
                **{"calculator": "emt", "images": 3, **arguments},
            ),
            structures=structures,
            calculators=Calculators(settings),
            monitor=Monitor("j-test", directory, cancelled=cancelled, checkpoint_s=checkpoint_s),
        )

    return barrier


def hop() -> tuple[Structure, Structure]:
    """A vacancy in 32 sites of copper, before and after a neighbour has jumped into it."""
    host = copper(2, a=A)
    near = min(int(one.index) for one in host.get_neighbors(host[0], 2.6))
    initial, final = host.copy(), host.copy()
    initial.remove_sites([0])
    final.remove_sites([near])
    return initial, final


def exact_barrier() -> float:
    """By symmetry the saddle is half-way: that atom is held there, all others are relaxed."""
    host = copper(2, a=A)
    near = min(int(one.index) for one in host.get_neighbors(host[0], 2.6))
    vector = host.lattice.get_distance_and_image(host[0].frac_coords, host[near].frac_coords)[1]
    other = (host[near].frac_coords + vector) @ host.lattice.matrix

    def relaxed(position, hold):
        atoms = Atoms("Cu32", cell=host.lattice.matrix, positions=host.cart_coords, pbc=True)
        atoms.positions[near] = position
        del atoms[0]
        atoms.calc = EMT()
        atoms.set_constraint(FixAtoms(indices=[near - 1] if hold else []))
        BFGS(atoms, logfile=None).run(fmax=0.001, steps=300)
        return float(atoms.get_potential_energy())

    return float(relaxed(other / 2, hold=True) - relaxed(other, hold=False))


def test_a_vacancy_in_copper_migrates_over_the_barrier_of_a_constrained_relaxation(
    barrier, put, structures
):
    initial, final = hop()
    result = barrier(put(initial), put(final), fmax_ev_per_a=0.01)

    assert result.converged
    assert result.shape == "single_barrier"
    assert result.barrier_ev == pytest.approx(exact_barrier(), abs=2e-3)
    assert result.reverse_barrier_ev == pytest.approx(result.barrier_ev, abs=1e-3)
    assert result.reaction_energy_ev == pytest.approx(0, abs=1e-3)
    coordinates = [row["coordinate_a"] for row in result.path]
    assert coordinates == sorted(coordinates)
    assert result.path[2]["energy_ev"] == result.barrier_ev
    assert result.path[1]["energy_ev"] == pytest.approx(result.path[3]["energy_ev"], abs=2e-3)
    saddle = structures.history(result.structure_id)[-1]
    assert saddle.parameters["role"] == "highest"
    assert saddle.parameters["image"] == 2


def test_shuffled_sites_of_the_final_structure_change_nothing(barrier, put):
    initial, final = hop()
    order = np.random.default_rng(1).permutation(len(final))
    shuffled = Structure.from_sites([final[int(at)] for at in order])
    straight = barrier(put(initial), put(final), images=1, where="straight")
    result = barrier(put(initial), put(shuffled), images=1, where="shuffled")

    assert result.mapping["reordered"]
    assert result.mapping["n_moving"] == 1
    assert result.barrier_ev == pytest.approx(straight.barrier_ev, abs=1e-3)
    assert "matched to final by least displacement" in result.text()


def test_text_says_every_image_and_number(barrier, put):
    initial, final = hop()
    result = barrier(put(initial), put(final), fmax_ev_per_a=0.1)
    text = result.text()

    for row in result.path:
        assert f"image {row['image']}: {row['coordinate_a']:.4f} Å" in text
    for told in (
        f"{result.barrier_ev:.4f} eV forward",
        f"{result.reverse_barrier_ev:.4f} eV reverse",
        result.structure_id,
        result.ends[0]["structure_id"],
        result.ends[1]["structure_id"],
        "one barrier",
        "3 images between the ends",
        "ase",
    ):
        assert told in text
    assert MigrationResult.model_validate(result.model_dump(mode="json")).text() == text
    assert [image[:4] for image in result.images()] == [b"\x89PNG"]
    assert {fact.unit for fact in facts(result)} == {"eV"}


def test_unfinished_bands_and_unrelaxed_ends_are_told(barrier, put):
    initial, final = hop()
    result = barrier(put(initial), put(final), max_steps=1, relax_ends=False, fmax_ev_per_a=0.01)

    assert not result.converged
    assert result.text().startswith("NOT converged")
    assert any("initial structure is no minimum" in warning for warning in result.warnings)
    assert result.ends[0]["structure_id"] == put(initial)


def test_ends_that_fall_into_one_minimum_are_an_error(barrier, put):
    initial, _ = hop()
    moved = initial.copy()
    moved.perturb(0.1, seed=1)
    with pytest.raises(SimulationError, match="same minimum"):
        barrier(put(initial), put(moved))


def test_the_same_structure_twice_is_refused(settings, structures, put):
    initial, _ = hop()
    params = MigrationParams(initial_id=put(initial), final_id=put(initial), calculator="emt")
    with pytest.raises(InvalidInput, match="same arrangement"):
        check(params, structures=structures, calculators=Calculators(settings))


def test_an_interrupted_search_goes_on_with_the_same_answer_and_less_work(barrier, put):
    initial, final = (put(one) for one in hop())
    asked: list[int] = []
    stop = 10**9

    def count():
        asked.append(1)
        return len(asked) == stop

    whole = barrier(initial, final, count, "whole", images=1, fmax_ev_per_a=0.02)
    all_steps = len(asked)
    asked.clear()
    stop = int(0.7 * all_steps)
    with pytest.raises(Cancelled):
        barrier(initial, final, count, "cut", 0, images=1, fmax_ev_per_a=0.02)
    asked.clear()
    stop = 10**9
    resumed = barrier(initial, final, count, "cut", images=1, fmax_ev_per_a=0.02)

    assert len(asked) < 0.5 * all_steps
    assert resumed.barrier_ev == pytest.approx(whole.barrier_ev, abs=1e-9)
    assert resumed.method["steps"] == whole.method["steps"]
