from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import pytest
from pydantic import ValidationError

from llamp_mcp.errors import InvalidInput
from llamp_mcp.simulation import properties
from llamp_mcp.simulation.calculate_property import OPERATION, PropertyParams
from llamp_mcp.simulation.properties import KINDS
from llamp_mcp.structures.variants import Arguments

VACANCY: dict[str, Any] = {"kind": "vacancy_energy", "structure_id": "s-0123456789abcdef"}


def asked_for(**arguments: Any) -> PropertyParams:
    return OPERATION.params.model_validate({**VACANCY, **arguments})


def test_every_file_with_a_kind_is_listed():
    names = [module.name for module in pkgutil.iter_modules(properties.__path__)]
    modules = [importlib.import_module(f"llamp_mcp.simulation.properties.{name}") for name in names]
    found = {module.KIND.name for module in modules if hasattr(module, "KIND")}
    assert found == {kind.name for kind in KINDS}


def test_the_schema_is_flat_and_has_every_argument_of_every_kind():
    schema = OPERATION.params.model_json_schema()["properties"]
    own = {name for kind in KINDS for name in kind.arguments.model_fields}

    assert set(schema) == {"kind", "structure_id", "calculator"} | own
    assert schema["kind"]["enum"] == [kind.name for kind in KINDS]
    for name in own:
        assert schema[name]["description"], name
        assert "$ref" not in str(schema[name])


def test_no_argument_is_named_as_what_all_kinds_take():
    for kind in KINDS:
        assert not {"kind", "structure_id", "calculator"} & set(kind.arguments.model_fields)


def test_an_argument_of_another_kind_is_an_error_that_names_the_right_ones():
    params = asked_for(miller=[1, 1, 1])
    with pytest.raises(InvalidInput, match=r"does not take 'miller'; it takes .*min_width_a"):
        params.asked()


def test_an_argument_of_no_kind_is_an_error():
    with pytest.raises(ValidationError, match="extra_forbidden"):
        asked_for(charge=1)


def test_an_unknown_kind_is_an_error_with_the_nearest():
    params = asked_for(kind="vacancy")
    with pytest.raises(InvalidInput, match="Did you mean 'vacancy_energy'"):
        params.asked()


def test_null_is_as_good_as_not_given_so_that_a_job_reads_its_own_parameters():
    params = asked_for(sites=[0])
    again = OPERATION.params.model_validate(params.model_dump(mode="json"))
    assert again.asked() == params.asked()
    assert again.asked()[2].model_dump()["sites"] == [0]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"sites": []}, "at least 1"),
        ({"supercell": [1, 2]}, "at least 3"),
        ({"min_width_a": -1}, "greater than 0"),
        ({"fmax_ev_per_a": 2}, "less than or equal to 1"),
    ],
)
def test_values_out_of_bounds_are_refused_by_the_kind(wrong, why):
    with pytest.raises(InvalidInput, match=why):
        asked_for(**wrong).asked()


def test_a_kind_that_names_its_own_calculators_refuses_the_common_one():
    own = [kind for kind in KINDS if kind.calculator == "own"]
    for kind in own:
        params = asked_for(kind=kind.name, calculator="emt")
        with pytest.raises(InvalidInput):
            params.asked()
    assert all(issubclass(kind.arguments, Arguments) for kind in KINDS)
