"""The command line. `llamp-mcp` alone serves stdio."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llamp_mcp import commands
from llamp_mcp.errors import LlampError
from llamp_mcp.terminal import failed, settings_with, usage

if TYPE_CHECKING:
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
        _serve_stdio(settings_with(context.obj))


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
    settings = settings_with(context.obj | {k: v for k, v in given.items() if v is not None})
    if not http:
        _serve_stdio(settings)
        return
    from llamp_mcp.server.http import serve as serve_http

    try:
        _start_traces(settings)
        serve_http(settings, host, port)
    except LlampError as error:
        raise usage(error) from error


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
        raise failed(error) from error


@app.command()
def doctor() -> None:
    """Say what works, what is missing, and what to do about each."""
    from llamp_mcp.doctor import report

    raise typer.Exit(report(settings_with({})))


@app.command(name="tools")
def tools_command(
    context: typer.Context,
    markdown: Annotated[bool, typer.Option(help="As the README's table.")] = False,
) -> None:
    """Print the table of tools."""
    from llamp_mcp.server.app import chosen

    try:
        operations = chosen(settings_with(context.obj))
    except LlampError as error:
        raise usage(error) from error
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


@app.command()
def install(
    context: typer.Context,
    client: Annotated[
        str | None, typer.Argument(help="claude-desktop, claude-code, vscode, cursor or goose.")
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="Show clients, files and state.")] = False,
    config: Annotated[Path | None, typer.Option(help="Instead of the client's usual file.")] = None,
    name: Annotated[str, typer.Option(help="Under which the client shows this server.")] = "llamp",
    source: Annotated[
        str | None, typer.Option(help="live, sample, or the path of a snapshot.")
    ] = None,
    home: Annotated[Path | None, typer.Option(help="Instead of the usual LLAMP_HOME.")] = None,
    toolsets: Toolsets = None,
    read_only: ReadOnly = None,
    with_key: Annotated[
        bool, typer.Option("--with-key", help="Copy MP_API_KEY into the file (mode 0600).")
    ] = False,
    uninstall: Annotated[bool, typer.Option("--uninstall", help="Take the entry out.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the change; make none.")] = False,
) -> None:
    """Write this server into a client's configuration, or take it out."""
    from llamp_mcp.install import command

    chosen = {"toolsets": toolsets, "read_only": read_only}
    given = context.obj | {key: value for key, value in chosen.items() if value is not None}
    try:
        if show:
            command.show_clients()
            return
        command.run(
            client,
            config=config,
            name=name,
            source=source,
            home=home,
            given=given,
            with_key=with_key,
            uninstall=uninstall,
            dry_run=dry_run,
        )
    except LlampError as error:
        raise failed(error) from error


app.add_typer(commands.app)


def _serve_stdio(settings: Settings) -> None:
    gc.disable()  # starting makes many objects and hardly any garbage
    from llamp_mcp.server.app import create_server

    try:
        server = create_server(settings)
        _start_traces(settings)
        gc.freeze()
        gc.enable()
        server.run("stdio")
    except LlampError as error:
        raise usage(error) from error


def _start_traces(settings: Settings) -> None:
    if settings.traces:
        from llamp_mcp.server import tracing

        tracing.start(settings)
