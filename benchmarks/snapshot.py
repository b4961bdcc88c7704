"""Size and speed of a materials file (snapshot) of many made-up materials.

    python -m benchmarks.snapshot [--materials 50000] [--seed 0] [--keep FILE]

Every document is drawn at random in the shape of the Project's (a summary with its structure of 2
to 40 sites, two thermo documents, a robocrys description, an elasticity document for every fifth).
The same documents go through `gzip -6` as JSON lines, once a file per endpoint and once all
documents of a material together. Times are of one process
after a first question of each kind; ranges and systems are drawn anew each time.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import random
import re
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llamp_mcp.materials.files import layout
from llamp_mcp.materials.files.source import SqliteSource
from llamp_mcp.materials.source import Condition, Query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ELEMENTS = re.findall(
    "[A-Z][a-z]?",
    "HLiBeBCNOFNaMgAlSiPSClKCaScTiVCrMnFeCoNiCuZnGaGeAsSeBrRbSrYZrNbMoAgCdInSnSbTeICsBaLaCeNdWPbBi",
)
ANIONS = {"O": 12.0, "F": 3.0, "S": 4.0, "N": 2.0, "Cl": 2.0, "P": 3.0, "Se": 2.0}
SYSTEMS = (
    "Triclinic",
    "Monoclinic",
    "Orthorhombic",
    "Tetragonal",
    "Trigonal",
    "Hexagonal",
    "Cubic",
)
REPEATS = 60
BY_MATERIAL = "by material"
HEADER = {
    "kind": "snapshot",
    "name": "made-up materials",
    "database_version": "none",
    "licence": "none",
    "attribution": "",
    "notice": "made-up materials of a benchmark",
}


def documents(count: int, seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Endpoint and document, material by material."""
    draw = random.Random(seed)
    for number in range(count):
        yield from material(draw, f"mp-{10_000_000 + 3 * number}")


def material(draw: random.Random, material_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """All documents of one made-up material."""
    weights = [ANIONS.get(symbol, 1.0) for symbol in ELEMENTS]
    symbols = sorted(set(draw.choices(ELEMENTS, weights, k=draw.choice((1, 2, 3, 3, 4, 4, 5)))))
    reduced = {symbol: draw.randint(1, 6) for symbol in symbols}
    units = draw.choice((1, 2, 2, 4))
    composition = {symbol: float(units * n) for symbol, n in reduced.items()}
    formula = "".join(f"{s}{n if n > 1 else ''}" for s, n in reduced.items())
    structure = crystal(draw, composition)
    energy, above = draw.gauss(-1.5, 1.0), max(0.0, draw.gauss(0.05, 0.1))
    common = {
        "builder_meta": {
            "emmet_version": "0.87.3",
            "pymatgen_version": "2026.10.24",
            "run_id": f"{draw.getrandbits(96):024x}",
            "database_version": "2026.1.1",
            "build_date": f"2026-01-{draw.randint(1, 28):02d}T10:{draw.randint(0, 59):02d}:00Z",
            "license": "BY-C",
        },
        "nsites": len(structure["sites"]),
        "elements": symbols,
        "nelements": len(symbols),
        "composition": composition,
        "composition_reduced": {symbol: float(n) for symbol, n in reduced.items()},
        "formula_pretty": formula,
        "formula_anonymous": "".join(
            f"{letter}{n}" for letter, n in zip("ABCDE", sorted(reduced.values()), strict=False)
        ),
        "chemsys": "-".join(symbols),
        "volume": structure["lattice"]["volume"],
        "density": draw.uniform(1.0, 12.0),
        "density_atomic": structure["lattice"]["volume"] / len(structure["sites"]),
        "symmetry": {
            "crystal_system": draw.choice(SYSTEMS),
            "symbol": f"P{draw.randint(1, 6)}_{draw.randint(1, 5)}",
            "number": draw.randint(1, 230),
            "point_group": draw.choice(("m-3m", "4/mmm", "mmm", "2/m", "-1")),
            "symprec": 0.1,
            "angle_tolerance": 5.0,
            "version": "2.8.0",
        },
        "material_id": material_id,
        "deprecated": False,
        "last_updated": f"2026-01-{draw.randint(1, 28):02d}T12:00:00Z",
        "warnings": [],
    }
    stability = {
        "uncorrected_energy_per_atom": energy - 3.0,
        "energy_per_atom": energy - 3.1,
        "formation_energy_per_atom": energy,
        "energy_above_hull": above,
        "is_stable": above == 0.0,
        "equilibrium_reaction_energy_per_atom": draw.gauss(-0.1, 0.1) if above == 0.0 else None,
    }
    moduli = {
        "bulk_modulus": {k: draw.uniform(5, 300) for k in ("voigt", "reuss", "vrh")},
        "shear_modulus": {k: draw.uniform(5, 200) for k in ("voigt", "reuss", "vrh")},
        "universal_anisotropy": draw.uniform(0, 5),
        "homogeneous_poisson": draw.uniform(0.1, 0.45),
    }
    elastic = draw.random() < 0.2
    yield (
        "summary",
        common
        | stability
        | summary(draw, symbols)
        | (moduli if elastic else {})
        | {"structure": structure},
    )
    for thermo_type in ("GGA_GGA+U", "R2SCAN"):
        document = {
            "thermo_type": thermo_type,
            "thermo_id": f"{material_id}_{thermo_type}",
            "energy_type": "GGA",
            "decomposition_enthalpy": draw.gauss(0, 0.1),
        }
        yield "thermo", common | stability | document
    yield "robocrys", common | {"description": description(draw, formula, symbols)}
    if elastic:
        tensor = [[draw.gauss(0, 80) for _ in range(6)] for _ in range(6)]
        yield "elasticity", common | moduli | {"elastic_tensor": {"raw": tensor}}


def summary(draw: random.Random, symbols: list[str]) -> dict[str, Any]:
    """What the summary adds to the fields that all documents have."""
    metal = draw.random() < 0.4
    return {
        "task_ids": [f"mp-{draw.randint(1, 3_000_000)}" for _ in range(draw.randint(3, 12))],
        "origins": [
            {"name": name, "task_id": f"mp-{draw.randint(1, 3_000_000)}", "last_updated": "2026"}
            for name in ("structure", "energy", "magnetism", "electronic_structure")
        ],
        "band_gap": 0.0 if metal else draw.uniform(0.1, 6.0),
        "cbm": None if metal else draw.uniform(0, 8),
        "vbm": None if metal else draw.uniform(-4, 4),
        "efermi": draw.uniform(-2, 8),
        "is_gap_direct": draw.random() < 0.3,
        "is_metal": metal,
        "ordering": draw.choice(("NM", "NM", "FM", "FiM", "AFM")),
        "is_magnetic": draw.random() < 0.4,
        "total_magnetization": draw.expovariate(0.3),
        "total_magnetization_normalized_vol": draw.expovariate(10),
        "total_magnetization_normalized_formula_units": draw.expovariate(0.5),
        "num_magnetic_sites": draw.randint(0, 8),
        "num_unique_magnetic_sites": draw.randint(0, 3),
        "types_of_magnetic_species": symbols[:1],
        "theoretical": draw.random() < 0.6,
        "possible_species": [f"{symbol}{draw.randint(1, 4)}+" for symbol in symbols],
        "has_props": {
            name: draw.random() < 0.5
            for name in ("thermo", "elasticity", "magnetism", "bandstructure", "dos", "xas", "eos")
        },
        "database_IDs": {"icsd": [f"icsd-{draw.randint(1, 300_000)}"]},
    }


def crystal(draw: random.Random, composition: dict[str, float]) -> dict[str, Any]:
    """A structure as pymatgen writes it."""
    lengths = [draw.uniform(3, 12) for _ in range(3)]
    matrix = [[lengths[i] if i == j else draw.gauss(0, 0.5) for j in range(3)] for i in range(3)]
    symbols = [s for s, n in composition.items() for _ in range(int(n))][:40]
    sites = []
    for symbol in symbols:
        fractional = [draw.random() for _ in range(3)]
        sites.append(
            {
                "species": [{"element": symbol, "occu": 1}],
                "abc": fractional,
                "properties": {"magmom": round(draw.gauss(0, 1), 3)},
                "label": symbol,
                "xyz": [10 * draw.random() for _ in range(3)],
            }
        )
    return {
        "@module": "pymatgen.core.structure",
        "@class": "Structure",
        "charge": 0,
        "lattice": {
            "matrix": matrix,
            "pbc": [True, True, True],
            "a": lengths[0],
            "b": lengths[1],
            "c": lengths[2],
            "alpha": draw.uniform(80, 100),
            "beta": draw.uniform(80, 100),
            "gamma": draw.uniform(80, 120),
            "volume": lengths[0] * lengths[1] * lengths[2],
        },
        "properties": {},
        "sites": sites,
    }


def description(draw: random.Random, formula: str, symbols: list[str]) -> str:
    """A text in the manner of robocrys."""
    lines = [f"{formula} crystallizes in the {draw.choice(SYSTEMS).lower()} P1 space group."]
    for symbol in symbols:
        partner = draw.choice(symbols)
        shape = draw.choice(("octahedra", "tetrahedra", "square pyramids", "cuboctahedra"))
        lines.append(
            f"{symbol}{draw.randint(1, 4)}+ is bonded to {draw.randint(3, 12)} {partner} atoms to "
            f"form corner-sharing {symbol}{partner}{draw.randint(3, 6)} {shape}. All "
            f"{symbol}-{partner} bond lengths are {draw.uniform(1.5, 3):.2f} Å."
        )
    return " ".join(lines)


def write(path: Path, count: int, seed: int) -> tuple[int, int, int]:
    """Write the file; bytes of the JSON, and of it compressed by endpoint and by material."""
    raw = 0
    folder = Path(tempfile.mkdtemp(dir=path.parent))
    packed: dict[str, gzip.GzipFile] = {}

    def pack(name: str, line: bytes) -> None:
        if name not in packed:
            packed[name] = gzip.GzipFile(folder / name, "wb", compresslevel=6)
        packed[name].write(line)

    with layout.Writer(path) as writer:
        for endpoint, document in documents(count, seed):
            writer.add(endpoint, document)
            line = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
            raw += len(line)
            pack(endpoint, line)
            pack(BY_MATERIAL, line)
        writer.finish(HEADER)
    for file in packed.values():
        file.close()
    sizes = {name: (folder / name).stat().st_size for name in packed}
    shutil.rmtree(folder)
    by_material = sizes.pop(BY_MATERIAL)
    return raw, sum(sizes.values()), by_material


def timed(name: str, ask: Callable[[], Any]) -> None:
    """Print median and 95th percentile of a question, after one to warm up."""
    first = time.perf_counter()
    ask()
    first = time.perf_counter() - first
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        ask()
        times.append((time.perf_counter() - start) * 1e3)
    p50, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    print(f"{name:44} {p50:8.2f} {p95:8.2f} {first * 1e3:9.1f}")


def questions(source: SqliteSource, count: int) -> dict[str, Callable[[], Any]]:
    """What is timed, each drawn anew at every call."""
    draw = random.Random(1)
    fields = ("symmetry", "energy_above_hull", "band_gap", "bulk_modulus", "density")

    def gap(**more: Any) -> Query:
        low = draw.uniform(0.2, 4.0)
        condition = Condition("band_gap", minimum=low, maximum=low + draw.uniform(0.2, 2.0))
        return Query(conditions=(condition,), fields=fields, **more)

    def combined() -> Query:
        conditions = (*gap().conditions, Condition("energy_above_hull", maximum=0.05))
        return Query(conditions=conditions, elements=("O",), fields=fields, sort_by="density")

    def system(wildcard: bool = False) -> tuple[str, ...]:
        symbols = sorted(draw.sample(ELEMENTS, 1 if wildcard else 2))
        return ("-".join([*sorted({*symbols, "O"}), *(["*"] if wildcard else [])]),)

    def ids() -> tuple[str, ...]:
        return tuple(f"mp-{10_000_000 + 3 * draw.randrange(count)}" for _ in range(10))

    def subsystems() -> tuple[str, ...]:
        symbols = sorted({"O", "Li", draw.choice(ELEMENTS)})
        sizes = range(1, len(symbols) + 1)
        return tuple("-".join(c) for n in sizes for c in itertools.combinations(symbols, n))

    search = source.search
    return {
        "range search, 20 rows": lambda: search(gap()),
        "two ranges, an element, another sort": lambda: search(combined()),
        "range search, only the count": lambda: search(gap(limit=0)),
        "chemical system, 20 rows": lambda: search(Query(chemsys=system(), fields=fields)),
        "chemical system with a wildcard": lambda: search(
            Query(chemsys=system(wildcard=True), fields=fields)
        ),
        "words of the description": lambda: search(Query(text="cubic tetrahedra", fields=fields)),
        "summaries of 10 ids": lambda: source.rows("summary", ids(), fields),
        "thermo documents of 10 ids": lambda: source.rows("thermo", ids()),
        "structures of 10 ids": lambda: source.structures(ids()),
        "entries of a phase diagram of 3 elements": lambda: source.entries(
            subsystems(), "GGA_GGA+U"
        ),
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--materials", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="write the file here and keep it")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.keep or Path(folder) / "snapshot.sqlite"
        start = time.perf_counter()
        raw, by_endpoint, by_material = write(path, arguments.materials, arguments.seed)
        size = path.stat().st_size
        print(f"written in {time.perf_counter() - start:.0f} s, gzip for comparison included")
        print(f"JSON lines {raw / 1e6:.1f} MB, file {size / 1e6:.1f} MB")
        for name, packed in (("endpoint", by_endpoint), ("material", by_material)):
            print(f"gzip -6 by {name}: {packed / 1e6:.1f} MB; file = {size / packed:.2f} x that")
        source = SqliteSource(path)
        print(f"{'milliseconds':44} {'p50':>8} {'p95':>8} {'first':>9}")
        for name, ask in questions(source, arguments.materials).items():
            timed(name, ask)
        source.close()


if __name__ == "__main__":
    main()
