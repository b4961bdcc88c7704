"""The command line. `llamp-mcp` alone serves stdio."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from llamp_mcp.errors import LlampError
from llamp_mcp.settings import Settings

app = typer.Typer(
    help="Materials Project retrieval, crystal editing and simulation as MCP tools.",
    add_completion=False,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
)

Toolsets = Annotated[
    str | None, typer.Option(help="Toolsets to serve, comma-separated, or 'all'.", metavar="NAMES")
]
Tools = Annotated[str | None, typer.Option(help="Only these tools.", metavar="NAMES")]
ReadOnly = Annotated[
    bool | None, typer.Option("--read-only", help="Leave out what starts jobs or writes files.")
]


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    toolsets: Toolsets = None,
    tools: Tools = None,
    read_only: ReadOnly = None,
) -> None:
    """Serve on stdio, unless a command is given."""
    context.obj = {"toolsets": toolsets, "tools": tools, "read_only": read_only}
    if context.invoked_subcommand is None:
        _serve_stdio(_settings(context.obj))


@app.command()
def serve(
    context: typer.Context,
    http: Annotated[bool, typer.Option(help="Streamable HTTP instead of stdio.")] = False,
    host: Annotated[str, typer.Option(help="Address to bind.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to bind.", min=1, max=65535)] = 8000,
    toolsets: Toolsets = None,
    tools: Tools = None,
    read_only: ReadOnly = None,
) -> None:
    """Serve on stdio, or on Streamable HTTP with --http (at /mcp)."""
    given = {"toolsets": toolsets, "tools": tools, "read_only": read_only}
    settings = _settings(context.obj | {k: v for k, v in given.items() if v is not None})
    if not http:
        _serve_stdio(settings)
        return
    from llamp_mcp.server.http import serve as serve_http

    try:
        serve_http(settings, host, port)
    except LlampError as error:
        raise _usage(error) from error


@app.command()
def demo(
    steps: Annotated[int, typer.Option(help="Steps of molecular dynamics.", min=50)] = 1000,
    home: Annotated[Path | None, typer.Option(help="Where to keep the results.")] = None,
) -> None:
    """Retrieve, edit, relax and anneal silicon with lithium through a real server."""
    from llamp_mcp.demo import run

    try:
        run(steps, home)
    except LlampError as error:
        typer.echo(f"The demo stopped: {error}", err=True)
        raise typer.Exit(1) from error


@app.command()
def doctor() -> None:
    """Say what works, what is missing, and what to do about each."""
    from llamp_mcp.doctor import report

    raise typer.Exit(report(_settings({})))


@app.command(name="tools")
def tools_command(
    context: typer.Context,
    markdown: Annotated[bool, typer.Option(help="As the README's table.")] = False,
) -> None:
    """Print the table of tools."""
    from llamp_mcp.server.app import chosen

    try:
        operations = chosen(_settings(context.obj))
    except LlampError as error:
        raise _usage(error) from error
    if markdown:
        from llamp_mcp.server.table import markdown_table

        typer.echo(markdown_table(operations))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("tool", "toolset", "what it does")
    for operation in operations:
        table.add_row(operation.name, operation.toolset, operation.description.partition("\n")[0])
    Console().print(table)


def _serve_stdio(settings: Settings) -> None:
    from llamp_mcp.server.app import create_server

    try:
        create_server(settings).run("stdio")
    except LlampError as error:
        raise _usage(error) from error


def _settings(given: dict[str, Any]) -> Settings:
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


def _usage(error: LlampError) -> typer.BadParameter:
    return typer.BadParameter(str(error))
