"""Where the values of the embedded sample come from, in words."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import PurePosixPath
from typing import Any

FORMAT = "llamp-mcp-sample/1"
MATCALC = "matcalc-2025.1"
LI_FE_O = "emmet-li-fe-o-2021"
LI_FE_O_HULL = "li-fe-o-hull"
RBI_PHONON = "emmet-rbi-phonon"
ELEMENT_ENERGIES = "matbench-discovery-2023-02-07"
ELEMENT_STRUCTURES = "matcalc-element-refs"
BY_DEFINITION = "by-definition"
FROM_STRUCTURE = "from-structure"
FROM_PRINTED = "from-printed"
TENSOR_MEAN = "from-tensor"
SPGLIB = "spglib"

_LICENCE = "CC BY 4.0"
_LLAMP = "https://github.com/chiang-yuan/llamp"
_MATCALC = "https://github.com/materialsvirtuallab/matcalc, commit aa76b41e"
_EMMET = "https://github.com/materialsproject/emmet, commit fbe8656b, test_files"


def notebook(origin: str) -> str:
    """Key of a notebook of the LLaMP repository: `llamp:../lab/react.ipynb` → `llamp-react`."""
    return "llamp-" + PurePosixPath(origin.removeprefix("llamp:")).stem.lower()


def structure(origin: str) -> str:
    """Key of the source of a structure."""
    return MATCALC if origin == "matcalc" else notebook(origin)


def header(used: set[str]) -> dict[str, Any]:
    """The head of the sample: what it is, its licence, and the sources that are used in it."""
    known = _known()
    for key in used - known.keys():
        if not key.startswith("llamp-"):
            raise KeyError(key)
        known[key] = {
            "name": f"Materials Project answers printed in LLaMP notebook {key[6:]}",
            "citation": f"{_LLAMP}, arXiv:2401.17244",
            "licence": _LICENCE,
            "database_version": "2023-24, version not printed",
        }
    return {
        "format": FORMAT,
        "name": "Materials Project, offline extract",
        "database_version": "mixed (2019 to January 2025); every value names its source",
        "licence": _LICENCE,
        "licence_url": "https://creativecommons.org/licenses/by/4.0/",
        "attribution": (
            "Data: the Materials Project (A. Jain et al., APL Materials 1, 011002 (2013), "
            "doi 10.1063/1.4812323), CC BY 4.0, https://creativecommons.org/licenses/by/4.0/. "
            "Changes: selected, rounded to nine digits, put in a schema of this project; values "
            "marked as computed were added."
        ),
        "built": {name: version(name) for name in ("pymatgen", "spglib")},
        "sources": {key: known[key] for key in sorted(used)},
    }


def _known() -> dict[str, dict[str, str]]:
    project = {"licence": _LICENCE}
    computed = {"licence": _LICENCE, "database_version": ""}
    pymatgen, spglib = version("pymatgen"), version("spglib")
    return {
        MATCALC: project
        | {
            "name": "Materials Project PBE elasticity of binaries, matcalc benchmark file 2025.1",
            "citation": f"{_MATCALC}, benchmark_data",
            "database_version": "downloaded January 2025",
        },
        LI_FE_O: project
        | {
            "name": "Materials Project Li-Fe-O entries (GGA/GGA+U, MP2020 corrections)",
            "citation": f"{_EMMET}/Li-Fe-O.json.gz",
            "database_version": "entries of 2014-2021",
        },
        LI_FE_O_HULL: computed
        | {
            "name": f"computed with pymatgen {pymatgen} PhaseDiagram from all {LI_FE_O} entries",
            "citation": "doi 10.1021/cm702327g",
        },
        RBI_PHONON: project
        | {
            "name": "Materials Project phonon document of mp-23302 (abinit, cell of 82.54 Å³)",
            "citation": f"{_EMMET}/mp-23302_phonon.json.gz",
            "database_version": "document of 2017",
        },
        ELEMENT_ENERGIES: project
        | {
            "name": "Materials Project elemental reference energies in matbench-discovery",
            "citation": "https://github.com/janosh/matbench-discovery",
            "database_version": "file of 2023-02-07",
        },
        ELEMENT_STRUCTURES: project
        | {
            "name": "Materials Project elemental references in matcalc (no ids there): the one "
            "structure whose energy is that of this id to 0.01 meV/atom",
            "citation": f"{_MATCALC}, src/matcalc/elemental_refs",
            "database_version": "not stated",
        },
        BY_DEFINITION: computed
        | {
            "name": "zero by definition: the elemental reference of matbench-discovery 2023-02-07",
            "citation": "https://github.com/janosh/matbench-discovery",
        },
        FROM_STRUCTURE: computed
        | {"name": f"computed from the structure with pymatgen {pymatgen}", "citation": ""},
        FROM_PRINTED: computed
        | {"name": "computed from the printed volume and density", "citation": ""},
        TENSOR_MEAN: computed
        | {"name": "a third of the trace of the tensor, computed", "citation": ""},
        SPGLIB: computed
        | {
            "name": f"computed with spglib {spglib}, symprec 0.1 Å, from this structure",
            "citation": "doi 10.1080/27660400.2024.2384822",
        },
    }
