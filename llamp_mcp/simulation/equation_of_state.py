"""Fits of energy against volume: the equations, their parameters and how well they are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from llamp_mcp.errors import SimulationError
from llamp_mcp.plots import figure
from llamp_mcp.units import EV_PER_A3_IN_GPA

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Model = Literal["birch_murnaghan", "murnaghan", "vinet", "poirier_tarantola"]

_IN_ASE: Final[dict[Model, str]] = {
    "birch_murnaghan": "birchmurnaghan",
    "murnaghan": "murnaghan",
    "vinet": "vinet",
    "poirier_tarantola": "pouriertarantola",
}
"""Their energies E(V; E0, B0, B0', V0), third order, are ASE's (`ase.eos`).

Birch (doi 10.1103/PhysRev.71.809), Murnaghan (doi 10.1073/pnas.30.9.244), Vinet
(doi 10.1103/PhysRevB.35.1945), Poirier and Tarantola (doi 10.1016/S0031-9201(98)00112-5).
"""

_STEP: Final = 1e-4
"""Relative, of the differences for derivatives: smaller ones drown where strains are small."""

MODELS: Final[tuple[Model, ...]] = tuple(_IN_ASE)


class Parameters(NamedTuple):
    """What an equation of state says, or the standard errors of it, per atom."""

    energy_ev: float
    bulk_modulus_gpa: float
    bulk_modulus_derivative: float
    volume_a3: float


@dataclass(frozen=True, slots=True)
class Fit:
    """An equation of state through points.

    Attributes:
        model: Which.
        at: At zero pressure.
        error: Standard errors, from the covariance of the least-squares fit: how well the points
            determine the parameters, not how good the force field is.
        residual_mev: Root mean square distance of the points from the curve, meV/atom.
    """

    model: Model
    at: Parameters
    error: Parameters
    residual_mev: float

    def energy_ev(self, volumes_a3: Floats) -> Floats:
        """Energies in eV/atom at volumes in Å³/atom."""
        modulus = self.at.bulk_modulus_gpa / EV_PER_A3_IN_GPA
        energies: Floats = _energy(self.model)(
            volumes_a3, self.at.energy_ev, modulus, self.at.bulk_modulus_derivative,
            self.at.volume_a3,
        )  # fmt: skip
        return energies


def fit(model: Model, volumes_a3: Floats, energies_ev: Floats) -> Fit:
    """Least squares of an equation of state.

    Args:
        model: Which.
        volumes_a3: At least five, Å³/atom.
        energies_ev: eV/atom.

    Raises:
        SimulationError: There is no minimum in the points, or the fit does not converge.
    """
    import numpy as np
    from scipy.optimize import curve_fit

    lowest, volume = float(energies_ev.min()), float(volumes_a3[energies_ev.argmin()])
    curvature = float(np.polyfit(volumes_a3 - volume, energies_ev - lowest, 2)[0])
    if curvature <= 0:
        raise _no_minimum("the energy is not convex")
    first = (0.0, 2 * curvature * volume, 4.0, volume)
    try:
        found, covariance = curve_fit(
            _energy(model), volumes_a3, energies_ev - lowest, p0=first, epsfcn=_STEP**2
        )
    except RuntimeError as error:
        raise _no_minimum(f"the {model} fit does not converge") from error
    if not volumes_a3.min() < found[3] < volumes_a3.max():
        raise _no_minimum(f"the {model} minimum would lie at {found[3]:.6g} Å³/atom")
    if not np.isfinite(covariance).all():
        raise _no_minimum(f"the points do not determine the {model} parameters")
    residual = energies_ev - lowest - _energy(model)(volumes_a3, *found)
    return Fit(
        model,
        _in_gpa(found + np.array([lowest, 0, 0, 0])),
        _in_gpa(np.sqrt(np.diag(covariance))),
        1000 * float(np.sqrt(np.mean(residual**2))),
    )


def modulus_from_stress_gpa(
    volume_a3: float, volumes_a3: Floats, pressures_gpa: Floats
) -> tuple[float, float]:
    """Bulk modulus -V dP/dV at a volume, and the pressure there, both in GPa.

    Of a cubic through the pressures against ln V, that the stresses give and no energy does.
    """
    import numpy as np

    curve = np.polynomial.Polynomial.fit(np.log(volumes_a3 / volume_a3), pressures_gpa, 3)
    return -float(curve.deriv()(0.0)), float(curve(0.0))


def draw(fitted: Fit, volumes_a3: Floats, energies_ev: Floats, title: str) -> Figure:
    """Points, curve and minimum, in meV/atom above the minimum."""
    import numpy as np

    drawn, axes = figure()
    margin = 0.06 * float(np.ptp(volumes_a3))
    fine = np.linspace(volumes_a3.min() - margin, volumes_a3.max() + margin, 300)
    zero = fitted.at.energy_ev
    label = fitted.model.replace("_", "-").title()
    axes.plot(fine, 1000 * (fitted.energy_ev(fine) - zero), color="#1f5f9e", label=f"{label} fit")
    axes.plot(volumes_a3, 1000 * (energies_ev - zero), "o", color="#c8442c", label="computed")
    axes.axvline(
        fitted.at.volume_a3, color="#555555", lw=0.9, ls="--",
        label=f"V₀ = {fitted.at.volume_a3:.5g} Å³/atom",
    )  # fmt: skip
    axes.set(title=title, xlabel="Volume (Å³/atom)", ylabel="Energy above the minimum (meV/atom)")
    axes.grid(alpha=0.25)
    axes.legend(facecolor="white", framealpha=1, edgecolor="none", loc="upper center")
    return drawn


def _energy(model: Model) -> Any:
    import ase.eos

    return getattr(ase.eos, _IN_ASE[model])


def _in_gpa(values: Floats) -> Parameters:
    energy, modulus, derivative, volume = (float(value) for value in values)
    return Parameters(energy, modulus * EV_PER_A3_IN_GPA, derivative, volume)


def _no_minimum(why: str) -> SimulationError:
    return SimulationError(
        f"No energy minimum within the volumes that were computed: {why}",
        next_step="Use a larger strain (0.05), relax_structure first, or another calculator; "
        "a crystal that is not bound by this force field has no bulk modulus.",
    )
