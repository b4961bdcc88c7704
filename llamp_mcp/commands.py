"""Commands around the server: data to work with offline, what a home keeps, models judged."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 (typer reads the annotations at run time)
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from llamp_mcp.errors import LlampError
from llamp_mcp.terminal import failed, progress_bar, settings_with

if TYPE_CHECKING:
    from llamp_mcp.simulation.jobs import Job

app = typer.Typer()


@app.command()
def snapshot(
    out: Annotated[Path, typer.Option(help="The file to make; a run that was killed goes on.")],
    chemsys: Annotated[
        list[str] | None, typer.Option(help="With all within it, as Li-Fe-O; may be repeated.")
    ] = None,
    formula: Annotated[list[str] | None, typer.Option(help="As LiFePO4; may be repeated.")] = None,
    element: Annotated[
        list[str] | None, typer.Option(help="All that contain it; repeated: all of them.")
    ] = None,
    material: Annotated[list[str] | None, typer.Option(help="As mp-149; may be repeated.")] = None,
    group: Annotated[
        list[str] | None, typer.Option(help="Only these groups of properties; may be repeated.")
    ] = None,
    spectrum: Annotated[
        list[str] | None, typer.Option(help="Also bands, dos, phonon_bands, phonon_dos.")
    ] = None,
    force: Annotated[bool, typer.Option(help="Start anew, over what is there.")] = False,
) -> None:
    """Fetch a snapshot of the Materials Project with your own key (MP_API_KEY), to work offline."""
    from llamp_mcp.materials.files.request import SnapshotRequest
    from llamp_mcp.materials.files.snapshot import download

    try:
        request = SnapshotRequest.of(
            chemsys=chemsys or (),
            formulas=formula or (),
            elements=element or (),
            material_ids=material or (),
            groups=group or (),
            spectra=spectrum or (),
        )
        with progress_bar() as report:
            made = download(settings_with({}), request, out, report, force=force)
    except LlampError as error:
        raise failed(error) from error
    held = ", ".join(f"{name} {count}" for name, count in made.coverage.items() if count)
    size = f"{made.size_bytes / 2**20:.1f} MB"
    typer.echo(f"{made.path}: {made.materials} materials, {size}, database {made.database_version}")
    typer.echo(f"Documents: {held}")
    for note in made.notes:
        typer.echo(f"Note: {note}")
    typer.echo(f"Use it: LLAMP_SOURCE={made.path.resolve()} llamp-mcp")


@app.command()
def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Delete all answers.")] = False,
) -> None:
    """Show what the cache of live answers holds, or clear it."""
    from llamp_mcp.materials.live.cache import open_cache

    kept = open_cache(settings_with({}))
    if clear:
        try:
            typer.echo(f"{kept.clear()} answers deleted from {kept.directory}")
        except LlampError as error:
            raise failed(error) from error
        return
    about = kept.describe()
    if "error" in about:
        typer.echo(about["error"], err=True)
        raise typer.Exit(1)
    used, limit = about["bytes"] / 2**20, about["limit_bytes"] / 2**20
    typer.echo(f"{kept.directory}: {about['entries']} answers, {used:.1f} of {limit:.0f} MB")
    for version, held in about["versions"].items():
        dates = f"fetched {held['oldest']} to {held['newest']}"
        typer.echo(f"database {version}: {held['entries']} answers, {dates}")


@app.command()
def jobs(
    state: Annotated[str | None, typer.Option(help="Only these: running, failed, …")] = None,
    kind: Annotated[str | None, typer.Option(help="Only those of this tool.")] = None,
    limit: Annotated[int, typer.Option(help="How many, newest first.", min=1)] = 20,
    clean: Annotated[
        bool, typer.Option("--clean", help="Remove ended jobs as LLAMP_JOB_DAYS, _JOBS_MB say.")
    ] = False,
    days: Annotated[
        float | None, typer.Option(help="With --clean: those that ended so long ago.", min=0.001)
    ] = None,
) -> None:
    """List calculations, or remove those that have ended, with their files."""
    from llamp_mcp.simulation.jobs import JobStore

    settings = settings_with({})
    try:
        store = JobStore.of(settings)
        if not clean:
            _list_jobs(store.newest(limit, state=state, kind=kind))
            return
        kept_days = settings.job_days if days is None else days
        gone = store.prune(days=kept_days, limit_mb=settings.jobs_mb, unread_s=-1)
    except LlampError as error:
        raise failed(error) from error
    size = sum(removed.size for removed in gone) / 2**20
    typer.echo(f"{len(gone)} jobs removed, {size:.1f} MB freed in {store.home}")


def _list_jobs(listed: list[Job]) -> None:
    from datetime import datetime

    from rich.console import Console
    from rich.table import Column, Table

    table = Table(Column("job", min_width=17), "kind", "state", "submitted", "steps", "message")
    for job in listed:
        when = datetime.fromtimestamp(job.created).isoformat(" ", "seconds")
        steps = f"{job.done}/{job.total}"
        table.add_row(job.job_id, job.kind, job.state, when, steps, job.error or job.message)
    Console().print(table)


@app.command()
def evaluate(
    out: Annotated[Path, typer.Option(help="Folder of the results; what is there goes on.")],
    questions: Annotated[
        list[str] | None, typer.Option(help="Set, story (S4) or .yaml file; may be repeated.")
    ] = None,
    scripted: Annotated[
        bool, typer.Option("--scripted", help="Plans of the briefs answer.")
    ] = False,
    model: Annotated[str | None, typer.Option(help="Instead of LLAMP_LLM_MODEL.")] = None,
    url: Annotated[str | None, typer.Option(help="Instead of LLAMP_LLM_URL.")] = None,
    gguf: Annotated[Path | None, typer.Option(help="A model file, through llama.cpp.")] = None,
    constrained: Annotated[
        bool | None, typer.Option("--constrained", help="Hold small models to a grammar.")
    ] = None,
    trials: Annotated[int, typer.Option(help="Of each question.", min=1)] = 5,
    only: Annotated[Literal["with", "without"] | None, typer.Option(help="One arm alone.")] = None,
    tools: Annotated[list[str] | None, typer.Option(help="Instead of those a set names.")] = None,
    seconds: Annotated[float, typer.Option(help="Per answer.", min=1)] = 150,
    temperature: Annotated[float | None, typer.Option(help="Of a model.")] = None,
    concurrency: Annotated[int, typer.Option(help="Answers at a time.", min=1)] = 1,
    prices: Annotated[
        tuple[float, float] | None, typer.Option(help="USD per 10⁶ tokens read, written.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew, over what is there.")] = False,
) -> None:
    """Put questions with known answers to a model, with and without the tools, and score it."""
    from contextlib import nullcontext

    from rich.console import Console

    from llamp_mcp.evaluate import Options, run, table
    from llamp_mcp.providers.llama_cpp import serving

    try:
        with serving(gguf) if gguf else nullcontext(url) as where, progress_bar() as report:
            name = model or (gguf.stem if gguf else None)
            given = {"llm_model": name, "llm_url": where, "llm_constrained": constrained}
            settings = settings_with(given)
            how = (concurrency, seconds, temperature, prices, fresh)
            options = Options(out, questions or (), trials, only, scripted, tools or (), *how)
            record = run(options, settings, report)
    except LlampError as error:
        raise failed(error) from error
    Console().print(table(record))
    typer.echo(f"Report: {out / 'report.md'}")


@app.command()
def distill(
    out: Annotated[Path, typer.Option(help="The folder to make.")],
    recordings: Annotated[
        bool, typer.Option("--recordings", help="Use what LLAMP_RECORD=1 recorded, too.")
    ] = False,
    record: Annotated[
        list[Path] | None, typer.Option(help="record.json of an evaluation; may be repeated.")
    ] = None,
    limit: Annotated[int, typer.Option(help="Pairs from the source, at most.", min=1)] = 20_000,
    seed: Annotated[int, typer.Option(help="Of the choice of words and questions.")] = 0,
    test: Annotated[float, typer.Option(help="Fraction of formulas kept for the test.")] = 0.1,
    validation: Annotated[float, typer.Option(help="Likewise, for validation.")] = 0.1,
    force: Annotated[bool, typer.Option("--force", help="Replace a data set.")] = False,
) -> None:
    """Make a data set for fine-tuning from the sample or a snapshot: grounded pairs and chats."""
    from llamp_mcp.evaluation.distillation.distill import distill as make
    from llamp_mcp.recording import recordings as recorded
    from llamp_mcp.server.app import tool_specs

    settings = settings_with({})
    try:
        with progress_bar() as report:
            made = make(
                settings,
                out,
                recordings=recorded(settings) if recordings else None,
                records=record or (),
                tools=tool_specs(settings),
                limit=limit,
                seed=seed,
                test=test,
                validation=validation,
                force=force,
                report=report,
            )
    except LlampError as error:
        raise failed(error) from error
    for config, sides in made.rows.items():
        counts = ", ".join(f"{side} {count}" for side, count in sides.items())
        typer.echo(f"{made.folder}: {config}: {counts}")
    for why, count in made.left_out.items():
        typer.echo(f"Left out: {count} {why}")
    typer.echo(f'Load it: datasets.load_dataset("{made.folder}", "pairs")')
