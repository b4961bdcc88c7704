"""The stress that comes with the forces, in the one form that ASE documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llamp_mcp.simulation.dynamics.start import Floats


def voigt_stress(results: Mapping[str, Any]) -> Floats | None:
    """Stress in eV/Å³ of a calculator's results: xx yy zz yz xz xy; None when it has none.

    Args:
        results: Of the last call; CHGNet's hold a matrix, (3, 3), others the six of Voigt.
    """
    import numpy as np

    stress = results.get("stress")
    if stress is None:
        return None
    found: Floats = np.asarray(stress, dtype=np.float64)
    if found.shape == (6,):
        return found
    upper = (found + found.T) / 2
    return upper[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]
