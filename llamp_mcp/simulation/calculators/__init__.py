"""Force fields: which there are, where they live, and loading one by its name."""

from llamp_mcp.simulation.calculators.loading import (
    ARGON_EPSILON_EV,
    ARGON_SIGMA_A,
    THREADS_PAY_FROM_ATOMS,
    Calculators,
    DType,
    LoadedCalculator,
)

__all__ = [
    "ARGON_EPSILON_EV",
    "ARGON_SIGMA_A",
    "THREADS_PAY_FROM_ATOMS",
    "Calculators",
    "DType",
    "LoadedCalculator",
]
