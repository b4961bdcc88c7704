"""Briefs: how each expert answers questions of its field, one markdown file each.

To add an expert: a file in `briefs/`, its name in `Expert`, its line in `EXPERTS`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, get_args

from pydantic import BaseModel, ConfigDict, Field

FOLDER: Final = Path(__file__).parent / "briefs"
SUPERVISOR: Final = "materials_scientist"
WORKED: Final = "\n## Worked calls\n"
"""The heading of the last section of a brief, which `planning.py` reads."""

Expert = Literal[
    "materials_scientist",
    "summary",
    "thermo",
    "elasticity",
    "magnetism",
    "dielectric",
    "piezoelectric",
    "electronic",
    "synthesis",
    "structure",
    "simulation",
    "literature",
]
NAMES: Final[tuple[Expert, ...]] = get_args(Expert)


class Card(NamedTuple):
    """What a list of experts says of one; a test holds it against the head of its brief."""

    title: str
    description: str


EXPERTS: Final[dict[Expert, Card]] = {
    "materials_scientist": Card(
        "Materials scientist",
        "Ask for any question about materials that needs several experts: plans, delegates, checks "
        "and cites; answers from tools only.",
    ),
    "summary": Card(
        "Summary expert",
        "Ask which entries of a composition, chemical system or property range there are, and for "
        "density, volume, symmetry and an overview of a material.",
    ),
    "thermo": Card(
        "Thermodynamics expert",
        "Ask for formation energy, energy above hull, decomposition, phase stability, phase "
        "diagrams and reaction energies at 0 K.",
    ),
    "elasticity": Card(
        "Elasticity expert",
        "Ask for bulk, shear and Young's modulus, Poisson ratio, elastic tensors, mechanical "
        "stability and equations of state.",
    ),
    "magnetism": Card(
        "Magnetism expert",
        "Ask for magnetic ordering, moments and magnetization of a material.",
    ),
    "dielectric": Card(
        "Dielectrics expert",
        "Ask for dielectric constants, their electronic and ionic parts, and the refractive index.",
    ),
    "piezoelectric": Card(
        "Piezoelectrics expert",
        "Ask for piezoelectric tensors and for whether a crystal can be piezoelectric at all.",
    ),
    "electronic": Card(
        "Electronic structure expert",
        "Ask for band gaps, band edges, metals against insulators, bands, densities of states and "
        "spectra.",
    ),
    "synthesis": Card(
        "Synthesis expert",
        "Ask how a material has been made: published recipes with precursors, steps, temperatures "
        "and DOIs.",
    ),
    "structure": Card(
        "Structure expert",
        "Ask to fetch, build, edit, measure, compare or export crystals: defects, interstitials, "
        "supercells, slabs, adsorbates, interfaces.",
    ),
    "simulation": Card(
        "Simulation expert",
        "Ask to compute with force fields: relaxation, equations of state, elastic tensors, "
        "phonons, barriers, molecular dynamics and annealing.",
    ),
    "literature": Card(
        "Literature expert",
        "Ask what has been published on a subject: papers with authors, year, DOI or arXiv id.",
    ),
}


class Brief(BaseModel):
    """One expert's brief: the head of its file, and the instructions below it."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    name: Expert
    title: str
    description: str = Field(description="one sentence: when to ask this expert")
    tools: tuple[str, ...] = Field(description="that it may use")
    asks: tuple[Expert, ...] = Field(default=(), description="experts it may ask")
    text: str = Field(description="the instructions, in markdown")

    def worked(self) -> list[dict[str, Any]]:
        """The worked calls, as the YAML block of the last section has them."""
        import yaml

        block = self.text.partition(WORKED)[2].partition("```yaml\n")[2].partition("\n```")[0]
        read: list[dict[str, Any]] = yaml.safe_load(block) or []
        return read


@cache
def read_brief(name: Expert) -> Brief:
    """The brief of an expert."""
    import yaml

    file = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    _, head, text = file.split("---\n", 2)
    return Brief.model_validate({**yaml.safe_load(head), "text": text.strip() + "\n"})
