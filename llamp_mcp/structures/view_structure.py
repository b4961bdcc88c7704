"""The tool that draws a structure, and says in words what the picture shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, PrivateAttr
from pydantic.json_schema import SkipJsonSchema

from llamp_mcp.operation import Operation, Params, ResourceLink, Result

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pymatgen.core import Structure

    from llamp_mcp.structures.pictures import Picture
    from llamp_mcp.structures.store import StructureStore

Repeat = Annotated[int, Field(ge=1, le=10)]
Index = Annotated[int, Field(ge=-20, le=20)]


class ViewStructureParams(Params):
    """A structure, and how to look at it."""

    structure_id: str = Field(description="handle")
    orientation: Literal["standard", "a", "b", "c"] = Field(
        "standard", description="axis towards the reader"
    )
    direction: Annotated[list[Index], Field(max_length=3)] = Field(
        default=[], description="or zone axis [u, v, w]"
    )
    labels: Literal["auto", "index", "element", "none"] = Field(
        "auto", description="index: site numbers"
    )
    bonds: bool = Field(True, description="draw sticks")
    repeats: Annotated[list[Repeat], Field(min_length=3, max_length=3)] = Field(
        default=[1, 1, 1], description="cells along a, b, c"
    )
    width_px: Annotated[int, Field(ge=300, le=1600)] = Field(700, description="of the picture")


class ViewStructureResult(Result):
    """What the picture shows."""

    structure_id: str
    formula: str
    n_atoms: int
    n_drawn: SkipJsonSchema[int]
    view: SkipJsonSchema[dict[str, Any]]
    elements: SkipJsonSchema[list[dict[str, Any]]]
    bonds: SkipJsonSchema[dict[str, Any]]
    shortest_distance_a: SkipJsonSchema[float]
    labels: SkipJsonSchema[dict[str, Any]]
    size_px: SkipJsonSchema[list[int]]
    uri: str
    notes: list[str]
    _shortest: str = PrivateAttr("")
    _picture: bytes = PrivateAttr(b"")

    def text(self) -> str:
        """The picture in words."""
        view, labels = self.view, self.labels
        repeats = " x ".join(map(str, view["repeats"]))
        towards = " ".join(f"{x:g}" for x in view["towards_reader"])
        colours = "; ".join(
            f"{one['symbol']} {one['colour']} ({one['hex']}), {one['count']:g} in the cell"
            for one in self.elements
        )
        return "\n".join(
            [
                f"structure_id {self.structure_id}: {self.formula}, n_atoms = {self.n_atoms} in "
                f"the cell, n_drawn = {self.n_drawn} ({repeats} cells, atoms on faces repeated)",
                f"{view['name']}: direction [{towards}] (direct lattice) towards the reader, "
                f"{view['upright']}",
                f"colours: {colours}",
                f"sticks per cell: {self._bond_text()}",
                f"shortest distance = {self.shortest_distance_a:.3f} Å, {self._shortest}",
                f"labels: {labels['kind']} on {labels['count']} spheres"
                if labels["count"]
                else "labels: none",
                *(f"note: {note}" for note in self.notes),
                f"picture of {self.size_px[0]} x {self.size_px[1]} px attached; {self.uri} is the "
                "three-quarter view",
            ]
        )

    def _bond_text(self) -> str:
        kinds = "; ".join(
            f"{one['per_cell']} {one['pair']}, {_range(one['shortest_a'], one['longest_a'])} Å"
            for one in self.bonds["kinds"]
        )
        return f"{kinds or 'none'} (rule for drawing: {self.bonds['rule']})"

    def links(self) -> Iterable[ResourceLink]:
        """The standard view as a resource."""
        yield ResourceLink(
            uri=self.uri,
            name=self.uri.removeprefix("structure://"),
            mime_type="image/png",
            description="three-quarter view",
        )

    def images(self) -> Iterable[bytes]:
        """The picture."""
        yield self._picture


def view_structure(
    params: ViewStructureParams, *, structures: StructureStore
) -> ViewStructureResult:
    """Draw a structure as a PNG: cell, atoms, bonds, axes, legend, site numbers."""
    from llamp_mcp.structures.pictures import picture

    structure = structures.get(params.structure_id)
    made = picture(
        structure,
        orientation=params.orientation,
        direction=params.direction,
        labels=params.labels,
        bonds=params.bonds,
        repeats=params.repeats,
        width_px=params.width_px,
    )
    return _result(params, structure, made)


def _result(
    params: ViewStructureParams, structure: Structure, made: Picture
) -> ViewStructureResult:
    from llamp_mcp.structures.contacts import contacts
    from llamp_mcp.structures.pictures.bonds import RULE, kinds
    from llamp_mcp.structures.pictures.colours import WHITE, name_of

    near = contacts(structure)
    drawn = made.scene.bonds
    notes = [*_notes(params, made), *([near.warning] if near.warning else [])]
    result = ViewStructureResult(
        structure_id=params.structure_id,
        formula=structure.composition.reduced_formula,
        n_atoms=len(structure),
        n_drawn=len(made.scene.sites),
        view={
            "name": made.view.words,
            "towards_reader": list(made.view.towards),
            "upright": made.view.up,
            "repeats": list(params.repeats),
        },
        elements=[
            {
                "symbol": symbol,
                "count": count,
                "colour": name_of(colour := made.colours.get(symbol, WHITE)),
                "hex": "#{:02x}{:02x}{:02x}".format(*colour),
            }
            for symbol, count in made.counts.items()
        ],
        bonds={
            "kinds": [kind._asdict() for kind in kinds(structure, drawn)] if drawn else [],
            "rule": RULE,
        },
        shortest_distance_a=round(near.shortest.distance_a, 3),
        labels={"kind": made.labels, "count": made.n_labelled},
        size_px=[made.layout.width, made.layout.height],
        uri=f"structure://{params.structure_id}.png",
        notes=notes,
    )
    first, second = (
        f"site {at} ({what})"
        for at, what in zip(near.shortest.sites, near.shortest.species, strict=True)
    )
    result._shortest = f"{first} to {second}"
    result._picture = made.png
    return result


def _range(shortest: float, longest: float) -> str:
    """One length, or the shortest and the longest."""
    return f"{shortest:.3f}" + (f" to {longest:.3f}" if longest - shortest > 0.0015 else "")


def _notes(params: ViewStructureParams, made: Picture) -> Iterable[str]:
    """What the reader could misread."""
    from llamp_mcp.structures.pictures.scene import MAX_ATOMS_WITH_BONDS

    scene = made.scene
    if params.bonds and scene.bonds is None:
        yield f"no sticks among more than {MAX_ATOMS_WITH_BONDS} atoms"
    if scene.bonds:
        for symbol, count in scene.bonds.crowded.items():
            yield f"{symbol} has up to {count} neighbours within the cutoff: no sticks drawn there"
        if scene.bonds.molecules:
            yield "molecules and molecular ions are drawn whole, also across faces of the cell"
    if outside := int(scene.outside.sum()):
        yield f"{outside} paler atoms outside the cell complete the neighbours of those inside"
    if scene.vacuum:
        cut = "; a part of the empty cell lies outside the picture" if made.layout.cropped else ""
        yield f"vacuum along {', '.join(scene.vacuum)}: no images drawn across it{cut}"


OPERATION = Operation(
    name="view_structure",
    title="View a structure",
    params=ViewStructureParams,
    result=ViewStructureResult,
    run=view_structure,
    toolset="structures",
    read_only=True,
    view="structure",
)
