"""The same questions to the live Project, to a snapshot of it and to the sample: same answers.

Live means the Project's own server code on loopback, which holds the sample and made-up documents.
Where the sample is compared, the made-up entries are left aside: it does not have them.
"""

from __future__ import annotations

from typing import Any

import pytest

from llamp_mcp.materials import identifiers
from llamp_mcp.materials.groups import GROUPS
from tests.loopback.documents import THERMO_TYPE
from tests.loopback.francium import DEPRECATED, FRBR, FRI, GNOME
from tests.loopback.hull import PHASES, REACTION_ENERGY_EV

pytestmark = pytest.mark.anyio

FIRST_SYNTHETIC = 3_340_000

SEARCHES: dict[str, dict[str, Any]] = {
    "formula": {"formula": "Fe2O3"},
    "formulas": {"formula": "Fe2O3,Fe3O4,NaCl"},
    "awkward formula": {"formula": "Ba(PdS2)2"},
    "wildcard formula": {"formula": "Li*O2"},
    "anonymous formula": {"formula": "ABC3"},
    "chemical system": {"chemsys": "Fe-Li-O"},
    "chemical systems": {"chemsys": "Fe-O,Li-O"},
    "wildcard system": {"chemsys": "Li-*-O"},
    "elements": {"elements": ["Li", "O"]},
    "without elements": {"elements": ["O"], "exclude_elements": ["Fe", "Li", "H"]},
    "ids": {"material_ids": ["mp-13", "mp-30", "mp-753395"]},
    "crystal system": {"crystal_system": "cubic", "elements": ["O"]},
    "space group": {"spacegroup_number": 225, "elements": ["O"]},
    "stable": {"stable_only": True, "elements": ["O"]},
    "ordering": {"magnetic_ordering": "FM"},
    "band gap": {"ranges": {"band_gap": [1.0, 2.5]}},
    "bulk modulus": {"ranges": {"bulk_modulus.vrh": [150.0, None]}},
    "shear modulus": {"ranges": {"shear_modulus.vrh": [None, 20.0]}},
    "hull energy": {"ranges": {"energy_above_hull": [0.001, 0.05]}},
    "formation energy": {"ranges": {"formation_energy_per_atom": [None, -2.0]}},
    "density": {"ranges": {"density": [10.0, None]}},
    "two ranges": {"ranges": {"density": [3.0, 8.0], "bulk_modulus.vrh": [100.0, 300.0]}},
    "sites": {"ranges": {"nsites": [40, None]}},
    "magnetisation": {"ranges": {"total_magnetization": [1.0, None]}},
    "sorted": {"elements": ["Fe"], "sort_by": "density"},
    "sorted, descending": {
        "elements": ["O"],
        "sort_by": "bulk_modulus.vrh",
        "descending": True,
    },
    "sorted by id": {"elements": ["Fe"], "sort_by": "material_id"},
}

BEYOND_THE_SAMPLE: dict[str, dict[str, Any]] = {
    "text": {"text": "octahedra"},
    "text of one": {"text": "FrBr"},
    "species": {"possible_species": ["Fr+"]},
    "has data": {"has_props": ["xas"]},
    "theoretical": {"flags": {"theoretical": True}},
    "metal": {"flags": {"is_metal": False}},
    "direct gap": {"flags": {"is_gap_direct": True}},
    "made-up system": {"chemsys": "Ba-Ti-O"},
    "polymorphs": {"formula": "TiO2"},
    "refractive index": {"ranges": {"n": [1.5, None]}},
}


def _is_real(row: dict[str, Any]) -> bool:
    return identifiers.id_number(row["material_id"]) < FIRST_SYNTHETIC


def _values(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "sources"}


@pytest.mark.parametrize("name", SEARCHES)
async def test_a_search_finds_the_same_entries_in_the_same_order(sources, name):
    found = await sources.ask(tool="search_materials", limit=50, **SEARCHES[name])
    live, snapshot, sample = found["live"], found["snapshot"], found["sample"]
    assert live["total"] == snapshot["total"]
    assert [_values(r) for r in live["materials"]] == [_values(r) for r in snapshot["materials"]]
    if not live["truncated"]:
        real = [_values(row) for row in live["materials"] if _is_real(row)]
        assert real == [_values(row) for row in sample["materials"]]
    assert sample["total"] > 0


@pytest.mark.parametrize("name", BEYOND_THE_SAMPLE)
async def test_a_snapshot_finds_what_the_live_project_finds(sources, name):
    asked = BEYOND_THE_SAMPLE[name]
    found = await sources.ask("live", "snapshot", tool="search_materials", limit=50, **asked)
    live, snapshot = found["live"], found["snapshot"]
    assert live["total"] == snapshot["total"] > 0
    assert [_values(r) for r in live["materials"]] == [_values(r) for r in snapshot["materials"]]


async def test_pages_of_a_search_are_the_same(sources):
    for asked in ({"elements": ["O"]}, {"elements": ["O"], "sort_by": "density"}):
        pages = {}
        for name in ("live", "snapshot"):
            pages[name] = await sources.each(name, lambda server, a=asked: _all_ids(server, a))
        assert pages["live"] == pages["snapshot"]
        assert len(set(pages["live"])) == len(pages["live"]) > 50


async def _all_ids(server: Any, asked: dict[str, Any]) -> list[str]:
    ids: list[str] = []
    cursor = ""
    while True:
        page = await server.call("search_materials", limit=20, cursor=cursor, **asked)
        ids += [row["material_id"] for row in page["materials"]]
        cursor = page["next_cursor"] or ""
        if not cursor:
            assert len(ids) == page["total"]
            return ids


@pytest.mark.parametrize("group", GROUPS)
async def test_every_group_of_properties_is_read_live_and_from_a_snapshot(sources, group):
    found = await sources.ask(
        "live", "snapshot", tool="get_properties", materials=[FRI], groups=[group]
    )
    rows = {name: answer["results"] for name, answer in found.items()}
    assert len(rows["live"]) == 1
    assert rows["live"][0]["groups"][group], "nothing of the group"
    assert rows["live"][0]["groups"] == rows["snapshot"][0]["groups"]
    assert found["live"]["units"] == found["snapshot"]["units"]


async def test_properties_of_the_sample_come_back_from_all_three(sources):
    asked = {
        "materials": ["mp-13", "mp-30", "mp-22862", "mp-753395"],
        "groups": ["summary", "thermo", "elasticity", "magnetism"],
    }
    found = await sources.ask(tool="get_properties", **asked)
    for row in found["sample"]["results"]:
        for name in ("live", "snapshot"):
            (same,) = [r for r in found[name]["results"] if r["material_id"] == row["material_id"]]
            for group, fields in row["groups"].items():
                for field, value in fields.items():
                    assert same["groups"][group][field] == value, (name, group, field)


@pytest.mark.parametrize("material", ["mp-13", "mp-149", "NaCl", FRI, FRBR])
async def test_a_structure_is_the_same(sources, material):
    made_up = material in {FRI, FRBR}
    names = ("live", "snapshot") if made_up else ("live", "snapshot", "sample")
    found = await sources.ask(*names, tool="get_structure", material=material)
    kept = ("structure_id", "material_id", "formula", "n_atoms", "lattice", "spacegroup", "sites")
    first, *others = [{key: answer[key] for key in kept} for answer in found.values()]
    assert all(other == first for other in others)


async def test_s1_bulk_moduli_of_ten_metals(sources):
    """Story S1, with the values of `stories` that the sample's tests pin."""
    metals = ["Sc", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn"]
    found = await sources.ask(tool="get_properties", materials=metals, fields=["bulk_modulus"])
    told = {
        name: [
            (row["requested"], row["material_id"], row["groups"]["elasticity"]["bulk_modulus"])
            for row in answer["results"]
        ]
        for name, answer in found.items()
    }
    assert told["live"] == told["snapshot"] == told["sample"]
    assert ("Fe", "mp-13", 207.093) in [(m, i, v["vrh"]) for m, i, v in told["live"]]
    assert len(told["live"]) == 12  # two of cobalt, two of manganese


async def test_s4_s5_band_gaps(sources):
    """Stories S4 and S5: plain and awkward formulas."""
    formulas = ["Si", "Ge", "GaAs", "GaN", "MoS2", "BaTiO3", "Ba(PdS2)2", "FePO4", "NaFe(SO4)2"]
    found = await sources.ask(tool="get_properties", materials=formulas, fields=["band_gap"])
    told = {
        name: [
            (row["requested"], row["material_id"], row["groups"]["electronic_structure"])
            for row in answer["results"]
        ]
        for name, answer in found.items()
    }
    assert told["live"] == told["snapshot"] == told["sample"]
    assert [requested for requested, *_ in told["live"]] == formulas


async def test_s8_magnetic_ordering_of_stable_fepo4(sources):
    found = await sources.ask(
        tool="get_properties", materials=["FePO4"], groups=["magnetism", "summary"]
    )
    for answer in found.values():
        (row,) = answer["results"]
        assert row["material_id"] == "mp-753395"
        assert row["groups"]["magnetism"]["ordering"] == "FM"
        assert row["groups"]["summary"]["symmetry"]["symbol"] == "P-1"


async def test_s9_density_and_volume_of_sodium_chloride(sources):
    found = await sources.ask(
        tool="get_properties", materials=["NaCl"], fields=["density", "density_atomic"]
    )
    told = [
        [(row["material_id"], row["groups"]["summary"]) for row in answer["results"]]
        for answer in found.values()
    ]
    assert told[0] == told[1] == told[2]


async def test_s11_the_energy_of_a_reaction_on_made_up_energies(sources):
    """Story S11; the energy is that which `hull` was made for."""
    found = await sources.ask(
        "live",
        "snapshot",
        tool="get_reaction_energy",
        reactants=["BaCO3", "TiO2"],
        products=["BaTiO3", "CO2"],
        thermo_type=THERMO_TYPE,
    )
    for answer in found.values():
        assert answer["energy_ev"] == pytest.approx(REACTION_ENERGY_EV, abs=1e-9)
        assert {entry["material_id"] for entry in answer["entries"]} >= {
            "mp-3340006",
            "mp-3340008",
            "mp-3340009",
            "mp-3340010",
        }


async def test_a_phase_diagram_is_the_same(sources):
    found = await sources.ask(
        "live",
        "snapshot",
        tool="get_phase_diagram",
        chemsys="Ba-C-O-Ti",
        thermo_type=THERMO_TYPE,
        max_e_above_hull=0.1,
    )
    for answer in found.values():
        stable = {row["material_id"] for row in answer["stable"]}
        assert stable == {p.material_id for p in PHASES} - {"mp-3340007"}
        (above,) = answer["unstable"]
        assert above["material_id"] == "mp-3340007"
        assert above["energy_above_hull"] == pytest.approx(0.05, abs=1e-9)


async def test_s14_the_stiffest_material_of_silicon_and_oxygen(sources):
    found = await sources.ask(
        tool="search_materials",
        chemsys="O-Si",
        sort_by="bulk_modulus.vrh",
        descending=True,
        fields=["bulk_modulus.vrh", "formation_energy_per_atom"],
    )
    told = [[_values(row) for row in answer["materials"]] for answer in found.values()]
    assert told[0] == told[1] == told[2]
    assert told[0][0]["bulk_modulus.vrh"] is not None


@pytest.mark.parametrize(
    "asked",
    [
        {"target": "LiFePO4"},
        {"target": "LiFePO4", "precursors": ["Li2CO3"]},
        {"target": "LiFePO4", "temperature_range_k": [900.0, 1000.0]},
    ],
)
async def test_s6_recipes_have_the_same_dois(sources, asked):
    found = await sources.ask(tool="find_synthesis", limit=5, **asked)
    dois = {name: [r["doi"] for r in answer["recipes"]] for name, answer in found.items()}
    assert sorted(dois["live"]) == sorted(dois["snapshot"]) == sorted(dois["sample"])
    assert dois["live"]


@pytest.mark.parametrize("kind", ["bands", "dos", "phonon_bands", "phonon_dos", "absorption"])
async def test_a_spectrum_is_the_same(sources, kind):
    found = await sources.ask("live", "snapshot", tool="get_spectrum", material=FRI, kind=kind)
    live, snapshot = found["live"], found["snapshot"]
    different = {"source", "notes"}
    assert {k: v for k, v in live.items() if k not in different} == {
        k: v for k, v in snapshot.items() if k not in different
    }


async def test_a_structure_is_identified_as_its_entry(sources):
    async def identified(server: Any) -> dict[str, Any]:
        held = await server.call("get_structure", material=FRI)
        answer: dict[str, Any] = await server.call(
            "identify_structure", structure_id=held["structure_id"]
        )
        return answer

    for name in ("live", "snapshot"):
        found = await sources.each(name, identified)
        assert [match["material_id"] for match in found["matches"]] == [FRI]


async def test_xas_of_one_element_is_the_same(sources):
    asked = {"material": FRI, "kind": "xas", "element": "Fr"}
    found = await sources.ask("live", "snapshot", tool="get_spectrum", **asked)
    assert found["live"]["at"] == found["snapshot"]["at"]
    shown = {name: set(answer) for name, answer in found.items()}
    assert shown["live"] == shown["snapshot"]


async def test_what_is_not_for_everybody_is_nowhere(sources):
    """An entry under CC BY-NC and a deprecated one are in the database, and never in an answer."""
    for name in ("live", "snapshot"):
        for asked in ({"elements": ["Fr"]}, {"material_ids": [GNOME, DEPRECATED, FRBR]}):
            answer = await sources.each(
                name, lambda server, a=asked: server.call("search_materials", **a)
            )
            ids = {row["material_id"] for row in answer["materials"]}
            assert FRBR in ids
            assert not ids & {GNOME, DEPRECATED}
        text = await sources.each(
            name, lambda server: server.error("get_properties", materials=[GNOME])
        )
        assert GNOME in text
