"""Calculations as jobflow jobs, run by jobflow."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from jobflow import Flow, run_locally
from monty.json import MontyDecoder
from pymatgen.core import Structure

from llamp_mcp import workflows
from llamp_mcp.provenance import LineageStep
from llamp_mcp.settings import Settings
from llamp_mcp.simulation import OPERATIONS
from llamp_mcp.simulation.calculators import Calculators
from llamp_mcp.simulation.relax_structure import RelaxParams
from llamp_mcp.simulation.relax_structure import relax_structure as relax_directly
from llamp_mcp.simulation.workers.monitor import Monitor
from llamp_mcp.structures.store import StructureStore
from llamp_mcp.workflows import find_migration_barrier, fit_eos, relax_structure
from tests.simulation.conftest import copper

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:cd is deprecated:FutureWarning")


def outputs(flow: Any, folder: Path) -> list[dict[str, Any]]:
    """What each job of a flow returned, in order."""
    answers = run_locally(flow, log=False, root_dir=folder, ensure_success=True)
    return [answers[one.uuid][1].output for one in flow.jobs]


def test_there_is_a_job_for_every_long_running_calculation():
    assert dir(workflows) == sorted(o.name for o in OPERATIONS if o.long_running)
    for name in dir(workflows):
        made = getattr(workflows, name)
        assert made.__module__ == "llamp_mcp.workflows"
        assert made.__name__ == name
    with pytest.raises(ImportError, match="fit_moon"):
        from llamp_mcp.workflows import fit_moon  # noqa: F401


def test_relaxed_structure_goes_on_into_an_equation_of_state(tmp_path):
    """EMT copper: 134.4 GPa (S12), as ASE and pymatgen called directly give."""
    relax = relax_structure(copper(a=3.65), calculator="emt")
    eos = fit_eos(relax.output["structure"], calculator="emt")
    relaxed, fitted = outputs(Flow([relax, eos]), tmp_path)

    assert isinstance(relaxed["structure"], Structure)
    assert fitted["result"]["bulk_modulus_gpa"] == pytest.approx(134.4, abs=1)
    assert "calculator emt" in fitted["text"]


def test_job_gives_the_numbers_of_the_operation_called_directly(tmp_path):
    job = relax_structure(copper(a=3.65), calculator="emt", cell="volume")
    [made] = outputs(Flow([job]), tmp_path)
    structures = StructureStore(tmp_path)
    handle = structures.put(copper(a=3.65), LineageStep(action="test"))
    direct = relax_directly(
        RelaxParams(structure_id=handle, calculator="emt", cell="volume"),
        structures=structures,
        calculators=Calculators(Settings()),
        monitor=Monitor("j-1", tmp_path),
    )

    assert made["result"] == direct.model_dump(mode="json")


def test_job_that_was_stored_as_text_runs_when_it_is_read_again(tmp_path):
    """As a remote jobflow runner or Fireworks does."""
    stored = json.dumps(relax_structure(copper(), calculator="emt").as_dict(), default=_plain)
    job = MontyDecoder().decode(stored)
    [made] = outputs(Flow([job]), tmp_path)

    assert made["result"]["converged"]


def test_misspelt_argument_is_an_error_when_the_job_is_made():
    with pytest.raises(TypeError, match="calculatr"):
        relax_structure(copper(), calculatr="emt")
    with pytest.raises(TypeError, match="final"):
        find_migration_barrier(copper())


def test_what_is_not_a_structure_is_named(tmp_path):
    job = relax_structure("s-0123456789abcdef", calculator="emt")
    with pytest.raises(Exception, match="structure 's-0123456789abcdef' is not a structure"):
        run_locally(Flow([job]), log=False, root_dir=tmp_path, raise_immediately=True)


def test_without_jobflow_the_extra_is_named_and_the_rest_works():
    code = (
        "import sys; sys.modules['jobflow'] = None\n"
        "import llamp_mcp.workflows as workflows\n"
        "assert 'run_md' in dir(workflows)\n"
        "try: workflows.run_md\n"
        "except ImportError as error: print(error)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert "pip install 'llamp-mcp[workflows]'" in told.stdout


def test_model_of_the_host_is_the_default_as_in_the_server(tmp_path, monkeypatch):
    monkeypatch.setenv("LLAMP_CALCULATOR", "emt")
    assert Settings().calculator == "emt"
    [made] = outputs(Flow([relax_structure(copper())]), tmp_path)

    assert made["result"]["calculator"]["name"] == "emt"


def _plain(value: object) -> object:
    as_dict = getattr(value, "as_dict", None)
    if as_dict is None:
        raise TypeError(f"{value!r} is not MSONable")
    return as_dict()
