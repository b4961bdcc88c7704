"""The live Materials Project as a source, through mp-api and a cache."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.errors import HomeError
from llamp_mcp.materials import project, recipes
from llamp_mcp.materials.client import ProjectClient, batches
from llamp_mcp.materials.endpoints import ENDPOINTS
from llamp_mcp.materials.live import search as live_search
from llamp_mcp.materials.live.cache import open_cache
from llamp_mcp.materials.live.question import Listed, Question
from llamp_mcp.materials.live.rows import rows, with_licence
from llamp_mcp.materials.source import (
    Document,
    Page,
    Query,
    RecipeQuery,
    Recipes,
    Rows,
    SpectrumKind,
)
from llamp_mcp.provenance import SourceMeta

if TYPE_CHECKING:
    from llamp_mcp.settings import Settings

log = logging.getLogger(__name__)

_ENTRY_FIELDS: Final = (
    "material_id",
    "formula_pretty",
    "composition",
    "energy_per_atom",
    "formation_energy_per_atom",
    "energy_above_hull",
    "is_stable",
    "thermo_type",
)
_MAX_ENTRIES: Final = 20_000
_RECIPES_PER_REQUEST: Final = 10
_MAX_RECIPES_READ: Final = 50


class LiveSource:
    """Asks the Project; nothing is opened, imported or asked before the first question.

    Args:
        settings: Key, address, time-out and cache.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = ProjectClient(settings)
        self._cache = open_cache(settings)
        self._listed: Listed = {}
        self._opened = False

    def _ask(self) -> Question:
        if not self._opened:
            try:
                self._settings.open_home()  # private to its owner, which the cache relies on
            except HomeError as error:
                log.warning("no cache: %s", error)
            self._opened = True
        return Question(self._client, self._cache, self._listed)

    def meta(self) -> SourceMeta:
        """The database as it is now; its version is asked.

        Raises:
            SourceError: There is no key, or the Project cannot be reached and never was.
        """
        ask = self._ask()
        away = f"; {ask.notes[-1]}" if ask.is_offline else ""
        return SourceMeta(
            kind="live",
            name="Materials Project",
            database_version=ask.version,
            licence=project.LICENCE,
            attribution=project.attribution(ask.version),
            materials=None,
            notice=f"live Materials Project, database {ask.version} (CC BY 4.0){away}",
        )

    def citations(self) -> dict[str, dict[str, str]]:
        """The one source of all values."""
        return project.citations(self._ask().version)

    def search(self, query: Query) -> Page:
        """The entries that match; `live.search` says in which order."""
        ask = self._ask()
        page = live_search.search(ask, query)
        for field in {e.listed_in for e in ENDPOINTS.values()} & set(query.fields):
            ask.remember(field, page.documents)
        return replace(page, documents=tuple(with_licence(d) for d in page.documents))

    def rows(
        self, endpoint: str, material_ids: tuple[str, ...], fields: tuple[str, ...] = ()
    ) -> Rows:
        """All documents of an endpoint about the materials, in the order of the ids."""
        return rows(self._ask(), endpoint, material_ids, fields)

    def entries(self, chemsys: tuple[str, ...], thermo_type: str) -> Rows:
        """Thermodynamic entries of chemical systems, many systems in one request."""
        ask = self._ask()
        # the Project writes r2SCAN in two ways
        types = "R2SCAN,r2SCAN" if thermo_type == "R2SCAN" else thermo_type
        documents = [
            with_licence(document | {"thermo_type": thermo_type})
            for batch in batches(chemsys)
            for document in ask.every(
                "thermo",
                {"chemsys": batch, "thermo_types": types},
                _ENTRY_FIELDS,
                most=_MAX_ENTRIES,
                whole=True,  # a hull over a part of the entries would be another hull
            )
        ]
        return Rows(tuple(documents), ask.notes)

    def structures(self, material_ids: tuple[str, ...]) -> dict[str, Document]:
        """The structures of the summary, by id, many in one request."""
        ask = self._ask()
        found = {
            document["material_id"]: with_licence(document)
            for batch in batches(material_ids)
            for document in ask.every(
                "summary", {"material_ids": batch}, ("material_id", "structure")
            )
            if document.get("structure")
        }
        return {
            identifier: project.compact(found[identifier]["structure"])
            | {"source": project.KEY, "_notes": [*found[identifier].get("_notes", ()), *ask.notes]}
            for identifier in material_ids
            if identifier in found
        }

    def spectrum(self, material_id: str, kind: SpectrumKind) -> Document:
        """A spectrum from the Project's open data on S3."""
        ask = self._ask()
        document = ask.spectrum(kind, material_id)
        return document | {"_notes": [*document["_notes"], *ask.notes]}

    def recipes(self, query: RecipeQuery) -> Recipes:
        """Recipes, best match first, read in pages of ten until enough of them fit.

        The endpoint takes one precursor, and compares temperatures as bare numbers, mostly
        degrees Celsius: both are checked here, with the printed unit.
        """
        ask = self._ask()
        parameters = _recipe_parameters(query)
        checked = replace(query, keywords=())  # the paragraph that comes back is cut
        found: list[Document] = []
        read = total = 0
        while len(found) < query.limit and read < _MAX_RECIPES_READ:
            page = ask.find("synthesis", parameters, limit=_RECIPES_PER_REQUEST, skip=read)
            total = max(total, page.total)
            read += len(page.documents)
            found += [document for document in page.documents if recipes.matches(document, checked)]
            if not page.documents or read >= page.total:
                break
        if read < total and (len(query.precursors) > 1 or any(query.temperature_k)):
            ask.say(
                f"the Project counts {total} recipes by one precursor and by temperatures as bare "
                f"numbers; {read} were read, and those that truly fit are shown"
            )
        elif read >= total:
            total = len(found)
        return Recipes(total, tuple(found[: query.limit]), ask.notes)


def _recipe_parameters(query: RecipeQuery) -> dict[str, Any]:
    lowest, highest = query.temperature_k
    zero = recipes.CELSIUS_ZERO_K
    parameters = {
        "target_formula": query.target or None,
        "precursor_formula": query.precursors[0] if query.precursors else None,
        "keywords": ",".join(word.replace(",", " ") for word in query.keywords) or None,
        "operations": list(query.operations) or None,
        "condition_heating_temperature_min": None if lowest is None else round(lowest - zero, 6),
        "condition_heating_temperature_max": None if highest is None else round(highest - zero, 6),
    }
    return {name: value for name, value in parameters.items() if value is not None}
