"""Force fields by name. The only importer of torch, mace and chgnet, and only inside `load`.

The server lists and resolves calculators without importing them; the worker process loads them,
because reading a model file can run code that is in it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from llamp_mcp.errors import CalculatorError, one_of
from llamp_mcp.simulation.catalogue import (
    FOUNDATION_MODELS,
    MPTRJ_ELEMENTS,
    NOT_INSTALLED,
    CalculatorEntry,
    check_elements,
    chgnet_entry,
    classical_entry,
    version_of,
    why_not_installed,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from ase.calculators.calculator import Calculator

    from llamp_mcp.settings import ModelFile, Settings

DType = Literal["float32", "float64"]

ARGON_EPSILON_EV: Final = 119.8 * 8.617333262e-5
"""ε/k = 119.8 K (doi 10.1016/0021-9991(75)90042-X) times the Boltzmann constant in eV/K."""
ARGON_SIGMA_A: Final = 3.405
"""Sigma of argon in Å, of the same source."""


@dataclass(frozen=True, slots=True)
class LoadedCalculator:
    """An ASE calculator ready for use, and what a result must say about it."""

    calculator: Calculator
    provenance: dict[str, Any]


class Calculators:
    """The force fields of this server.

    Args:
        settings: Says which model files may be loaded, and the default calculator.
        loaded: Calculators already loaded in this process, kept warm between jobs.
    """

    def __init__(
        self, settings: Settings, loaded: dict[tuple[str, ...], Calculator] | None = None
    ) -> None:
        self._settings = settings
        self._loaded = {} if loaded is None else loaded

    @property
    def default(self) -> str:
        """Name used when none is asked for: as set, else the first model file, else CHGNet."""
        return self._settings.calculator or next(iter(self._settings.models), "chgnet")

    def entries(self) -> list[CalculatorEntry]:
        """All calculators this server knows, usable or not."""
        return list(self._by_name.values())

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

    def load(
        self, name: str, elements: Iterable[str] = (), dtype: DType = "float32"
    ) -> LoadedCalculator:
        """Load a calculator in this process, or take it warm; for the worker only.

        Args:
            name: As in `entries`; empty for the default.
            elements: What it will have to treat.
            dtype: Precision for MACE; CHGNet is float32 and the classical ones are float64.

        Raises:
            CalculatorError: The model file is missing, differs from its digest, or cannot be had.
        """
        wanted = tuple(elements)
        entry = self.resolve(name, wanted)
        if entry.family == "mace":
            return self._load_mace(entry, wanted, dtype)
        if entry.family == "chgnet":
            self._set_torch("float32")
            calculator = self._warm(("chgnet",), _make_chgnet)
            return LoadedCalculator(calculator, _provenance(entry, "float32"))
        make = _make_emt if entry.family == "emt" else _make_lennard_jones
        # Made anew each time: they cost nothing and keep neighbour lists of the last structure.
        return LoadedCalculator(make(), _provenance(entry, "float64"))

    @property
    def _by_name(self) -> dict[str, CalculatorEntry]:
        """Made anew each time: another process may have read a model or pinned a download."""
        models = self._settings.models
        entries = [self._model_file(name, file) for name, file in models.items()]
        entries += [self._foundation(name) for name in FOUNDATION_MODELS if name not in models]
        built_in = (chgnet_entry(), classical_entry("emt"), classical_entry("lj"))
        entries += [entry for entry in built_in if entry.name not in models]
        return {entry.name: entry for entry in entries}

    def _is_foundation(self, name: str) -> bool:
        return name in FOUNDATION_MODELS and name not in self._settings.models

    def _model_file(self, name: str, file: ModelFile) -> CalculatorEntry:
        path = file.path.expanduser()
        why_not = why_not_installed("mace-torch", "mace")
        if not why_not and not path.is_file():
            why_not = f"the model file {str(path)!r} does not exist; correct LLAMP_MODELS"
        return CalculatorEntry(
            name=name,
            family=file.family,
            model=path.name,
            version=version_of("mace-torch"),
            sha256=file.sha256,
            elements=file.elements or self._known_elements(file.sha256),
            licence=file.licence,
            available=not why_not,
            why_not=why_not,
            note=file.note or "accuracy not stated by who configured it",
        )

    def _foundation(self, name: str) -> CalculatorEntry:
        why_not = why_not_installed("mace-torch", "mace")
        sha256 = self._pinned(name)
        if not why_not and sha256 is None:
            why_not = (
                "not on this machine: named in a call, it is downloaded from github.com/ACEsuit, "
                "which needs network"
            )
        return CalculatorEntry(
            name=name,
            family="mace",
            model=f"MACE foundation model {FOUNDATION_MODELS[name]}",
            version=version_of("mace-torch"),
            sha256=sha256,
            elements=self._known_elements(sha256) if sha256 else MPTRJ_ELEMENTS,
            licence="MIT",
            available=not why_not,
            why_not=why_not,
            note="arXiv 2401.00096; not measured here",
        )

    @property
    def _sidecars(self) -> Path:
        return self._settings.home.expanduser() / "models"

    def _known_elements(self, sha256: str) -> tuple[str, ...] | None:
        elements = _read_sidecar(self._sidecars / f"{sha256}.json", "elements")
        return tuple(elements) if isinstance(elements, list) else None

    def _pinned(self, name: str) -> str | None:
        sha256 = _read_sidecar(self._sidecars / f"{name}.json", "sha256")
        return sha256 if isinstance(sha256, str) else None

    def _load_mace(
        self, entry: CalculatorEntry, elements: Collection[str], dtype: DType
    ) -> LoadedCalculator:
        path = (
            _download_foundation(entry.name)
            if self._is_foundation(entry.name)
            else self._settings.models[entry.name].path.expanduser()
        )
        data = _read_verified(entry, path)
        digest = hashlib.sha256(data).hexdigest()
        self._set_torch(dtype)
        calculator = self._warm((digest, dtype), lambda: _make_mace(data, dtype))
        covered = _elements_of(calculator)
        entry = entry.model_copy(update={"elements": covered, "sha256": digest})
        self._remember(entry)
        check_elements(entry, elements, self.entries())
        return LoadedCalculator(calculator, _provenance(entry, dtype))

    def _remember(self, entry: CalculatorEntry) -> None:
        """Keep what was read from a model, so that the server knows it without loading it."""
        self._sidecars.mkdir(parents=True, exist_ok=True, mode=0o700)
        elements = self._sidecars / f"{entry.sha256}.json"
        elements.write_text(json.dumps({"elements": entry.elements}), encoding="utf-8")
        if self._is_foundation(entry.name):
            # Trust on first use: a file that changes afterwards is refused.
            pin = self._sidecars / f"{entry.name}.json"
            pin.write_text(json.dumps({"sha256": entry.sha256}), encoding="utf-8")

    def _warm(self, key: tuple[str, ...], make: Any) -> Calculator:
        if key not in self._loaded:
            with _quiet():
                self._loaded[key] = make()
        return self._loaded[key]

    def _set_torch(self, dtype: DType) -> None:
        """MACE sets torch's global default precision; a warm calculator needs its own back."""
        import torch

        torch.set_num_threads(self._settings.threads)
        torch.set_default_dtype(torch.float64 if dtype == "float64" else torch.float32)


def _read_sidecar(path: Path, key: str) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8")).get(key)
    except (OSError, ValueError):
        return None


def _read_verified(entry: CalculatorEntry, path: Path) -> bytes:
    """The file's bytes, which are what is then loaded: nothing can change in between."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CalculatorError(
            f"Cannot read the model file {str(path)!r} of {entry.name!r}: {error.strerror}",
            next_step="Correct its path in LLAMP_MODELS.",
        ) from error
    digest = hashlib.sha256(data).hexdigest()
    if entry.sha256 is not None and digest != entry.sha256:
        raise CalculatorError(
            f"The model file {str(path)!r} of {entry.name!r} has sha256 {digest}, "
            f"but {entry.sha256} was pinned; it was not loaded",
            next_step="Restore the file, or correct the digest if the change was meant.",
        )
    return data


def _download_foundation(name: str) -> Path:
    with _quiet():
        from mace.calculators.foundations_models import download_mace_mp_checkpoint

        try:
            return Path(download_mace_mp_checkpoint(FOUNDATION_MODELS[name]))
        except (OSError, RuntimeError) as error:
            raise CalculatorError(
                f"The foundation model {name!r} is not on this machine and could not be "
                f"downloaded: {error}",
                next_step="Use another calculator, or name a model file in LLAMP_MODELS.",
            ) from error


def _make_mace(data: bytes, dtype: DType) -> Calculator:
    # mace first: e3nn fails to import on this torch unless mace has set it up.
    from mace.calculators import MACECalculator  # isort: skip
    import torch

    model = torch.load(io.BytesIO(data), map_location="cpu", weights_only=False)
    return MACECalculator(models=[model], device="cpu", default_dtype=dtype)


def _elements_of(calculator: Any) -> tuple[str, ...]:
    from ase.data import chemical_symbols

    return tuple(chemical_symbols[z] for z in calculator.z_table.zs)


def _make_chgnet() -> Calculator:
    from chgnet.model import CHGNet
    from chgnet.model.dynamics import CHGNetCalculator

    model = CHGNet.load(model_name="0.3.0", use_device="cpu", verbose=False)
    return CHGNetCalculator(model=model, use_device="cpu")


def _make_emt() -> Calculator:
    from ase.calculators.emt import EMT

    return EMT()


def _make_lennard_jones() -> Calculator:
    from ase.calculators.lj import LennardJones

    return LennardJones(
        epsilon=ARGON_EPSILON_EV, sigma=ARGON_SIGMA_A, rc=3 * ARGON_SIGMA_A, smooth=True
    )


def _provenance(entry: CalculatorEntry, dtype: DType) -> dict[str, Any]:
    return {
        "name": entry.name,
        "family": entry.family,
        "model": entry.model,
        "version": entry.version,
        "sha256": entry.sha256,
        "dtype": dtype,
        "device": entry.device,
        "note": entry.note,
    }


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Mace and chgnet print when imported and built; stdout may be somebody's protocol."""
    with contextlib.redirect_stdout(sys.stderr):
        yield
