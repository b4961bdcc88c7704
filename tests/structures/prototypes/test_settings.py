from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pymatgen.analysis.prototypes import WYCKOFF_MULTIPLICITY_DICT
from pymatgen.symmetry.groups import SpaceGroup

from llamp_mcp.structures.prototypes.settings import Setting, setting_named
from llamp_mcp.structures.prototypes.wyckoff import positions_of, tabulated

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike

GENERAL = (0.1372, 0.2119, 0.4313)


@cache
def every_setting() -> tuple[Setting, ...]:
    """All that the table of Wyckoff positions knows."""
    standard = [setting_named(number) for number in range(1, 231)]
    others = [
        setting_named(f"{one.number}:{choice}")
        for one in standard
        for choice in ("2", "R")
        if one.symbol.endswith((":1", ":H")[choice == "R"])
    ]
    return (*standard, *others)


def operations(rotations: Iterable[ArrayLike], translations: Iterable[ArrayLike]) -> set[bytes]:
    """In whole numbers: rotations, and translations in 24ths of the cell."""
    return {
        np.rint(np.append(np.ravel(turn), np.mod(np.rint(np.multiply(shift, 24)), 24)))
        .astype(int)
        .tobytes()
        for turn, shift in zip(rotations, translations, strict=True)
    }


def test_the_table_has_a_standard_setting_of_each_group_and_the_other_origins_and_axes() -> None:
    assert sorted({one.hall for one in every_setting()}) == sorted(tabulated())
    assert len(tabulated()) == 230 + 24 + 7


# The cubic ones of 96 and 192 operations take pymatgen seconds each.
@pytest.mark.parametrize("number", [1, 5, 14, 15, 48, 62, 70, 88, 141, 146, 166, 185, 198, 221])
def test_a_number_means_the_operations_that_pymatgen_takes_it_for(number: int) -> None:
    ours, theirs = setting_named(number), SpaceGroup.from_int_number(number).symmetry_ops
    assert operations(ours.rotations, ours.translations) == operations(
        [one.rotation_matrix for one in theirs], [one.translation_vector for one in theirs]
    )


def test_the_positions_of_every_setting_have_the_multiplicities_of_the_international_tables() -> (
    None
):
    for setting in every_setting():
        ours = {one.letter: one.multiplicity for one in setting.positions}
        third = 3 if setting.symbol.endswith(":R") else 1  # the R lattice is primitive there
        theirs = WYCKOFF_MULTIPLICITY_DICT[str(setting.number)]
        assert ours == {letter: int(many) // third for letter, many in theirs.items()}


def test_a_point_of_every_position_has_its_multiplicity_and_is_found_again() -> None:
    values = dict(zip("xyz", GENERAL, strict=True))
    for setting in every_setting():
        for position in setting.positions:
            point = position.point(**values)
            assert len(setting.orbit(point)) == position.multiplicity, (setting, position)
            image = setting.images(point)[-1]
            found, solved = setting.locate(image)
            assert found == position
            again = setting.orbit(position.point(**solved)) - image
            assert np.abs(again - np.round(again)).max(axis=1).min() < 1e-8


@pytest.mark.parametrize(
    ("named", "symbol", "number"),
    [
        (227, "Fd-3m:1", 227),
        ("227", "Fd-3m:1", 227),
        ("227:2", "Fd-3m:2", 227),
        ("Fd-3m:2", "Fd-3m:2", 227),
        ("I4_1/amd:2", "I4_1/amd:2", 141),
        ("I41/amd", "I4_1/amd:1", 141),
        ("P 21/c", "P2_1/c", 14),
        ("P2_1/n", "P12_1/n1", 14),
        ("I2/a", "I12/a1", 15),
        ("Pbnm", "Pbnm", 62),
        ("Cmca", "Cmce", 64),
        ("Cmce", "Cmce", 64),
        ("R-3m", "R-3m:H", 166),
        ("R-3m:R", "R-3m:R", 166),
        ("P 4_2/m n m", "P4_2/mnm", 136),
    ],
)
def test_symbols_are_understood_as_they_are_written(
    named: int | str, symbol: str, number: int
) -> None:
    found = setting_named(named)
    assert (found.symbol, found.number) == (symbol, number)
    assert setting_named(found.symbol) == found


def test_only_standard_settings_have_letters() -> None:
    assert setting_named("Pbnm").positions == ()
    assert positions_of(setting_named("Pnma").hall)[-1].name == "8d"


def test_the_cell_that_a_monoclinic_group_wants_depends_on_its_setting() -> None:
    from pymatgen.core import Lattice

    assert setting_named("P2_1/c").fits(Lattice.monoclinic(5, 6, 7, 100))
    assert not setting_named("P2_1/c").fits(Lattice.from_parameters(5, 6, 7, 90, 90, 100))
    assert setting_named("P112_1/a").fits(Lattice.from_parameters(5, 6, 7, 90, 90, 100))
