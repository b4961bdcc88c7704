"""The slabs of a surface energy, from thin to thick, and the bulk cell along their plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

from pydantic import Field, model_validator

from llamp_mcp.errors import InvalidInput
from llamp_mcp.simulation.properties.common import RelaxedArguments
from llamp_mcp.structures.surfaces.miller import Miller  # noqa: TC001 (pydantic reads it)

if TYPE_CHECKING:
    from typing import Self

    from pymatgen.core import Structure

    from llamp_mcp.structures.store import StructureStore

MIN_THICKNESS_A: Final = 10.0
MIN_VACUUM_A: Final = 15.0
_LEAST_VACUUM_A: Final = 8.0
_GROWTH: Final = 0.5
"""Each slab is this part of the first one's thickness thicker than the one before."""


class SurfaceArguments(RelaxedArguments):
    """Which plane, or a slab already cut, and how thick."""

    miller: Miller | None = Field(None, description="h k l, conventional cell")
    termination: Annotated[int, Field(ge=0)] = Field(0, description="as edit slab lists")
    min_thickness_a: Annotated[float, Field(gt=0, le=200)] = Field(
        MIN_THICKNESS_A, description="thinnest, Å, 10"
    )
    thicknesses: Annotated[int, Field(ge=1, le=5)] = Field(2, description="slabs, 2")
    slab_id: str | None = Field(None, description="or a cut slab")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.miller is None) == (self.slab_id is None):
            raise ValueError("give miller, or slab_id of a slab cut from structure_id, not both")
        idle = self.model_fields_set & {"termination", "min_thickness_a", "thicknesses"}
        if self.slab_id is not None and idle:
            raise ValueError(f"{', '.join(sorted(idle))} cannot be chosen for a given slab_id")
        return self


class Slab(NamedTuple):
    """A slab before it is relaxed, and what the edit that cut it reports."""

    structure: Structure
    report: dict[str, Any]
    notes: tuple[str, ...]

    @property
    def area_a2(self) -> float:
        """Of one side, Å²."""
        import numpy as np

        a, b, _ = self.structure.lattice.matrix
        return float(np.linalg.norm(np.cross(a, b)))


def slabs_of(
    crystal: Structure, arguments: SurfaceArguments, structures: StructureStore
) -> list[Slab]:
    """The slabs from thin to thick, each of more atoms than the one before.

    Raises:
        InvalidInput: There is no such plane or termination, or a slab has another composition than
            the crystal.
    """
    if arguments.slab_id is not None:
        return [_given(crystal, structures.get(arguments.slab_id), arguments.slab_id)]
    made: list[Slab] = []
    for at in range(arguments.thicknesses):
        thickness_a = arguments.min_thickness_a * (1 + _GROWTH * at)
        slab = _cut(crystal, arguments, thickness_a)
        while made and len(slab.structure) <= len(made[-1].structure):
            thickness_a += 0.1 * arguments.min_thickness_a
            slab = _cut(crystal, arguments, thickness_a)
        made.append(slab)
    return made


def _cut(crystal: Structure, arguments: SurfaceArguments, thickness_a: float) -> Slab:
    """A slab of whole cells, so a stoichiometric one."""
    from llamp_mcp.structures.edits.slab import SlabArguments, slab

    assert arguments.miller is not None
    made = slab(
        crystal,
        SlabArguments(
            miller=arguments.miller,
            min_thickness_a=thickness_a,
            min_vacuum_a=MIN_VACUUM_A,
            termination=arguments.termination,
        ),
    )
    return Slab(made.structure, made.report, made.notes)


def _given(crystal: Structure, structure: Structure, handle: str) -> Slab:
    """A slab somebody else cut.

    Raises:
        InvalidInput: It has no vacuum along c, or is of another composition.
    """
    from llamp_mcp.structures.surfaces.surface import profile

    seen = profile(structure)
    if seen.gap_a < _LEAST_VACUUM_A:
        raise InvalidInput(
            f"{handle!r} has {seen.gap_a:.2f} Å of vacuum along c",
            allowed=f"a slab with at least {_LEAST_VACUUM_A:g} Å of vacuum along c",
        )
    of_slab, of_crystal = (
        one.composition.element_composition.reduced_formula for one in (structure, crystal)
    )
    if of_slab != of_crystal:
        raise InvalidInput(
            f"The slab {handle!r} is {structure.formula}, the crystal {of_crystal}: the surface "
            "energy of such a slab depends on chemical potentials and is no single number",
            next_step="Give a stoichiometric slab, or an adsorbate to adsorption_energy.",
        )
    report = {
        "thickness_a": seen.thickness_a,
        "vacuum_a": seen.gap_a,
        "surfaces_equivalent": None,
        "is_polar": None,
    }
    return Slab(structure, report, ())


def oriented_cell(crystal: Structure, arguments: SurfaceArguments) -> Structure:
    """The bulk cell that lies along the plane; the crystal itself for a given slab."""
    if arguments.miller is None:
        return crystal
    from llamp_mcp.structures.surfaces.miller import plane
    from llamp_mcp.structures.symmetry import SYMPREC_A

    return plane(crystal, arguments.miller, SYMPREC_A).oriented
