"""What our molecular dynamics adds to the bare force field, per step.

The baseline is taken inside the same run, since a shared machine changes its pace from one second
to the next: the time of the `get_forces` calls of the calculator, one for each step, against the
time of the whole run (integrator, guard, trajectory, progress reports to the job store). Medians
of several rounds.

    python benchmarks/md_overhead.py [--model PATH --sha256 HEX] [--rounds 5]

Limits: 1.5 ms/step for 64 atoms of Cu with EMT; 3 % for 64 atoms of Si with a neural potential
(the MACE model given, else CHGNet).
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
from llamp_mcp.simulation.jobs import JobStore
from llamp_mcp.simulation.monitor import Monitor
from llamp_mcp.simulation.run_md import MdParams, run_md
from llamp_mcp.structures.store import StructureStore

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ase import Atoms


class TimedCalculators(Calculators):
    """Calculators that add up the time spent computing."""

    seconds = 0.0

    def load(
        self, name: str, elements: Iterable[str] = (), dtype: DType = "float32"
    ) -> LoadedCalculator:
        """A calculator whose `get_forces` is timed."""
        loaded = super().load(name, elements, dtype)
        loaded.calculator.results.clear()
        get_forces = type(loaded.calculator).get_forces.__get__(loaded.calculator)

        def timed(atoms: Atoms) -> Any:
            start = time.perf_counter()
            forces = get_forces(atoms)
            self.seconds += time.perf_counter() - start
            return forces

        loaded.calculator.get_forces = timed
        return loaded


def compare(atoms: Atoms, name: str, settings: Settings, steps: int, rounds: int) -> None:
    """Print bare and MD times per step, and the difference."""
    structures, jobs = StructureStore(settings.open_home()), JobStore.of(settings)
    handle = structures.put(
        AseAtomsAdaptor.get_structure(atoms), LineageStep(action="benchmark", origin="ase.build")
    )
    calculators = TimedCalculators(settings)
    params = MdParams(structure_id=handle, calculator=name, steps=steps, timestep_fs=2)
    bare, added = [], []
    for _ in range(rounds):
        job = jobs.submit("run_md", params.model_dump())
        jobs.claim(os.getpid())
        monitor = Monitor(job.job_id, jobs.directory(job.job_id), partial(jobs.report, job.job_id))
        calculators.seconds = 0.0
        result = run_md(params, structures=structures, calculators=calculators, monitor=monitor)
        jobs.finish(job.job_id, "completed")
        base = 1000 * calculators.seconds / steps
        bare.append(base)
        added.append(result.ms_per_step - base)
    base, more = statistics.median(bare), statistics.median(added)
    print(
        f"{result.formula} {result.n_atoms} atoms, {result.calculator['name']}: calculator "
        f"{base:.2f} ms/step, added {more:.2f} ms/step = {100 * more / base:.1f} %"
    )
    jobs.close()


def main() -> None:
    """Run both comparisons."""
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
        si = bulk("Si", cubic=True).repeat(2)
        compare(cu, "emt", settings, 200, arguments.rounds)
        compare(si, "mace" if models else "chgnet", settings, 60, arguments.rounds)


if __name__ == "__main__":
    main()
