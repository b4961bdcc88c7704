"""What a snapshot is asked to hold, checked before anything is fetched."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Self, get_args

from llamp_mcp.errors import InvalidInput, one_of
from llamp_mcp.materials import identifiers
from llamp_mcp.materials.endpoints import ENDPOINTS
from llamp_mcp.materials.groups import GROUPS
from llamp_mcp.materials.source import SpectrumKind

if TYPE_CHECKING:
    from collections.abc import Iterable

DEFAULT_ENDPOINTS: Final = tuple(name for name in ENDPOINTS if name != "tasks")
"""All but the single calculations, which take more room than all else together."""
_ALWAYS: Final = ("summary", "thermo")


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRequest:
    """What to fetch: entries that meet any of the criteria, and documents of them.

    Attributes:
        chemsys: Chemical systems with everything in them: `Fe-Li-O` means Fe, Li, O, Fe-Li, … too.
            With a wildcard, such as `Fe-O-*`, only systems of just so many elements.
        formulas: Keys of `identifiers.formula_key`.
        elements: Entries that have all of these elements, whatever else.
        material_ids: Single entries.
        endpoints: Endpoints to fetch; summary and thermo always are.
        spectra: Kinds of spectra to fetch as well, one request or more each.
    """

    chemsys: tuple[str, ...] = ()
    formulas: tuple[str, ...] = ()
    elements: tuple[str, ...] = ()
    material_ids: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = DEFAULT_ENDPOINTS
    spectra: tuple[SpectrumKind, ...] = ()

    @classmethod
    def of(
        cls,
        *,
        chemsys: Iterable[str] = (),
        formulas: Iterable[str] = (),
        elements: Iterable[str] = (),
        material_ids: Iterable[str] = (),
        groups: Iterable[str] = (),
        spectra: Iterable[str] = (),
    ) -> Self:
        """A request of what a user typed.

        Args:
            chemsys: Such as `Li-Fe-O` or `Fe-O-*`.
            formulas: Such as `LiFePO4`.
            elements: Symbols.
            material_ids: Such as `mp-149`.
            groups: Names of groups or endpoints; none: all but `tasks`.
            spectra: Kinds of spectra.

        Raises:
            InvalidInput: Something cannot be, or nothing bounds the snapshot.
        """
        systems = (s for text in chemsys for s in identifiers.chemical_systems(text))
        endpoints = [_endpoint(name) for name in groups]
        chosen = [name for name in ENDPOINTS if name in {*endpoints, *_ALWAYS}]
        request = cls(
            chemsys=tuple(sorted(set(systems))),
            formulas=tuple(sorted({identifiers.formula_key(text) for text in formulas})),
            elements=tuple(sorted(set(identifiers.elements(elements)))),
            material_ids=tuple(
                sorted(set(map(identifiers.material_id, material_ids)), key=identifiers.id_number)
            ),
            endpoints=tuple(chosen) if endpoints else DEFAULT_ENDPOINTS,
            spectra=tuple(sorted({_spectrum(kind) for kind in spectra})),
        )
        if not (request.chemsys or request.formulas or request.elements or request.material_ids):
            raise InvalidInput(
                "Nothing says which materials the snapshot is to hold, and the whole database "
                "must not be fetched like this",
                allowed="chemical systems, formulas, elements or material ids",
                next_step="Give for example --chemsys Li-Fe-O or --formula LiFePO4.",
            )
        return request

    def as_json(self) -> dict[str, Any]:
        """The request as a file keeps it."""
        return {name: list(value) for name, value in asdict(self).items()}

    def systems(self) -> tuple[str, ...]:
        """The chemical systems without wildcards, with all that lie in them."""
        named = [system for system in self.chemsys if "*" not in system]
        return identifiers.subsystems(named)

    def __str__(self) -> str:
        from pymatgen.core.composition import Composition

        parts = (
            ", ".join(self.chemsys),
            ", ".join(Composition(key).reduced_formula for key in self.formulas),
            f"all with {' and '.join(self.elements)}" if self.elements else "",
            _some(self.material_ids),
        )
        return "; ".join(part for part in parts if part)


def _some(material_ids: tuple[str, ...], most: int = 5) -> str:
    if len(material_ids) <= most:
        return ", ".join(material_ids)
    return f"{', '.join(material_ids[:most])} and {len(material_ids) - most} more ids"


def _endpoint(name: str) -> str:
    if name in GROUPS:
        return GROUPS[name].source_of
    if name not in ENDPOINTS:
        raise one_of("group", name, {*GROUPS, *ENDPOINTS})
    return name


def _spectrum(kind: str) -> SpectrumKind:
    for known in get_args(SpectrumKind):
        if kind == known:
            return known  # type: ignore[no-any-return]
    raise one_of("kind of spectrum", kind, get_args(SpectrumKind))
