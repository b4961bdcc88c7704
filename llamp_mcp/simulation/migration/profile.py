"""What the energies along a path say: barriers, wells on the way, and a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from llamp_mcp.simulation.migration.band import FLAT_EV

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from llamp_mcp.simulation.migration.band import Band

Shape = Literal["single_barrier", "intermediate_minimum", "barrierless"]

_WELL_EV: Final = 0.01
"""A well on the way counts if it is at least this deep seen from both of its sides."""


class Profile(NamedTuple):
    """Energy along a path.

    Attributes:
        coordinates_a: Length of the path up to each image, Å, shape (images,).
        energies_ev: Over the initial structure, eV, shape (images,).
        fit_coordinates_a: Of the curve through energies and forces.
        fit_energies_ev: Of the curve.
        top: The highest image that is not an end.
        wells: Images that are minima on the way.
    """

    coordinates_a: NDArray[np.float64]
    energies_ev: NDArray[np.float64]
    fit_coordinates_a: NDArray[np.float64]
    fit_energies_ev: NDArray[np.float64]
    top: int
    wells: list[int]

    @property
    def shape(self) -> Shape:
        """What kind of path it is."""
        ends = max(self.energies_ev[0], self.energies_ev[-1])
        if self.energies_ev[self.top] <= ends + FLAT_EV:
            return "barrierless"
        return "intermediate_minimum" if self.wells else "single_barrier"

    @property
    def barrier_ev(self) -> float:
        """From the initial structure to the highest image, never less than to the final one, eV."""
        return float(self.energies_ev.max())


def profile(band: Band) -> Profile:
    """Energies against path length, with a cubic between images that has the forces' slopes."""
    import numpy as np
    from ase.utils.forcecurve import fit_raw

    fitted = fit_raw(band.energies_ev, band.forces, band.positions)
    energies = np.array(fitted.energies)
    return Profile(
        coordinates_a=np.array(fitted.path),
        energies_ev=energies,
        fit_coordinates_a=fitted.fit_path,
        fit_energies_ev=fitted.fit_energies,
        top=int(energies[1:-1].argmax()) + 1,
        wells=_wells(energies),
    )


def _wells(energies: NDArray[np.float64]) -> list[int]:
    """Interior minima with a rise of `_WELL_EV` to both sides before the path falls below them."""
    found = []
    for at in range(1, len(energies) - 1):
        if not energies[at - 1] >= energies[at] < energies[at + 1]:
            continue
        left, right = energies[:at][::-1], energies[at + 1 :]
        if all(_rise(float(energies[at]), side) >= _WELL_EV for side in (left, right)):
            found.append(at)
    return found


def _rise(well: float, side: NDArray[np.float64]) -> float:
    """How far the energy rises, going away from a well, before it falls below it."""
    highest = well
    for energy in side:
        if energy < well:
            break
        highest = max(highest, float(energy))
    return highest - well


def rows(seen: Profile, band: Band) -> list[dict[str, Any]]:
    """The path as a result lists it."""
    import numpy as np

    largest = np.linalg.norm(band.forces, axis=2).max(axis=1)
    return [
        {
            "image": at,
            "coordinate_a": float(seen.coordinates_a[at]),
            "energy_ev": float(seen.energies_ev[at]),
            "max_force_ev_per_a": float(largest[at]),
        }
        for at in range(len(seen.energies_ev))
    ]


def drawn(seen: Profile, title: str) -> Figure:
    """Energy against path length: images, the curve through their forces, the barrier."""
    from llamp_mcp.plots import figure

    made, axes = figure()
    axes.plot(seen.fit_coordinates_a, seen.fit_energies_ev, color="#1f5f9e", lw=1.8)
    axes.plot(seen.coordinates_a, seen.energies_ev, "o", color="#1f5f9e", label="images")
    if seen.shape != "barrierless":
        x, y = seen.coordinates_a[seen.top], seen.energies_ev[seen.top]
        axes.plot([x], [y], "o", color="#c8442c", ms=9, label=f"highest image, {y:.3f} eV")
    for number, at in enumerate(seen.wells):
        x, y = seen.coordinates_a[at], seen.energies_ev[at]
        axes.plot([x], [y], "s", color="#3f8f5f", ms=8, label=None if number else "minimum")
    axes.axhline(0, color="#999999", lw=0.8)
    axes.set(title=title, xlabel="Path length (Å)", ylabel="Energy over initial (eV)")
    axes.margins(y=0.2)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    return made
