"""Coordination numbers: neighbours within the first shell, and how they are shared out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.simulation.blocking import mean_of
from llamp_mcp.simulation.trajectories.block import Block, Curve, Panel, Undetermined
from llamp_mcp.simulation.trajectories.neighbours import (
    MAX_PAIRS,
    Sample,
    check_periodic,
    chosen_pairs,
)
from llamp_mcp.simulation.trajectories.rdf import distribution

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llamp_mcp.simulation.analyze_trajectory import AnalyzeTrajectoryParams
    from llamp_mcp.simulation.trajectories.trajectory import Trajectory

LEAST_A: Final = 6.0
"""The end of the first shell is looked for at least so far, in a small cell among its images."""
MOST_A: Final = 8.0
_TOLD: Final = 4


def block(trajectory: Trajectory, request: AnalyzeTrajectoryParams) -> Block:
    """Neighbours within cutoff_a, or else within the first minimum of g(r), per ordered pair."""
    ends = chosen_pairs(trajectory, request.pair, request.species)
    warnings = []
    if len(ends) > MAX_PAIRS:
        warnings = [f"coordination tells {MAX_PAIRS} of {len(ends)} pairs; ask with pair"]
    pairs: dict[str, Any] = {}
    curves = []
    for one, other in ends[:MAX_PAIRS]:
        cutoff_a = request.cutoff_a or _first_minimum(trajectory, one, other)
        if cutoff_a is None:
            warnings.append(f"{one}-{other}: g(r) has no first shell that ends; give cutoff_a")
            continue
        for centre, neighbour in dict.fromkeys([(one, other), (other, one)]):
            row, counts = _row(trajectory, centre, neighbour, cutoff_a)
            pairs[f"{neighbour} around {centre}"] = row
            curves.append(_curve(f"{neighbour} around {centre}", counts))
    if not pairs:
        raise Undetermined(
            "No pair has a first shell that ends within reach", next_step="Give cutoff_a in Å."
        )
    found = "given" if request.cutoff_a else "first minimum of g(r)"
    panel = Panel("Coordination", "Neighbours", "Share of atoms (%)", curves)
    return Block({"cutoff": found, "pairs": pairs}, [panel], warnings)


def _first_minimum(trajectory: Trajectory, one: str, other: str) -> float | None:
    check_periodic(trajectory)
    half = float(trajectory.widths_a.min()) / 2
    reach_a = min(max(half, LEAST_A), MOST_A)
    return distribution(trajectory, one, other, reach_a).shell.end_a


def _row(
    trajectory: Trajectory, centre: str, neighbour: str, cutoff_a: float
) -> tuple[dict[str, Any], Counter[int]]:
    """Neighbours of one element around another, and how often each number occurs."""
    import numpy as np

    indices = trajectory.indices(centre), trajectory.indices(neighbour)
    sample = Sample(trajectory, *indices, cutoff_a)
    numbers = np.stack([np.isfinite(table).sum(axis=1) for table in sample])
    mean = mean_of(numbers.mean(axis=1))
    counts = Counter(numbers.ravel().tolist())
    row = {
        "mean": mean.mean,
        "mean_error": mean.error,
        "std_over_atoms": float(numbers.std()),
        "cutoff_a": round(cutoff_a, 3),
        "share_percent": {
            str(number): round(100 * count / numbers.size, 2)
            for number, count in counts.most_common(_TOLD)
        },
        "sample": sample.said(),
    }
    return row, counts


def _curve(label: str, counts: Counter[int]) -> Curve:
    import numpy as np

    numbers = np.arange(min(counts) - 1, max(counts) + 2)
    shares = np.array([counts[int(number)] for number in numbers]) / counts.total()
    return Curve(numbers.astype(float), 100 * shares, label, "o:")


def text(values: dict[str, Any]) -> Iterator[str]:
    """One line per ordered pair."""
    yield f"coordination (cutoff: {values['cutoff']}):"
    for name, row in values["pairs"].items():
        shares = ", ".join(f"{n}: {share:g} %" for n, share in row["share_percent"].items())
        yield (
            f"- {name}: mean = {row['mean']:.3f} ± {row['mean_error']:.2g}, std over atoms = "
            f"{row['std_over_atoms']:.3g}, within {row['cutoff_a']:.3g} Å; {shares} "
            f"({row['sample']})"
        )
