"""The main job, end to end: a real server over stdio, driven as a client would drive it."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from llamp_mcp.client import ToolFailed, call, connect, follow, read_bytes, run_client

if TYPE_CHECKING:
    from mcp import Client

ANNEAL_K = [300, 800, 300]
TIMESTEP_FS = 2.0


def run(steps: int, home: Path | None) -> None:
    """Show each call with the text a model would read, and end with the numbers.

    Args:
        steps: Molecular dynamics steps, of 2 fs.
        home: Home of the server; kept. None: a new temporary directory, kept as well.

    Raises:
        ToolFailed: A tool answered with an error.
    """
    place = home or Path(tempfile.mkdtemp(prefix="llamp-demo-"))
    run_client(partial(_run, steps, place))


async def _run(steps: int, home: Path) -> None:
    console = Console(highlight=False)
    environment = {"LLAMP_HOME": str(home), "LLAMP_SOURCE": "sample", "LLAMP_WORKER_IDLE_S": "20"}
    async with connect(environment) as client:
        show = Demo(client, console)
        await show.call("search_materials", formula="Si")
        silicon = await show.call("get_structure", material="mp-149")
        edited = await show.call(
            "edit_structure",
            structure_id=silicon["structure_id"],
            edits=[
                {"op": "supercell", "target_atoms": 16},
                {"op": "interstitial", "species": "Li", "site_kind": "tetrahedral"},
            ],
        )
        await show.call("view_structure", structure_id=edited["structure_id"])
        picture = await show.picture(edited["structure_id"], home)
        await show.call("list_calculators")
        relaxed = await show.job(
            "relax_structure", structure_id=edited["structure_id"], cell="fixed"
        )
        annealed = await show.job(
            "run_md",
            structure_id=relaxed["structure_id"],
            ensemble="nvt",
            thermostat="bussi",
            temperature_k=ANNEAL_K,
            steps=steps,
            timestep_fs=TIMESTEP_FS,
            seed=7,
        )
        console.rule("[bold]What came out")
        console.print(_summary(edited, relaxed, annealed), soft_wrap=True)
        console.print(f"structure drawn: {picture}", soft_wrap=True)


class Demo:
    """Calls tools and shows what they answer."""

    def __init__(self, client: Client, console: Console) -> None:
        self._client, self._console = client, console

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """One call, with the text a model would read."""
        self._announce(tool, arguments)
        text, structured = await call(self._client, tool, arguments)
        self._console.print(Panel(text.replace("[", r"\["), border_style="green"))
        return structured

    async def job(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """A long-running call, followed to its end with a progress bar; its result."""
        self._announce(tool, arguments)
        columns = (BarColumn(), TextColumn("{task.completed:.0f}/{task.total:.0f}"))
        said = TextColumn("{task.description}")
        with Progress(*columns, TimeElapsedColumn(), said, console=self._console) as bar:
            task = bar.add_task("waiting for the worker", total=arguments.get("steps", 1))

            async def update(progress: float, total: float | None, message: str | None) -> None:
                bar.update(task, completed=progress, total=total or None, description=message or "")

            text, answer = await follow(self._client, tool, arguments, update)
        self._console.print(Panel(text.replace("[", r"\["), border_style="green"))
        if answer["result"] is None:
            raise ToolFailed(text)
        result: dict[str, Any] = answer["result"]
        return result

    async def picture(self, structure_id: str, home: Path) -> Path:
        """The picture of a structure, as a file."""
        path = home / "structure.png"
        path.write_bytes(await read_bytes(self._client, f"structure://{structure_id}.png"))
        return path

    def _announce(self, tool: str, arguments: dict[str, Any]) -> None:
        given = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
        self._console.print(f"\n[bold cyan]{tool}[/]({given.replace('[', chr(92) + '[')})")


def _summary(edited: dict[str, Any], relaxed: dict[str, Any], annealed: dict[str, Any]) -> str:
    grown, added = (step["report"] for step in edited["steps"])
    lithium, temperature = added["inserted"], annealed["temperature_k"]
    neighbours = " + ".join(f"{count} {name}" for name, count in lithium["neighbours"].items())
    distances = ", ".join(f"{distance:.2f}" for distance in lithium["distances_a"])
    return "\n".join(
        (
            f"supercell: {grown['n_atoms']} atoms, volumetric strain "
            f"{grown['volumetric_strain_percent']:g} %",
            f"Li: {lithium['site_kind']}, {neighbours} neighbours at {distances} Å; next shell "
            f"{lithium['next_shell']['count']} at {lithium['next_shell']['distances_a'][0]:.2f} Å; "
            f"volumetric strain {added['volumetric_strain_percent']:g} %",
            f"relaxed: {relaxed['energy_ev_per_atom']:.4f} eV/atom, largest force "
            f"{relaxed['max_force_ev_per_a']:.4f} eV/Å, converged: {relaxed['converged']} "
            f"({relaxed['calculator']['name']})",
            f"annealed: {annealed['time_ps']:g} ps along {ANNEAL_K} K, mean "
            f"{temperature['mean']:.0f} K, highest {temperature['max']:.0f} K, last frame "
            f"{annealed['structure_id']}",
            f"trajectory: {annealed['trajectory']['path']}",
            f"temperature against time: {annealed['plot']['path']}",
        )
    )
