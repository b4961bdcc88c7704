from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import ase.build
import ase.spacegroup
import numpy as np
import pytest
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure
from pymatgen.core.surface import Slab

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.formats import from_atoms
from llamp_mcp.structures.identity import structure_id
from tests.structures.conftest import copper, crystal, edit, salt, silicon

if TYPE_CHECKING:
    from llamp_mcp.structures.edits.apply import Step

CENTRINGS = {"fcc": "Fm-3m", "bcc": "Im-3m", "sc": "Pm-3m"}


@cache
def _crystal(name: str) -> Structure:
    """Crystals of several systems; their constants are round numbers near those of the material."""
    number, lattice, species, coords = {
        "MgO": (225, Lattice.cubic(4.22), "Mg O", [[0] * 3, [0.5] * 3]),
        "GaAs": (216, Lattice.cubic(5.65), "Ga As", [[0] * 3, [0.25] * 3]),
        "CaF2": (225, Lattice.cubic(5.46), "Ca F", [[0] * 3, [0.25] * 3]),
        "SrTiO3": (221, Lattice.cubic(3.9), "Sr Ti O", [[0] * 3, [0.5] * 3, [0.5, 0.5, 0]]),
        "MgAl2O4": (
            227,
            Lattice.cubic(8.08),
            "Mg Al O",
            [[0.125] * 3, [0.5] * 3, [0.2624] * 3],
        ),
        "TiO2": (
            136,
            Lattice.tetragonal(4.594, 2.959),
            "Ti O",
            [[0] * 3, [0.305, 0.305, 0]],
        ),
        "ZnO": (
            186,
            Lattice.hexagonal(3.25, 5.2),
            "Zn O",
            [[1 / 3, 2 / 3, 0], [1 / 3, 2 / 3, 0.382]],
        ),
        "SiO2": (
            154,
            Lattice.hexagonal(4.913, 5.405),
            "Si O",
            [[0.4697, 0, 2 / 3], [0.4135, 0.2669, 0.7858]],
        ),
        "CaCO3": (
            167,
            Lattice.hexagonal(4.99, 17.06),
            "Ca C O",
            [[0] * 3, [0, 0, 0.25], [0.257, 0, 0.25]],
        ),
        "Bi2Te3": (
            166,
            Lattice.hexagonal(4.38, 30.5),
            "Bi Te Te",
            [[0, 0, 0.4], [0] * 3, [0, 0, 0.2097]],
        ),
        "ZrO2": (
            14,
            Lattice.from_parameters(5.15, 5.21, 5.32, 90, 99.2, 90),
            "Zr O O",
            [[0.275, 0.04, 0.208], [0.07, 0.332, 0.345], [0.442, 0.755, 0.479]],
        ),
        "LiFePO4": (
            62,
            Lattice.orthorhombic(10.33, 6.01, 4.69),
            "Li Fe P O O O",
            [
                [0, 0, 0],
                [0.282, 0.25, 0.975],
                [0.095, 0.25, 0.418],
                [0.097, 0.25, 0.743],
                [0.457, 0.25, 0.206],
                [0.166, 0.046, 0.285],
            ],
        ),
        "Cu2O": (224, Lattice.cubic(4.27), "Cu O", [[0.25] * 3, [0] * 3]),
    }[name]
    atoms = ase.spacegroup.crystal(
        species.split(),
        coords,
        spacegroup=number,
        setting=2 if name == "MgAl2O4" else 1,
        cellpar=lattice.parameters,
    )
    return from_atoms(atoms)


def cut(bulk: Structure | str, miller: list[int], **arguments: Any) -> Step:
    structure = _crystal(bulk) if isinstance(bulk, str) else bulk
    return edit(structure, {"op": "slab", "miller": miller, **arguments})[0]


def heights(structure: Structure) -> np.ndarray:
    z: np.ndarray = np.sort(structure.cart_coords[:, 2])
    over: np.ndarray = z - z[0]
    return over


CUTS = [
    ("MgO", [1, 0, 0]),
    ("MgO", [1, 1, 1]),
    ("GaAs", [1, 1, 0]),
    ("GaAs", [1, 1, 1]),
    ("CaF2", [1, 1, 1]),
    ("SrTiO3", [0, 0, 1]),
    ("SrTiO3", [1, 1, 0]),
    ("MgAl2O4", [1, 0, 0]),
    ("MgAl2O4", [1, 1, 1]),
    ("TiO2", [1, 1, 0]),
    ("TiO2", [1, 0, 1]),
    ("ZnO", [1, 0, 0]),
    ("ZnO", [0, 0, 1]),
    ("SiO2", [0, 0, 1]),
    ("SiO2", [1, 0, 1]),
    ("CaCO3", [1, 0, 4]),
    ("Bi2Te3", [0, 0, 1]),
    ("ZrO2", [-1, 1, 1]),
    ("LiFePO4", [0, 1, 0]),
    ("Cu2O", [2, 1, -1]),
]


@pytest.mark.parametrize(("name", "miller"), CUTS)
def test_the_cell_of_a_slab_is_upright_and_its_report_is_the_geometry(
    name: str, miller: list[int]
) -> None:
    step = cut(name, miller, min_thickness_a=8, min_vacuum_a=12)
    made, report = step.structure, step.report
    assert made.lattice.angles[:2] == pytest.approx((90, 90))
    assert made.lattice.matrix[0] == pytest.approx([made.lattice.a, 0, 0])
    assert made.lattice.matrix[2] == pytest.approx([0, 0, made.lattice.c])
    assert 90 - 1e-6 <= made.lattice.gamma <= 120 + 1e-6
    z = heights(made)
    assert report["thickness_a"] == pytest.approx(z[-1], abs=1e-4)
    assert report["thickness_a"] >= 8
    assert report["vacuum_a"] == 12
    assert made.lattice.c == pytest.approx(z[-1] + 12)
    assert np.mean([made.cart_coords[:, 2].min(), made.cart_coords[:, 2].max()]) == pytest.approx(
        made.lattice.c / 2
    )
    assert report["area_a2"] == pytest.approx(made.volume / made.lattice.c, abs=1e-4)
    assert "volumetric_strain_percent" not in report
    assert report["n_layers"] == 1 + int((np.diff(z) > 0.1).sum())


@pytest.mark.parametrize(("name", "miller"), CUTS)
def test_atoms_inside_a_slab_have_the_surroundings_of_the_bulk(
    name: str, miller: list[int]
) -> None:
    # Oracle: distances up to 3.5 Å around every atom, by pymatgen, in the bulk and in the slab.
    bulk = _crystal(name)
    made = cut(name, miller, min_thickness_a=12).structure
    known = {_around(bulk, at) for at in range(len(bulk))}
    z = made.cart_coords[:, 2]
    inside = np.flatnonzero((z > z.min() + 3.6) & (z < z.max() - 3.6))
    assert len(inside)
    assert {_around(made, int(at)) for at in inside} <= known


def _around(structure: Structure, at: int) -> tuple[Any, ...]:
    near = structure.get_neighbors(structure[at], 3.5)
    told = sorted((one.species_string, round(float(one.nn_distance), 2)) for one in near)
    return (structure[at].species_string, *told)


@pytest.mark.parametrize("miller", [[1, 0, 0], [1, 1, 0], [1, 1, 1], [2, 1, 1], [3, 2, 1]])
@pytest.mark.parametrize("centring", CENTRINGS)
def test_the_area_of_a_cubic_surface_cell_is_the_analytic_one(
    centring: str, miller: list[int]
) -> None:
    # One atom per plane: area = (volume per atom) / (distance of the planes).
    step = cut(crystal(CENTRINGS[centring], 3.0, Cu=0.0), miller)
    odd = all(i % 2 for i in miller)
    per_plane = {
        "sc": 1.0,
        "fcc": 0.25 if odd else 0.5,
        "bcc": 0.5 if sum(miller) % 2 == 0 else 1.0,
    }[centring]
    assert step.report["area_a2"] == pytest.approx(
        9 * np.sqrt(sum(i * i for i in miller)) * per_plane, abs=1e-3
    )


@pytest.mark.parametrize(
    ("bulk", "miller", "reference"),
    [
        ("fcc", [1, 1, 1], ase.build.fcc111("Cu", (1, 1, 6), a=3.6, vacuum=6)),
        ("fcc", [1, 0, 0], ase.build.fcc100("Cu", (1, 1, 6), a=3.6, vacuum=6)),
        ("fcc", [1, 1, 0], ase.build.fcc110("Cu", (1, 1, 6), a=3.6, vacuum=6)),
        ("bcc", [1, 0, 0], ase.build.bcc100("Fe", (1, 1, 6), a=2.9, vacuum=6)),
        ("bcc", [1, 1, 0], ase.build.bcc110("Fe", (1, 1, 6), a=2.9, vacuum=6)),
        ("bcc", [1, 1, 1], ase.build.bcc111("Fe", (1, 1, 6), a=2.9, vacuum=6)),
        ("hcp", [0, 0, 1], ase.build.hcp0001("Mg", (1, 1, 6), a=3.2, c=5.2, vacuum=6)),
        ("diamond", [1, 0, 0], ase.build.diamond100("Si", (1, 1, 8), a=5.4, vacuum=6)),
        ("diamond", [1, 1, 1], ase.build.diamond111("Si", (1, 1, 8), a=5.4, vacuum=6)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_elemental_slabs_have_the_area_and_layers_of_those_of_ase(
    bulk: str, miller: list[int], reference: Any
) -> None:
    symbol = reference.get_chemical_symbols()[0]
    constants = {"Cu": (3.6, None), "Fe": (2.9, None), "Mg": (3.2, 5.2), "Si": (5.4, None)}
    a, c = constants[symbol]
    atoms = ase.build.bulk(symbol, bulk, a=a, c=c)
    atoms.set_initial_magnetic_moments(None)
    expected = heights(from_atoms(reference))
    # ASE cuts diamond (111) through the double layers, which is the second termination here.
    step = cut(
        from_atoms(atoms),
        miller,
        min_thickness_a=float(expected[-1]) - 0.01,
        termination=int(bulk == "diamond" and miller == [1, 1, 1]),
    )
    per_area = [
        len(one) * one.lattice.c / one.volume for one in (step.structure, from_atoms(reference))
    ]
    assert per_area[0] == pytest.approx(per_area[1])
    assert heights(step.structure) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", ["MgO", "GaAs", "SrTiO3", "TiO2", "ZnO", "ZrO2", "SiO2"])
@pytest.mark.parametrize("miller", [[1, 0, 0], [1, 1, 1]])
def test_dipole_and_equal_surfaces_agree_with_pymatgen(name: str, miller: list[int]) -> None:
    found = cut(name, miller).report["terminations_found"]
    for termination in range(min(found, 2)):
        step = cut(name, miller, termination=termination)
        as_pymatgen = _pymatgen_slab(step.structure, name)
        report = step.report
        assert as_pymatgen.is_symmetric(symprec=0.01) == report["surfaces_equivalent"]
        assert as_pymatgen.is_polar() == report["is_polar"]
        assert as_pymatgen.dipole[2] / as_pymatgen.surface_area == pytest.approx(
            report["dipole_e_per_a"], abs=1e-4
        )
        told = report["terminations"][termination]
        assert (told["top"], told["bottom"]) == (report["top"], report["bottom"])
        assert told["symmetric"] == report["surfaces_equivalent"]
        assert told["polar"] == report["is_polar"]
        assert not (told["symmetric"] and told["polar"])


OXIDATION = {
    "Mg": 2,
    "O": -2,
    "Ga": 3,
    "As": -3,
    "Sr": 2,
    "Ti": 4,
    "Zn": 2,
    "Ca": 2,
    "C": 4,
    "Zr": 4,
    "Si": 4,
}


def _pymatgen_slab(made: Structure, name: str) -> Slab:
    slab = Slab(
        made.lattice,
        made.species_and_occu,
        made.frac_coords,
        (0, 0, 1),
        _crystal(name),
        0,
        np.eye(3),
        reorient_lattice=False,
    )
    slab.add_oxidation_state_by_element({k: OXIDATION[k] for k in made.symbol_set})
    return slab


def test_surfaces_of_rock_salt_and_fluorite_are_of_the_types_that_tasker_gives() -> None:
    # Tasker 1979, doi 10.1088/0022-3719/12/22/036: MgO (100) is of type 1, CaF2 (111) of type 2,
    # MgO (111) of type 3 and polar.
    first, second, third = cut("MgO", [1, 0, 0]), cut("CaF2", [1, 1, 1]), cut("MgO", [1, 1, 1])
    assert (first.report["tasker_type"], first.report["is_polar"]) == (1, False)
    assert (second.report["tasker_type"], second.report["is_polar"]) == (2, False)
    assert (second.report["top"], second.report["bottom"]) == ("F1", "F1")
    assert (third.report["tasker_type"], third.report["is_polar"]) == (3, True)
    assert any("polar" in note for note in third.notes)
    # n pairs of planes with charges of 2 e, each pair a/(2 √3) apart.
    pairs = len(third.structure) // 2
    expected = pairs * 2 * 4.22 / (2 * np.sqrt(3)) / third.report["area_a2"]
    assert third.report["dipole_e_per_a"] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("name", "miller"), CUTS)
def test_a_symmetric_slab_has_equal_surfaces_by_pymatgen_and_no_dipole(
    name: str, miller: list[int]
) -> None:
    plain = cut(name, miller)
    for termination in range(min(2, plain.report["terminations_found"])):
        asked = {"termination": termination, "symmetric": True}
        try:
            step = cut(name, miller, **asked)
        except InvalidInput as error:
            assert "turns this plane's normal over" in str(error)  # noqa: PT017
            assert not any(one["symmetric"] for one in plain.report["terminations"])
            assert (name, miller) in [("GaAs", [1, 1, 1]), ("ZnO", [0, 0, 1])]
            return
        report = step.report
        assert report["top"] == report["bottom"] == plain.report["terminations"][termination]["top"]
        assert report["thickness_a"] >= 10
        assert report["dipole_e_per_a"] in (0, None)
        assert _pymatgen_slab_of(step.structure).is_symmetric(symprec=0.01)
        assert report["undercoordinated_top"] == report["undercoordinated_bottom"]


def _pymatgen_slab_of(made: Structure) -> Slab:
    return Slab(made.lattice, made.species, made.frac_coords, (0, 0, 1), made, 0, np.eye(3), False)


def test_both_terminations_of_a_perovskite_can_be_had_on_either_side() -> None:
    listed = cut("SrTiO3", [0, 0, 1]).report["terminations"]
    assert [(one["top"], one["bottom"]) for one in listed] == [
        ("Sr1 O1", "Ti1 O2"),
        ("Ti1 O2", "Sr1 O1"),
    ]
    step = cut("SrTiO3", [0, 0, 1], termination=1, symmetric=True)
    assert (step.report["top"], step.report["bottom"]) == ("Ti1 O2", "Ti1 O2")
    assert step.report["stoichiometric"] is False
    assert step.report["surfaces_equivalent"] is True


@pytest.mark.parametrize(
    ("name", "miller", "bonds", "top"),
    [
        ("CaCO3", [1, 0, 4], 4, {"Ca 5 of 6": 2}),
        ("Bi2Te3", [0, 0, 1], 0, {}),
        ("TiO2", [1, 1, 0], 2, {"O 2 of 3": 1, "Ti 5 of 6": 1}),
        ("ZnO", [1, 0, 0], 2, {"O 3 of 4": 1, "Zn 3 of 4": 1}),
    ],
)
def test_the_first_termination_breaks_the_weakest_bonds(
    name: str, miller: list[int], bonds: int, top: dict[str, int]
) -> None:
    # The carbonate group stays whole; rutile (110) keeps rows of bridging O and of 5-fold Ti.
    report = cut(name, miller).report
    assert report["terminations"][0]["broken_bonds"] == bonds
    assert report["undercoordinated_top"] == report["undercoordinated_bottom"] == top


def test_silicon_111_is_cut_between_its_double_layers() -> None:
    report = cut(silicon(), [1, 1, 1]).report
    assert [one["broken_bonds"] for one in report["terminations"]] == [1, 3]
    assert report["undercoordinated_top"] == {"Si 3 of 4": 1}
    assert report["bulk_coordinated_atoms"] == "6 of 8"
    assert report["charges_from"] == "an element: all charges 0"


def test_a_stepped_fcc_surface_has_the_coordination_of_its_geometry() -> None:
    # fcc (321), with kinks: 6 + 4 + 3 + 2 + 1 broken bonds per cell on each side.
    report = cut(copper(), [3, 2, 1]).report
    assert report["undercoordinated_top"] == {f"Cu {n} of 12": 1 for n in (6, 8, 9, 10, 11)}
    assert report["terminations"][0]["broken_bonds"] == 16


@pytest.mark.parametrize("miller", [[1, 0, 0], [0, 1, 0], [0, 0, 1], [2, -1, 1]])
@pytest.mark.parametrize("name", ["LiFePO4", "ZrO2", "ZnO", "GaAs"])
def test_indices_of_the_standard_cell_are_told_in_the_given_one(
    name: str, miller: list[int]
) -> None:
    # Oracle: the structure factors of the planes, which are those of the other cell when the planes
    # are; a centred cell has planes between those of its indices.
    standard = _crystal(name)
    turned = standard * [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
    if name == "GaAs":
        turned = Structure(Lattice(silicon().lattice.matrix), ["Ga", "As"], silicon().frac_coords)
    step = cut(turned, miller)
    conventional = edit(turned, {"op": "conventional"})[0].structure
    told = step.report["given_cell"].rpartition("(")[2].rstrip(")").split()
    given = miller if step.report["given_cell"] == "is that cell" else [int(i) for i in told]
    between = conventional.lattice.d_hkl(miller) / turned.lattice.d_hkl(given)
    assert between == pytest.approx(round(between), abs=1e-6)
    for times in (1, 2, 3, 4):
        assert _structure_factor(turned, times * np.array(given)) == pytest.approx(
            _structure_factor(conventional, times * round(between) * np.array(miller)), abs=1e-3
        )


def _structure_factor(structure: Structure, hkl: np.ndarray) -> float:
    weights = np.array([site.specie.Z for site in structure])
    total = np.sum(weights * np.exp(2j * np.pi * structure.frac_coords @ hkl))
    return float(abs(total)) / len(structure)


def test_a_cell_that_is_not_the_standard_one_is_told_of() -> None:
    # Pnma has the long axis first, the standard cell has it last.
    step = cut("LiFePO4", [0, 0, 1])
    assert step.report["given_cell"] == "is another; there the plane is (1 0 0)"
    assert "the given cell is another" in step.notes[0]
    standard = cut(edit(_crystal("LiFePO4"), {"op": "conventional"})[0].structure, [0, 0, 1])
    assert standard.report["given_cell"] == "is that cell"
    assert standard.report["area_a2"] == step.report["area_a2"]
    assert StructureMatcher(scale=False).fit(standard.structure, step.structure)


def test_the_same_slab_comes_from_the_primitive_the_conventional_and_a_multiple_cell() -> None:
    cells = [silicon(), silicon(conventional=True), silicon() * (2, 1, 2)]
    steps = [cut(one, [1, 1, 0]) for one in cells]
    assert len({len(step.structure) for step in steps}) == 1
    assert len({step.report["area_a2"] for step in steps}) == 1
    assert len({step.report["spacegroup_after"] for step in steps}) == 1


def test_given_oxidation_states_are_used_and_kept() -> None:
    bulk = _crystal("MgO").copy()
    bulk.add_oxidation_state_by_element({"Mg": 1, "O": -1})
    step = cut(bulk, [1, 1, 1])
    assert step.report["charges_from"] == "oxidation states given with the species"
    full = cut("MgO", [1, 1, 1]).report["dipole_e_per_a"]
    assert step.report["dipole_e_per_a"] == pytest.approx(full / 2, abs=1e-4)
    assert {site.species_string for site in step.structure} == {"Mg+", "O-"}


def test_polarity_is_not_made_up_where_there_are_no_charges() -> None:
    alloy = crystal("Pm-3m", 3.0, Cu=0.0, Zn=0.5)
    report = cut(alloy, [1, 0, 0]).report
    assert report["is_polar"] is None
    assert report["dipole_e_per_a"] is None
    assert report["charges_from"] == "only metals, which have no formal charges"
    bulk = _crystal("MgO").copy()
    bulk.add_oxidation_state_by_element({"Mg": 2, "O": -1})
    assert "do not balance" in cut(bulk, [1, 0, 0]).report["charges_from"]


def test_charges_guessed_from_the_composition_are_called_so() -> None:
    shared = _crystal("MgO").copy()
    shared.replace_species({"Mg": {"Mg": 0.5, "Ca": 0.5}})
    step = cut(shared, [1, 1, 1])
    assert step.report["charges_from"].startswith("guessed from the composition (")
    assert step.report["is_polar"] is True
    assert step.report["top"] == "Ca0.5 Mg0.5"


def test_moments_equal_on_all_atoms_of_a_species_are_kept_others_told_as_lost() -> None:
    iron = crystal("Im-3m", 2.87, Fe=0.0)
    iron.add_site_property("magmom", [2.2, 2.2])
    kept = cut(iron, [1, 1, 0])
    assert kept.structure.site_properties["magmom"] == [2.2] * len(kept.structure)
    assert kept.notes == ()
    iron.add_site_property("magmom", [2.2, -2.2])
    lost = cut(iron, [1, 1, 0])
    assert "magmom" not in lost.structure.site_properties
    assert lost.notes == ("dropped with the cell: magmom per site",)


def test_indices_with_a_common_divisor_mean_the_same_plane() -> None:
    assert cut(salt(), [2, 2, 0]).report["miller"] == [1, 1, 0]
    opposite = cut("GaAs", [-1, -1, -1])
    assert (opposite.report["top"], opposite.report["bottom"]) == ("As1", "Ga1")
    assert cut("GaAs", [1, 1, 1]).report["top"] == "Ga1"


def test_a_thin_slab_without_a_whole_layer_of_bulk_is_told_of() -> None:
    step = cut(salt(), [1, 0, 0], min_thickness_a=0.1)
    assert step.report["bulk_coordinated_atoms"].startswith("0 of")
    assert "raise min_thickness_a" in step.notes[0]


def test_a_slab_is_the_same_every_time_and_leaves_the_bulk_alone() -> None:
    bulk = _crystal("ZrO2").copy()
    first, again = cut(bulk, [1, 1, 0]), cut(bulk, [1, 1, 0])
    assert structure_id(first.structure) == structure_id(again.structure)
    assert first.report == again.report
    assert bulk == _crystal("ZrO2")
    species = [site.specie.symbol for site in first.structure]
    assert species == sorted(species, key=species.index)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"miller": [1, 0, -1, 0]}, r"leave out i: \[1, 0, 0\]"),
        ({"miller": [1, 0, 1, 0]}, r"need i = -\(h \+ k\)"),
        ({"miller": [1, 0]}, "miller: .*at least 3 items"),
        ({"miller": [0, 0, 0]}, "no plane"),
        ({"miller": [1, 0, 0.5]}, r"miller\[2\]: .*integer"),
        ({"miller": [1, 0, 0], "termination": 1}, "no termination 1 of .*0 to 0 .*Na1 Cl1"),
        ({"miller": [100, 99, 0], "min_thickness_a": 400}, "more than 20000 atoms"),
        ({"miller": [1, 0, 0], "min_vacuum_a": -1}, "min_vacuum_a.*greater than 0"),
        ({}, "needs 'miller'"),
    ],
)
def test_a_slab_that_cannot_be_is_explained(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        edit(salt(), {"op": "slab", **arguments})


def test_a_slab_of_a_large_cell_with_a_defect_is_refused_with_a_way_out() -> None:
    large = silicon(conventional=True) * (3, 3, 3)
    large.remove_sites([0])
    with pytest.raises(InvalidInput, match="put them in afterwards"):
        edit(large, {"op": "slab", "miller": [1, 0, 0]})
