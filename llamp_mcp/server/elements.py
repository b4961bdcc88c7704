"""Elemental references of a formation energy, out of the materials database.

The one place where the database and the calculations meet: a calculation takes structures, and
here those of the elements are fetched for it when the caller did not give them.
"""

from __future__ import annotations

from llamp_mcp.errors import InvalidInput
from llamp_mcp.operation import Params
from llamp_mcp.server.services import Services


def with_elements(params: Params, services: Services) -> Params:
    """The arguments, with a structure of each element when `reference` asks for elements.

    Those that the caller gave stay; for the others, the database's entry lowest on the hull.

    Raises:
        InvalidInput: The database has no structure of an element.
    """
    if getattr(params, "reference", "") != "elements":
        return params
    given: list[str] = list(getattr(params, "reference_ids", []))
    handles = getattr(params, "structure_ids", []) or [getattr(params, "structure_id", "")]
    wanted = {symbol for handle in handles for symbol in _elements(services, handle)}
    known = {symbol for handle in given for symbol in _elements(services, handle)}
    found = [_fetch(services, symbol) for symbol in sorted(wanted - known)]
    return params.model_copy(update={"reference_ids": [*given, *found]})


def _elements(services: Services, handle: str) -> set[str]:
    from llamp_mcp.simulation.atoms import elements_of

    return set(elements_of(services.structures.get(handle)))


def _fetch(services: Services, symbol: str) -> str:
    from llamp_mcp.materials.get_structure import StructureParams, get_structure

    try:
        return get_structure(
            StructureParams(material=symbol),
            source=services.source,
            structures=services.structures,
        ).structure_id
    except InvalidInput as error:
        raise InvalidInput(
            f"There is no reference structure of {symbol} here: {error.what}",
            next_step="Make one (create_structure) and give it in reference_ids, or set reference "
            "to 'none'.",
        ) from error
