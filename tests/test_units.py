from __future__ import annotations

import pytest

from llamp_mcp.units import EV_PER_A3_IN_GPA, unit_of


def test_the_conversion_to_gpa_is_that_of_ase() -> None:
    # ASE is the second implementation; its constants are CODATA 2014, hence the tolerance.
    from ase import units

    assert pytest.approx(1 / units.GPa, rel=1e-7) == EV_PER_A3_IN_GPA


def test_a_part_of_a_field_has_the_unit_of_the_field() -> None:
    assert unit_of("bulk_modulus.vrh") == unit_of("bulk_modulus") == "GPa"
    assert unit_of("unheard_of") is None
