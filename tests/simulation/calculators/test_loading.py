from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from pymatgen.analysis.eos import BirchMurnaghan

from llamp_mcp.errors import CalculatorError, InvalidInput
from llamp_mcp.settings import ModelFile, Settings
from llamp_mcp.simulation.calculators import (
    ARGON_EPSILON_EV,
    ARGON_SIGMA_A,
    THREADS_PAY_FROM_ATOMS,
    Calculators,
    DType,
    catalogue,
)
from llamp_mcp.simulation.calculators import loading as module
from llamp_mcp.simulation.calculators.environments import Environment
from llamp_mcp.simulation.list_calculators import ListCalculatorsParams, list_calculators
from llamp_mcp.units import EV_PER_A3_IN_GPA
from tests.simulation.conftest import SI_MACE, SI_MACE_SHA256, loads_force_field


def test_default_is_the_setting_then_the_first_model_then_chgnet(settings, tmp_path):
    assert Calculators(Settings(home=tmp_path)).default == "chgnet"
    assert Calculators(settings).default == "si-mace"
    assert Calculators(settings.model_copy(update={"calculator": "emt"})).default == "emt"


def test_unknown_name_is_answered_with_the_names_and_the_closest(settings):
    with pytest.raises(InvalidInput, match=r"Unknown calculator 'chgnett'.*emt.*'chgnet'\?"):
        Calculators(settings).resolve("chgnett", ["Si"])


def test_element_not_covered_is_named_with_a_calculator_that_covers_it(settings):
    with pytest.raises(CalculatorError, match=r"'emt' does not cover Li, Si\..*'chgnet'"):
        Calculators(settings).resolve("emt", ["Li", "Si", "Cu"])


def test_too_many_atoms_are_refused_before_anything_is_loaded(settings):
    with pytest.raises(CalculatorError, match="5001 atoms are too many"):
        Calculators(settings).resolve("chgnet", ["Si"], 5001)


def test_missing_package_is_answered_with_the_command_that_installs_it(settings, monkeypatch):
    monkeypatch.setattr(catalogue, "here", lambda: Environment("python", "/here"))

    with pytest.raises(CalculatorError, match=r"pip install 'llamp-mcp\[chgnet\]'"):
        Calculators(settings).resolve("chgnet", ["Si"])


def test_missing_model_file_is_said_when_listed_and_when_resolved(tmp_path):
    gone = ModelFile(family="mace", path=tmp_path / "gone.model", sha256="0" * 64)
    calculators = Calculators(Settings(home=tmp_path, models={"mine": gone}))

    assert "does not exist" in (calculators.entries()[0].why_not or "")
    with pytest.raises(CalculatorError, match=r"gone\.model.*does not exist"):
        calculators.resolve("mine", ["Si"])


def test_model_file_that_differs_from_its_digest_is_not_loaded(tmp_path):
    pinned = ModelFile(family="mace", path=SI_MACE, sha256="0" * 64)

    with pytest.raises(CalculatorError, match=f"{SI_MACE_SHA256}, but {'0' * 64} was pinned"):
        Calculators(Settings(home=tmp_path, models={"mine": pinned})).load("mine", ["Si"])


def test_foundation_model_that_cannot_be_downloaded_says_what_to_use_instead(tmp_path, monkeypatch):
    from urllib.error import URLError

    def unreachable(_name: str) -> str:
        raise CalculatorError("not here") from URLError("no network")

    monkeypatch.setattr(module, "_download_foundation", unreachable)
    calculators = Calculators(Settings(home=tmp_path))

    assert calculators.resolve("mace-mp-small", ["Si"]).licence == "MIT"
    with pytest.raises(CalculatorError, match="not here"):
        calculators.load("mace-mp-small", ["Si"])


def test_list_says_everything_in_text_too(settings):
    listed = list_calculators(ListCalculatorsParams(), calculators=Calculators(settings))
    text = listed.text()

    assert listed.calculators[0]["name"] == "si-mace"
    for entry in listed.calculators:
        for value in (entry["name"], entry["family"], entry["model"], entry["licence"]):
            assert value in text
        assert (entry["sha256"] or "") in text
        assert (entry["why_not"] or "") in text
    assert "Si 78/101" in text, "CHGNet's known accuracy"


def test_emt_gives_the_bulk_modulus_of_copper(settings):
    """134.4 GPa at ±2 % linear strain: ASE's EMT called directly, fitted by pymatgen (S12)."""
    calculators, energies, volumes = Calculators(settings), [], []
    for strain in np.linspace(-0.02, 0.02, 7):
        atoms = bulk("Cu", a=3.6 * (1 + strain))
        atoms.calc = calculators.load("emt", ["Cu"]).calculator
        energies.append(atoms.get_potential_energy())
        volumes.append(atoms.get_volume())
    fit = BirchMurnaghan(volumes, energies)
    fit.fit()

    assert fit.b0 * EV_PER_A3_IN_GPA == pytest.approx(134.4, abs=1)


def test_argon_pair_has_the_depth_of_the_potential_at_its_minimum(settings):
    """Analytic: V(2^(1/6) sigma) = -epsilon, well inside the smooth cut-off."""
    loaded = Calculators(settings).load("lj", ["Ar"])
    pair = Atoms("Ar2", [[0, 0, 0], [2 ** (1 / 6) * ARGON_SIGMA_A, 0, 0]], calculator=None)
    pair.calc = loaded.calculator

    assert pair.get_potential_energy() == pytest.approx(-ARGON_EPSILON_EV, rel=1e-9)
    assert abs(pair.get_forces()).max() < 1e-9
    assert loaded.provenance["dtype"] == "float64"


@loads_force_field
def test_mace_in_two_precisions_and_chgnet_take_turns_in_one_process(settings, capsys):
    """MACE moves torch's global default precision: each calculator must get its own back."""
    calculators = Calculators(settings)
    assert calculators.entries()[0].elements is None, "nothing is known before the first load"
    energies: dict[tuple[str, DType], set[float]] = {}
    turns: list[tuple[str, DType]] = [
        ("si-mace", "float64"),
        ("chgnet", "float32"),
        ("si-mace", "float32"),
    ]
    for name, dtype in turns * 2:
        atoms = bulk("Si", a=5.43)
        loaded = calculators.load(name, ["Si"], dtype=dtype)
        atoms.calc = loaded.calculator
        atoms.calc.results.clear()
        energies.setdefault((name, dtype), set()).add(float(atoms.get_potential_energy()))
        assert loaded.provenance["dtype"] == dtype

    assert all(len(values) == 1 for values in energies.values())
    (double,), (single,) = energies["si-mace", "float64"], energies["si-mace", "float32"]
    assert single == pytest.approx(double, abs=1e-4)
    assert calculators.entries()[0].elements == ("Si",)
    with pytest.raises(CalculatorError, match="'si-mace' does not cover Ge"):
        Calculators(settings).resolve("si-mace", ["Ge"])
    assert capsys.readouterr().out == "", "stdout may be the protocol's"


@loads_force_field
def test_several_threads_are_used_only_from_the_size_at_which_they_pay(settings, monkeypatch):
    import torch

    threads: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", threads.append)
    calculators = Calculators(settings.model_copy(update={"threads": 4}))
    for n_atoms in (8, THREADS_PAY_FROM_ATOMS - 1, THREADS_PAY_FROM_ATOMS, 500):
        calculators.load("si-mace", ["Si"], n_atoms=n_atoms)

    assert threads == [1, 1, 4, 4]


@loads_force_field
def test_device_that_is_not_there_is_refused_and_the_entry_names_the_one_that_is_set(
    settings, monkeypatch
):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    calculators = Calculators(settings.model_copy(update={"device": "cuda"}))
    devices = {entry.name: entry.device for entry in calculators.entries()}

    assert (devices["si-mace"], devices["chgnet"], devices["emt"]) == ("cuda", "cuda", "cpu")
    for name in ("si-mace", "chgnet"):
        with pytest.raises(CalculatorError, match=r"LLAMP_DEVICE is 'cuda', but torch .* finds no"):
            calculators.load(name, ["Si"])
    assert calculators.load("emt", ["Cu"]).provenance["device"] == "cpu"


@loads_force_field
def test_device_reaches_the_model_and_the_result(settings, monkeypatch):
    import torch

    asked: list[str] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for family, make in (("_make_mace", 2), ("chgnet", 0)):

        def built(*arguments: str, place: int = make) -> object:
            asked.append(arguments[place])
            return SimpleNamespace(z_table=SimpleNamespace(zs=[14]))

        if family == "chgnet":
            monkeypatch.setitem(module._PACKAGED, family, built)
        else:
            monkeypatch.setattr(module, family, built)
    calculators = Calculators(settings.model_copy(update={"device": "cuda"}))
    said = [calculators.load(name, ["Si"]).provenance["device"] for name in ("si-mace", "chgnet")]

    assert asked == ["cuda", "cuda"]
    assert said == ["cuda", "cuda"]
