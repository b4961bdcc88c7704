"""How long one retrieval takes, beside doing the same by hand.

    python benchmarks/retrieval.py [--repeat 200]

Prints medians of this run: the tools as plain calls (no protocol), the same rows by bare SQL on the
same index, and the same rows by reading the shipped file anew.
"""

from __future__ import annotations

import argparse
import json
import lzma
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING

from llamp_mcp.materials.get_properties import PropertiesParams, get_properties
from llamp_mcp.materials.get_structure import StructureParams, get_structure
from llamp_mcp.materials.index import index_path, shipped_data
from llamp_mcp.materials.sample import SampleSource
from llamp_mcp.materials.search_materials import SearchParams, search_materials
from llamp_mcp.settings import Settings
from llamp_mcp.structures.store import StructureStore

if TYPE_CHECKING:
    from collections.abc import Callable

METALS = ["Sc", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn"]


def timed(call: Callable[[], object], repeat: int) -> list[float]:
    """Milliseconds of each call, after one to warm up."""
    call()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1e3)
    return times


def bare_sql(path: Path) -> object:
    """Twenty oxides by hull energy, without any of this package."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            "SELECT body FROM material JOIN element USING (material_id) "
            "LEFT JOIN value ON value.material_id = material.material_id "
            "AND field = 'energy_above_hull' WHERE symbol = 'O' "
            "ORDER BY value.value IS NULL, value.value LIMIT 20"
        )
        return [json.loads(body) for (body,) in rows]


def bare_json(data: bytes) -> object:
    """The same from the shipped file."""
    oxides = [m for m in json.loads(lzma.decompress(data))["materials"] if "O" in m["composition"]]
    oxides.sort(key=lambda m: m["groups"].get("thermo", {}).get("energy_above_hull", 1e9))
    return oxides[:20]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeat", type=int, default=200)
    repeat = parser.parse_args().repeat
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        source = SampleSource(Settings(home=home))
        start = time.perf_counter()
        source.meta()
        print(f"index built in {(time.perf_counter() - start) * 1e3:.0f} ms (once per release)")
        structures = StructureStore(home)
        data = shipped_data()
        path = index_path(home / "cache", data)
        search = SearchParams(elements=["O"], limit=20)
        moduli = PropertiesParams(materials=METALS, fields=["bulk_modulus"])
        silicon = StructureParams(material="mp-149")
        one = PropertiesParams(materials=["Fe"], groups=["elasticity"])
        cases: dict[str, Callable[[], object]] = {
            "search_materials, 20 oxides": lambda: search_materials(search, source=source).text(),
            "  baseline: bare SQL": lambda: bare_sql(path),
            "  baseline: read the file": lambda: bare_json(data),
            "get_properties, Fe": lambda: get_properties(one, source=source).text(),
            "get_properties, ten metals": lambda: get_properties(moduli, source=source).text(),
            "get_structure, mp-149": lambda: get_structure(
                silicon, source=source, structures=structures
            ).text(),
        }
        print(f"{'':32} {'p50 ms':>8} {'p95 ms':>8}")
        for label, call in cases.items():
            times = timed(call, repeat)
            print(f"{label:32} {median(times):8.2f} {quantiles(times, n=20)[-1]:8.2f}")


if __name__ == "__main__":
    main()
