"""Pictures of phonons and thermal expansion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llamp_mcp.plots import figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from llamp_mcp.simulation.lattice.quasi_harmonic import Expansion
    from llamp_mcp.simulation.lattice.vibrations import Segment, Vibrations

_LINE: Final = "#1f5f9e"
_IMAGINARY: Final = "#c8442c"


def draw_phonons(lattice: Vibrations, title: str) -> Figure:
    """Bands along the path beside the density of states; imaginary frequencies below zero."""
    drawn, axes = figure(8, 4.5)
    axes.remove()
    left, right = drawn.subplots(1, 2, sharey=True, width_ratios=(3, 1))
    segments = list(lattice.bands())
    _draw_bands(left, segments)
    frequencies, density = lattice.density()
    right.plot(density, frequencies, color=_LINE, lw=1)
    right.fill_betweenx(frequencies, density, color=_LINE, alpha=0.15, lw=0)
    right.set(xlabel="States per THz and cell", xlim=(0, None), title="DOS")
    lowest = min(float(segment.frequencies_thz.min()) for segment in segments)
    for one in (left, right):
        one.axhline(0, color="black", lw=0.6)
        if lowest < 0:
            one.axhspan(1.1 * lowest, 0, color=_IMAGINARY, alpha=0.08, lw=0)
    left.set(title=title, ylabel="Frequency (THz); imaginary: negative")
    highest = max(float(segment.frequencies_thz.max()) for segment in segments)
    left.set_ylim(min(1.1 * lowest, -0.02 * highest), 1.05 * highest)
    return drawn


def _draw_bands(axes: Axes, segments: Sequence[Segment]) -> None:
    import numpy as np

    ticks, names, at = [0.0], [_name(segments[0].start)], 0.0
    for number, segment in enumerate(segments):
        if number and segments[number - 1].end != segment.start:
            names[-1] += f"|{_name(segment.start)}"
        along = at + np.linspace(0, segment.length, len(segment.frequencies_thz))
        axes.plot(along, segment.frequencies_thz, color=_LINE, lw=1)
        at += segment.length
        ticks.append(at)
        names.append(_name(segment.end))
    for tick in ticks:
        axes.axvline(tick, color="black", lw=0.4, alpha=0.5)
    axes.set_xticks(ticks, names)
    axes.set_xlim(0, at)


def _name(label: str) -> str:
    """The label of a special point as it is printed."""
    letter, _, number = label.partition("_")
    letter = {"GAMMA": "Γ", "SIGMA": "Σ", "DELTA": "Δ", "LAMBDA": "Λ"}.get(letter, letter)
    return f"{letter}$_{{{number}}}$" if number else letter


def draw_expansion(curves: Expansion, n_atoms: int, title: str) -> Figure:
    """Volume per atom and volumetric thermal expansion against temperature."""
    drawn, axes = figure(8, 4)
    axes.remove()
    left, right = drawn.subplots(1, 2)
    left.plot(curves.temperatures_k, curves.volume_a3 / n_atoms, color=_LINE)
    left.set(ylabel="Volume (Å³ per atom)")
    right.plot(curves.temperatures_k, 1e6 * curves.expansion_per_k, color=_LINE)
    right.set(ylabel="Volumetric expansion (10⁻⁶/K)")
    for one in (left, right):
        one.set_xlabel("Temperature (K)")
        one.set_xlim(0, curves.temperatures_k[-1])
        one.grid(alpha=0.25)
    drawn.suptitle(title)
    return drawn
