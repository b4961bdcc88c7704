from __future__ import annotations

import numpy as np
import pytest
from ase.io import write

from llamp_mcp.errors import InvalidInput, NotFound
from llamp_mcp.simulation.analyze_trajectory import (
    OPERATION,
    AnalyzeTrajectoryParams,
    analyze_trajectory,
)
from llamp_mcp.simulation.calculators import Calculators
from llamp_mcp.simulation.run_md import MdParams, run_md
from llamp_mcp.simulation.workers.monitor import Monitor
from tests.simulation.conftest import copper
from tests.simulation.trajectories.conftest import fcc, walk

ALL = ["thermo", "volume", "msd", "diffusion", "rdf", "coordination", "lindemann", "vacf"]


@pytest.fixture
def analyse(jobs, settings):
    settings.open_home()

    def analyse(**arguments):
        return analyze_trajectory(
            AnalyzeTrajectoryParams(**arguments), jobs=jobs, settings=settings
        )

    return analyse


@pytest.fixture
def md_job(jobs, structures, settings, put):
    """A job that has run for as many steps as `written`, without a worker."""

    def md_job(*, written, **arguments):
        params = {"structure_id": put(copper(2)), "calculator": "emt", "steps": written}
        job = jobs.submit("run_md", params | arguments)
        run_md(
            MdParams(**(params | arguments | {"steps": written})),
            structures=structures,
            calculators=Calculators(settings),
            monitor=Monitor(job.job_id, jobs.directory(job.job_id)),
        )
        return job.job_id

    return md_job


@pytest.fixture
def liquid_file(settings):
    """Random walkers of 1 Å²/ps without velocities, in a file that does not say its times."""
    settings.open_home()
    atoms = fcc(2)
    paths = atoms.positions + walk(np.random.default_rng(0), 120, len(atoms), d=0.2)
    frames = []
    for positions in paths:
        frame = atoms.copy()
        frame.positions = positions
        frames.append(frame)
    write(settings.workspace_path / "melt.extxyz", frames)
    return "melt.extxyz"


@pytest.mark.parametrize("trajectory_format", ["traj", "extxyz"])
def test_every_block_of_a_real_run_in_either_format(analyse, md_job, trajectory_format):
    job_id = md_job(written=200, sample_every=4, trajectory_format=trajectory_format, seed=3)
    result = analyse(job_id=job_id, what=ALL, skip_ps=0.05)
    text = result.text()

    assert list(result.blocks) == ALL
    assert result.frames["interval_fs"] == pytest.approx(8)
    assert result.frames["window_ps"] == pytest.approx([0.056, 0.4])
    assert result.blocks["rdf"]["pairs"]["Cu-Cu"]["coordination_number"] == pytest.approx(12)
    assert result.blocks["lindemann"]["species"]["Cu"]["meaning"].startswith("solid")
    assert result.blocks["thermo"]["temperature"]["mean"] > 50
    assert not result.blocks["diffusion"]["species"]["Cu"]["seen"]
    assert "frames so far" in text, "the job never ended"
    assert len(text.splitlines()) <= 40
    assert 1 <= len(list(result.images())) <= 3
    assert all(png.startswith(b"\x89PNG") for png in result.images())


def test_running_job_whose_frames_were_thinned_has_the_right_times(analyse, md_job, monkeypatch):
    monkeypatch.setattr("llamp_mcp.simulation.run_md.MAX_FRAMES", 12)
    job_id = md_job(written=120, sample_every=1, timestep_fs=1.5)

    assert analyse(job_id=job_id, what=["msd"]).frames["interval_fs"] == pytest.approx(15)


def test_schedule_of_a_run_is_told(analyse, md_job):
    job_id = md_job(written=40, sample_every=2, temperature_k=[300, 500])

    assert "the schedule [300, 500] K" in analyse(job_id=job_id, what=["thermo"]).text()


def test_file_needs_its_times_only_for_what_depends_on_them(analyse, liquid_file):
    result = analyse(path=liquid_file, what=["rdf", "msd"])

    assert "frame_time_fs" in result.blocks["msd"]["not_determined"]
    assert "cutoff_a" in result.blocks["rdf"]
    assert "msd: not determined" in result.text()
    with pytest.raises(InvalidInput, match="frame_time_fs"):
        analyse(path=liquid_file, what=["msd", "diffusion"])
    with pytest.raises(InvalidInput, match="frame_time_fs"):
        analyse(path=liquid_file, what=["rdf"], skip_ps=1)


def test_file_gives_the_diffusion_it_was_made_with_and_facts_of_it(analyse, liquid_file):
    result = analyse(path=liquid_file, what=["diffusion", "vacf"], frame_time_fs=100)
    row = result.blocks["diffusion"]["species"]["Cu"]
    told = {fact.property: fact for fact in OPERATION.facts(result)}

    assert abs(row["d_a2_per_ps"] - 0.2) < 4 * row["error_a2_per_ps"]
    assert "hold no velocities" in result.blocks["vacf"]["not_determined"]
    fact = told["diffusion.Cu.d_cm2_per_s"]
    assert (fact.subject, fact.unit, fact.formula) == (liquid_file, "cm²/s", "Cu")
    assert fact.value == row["d_cm2_per_s"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({}, "either job_id or path"),
        ({"job_id": "j-0", "path": "x"}, "either job_id or path"),
        ({"job_id": "j-0", "frame_time_fs": 1}, "knows its times"),
        ({"path": "a.traj", "pair": "Li-O", "what": ["msd"]}, "pair means nothing"),
        ({"path": "a.traj", "fit_ps": [1, 2], "what": ["msd"]}, "fit_ps means nothing"),
        ({"path": "a.traj", "fit_ps": [1], "what": ["diffusion"]}, "needs two lags"),
        ({"path": "a.traj", "cutoff_a": 11}, "at most 10"),
        ({"path": "a.traj", "skip_ps": -1}, "negative"),
        ({"path": "a.traj", "what": []}, "what is empty"),
        ({"path": "a.traj"}, "no file 'a.traj'"),
        ({"path": "../../etc/passwd"}, "outside the workspace"),
    ],
)
def test_bad_arguments_say_what_is_allowed(analyse, wrong, told):
    with pytest.raises(InvalidInput, match=told):
        analyse(**wrong)


def test_job_of_another_kind_or_without_frames_says_so(analyse, jobs):
    other = jobs.submit("relax_structure", {})
    waiting = jobs.submit("run_md", {})

    with pytest.raises(InvalidInput, match="leaves no trajectory"):
        analyse(job_id=other.job_id)
    with pytest.raises(InvalidInput, match="has not written a trajectory"):
        analyse(job_id=waiting.job_id)
    with pytest.raises(NotFound):
        analyse(job_id="j-000000000000000")


def test_it_is_a_short_read_only_tool():
    assert OPERATION.read_only
    assert not OPERATION.long_running
    assert len(OPERATION.description) <= 350
