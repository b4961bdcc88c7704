"""Lindemann's index: how far atoms stray, compared with how far apart they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.simulation.trajectories.block import (
    Block,
    Undetermined,
    at_least,
    chosen_species,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llamp_mcp.simulation.analyze_trajectory import AnalyzeTrajectoryParams
    from llamp_mcp.simulation.trajectories.trajectory import Trajectory

CRYSTAL: Final = (
    "rms displacement from the mean positions of the window over the mean nearest-neighbour "
    "distance between mean positions (Lindemann's criterion, doi 10.1103/PhysRev.102.308)"
)
CLUSTER: Final = (
    "mean relative fluctuation of the distances of all pairs of atoms (doi 10.1063/1.1426419)"
)
SOLID: Final = 0.1
PARTS: Final = 4
_GROWS: Final = 1.5
_MAX_PAIRS: Final = 200_000
_MAX_FRAMES: Final = 500


def block(trajectory: Trajectory, request: AnalyzeTrajectoryParams) -> Block:
    """The index of each element over the window, and over quarters of it."""
    at_least(trajectory, 8 * PARTS, "lindemann")
    species = chosen_species(trajectory, request.species)
    periodic = any(trajectory.pbc)
    if not periodic:
        species = ["all"] if not request.species else species
    frames = len(trajectory)
    parts = [slice(at * frames // PARTS, (at + 1) * frames // PARTS) for at in range(PARTS)]
    table: dict[str, Any] = {}
    for symbol in species:
        windows = [slice(None), *parts]
        if periodic:
            nearest_a = _nearest_a(trajectory, symbol)
            whole, *each = [_strayed_a(trajectory, symbol, part) / nearest_a for part in windows]
        else:
            whole, *each = [_cluster(trajectory, symbol, part) for part in windows]
        table[symbol] = _row(whole, each)
    values = {"definition": CRYSTAL if periodic else CLUSTER, "species": table}
    return Block(values, [], trajectory.jump_warning())


def _row(whole: float, quarters: list[float]) -> dict[str, Any]:
    import numpy as np

    mean, std = float(np.mean(quarters)), float(np.std(quarters, ddof=1))
    grows = whole > _GROWS * mean
    if whole < SOLID and not grows:
        meaning = "solid: atoms vibrate about their sites"
    elif grows:
        meaning = "atoms leave their sites: the index grows with the window (diffusing or molten)"
    else:
        meaning = f"above {SOLID:g}, where many crystals melt, yet not growing with the window"
    return {
        "index": whole,
        "quarters_mean": mean,
        "quarters_mean_error": std / len(quarters) ** 0.5,
        "meaning": meaning,
    }


def _strayed_a(trajectory: Trajectory, symbol: str, part: slice) -> float:
    """Root mean square distance of an element's atoms from their mean positions, Å."""
    import numpy as np

    paths = trajectory.paths[part, trajectory.indices(symbol)]
    strayed = paths - paths.mean(axis=0)
    return float(np.sqrt(np.einsum("fni,fni->", strayed, strayed) / strayed[..., 0].size))


def _nearest_a(trajectory: Trajectory, symbol: str) -> float:
    """Mean distance of an element's atoms to their nearest neighbours of any kind, in Å.

    Between the mean positions over the window.
    """
    import numpy as np
    from ase import Atoms
    from ase.geometry import get_distances

    cell = trajectory.cells.mean(axis=0)
    start = trajectory.positions[0] @ np.linalg.inv(trajectory.cells[0]) @ cell
    mean = Atoms(positions=start + trajectory.paths.mean(axis=0), cell=cell, pbc=trajectory.pbc)
    centres = trajectory.indices(symbol)[:200]
    distances = get_distances(
        mean.positions[centres], mean.positions, cell=mean.cell, pbc=mean.pbc
    )[1]
    distances[np.arange(len(centres)), centres] = float(np.linalg.norm(cell, axis=1).min())
    return float(distances.min(axis=1).mean())


def _cluster(trajectory: Trajectory, symbol: str, part: slice) -> float:
    import numpy as np

    chosen = np.arange(trajectory.n_atoms) if symbol == "all" else trajectory.indices(symbol)
    if len(chosen) < 2:
        raise Undetermined(f"One atom ({symbol}) has no distances to others")
    one, other = np.triu_indices(len(chosen), 1)
    some = np.linspace(0, len(one) - 1, min(len(one), _MAX_PAIRS)).astype(int)
    one, other = chosen[one[some]], chosen[other[some]]
    positions = trajectory.positions[part]
    positions = positions[:: max(1, len(positions) // _MAX_FRAMES)]
    first = second = np.zeros(len(some))
    for frame in positions:
        distances = np.linalg.norm(frame[one] - frame[other], axis=1)
        first, second = first + distances, second + distances**2
    mean = first / len(positions)
    variance = np.maximum(second / len(positions) - mean**2, 0)
    return float(np.mean(np.sqrt(variance) / mean))


def text(values: dict[str, Any]) -> Iterator[str]:
    """One line per element."""
    yield f"lindemann ({values['definition']}; solid: below about {SOLID:g}):"
    for symbol, row in values["species"].items():
        yield (
            f"- {symbol}: index = {row['index']:.4f}; quarters of the window = "
            f"{row['quarters_mean']:.4f} ± {row['quarters_mean_error']:.2g}; {row['meaning']}"
        )
