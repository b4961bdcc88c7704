"""Snapshots of a made-up Project: what is fetched, and what happens when it breaks off."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from llamp_mcp.errors import InvalidInput, NotFound, SourceError
from llamp_mcp.materials.client import Found
from llamp_mcp.materials.files import fetch as snapshot_fetch
from llamp_mcp.materials.files import snapshot
from llamp_mcp.materials.files.request import SnapshotRequest
from llamp_mcp.materials.files.snapshot import download
from llamp_mcp.materials.files.source import SqliteSource
from llamp_mcp.materials.identifiers import subsystems
from llamp_mcp.materials.source import Query, RecipeQuery
from llamp_mcp.settings import Settings

FORMULAS = {
    "mp-3200001": {"Fe": 1},
    "mp-3200002": {"O": 2},
    "mp-3200003": {"Fe": 2, "O": 3},
    "mp-3200004": {"Fe": 3, "O": 4},
    "mp-3200005": {"Li": 1},
    "mp-3200006": {"Fe": 1, "Li": 1, "O": 2},
    "mp-3200007": {"Na": 1, "Cl": 1},
    "mp-3200008": {"Na": 1},
    "mp-3200009": {"Cl": 2},
    "mp-3200010": {"Cl": 1, "Fe": 1, "O": 1},
}
NON_COMMERCIAL = "mp-3200004"
OXIDES = SnapshotRequest.of(chemsys=["Fe-O"], formulas=["NaCl"], spectra=["dos"])


def _document(name: str, **values) -> dict[str, Any]:
    composition = FORMULAS[name]
    return {
        "material_id": name,
        "formula_pretty": "".join(f"{s}{n if n > 1 else ''}" for s, n in composition.items()),
        "composition": composition,
        "composition_reduced": composition,
        "chemsys": "-".join(sorted(composition)),
        "elements": sorted(composition),
        "nelements": len(composition),
        "builder_meta": {"license": "BY-NC" if name == NON_COMMERCIAL else "BY-C"},
    } | values


def _documents() -> dict[str, list[dict[str, Any]]]:
    structure = {"lattice": [[1, 0, 0], [0, 1, 0], [0, 0, 1]], "species": ["H"]}
    props = {"dos": True, "thermo": True}
    plain = [name for name in FORMULAS if name != "mp-3200001"]
    return {
        "summary": [
            *(_document(name, structure=structure, has_props=props) for name in plain),
            _document("mp-3200001", has_props={"dos": False}),
        ],
        "thermo": [
            _document(name, thermo_type=thermo_type, energy_per_atom=-1.0)
            for name in FORMULAS
            for thermo_type in ("GGA_GGA+U", "R2SCAN")
        ],
        "elasticity": [
            _document("mp-3200003", bulk_modulus={"vrh": 1.5}),
            _document("mp-3200002", builder_meta={"license": "BY-NC"}),
        ],
        "robocrys": [_document("mp-3200003", description="Made-up words of a cubic crystal.")],
        "synthesis": [
            {"doi": f"10.0/{n}", "targets_formula_s": [target], "operations": []}
            for n, target in enumerate(["Fe2O3"] * 13 + ["NaCl", "TiO2"])
        ],
    }


@dataclass
class FakeProject:
    """Answers as `ProjectClient` does; fails, dies or gets a new version at a given request."""

    version: str = "2026.1"
    fail_at: int | None = None
    die_at: int | None = None
    renew_at: int | None = None
    requests: list[tuple[Any, ...]] = field(default_factory=list)

    def key(self) -> str:
        return "k" * 32

    def database_version(self) -> str:
        return self.version

    def _request(self, *what) -> None:
        self.requests.append(what)
        if len(self.requests) == self.fail_at:
            raise SourceError("The made-up Project is away", next_step="Wait.")
        if len(self.requests) == self.die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if len(self.requests) == self.renew_at:
            self.version = "2026.2"

    def find(self, endpoint, criteria, _fields=(), *, limit=1000, skip=0, **_: str) -> Found:
        self._request(endpoint, tuple(criteria.items()), skip, limit)
        found = [d for d in _documents().get(endpoint, []) if _matches(d, criteria)]
        found.sort(key=lambda d: d.get("material_id", ""))
        return Found(len(found), tuple(found[skip : skip + limit]))

    def spectrum(self, kind, material_id) -> dict[str, Any]:
        self._request(kind, material_id)
        if material_id == "mp-3200002":
            raise NotFound("none")
        return {"material_id": material_id, "densities": [0.5], "_notes": []}


def _matches(document: dict[str, Any], criteria: dict[str, Any]) -> bool:
    # `license` is left to the client: the server may forget it
    tests = {
        "chemsys": lambda value: document["chemsys"] in value.split(","),
        "formula": lambda value: sorted(value) == sorted(_written(document["composition"])),
        "elements": lambda value: set(value.split(",")) <= set(document["elements"]),
        "material_ids": lambda value: document["material_id"] in value.split(","),
        "target_formula": lambda value: value in document["targets_formula_s"],
    }
    return all(tests[name](value) for name, value in criteria.items() if name in tests)


def _written(composition: dict[str, int]) -> str:
    return "".join(f"{symbol}{amount}" for symbol, amount in composition.items())


@pytest.fixture
def project(monkeypatch):
    """Install a fake Project; small pages, no pauses."""
    return install(monkeypatch)


def install(monkeypatch):
    monkeypatch.setattr(snapshot_fetch, "_PAUSE_S", 0.0)
    monkeypatch.setattr(snapshot_fetch, "_SUMMARIES_PER_PAGE", 2)
    monkeypatch.setattr(snapshot_fetch, "_MATERIALS_PER_REQUEST", 2)

    def use(**faults) -> FakeProject:
        fake = FakeProject(**faults)
        monkeypatch.setattr(snapshot, "ProjectClient", lambda _settings: fake)
        return fake

    return use


def fetch(out: Path, request: SnapshotRequest = OXIDES, **more):
    settings = Settings(home=out.parent, mp_api_key="k" * 32, min_free_mb=0)
    return download(settings, request, out, more.pop("progress", lambda *_: None), **more)


def contents(path: Path) -> dict[str, Any]:
    """Everything a source can tell of a file, but the day of the download."""
    with closing(SqliteSource(path)) as source:
        ids = tuple(FORMULAS)
        fields = tuple(_documents()["summary"][0])
        return {
            "search": source.search(Query(fields=fields, limit=100)),
            "rows": {name: source.rows(name, ids) for name in ("summary", "thermo", "elasticity")},
            "structures": source.structures(ids),
            "text": source.search(Query(text="cubic words")).total,
            "recipes": source.recipes(RecipeQuery(limit=99)),
            "dos": {name: _spectrum(source, name) for name in ids},
            "coverage": source.meta().coverage,
            "notes": source.header["notes"],
        }


def _spectrum(source: SqliteSource, name: str):
    try:
        return source.spectrum(name, "dos")
    except NotFound:
        return None


def test_it_holds_what_was_asked_for_and_what_a_hull_needs(project, tmp_path):
    project()
    made = fetch(tmp_path / "x.sqlite")
    assert made.materials == 6
    with closing(SqliteSource(made.path)) as source:
        found = {d["material_id"] for d in source.search(Query()).documents}
        assert found == {f"mp-320000{n}" for n in (1, 2, 3, 7, 8, 9)}
        # sodium and chlorine are neighbours: their thermo documents are there, nothing else is
        assert len(source.entries(("Na", "Cl", "Cl-Na"), "R2SCAN").documents) == 3
        assert source.meta().coverage == {
            "summary": 6,
            "structure": 5,
            "thermo": 6,
            "elasticity": 1,
            "robocrys": 1,
            "dos": 2,
            "synthesis_recipes": 14,
        }
        assert source.search(Query(text="cubic crystal")).total == 1
        assert source.structures(("mp-3200003",))["mp-3200003"]["source"] in source.citations()


def test_it_says_what_it_is(project, tmp_path):
    project()
    made = fetch(tmp_path / "x.sqlite")
    with closing(SqliteSource(made.path)) as source:
        meta = source.meta()
        assert (meta.kind, meta.database_version, meta.licence) == (
            "snapshot",
            "2026.1",
            "CC BY 4.0",
        )
        assert "snapshot of Fe-O; NaCl: 6 Materials Project entries" in meta.notice
        assert "database 2026.1, fetched 20" in meta.notice
        assert "absence here means nothing" in meta.notice
        assert "10.1063/1.4812323" in meta.attribution
        assert source.header["request"] == OXIDES.as_json()
    assert made.notes == (
        "elasticity documents that are not under CC BY were left out",
        "the Project has no dos of mp-3200002, though it says so",
    )


def test_nothing_that_is_not_under_cc_by_is_kept(project, tmp_path):
    project()
    made = fetch(tmp_path / "x.sqlite", SnapshotRequest.of(elements=["O"]))
    with closing(SqliteSource(made.path)) as source:
        assert NON_COMMERCIAL not in {d["material_id"] for d in source.search(Query()).documents}
        ids = (NON_COMMERCIAL, "mp-3200002", "mp-3200003")
        assert not source.rows("thermo", ids[:1]).documents
        assert len(source.rows("elasticity", ids).documents) == 1
        assert any("not under CC BY" in note for note in made.notes)


def test_progress_comes_to_its_end_in_every_part(project, tmp_path):
    project()
    told: dict[str, tuple[int, int]] = {}
    fetch(
        tmp_path / "x.sqlite", progress=lambda done, total, what: told.update({what: (done, total)})
    )
    assert {"summary", "thermo", "elasticity", "synthesis recipes", "dos"} <= set(told)
    assert all(done == total for what, (done, total) in told.items() if what != "summary")


def test_wherever_it_breaks_off_the_same_command_goes_on(project, tmp_path):
    whole = project()
    fetch(tmp_path / "whole.sqlite")
    expected, count = contents(tmp_path / "whole.sqlite"), len(whole.requests)
    for place in range(2, count + 1, 3):
        out = tmp_path / f"{place}.sqlite"
        broken = project(fail_at=place)
        with pytest.raises(SourceError, match=rf"is kept in {place}.sqlite.part"):
            fetch(out)
        assert not out.exists()
        rest = project()
        fetch(out)
        assert contents(out) == expected
        assert not out.with_name(f"{out.name}.part").exists()
        again = set(broken.requests[:-1]) & set(rest.requests)
        assert len(again) <= 4, f"after {place} of {count} requests, asked twice: {again}"


def test_a_killed_download_goes_on(project, tmp_path):
    out = tmp_path / "x.sqlite"
    program = (
        "import sys; from pathlib import Path; import pytest; "
        "from tests.materials.files.test_snapshot import fetch, install; "
        "install(pytest.MonkeyPatch())(die_at=14); fetch(Path(sys.argv[1]))"
    )
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", program, str(out)]
    assert subprocess.run(command, cwd=root, check=False).returncode == -signal.SIGKILL
    rest = project()
    fetch(out)
    whole = project()
    fetch(tmp_path / "whole.sqlite")
    assert contents(out) == contents(tmp_path / "whole.sqlite")
    assert len(rest.requests) < len(whole.requests) - 5


def test_starting_anew_after_a_kill_leaves_nothing_of_the_old_part(project, tmp_path):
    out = tmp_path / "x.sqlite"
    project(fail_at=20)
    with pytest.raises(SourceError):
        fetch(out)
    journal = tmp_path / "x.sqlite.part-journal"
    journal.write_bytes(b"of a process that was killed")
    project()
    fetch(out, force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["x.sqlite"]


def test_a_finished_snapshot_is_left_alone_until_the_database_changes(project, tmp_path):
    project()
    first = fetch(tmp_path / "x.sqlite")
    again = project()
    assert fetch(tmp_path / "x.sqlite") == first
    assert not again.requests
    project(version="2026.2")
    assert fetch(tmp_path / "x.sqlite").database_version == "2026.2"


def test_another_request_never_replaces_a_file_without_force(project, tmp_path):
    project()
    out, other = tmp_path / "x.sqlite", SnapshotRequest.of(material_ids=["mp-3200008"])
    fetch(out)
    before = out.read_bytes()
    with pytest.raises(InvalidInput, match=r"holds Fe-O; NaCl.*--force"):
        fetch(out, other)
    assert out.read_bytes() == before
    assert fetch(out, other, force=True).materials == 1


def test_a_file_that_is_no_snapshot_is_not_replaced_without_force(project, tmp_path):
    project()
    out = tmp_path / "x.sqlite"
    out.write_text("something else")
    with pytest.raises(InvalidInput, match="no snapshot that can be read"):
        fetch(out)
    assert out.read_text() == "something else"


def test_parts_of_other_requests_and_versions_are_not_mixed(project, tmp_path):
    out = tmp_path / "x.sqlite"
    project(fail_at=20)
    with pytest.raises(SourceError):
        fetch(out)
    project()
    with pytest.raises(InvalidInput, match=r"begun for another request \(Fe-O; NaCl\)"):
        fetch(out, SnapshotRequest.of(chemsys=["Na-Cl"]))
    project(version="2026.2")
    with pytest.raises(InvalidInput, match=r"begun with database 2026\.1"):
        fetch(out)
    assert fetch(out, force=True).database_version == "2026.2"


def test_a_new_database_version_during_the_download_is_noticed(project, tmp_path):
    project(renew_at=20)
    with pytest.raises(InvalidInput, match=r"went from 2026\.1 to 2026\.2"):
        fetch(tmp_path / "x.sqlite")
    assert not (tmp_path / "x.sqlite").exists()


def test_too_many_materials_are_refused_before_any_is_fetched(project, tmp_path):
    fake = project()
    with pytest.raises(InvalidInput, match=r"about 5 materials.*at most 4"):
        fetch(tmp_path / "x.sqlite", most=4)
    assert {request[-1] for request in fake.requests} == {1}  # limits of counts
    # and a narrower request may use the same file
    assert fetch(tmp_path / "x.sqlite", SnapshotRequest.of(formulas=["Fe"]), most=4).materials == 1


def test_neighbours_count_as_well(project, tmp_path):
    project()
    with pytest.raises(InvalidInput, match=r"at most 2"):
        fetch(tmp_path / "x.sqlite", SnapshotRequest.of(formulas=["NaCl"]), most=2)


def test_a_disk_without_room_is_said_before_anything_is_fetched(project, tmp_path, monkeypatch):
    fake = project()
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(10, 10, 0))
    with pytest.raises(InvalidInput, match="GB are free"):
        fetch(tmp_path / "x.sqlite")
    assert len(fake.requests) <= 3


def test_without_a_key_nothing_is_asked(tmp_path):
    with pytest.raises(SourceError, match="MP_API_KEY"):
        download(Settings(home=tmp_path, mp_api_key=None), OXIDES, tmp_path / "x", print)
    assert not list(tmp_path.glob("x*"))


def test_requests_are_understood_as_searches_are():
    request = SnapshotRequest.of(
        chemsys=["Li-Fe-O", "Fe-O-*"],
        formulas=["Fe2P2O8"],
        elements=["O", "Li"],
        material_ids=["mp-149", "mp-13"],
        groups=["elasticity", "surface"],
    )
    assert request.chemsys == ("Fe-Li-O", "Fe-O-*")
    assert request.formulas == ("Fe1 O4 P1",)
    assert request.elements == ("Li", "O")
    assert request.material_ids == ("mp-13", "mp-149")
    assert request.endpoints == ("summary", "thermo", "elasticity", "surface_properties")
    assert str(request) == "Fe-Li-O, Fe-O-*; FePO4; all with Li and O; mp-13, mp-149"
    assert "tasks" not in SnapshotRequest.of(elements=["O"]).endpoints


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "the whole database must not be fetched"),
        ({"groups": ["elasticity"]}, "the whole database must not be fetched"),
        ({"chemsys": ["Fe-Qq"]}, "Qq"),
        ({"material_ids": ["hello"]}, "not a material id"),
        ({"elements": ["O"], "groups": ["elastic"]}, "Did you mean 'elasticity'"),
        ({"elements": ["O"], "spectra": ["band"]}, "Did you mean 'bands'"),
    ],
)
def test_a_request_that_cannot_be_is_refused(wrong, said):
    with pytest.raises(InvalidInput, match=said):
        SnapshotRequest.of(**wrong)


def test_subsystems_are_all_that_lie_in_a_system():
    assert subsystems(["O-Fe", "Li"]) == ("Fe", "Li", "O", "Fe-O")
