"""Force fields by name. The only importer of torch, mace, chgnet and sevenn, inside `load`.

The server lists and resolves calculators without importing them (`catalogue.py`); the worker
process loads them, because reading a model file can run code that is in it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from llamp_mcp.errors import CalculatorError
from llamp_mcp.simulation.calculators.catalogue import (
    FOUNDATION_MODELS,
    SEVENNET_WEIGHTS,
    CalculatorEntry,
    Catalogue,
    check_elements,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from ase.calculators.calculator import Calculator

    from llamp_mcp.settings import Settings

DType = Literal["float32", "float64"]
Device = Literal["cpu", "cuda"]

THREADS_PAY_FROM_ATOMS: Final = 60
"""Below, two threads of torch are slower than one (CHGNet, 17 atoms: 66 s against 38 s)."""

ARGON_EPSILON_EV: Final = 119.8 * 8.617333262e-5
"""ε/k = 119.8 K (doi 10.1016/0021-9991(75)90042-X) times the Boltzmann constant in eV/K."""
ARGON_SIGMA_A: Final = 3.405
"""Sigma of argon in Å, of the same source."""


@dataclass(frozen=True, slots=True)
class LoadedCalculator:
    """An ASE calculator ready for use, and what a result must say about it."""

    calculator: Calculator
    provenance: dict[str, Any]


class Calculators(Catalogue):
    """The force fields of this server, and how they are loaded.

    Args:
        settings: Says which model files may be loaded, the device, and the default calculator.
        loaded: Calculators already loaded in this process, kept warm between jobs.
    """

    def __init__(
        self, settings: Settings, loaded: dict[tuple[str, ...], Calculator] | None = None
    ) -> None:
        super().__init__(settings)
        self._loaded = {} if loaded is None else loaded

    def load(
        self,
        name: str,
        elements: Iterable[str] = (),
        dtype: DType = "float32",
        n_atoms: int = 0,
    ) -> LoadedCalculator:
        """Load a calculator in this process, or take it warm; for the worker only.

        Args:
            name: As in `entries`; empty for the default.
            elements: What it will have to treat.
            dtype: Precision for MACE; CHGNet and SevenNet are float32, the classical ones float64.
            n_atoms: How many it will have to treat: few are slower on several threads.

        Raises:
            CalculatorError: The model file is missing, differs from its digest, or cannot be had;
                the device is not there; or it lives in another environment.
        """
        wanted = tuple(elements)
        entry = self.resolve(name, wanted)
        if entry.family in _CLASSICAL:
            # Made anew each time: they cost nothing and keep neighbour lists of the last structure.
            return LoadedCalculator(_CLASSICAL[entry.family](), _provenance(entry, "float64"))
        if entry.environment:
            raise CalculatorError(
                f"{entry.name!r} lives in the environment {entry.environment!r} (interpreter "
                f"{str(self._settings.environments[entry.environment])!r}), and this process in "
                f"{sys.prefix!r}",
                next_step="Start a calculation of its own with it.",
            )
        if entry.family == "mace":
            return self._load_mace(entry, wanted, dtype, n_atoms)
        self._set_torch("float32", n_atoms)
        device = self._settings.device
        calculator = self._warm((entry.family, device), lambda: _PACKAGED[entry.family](device))
        return LoadedCalculator(calculator, _provenance(entry, "float32"))

    def _load_mace(
        self, entry: CalculatorEntry, elements: Collection[str], dtype: DType, n_atoms: int
    ) -> LoadedCalculator:
        path = (
            _download_foundation(entry.name)
            if self._is_foundation(entry.name)
            else self._settings.models[entry.name].path.expanduser()
        )
        data, device = _read_verified(entry, path), self._settings.device
        digest = hashlib.sha256(data).hexdigest()
        self._set_torch(dtype, n_atoms)
        calculator = self._warm((digest, dtype, device), lambda: _make_mace(data, dtype, device))
        covered = _elements_of(calculator)
        entry = entry.model_copy(update={"elements": covered, "sha256": digest})
        self._remember(entry)
        check_elements(entry, elements, self.entries())
        return LoadedCalculator(calculator, _provenance(entry, dtype))

    def _warm(self, key: tuple[str, ...], make: Callable[[], Calculator]) -> Calculator:
        if key not in self._loaded:
            with _quiet():
                self._loaded[key] = make()
        return self._loaded[key]

    def _set_torch(self, dtype: DType, n_atoms: int) -> None:
        """MACE sets torch's global default precision; a warm calculator needs its own back."""
        import torch

        if self._settings.device == "cuda" and not torch.cuda.is_available():
            raise CalculatorError(
                f"LLAMP_DEVICE is 'cuda', but torch {torch.__version__} in {sys.prefix!r} finds no "
                "CUDA device",
                next_step="Run the worker on a machine with a GPU and a CUDA build of torch, "
                "or set LLAMP_DEVICE to 'cpu'.",
            )
        torch.set_num_threads(self._settings.threads if n_atoms >= THREADS_PAY_FROM_ATOMS else 1)
        torch.set_default_dtype(torch.float64 if dtype == "float64" else torch.float32)


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


def _make_mace(data: bytes, dtype: DType, device: Device) -> Calculator:
    # mace first: e3nn fails to import on this torch unless mace has set it up.
    from mace.calculators import MACECalculator  # isort: skip
    import torch

    model = torch.load(io.BytesIO(data), map_location=device, weights_only=False)
    return MACECalculator(models=[model], device=device, default_dtype=dtype)


def _elements_of(calculator: Any) -> tuple[str, ...]:
    from ase.data import chemical_symbols

    return tuple(chemical_symbols[z] for z in calculator.z_table.zs)


def _make_chgnet(device: Device) -> Calculator:
    from chgnet.model import CHGNet
    from chgnet.model.dynamics import CHGNetCalculator

    model = CHGNet.load(model_name="0.3.0", use_device=device, verbose=False)
    return CHGNetCalculator(model=model, use_device=device)


def _make_sevennet(device: Device) -> Calculator:
    import sevenn
    from sevenn.calculator import SevenNetCalculator

    # By path: another release of the package may mean another model by the same name.
    weights = Path(sevenn.__file__).parents[1] / SEVENNET_WEIGHTS
    return SevenNetCalculator(model=str(weights), device=device)


def _make_emt() -> Calculator:
    from ase.calculators.emt import EMT

    return EMT()


def _make_lennard_jones() -> Calculator:
    from ase.calculators.lj import LennardJones

    return LennardJones(
        epsilon=ARGON_EPSILON_EV, sigma=ARGON_SIGMA_A, rc=3 * ARGON_SIGMA_A, smooth=True
    )


_PACKAGED: Final = {"chgnet": _make_chgnet, "sevenn": _make_sevennet}
"""Families whose weights come with their package."""
_CLASSICAL: Final = {"emt": _make_emt, "lj": _make_lennard_jones}


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
