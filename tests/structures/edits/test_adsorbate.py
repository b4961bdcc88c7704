from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import ase.build
import numpy as np
import pytest
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.formats import from_atoms, parse, write_structure
from llamp_mcp.structures.identity import structure_id
from llamp_mcp.structures.surfaces.molecules import from_box
from tests.structures.conftest import copper, crystal, edit, salt, silicon

if TYPE_CHECKING:
    from llamp_mcp.structures.edits.apply import Step


@cache
def _slab(name: str, repeats: int = 1) -> Structure:
    bulk, miller = {
        "Cu111": (copper, [1, 1, 1]),
        "Cu100": (copper, [1, 0, 0]),
        "NaCl100": (salt, [1, 0, 0]),
        "Si111": (silicon, [1, 1, 1]),
        "NaZnP100": (half_heusler, [1, 0, 0]),
    }[name]
    steps = edit(
        bulk(),
        {"op": "slab", "miller": miller, "min_thickness_a": 7},
        {"op": "supercell", "repeats": [repeats, repeats, 1]},
    )
    return steps[-1].structure


def half_heusler() -> Structure:
    """NaZnP as a half-Heusler crystal; 6.1 Å is a synthetic round number."""
    return crystal("F-43m", 6.1, Zn=0.0, P=0.25, Na=0.5)


def put(on: str | Structure, repeats: int = 3, **arguments: Any) -> Step:
    others = arguments.pop("others", None)
    slab = _slab(on, repeats) if isinstance(on, str) else on
    return edit(slab, {"op": "adsorbate", "height_a": 2.0, **arguments}, others=others)[0]


def over_top(step: Step) -> np.ndarray:
    """Heights of the adsorbate's atoms over the topmost atom of a slab amid its cell."""
    added = step.report["adsorbate_sites"]
    z = step.structure.cart_coords[:, 2]
    # An atom that reaches beyond the cell comes in again from below.
    lowest = z[: added[0]].min()
    up: np.ndarray = (z[added] - lowest) % step.structure.lattice.c
    over: np.ndarray = up + (lowest - z[: added[0]].max())
    return over


def test_carbon_dioxide_over_nazn_p_is_where_the_story_wants_it() -> None:
    # Story S10: C 2.0 Å above the topmost atom, no distance below 1.0 Å, POSCAR reads back.
    steps = edit(
        half_heusler(),
        {"op": "slab", "miller": [1, 0, 0]},
        {"op": "supercell", "repeats": [2, 2, 1]},
        {"op": "adsorbate", "molecule": "CO2", "height_a": 2.0},
    )
    step, report = steps[-1], steps[-1].report
    made = step.structure
    carbon = next(at for at, site in enumerate(made) if site.specie.symbol == "C")
    top = max(site.coords[2] for site in made if site.specie.symbol in ("Na", "Zn", "P"))
    assert made[carbon].coords[2] - top == pytest.approx(2.0)
    assert report["height_a"] == 2.0
    assert report["binding_atom"].startswith(f"site {carbon} (C)")
    between = made.distance_matrix[np.triu_indices(len(made), k=1)]
    assert between.min() > 1.0
    assert report["min_distance_a"] == pytest.approx(between.min(), abs=1e-3)
    back = parse(write_structure(made, "poscar"), "poscar").structure
    order = [back.species.index(s) for s in dict.fromkeys(back.species)]
    assert len(back) == len(made)
    assert order
    assert np.sort(back.distance_matrix.ravel()) == pytest.approx(
        np.sort(made.distance_matrix.ravel()), abs=1e-6
    )
    assert step.notes == ()


REFERENCES = {
    "fcc111": (
        ase.build.fcc111,
        "Cu",
        {"ontop": "ontop", "bridge": "bridge", "fcc": "hollow", "hcp": "hollow"},
    ),
    "fcc100": (ase.build.fcc100, "Cu", {"ontop": "ontop", "bridge": "bridge", "hollow": "hollow"}),
    "fcc110": (
        ase.build.fcc110,
        "Cu",
        {"ontop": "ontop", "shortbridge": "bridge", "longbridge": "bridge", "hollow": "hollow"},
    ),
    "bcc110": (
        ase.build.bcc110,
        "Fe",
        {"ontop": "ontop", "shortbridge": "bridge", "longbridge": "bridge", "hollow": "hollow"},
    ),
    "hcp0001": (
        ase.build.hcp0001,
        "Mg",
        {"ontop": "ontop", "bridge": "bridge", "fcc": "hollow", "hcp": "hollow"},
    ),
}


@pytest.mark.parametrize("surface", REFERENCES)
def test_the_sites_are_those_that_ase_names(surface: str) -> None:
    # Oracle: an atom put there by ase.build.add_adsorbate makes the same structure, and no other.
    builder, symbol, names = REFERENCES[surface]
    bare = builder(symbol, (2, 2, 3), a=3.2, vacuum=6)
    slab = from_atoms(bare)
    ours = []
    for kind in set(names.values()):
        first = put(slab, molecule="O", height_a=1.5, site_kind=kind)
        count = first.report["sites_found"][kind]
        assert count == list(names.values()).count(kind)
        steps = [
            put(slab, molecule="O", height_a=1.5, site_kind=kind, site_index=i)
            for i in range(count)
        ]
        ours += [(kind, step.structure) for step in steps]
    matcher = StructureMatcher(ltol=1e-3, stol=1e-3, primitive_cell=False, scale=False)
    for name, kind in names.items():
        if (surface, name) == ("bcc110", "hollow"):
            # pymatgen takes the centroid of the three atoms, ASE the point as far from all of them.
            continue
        atoms = bare.copy()
        ase.build.add_adsorbate(atoms, "O", 1.5, name)
        same = [found for found, made in ours if matcher.fit(made, from_atoms(atoms))]
        assert same == [kind], name


def test_hollows_are_told_apart_by_what_lies_below() -> None:
    first = put("Cu111", molecule="O", height_a=1.2, site_kind="hollow")
    second = put("Cu111", molecule="O", height_a=1.2, site_kind="hollow", site_index=1)
    spacing = 3.615 / np.sqrt(3)
    deep = [step.report["chosen_site"]["over"] for step in (first, second)]
    assert sorted(deep) == [f"Cu {n * spacing:.3f} Å deep" for n in (1, 2)]
    for step in (first, second):
        assert step.report["binding_atom_coordination"] == 3
        expected = np.hypot(1.2, 3.615 / np.sqrt(6))
        assert step.report["binding_atom_distances_a"] == pytest.approx([expected] * 3, abs=1e-3)
    assert first.report["sites_found"] == {"ontop": 1, "bridge": 1, "hollow": 2}
    assert any(line.startswith("hollow 1 at (") for line in first.report["other_sites"])


def test_a_single_surface_cell_counts_the_images_of_its_atoms() -> None:
    report = put("Cu100", 1, molecule="O", height_a=1.0, site_kind="hollow").report
    assert report["chosen_site"]["atoms"] == "Cu Cu Cu Cu"
    assert report["binding_atom_neighbours"] == {"Cu": 4}
    assert report["closest_own_image_a"] == pytest.approx(3.615 / np.sqrt(2), abs=1e-3)


@pytest.mark.parametrize("name", ["CO2", "CO", "H2O", "NH3", "CH3OH", "C6H6", "C2H4", "O"])
@pytest.mark.parametrize("orientation", [None, "flat", "upright", [1, 1, 1]])
def test_a_molecule_is_put_down_rigid_and_not_mirrored(name: str, orientation: Any) -> None:
    step = put("NaCl100", molecule=name, height_a=5.0, orientation=orientation)
    assert len(step.structure) == len(_slab("NaCl100", 3)) + len(step.report["adsorbate_sites"])
    reference = ase.build.molecule(name)
    added = step.report["adsorbate_sites"]
    between = [step.structure[added[0]].distance_and_image(step.structure[at])[0] for at in added]
    assert between == pytest.approx(
        np.linalg.norm(reference.positions - reference.positions[0], axis=1), abs=1e-6
    )
    heights = over_top(step)
    assert step.report["height_a"] == 5.0
    assert min(abs(heights - 5.0)) < 1e-6
    assert step.report["lowest_atom_height_a"] == pytest.approx(heights.min(), abs=1e-4)


def test_orientations_mean_what_they_say() -> None:
    flat = over_top(put("NaCl100", molecule="CO2", height_a=3.0, orientation="flat"))
    assert flat == pytest.approx([3.0] * 3)
    upright = over_top(put("NaCl100", molecule="CO2", height_a=3.0, orientation="upright"))
    assert sorted(upright) == pytest.approx([3 - 1.178658, 3, 3 + 1.178658], abs=1e-5)
    carbon_down = put("NaCl100", molecule="CO")
    assert carbon_down.structure[carbon_down.report["adsorbate_sites"][1]].specie.symbol == "C"
    assert over_top(carbon_down) == pytest.approx([2 + 1.150338, 2], abs=1e-5)
    oxygen_down = put("NaCl100", molecule="CO", binding_atom="O")
    assert over_top(oxygen_down) == pytest.approx([2, 2 + 1.150338], abs=1e-5)
    turned = put("NaCl100", molecule="CO", orientation=[0, 0, -1], height_a=4.0)
    assert over_top(turned) == pytest.approx([4 - 1.150338, 4], abs=1e-5)
    benzene = over_top(put("NaCl100", molecule="C6H6", height_a=3.0, orientation="flat"))
    assert benzene == pytest.approx([3.0] * 12)


def test_without_an_orientation_the_binding_atom_is_the_lowest_or_the_molecule_flat() -> None:
    for name in ("CO", "H2O", "NH3"):
        heights = over_top(put("NaCl100", molecule=name, height_a=2.5))
        assert heights.min() == pytest.approx(2.5)
    for name in ("CO2", "C6H6", "C2H4", "N2O"):
        step = put("NaCl100", molecule=name, height_a=2.5)
        assert step.report["orientation"].startswith("flat")
        assert over_top(step) == pytest.approx([2.5] * len(over_top(step)), abs=1e-4)


def test_the_hydrogens_of_upright_water_point_away_evenly() -> None:
    step = put("NaCl100", molecule="H2O")
    oxygen, *hydrogens = over_top(step)
    assert oxygen == pytest.approx(2.0)
    assert hydrogens[0] == pytest.approx(hydrogens[1])
    assert hydrogens[0] > 2.5


def test_the_binding_atom_is_chosen_by_a_rule_that_is_told() -> None:
    for name, symbol in {
        "CO": "C",
        "NO": "N",
        "OH": "O",
        "HCl": "Cl",
        "H2O": "O",
        "CO2": "C",
    }.items():
        told = put("NaCl100", molecule=name).report["binding_atom"]
        assert f"({symbol})" in told
        assert "nearest to the molecule's centre" in told
    assert (
        put("NaCl100", molecule="CO2", binding_atom=1).report["binding_atom"].endswith("as given")
    )


def test_a_position_is_taken_as_fractions_of_the_surface_cell() -> None:
    step = put("NaCl100", molecule="Li", position=[0.3, 0.6])
    made = step.structure
    assert made.frac_coords[-1][:2] == pytest.approx([0.3, 0.6])
    assert over_top(step) == pytest.approx([2.0])
    assert step.report["position"] == [0.3, 0.6]
    assert put("NaCl100", molecule="Na+").structure[-1].species_string == "Na+"


@pytest.mark.parametrize("shift", [0.0, 0.25, 0.5, 0.9999999, 0.37])
@pytest.mark.parametrize("lean", [(0.0, 0.0), (1.3, -0.7)])
def test_it_does_not_matter_where_the_slab_lies_in_its_cell_or_how_c_leans(
    shift: float, lean: tuple[float, float]
) -> None:
    slab = _slab("Si111", 2)
    vectors = slab.lattice.matrix.copy()
    coords = slab.cart_coords + [shift, 2 * shift, shift] @ vectors
    vectors[2, :2] = lean
    other = Structure(
        Lattice(vectors), slab.species, coords, coords_are_cartesian=True, to_unit_cell=True
    )
    asked: dict[str, Any] = {"molecule": "NH3", "height_a": 1.9, "site_index": 1}
    expected, step = put(slab, **asked), put(other, **asked)
    for key in (
        "height_a",
        "lowest_atom_height_a",
        "binding_atom_distances_a",
        "sites_found",
        "closest_own_image_a",
        "gap_above_adsorbate_a",
    ):
        assert step.report[key] == expected.report[key]


def box(name: str = "CO2", vacuum: float = 6.0, shift: float = 0.0) -> Structure:
    atoms = ase.build.molecule(name, vacuum=vacuum / 2)
    made = from_atoms(atoms)
    made.translate_sites(list(range(len(made))), [shift] * 3, to_unit_cell=True)
    return made


@pytest.mark.parametrize("shift", [0.0, 0.5, 0.47])
@pytest.mark.parametrize("name", ["CO2", "C6H6", "CH3OH"])
def test_a_molecule_out_of_a_box_is_the_same_wherever_the_box_cuts_it(
    name: str, shift: float
) -> None:
    whole = from_box(box(name, shift=shift))
    reference = ase.build.molecule(name).positions
    assert np.linalg.norm(whole.coords[:, None] - whole.coords, axis=2) == pytest.approx(
        np.linalg.norm(reference[:, None] - reference, axis=2), abs=1e-6
    )
    by_name = put("NaCl100", molecule=name)
    boxed = put("NaCl100", structure_id="s-1", others={"s-1": box(name, shift=shift)})
    assert structure_id(by_name.structure) == structure_id(boxed.structure)


def test_a_box_must_hold_one_molecule() -> None:
    two = box()
    two.append("O", [0, 0, 0])
    with pytest.raises(InvalidInput, match="not one molecule: 3 of its 4 atoms"):
        put("NaCl100", structure_id="s-1", others={"s-1": two})
    with pytest.raises(InvalidInput, match="bonded to its own images"):
        put("NaCl100", structure_id="s-1", others={"s-1": silicon()})


def test_a_molecule_that_meets_itself_or_the_next_slab_is_told_of() -> None:
    crowded = put("NaCl100", 1, molecule="CO2", height_a=3.0)
    assert crowded.report["closest_own_image_a"] < 2
    assert "make a supercell" in crowded.notes[0]
    high = put("NaCl100", molecule="CO", height_a=10.0)
    assert high.report["gap_above_adsorbate_a"] == pytest.approx(15 - 10 - 1.150, abs=1e-3)
    assert "widen the gap" in high.notes[-1]
    with pytest.raises(InvalidInput, match=r"below the next image of the slab.*min_vacuum_a"):
        put("NaCl100", molecule="CO", height_a=13.0)


def test_too_near_is_unphysical_and_on_top_of_an_atom_refused() -> None:
    near = put("NaCl100", molecule="CO2", height_a=2.0, orientation="upright")
    assert "unphysical" in near.report["warning"]
    with pytest.raises(InvalidInput, match="Å apart; nothing was changed"):
        put("NaCl100", molecule="H", height_a=0.3)


def test_without_a_vacuum_the_error_says_what_to_do_first() -> None:
    with pytest.raises(InvalidInput, match=r"no vacuum .*2.82 Å.*First cut a slab"):
        put(salt(), molecule="CO")
    sideways = edit(salt(), {"op": "vacuum", "axis": "a"})[0].structure
    with pytest.raises(InvalidInput, match="lies along a") as caught:
        put(sideways, molecule="CO")
    matrix = str(caught.value).rpartition("matrix=")[2].rstrip(".")
    turned = edit(sideways, {"op": "supercell", "matrix": json.loads(matrix)})[0].structure
    assert put(turned, molecule="Li").report["height_a"] == 2.0


def test_moments_of_a_magnetic_slab_are_kept_and_those_of_the_adsorbate_told() -> None:
    slab = _slab("Cu111", 2).copy()
    slab.add_site_property("magmom", [1.0] * len(slab))
    step = put(slab, molecule="CO")
    assert step.structure.site_properties["magmom"] == [1.0] * len(slab) + [0.0, 0.0]
    assert "0 μB" in step.notes[-1]


def test_the_slab_is_left_alone_and_the_same_comes_again() -> None:
    slab = _slab("NaZnP100", 2)
    first, again = (put(slab, molecule="C6H6", height_a=4) for _ in range(2))
    assert structure_id(first.structure) == structure_id(again.structure)
    assert first.report == again.report
    assert first.structure.sites[: len(slab)] == slab.sites
    assert first.structure.lattice == slab.lattice


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"molecule": "CO3"}, "Unknown molecule 'CO3'.*create_structure"),
        ({}, "exactly one of molecule | structure_id"),
        ({"molecule": "CO", "height_a": 0}, "height_a.*greater than 0"),
        ({"molecule": "CO", "site_kind": "atop"}, "site_kind: .*'ontop'"),
        (
            {"molecule": "CO", "site_kind": "hollow", "site_index": 2},
            "no hollow site with site_index 2.*ontop 0 at",
        ),
        ({"molecule": "CO", "position": [0, 0], "site_kind": "ontop"}, "not both"),
        ({"molecule": "CO", "position": [0, 0, 0]}, "position.*at most 2"),
        ({"molecule": "CO", "orientation": [0, 0, 0]}, "no direction"),
        ({"molecule": "CO", "orientation": "sideways"}, "orientation"),
        ({"molecule": "CO", "binding_atom": "N"}, "binding_atom 'N' is not in the molecule.*O, C"),
        ({"molecule": "CO", "binding_atom": 2}, r"no atom 2 to bind with.*0 to 1 \(O, C\)"),
    ],
)
def test_an_adsorbate_that_cannot_be_is_explained(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        put("Cu111", 1, **arguments)


def test_a_surface_too_large_for_a_search_still_takes_a_position() -> None:
    large = _slab("Cu111", 3) * (5, 5, 1)
    with pytest.raises(InvalidInput, match=r"225 exposed atoms.*position="):
        put(large, molecule="CO")
    assert put(large, molecule="CO", position=[0.5, 0.5]).report["height_a"] == 2.0
