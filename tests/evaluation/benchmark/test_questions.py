from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.data import atomic_masses, atomic_numbers
from ase.units import GPa, _amu

from llamp_mcp.errors import InvalidInput, NotFound
from llamp_mcp.evaluation.benchmark.questions import QuestionSet, known, read_questions, select

if TYPE_CHECKING:
    from pathlib import Path

SETS = tuple(known())
ID = re.compile(r"mp-\d+|10\.\d{4,}/\S+")
ONE = {"name": "one", "title": "One", "source": "here", "answer": "number", "question": "{key}?"}


def reference(name: str, key: str) -> float:
    [value] = [item.reference for item in read_questions(name).items if item.key == key]
    assert isinstance(value, float | int)
    return value


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_named_after_its_file_and_says_where_its_references_come_from(name):
    read = read_questions(name)
    assert read.name == name
    assert len(read.source) > 40
    assert all(read.asked(item) for item in read.items)
    assert len({item.key for item in read.items}) == len(read.items)


@pytest.mark.parametrize("name", SETS)
def test_ids_of_a_set_are_ids_or_dois(name):
    for item in read_questions(name).items:
        assert all(ID.fullmatch(one) for one in item.ids), item


@pytest.mark.parametrize("name", SETS)
def test_a_question_for_a_number_with_a_unit_names_it(name):
    read = read_questions(name)
    words = {"%": "percent", "Å³/atom": "Å³"}
    for item in read.items:
        assert words.get(read.unit, read.unit) in read.asked(item)


def test_every_story_that_the_sample_or_a_computation_can_answer_has_questions():
    stories = {read_questions(name).story for name in SETS if read_questions(name).fits("sample")}
    assert stories >= {f"S{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15)}


def test_the_density_of_rock_salt_follows_from_its_cell():
    """Oracle: ASE's masses in a cubic cell of a = 5.69169 Å, as the database holds mp-22862."""
    salt = bulk("NaCl", "rocksalt", a=5.69169, cubic=True)
    assert reference("s9-volume-per-atom", "mp-22862") == pytest.approx(
        salt.get_volume() / len(salt), abs=1e-4
    )
    mass = 4 * sum(atomic_masses[atomic_numbers[one]] for one in ("Na", "Cl"))
    density = mass * _amu * 1e3 / (salt.get_volume() * 1e-24)
    assert reference("s9-density", "mp-22862") == pytest.approx(density, abs=1e-4)


def test_the_tetrahedral_site_of_silicon_is_where_geometry_has_it():
    """Oracle: distances of ASE in diamond of the lattice constant of mp-149, 5.4437 Å."""
    silicon = bulk("Si", "diamond", a=5.4437, cubic=True) * (2, 2, 2)
    silicon.append("Li")
    silicon.positions[-1] = 5.4437 * 0.5
    distances = sorted(silicon.get_distances(-1, range(len(silicon) - 1), mic=True))
    nearest = reference("s7-interstitial-distance", "Li")
    assert nearest == pytest.approx(5.4437 * math.sqrt(3) / 4, abs=5e-4)
    assert distances[:4] == pytest.approx([nearest] * 4, abs=5e-4)
    assert distances[4] > 1.1 * nearest
    assert reference("s7-interstitial-neighbours", "Li") == 4


def test_the_shortest_distance_with_carbon_dioxide_is_its_own_bond():
    """Oracle: the G2 geometry that ASE carries."""
    bond = molecule("CO2").get_distance(0, 1)
    assert reference("s10-shortest-distance", "CO2") == pytest.approx(bond, abs=1e-4)


def test_the_equation_of_state_of_copper_is_that_of_the_tutorial():
    """Oracle: 0.84 eV/Å³ of ASE's tutorial, with 1 eV/Å³ = 160.2177 GPa."""
    assert reference("s12-copper-eos", "Cu") == pytest.approx(0.84 * 160.2177, abs=0.05)


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_elastic_constants_of_rock_salt_are_differences_of_the_stress_of_the_model():
    """Oracle: ASE and the calculator of chgnet, without this server: ±1 % of xx and of yz."""
    from ase.filters import FrechetCellFilter
    from ase.optimize import BFGS
    from chgnet.model.dynamics import CHGNetCalculator

    salt = bulk("NaCl", "rocksalt", a=5.69169, cubic=True)
    salt.calc = CHGNetCalculator(use_device="cpu", verbose=False)
    BFGS(FrechetCellFilter(salt), logfile=None).run(fmax=1e-4, steps=200)
    d = 0.01
    stretch, shear = np.diag([d, 0, 0]), np.array([[0, 0, 0], [0, 0, d / 2], [0, d / 2, 0]])

    def slope(strain):
        stresses = []
        for sign in (1, -1):
            strained = salt.copy()
            strained.set_cell(salt.cell @ (np.eye(3) + sign * strain), scale_atoms=True)
            strained.calc = salt.calc
            BFGS(strained, logfile=None).run(fmax=1e-4, steps=200)
            stresses.append(strained.get_stress() / GPa)
        return (stresses[0] - stresses[1]) / (2 * d)

    along, across = slope(stretch), slope(shear)
    for key, computed in (("C11", along[0]), ("C12", along[1]), ("C44", across[3])):
        assert reference("s15-elastic-tensor", key) == pytest.approx(computed, rel=0.005)


def test_sets_stand_in_the_order_of_the_stories():
    stories = [int(name[1:].partition("-")[0]) for name in SETS if name.startswith("s")]
    assert stories == sorted(stories)
    assert stories[-1] == 15


def test_sets_are_chosen_by_name_story_and_path(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "{name: mine, title: M, source: me, answer: ids, question: '{key}?', "
        "items: [{key: Si, ids: [mp-149]}]}"
    )
    assert [one.name for one in select(["S9"], "sample")] == ["s9-density", "s9-volume-per-atom"]
    chosen = select(["s4-band-gaps", str(path), "s4-band-gaps"], "sample")
    assert [one.name for one in chosen] == ["s4-band-gaps", "mine"]


def test_without_names_those_whose_references_hold_for_the_source_are_chosen():
    sample, live = ({one.name for one in select([], kind)} for kind in ("sample", "live"))
    assert sample | live == set(SETS)
    assert sample - live == {"s2-not-in-the-sample", "s14-stiffest-si-o"}
    assert live - sample == {"s2-formation-energies"}
    assert {one.name for one in select(["S2"], "live")} == {
        "s2-formation-energies",
        "s2-formation-energies-by-id",
    }


def test_a_set_for_another_source_is_refused_by_name():
    with pytest.raises(InvalidInput, match="hold for a live source, and this one is 'sample'"):
        select(["s2-formation-energies"], "sample")


def test_an_unknown_set_is_told_which_there_are():
    with pytest.raises(NotFound, match=r"'s99'.*s1-bulk-moduli"):
        select(["s99"], "sample")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"items": []}, "at least 1 item"),
        ({"items": [{"key": "Si", "reference": "much"}]}, "not a number"),
        ({"items": [{"key": "Si", "colour": "blue"}]}, "colour"),
        ({"question": "", "items": [{"key": "Si"}]}, "no question"),
        ({"answer": "ids", "items": [{"key": "Si"}]}, "names no ids"),
        (
            {"answer": "class", "classes": ["FM"], "items": [{"key": "Si", "reference": "AFM"}]},
            "not one of the classes",
        ),
        ({"database": "mine", "items": [{"key": "Si"}]}, "database"),
    ],
)
def test_a_set_that_cannot_be_scored_is_refused(tmp_path: Path, wrong, said):
    import yaml

    path = tmp_path / "wrong.yaml"
    path.write_text(yaml.safe_dump(ONE | wrong))
    with pytest.raises(InvalidInput, match=said):
        read_questions(str(path))


def test_the_question_of_an_item_stands_in_place_of_that_of_its_set():
    items = [{"key": "Si"}, {"key": "Ge", "question": "And germanium?"}]
    read = QuestionSet.model_validate(ONE | {"items": items})
    assert [read.asked(item) for item in read.items] == ["Si?", "And germanium?"]
