"""What a group of properties is: fields, units, how they were computed, what to beware."""

from __future__ import annotations

from dataclasses import dataclass

from llamp_mcp.units import unit_of


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a group, by its emmet-core name.

    Attributes:
        name: Name in the Project's documents.
        about: What it means, in a few words.
        own_unit: Unit, where `units.FIELD_UNITS` has none for this name.
        parts: Keys of a value that is an object of scalars.
        leaf: The part that a bare name means in filters and sorting.
        text: Parts whose values are words; the field's own name where it is one as a whole.
        single: Whether a material has one value (or one per part) of it, to filter and sort by.
        heavy: Given only when asked for by name (tensors, long lists).
        minimum: A value below is unphysical.
        maximum: A value above is unphysical.
    """

    name: str
    about: str
    own_unit: str = ""
    parts: tuple[str, ...] = ()
    leaf: str = ""
    text: tuple[str, ...] = ()
    single: bool = True
    heavy: bool = False
    minimum: float | None = None
    maximum: float | None = None

    @property
    def unit(self) -> str | None:
        """Unit of the value, or None for one without."""
        return self.own_unit or unit_of(self.name)

    @property
    def key(self) -> str:
        """The dotted name of the scalar that filters and sorting mean."""
        return f"{self.name}.{self.leaf}" if self.leaf else self.name


@dataclass(frozen=True, slots=True)
class Group:
    """A group of properties that is asked for by name.

    Attributes:
        name: Name of the group, as `get_properties` takes it.
        about: What it holds.
        fields: The fields at home in it.
        method: How the values were computed.
        caveat: What a reader must know before using them.
        view: Fields of other groups that it shows as well.
    """

    name: str
    about: str
    fields: tuple[Field, ...]
    method: str
    caveat: str = ""
    view: tuple[str, ...] = ()
