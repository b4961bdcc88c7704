"""Families of force fields in an interpreter of their own."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llamp_mcp.errors import CalculatorError, InvalidInput
from llamp_mcp.settings import Settings
from llamp_mcp.simulation.calculators import Calculators, catalogue
from llamp_mcp.simulation.calculators.environments import Environment, Package, ask, here
from llamp_mcp.simulation.engines.local import LocalEngine
from tests.simulation.conftest import copper, loads_force_field, wait

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL = "sevenn/pretrained_potentials/SevenNet_0__11Jul2024/checkpoint_sevennet_0.pth"
CALCULATOR = '''
from ase.calculators.emt import EMT

class SevenNetCalculator(EMT):
    """Stands for SevenNet: EMT by its name, so that a job can be run through it."""

    def __init__(self, model, device):
        super().__init__()
        assert open(model).read() == "weights"
'''


@pytest.fixture(scope="module")
def interpreter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A virtual environment with all of ours, and a package sevenn that ours does not have."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(
        subprocess.run(
            [str(python), "-c", where], capture_output=True, text=True, check=True
        ).stdout.strip()
    )
    ours = [path for path in sys.path if path.endswith("site-packages")]
    (site / "ours.pth").write_text(
        "".join(f"import site; site.addsitedir({path!r})\n" for path in ours)
    )
    (site / "sevenn").mkdir()
    (site / "sevenn" / "__init__.py").write_text("")
    (site / "sevenn" / "calculator.py").write_text(CALCULATOR)
    (site / MODEL).parent.mkdir(parents=True)
    (site / MODEL).write_text("weights")
    about = site / "sevenn-0.13.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(
        "Metadata-Version: 2.4\nName: sevenn\nVersion: 0.13.0\n"
        "Classifier: License :: OSI Approved :: MIT License\n"
    )
    yield python
    ask.cache_clear()


def test_another_interpreter_is_asked_what_it_has_without_importing_it(interpreter):
    told = ask(interpreter)

    assert told.problem == ""
    assert told.version_of("sevenn") == "sevenn 0.13.0"
    assert told.version_of("ase") == here().version_of("ase")
    assert Path(told.prefix) == interpreter.parents[1]
    assert not told.is_here
    assert here().version_of("sevenn") == ""
    assert ask(interpreter) is told, "asked once"


def test_family_of_another_interpreter_is_listed_with_where_it_lives(settings, interpreter):
    own = settings.model_copy(update={"environments": {"sevenn": interpreter}})
    [entry] = [one for one in Calculators(own).entries() if one.name == "sevennet-0"]

    assert entry.available, entry.why_not
    assert (entry.environment, entry.version) == ("sevenn", "sevenn 0.13.0")
    assert entry.licence == "MIT License (as its package says)"
    # of the seven bytes that stand for the weights, by `printf weights | sha256sum`
    assert entry.sha256 == "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c"
    [without] = [one for one in Calculators(settings).entries() if one.name == "sevennet-0"]
    assert not without.available
    assert "LLAMP_ENVIRONMENTS" in str(without.why_not)


def test_calculators_of_several_environments_are_not_for_one_calculation(settings, interpreter):
    own = settings.model_copy(update={"environments": {"sevenn": interpreter}})
    calculators = Calculators(own)

    assert calculators.environment("chgnet", "emt") == ""
    assert calculators.environment("sevennet-0", "emt") == "sevenn", "EMT is everywhere"
    assert calculators.environment("") == "", "the default"
    with pytest.raises(InvalidInput, match="'chgnet': the server, 'sevennet-0': sevenn"):
        calculators.environment("chgnet", "sevennet-0")
    with pytest.raises(CalculatorError, match="lives in the environment 'sevenn'"):
        calculators.load("sevennet-0", ["Cu"])


@loads_force_field
def test_job_runs_in_a_worker_of_the_other_interpreter(settings, jobs, put, interpreter):
    """SevenNet is played by EMT here; the worker, its interpreter and the loading are real."""
    own = settings.model_copy(update={"environments": {"sevenn": interpreter}})
    engine = LocalEngine(own, jobs)
    params = {"structure_id": put(copper(a=3.65)), "calculator": "sevennet-0"}
    try:
        there = jobs.submit("relax_structure", params, environment="sevenn").job_id
        engine.start()
        done = wait(jobs, engine, there)
        assert done.result is not None, done.error
        command = Path(f"/proc/{done.worker}/cmdline").read_bytes().split(b"\0")
    finally:
        engine.stop()

    assert done.result["calculator"]["version"] == "sevenn 0.13.0"
    assert done.result["calculator"]["family"] == "sevenn"
    assert Path(command[0].decode()) == interpreter


def test_interpreter_that_cannot_be_used_says_why_and_what_to_do(tmp_path):
    gone = ask(tmp_path / "no-python")
    assert "no-python" in gone.problem
    assert "correct LLAMP_ENVIRONMENTS" in gone.problem

    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho no such library >&2\nexit 3\n")
    broken.chmod(0o755)
    assert "no such library" in ask(broken).problem

    bare = tmp_path / "bare"
    answer = json.dumps({"prefix": "/bare", "packages": {}})
    bare.write_text(f"#!/bin/sh\necho '{answer}'\n")
    bare.chmod(0o755)
    assert f"run: {bare} -m pip install llamp-mcp==" in ask(bare).problem


def test_package_that_lacks_in_the_other_interpreter_is_named_with_the_command(
    settings, monkeypatch
):
    folder = Path("/somewhere")
    packages = {name: Package("1", "MIT", folder) for name in ("llamp-mcp", "torch")}
    found = Environment("/env/bin/python", "/env", packages)
    monkeypatch.setattr(catalogue, "ask", lambda _path: found)
    own = settings.model_copy(update={"environments": {"sevenn": Path("/env/bin/python")}})

    with pytest.raises(CalculatorError, match=r"run: /env/bin/python -m pip install sevenn"):
        Calculators(own).resolve("sevennet-0", ["Si"])


def test_interpreter_that_is_asked_gets_no_secret(tmp_path, monkeypatch):
    spy, seen = tmp_path / "spy", tmp_path / "seen"
    spy.write_text(f"#!/bin/sh\nenv > {seen}\nexit 1\n")
    spy.chmod(0o755)
    monkeypatch.setenv("MP_API_KEY", "canary")
    ask(spy)

    assert "PATH=" in seen.read_text()
    assert "canary" not in seen.read_text()


def test_unknown_family_is_refused():
    with pytest.raises(ValueError, match="seven: the families are mace, chgnet, sevenn"):
        Settings(environments={"seven": Path("/env/bin/python")})
