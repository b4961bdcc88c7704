"""What is known of the calculators without loading one, and how results name them."""

from __future__ import annotations

import hashlib
import json
import os
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from llamp_mcp.errors import CalculatorError, InvalidInput, one_of
from llamp_mcp.provenance import Fact
from llamp_mcp.simulation.calculators.environments import PACKAGES, ask, here

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from llamp_mcp.settings import ModelFile, Settings
    from llamp_mcp.simulation.calculators.environments import Environment

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
EVERYWHERE: Final = frozenset({"emt", "lj"})
"""Families that come with ASE, which every environment of ours has."""
SEVENNET_WEIGHTS: Final = (
    "sevenn/pretrained_potentials/SevenNet_0__11Jul2024/checkpoint_sevennet_0.pth"
)
_CHGNET_WEIGHTS: Final = "chgnet/pretrained/0.3.0/chgnet_0.3.0_e29f68s314m37.pth.tar"
_MEASURED: Final = "bulk modulus from an EOS, GPa, this model against experiment: "
_CHGNET_NOTE: Final = (
    f"{_MEASURED}Si 78/101, Al 55/77, Cu 154/144, MgO 134/163, NaCl 25.0/25.0; "
    "elastic constants are soft (Si C11 119/166)"
)
_SEVENNET_NOTE: Final = f"{_MEASURED}Si 93/98, Al 79/76, Cu 144/137, MgO 140/160, NaCl 24.7/25"
_EMT_NOTE: Final = "for teaching and tests: fcc metals and their alloys; H C N O are toy parameters"
_LJ_NOTE: Final = "for teaching and tests: argon, 119.8 K and 3.405 Å, smoothly cut at 3 sigma"
_MAX_ATOMS: Final = {"mace": 5_000, "chgnet": 5_000, "sevenn": 5_000, "emt": 20_000, "lj": 20_000}

Family = Literal["mace", "chgnet", "sevenn", "emt", "lj"]


class CalculatorEntry(BaseModel):
    """What is known of a calculator without loading it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    family: Family
    model: str = Field(description="model file, foundation model or parameter set")
    version: str = Field(description="package and version; 'not installed'")
    sha256: str | None = Field(default=None, description="digest of the weights")
    elements: tuple[str, ...] | None = Field(description="null: read when first loaded")
    licence: str
    device: str = "cpu"
    environment: str = Field(
        default="", description="family whose own interpreter runs it; empty: that of the server"
    )
    available: bool
    why_not: str | None = None
    note: str = Field(description="accuracy")

    @property
    def max_atoms(self) -> int:
        """Atoms above which a calculation would not end in reasonable time or memory."""
        return _MAX_ATOMS[self.family]


class Catalogue:
    """The calculators of this server, none of them loaded.

    Args:
        settings: Says which model files may be loaded, where each family lives, and the default.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def default(self) -> str:
        """Name used when none is asked for: as set, else the first model file, else CHGNet."""
        return self._settings.calculator or next(iter(self._settings.models), "chgnet")

    def entries(self) -> list[CalculatorEntry]:
        """All calculators this server knows, usable or not."""
        return list(self._by_name.values())

    def environment(self, *names: str) -> str:
        """The environment in which the calculators of these names run; empty: the server's own.

        Raises:
            InvalidInput: They live in several, so that no process can load them all.
        """
        known = self._by_name
        asked = [known[name or self.default] for name in names if (name or self.default) in known]
        found = {one.environment: one for one in asked if one.family not in EVERYWHERE}
        if len(found) > 1:
            homes = ", ".join(f"{e.name!r}: {e.environment or 'the server'}" for e in asked)
            raise InvalidInput(
                f"These calculators live in environments of their own ({homes}), "
                "and one calculation runs in one",
                next_step="Start one calculation for each, and compare their results.",
            )
        return next(iter(found), "")

    def resolve(self, name: str, elements: Iterable[str], n_atoms: int = 0) -> CalculatorEntry:
        """The calculator of that name (empty: the default), if it can treat these elements.

        Raises:
            InvalidInput: No calculator has this name.
            CalculatorError: It is not installed, lacks an element, or cannot take so many atoms.
        """
        entry = self._by_name.get(name or self.default)
        if entry is None:
            raise one_of("calculator", name or self.default, self._by_name)
        obtainable = self._is_foundation(entry.name) and entry.version != NOT_INSTALLED
        if not entry.available and not obtainable:
            raise CalculatorError(
                f"The calculator {entry.name!r} cannot be used: {entry.why_not}",
                next_step="Call list_calculators to see what is available.",
            )
        check_elements(entry, elements, self.entries())
        if n_atoms > entry.max_atoms:
            raise CalculatorError(
                f"{n_atoms} atoms are too many for {entry.name!r} on this machine",
                allowed=f"at most {entry.max_atoms} atoms",
                next_step="Use a smaller cell.",
            )
        return entry

    @property
    def _by_name(self) -> dict[str, CalculatorEntry]:
        """Made anew each time: another process may have read a model or pinned a download."""
        models = self._settings.models
        entries = [self._model_file(name, file) for name, file in models.items()]
        entries += [self._foundation(name) for name in FOUNDATION_MODELS]
        entries += [self._chgnet(), self._sevennet(), classical_entry("emt"), classical_entry("lj")]
        named: dict[str, CalculatorEntry] = {}
        for entry in entries:  # a model file of the host goes before what we know by that name
            named.setdefault(entry.name, entry)
        return named

    def _is_foundation(self, name: str) -> bool:
        return name in FOUNDATION_MODELS and name not in self._settings.models

    def _environment(self, family: str) -> Environment:
        interpreter = self._settings.environments.get(family)
        return here() if interpreter is None else ask(interpreter)

    def _place(self, family: Family) -> dict[str, Any]:
        """What a family's entries have in common: where it lives, and whether it is there."""
        home = self._environment(family)
        why_not = _why_not(home, family, own=family in self._settings.environments)
        return {
            "family": family,
            "version": home.version_of(PACKAGES[family]) or NOT_INSTALLED,
            "device": self._settings.device,
            "environment": family if home.prefix and not home.is_here else "",
            "available": not why_not,
            "why_not": why_not or None,
        }

    def _model_file(self, name: str, file: ModelFile) -> CalculatorEntry:
        path, place = file.path.expanduser(), self._place(file.family)
        if place["available"] and not path.is_file():
            place["available"] = False
            place["why_not"] = f"the model file {str(path)!r} does not exist; correct LLAMP_MODELS"
        return CalculatorEntry(
            **place,
            name=name,
            model=path.name,
            sha256=file.sha256,
            elements=file.elements or self._known_elements(file.sha256),
            licence=file.licence,
            note=file.note or "accuracy not stated by who configured it",
        )

    def _foundation(self, name: str) -> CalculatorEntry:
        sha256, place = self._pinned(name), self._place("mace")
        if place["available"] and sha256 is None:
            place["available"] = False
            place["why_not"] = (
                "not on this machine: named in a call, it is downloaded from github.com/ACEsuit, "
                "which needs network"
            )
        return CalculatorEntry(
            **place,
            name=name,
            model=f"MACE foundation model {FOUNDATION_MODELS[name]}",
            sha256=sha256,
            elements=self._known_elements(sha256) if sha256 else MPTRJ_ELEMENTS,
            licence="MIT",
            note="arXiv 2401.00096; not measured here",
        )

    def _chgnet(self) -> CalculatorEntry:
        """CHGNet with the weights of its wheel."""
        return CalculatorEntry(
            **self._place("chgnet"),
            name="chgnet",
            model="0.3.0",
            sha256=self._weights("chgnet", _CHGNET_WEIGHTS),
            elements=MPTRJ_ELEMENTS,
            licence="modified BSD (code and weights)",
            note=_CHGNET_NOTE,
        )

    def _sevennet(self) -> CalculatorEntry:
        """SevenNet-0 (doi 10.1021/acs.jctc.4c00190) with the weights of its wheel."""
        package = self._environment("sevenn").packages.get("sevenn")
        return CalculatorEntry(
            **self._place("sevenn"),
            name="sevennet-0",
            model="SevenNet-0 (11Jul2024)",
            sha256=self._weights("sevenn", SEVENNET_WEIGHTS),
            elements=MPTRJ_ELEMENTS,
            licence=f"{package.licence} (as its package says)" if package else "not stated",
            note=_SEVENNET_NOTE,
        )

    def _weights(self, family: str, path: str) -> str | None:
        package = self._environment(family).packages.get(PACKAGES[family])
        return _digest(package.folder / path) if package else None

    # --- what was read from a model, kept so that the server knows it without loading it ---

    @property
    def _sidecars(self) -> Path:
        return self._settings.home.expanduser() / "models"

    def _known_elements(self, sha256: str) -> tuple[str, ...] | None:
        elements = _read_sidecar(self._sidecars / f"{sha256}.json", "elements")
        return tuple(elements) if isinstance(elements, list) else None

    def _pinned(self, name: str) -> str | None:
        sha256 = _read_sidecar(self._sidecars / f"{name}.json", "sha256")
        return sha256 if isinstance(sha256, str) else None

    def _remember(self, entry: CalculatorEntry) -> None:
        self._sidecars.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_sidecar(self._sidecars / f"{entry.sha256}.json", {"elements": entry.elements})
        if self._is_foundation(entry.name):
            # Trust on first use: a file that changes afterwards is refused.
            _write_sidecar(self._sidecars / f"{entry.name}.json", {"sha256": entry.sha256})


def classical_entry(name: Literal["emt", "lj"]) -> CalculatorEntry:
    """A potential that comes with ASE."""
    emt = name == "emt"
    return CalculatorEntry(
        name=name,
        family=name,
        model="effective medium theory" if emt else "Lennard-Jones argon",
        version=here().version_of("ase"),
        elements=EMT_ELEMENTS if emt else ("Ar",),
        licence="LGPL-2.1-or-later (ASE)",
        available=True,
        note=_EMT_NOTE if emt else _LJ_NOTE,
    )


def _why_not(home: Environment, family: str, *, own: bool) -> str:
    """What lacks of a family where it lives, and the command that installs it; empty: nothing."""
    package = PACKAGES[family]
    if home.problem or {package, "torch"} <= home.packages.keys():
        return home.problem
    if own:
        run = f"{home.interpreter} -m pip install {package}"
        return f"{package} is not installed in the environment of its own; run: {run}"
    if family == "sevenn":
        return (
            "sevenn is not installed, and cannot live beside mace-torch: make an environment with "
            'llamp-mcp and sevenn, and set LLAMP_ENVIRONMENTS=\'{"sevenn": "…/bin/python"}\''
        )
    return f"{package} is not installed; run: pip install 'llamp-mcp[{family}]'"


@cache
def _digest(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _read_sidecar(path: Path, key: str) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8")).get(key)
    except (OSError, ValueError):
        return None


def _write_sidecar(path: Path, value: dict[str, Any]) -> None:
    """Whole or not at all: workers of several machines may write it at once."""
    draft = path.with_suffix(f".{os.uname().nodename}-{os.getpid()}")
    draft.write_text(json.dumps(value), encoding="utf-8")
    draft.replace(path)


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
