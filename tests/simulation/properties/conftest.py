"""Runs a kind of property as the worker does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llamp_mcp.simulation.calculate_property import (
    OPERATION,
    PropertyResult,
    calculate_property,
    check,
)
from llamp_mcp.simulation.calculators import Calculators
from llamp_mcp.simulation.workers.monitor import Monitor

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def prop(settings, structures, tmp_path) -> Callable[..., PropertyResult]:
    def prop(kind, structure_id, cancelled=lambda: False, **arguments):
        return calculate_property(
            OPERATION.params(
                **{"kind": kind, "structure_id": structure_id, "calculator": "emt", **arguments}
            ),
            structures=structures,
            calculators=Calculators(settings),
            monitor=Monitor("j-test", tmp_path, cancelled=cancelled),
        )

    return prop


@pytest.fixture
def refuse(settings, structures) -> Callable[..., None]:
    """Only the check before a job is made."""

    def refuse(kind, structure_id, **arguments):
        check(
            OPERATION.params(
                **{"kind": kind, "structure_id": structure_id, "calculator": "emt", **arguments}
            ),
            structures=structures,
            calculators=Calculators(settings),
        )

    return refuse
