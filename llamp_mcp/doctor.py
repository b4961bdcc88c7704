"""What works on this machine, what is missing, and what to do about each."""

from __future__ import annotations

import hashlib
import platform
import shutil
from typing import TYPE_CHECKING, Literal

from llamp_mcp import __version__
from llamp_mcp.errors import LlampError, SourceError, address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llamp_mcp.settings import Settings

State = Literal["ok", "missing", "broken"]
Finding = tuple[State, str, str]
"""State, what was looked at, and what was found or what to do."""

NETWORK_TIMEOUT_S = 5.0


def findings(settings: Settings) -> Iterator[Finding]:
    """All checks, each independent of the others."""
    yield "ok", "version", f"llamp-mcp {__version__}, Python {platform.python_version()}"
    for name, check in _CHECKS.items():
        try:
            yield from check(settings)
        except LlampError as error:
            yield "broken", name, str(error)


def _home(settings: Settings) -> Iterator[Finding]:
    home = settings.open_home()
    yield "ok", "home", f"{home} can be written; workspace {settings.workspace_path}"
    free_mb = shutil.disk_usage(home).free // 2**20
    if free_mb < settings.min_free_mb:
        todo = f"{free_mb} MB free, {settings.min_free_mb} MB needed: free some, or set LLAMP_HOME"
        yield "broken", "disk", todo
    else:
        yield "ok", "disk", f"{free_mb} MB free"


def _source(settings: Settings) -> Iterator[Finding]:
    from llamp_mcp.materials.open_source import open_source

    meta = open_source(settings).meta()
    yield "ok", "source", f"{meta.kind}: {meta.name}, {meta.database_version}. {meta.notice}"


def _project(settings: Settings) -> Iterator[Finding]:
    """Address and key of the Materials Project, each by a real request."""
    from llamp_mcp.materials.client import ProjectClient

    needed = settings.source_kind == "live"
    lacking: State = "broken" if needed else "missing"
    unneeded = "" if needed else f"; LLAMP_SOURCE={settings.source_kind} needs none"
    bounds = {"request_timeout_s": min(settings.request_timeout_s, NETWORK_TIMEOUT_S)}
    client = ProjectClient(settings.model_copy(update=bounds))
    try:
        version = client.database_version()
    except SourceError as error:
        yield lacking, "network", f"{error}{unneeded}"
        return
    yield "ok", "network", f"{address(client.endpoint)} answers, database {version}"
    if settings.mp_api_key is None:
        get_one = "no MP_API_KEY: get one (free) at https://materialsproject.org/api"
        yield lacking, "key", f"{get_one}{unneeded}"
        return
    try:
        client.find("summary", {"material_ids": "mp-149"}, ("material_id",), limit=1)
    except SourceError as error:
        yield "broken", "key", str(error)
    else:
        yield "ok", "key", "MP_API_KEY is accepted"


def _cache(settings: Settings) -> Iterator[Finding]:
    from llamp_mcp.materials.live.cache import open_cache

    about = open_cache(settings).describe()
    if "error" in about:
        yield "broken", "cache", about["error"]
        return
    used, limit = about["bytes"] // 2**20, about["limit_bytes"] // 2**20
    yield "ok", "cache", f"{about['entries']} live answers kept, {used} of {limit} MB"


def _calculators(settings: Settings) -> Iterator[Finding]:
    from llamp_mcp.simulation.calculators import Calculators

    calculators = Calculators(settings)
    for entry in calculators.entries():
        default = " (default)" if entry.name == calculators.default else ""
        if entry.available:
            yield "ok", f"calculator {entry.name}{default}", f"{entry.model}, {entry.version}"
        else:
            yield "missing", f"calculator {entry.name}{default}", entry.why_not or "unavailable"
    known = {entry.name for entry in calculators.entries()}
    if calculators.default not in known:
        todo = f"LLAMP_CALCULATOR is {calculators.default!r}; it may be {', '.join(sorted(known))}"
        yield "broken", "default calculator", todo


def _models(settings: Settings) -> Iterator[Finding]:
    for name, file in settings.models.items():
        path = file.path.expanduser()
        if not path.is_file():
            yield "broken", f"model {name}", f"{path} is not a file: correct LLAMP_MODELS"
            continue
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if digest != file.sha256:
            todo = f"{path} has sha256 {digest}, LLAMP_MODELS says {file.sha256}: do not trust it"
            yield "broken", f"model {name}", todo
        else:
            yield "ok", f"model {name}", f"{path}, sha256 as set"


def _language_model(settings: Settings) -> Iterator[Finding]:
    """Whether one is set for nested experts. It is not called: that may cost money."""
    from llamp_mcp.providers.open_provider import open_provider

    if open_provider(settings) is None:
        todo = "none set: ask_expert uses the client's, or hands its brief back (LLAMP_LLM_MODEL)"
        yield "missing", "language model", todo
    else:
        yield (
            "ok",
            "language model",
            f"{settings.llm_model} at {address(settings.llm_url)}, not called",
        )


_CHECKS: dict[str, Callable[[Settings], Iterator[Finding]]] = {
    "home": _home,
    "source": _source,
    "network": _project,
    "cache": _cache,
    "calculators": _calculators,
    "models": _models,
    "language model": _language_model,
}


def report(settings: Settings) -> int:
    """Print the findings; 1 when something is broken, 0 when things are only missing."""
    from rich.console import Console
    from rich.table import Table

    table = Table("", "what", "found", show_lines=False)
    colours = {"ok": "green", "missing": "yellow", "broken": "red"}
    seen = list(findings(settings))
    for state, what, found in seen:
        table.add_row(f"[{colours[state]}]{state}[/]", what, found)
    Console().print(table)
    return int(any(state == "broken" for state, _, _ in seen))
