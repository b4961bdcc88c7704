"""Whatever a client sends, the answer is a result: no crash, no traceback, no hang, no trace.

Every tool, resource, prompt and task method is called with arguments drawn from the schema it
serves and with spoilt ones. `LLAMP_FUZZ_EXAMPLES=1000` draws that many of each, at random; without
it the same few are drawn every time.
"""

from __future__ import annotations

import json
import os
import re
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client, MCPError
from mcp_types import CallToolResult, PromptReference

import llamp_mcp
from llamp_mcp.client import text_of
from llamp_mcp.server.app import create_server, tool_specs
from llamp_mcp.server.services import Services
from llamp_mcp.settings import Settings
from tests.conftest import Driver
from tests.server.fuzzing import JUNK, MATERIALS, VOCABULARY, arguments, spoilt
from tests.server.tasking import TaskClient, tasking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from anyio.from_thread import BlockingPortal

EXAMPLES: Final = int(os.environ.get("LLAMP_FUZZ_EXAMPLES", "0"))
WITHIN_S: Final = 60
"""Seconds for any one call; a machine that does other things as well needs some of them."""
TOKENS: Final = 6_000
TOOLS: Final = {spec.name: spec.parameters for spec in tool_specs(Settings(source="sample"))}
OF_THE_PACKAGE: Final = str(Path(llamp_mcp.__file__).parent)
FORBIDDEN: Final = re.compile(
    r"Traceback|site-packages|pydantic|\b[A-Z][A-Za-z]*(?:Error|Exception|Warning)\b"
)
BUG: Final = re.compile(r"Error executing tool \w+")
"""All that the SDK tells of an exception that nobody foresaw."""
COPPER: Final = {"kind": "bulk", "name": "Cu", "crystal": "fcc", "a": 3.615, "cubic": True}
FRAMES: Final = (
    '2\nLattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3\nCu 0 0 0\nCu 2 2 2\n'
)


def fuzzed(few: int) -> Callable[[Any], Any]:
    """How often a test is run: a few times, always alike, unless told to look further."""
    return settings(
        max_examples=EXAMPLES or few,
        derandomize=not EXAMPLES,
        database=None,
        deadline=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )


class Watched:
    """What this process opened for writing outside of its home, and whom it tried to reach."""

    def __init__(self) -> None:
        self.home: Path | None = None
        self.outside: list[str] = []
        sys.addaudithook(self._hook)  # there is no way to take a hook away

    @contextmanager
    def only(self, home: Path) -> Iterator[None]:
        """Note what happens outside of this directory, and let nothing leave the machine."""
        self.home, self.outside = home.resolve(), []
        try:
            yield
        finally:
            self.home = None

    def _hook(self, event: str, given: tuple[Any, ...]) -> None:
        if self.home is None:
            return
        if event in ("socket.connect", "socket.getaddrinfo"):
            self._look_at_address(event, given)
        elif event == "open" and isinstance(given[0], (str, bytes)):
            if given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                self._look_at_path(event, given[0])
        elif event in ("os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.link"):
            for path in given[:2] if event in ("os.rename", "os.symlink", "os.link") else given[:1]:
                if isinstance(path, (str, bytes)):
                    self._look_at_path(event, path)

    def _look_at_path(self, event: str, path: str | bytes) -> None:
        assert self.home is not None
        name = os.path.realpath(os.fsdecode(path))
        harmless = name == os.devnull or "__pycache__" in name or name.startswith("/proc/self/")
        if not harmless and not name.startswith(str(self.home)):
            self.outside.append(f"{event} {name}")

    def _look_at_address(self, event: str, given: tuple[Any, ...]) -> None:
        address = given[1] if event == "socket.connect" else given[0]
        host = address[0] if isinstance(address, tuple) else address
        if isinstance(address, str) and event == "socket.connect":
            return  # a socket of this machine
        if host not in ("127.0.0.1", "::1", "localhost"):
            self.outside.append(f"{event} {host}")
            raise ConnectionRefusedError(f"the test lets nothing leave the machine: {host}")


class Idle:
    """An engine without workers: a job waits until it is cancelled.

    What is tried here is what a server makes of arguments; to compute thousands of jobs would take
    hours, and what workers do has tests of its own.
    """

    def start(self) -> None: ...

    def recover(self) -> None: ...

    def stop(self, grace: float = 5.0) -> None: ...


class Fuzzed:
    """A server that is called from the test's own thread."""

    def __init__(
        self, portal: BlockingPortal, driver: Driver, tasks: TaskClient, sandbox: Path
    ) -> None:
        self.portal, self.driver, self.tasks, self.sandbox = portal, driver, tasks, sandbox
        self.words: Mapping[str, list[Any]] = portal.call(_prepared, driver, sandbox)

    def call(self, tool: str, given: Any) -> CallToolResult:
        """The answer to a call, whatever was given; jobs are not waited for, and cancelled."""
        if isinstance(given, dict) and "wait_s" in TOOLS[tool]["properties"]:
            given.setdefault("wait_s", 0)
            if isinstance(given["wait_s"], float | int) and 0 < given["wait_s"] <= 20:
                given["wait_s"] = 0
        result = self._ask(lambda: self.driver.client.call_tool(tool, given))
        assert isinstance(result, CallToolResult)
        structured = result.structured_content or {}
        if TOOLS[tool].get("properties", {}).get("wait_s") and structured.get("job_id"):
            for job in self.driver.services.jobs.newest(200, state="queued"):
                self.driver.services.jobs.request_cancel(job.job_id)
        return result

    def error(self, ask: Callable[[], Any]) -> str:
        """What the protocol says to a request that failed; empty where it did not."""
        try:
            self._ask(ask)
        except MCPError as error:
            return str(error)
        return ""

    def _ask(self, ask: Callable[[], Any]) -> Any:
        async def within() -> Any:
            with anyio.fail_after(WITHIN_S):
                return await ask()

        with WATCHED.only(self.sandbox / "home"):
            return self.portal.call(within)


WATCHED: Final = Watched()


async def _prepared(driver: Driver, sandbox: Path) -> Mapping[str, list[Any]]:
    """Structures, jobs and files that calls can speak of; and what needs to be imported once."""
    salt = {"kind": "bulk", "name": "NaCl", "crystal": "rocksalt", "a": 5.64}
    made = [
        (await driver.call("create_structure", prototype=prototype))["structure_id"]
        for prototype in (COPPER, salt, {"kind": "molecule", "name": "CO2"})
    ]
    made.append((await driver.call("get_structure", material="mp-149"))["structure_id"])
    shared = [{"op": "substitute", "species": {"Cu": "Cu0.5Au0.5"}}]
    slab = [{"op": "slab", "miller": [1, 1, 1], "min_thickness_a": 5, "min_vacuum_a": 8}]
    for edits in (shared, slab):
        edited = await driver.call("edit_structure", structure_id=made[0], edits=edits)
        made.append(edited["structure_id"])
    await driver.call("view_structure", structure_id=made[0])  # matplotlib writes its cache
    await driver.call("get_phase_diagram", chemsys="Li-Fe-O")
    job = await driver.call("run_md", structure_id=made[0], calculator="emt", steps=10, wait_s=0)
    workspace = sandbox / "home" / "workspace"
    (workspace / "frames.extxyz").write_text(FRAMES * 3)
    (workspace / "si.cif").write_text("data_x\n")
    (workspace / "frames.traj").write_bytes(b"- of Ulm" + b"\0" * 64)
    (workspace / "link").symlink_to(sandbox)
    os.mkfifo(workspace / "fifo.cif")
    (sandbox / "outside.cif").write_text("kept")
    known = [*made, *made, "s-0123456789abcdef", "s-0", "mp-149", ""]
    jobs = [job["job_id"], "j-000000000000000", "b-000000000000000", "", "../jobs", "j-%2e%2e"]
    handles = ("structure_id", "structure_ids", "initial_id", "final_id", "slab_id", "adsorbed_id")
    words = dict.fromkeys((*handles, "reference_ids"), known)
    return words | {"job_id": jobs, "material_id": [*MATERIALS, *made]}


@pytest.fixture(scope="module")
def fuzz(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    sandbox = tmp_path_factory.mktemp("sandbox").resolve()
    chosen = Settings(
        home=sandbox / "home",
        source="sample",
        toolsets=("all",),
        calculator="emt",
        min_free_mb=0,
        llm_model="",
        mp_api_key=None,
    )
    services = Services(chosen)
    services.home.__dict__["engine"] = Idle()
    server = create_server(chosen, services)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Client(server)) as client,
        portal.wrap_async_context_manager(tasking(server)) as tasks,
    ):
        yield Fuzzed(portal, Driver(client, services), tasks, sandbox)


def well_told(text: str, given: Any) -> None:
    """An error is told in words for a caller: nothing of how this program is made."""
    assert not BUG.fullmatch(text), given
    said = json.dumps(given, default=str, ensure_ascii=False)
    found = [match for match in FORBIDDEN.findall(text) if match not in said]
    assert not found, text
    assert OF_THE_PACKAGE not in text
    assert text.strip()
    assert len(text) < 4_000, len(text)


def well_answered(result: CallToolResult, given: Any) -> None:
    """The result is one a host can show: short text, JSON that every parser takes."""
    text = text_of(result)
    if result.is_error:
        well_told(text, given)
        return
    json.dumps(result.model_dump(mode="json"), allow_nan=False)
    assert text.strip()
    assert result.structured_content is not None
    assert len(text) / 4 <= TOKENS, len(text)


def nothing_left_outside(fuzz: Fuzzed) -> None:
    allowed = ("socket.getaddrinfo api.crossref.org", "socket.getaddrinfo export.arxiv.org")
    assert [what for what in WATCHED.outside if what not in allowed] == []
    assert sorted(path.name for path in fuzz.sandbox.iterdir()) == ["home", "outside.cif"]
    assert (fuzz.sandbox / "outside.cif").read_text() == "kept"


@pytest.mark.timeout(0 if EXAMPLES else 120)
@pytest.mark.parametrize("tool", TOOLS)
def test_arguments_that_the_schema_allows_are_answered(fuzz: Fuzzed, tool: str) -> None:
    @fuzzed(12)
    @given(st.data())
    def tried(data: st.DataObject) -> None:
        made = data.draw(arguments(TOOLS[tool], fuzz.words))
        well_answered(fuzz.call(tool, made), made)
        nothing_left_outside(fuzz)

    tried()


@pytest.mark.timeout(0 if EXAMPLES else 120)
@pytest.mark.parametrize("tool", TOOLS)
def test_spoilt_arguments_are_answered(fuzz: Fuzzed, tool: str) -> None:
    @fuzzed(12)
    @given(st.data())
    def tried(data: st.DataObject) -> None:
        made = data.draw(spoilt(TOOLS[tool], fuzz.words))
        well_answered(fuzz.call(tool, made), made)
        nothing_left_outside(fuzz)

    tried()


TEMPLATES: Final = (
    *("llamp://properties/{}", "mp://{}", "mp://{}/{}", "mp://{}/spectrum/{}", "job://{}"),
    *("job://{}/log", "job://{}/trajectory", "job://{}/plot", "structure://{}.cif", "{}"),
    *(
        "structure://{}.json",
        "structure://{}.png",
        "skill://{}/SKILL.md",
        "ui://llamp/{}",
        "{}://{}",
    ),
)
PARTS: Final = st.one_of(
    st.sampled_from([*VOCABULARY["path"], *MATERIALS, "thermo", "bands", "%2e%2e%2f", "a" * 5_000]),
    st.sampled_from([part for part in JUNK if isinstance(part, str)]),
    st.text(max_size=20),
)


@pytest.mark.timeout(0 if EXAMPLES else 120)
@pytest.mark.parametrize("template", TEMPLATES)
def test_any_address_of_a_resource_is_answered(fuzz: Fuzzed, template: str) -> None:
    known = st.sampled_from([*fuzz.words["job_id"], *fuzz.words["structure_id"]])

    @fuzzed(12)
    @given(st.lists(st.one_of(PARTS, known), min_size=2, max_size=2))
    def tried(parts: list[str]) -> None:
        uri = template.format(*parts)
        if text := fuzz.error(lambda: fuzz.driver.client.read_resource(uri)):
            well_told(text, [uri, parts])
        nothing_left_outside(fuzz)

    tried()


@pytest.mark.timeout(0 if EXAMPLES else 120)
@pytest.mark.parametrize("prompt", ["materials_scientist", "thermo", "anneal", "synthesise", "x"])
def test_any_argument_of_a_prompt_is_answered(fuzz: Fuzzed, prompt: str) -> None:
    names = ("question", "material", "calculator", "group", "unknown")
    texts = st.one_of(PARTS, st.sampled_from(VOCABULARY["question"]))

    @fuzzed(12)
    @given(st.dictionaries(st.sampled_from(names), texts))
    def tried(given: dict[str, str]) -> None:
        client = fuzz.driver.client
        if text := fuzz.error(lambda: client.get_prompt(prompt, given)):
            well_told(text, given)
        for name, value in given.items():
            asked = {"name": name, "value": value}
            reference = PromptReference(type="ref/prompt", name=prompt)
            if text := fuzz.error(lambda: client.complete(reference, asked)):  # noqa: B023
                well_told(text, given)
        nothing_left_outside(fuzz)

    tried()


@pytest.mark.timeout(0 if EXAMPLES else 120)
def test_any_id_of_a_task_is_answered(fuzz: Fuzzed) -> None:
    answers = st.dictionaries(st.text(max_size=5), st.sampled_from(JUNK), max_size=2)

    @fuzzed(25)
    @given(st.one_of(PARTS, st.sampled_from(fuzz.words["job_id"])), answers)
    def tried(task: str, given: dict[str, Any]) -> None:
        for ask in (
            lambda: fuzz.tasks.get(task),
            lambda: fuzz.tasks.update(task, **given),
            lambda: fuzz.tasks.cancel(task),
        ):
            if text := fuzz.error(ask):
                well_told(text, [task, given])
        nothing_left_outside(fuzz)

    tried()
