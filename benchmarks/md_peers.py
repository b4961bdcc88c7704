"""Our molecular dynamics against janus-core's: the same cell, force field, thermostat and output.

janus-core (https://github.com/stfc/janus-core) pins other versions, so it runs in an interpreter of
its own. To make one:

    python -m venv peer
    peer/bin/pip install torch==2.13.0 janus-core
    python benchmarks/md_peers.py --peer peer/bin/python

64 atoms of Cu with EMT, 300 steps of 2 fs at 300 K with stochastic velocity rescaling (Bussi), a
frame and the statistics every 10 steps. The two take turns, because a shared machine changes its
pace; medians of several rounds, imports and set-up not counted. Limit: ours is not slower.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

STEPS, EVERY, TIMESTEP_FS, KELVIN = 300, 10, 2.0, 300.0
REPEAT = (2, 2, 4)


def peer() -> None:
    """Run janus-core's dynamics and print its ms/step; in its own interpreter."""
    from ase.build import bulk
    from ase.calculators.emt import EMT
    from janus_core.calculations.md import NVT_CSVR

    atoms = bulk("Cu", cubic=True).repeat(REPEAT)
    atoms.calc = EMT()
    run = NVT_CSVR(
        atoms,
        steps=STEPS,
        timestep=TIMESTEP_FS,
        temp=KELVIN,
        taut=100,
        stats_every=EVERY,
        traj_every=EVERY,
        seed=1,
        file_prefix="peer",
    )
    start = time.perf_counter()
    run.run()
    print(f"ms_per_step {1000 * (time.perf_counter() - start) / STEPS}")


def ours(folder: Path) -> float:
    """Run ours; its ms/step."""
    from ase.build import bulk
    from pymatgen.io.ase import AseAtomsAdaptor

    from llamp_mcp.provenance import LineageStep
    from llamp_mcp.settings import Settings
    from llamp_mcp.simulation.calculators import Calculators
    from llamp_mcp.simulation.run_md import MdParams, run_md
    from llamp_mcp.simulation.workers.monitor import Monitor
    from llamp_mcp.structures.store import StructureStore

    settings = Settings(home=folder)
    structures = StructureStore(settings.open_home())
    handle = structures.put(
        AseAtomsAdaptor.get_structure(bulk("Cu", cubic=True).repeat(REPEAT)),
        LineageStep(action="benchmark", origin="ase.build"),
    )
    params = MdParams(
        structure_id=handle,
        calculator="emt",
        thermostat="bussi",
        temperature_k=[KELVIN],
        steps=STEPS,
        timestep_fs=TIMESTEP_FS,
        sample_every=EVERY,
        seed=1,
    )
    monitor = Monitor("j-benchmark", folder)
    calculators = Calculators(settings)
    result = run_md(params, structures=structures, calculators=calculators, monitor=monitor)
    return result.ms_per_step


def theirs(interpreter: Path, folder: Path) -> float:
    """Run janus-core's; its ms/step."""
    command = [str(interpreter.absolute()), str(Path(__file__).absolute()), "--as-peer"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"The peer failed:\n{done.stderr[-2000:]}")
    return float(done.stdout.rpartition("ms_per_step")[2])


def main() -> None:
    """Take turns, print the medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer", type=Path, help="python in which janus-core is installed")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--as-peer", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.as_peer:
        peer()
        return
    if arguments.peer is None:
        print("Skipped: give --peer, a python with janus-core (how to make one: --help).")
        return
    pairs = []
    for _ in range(arguments.rounds):
        with tempfile.TemporaryDirectory() as folder:
            pairs.append((ours(Path(folder)), theirs(arguments.peer, Path(folder))))
    mine, peers = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(first / second for first, second in pairs)
    print(
        f"Cu 64 atoms, emt, bussi: ours {mine:.2f} ms/step, janus-core {peers:.2f} ms/step, "
        f"ratio {ratio:.2f} (median of {arguments.rounds} pairs)"
    )


if __name__ == "__main__":
    main()
