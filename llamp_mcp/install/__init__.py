"""Writes this server into the configuration of an MCP client, and takes it out again.

Only one entry is touched; everything else in the file stays as it is, comments and layout included.
The file is replaced in one step, after a backup, and only if nobody else has written it meanwhile.
"""

from __future__ import annotations

import difflib
import os
import re
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llamp_mcp.errors import InvalidInput, NotFound, one_of
from llamp_mcp.install.clients import CLIENTS, KEY, Client, place_of
from llamp_mcp.install.files import ConfigFile
from llamp_mcp.install.json_text import JsonText
from llamp_mcp.install.yaml_text import YamlText
from llamp_mcp.recording import Redaction

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CLIENTS", "Outcome", "Request", "install", "listed"]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MANAGED = ("LLAMP_HOME", "LLAMP_SOURCE")
"""Variables that each installation sets anew; all others in an entry are the user's."""


@dataclass(frozen=True)
class Request:
    """What to write, and where.

    Args:
        client: Name of the client, one of `CLIENTS`.
        config: The file, where it is not the client's usual one.
        name: Under which the client shows this server.
        arguments: Of `llamp-mcp`, such as `--read-only`; never a secret.
        environment: Settings, such as `LLAMP_SOURCE`; never a secret.
        key: Of the Materials Project, when it shall be written into the file.
        uninstall: Take the entry out instead.
        dry_run: Change nothing.
    """

    client: str
    config: Path | None = None
    name: str = "llamp"
    arguments: Sequence[str] = ()
    environment: tuple[tuple[str, str], ...] = ()
    key: str | None = None
    uninstall: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class Outcome:
    """What was done, or would be.

    Args:
        client: Whose configuration it is.
        path: The file.
        difference: What changes in it, as a unified diff without secrets; empty: nothing.
        backup: Copy of the file as it was; None where none was needed.
    """

    client: Client
    path: Path
    difference: str
    backup: Path | None = None


def install(request: Request) -> Outcome:
    """Write this server's entry into a client's configuration, or take it out.

    Raises:
        InvalidInput: The client is unknown; the file cannot be read, is not what the client would
            read, or changed meanwhile; or the name belongs to another server.
    """
    client = _client(request.client)
    if not _NAME.fullmatch(request.name):
        raise InvalidInput(
            f"{request.name[:80]!r} cannot be the name of a server",
            allowed="1 to 64 letters, digits, '-' and '_'",
        )
    file = ConfigFile(request.config or place_of(client), client.title)
    document = _document(client, file.text)
    old = document.entry(client.container, request.name)
    if old is not None and not _is_ours(old):
        raise InvalidInput(
            f"{request.name!r} in {file.path} is another server; nothing was changed",
            next_step="Choose another name with --name.",
        )
    if request.uninstall:
        text = _without(document, client, request.name, file.path)
    else:
        text = _with(document, client, request, old or {})
    difference = _difference(file, text, client, request.key)
    backup = None
    if not request.dry_run:
        backup = file.replace(text, private=request.key is not None)
    return Outcome(client, file.path, difference, backup)


def listed() -> list[tuple[Client, Path, str]]:
    """Each client, its usual file, and whether this server is in it."""
    rows = []
    for client in CLIENTS.values():
        path = place_of(client)
        if not path.exists():
            rows.append((client, path, "no file yet" if path.parent.is_dir() else "not set up"))
            continue
        try:
            names = _document(client, ConfigFile(path, client.title).text).names(
                client.container, _is_ours
            )
            state = f"installed as {', '.join(names)}" if names else "not installed"
        except InvalidInput as error:
            state = error.what
        rows.append((client, path, state))
    return rows


def _client(name: str) -> Client:
    if name not in CLIENTS:
        raise one_of("client", name, CLIENTS)
    return CLIENTS[name]


def _document(client: Client, text: str) -> JsonText | YamlText:
    if client.form == "yaml":
        return YamlText(text)
    return JsonText(text, comments=client.form == "jsonc")


def _is_ours(entry: Any) -> bool:
    """Whether an entry starts this server, by its command or through uvx."""
    if not isinstance(entry, dict):
        return False
    arguments = entry.get("args")
    words = [entry.get("command"), entry.get("cmd")]
    words += arguments if isinstance(arguments, list) else []
    names = (re.split(r"[\\/]", str(word))[-1] for word in words)
    return any(name in ("llamp-mcp", "llamp-mcp.exe") for name in names)


def _with(
    document: JsonText | YamlText, client: Client, request: Request, old: dict[str, Any]
) -> str:
    kept = old.get(client.variables)
    kept = dict(kept) if isinstance(kept, dict) else {}
    environment = {name: value for name, value in kept.items() if name not in _MANAGED}
    if client.key_reference:
        environment.setdefault(KEY, client.key_reference)
    environment |= dict(request.environment)
    if request.key is not None:
        environment[KEY] = request.key
    ours: dict[str, Any] = {
        **client.fixed(request.name),
        client.command: str(_executable()),
        "args": list(request.arguments),
    }
    free = {name: value for name, value in old.items() if name not in ours}
    if "enabled" in old:  # switched off by the user: it stays so
        ours["enabled"] = old["enabled"]
    entry = {**ours, **free, client.variables: environment}
    if not environment:
        del entry[client.variables]
    if (
        client.question
        and isinstance(document, JsonText)
        and environment.get(KEY) == client.key_reference
    ):
        document = document.with_item("inputs", client.question)
    return document.with_entry(client.container, request.name, entry).text


def _without(document: JsonText | YamlText, client: Client, name: str, path: Path) -> str:
    if document.entry(client.container, name) is None:
        raise NotFound(
            f"{path} has no server {name!r}; nothing was changed",
            next_step="See `llamp-mcp install --list`, or give --name or --config.",
        )
    document = document.without_entry(client.container, name)
    if (
        client.question
        and isinstance(document, JsonText)
        and client.key_reference not in document.text
    ):
        document = document.without_item("inputs", client.question["id"])
    return document.text


def _executable() -> Path:
    """The `llamp-mcp` of this environment; clients start without the user's PATH.

    Raises:
        NotFound: It is not there.
    """
    name = "llamp-mcp.exe" if os.name == "nt" else "llamp-mcp"
    path = Path(sysconfig.get_path("scripts")) / name
    if not path.is_file():
        raise NotFound(
            f"There is no {path}, which the client would start",
            next_step="Install llamp-mcp into this environment with pip, then try again.",
        )
    return path


def _difference(file: ConfigFile, text: str, client: Client, key: str | None) -> str:
    """A unified diff; keys of this and of other servers in its lines are blotted out."""
    sides = file.text.splitlines(), text.splitlines()
    lines = difflib.unified_diff(
        *sides, fromfile=str(file.path), tofile=f"{file.path} (new)", n=2, lineterm=""
    )
    shown = "\n".join(lines)
    # what looks like a secret to the redaction, and is the place of one
    places = [place for place in (client.key_reference, '"password": true') if place]
    for mark, place in enumerate(places):
        shown = shown.replace(place, chr(mark))
    shown = Redaction([key] if key else []).text(shown)
    for mark, place in enumerate(places):
        shown = shown.replace(chr(mark), place)
    return shown
