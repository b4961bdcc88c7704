from __future__ import annotations

import numpy as np
import pytest
from ase.io import read
from ase.io.trajectory import Trajectory
from pydantic import ValidationError
from pymatgen.core.lattice import Lattice
from pymatgen.core.structure import Structure

from llamp_mcp.errors import CalculatorError, Cancelled, InvalidInput, SimulationError
from llamp_mcp.simulation import run_md as module
from llamp_mcp.simulation.calculators import Calculators
from llamp_mcp.simulation.dynamics.recording import read_record
from llamp_mcp.simulation.run_md import MdParams, check, facts, run_md
from llamp_mcp.simulation.workers.monitor import Monitor
from tests.simulation.conftest import copper


@pytest.fixture
def md(settings, structures, tmp_path):
    def md(structure_id, *, monitor=None, **arguments):
        return run_md(
            MdParams(structure_id=structure_id, **{"calculator": "emt", "steps": 50, **arguments}),
            structures=structures,
            calculators=Calculators(settings),
            monitor=monitor or Monitor("j-test", tmp_path),
        )

    return md


@pytest.fixture
def checked(settings, structures):
    def checked(structure_id, **arguments):
        params = MdParams(
            structure_id=structure_id, **{"calculator": "emt", "steps": 5} | arguments
        )
        check(params, structures=structures, calculators=Calculators(settings))

    return checked


def test_trajectory_holds_the_frames_and_the_last_one_is_the_new_structure(md, put, structures):
    result = md(put(copper(2)), steps=50, sample_every=20)
    with Trajectory(result.trajectory["path"]) as trajectory:
        frames = list(trajectory)
    final = structures.get(result.structure_id)
    ends = frames[-1].get_scaled_positions(wrap=True)

    assert len(frames) == result.trajectory["frames"] == 4, "steps 0, 20, 40 and the last"
    assert np.allclose(np.exp(2j * np.pi * final.frac_coords), np.exp(2j * np.pi * ends), atol=1e-5)
    assert frames[-1].get_forces().shape == (32, 3)
    assert result.trajectory["uri"] == "job://j-test/trajectory"
    assert [link.uri for link in result.links()] == ["job://j-test/trajectory"]


def test_frames_are_bounded_however_often_they_are_asked_for(md, put, monkeypatch):
    monkeypatch.setattr(module, "MAX_FRAMES", 10)
    result = md(put(copper()), steps=35, sample_every=1)

    assert result.trajectory["frames"] <= 11
    assert result.trajectory["every_steps"] == 4
    assert "bounded in size" in result.text()


def test_result_brings_a_picture(md, put):
    (png,) = md(put(copper()), steps=5).images()

    assert png.startswith(b"\x89PNG")
    assert len(png) > 5_000


def test_same_seed_is_the_same_run_and_another_seed_another(md, put):
    handle = put(copper())
    runs = [md(handle, steps=10, seed=seed, thermostat="langevin") for seed in (1, 1, 2)]

    assert runs[0].structure_id == runs[1].structure_id != runs[2].structure_id


def test_relaxed_crystal_in_nve_shares_its_heat_and_loses_none(md, put):
    """Equipartition of a harmonic crystal: half of the kinetic energy becomes potential."""
    result = md(
        put(copper(2, a=3.59)), ensemble="nve", temperature_k=[300], steps=300, timestep_fs=4
    )

    assert result.temperature_k["mean"] == pytest.approx(150, rel=0.15)
    assert abs(result.energy_drift_mev_per_atom_per_ps) < 0.1
    assert result.thermostat is None
    assert "near half" in result.text()


def test_annealing_follows_its_schedule_and_says_so(md, put):
    result = md(
        put(copper(2)),
        temperature_k=[300, 900, 300],
        steps=600,
        equilibration_steps=150,
        timestep_fs=4,
        thermostat="bussi",
    )
    deviation = result.temperature_k["max_deviation_from_schedule_percent"]

    assert result.temperature_k["max"] > 700
    assert result.temperature_k["final"] < 600
    assert result.temperature_k["schedule"] == [300, 900, 300]
    assert result.temperature_k["standard_error"] is None
    assert deviation < 40, "93 degrees of freedom over 0.12 ps: some 10 % of scatter, and a lag"
    assert f"running mean within {deviation:.2g} % of the schedule" in result.text()
    assert result.energy_drift_mev_per_atom_per_ps is None, "nothing is conserved on a schedule"
    assert result.time_ps == pytest.approx(2.4)


def test_schedule_too_fast_to_be_followed_is_warned_of(md, put):
    result = md(put(copper(2)), temperature_k=[300, 2000], steps=60, thermostat="berendsen")

    assert "% off its schedule" in result.text()


def test_text_says_every_number_and_id_of_the_result(md, put):
    result = md(put(copper()), steps=90, seed=7, equilibration_steps=20)
    text = result.text()

    assert result.structure_id in text
    for key in ("std", "min", "max", "final"):
        assert f"{key} = {result.temperature_k[key]:.1f} K" in text
    for key in ("start", "end", "mean"):
        assert f"{key} = {result.potential_energy_ev_per_atom[key]:.6g}" in text
    for value in (
        f"mean = {result.temperature_k['mean']:.1f} ",
        f"canonical std: {300 * np.sqrt(2 / 9):.1f} K",
        f"drift of the conserved = {result.energy_drift_mev_per_atom_per_ps:.3g} meV/atom/ps",
        f"std = {result.pressure_gpa['std']:.4g} GPa",
        f"{result.wall_s:.3g} s",
        f"{result.ms_per_step:.3g} ms/step",
        "90 steps of 2 fs = 0.18 ps",
        "equilibration: steps 0-19, left out; sampling: steps 20-90",
        "seed 7",
        "nose_hoover_chain (100 fs)",
        result.trajectory["path"],
        result.plot["path"],
        result.plot["uri"],
        "every 10 steps",
        *result.warnings,
    ):
        assert value in text


def test_text_of_constant_pressure_says_pressure_volume_and_the_last_lattice(md, put, structures):
    result = md(put(copper()), steps=90, ensemble="npt_full", pressure_gpa=[1, 2])
    text = result.text()

    for value in (
        "Martyna-Tobias-Klein barostat (1000 fs)",
        f"mean = {result.pressure_gpa['mean']:.4g} GPa",
        "schedule [1.0, 2.0] GPa",
        f"start = {3.6**3:.6g} Å³, mean = {result.volume_a3['mean']:.6g}",
        *(f"{name} = {value:.6g}" for name, value in result.lattice.items()),
        "shorter than 5 barostat times",
    ):
        assert value in text
    final = structures.get(result.structure_id)
    assert final.lattice.parameters == pytest.approx(tuple(result.lattice.values()))
    assert final.volume == pytest.approx(result.volume_a3["final"], rel=1e-9)


def test_statistics_are_of_the_sampling_window_only(md, put, tmp_path):
    result = md(put(copper()), steps=200, equilibration_steps=150)
    record = read_record(tmp_path)

    assert len(record.kelvin) == 201
    assert result.temperature_k["mean"] == pytest.approx(record.kelvin[150:].mean())
    assert result.temperature_k["min"] == record.kelvin[150:].min()
    assert result.pressure_gpa["mean"] == pytest.approx(record.pressure_gpa[150:].mean())
    assert not any("include the start" in warning for warning in result.warnings)


def test_mean_far_from_its_target_is_warned_of(md, put):
    """A relaxed crystal gives half of its heat away at once; a slow thermostat brings it back."""
    result = md(put(copper(2)), steps=80, timestep_fs=1, thermostat="berendsen")

    assert "standard errors: not in equilibrium" in result.text() or (
        result.temperature_k["standard_error"] is None and "too short to tell" in result.text()
    )


def test_interrupted_run_goes_on_and_says_where(md, put, tmp_path):
    handle = put(copper())
    asked = iter([False] * 30 + [True])
    monitor = Monitor("j-test", tmp_path, cancelled=lambda: next(asked), checkpoint_s=0)
    with pytest.raises(Cancelled):
        md(handle, monitor=monitor)
    result = md(handle)

    assert result.resumed_at_steps == [29]
    assert "interrupted, went on from its checkpoint at step 29" in result.text()
    assert result.trajectory["frames"] == 6


def test_trajectory_in_extended_xyz_is_read_by_ase(md, put):
    result = md(put(copper()), steps=20, trajectory_format="extxyz")
    frames = read(result.trajectory["path"], ":")

    assert len(frames) == result.trajectory["frames"] == 3
    assert result.trajectory["format"] == "extxyz"
    assert [link.mime_type for link in result.links()] == ["chemical/x-xyz"]


def test_last_frame_remembers_how_it_was_made(md, put, structures):
    parent = put(copper())
    step = structures.history(md(parent, steps=5).structure_id)[-1]

    assert (step.action, step.parent) == ("run_md", parent)
    assert step.parameters["job_id"] == "j-test"
    assert step.parameters["timestep_fs"] == 2


def test_facts_are_told_under_the_handle_with_their_units(md, put):
    result = md(put(copper()), steps=5)
    told = {fact.property: (fact.subject, fact.value, fact.unit) for fact in facts(result)}

    mean = (result.structure_id, result.temperature_k["mean"], "K")
    assert told["temperature_mean_k"] == mean
    assert told["potential_energy_end"][2] == "eV/atom"


def test_oxidation_states_survive_the_run(md, put, structures):
    structure = copper()
    structure.add_oxidation_state_by_element({"Cu": 0})

    assert structures.get(md(put(structure), steps=2).structure_id)[0].specie.oxi_state == 0


def test_run_that_explodes_is_stopped_with_the_step_and_what_to_try(md, put):
    close = copper(2)
    close.translate_sites([0], [0.27, 0.2, 0], frac_coords=False)
    close.scale_lattice(close.volume * 0.08)

    with pytest.raises(SimulationError, match=r"exploded at step \d+ with 10 fs.*kept.*frames"):
        md(put(close), ensemble="nve", timestep_fs=10)


def test_cancelled_run_stops_at_that_step_and_keeps_its_frames(md, put, tmp_path):
    asked = iter([False] * 7 + [True])
    monitor = Monitor("j-test", tmp_path, cancelled=lambda: next(asked))

    with pytest.raises(Cancelled):
        md(put(copper()), monitor=monitor, sample_every=2)
    with Trajectory(tmp_path / "trajectory.traj") as trajectory:
        assert len(trajectory) == monitor.frames == 4, "steps 0, 2, 4, 6"


def test_progress_says_step_temperature_and_energy(md, put, tmp_path, monkeypatch):
    monkeypatch.setattr("llamp_mcp.simulation.workers.monitor.REPORT_EVERY_S", 0.0)
    seen = []
    monitor = Monitor("j-test", tmp_path, report=lambda *report: seen.append(report))
    md(put(copper()), monitor=monitor, steps=3)

    assert [(done, total) for done, total, _, _ in seen] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert all(" K, " in message and "eV/atom" in message for _, _, message, _ in seen)


def test_schedule_without_thermostat_is_refused(checked, put):
    with pytest.raises(InvalidInput, match="needs a thermostat"):
        checked(put(copper()), ensemble="nve", temperature_k=[300, 800])


def test_pressure_at_constant_volume_is_refused(checked, put):
    with pytest.raises(InvalidInput, match=r"pressure_gpa \[2\.0\] has no effect in 'nvt'"):
        checked(put(copper()), pressure_gpa=[2])


def test_other_thermostat_at_constant_pressure_is_refused(checked, put):
    with pytest.raises(InvalidInput, match="no 'npt_full' with the thermostat 'langevin'"):
        checked(put(copper()), ensemble="npt_full", thermostat="langevin")


def test_equilibration_that_leaves_nothing_is_refused(checked, put):
    with pytest.raises(InvalidInput, match="leaves nothing of 5 steps"):
        checked(put(copper()), equilibration_steps=5)


def test_single_atom_is_refused(checked, put):
    one = Structure(Lattice.cubic(3), ["Cu"], [[0, 0, 0]])

    with pytest.raises(InvalidInput, match="1 atom has nothing to move against"):
        checked(put(one))


def test_element_without_parameters_is_refused_before_a_job_is_made(checked, put):
    with pytest.raises(CalculatorError, match="does not cover Xe"):
        checked(put(Structure(Lattice.cubic(4), ["Xe", "Cu"], [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]])))


def test_partly_occupied_site_is_refused(checked, put):
    alloy = Structure(
        Lattice.cubic(3), [{"Cu": 0.5, "Au": 0.5}, "Cu"], [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]
    )

    with pytest.raises(InvalidInput, match=r"Site 0 .* partly occupied"):
        checked(put(alloy))


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature_k": [-5]},
        {"temperature_k": [0]},
        {"temperature_k": []},
        {"temperature_k": [300, float("nan")]},
        {"timestep_fs": -1},
        {"pressure_gpa": []},
        {"pressure_gpa": [501]},
        {"equilibration_steps": -1},
        {"trajectory_format": "xyz"},
        {"timestep_fs": 11},
        {"steps": 10**9},
        {"steps": 0},
        {"sample_every": 0},
        {"ensemble": "npt"},
        {"thermostat": "magic"},
        {"speed": "fast"},
    ],
)
def test_values_out_of_bounds_are_refused(wrong):
    with pytest.raises(ValidationError):
        MdParams(**{"structure_id": "s-0", "steps": 10, **wrong})
