"""What a prototype object may say, one model per kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

from pydantic import Field, WithJsonSchema, model_validator

from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    from typing import Self

    from pymatgen.core import Structure

Length = Annotated[float, Field(gt=0, le=1000), WithJsonSchema({"type": "number"})]
Angle = Annotated[float, Field(gt=0, lt=180), WithJsonSchema({"type": "number"})]
Coordinate = Annotated[float, Field(ge=-100, le=100), WithJsonSchema({"type": "number"})]


class CellShape(Arguments):
    """Lattice constants; those the crystal system fixes may be left out."""

    a: Length
    b: Length | None = None
    c: Length | None = None
    alpha: Angle | None = None
    beta: Angle | None = None
    gamma: Angle | None = None


class PrototypeSite(Arguments):
    """One site of the asymmetric unit: a position, or a Wyckoff letter with what it leaves open."""

    species: str
    frac_coords: Annotated[list[Coordinate], Field(min_length=3, max_length=3)] | None = None
    wyckoff: str | None = None
    x: Coordinate | None = None
    y: Coordinate | None = None
    z: Coordinate | None = None

    @model_validator(mode="after")
    def _has_a_place(self) -> Self:
        if self.frac_coords is None and self.wyckoff is None:
            raise ValueError("give frac_coords, or wyckoff with its x, y, z, such as '4f', x=0.3")
        if self.frac_coords is not None and self.parameters:
            raise ValueError("give either frac_coords or x, y, z")
        return self

    @property
    def parameters(self) -> dict[str, float]:
        """Those of x, y, z that are given."""
        values = {"x": self.x, "y": self.y, "z": self.z}
        return {name: value for name, value in values.items() if value is not None}


Cell = Annotated[
    CellShape,
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "number"}}),
]


class BulkArguments(Arguments):
    """A crystal type of ASE, or a prototype of the AFLOW library in pymatgen."""

    name: str = Field(description='"Cu", "SrTiO3"')
    crystal: str | None = Field(
        None,
        description="fcc, rocksalt…; AFLOW's: mineral (spinel), Strukturbericht (A15), "
        "label; graphene, MX2-2H",
    )
    a: Length | None = Field(None, description="Å; elements: default ASE's")
    c: Length | None = Field(None, description="Å")
    lattice: Cell | None = Field(None, description="a b c (Å) alpha beta gamma (°)")
    u: Coordinate | None = Field(None, description="internal coordinate")
    thickness_a: Annotated[float, Field(ge=0, le=50), WithJsonSchema({"type": "number"})] | None = (
        Field(None, description="of a layer, Å")
    )
    cubic: bool = Field(False, description="cell")
    orthorhombic: bool = Field(False, description="cell")


class SpacegroupArguments(Arguments):
    """pymatgen's `Structure.from_spacegroup`."""

    spacegroup: int | str = Field(description='number, or symbol: "Fd-3m:2"')
    lattice: Cell = Field(description="a b c (Å) alpha beta gamma (°)")
    sites: Annotated[list[PrototypeSite], Field(min_length=1)] = Field(
        description="asymmetric unit: frac_coords, or wyckoff (4f) with x y z"
    )


class MoleculeArguments(Arguments):
    """`ase.build.molecule`."""

    name: str = Field(description='"CO2"')
    vacuum_a: Annotated[float, Field(ge=1, le=100), WithJsonSchema({"type": "number"})] = Field(
        10.0, description="Å between images"
    )


PROTOTYPES: Final[dict[str, type[Arguments]]] = {
    "bulk": BulkArguments,
    "spacegroup": SpacegroupArguments,
    "molecule": MoleculeArguments,
}


class Built(NamedTuple):
    """A structure and what must be said of how it was built."""

    structure: Structure
    notes: tuple[str, ...]
