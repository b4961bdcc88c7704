"""Structures, stores and a worker that is always stopped."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ase.calculators.emt import EMT
from pymatgen.core.lattice import Lattice
from pymatgen.core.structure import Structure

from llamp_mcp.provenance import LineageStep
from llamp_mcp.settings import ModelFile, Settings
from llamp_mcp.simulation.calculators import Calculators
from llamp_mcp.simulation.compute_phonons import PhononParams, PhononResult, compute_phonons
from llamp_mcp.simulation.engines.local import LocalEngine
from llamp_mcp.simulation.jobs import Job, JobStore
from llamp_mcp.simulation.lattice import vibrations
from llamp_mcp.simulation.workers.monitor import Monitor
from llamp_mcp.structures.store import StructureStore
from tests.simulation import counting as counting_module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SI_MACE = Path(__file__).parents[1] / "data" / "si_mace.model"
SI_MACE_SHA256 = "0e30c98e859e9064943130e1f3a002125e921e47a89bcb086fcbfa2d70f08139"


def loads_force_field(test):
    """Mark a test that imports torch, and let pass what its libraries warn of."""
    for warning in (
        "ignore:Environment variable TORCH_FORCE:UserWarning",
        "ignore:`torch.jit:DeprecationWarning",
        "ignore:Converting a tensor with requires_grad:UserWarning",
    ):
        test = pytest.mark.filterwarnings(warning)(test)
    return pytest.mark.model(test)


def copper(repeat: int | tuple[int, int, int] = 1, a: float = 3.6) -> Structure:
    """Conventional fcc cells: 4 atoms each."""
    structure = Structure.from_spacegroup("Fm-3m", Lattice.cubic(a), ["Cu"], [[0, 0, 0]])
    structure.make_supercell(repeat)
    return structure


def silicon(a: float = 5.43) -> Structure:
    """The conventional diamond cell: 8 atoms."""
    return Structure.from_spacegroup("Fd-3m", Lattice.cubic(a), ["Si"], [[0, 0, 0]])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    model = ModelFile(family="mace", path=SI_MACE, sha256=SI_MACE_SHA256, licence="MIT labels")
    return Settings(
        home=tmp_path / "home", models={"si-mace": model}, worker_idle_s=30, min_free_mb=0
    )


@pytest.fixture
def structures(settings: Settings) -> StructureStore:
    return StructureStore(settings.open_home())


@pytest.fixture
def put(structures: StructureStore) -> Callable[[Structure], str]:
    def put(structure: Structure) -> str:
        return structures.put(structure, LineageStep(action="test", origin="built by a test"))

    return put


@pytest.fixture
def jobs(settings: Settings) -> Iterator[JobStore]:
    store = JobStore.of(settings)
    yield store
    store.close()


@pytest.fixture
def engine(settings: Settings, jobs: JobStore) -> Iterator[LocalEngine]:
    engine = LocalEngine(settings, jobs)
    yield engine
    engine.stop()


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that also know the operation `count`."""
    monkeypatch.setattr("llamp_mcp.simulation.workers.worker.command", counting_module.command)
    monkeypatch.setenv("PYTHONPATH", str(counting_module.ROOT))


def wait(
    jobs: JobStore,
    engine: LocalEngine,
    job_id: str,
    until: Callable[[Job], bool] = lambda job: job.finished,
    timeout_s: float = 60,
) -> Job:
    """Poll as the server does."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        engine.recover()
        job = jobs.get(job_id)
        if until(job):
            return job
        time.sleep(0.02)
    raise AssertionError(f"{jobs.get(job_id)} after {timeout_s} s")


@pytest.fixture
def emt_calls(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How often EMT computed something since this was last asked."""
    calls = 0
    original = EMT.calculate

    def counted(*arguments: object, **named: object) -> None:
        nonlocal calls
        calls += 1
        original(*arguments, **named)

    def since() -> int:
        nonlocal calls
        calls, before = 0, calls
        return before

    monkeypatch.setattr(EMT, "calculate", counted)
    return since


@pytest.fixture
def phonons(
    settings: Settings,
    structures: StructureStore,
    put: Callable[[Structure], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., PhononResult]:
    """Compute phonons as the worker does, on a coarse mesh unless asked otherwise."""

    def phonons(
        structure: Structure,
        directory: str = "job",
        cancelled: Callable[[], bool] = lambda: False,
        mesh_length_a: float = 30,
        **arguments: object,
    ) -> PhononResult:
        monkeypatch.setattr(vibrations, "MESH_LENGTH_A", mesh_length_a)
        where = tmp_path / directory
        where.mkdir(exist_ok=True)
        asked = {"structure_id": put(structure), "calculator": "emt", **arguments}
        return compute_phonons(
            PhononParams.model_validate(asked),
            structures=structures,
            calculators=Calculators(settings),
            monitor=Monitor("j-test", where, cancelled=cancelled),
        )

    return phonons
