"""How far the calculators are from experiment and from PBE, measured through the server's tools.

    python benchmarks/accuracy.py                      # prints the tables, as markdown
    python benchmarks/accuracy.py --write docs/accuracy.md

CHGNet, EMT for its metals, SevenNet-0 where it is installed, and the model files of LLAMP_MODELS
for what they cover. About two minutes for CHGNet and EMT on one thread.

Experiment and all-electron PBE (WIEN2k) of the elements are read from ASE's copy of DeltaCodesDFT
(doi 10.1080/10408436.2013.772503); its experimental values are corrected to 0 K and for zero-point
motion. PBE of compounds is the embedded sample's. Elastic constants were measured in the works
named beside them.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import re
import statistics
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from ase.collections import dcdft

from llamp_mcp.client import ToolFailed, call, connect, follow, run_client
from llamp_mcp.settings import ModelFile, Settings
from llamp_mcp.simulation.calculators import Calculators

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp import Client

SI_MACE = Path(__file__).parents[1] / "tests/data/si_mace.model"
MARKED = re.compile(r"(<!-- measured -->\n).*?(\n<!-- /measured -->)", re.DOTALL)
CUBIC_CELL = {"fcc": 4, "bcc": 2, "diamond": 8}
ELEMENTS = {
    **dict.fromkeys(("Al", "Ni", "Cu", "Pd", "Ag", "Pt", "Au"), "fcc"),
    **dict.fromkeys(("Na", "V", "Fe", "Mo", "W"), "bcc"),
    **dict.fromkeys(("Si", "Ge"), "diamond"),
}
COMPOUNDS = {"LiF": "mp-1138", "MgO": "mp-1265", "NaCl": "mp-22862", "GaAs": "mp-2534"}
ATOMS_OF_CUBIC_COMPOUND = 8
THZ_PER_WAVENUMBER = 0.0299792458
"""Of 1/cm: the speed of light in cm/ps."""


@dataclass(frozen=True)
class Measured:
    """Elastic constants of an experiment."""

    c11: float
    c12: float
    c44: float
    kelvin: str
    doi: str


ELASTIC = {
    "Al": Measured(107.3, 60.9, 28.3, "300", "10.1063/1.1713309"),
    "Si": Measured(165.7, 63.9, 79.6, "room", "10.1109/JMEMS.2009.2039697"),
    "Cu": Measured(176.2, 124.9, 81.8, "to 0", "10.1103/PhysRev.98.969"),
    "MgO": Measured(296.6, 95.9, 156.2, "300", "10.1007/BF00309468"),
    "NaCl": Measured(49, 13, 13, "room", "10.1103/PhysRev.161.877"),
}
SILICON_RAMAN = (520, "10.1103/PhysRev.155.712")
"""1/cm: the first-order optical phonon at the zone centre."""
POLYMORPHS = {"mp-2534": "F-43m", "mp-8883": "P6_3mc"}
"""Of GaAs. Their decomposition enthalpies belong to one reaction, so they may be subtracted."""
NO_VALUE = "\u2013"


class Bench:
    """A connected server, and the structures it holds."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._handles: dict[str, str] = {}

    async def ask(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The result of a call."""
        return (await call(self._client, tool, arguments))[1]

    async def job(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The result of a long-running call.

        Raises:
            ToolFailed: The job did not complete.
        """
        text, answer = await follow(self._client, tool, arguments)
        if answer["result"] is None:
            raise ToolFailed(text)
        result: dict[str, Any] = answer["result"]
        return result

    async def crystal(self, name: str, cell: str = "primitive") -> str:
        """Handle of a crystal: an element's prototype, or a compound of the sample."""
        key = f"{name} {cell}"
        if key not in self._handles:
            if name in ELEMENTS:
                prototype = {"kind": "bulk", "name": name, "cubic": cell == "conventional"}
                made = await self.ask("create_structure", prototype=prototype)
            else:
                material = COMPOUNDS.get(name, name)
                made = await self.ask("get_structure", material=material, cell=cell)
            self._handles[key] = made["structure_id"]
        return self._handles[key]

    async def pbe(self, name: str) -> tuple[float, float]:
        """Volume (Å³/atom) and bulk modulus (GPa) of PBE."""
        if name in ELEMENTS:
            data = dcdft.data[name]
            return data["wien2k_volume"], data["wien2k_B"]
        asked = {"materials": [COMPOUNDS[name]], "fields": ["bulk_modulus"]}
        row = (await self.ask("get_properties", groups=["elasticity"], **asked))["results"][0]
        shape = await self.ask("get_structure", material=COMPOUNDS[name])
        volume = shape["volume_a3"] / shape["n_atoms"]
        return volume, row["groups"]["elasticity"]["bulk_modulus"]["vrh"]


def side_a(name: str, volume_a3_per_atom: float) -> float:
    """Edge of the cubic cell, Å."""
    count = CUBIC_CELL[ELEMENTS[name]] if name in ELEMENTS else ATOMS_OF_CUBIC_COMPOUND
    edge: float = (volume_a3_per_atom * count) ** (1 / 3)
    return edge


def measured_of(name: str) -> tuple[float | None, float | None, str]:
    """Cubic edge (Å), bulk modulus (GPa) and DOI of the experiment."""
    if name in ELEMENTS:
        data = dcdft.data[name]
        return side_a(name, data["exp_volume"]), data["exp_B"], "10.1080/10408436.2013.772503"
    if name in ELASTIC:
        known = ELASTIC[name]
        return None, (known.c11 + 2 * known.c12) / 3, known.doi
    return None, None, ""


def number(value: float | None, digits: int) -> str:
    """As the tables show it."""
    return NO_VALUE if value is None else f"{value:.{digits}f}"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in markdown."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def error_line(what: str, pairs: list[tuple[float, float]]) -> str:
    """Mean absolute and mean signed relative error."""
    relative = [100 * (ours / other - 1) for ours, other in pairs]
    size = statistics.fmean(abs(one) for one in relative)
    return f"{what}: {size:.1f} % ({statistics.fmean(relative):+.1f} %, {len(pairs)} crystals)"


async def equations_of_state(bench: Bench, calculator: str, names: list[str]) -> str:
    """Cubic edge and bulk modulus from `fit_eos`, beside PBE and experiment."""
    rows: list[list[str]] = []
    edges: dict[str, list[tuple[float, float]]] = {"PBE": [], "experiment": []}
    moduli: dict[str, list[tuple[float, float]]] = {"PBE": [], "experiment": []}
    for name in names:
        found = await bench.job(
            "fit_eos", structure_id=await bench.crystal(name), calculator=calculator
        )
        edge = side_a(name, found["equilibrium_volume_a3_per_atom"])
        modulus = found["bulk_modulus_gpa"]
        volume, pbe_modulus = await bench.pbe(name)
        pbe_edge = side_a(name, volume)
        real_edge, real_modulus, doi = measured_of(name)
        for kept, ours, pbe, real in (
            (edges, edge, pbe_edge, real_edge),
            (moduli, modulus, pbe_modulus, real_modulus),
        ):
            kept["PBE"].append((ours, pbe))
            kept["experiment"] += [(ours, real)] if real is not None else []
        rows.append(
            [name, *(number(one, 3) for one in (edge, pbe_edge, real_edge))]
            + [number(one, 1) for one in (modulus, pbe_modulus, real_modulus)]
            + [number(found["bulk_modulus_from_stress_gpa"], 1), doi or NO_VALUE]
        )
    head = ["crystal", "a (Å)", "a, PBE", "a, experiment", "B (GPa)", "B, PBE", "B, experiment"]
    errors = [
        error_line(f"{what} against {reference}", pairs)
        for what, kept in (("a", edges), ("B", moduli))
        for reference, pairs in kept.items()
        if pairs
    ]
    told = "Mean absolute error (mean error): " + "; ".join(errors) + "."
    return table([*head, "B by stress", "experiment, doi"], rows) + f"\n\n{told}"


async def elastic_constants(bench: Bench, calculator: str, names: list[str]) -> str:
    """C11, C12, C44 from `compute_elastic_tensor`, model / experiment."""
    rows, pairs = [], []
    for name in names:
        known = ELASTIC[name]
        found = await bench.job(
            "compute_elastic_tensor",
            structure_id=await bench.crystal(name, "conventional"),
            calculator=calculator,
        )
        tensor = found["elastic_tensor_gpa"]
        ours = (tensor[0][0], tensor[0][1], tensor[3][3])
        real = (known.c11, known.c12, known.c44)
        pairs.append(list(zip(ours, real, strict=True)))
        cells = [f"{one:.1f} / {other:g}" for one, other in pairs[-1]]
        bulk = f"{found['bulk_modulus_vrh_gpa']:.1f}"
        rows.append([name, *cells, bulk, known.kelvin, known.doi])
    head = ["crystal", "C11", "C12", "C44", "B of the tensor", "experiment at K", "doi"]
    constants = enumerate(("C11", "C12", "C44"))
    errors = [error_line(what, [row[at] for row in pairs]) for at, what in constants]
    told = "Mean absolute error (mean error) against experiment: " + "; ".join(errors) + "."
    return table(head, rows) + f"\n\n{told}"


async def beyond_the_bulk(bench: Bench, calculator: str) -> list[str]:
    """A phonon of silicon, and the energy between two polymorphs."""
    wavenumber, doi = SILICON_RAMAN
    found = await bench.job(
        "compute_phonons", structure_id=await bench.crystal("Si"), calculator=calculator
    )
    ours, real = max(found["frequencies_thz"]["GAMMA"]), wavenumber * THZ_PER_WAVENUMBER
    lines = [
        f"Optical phonon of Si at Γ: {ours:.2f} THz; Raman experiment {real:.2f} THz "
        f"({wavenumber} cm⁻¹, doi {doi}): {100 * (ours / real - 1):+.1f} %."
    ]
    if calculator != "chgnet":
        return lines
    energies, enthalpies = [], []
    for material in POLYMORPHS:
        relaxed = await bench.job(
            "relax_structure", structure_id=await bench.crystal(material), calculator=calculator
        )
        energies.append(relaxed["energy_ev_per_atom"])
        asked = {"materials": [material], "fields": ["decomposition_enthalpy"]}
        row = (await bench.ask("get_properties", **asked))["results"][0]
        enthalpies.append(row["groups"]["thermo"]["decomposition_enthalpy"])
    names = " over ".join(f"{group} ({one})" for one, group in reversed(POLYMORPHS.items()))
    apart, known = (1000 * (pair[1] - pair[0]) for pair in (energies, enthalpies))
    lines.append(
        f"GaAs, energy of {names}: {apart:.1f} meV/atom; PBE of the sample {known:.1f} meV/atom."
    )
    return lines


async def committee(bench: Bench, members: list[str]) -> str:
    """What a committee of all models says of copper's equation of state."""
    found = await bench.job(
        "calculate_property",
        kind="committee",
        question="eos",
        structure_id=await bench.crystal("Cu"),
        calculators=members,
    )
    told = "; ".join(found["warnings"]) or "no disagreement beyond its limits"
    return f"Committee of {' and '.join(members)} on the equation of state of Cu: {told}."


def covers(calculator: dict[str, Any], name: str) -> bool:
    """Whether a calculator knows the elements of a crystal."""
    elements = re.findall("[A-Z][a-z]?", name)
    if calculator["family"] == "emt" and name not in ELEMENTS:
        return False  # its non-metals are toy parameters
    known = calculator["elements"]
    return known is None or set(elements) <= set(known)


async def chapter(bench: Bench, calculator: dict[str, Any]) -> str:
    """All that is measured of one calculator."""
    name, begun = calculator["name"], time.perf_counter()
    crystals = [one for one in (*ELEMENTS, *COMPOUNDS) if covers(calculator, one)]
    parts = [f"### {name}", await equations_of_state(bench, name, crystals)]
    parts.append(
        "Elastic constants in GPa, model / experiment:\n\n"
        + await elastic_constants(bench, name, [one for one in ELASTIC if one in crystals])
    )
    if "Si" in crystals:
        parts += await beyond_the_bulk(bench, name)
    digest = f", sha256 {calculator['sha256'][:12]}…" if calculator["sha256"] else ""
    seconds = time.perf_counter() - begun
    parts.append(f"{calculator['model']}, {calculator['version']}{digest}; {seconds:.0f} s.")
    return "\n\n".join(parts)


def precision(home: str) -> str:
    """C11 of silicon by central differences of a MACE model's stress, in both precisions."""
    from ase.build import bulk
    from ase.units import GPa

    model = ModelFile(
        family="mace", path=SI_MACE, sha256=hashlib.sha256(SI_MACE.read_bytes()).hexdigest()
    )
    calculators = Calculators(Settings(home=Path(home), models={"si-mace": model}))
    rows = []
    for strain in (1e-2, 1e-3, 1e-4):
        found = []
        for dtype in ("float64", "float32"):
            stresses = []
            for sign in (1, -1):
                atoms = bulk("Si", cubic=True)
                cell = atoms.cell[:]
                cell[:, 0] *= 1 + sign * strain
                atoms.set_cell(cell, scale_atoms=True)
                atoms.calc = calculators.load("si-mace", ["Si"], dtype=dtype).calculator
                stresses.append(atoms.get_stress()[0] / GPa)
            found.append(f"{(stresses[0] - stresses[1]) / (2 * strain):.3f}")
        rows.append([f"±{strain:g}", *found])
    told = "C11 of Si (GPa, ions clamped) by a MACE model from stresses at two strains:"
    return f"{told}\n\n" + table(["strain", "float64", "float32"], rows)


async def measure(home: str) -> str:
    """Everything, as markdown."""
    environment = {
        "LLAMP_HOME": home,
        "LLAMP_SOURCE": "sample",
        "LLAMP_TOOLSETS": "all",
        "LLAMP_THREADS": "1",
        "LLAMP_WORKER_IDLE_S": "20",
    }
    async with connect(environment) as client:
        bench = Bench(client)
        listed = (await bench.ask("list_calculators"))["calculators"]
        usable = [
            one
            for one in listed
            if one["available"] and one["family"] != "lj" and not one["name"].startswith("mace-mp")
        ]
        chapters = [await chapter(bench, one) for one in usable]
        members = [one["name"] for one in usable if covers(one, "Cu")]
        if len(members) > 1:
            chapters.append(f"### Committee\n\n{await committee(bench, members)}")
    made = (
        f"llamp-mcp {version('llamp-mcp')}, ASE {version('ase')}, torch {version('torch')}, Python "
        f"{platform.python_version()}, one thread, no GPU."
    )
    return "\n\n".join([made, *chapters])


def main() -> None:
    """Measure, then print or write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--write", type=Path, help="page with the markers to write between")
    page = parser.parse_args().write
    with tempfile.TemporaryDirectory() as home:
        found = run_client(partial(measure, home))
        found += f"\n\n### Precision\n\n{precision(home)}"
    if page is None:
        print(found)
        return
    text, count = MARKED.subn(lambda m: m[1] + found + m[2], page.read_text(encoding="utf-8"))
    if count != 1:
        raise SystemExit(f"{page} lacks the markers <!-- measured --> and <!-- /measured -->")
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
