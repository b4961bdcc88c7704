"""What our molecular dynamics adds to the bare force field, per step.

The baseline is taken inside the same run, since a shared machine changes its pace from one second
to the next: the time of the `get_forces` calls of the calculator, one for each step, against the
time of the whole run (integrator, guard, record, trajectory, progress reports to the job store,
checkpoints). Medians of several rounds. Checkpoints come once a second here, not every 15 s, and
their own cost is shown per checkpoint.

    python benchmarks/md_overhead.py [--model PATH --sha256 HEX] [--rounds 5]

Limits: 1.5 ms/step for 64 atoms of Cu with EMT; 3 % for 64 atoms of Si and 1 % for 96 with a neural
potential (the MACE model given, else CHGNet); a checkpoint 1 % of the 15 s between two.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from ase.build import bulk
from pymatgen.io.ase import AseAtomsAdaptor

from llamp_mcp.provenance import LineageStep
from llamp_mcp.settings import Settings
from llamp_mcp.simulation.calculators import Calculators, DType, LoadedCalculator
from llamp_mcp.simulation.dynamics.checkpoint import WARM_UP_CALLS
from llamp_mcp.simulation.jobs import JobStore
from llamp_mcp.simulation.run_md import MdParams, run_md
from llamp_mcp.simulation.workers.monitor import CHECKPOINT_EVERY_S, Monitor
from llamp_mcp.structures.store import StructureStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ase import Atoms


class TimedCalculators(Calculators):
    """Calculators that note the time of each call."""

    seconds: list[float]

    def load(
        self,
        name: str,
        elements: Iterable[str] = (),
        dtype: DType = "float32",
        n_atoms: int = 0,
    ) -> LoadedCalculator:
        """A calculator whose `get_forces` is timed."""
        loaded = super().load(name, elements, dtype, n_atoms)
        loaded.calculator.results.clear()
        get_forces = type(loaded.calculator).get_forces.__get__(loaded.calculator)

        def timed(atoms: Atoms) -> Any:
            start = time.perf_counter()
            forces = get_forces(atoms)
            self.seconds.append(time.perf_counter() - start)
            return forces

        loaded.calculator.get_forces = timed
        return loaded


class TimedMonitor(Monitor):
    """A monitor that notes how long each checkpoint takes, its files included."""

    _began = 0.0

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.checkpoints: list[float] = []

    def checkpoint_due(self) -> bool:
        """As of a monitor; what follows is timed."""
        self._began = time.perf_counter()
        return super().checkpoint_due()

    def save(self, state: Mapping[str, Any]) -> None:
        """As of a monitor."""
        super().save(state)
        self.checkpoints.append(time.perf_counter() - self._began)


def compare(
    atoms: Atoms, name: str, settings: Settings, ensemble: str, steps: int, rounds: int
) -> None:
    """Print bare and MD times per step, and the difference."""
    structures, jobs = StructureStore(settings.open_home()), JobStore.of(settings)
    handle = structures.put(
        AseAtomsAdaptor.get_structure(atoms), LineageStep(action="benchmark", origin="ase.build")
    )
    calculators = TimedCalculators(settings)
    params = MdParams(
        structure_id=handle, calculator=name, ensemble=ensemble, steps=steps, timestep_fs=2
    )
    bare, added, checkpoints = [], [], []
    for _ in range(rounds):
        job = jobs.submit("run_md", params.model_dump())
        jobs.claim(os.getpid())
        report = partial(jobs.report, job.job_id)
        monitor = TimedMonitor(job.job_id, jobs.directory(job.job_id), report, checkpoint_s=1)
        calculators.seconds = []
        result = run_md(params, structures=structures, calculators=calculators, monitor=monitor)
        jobs.finish(job.job_id, "completed")
        base = 1000 * sum(calculators.seconds[WARM_UP_CALLS:]) / steps
        bare.append(base)
        added.append(result.ms_per_step - base - 1000 * sum(monitor.checkpoints) / steps)
        checkpoints += monitor.checkpoints
    base, more = statistics.median(bare), statistics.median(added)
    each = 1000 * statistics.median(checkpoints) if checkpoints else float("nan")
    print(
        f"{result.formula} {result.n_atoms} atoms, {result.calculator['name']}, {ensemble}: "
        f"calculator {base:.2f} ms/step, added {more:.2f} ms/step = {100 * more / base:.1f} %; "
        f"a checkpoint {each:.0f} ms = {each / 10 / CHECKPOINT_EVERY_S:.2f} % of its interval"
    )
    jobs.close()


def main() -> None:
    """Run all comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="MACE model file that covers Si")
    parser.add_argument("--sha256", help="its digest")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        models = {}
        if arguments.model:
            models["mace"] = {
                "family": "mace",
                "path": arguments.model,
                "sha256": arguments.sha256,
            }
        settings = Settings(home=home, models=models)
        cu = bulk("Cu", cubic=True).repeat((2, 2, 4))
        si = bulk("Si", cubic=True)
        neural = "mace" if models else "chgnet"
        for ensemble in ("nvt", "npt_isotropic", "npt_full"):
            compare(cu, "emt", settings, ensemble, 200, arguments.rounds)
        compare(si.repeat(2), neural, settings, "nvt", 60, arguments.rounds)
        compare(si.repeat((2, 2, 3)), neural, settings, "npt_full", 60, arguments.rounds)


if __name__ == "__main__":
    main()
