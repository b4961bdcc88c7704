from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from llamp_mcp.errors import InvalidInput
from llamp_mcp.materials import OPERATIONS, groups
from llamp_mcp.materials.groups import FIELDS, GROUPS, HOME, GroupName

PACKAGE = Path(groups.__file__).parent


def test_every_group_file_is_listed():
    files = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "table"}
    assert files == set(GROUPS) == set(get_args(GroupName))


def test_every_operation_file_is_listed():
    with_operation = {
        path.stem for path in PACKAGE.parent.glob("*.py") if "\nOPERATION = " in path.read_text()
    }
    assert with_operation == {operation.name for operation in OPERATIONS}


def test_every_field_has_one_home():
    listed = [field.name for group in GROUPS.values() for field in group.fields]
    assert len(listed) == len(set(listed)) == len(FIELDS) == len(HOME)


def test_the_enum_has_exactly_the_groups_the_sample_holds(source):
    coverage = source.meta().coverage
    assert all(coverage[name] > 0 for name in GROUPS)


@pytest.mark.parametrize("name", list(GROUPS))
def test_each_group_is_described_with_units_and_method(name):
    text = groups.describe_group(name)
    assert "Method:" in text
    for field in GROUPS[name].fields:
        assert f"- {field.name}" in text
        assert field.unit is None or f"[{field.unit}]" in text


def test_unknown_names_are_refused_with_the_allowed_ones():
    with pytest.raises(InvalidInput, match=r"elasticity.*Did you mean 'elasticity'"):
        groups.group_named("elastic")
    with pytest.raises(InvalidInput, match="Did you mean 'band_gap'"):
        groups.field_named("bandgap")
    with pytest.raises(InvalidInput, match=r"bulk_modulus\.vrh"):
        groups.field_named("bulk_modulus.hill")
    with pytest.raises(InvalidInput, match=r"'density\.x'"):
        groups.field_named("density.x")


def test_a_bare_modulus_means_its_average():
    assert groups.scalar_key("bulk_modulus") == "bulk_modulus.vrh"
    assert groups.scalar_key("bulk_modulus.reuss") == "bulk_modulus.reuss"


@pytest.mark.parametrize("name", ["elastic_tensor", "magmoms", "average_oxidation_states"])
def test_what_is_not_one_value_cannot_be_sorted_by(name):
    with pytest.raises(InvalidInput, match="field for a sort"):
        groups.scalar_key(name)


@pytest.mark.parametrize("name", ["ordering", "symmetry.symbol", "formula_pretty", "thermo_type"])
def test_no_range_can_be_put_on_words(name):
    assert groups.scalar_key(name) == name
    with pytest.raises(InvalidInput, match="field for a range"):
        groups.scalar_key(name, numeric=True)
