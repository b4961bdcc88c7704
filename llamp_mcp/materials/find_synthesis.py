"""How a material was made: recipes that were text-mined from papers, each with its DOI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field

from llamp_mcp.errors import InvalidInput
from llamp_mcp.materials import identifiers, presentation
from llamp_mcp.materials.formulas import plain
from llamp_mcp.materials.recipes import Step, conditions, kelvin, without_water
from llamp_mcp.materials.source import RecipeQuery
from llamp_mcp.operation import Operation, Params, Result
from llamp_mcp.provenance import Fact
from llamp_mcp.quoting import NOTICE, as_data, cleaned_value, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llamp_mcp.materials.source import Document, MaterialsSource

MAX_LIMIT: Final = 10
MAX_EXCERPT: Final = 160
"""Characters of a paper's own words that are quoted; the Project itself shows about 100."""

MINED: Final = (
    "Extracted from papers by text mining (Kononova et al. 2019, doi 10.1038/s41597-019-0224-1; "
    "Wang et al. 2022, doi 10.1038/s41597-022-01317-2): steps and conditions may be missing or "
    "wrong, and what is not given is unknown, not zero. Read the paper before working by it."
)


class SynthesisParams(Params):
    """Arguments of `find_synthesis`; at least one, and all that are given must hold."""

    target: str = Field(default="", description="product, e.g. 'LiFePO4'")
    precursors: Annotated[list[str], Field(max_length=10)] = Field(
        default=[], description="all of them, e.g. ['Li2CO3']"
    )
    keywords: Annotated[list[str], Field(max_length=10)] = Field(
        default=[], description="any of these"
    )
    operations: list[Step] = Field(default=[], description="all of them")
    temperature_range_k: Annotated[list[float | None], Field(max_length=2)] = Field(
        default=[], description="[min, max] K of any step, null = open"
    )
    limit: int = Field(default=5, ge=1, le=MAX_LIMIT, description="recipes")


class SynthesisResult(Result):
    """The recipes found, best match first."""

    source: dict[str, str]
    searched: dict[str, Any]
    total: int
    returned: int
    recipes: list[dict[str, Any]] = Field(
        description="doi, reaction, precursors, operations[{step, type, temperatures, times, …}]"
    )
    sources: dict[str, str]
    notes: list[str]

    def text(self) -> str:
        """Every recipe, step by step."""
        legend = presentation.Legend(self.sources)
        asked = ", ".join(f"{name} {_listed(value)}" for name, value in self.searched.items())
        found = f"{self.total} recipes found, {self.returned} shown"
        lines = [f"Source: {self.source['notice']}.", f"{found} for {asked}."]
        for recipe in self.recipes:
            lines += _recipe_lines(recipe, "".join(map(legend.mark, recipe.get("sources", ()))))
        lines += [f"Note: {note}" for note in self.notes]
        return "\n".join([*lines, legend.line()]).rstrip()


def find_synthesis(params: SynthesisParams, *, source: MaterialsSource) -> SynthesisResult:
    """Find published synthesis recipes of a material, step by step, each with its DOI.

    As printed; what is not printed is not given. Cite only DOIs from here.
    """
    query, notes = _query(params)
    meta, found = source.meta(), source.recipes(query)
    recipes = [_recipe(cleaned_value(document)) for document in found.documents]
    notes += found.notes
    if query.keywords and meta.kind != "live":
        notes.append(
            "Keywords were looked for in the beginning of each paragraph and in the words taken "
            "from it: this source holds no more of the papers."
        )
    if recipes:
        notes += [MINED, NOTICE]
    if found.total > len(recipes):
        notes.append("More recipes match: raise limit (at most 10) or name more conditions.")
    if not recipes:
        notes.append(
            "Nothing was found with these conditions, which does not mean that it was never made. "
            "Leave out conditions, or search for the target or for one precursor alone."
        )
    used = [key for recipe in recipes for key in recipe.get("sources", ())]
    return SynthesisResult(
        source=meta.summary(),
        searched=_searched(query),
        total=found.total,
        returned=len(recipes),
        recipes=recipes,
        sources=presentation.citation_texts(source.citations(), used),
        notes=notes,
    )


def _query(params: SynthesisParams) -> tuple[RecipeQuery, list[str]]:
    """The search, with formulas checked and written as the Project writes them."""
    notes: list[str] = []
    words = (part.strip() for word in params.keywords for part in word.split(","))
    query = RecipeQuery(
        target=_formula(params.target, notes) if params.target.strip() else "",
        precursors=tuple(dict.fromkeys(_formula(text, notes) for text in params.precursors)),
        keywords=tuple(dict.fromkeys(word for word in words if word)),
        operations=tuple(dict.fromkeys(params.operations)),
        temperature_k=_range(params.temperature_range_k),
        limit=params.limit,
    )
    if not _searched(query):
        raise InvalidInput(
            "Nothing to search for was given",
            allowed="at least one of target, precursors, keywords, operations, temperature_range_k",
            next_step="Give the formula of the product as target, such as 'LiFePO4'.",
        )
    return query, notes


def _formula(text: str, notes: list[str]) -> str:
    """A checked formula as recipes have it: reduced, without water of crystallisation."""
    dry, water = without_water(text)
    identifiers.formula_key(dry)
    from pymatgen.core.composition import Composition

    reduced = Composition(plain(dry)).reduced_formula
    if water:
        notes.append(
            f"{text.strip()} was searched as {reduced}: the Project leaves {water} out of the "
            "formulas it compares."
        )
    return reduced


def _range(bounds: list[float | None]) -> tuple[float | None, float | None]:
    if not bounds:
        return None, None
    if len(bounds) == 1:
        raise InvalidInput(
            f"temperature_range_k has one bound: {bounds}",
            allowed="[min, max] in kelvin, null for an open end",
            next_step=f"Give [{bounds[0]}, null] or [null, {bounds[0]}].",
        )
    lowest, highest = bounds
    if (lowest is not None and lowest < 0) or (
        lowest is not None and highest is not None and lowest > highest
    ):
        raise InvalidInput(
            f"temperature_range_k={bounds} is no range of temperatures",
            allowed="0 ≤ min ≤ max, in kelvin (°C + 273.15)",
        )
    return lowest, highest


def _searched(query: RecipeQuery) -> dict[str, Any]:
    """What of the query is set, in the names of the arguments."""
    asked = {
        "target": query.target,
        "precursors": list(query.precursors),
        "keywords": list(query.keywords),
        "operations": list(query.operations),
        "temperature_range_k": []
        if query.temperature_k == (None, None)
        else list(query.temperature_k),
    }
    return {name: value for name, value in asked.items() if value}


def _recipe(document: Document) -> dict[str, Any]:
    """A recipe with what is given, and without what is not."""
    recipe = {
        "doi": document.get("doi"),
        "synthesis_type": document.get("synthesis_type"),
        "targets": document.get("targets_formula_s"),
        "reaction": document.get("reaction_string"),
        "precursors": [_material(found) for found in document.get("precursors") or ()]
        or document.get("precursors_formula_s"),
        "operations": [
            {"step": number, **_operation(step)}
            for number, step in enumerate(document.get("operations") or (), start=1)
        ],
        "excerpt": _excerpt(document),
        "sources": list(dict.fromkeys((document.get("_sources") or {}).values())),
        "notes": document.get("_notes"),
    }
    return {name: value for name, value in recipe.items() if value}


def _material(found: Document | str) -> str:
    """The formula of a starting material, or its name in the paper where it has none."""
    if isinstance(found, str):
        return found
    return str(found.get("material_formula") or found.get("material_string"))


def _operation(step: Document) -> dict[str, Any]:
    given = conditions(step)
    operation = {
        "type": step.get("type"),
        "word": step.get("token"),
        "temperatures": [
            _temperature(value)
            for value in given.get("heating_temperature") or ()
            if _numbers(value)
        ],
        "times": [_printed(value) for value in given.get("heating_time") or () if _numbers(value)],
        "atmospheres": given.get("heating_atmosphere"),
        "medium": given.get("mixing_media"),
        "device": given.get("mixing_device"),
    }
    return {name: value for name, value in operation.items() if value}


def _temperature(value: Document) -> dict[str, Any]:
    """As printed, and in kelvin where the printed unit is one of temperature."""
    units = str(value.get("units") or "")
    converted = [kelvin(number, units) for number in _numbers(value)]
    exact = [round(number, 2) for number in converted if number is not None]
    return {"printed": _printed(value), **({"kelvin": exact} if exact else {})}


def _numbers(value: Document) -> list[float]:
    """The values that are listed; where none is, the ends of the interval."""
    ends = (value.get("min_value"), value.get("max_value"))
    return value.get("values") or list(dict.fromkeys(end for end in ends if end is not None))


def _printed(value: Document) -> str:
    """`700, 800 °C` for a list of values, `700 to 800 °C` for an interval, `≥ 700 °C` if open."""
    shown = [presentation.number(float(number)) for number in _numbers(value)]
    joined = (", " if value.get("values") else " to ").join(shown)
    if not value.get("values"):
        opening = {"min_value": "≤ ", "max_value": "≥ "}
        joined = "".join(s for end, s in opening.items() if value.get(end) is None) + joined
    return f"{joined} {value.get('units') or ''}".strip()


def _excerpt(document: Document) -> str:
    """A short quotation: where the words searched for stand, else how the paragraph begins."""
    hits = [
        "".join(text.get("value") or "" for text in hit.get("texts") or ())
        for hit in document.get("highlights") or ()
    ]
    words = " … ".join(hit for hit in hits if hit) or document.get("paragraph_string") or ""
    quoted = " ".join(words.split())
    return quoted if len(quoted) <= MAX_EXCERPT else f"{quoted[:MAX_EXCERPT].rstrip()}…"


def _recipe_lines(recipe: dict[str, Any], mark: str) -> Iterator[str]:
    kind = f" ({recipe['synthesis_type']})" if "synthesis_type" in recipe else ""
    targets = f": {', '.join(map(as_data, recipe['targets']))}" if "targets" in recipe else ""
    yield f"doi {as_data(recipe.get('doi', 'not given'))}{kind}{targets}{mark}"
    if "reaction" in recipe:
        yield f"  reaction: {as_data(recipe['reaction'])}"
    if "precursors" in recipe:
        yield f"  precursors: {', '.join(map(as_data, recipe['precursors']))}"
    for operation in recipe.get("operations", ()):
        yield f"  {operation['step']}. {_step_text(operation)}"
    if "operations" not in recipe:
        yield "  no steps were extracted"
    if "excerpt" in recipe:
        yield f"  {quoted(recipe['excerpt'])}"
    yield from (f"  note: {note}" for note in recipe.get("notes", ()))


def _step_text(operation: dict[str, Any]) -> str:
    name = str(operation.get("type", "step")).removesuffix("Operation")
    parts = [f"{name} “{as_data(operation['word'])}”" if "word" in operation else name]
    for temperature in operation.get("temperatures", ()):
        exact = ", ".join(presentation.number(value) for value in temperature.get("kelvin", ()))
        same = temperature["printed"].endswith(" K") or not exact
        parts.append(temperature["printed"] + ("" if same else f" ({exact} K)"))
    parts += operation.get("times", ())
    if "atmospheres" in operation:
        parts.append(f"in {', '.join(map(as_data, operation['atmospheres']))}")
    if "medium" in operation:
        parts.append(f"medium {as_data(operation['medium'])}")
    if "device" in operation:
        parts.append(f"device {as_data(operation['device'])}")
    return ", ".join(parts)


def _listed(value: Any) -> str:
    if not isinstance(value, list):
        return str(value)
    return ", ".join("open" if item is None else presentation.number(item) for item in value)


def facts(result: SynthesisResult) -> Iterator[Fact]:
    """Every DOI, and under it the temperatures in the order of the steps, in kelvin."""
    for recipe in result.recipes:
        if "doi" not in recipe:
            continue
        formula = ", ".join(recipe.get("targets", ())) or None
        named = [result.sources[key] for key in recipe.get("sources", ())]
        origin = "; ".join(named) or result.source["database_version"]
        yield Fact(recipe["doi"], "doi", recipe["doi"], None, origin, formula)
        for step in recipe.get("operations", ()):
            values = [k for t in step.get("temperatures", ()) for k in t.get("kelvin", ())]
            for index, value in enumerate(values):
                name = f"operations.{step['step']}.temperature_k" + (f".{index}" if index else "")
                yield Fact(recipe["doi"], name, value, "K", origin, formula)


OPERATION = Operation(
    name="find_synthesis",
    title="Find synthesis",
    params=SynthesisParams,
    result=SynthesisResult,
    run=find_synthesis,
    toolset="materials",
    read_only=True,
    facts=facts,
)
