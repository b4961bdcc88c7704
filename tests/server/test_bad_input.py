"""Every bad input is a tool error from which a model can correct itself, and loses nothing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from llamp_mcp.settings import ModelFile, Settings
from tests.conftest import Driver, driving

pytestmark = pytest.mark.anyio

SI_MACE = Path(__file__).parents[1] / "data" / "si_mace.model"

WITHOUT_STRUCTURE: list[tuple[str, str, dict[str, Any], list[str]]] = [
    ("unknown argument", "search_materials", {"formula": "Si", "bandgap": 1}, ["'bandgap'"]),
    ("unknown element", "search_materials", {"formula": "Qq2"}, ["Qq"]),
    ("stray bracket", "search_materials", {"formula": "H2O)"}, ["H2O)"]),
    ("word for an id", "get_structure", {"material": "hello"}, ["hello"]),
    ("malformed id", "get_properties", {"materials": ["mp-foo"], "groups": ["thermo"]}, ["mp-foo"]),
    ("impossible id", "get_structure", {"material": "mp-99999999999"}, ["mp-99999999999"]),
    ("absent id", "get_structure", {"material": "mp-1299999"}, ["mp-1299999", "offline extract"]),
    ("unknown field", "search_materials", {"formula": "Si", "fields": ["bang_gap"]}, ["band_gap"]),
    (
        "unknown group",
        "get_properties",
        {"materials": ["Si"], "groups": ["elastic"]},
        ["elastic", "elasticity"],
    ),
    ("unknown structure", "export_structure", {"structure_id": "s-0", "format": "cif"}, ["s-0"]),
    ("CIF that does not parse", "create_structure", {"text": "data_x\n_cell_a 1", "format": "cif"},
     ["cif"]),
    ("path, no text", "create_structure", {"text": "/data/si.cif", "format": "cif"}, ["path"]),
    ("path out of the workspace", "create_structure", {"path": "../../etc/passwd"}, ["workspace"]),
    ("unknown job", "get_job", {"job_id": "j-0", "wait_s": 0}, ["j-0"]),
    ("unknown job to cancel", "cancel_job", {"job_id": "j-000000000000000"}, ["get_job"]),
    ("wait too long", "get_job", {"wait_s": 60}, ["20"]),
]  # fmt: skip

EDITS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("unknown operation", {"op": "explode"}, ["explode", "supercell"]),
    ("foreign argument", {"op": "supercell", "site": 1}, ["site", "repeats"]),
    ("million atoms", {"op": "supercell", "repeats": [80, 80, 80]}, ["1024000", "20000"]),
    ("singular matrix", {"op": "supercell", "matrix": [[1, 0, 0], [1, 0, 0], [0, 0, 1]]}, ["det"]),
    ("negative matrix", {"op": "supercell", "matrix": [[-1, 0, 0], [0, 1, 0], [0, 0, 1]]}, ["det"]),
    (
        "interstitial on an atom",
        {"op": "interstitial", "species": "Li", "frac_coords": [0.875, 0.875, 0.875]},
        ["Å"],
    ),
    ("absent site", {"op": "vacancy", "site": 7}, ["7", "0"]),
]

RUNS: list[tuple[str, str, dict[str, Any], list[str]]] = [
    ("unknown calculator", "relax_structure", {"calculator": "vasp"}, ["vasp", "chgnet", "emt"]),
    ("missing element", "relax_structure", {"calculator": "emt"}, ["Si"]),
    ("negative temperature", "run_md", {"temperature_k": [-5], "steps": 10}, ["-5"]),
    ("negative time step", "run_md", {"steps": 10, "timestep_fs": -1}, ["-1"]),
    ("a billion steps", "run_md", {"temperature_k": [300], "steps": 10**9}, ["1000000000"]),
]


@pytest.mark.parametrize(
    ("tool", "arguments", "expected"),
    [case[1:] for case in WITHOUT_STRUCTURE],
    ids=[case[0] for case in WITHOUT_STRUCTURE],
)
async def test_bad_arguments_are_explained(
    server: Driver, tool: str, arguments: dict[str, Any], expected: list[str]
) -> None:
    explained(await server.error(tool, **arguments), expected)


@pytest.mark.parametrize(
    ("edit", "expected"), [case[1:] for case in EDITS], ids=[case[0] for case in EDITS]
)
async def test_a_bad_edit_is_explained_and_changes_nothing(
    server: Driver, edit: dict[str, Any], expected: list[str]
) -> None:
    silicon = await server.call("get_structure", material="mp-149")
    before = len(server.services.structures.newest())
    good = {"op": "strain", "voigt": [0.01, 0, 0, 0, 0, 0]}
    text = await server.error(
        "edit_structure", structure_id=silicon["structure_id"], edits=[good, edit]
    )
    explained(text, [*expected, "edits[1]"])
    assert len(server.services.structures.newest()) == before


@pytest.mark.parametrize(
    ("tool", "arguments", "expected"), [case[1:] for case in RUNS], ids=[case[0] for case in RUNS]
)
async def test_a_bad_simulation_is_refused_before_a_job_is_made(
    server: Driver, tool: str, arguments: dict[str, Any], expected: list[str]
) -> None:
    silicon = await server.call("get_structure", material="mp-149")
    text = await server.error(tool, structure_id=silicon["structure_id"], **arguments)
    explained(text, expected)
    assert server.services.jobs.newest() == []


async def test_ten_megabytes_of_cif_are_refused(server: Driver) -> None:
    text = await server.error("create_structure", text="data_si " * 1_250_000, format="cif")
    explained(text, ["10", "1"])


async def test_a_model_file_with_another_digest_is_not_loaded(settings: Settings) -> None:
    wrong = ModelFile(family="mace", path=SI_MACE, sha256="0" * 64)
    pinned = settings.model_copy(update={"models": {"si-mace": wrong}})
    async with driving(pinned) as server:
        silicon = await server.call("get_structure", material="mp-149")
        result = await server.raw(
            "relax_structure", structure_id=silicon["structure_id"], calculator="si-mace"
        )
        said = str(result.content) + str(result.structured_content)
    assert "sha256" in said
    assert "0" * 64 in said
    assert "Traceback" not in said


async def test_a_job_is_refused_when_the_disk_is_full(
    server: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    silicon = await server.call("get_structure", material="mp-149")
    usage = type(shutil.disk_usage("/"))(100, 100, 0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    text = await server.error("relax_structure", structure_id=silicon["structure_id"])
    explained(text, ["disk"])


def explained(text: str, expected: list[str]) -> None:
    """The text names what is wrong and reads as a sentence, not as a traceback or a Python repr."""
    missing = [part for part in expected if part not in text]
    assert not missing, text
    assert "Traceback" not in text
    assert "pydantic" not in text
    assert len(text) < 1500
