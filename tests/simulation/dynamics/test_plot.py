from __future__ import annotations

import numpy as np
import pytest

from llamp_mcp.simulation.dynamics.plot import plot_run
from llamp_mcp.simulation.dynamics.recording import Record
from llamp_mcp.simulation.dynamics.simulate import Plan
from llamp_mcp.simulation.dynamics.start import Targets


def drawn(ensemble: str, equilibration_steps: int = 0):
    steps = 100
    ramp = np.linspace(100, 200, steps + 1)
    targets = Targets.of(steps, [300, 900], [0, 5])
    plan = Plan(ensemble, "nose_hoover_chain", targets, steps, 2, 10, "traj", seed=0)  # type: ignore[arg-type]
    record = Record(ramp, -ramp, ramp / 100, ramp * 10, ramp)
    return plot_run("title", record, plan, equilibration_steps)


@pytest.mark.parametrize(
    ("ensemble", "panels"),
    [
        ("nvt", ["Temperature (K)"]),
        ("npt_full", ["Temperature (K)", "Volume (Å³)", "Pressure (GPa)"]),
    ],
)
def test_panels_are_what_may_change(ensemble, panels):
    assert [axes.get_ylabel() for axes in drawn(ensemble).axes] == panels


def test_target_that_was_not_reached_is_still_in_the_picture():
    assert drawn("nvt").axes[0].get_ylim()[1] > 900


def test_run_at_constant_energy_has_no_target():
    labels = [line.get_label() for line in drawn("nve").axes[0].lines]

    assert labels == ["instantaneous", "mean over 0.01 ps"]


def test_equilibration_is_told_apart():
    assert "grey: equilibration" in drawn("nvt", 20).axes[0].get_title()
    assert drawn("nvt").axes[0].get_title() == "title"
