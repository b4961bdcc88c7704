"""How long edits, analyses and pictures of structures take, beside bare pymatgen.

    python benchmarks/structures.py [--repeat 20]

Prints medians and 95th percentiles of this run in milliseconds, after one call to warm up. The
tools are called as the server calls them, store and report included; the bare baselines do the
same to the structure with pymatgen alone, without checks, reports, symmetry or storing.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from ase.build import bulk
from pymatgen.io.ase import AseAtomsAdaptor

from llamp_mcp.provenance import LineageStep
from llamp_mcp.structures.analyze_structure import AnalyzeStructureParams, analyze_structure
from llamp_mcp.structures.edit_structure import EditStructureParams, edit_structure
from llamp_mcp.structures.pictures import picture
from llamp_mcp.structures.store import StructureStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymatgen.core import Structure

FIVE_STEPS: list[dict[str, Any]] = [
    {"op": "substitute", "species": {"Si": "Ge"}, "sites": [3]},
    {"op": "vacancy", "site": 7},
    {"op": "interstitial", "species": "Li", "site_kind": "tetrahedral"},
    {"op": "strain", "voigt": [0.01, 0, 0, 0, 0, 0]},
    {"op": "perturb", "distance_a": 0.02},
]
SLAB: list[dict[str, Any]] = [
    {"op": "slab", "miller": [1, 1, 1], "min_thickness_a": 10, "min_vacuum_a": 12},
    {"op": "supercell", "repeats": [2, 2, 1]},
    {"op": "adsorbate", "molecule": "CO2", "height_a": 2.0},
]


def timed(name: str, call: Callable[[], object], repeat: int) -> None:
    """Print the median and 95th percentile of milliseconds, after one call to warm up."""
    call()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1e3)
    print(f"{name:44} {median(times):9.1f} {quantiles(times, n=20)[-1]:9.1f}")


def bare_steps(structure: Structure) -> Structure:
    """The five steps by pymatgen, the interstitial's position known beforehand."""
    made = structure.copy()
    made.replace(3, "Ge")
    made.remove_sites([7])
    made.append("Li", [0.5, 0.5, 0.5])
    made.apply_strain([0.01, 0, 0])
    return made.perturb(0.02)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=20)
    repeat = parser.parse_args().repeat
    warnings.simplefilter("ignore")
    cubic = AseAtomsAdaptor.get_structure(bulk("Si", cubic=True))
    hundred = cubic.make_supercell([2, 2, 3], in_place=False)
    with tempfile.TemporaryDirectory() as home:
        store = StructureStore(Path(home))
        unit = store.put(cubic, LineageStep(action="benchmark"))
        cell = store.put(hundred, LineageStep(action="benchmark"))

        def edits(handle: str, *steps: dict[str, Any]) -> Callable[[], object]:
            params = EditStructureParams(structure_id=handle, edits=list(steps))
            return lambda: edit_structure(params, structures=store)

        def analysis(*what: str) -> Callable[[], object]:
            params = AnalyzeStructureParams.model_validate({"structure_id": cell, "what": what})
            return lambda: analyze_structure(params, structures=store)

        print(f"{'':44} {'p50 ms':>9} {'p95 ms':>9}")
        timed("five edits, 96 atoms", edits(cell, *FIVE_STEPS), repeat)
        timed("  bare pymatgen", lambda: bare_steps(hundred), repeat)
        grow = {"op": "supercell", "target_atoms": 10_000}
        timed("supercell of 10,000 atoms", edits(unit, grow), max(3, repeat // 4))
        n = round((10_000 / len(cubic)) ** (1 / 3))
        timed(
            f"  bare pymatgen, {len(cubic) * n**3} atoms",
            lambda: cubic.make_supercell([n] * 3, in_place=False),
            max(3, repeat // 4),
        )
        timed("slab, supercell, adsorbate", edits(unit, *SLAB), repeat)
        timed(
            "symmetry, density, coordination, 96 atoms",
            analysis("symmetry", "density", "coordination"),
            repeat,
        )
        timed("xrd, 96 atoms", analysis("xrd"), max(3, repeat // 4))
        timed("picture, 96 atoms", lambda: picture(hundred), repeat)


if __name__ == "__main__":
    main()
