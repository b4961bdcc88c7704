"""What is known of the calculators without loading one, and how results name them."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from llamp_mcp.errors import CalculatorError
from llamp_mcp.provenance import Fact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

EMT_ELEMENTS: Final = ("Al", "Cu", "Ag", "Au", "Ni", "Pd", "Pt", "H", "C", "N", "O")
MPTRJ_ELEMENTS: Final = tuple(
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se "  # noqa: SIM905
    "Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb "
    "Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Ac Th Pa U Np Pu".split()
)
"""The 89 elements of MPtrj, the training set of CHGNet (doi 10.1038/s42256-023-00716-3)."""

FOUNDATION_MODELS: Final = {
    "mace-mp-small": "small",
    "mace-mp-medium": "medium",
    "mace-mpa-medium": "medium-mpa-0",
}
"""Foundation models under the MIT licence (github.com/ACEsuit/mace-foundations), by mace's name."""

NOT_INSTALLED: Final = "not installed"
_CHGNET_WEIGHTS = "pretrained/0.3.0/chgnet_0.3.0_e29f68s314m37.pth.tar"
_CHGNET_NOTE = (
    "bulk modulus from an EOS, GPa, this model against experiment: Si 71/98, Al 56/76, Cu 143/137, "
    "MgO 140/160, NaCl 24.4/25; elastic constants are soft (Si C11 106/166)"
)
_EMT_NOTE = "for teaching and tests: fcc metals and their alloys; H C N O are toy parameters"
_LJ_NOTE = "for teaching and tests: argon, 119.8 K and 3.405 Å, smoothly cut at 3 sigma"
_MAX_ATOMS = {"mace": 5_000, "chgnet": 5_000, "emt": 20_000, "lj": 20_000}


class CalculatorEntry(BaseModel):
    """What is known of a calculator without loading it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    family: Literal["mace", "chgnet", "emt", "lj"]
    model: str = Field(description="model file, foundation model or parameter set")
    version: str = Field(description="package and version; 'not installed'")
    sha256: str | None = Field(default=None, description="digest of the weights")
    elements: tuple[str, ...] | None = Field(description="null: read when first loaded")
    licence: str
    device: str = "cpu"
    available: bool
    why_not: str | None = None
    note: str = Field(description="accuracy")

    @property
    def max_atoms(self) -> int:
        """Atoms above which a calculation would not end in reasonable time or memory."""
        return _MAX_ATOMS[self.family]


def chgnet_entry() -> CalculatorEntry:
    """CHGNet with the weights of its wheel."""
    why_not = why_not_installed("chgnet", "chgnet")
    return CalculatorEntry(
        name="chgnet",
        family="chgnet",
        model="0.3.0",
        version=version_of("chgnet"),
        sha256=None if why_not else _chgnet_digest(),
        elements=MPTRJ_ELEMENTS,
        licence="modified BSD (code and weights)",
        available=not why_not,
        why_not=why_not,
        note=_CHGNET_NOTE,
    )


def classical_entry(name: Literal["emt", "lj"]) -> CalculatorEntry:
    """A potential that comes with ASE."""
    emt = name == "emt"
    return CalculatorEntry(
        name=name,
        family=name,
        model="effective medium theory" if emt else "Lennard-Jones argon",
        version=version_of("ase"),
        elements=EMT_ELEMENTS if emt else ("Ar",),
        licence="LGPL-2.1-or-later (ASE)",
        available=True,
        note=_EMT_NOTE if emt else _LJ_NOTE,
    )


@cache
def version_of(package: str) -> str:
    """Name and version of an installed package, or that it is not."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return NOT_INSTALLED


def why_not_installed(package: str, module: str) -> str | None:
    """The command that installs what lacks, or None."""
    if find_spec(module) and find_spec("torch"):
        return None
    return f"{package} is not installed; run: pip install 'llamp-mcp[{module}]'"


@cache
def _chgnet_digest() -> str | None:
    spec = find_spec("chgnet")
    if spec is None or spec.origin is None:
        return None
    return hashlib.sha256((Path(spec.origin).parent / _CHGNET_WEIGHTS).read_bytes()).hexdigest()


def check_elements(
    entry: CalculatorEntry, elements: Iterable[str], entries: Iterable[CalculatorEntry]
) -> None:
    """Raise CalculatorError for an element that is not covered, naming what covers it."""
    if entry.elements is None:
        return
    wanted = set(elements)
    lacking = sorted(wanted - set(entry.elements))
    if not lacking:
        return
    others = [e.name for e in entries if e.available and wanted <= set(e.elements or ())]
    raise CalculatorError(
        f"The calculator {entry.name!r} does not cover {', '.join(lacking)}",
        allowed=", ".join(entry.elements),
        next_step=f"Use calculator {others[0]!r}." if others else "No calculator here covers it.",
    )


def calculator_text(calculator: dict[str, Any]) -> str:
    """Which calculator computed this, with all that identifies it."""
    digest = f", sha256 {calculator['sha256']}" if calculator["sha256"] else ""
    return (
        f"calculator {calculator['name']} ({calculator['family']}, {calculator['model']}, "
        f"{calculator['version']}, {calculator['dtype']} on {calculator['device']}{digest}); "
        f"{calculator['note']}"
    )


def computed(
    structure_id: str,
    formula: str,
    calculator: dict[str, Any],
    values: Iterable[tuple[str, float, str]],
) -> Iterator[Fact]:
    """Facts (property, value, unit) about a structure, by the calculator that computed them."""
    source = calculator_text(calculator)
    for name, value, unit in values:
        yield Fact(structure_id, name, value, unit, source, formula)
