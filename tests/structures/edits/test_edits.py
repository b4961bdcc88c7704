from __future__ import annotations

from pathlib import Path

import pytest

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures import edits
from llamp_mcp.structures.edits import EDITS
from tests.structures.conftest import edit, silicon

PROMISED = (
    "supercell primitive conventional substitute dope vacancy interstitial insert remove translate "
    "perturb strain set_lattice scale_volume rotate slab adsorbate vacuum interface twist "
    "grain_boundary order sqs decorate_oxidation_states sort"
)


def test_every_file_with_an_edit_is_listed() -> None:
    folder = Path(edits.__file__).parent
    files = {path.stem for path in folder.glob("*.py") if "\nEDIT = " in path.read_text("utf-8")}
    assert files == {listed.name for listed in EDITS}
    assert len(EDITS) == len(files)


def test_the_edits_promised_are_there() -> None:
    assert sorted(listed.name for listed in EDITS) == sorted(PROMISED.split())


def test_edits_are_applied_in_order_to_what_the_one_before_made() -> None:
    steps = edit(
        silicon(),
        {"op": "supercell", "repeats": [2, 1, 1]},
        {"op": "vacancy", "site": 3},
        {"op": "substitute", "species": {"Si": "Ge"}, "sites": [0]},
    )
    assert [len(step.structure) for step in steps] == [4, 3, 3]
    assert steps[1].report["composition_before"] == "Si4"
    assert steps[2].report["composition_after"] == "Si2 Ge1"


def test_the_structure_given_is_left_as_it_was() -> None:
    structure = silicon()
    edit(
        structure,
        {"op": "strain", "voigt": [0.1, 0, 0, 0, 0, 0]},
        {"op": "perturb", "distance_a": 0.1},
        {"op": "substitute", "species": {"Si": "Ge"}},
        {"op": "vacancy", "site": 0},
    )
    assert structure == silicon()


def test_the_edit_that_fails_is_named_and_nothing_was_changed() -> None:
    with pytest.raises(InvalidInput, match=r"edits\[1\] \(vacancy\): .*; nothing was changed"):
        edit(silicon(), {"op": "perturb", "distance_a": 0.1}, {"op": "vacancy", "site": 9})


def test_a_wrong_argument_is_found_before_any_edit_is_tried() -> None:
    with pytest.raises(InvalidInput, match=r"edits\[1\] op 'vacancy' does not take 'repeats'"):
        edit(silicon(), {"op": "vacancy", "site": 9}, {"op": "vacancy", "repeats": [1, 1, 1]})


@pytest.mark.parametrize("op", ["undo", "slabs", "supercel", "", None, 3])
def test_an_unknown_edit_is_answered_with_those_there_are(op: object) -> None:
    with pytest.raises(InvalidInput, match=r"Unknown op of edits\[0\].*supercell"):
        edit(silicon(), {"op": op})
