"""What the loopback API serves has the form that the Project's own models ask for."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from typing import Any

import pytest

from tests.loopback.documents import alpha
from tests.loopback.fixtures import ROOT

MODELS = {
    "summary": "summary.SummaryDoc",
    "thermo": "thermo.ThermoDoc",
    "elasticity": "elasticity.ElasticityDoc",
    "magnetism": "magnetism.MagnetismDoc",
    "dielectric": "polar.DielectricDoc",
    "piezoelectric": "polar.PiezoelectricDoc",
    "electronic_structure": "electronic_structure.ElectronicStructureDoc",
    "oxidation_states": "oxidation_states.OxidationStateDoc",
    "phonon": "phonon.PhononBSDOSTask",
    "absorption": "absorption.AbsorptionDoc",
    "xas": "xas.XASDoc",
    "surface_properties": "surface_properties.SurfacePropDoc",
    "grain_boundaries": "grain_boundary.GrainBoundaryDoc",
    "eos": "eos.EOSDoc",
    "bonds": "bonds.BondingDoc",
    "chemenv": "chemenv.ChemEnvDoc",
    "robocrys": "robocrys.RobocrystallogapherDoc",
    "substrates": "substrates.SubstratesDoc",
    "insertion_electrodes": "electrode.InsertionElectrodeDoc",
    "alloys": "alloys.AlloyPairDoc",
    "provenance": "provenance.ProvenanceDoc",
    "tasks": "tasks.CoreTaskDoc",
    "synthesis": "synthesis.core.SynthesisSearchResultModel",
}
"""Collection: model below emmet.core. Not `similarity`, whose model imports matminer for 15 s."""

UNKNOWN_TO_THE_SAMPLE = {
    "structure",
    "uncorrected_energy_per_atom",
    "energy_per_atom",
    "energy_above_hull",
    "energy_type",
    "entry_types",
    "entries",
    "ionic",
    "e_ionic",
    "n",
    "possible_species",
    "possible_valences",
}
"""Required fields that some documents made of the sample lack: what it does not know stays away."""


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    directory = tmp_path_factory.mktemp("seed")
    command = [sys.executable, "-m", "tests.loopback.seed", str(directory)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=180)
    text = (directory / "documents.json").read_text(encoding="utf-8")
    documents: dict[str, list[dict[str, Any]]] = json.loads(text)
    return documents


@pytest.mark.filterwarnings("ignore")  # emmet's own
@pytest.mark.parametrize("name", MODELS)
def test_documents_have_the_form_of_the_projects_models(seed, name):
    from pydantic import ValidationError

    module, _, model = MODELS[name].rpartition(".")
    read = getattr(importlib.import_module(f"emmet.core.{module}"), model).model_validate
    for document in seed[name]:
        try:
            read(document)
        except ValidationError as error:
            for problem in error.errors():
                assert problem["loc"][0] in UNKNOWN_TO_THE_SAMPLE, (document, problem)
                lacking = problem["type"] == "missing" or document[problem["loc"][0]] is None
                assert lacking, (document, problem)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("material_id", ["mp-1", "mp-149", "mp-19770", "mp-3340101"])
def test_ids_are_written_as_emmet_writes_them(material_id):
    from emmet.core.mpid import AlphaID

    number = material_id.removeprefix("mp-")
    assert alpha(material_id) == str(AlphaID(number, prefix="mp", padlen=8))
    assert alpha(material_id, prefix=False) == str(AlphaID(number, padlen=8))


def test_ids_of_made_up_materials_are_recognised_as_such(seed):
    real = json.dumps([d for d in seed["summary"] if d["material_id"] < alpha("mp-3340000")])
    assert "Fr" not in {e for d in json.loads(real) for e in d["elements"]}
    made_up = [d for d in seed["summary"] if d["material_id"] >= alpha("mp-3340000")]
    assert len(made_up) == 15
