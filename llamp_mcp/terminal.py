"""What the commands share: settings with a command line over them, a bar, how failures are told."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from pydantic import ValidationError

from llamp_mcp.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llamp_mcp.errors import LlampError


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int, str], None]]:
    """A bar on stderr, and the function that moves it: done, total, what is being done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total, what: bar.update(
            task, completed=done, total=total, description=what
        )


def settings_with(given: dict[str, Any]) -> Settings:
    """Settings of the environment, with what the command line says over them."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        problems = "; ".join(
            f"LLAMP_{'.'.join(str(part) for part in item['loc']).upper()}: {item['msg']}"
            for item in error.errors()
        )
        raise typer.BadParameter(f"A setting is wrong. {problems}") from error
    except OSError as error:
        raise typer.BadParameter(f"A settings file cannot be read: {error}") from error


def usage(error: LlampError) -> typer.BadParameter:
    """How a wrong setting or argument is told: beside the usage, exit code 2."""
    return typer.BadParameter(str(error))


def failed(error: LlampError) -> typer.Exit:
    """How a command is told to have failed: on stderr, exit code 1."""
    typer.echo(f"Stopped: {error}", err=True)
    return typer.Exit(1)
