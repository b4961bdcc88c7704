"""What `llamp-mcp install` says, and how its options become an entry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from llamp_mcp.errors import InvalidInput
from llamp_mcp.install import CLIENTS, Outcome, Request, install, listed
from llamp_mcp.install.clients import KEY
from llamp_mcp.terminal import settings_with

if TYPE_CHECKING:
    from collections.abc import Iterator


def show_clients() -> None:
    """Print each client, its file and whether this server is in it."""
    for client, path, state in listed():
        typer.echo(f"{client.name:16}{state:26}  {path}")


def run(
    client: str | None,
    *,
    config: Path | None,
    name: str,
    source: str | None,
    home: Path | None,
    given: dict[str, Any],
    with_key: bool,
    uninstall: bool,
    dry_run: bool,
) -> None:
    """Install as the command line says, and say what to do next.

    Args:
        client: Name of the client.
        config: Its file, if not the usual one.
        name: Of the entry.
        source: Which database shall answer.
        home: Home of the server.
        given: `toolsets`, `tools`, `read_only` of the command line.
        with_key: Copy the key of the environment into the file.
        uninstall: Take the entry out.
        dry_run: Only show the change.

    Raises:
        InvalidInput: An option is wrong, or the file cannot be changed safely.
    """
    if client is None:
        raise InvalidInput("No client is named", allowed=", ".join(CLIENTS))
    key = _key() if with_key and not uninstall else None
    if key:
        typer.echo(f"{KEY} is written into the file, which becomes readable for you alone.")
    done = install(
        Request(
            client,
            config=config,
            name=name,
            arguments=tuple(_arguments(given)),
            environment=tuple(_environment(source, home)),
            key=key,
            uninstall=uninstall,
            dry_run=dry_run,
        )
    )
    _tell(done, uninstall=uninstall, dry_run=dry_run, with_key=with_key)


def _tell(done: Outcome, *, uninstall: bool, dry_run: bool, with_key: bool) -> None:
    if dry_run:
        typer.echo(done.difference or f"{done.path} would stay as it is.")
        return
    if not done.difference:
        typer.echo(f"{done.path} is as it should be; nothing was changed.")
    elif uninstall:
        typer.echo(f"Taken out of {done.path}. Structures, jobs and answers are kept.")
    else:
        typer.echo(f"Written into {done.path}.")
    if done.backup:
        typer.echo(f"As it was: {done.backup}")
    if not uninstall and not with_key:
        typer.echo(f"Key of the Materials Project: {done.client.how_to_give_key}.")
        typer.echo("Without one, the embedded sample answers.")
    typer.echo(f"Next: {done.client.restart}")


def _key() -> str:
    key = settings_with({}).mp_api_key
    if key is None:
        raise InvalidInput(
            f"--with-key copies {KEY} from the environment, where it is not set",
            next_step=f"Export {KEY} first, or leave --with-key out.",
        )
    return key.get_secret_value()


def _arguments(given: dict[str, Any]) -> Iterator[str]:
    """Options for the server, checked before they are written where nobody sees them fail."""
    from llamp_mcp.server.app import chosen

    settings = settings_with(given)
    chosen(settings)
    for option in ("toolsets", "tools"):
        if given.get(option) is not None:
            yield f"--{option}"
            yield ",".join(getattr(settings, option))
    if given.get("read_only"):
        yield "--read-only"


def _environment(source: str | None, home: Path | None) -> Iterator[tuple[str, str]]:
    """Settings, with absolute paths: a client starts its servers anywhere."""
    if source is not None:
        path = Path(source).expanduser()
        if source not in ("live", "sample") and not path.is_file():
            raise InvalidInput(
                f"There is no snapshot {source!r}",
                allowed="live, sample, or the path of a snapshot",
                next_step="Make one with `llamp-mcp snapshot`.",
            )
        yield "LLAMP_SOURCE", source if source in ("live", "sample") else str(path.resolve())
    if home is not None:
        yield "LLAMP_HOME", str(home.expanduser().absolute())
