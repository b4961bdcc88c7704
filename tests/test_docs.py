"""The documentation: generated pages are fresh, links lead somewhere, examples of code work."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from llamp_mcp.settings import Settings

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
sys.path.insert(0, str(ROOT / "scripts"))
example_pages: Any = importlib.import_module("example_pages")
tool_pages: Any = importlib.import_module("tool_pages")

PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
PICTURE_BYTES, PICTURES_BYTES = 150_000, 1_500_000
INTERNAL = {"LLAMP_TEST_FIXTURES", "LLAMP_POOL"}
FENCE = re.compile(r"^(`{3,})[^\n]*\n.*?^\1 *$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.+?) *$", re.MULTILINE)
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
HANDLE = re.compile(r"\b(s|j)-[0-9a-f]{16}\b")
EXAMPLE = re.compile(r'^(`{3,})(\w+) title="([^"]+)"\n(.*?)^\1$', re.DOTALL | re.MULTILINE)


def prose(page: Path) -> str:
    """The page without its blocks of code."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", one) for one in HEADING.findall(prose(page)))
    return {example_pages.anchor(one) for one in plain}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_every_page_is_on_the_index() -> None:
    listed = {link.partition("#")[0] for link in LINK.findall(prose(DOCS / "README.md"))}
    pages = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")} - {"README.md"}
    assert pages <= listed


def test_pictures_are_small_and_shown() -> None:
    pictures = [*DOCS.glob("*.png"), *(DOCS / "pictures").glob("*")]
    shown = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert not [one.name for one in pictures if one.name not in shown]
    sizes = {one.name: one.stat().st_size for one in pictures}
    assert max(sizes.values()) <= PICTURE_BYTES, sizes
    assert sum(sizes.values()) <= PICTURES_BYTES, sizes


def settings_told() -> dict[str, str]:
    """Each variable of the README's table and the default that stands beside it, if one does."""
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Settings\n")[2]
    told: dict[str, str] = {}
    for row in re.findall(r"^\| (`[A-Z].*?) \| (.*?) \|", table, re.MULTILINE):
        names = re.findall(r"`(\w+)`", row[0])
        defaults = [one.strip() for one in re.split(r",(?![^()]*\))", row[1])]
        whole = len(defaults) == len(names)
        told |= dict(zip(names, defaults if whole else [""] * len(names), strict=True))
    return told


def variable(name: str) -> str:
    return name.upper() if name.startswith("mp_") else f"LLAMP_{name.upper()}"


def test_the_table_of_settings_names_every_setting() -> None:
    assert settings_told().keys() == set(map(variable, Settings.model_fields)) - INTERNAL


def test_the_table_of_settings_gives_their_defaults() -> None:
    wrong = {}
    for name, field in Settings.model_fields.items():
        told = re.match(r"[\d.]+", settings_told().get(variable(name), ""))
        if told and isinstance(field.default, int | float) and field.default != float(told[0]):
            wrong[name] = (told[0], field.default)
    assert not wrong


def masked(page: str) -> str:
    """The page without the numbers that a computer or a clock may change."""
    return NUMBER.sub("#", HANDLE.sub(r"\1-…", page))


@pytest.mark.anyio
@pytest.mark.timeout(300)
async def test_the_pages_of_tools_are_those_a_server_gives() -> None:
    made = await tool_pages.pages()
    assert made.keys() == {page.name for page in (DOCS / "tools").iterdir()}
    for name, text in made.items():
        kept = (DOCS / "tools" / name).read_text(encoding="utf-8")
        assert masked(text) == masked(kept), "run: python scripts/update_docs.py tools"
        assert FENCE.sub("", text) == FENCE.sub("", kept), "schemas changed: the same"


@pytest.mark.anyio
@pytest.mark.timeout(300)
async def test_the_worked_examples_still_come_out_so() -> None:
    """All but those that run a force field."""
    made = await example_pages.page(lambda one: not one.get("slow"))
    kept = (DOCS / "examples.md").read_text(encoding="utf-8")
    for section in made.text.split("\n\n## ")[1:]:
        assert section.strip() in kept, "run: python scripts/update_docs.py examples"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for short in made.short.split("\n\n"):
        assert re.sub(r"^\d+\. ", "", short) in readme, (
            "run: python scripts/update_docs.py examples"
        )


def test_every_example_is_on_the_page() -> None:
    kept = (DOCS / "examples.md").read_text(encoding="utf-8")
    for one in example_pages.examples():
        assert f"\n## {example_pages.heading(one)}\n" in kept
        assert one["ask"] in kept


def patch(text: str, difference: str) -> str:
    """A file with the hunks of a `diff` block; each must fit in exactly one place."""
    for hunk in difference.split("...\n"):
        lines = hunk.splitlines(keepends=True)
        old = "\n" + "".join(line[1:] for line in lines if line[0] in " -")
        new = "\n" + "".join(line[1:] for line in lines if line[0] in " +")
        assert text.count(old) == 1, hunk
        text = text.replace(old, new)
    return text


CALLS = """
import json, sys
import anyio
from mcp import Client
from llamp_mcp.server.app import create_server
from llamp_mcp.server.services import Services
from llamp_mcp.settings import Settings

async def main():
    services = Services(Settings(source="sample", worker_idle_s=5))
    told = {}

    async def call(name, tool, **arguments):
        result = await client.call_tool(tool, arguments)
        answer = result.structured_content or {}
        while answer.get("job_id") and answer["state"] in ("queued", "running"):
            result = await client.call_tool("get_job", {"job_id": answer["job_id"]})
            answer = result.structured_content
        told[name] = result.content[0].text
        return answer

    try:
        async with Client(create_server(services.settings, services)) as client:
            quartz = await call(
                "quartz", "create_structure",
                prototype={"kind": "spacegroup", "spacegroup": 152,
                    "lattice": {"a": 4.9, "c": 5.4},
                    "sites": [{"species": "Si", "frac_coords": [0.47, 0, 0.3333333]},
                              {"species": "O", "frac_coords": [0.41, 0.27, 0.12]}]})
            await call("edit", "edit_structure", structure_id=quartz["structure_id"],
                       edits=[{"op": "invert"}])
            copper = await call("copper", "create_structure",
                                prototype={"kind": "bulk", "name": "Cu"})
            for calculator in ("emt", "morse"):
                await call(calculator, "compute_cohesive_energy",
                           structure_id=copper["structure_id"], calculator=calculator)
            await call("group", "get_properties", materials=["NaCl"], groups=["packing"])
            await call("expert", "expert_brief", expert="packing")
    finally:
        services.stop()
    print(json.dumps(told))

anyio.run(main)
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a server says whose package has every example of the page on extending."""
    place = tmp_path_factory.mktemp("extended")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "llamp_mcp", place / "llamp_mcp", ignore=ignored)
    page = (DOCS / "extending.md").read_text(encoding="utf-8")
    for _, kind, name, block in EXAMPLE.findall(page):
        path = place / name
        if kind == "diff":
            block = patch(path.read_text(encoding="utf-8"), block)
        else:
            assert not path.exists(), name
        path.write_text(block, encoding="utf-8")
    environment = {
        **os.environ,
        "PYTHONPATH": str(place),
        "LLAMP_HOME": str(place / "home"),
        "OMP_NUM_THREADS": "1",
    }
    run = subprocess.run(
        [sys.executable, "-c", CALLS],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    answers: dict[str, Any] = json.loads(run.stdout)
    return answers


@pytest.mark.timeout(300)
def test_the_edit_of_the_page_on_extending_works(told: dict[str, Any]) -> None:
    assert "P3_121 (152)" in told["quartz"]
    assert "P3_221 (154)" in told["edit"]


@pytest.mark.timeout(300)
def test_the_calculation_of_the_page_on_extending_works(told: dict[str, Any]) -> None:
    """ASE's EMT is parametrised with the cohesive energies of the metals at their minimum."""
    from ase.calculators.emt import parameters

    found = re.search(r"cohesive energy of s-\w+ \(Cu\) = ([\d.]+) eV/atom", told["emt"])
    assert found
    assert float(found[1]) == pytest.approx(-parameters["Cu"][0], abs=0.02)


@pytest.mark.timeout(300)
def test_the_calculator_of_the_page_on_extending_works(told: dict[str, Any]) -> None:
    assert "calculator morse (morse, Morse, made-up parameters, ase" in told["morse"]


@pytest.mark.timeout(300)
def test_the_group_of_the_page_on_extending_works(told: dict[str, Any]) -> None:
    assert re.search(r"mp-22862 NaCl: density = [\d.]+ g/cm³", told["group"])


@pytest.mark.timeout(300)
def test_the_expert_of_the_page_on_extending_works(told: dict[str, Any]) -> None:
    assert told["expert"].startswith("# Packing expert")
