"""The tool that says what a structure is: its symmetry, its surroundings, its diffraction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args

from pydantic import Field, PrivateAttr
from pydantic.json_schema import SkipJsonSchema

from llamp_mcp.errors import InvalidInput
from llamp_mcp.operation import Operation, Params, Result
from llamp_mcp.provenance import Fact
from llamp_mcp.structures.edit_structure import as_text
from llamp_mcp.structures.species import check_sites
from llamp_mcp.structures.symmetry import MAX_SYMPREC_A, SYMPREC_A

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pymatgen.core import Structure

    from llamp_mcp.structures.store import StructureStore

BlockName = Literal[
    "symmetry",
    "density",
    "coordination",
    "bonds",
    "oxidation_states",
    "dimensionality",
    "packing",
    "xrd",
    "distances",
]

Wavelength = Literal["CuKa", "CuKa1", "MoKa", "MoKa1", "CoKa", "CoKa1", "FeKa", "CrKa", "AgKa"]
"""Names of pymatgen; a K-alpha line without number is the weighted mean of its two."""

Block = Annotated[dict[str, Any], Field(default_factory=dict)]

MAX_SITES: Final = 60
LONGEST_WORDS: Final = 40
"""Longer text is told on a line of its own."""
_TAKE_SITES: Final = {"coordination", "bonds", "distances"}
_UNITS: Final = {
    "_g_cm3": "g/cm³",
    "_per_nm3": "1/nm³",
    "_deg2": "degrees²",
    "_deg": "degrees",
    "_a3": "Å³",
    "_a": "Å",
    "_u": "u",
}


class AnalyzeStructureParams(Params):
    """A structure and what to tell of it."""

    structure_id: str = Field(description="handle")
    what: list[BlockName] = Field(
        default=["symmetry", "density", "coordination"], min_length=1, description="blocks"
    )
    sites: list[int] = Field(
        default=[],
        max_length=MAX_SITES,
        description="coordination, bonds: only these; distances: 2, angle: 3, dihedral: 4",
    )
    symprec_a: float = Field(default=SYMPREC_A, gt=0, le=MAX_SYMPREC_A, description="Å")
    wavelength: Wavelength = Field(default="CuKa", description="xrd only")
    two_theta_max_deg: float = Field(default=90, gt=0, le=160, description="xrd only")


class AnalyzeStructureResult(Result):
    """One block per thing asked for; the others are empty."""

    structure_id: str
    formula: str
    n_sites: int
    symmetry: SkipJsonSchema[Block]
    density: SkipJsonSchema[Block]
    coordination: SkipJsonSchema[Block]
    bonds: SkipJsonSchema[Block]
    oxidation_states: SkipJsonSchema[Block]
    dimensionality: SkipJsonSchema[Block]
    packing: SkipJsonSchema[Block]
    xrd: SkipJsonSchema[Block]
    distances: SkipJsonSchema[Block]
    _pictures: list[bytes] = PrivateAttr(default_factory=list)

    def blocks(self) -> dict[str, dict[str, Any]]:
        """What was asked for, by name."""
        told = {name: getattr(self, name) for name in get_args(BlockName)}
        return {name: block for name, block in told.items() if block}

    def text(self) -> str:
        """Each block: its values on one line, its tables row by row under their keys."""
        head = f"{self.structure_id}: {self.formula}, n_sites = {self.n_sites}"
        return "\n".join(
            [head, *(line for name, block in self.blocks().items() for line in _lines(name, block))]
        )

    def images(self) -> Iterable[bytes]:
        """The plot of the diffraction pattern."""
        return self._pictures


def analyze_structure(
    params: AnalyzeStructureParams, *, structures: StructureStore
) -> AnalyzeStructureResult:
    """Measure a structure: symmetry with Wyckoff sites, density, coordination, bonds, XRD."""
    from llamp_mcp.structures.analysis import xrd

    structure = structures.get(params.structure_id)
    _check(params, structure)
    blocks = _analyse(params, structure)
    result = AnalyzeStructureResult(
        structure_id=params.structure_id,
        formula=structure.composition.reduced_formula,
        n_sites=len(structure),
        **blocks,
    )
    if "peaks" in blocks.get("xrd", {}):
        result._pictures.append(xrd.plot(blocks["xrd"], params.structure_id))
    return result


def _check(params: AnalyzeStructureParams, structure: Structure) -> None:
    """Refuse arguments that mean nothing for what is asked, rather than ignore them.

    Raises:
        InvalidInput: There is one, or a site that does not exist.
    """
    check_sites(structure, params.sites)
    if params.sites and not _TAKE_SITES & {*params.what}:
        raise InvalidInput(
            f"sites means nothing for what={params.what}", allowed=", ".join(sorted(_TAKE_SITES))
        )
    defaults = type(params).model_fields
    for name in ("wavelength", "two_theta_max_deg"):
        if "xrd" not in params.what and getattr(params, name) != defaults[name].default:
            raise InvalidInput(f"{name} means nothing for what={params.what}", allowed="xrd")


def _analyse(params: AnalyzeStructureParams, structure: Structure) -> dict[str, dict[str, Any]]:
    """The blocks asked for; one without an answer says why, and fails only where none has one.

    Raises:
        InvalidInput: An argument is wrong, or no block has an answer.
    """
    from llamp_mcp.structures.analysis import BLOCKS
    from llamp_mcp.structures.analysis.block import Undetermined

    blocks: dict[str, dict[str, Any]] = {}
    failed = []
    for name in dict.fromkeys(params.what):
        try:
            blocks[name] = BLOCKS[name](structure, params)
        except Undetermined as error:
            blocks[name] = {"not_determined": str(error)}
            failed.append(error)
        except InvalidInput as error:
            raise InvalidInput(
                f"{name}: {error.what}", allowed=error.allowed, next_step=error.next_step
            ) from error
    if len(failed) == len(blocks):
        raise failed[0]
    return blocks


def _lines(name: str, block: dict[str, Any]) -> Iterator[str]:
    """Values and short words on one line; then each table; then what is said in sentences."""
    tables = {key: value for key, value in block.items() if _is_table(value)}
    prose = {key: value for key, value in block.items() if _is_prose(value)}
    plain = {key: value for key, value in block.items() if key not in {**tables, **prose}}
    yield f"{name}: {as_text(plain)}"
    for key, rows in tables.items():
        columns = list(dict.fromkeys(column for row in rows for column in row))
        yield f"- {key} ({'; '.join(columns)}):"
        yield from ("  " + "; ".join(as_text(row.get(at)) for at in columns) for row in rows)
    for key, words in prose.items():
        yield f"- {key}: {words if isinstance(words, str) else '; '.join(words)}"


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _is_prose(value: Any) -> bool:
    """Whether it is a sentence, or several."""
    told = value[0] if isinstance(value, list) and value else value
    return isinstance(told, str) and len(told) > LONGEST_WORDS


def _facts(result: AnalyzeStructureResult) -> Iterator[Fact]:
    """Every scalar of the blocks, named after its block."""
    source = f"geometry of {result.structure_id}"
    for name, block in result.blocks().items():
        for key, value in block.items():
            if isinstance(value, (bool, int, float)) or key in ("symbol", "point_group"):
                named = f"spacegroup_{key}" if key in ("symbol", "number") else f"{name}.{key}"
                yield Fact(result.structure_id, named, value, _unit(key), source, result.formula)


def _unit(key: str) -> str | None:
    return next((unit for suffix, unit in _UNITS.items() if key.endswith(suffix)), None)


OPERATION = Operation(
    name="analyze_structure",
    title="Analyze a structure",
    params=AnalyzeStructureParams,
    result=AnalyzeStructureResult,
    run=analyze_structure,
    toolset="structures",
    read_only=True,
    facts=_facts,
    view="plot",
)
