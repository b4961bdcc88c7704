"""What a question costs the Project, counted at its own API: requests of data, not heartbeats."""

from __future__ import annotations

import pytest

from tests.conftest import driving
from tests.loopback.francium import FRI

pytestmark = pytest.mark.anyio

METALS = ["Sc", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn"]


@pytest.fixture
def api(project):
    return project.another()


@pytest.mark.parametrize(
    "groups",
    [
        ["elasticity", "thermo", "magnetism"],
        ["summary", "thermo", "electronic_structure"],
        ["dielectric", "bonds", "oxidation_states"],
        ["phonon", "tasks", "electrodes"],
    ],
    ids=",".join,
)
async def test_ten_formulas_and_three_groups_cost_at_most_four_requests(api, tmp_path, groups):
    materials = [*METALS[:9], "FrI"]
    async with driving(api.settings(tmp_path)) as server:
        found = await server.call("get_properties", materials=materials, groups=groups)
        assert len(api.requests()) <= 4
        assert {row["requested"] for row in found["results"]} <= set(materials)
        api.reset()
        again = await server.call("get_properties", materials=materials, groups=groups)
        assert api.requests() == []
    assert again["results"] == found["results"]


async def test_a_search_of_one_page_costs_one_request_and_its_repeat_none(api, tmp_path):
    async with driving(api.settings(tmp_path)) as server:
        await server.call("search_materials", formula="Fe2O3", ranges={"density": [1.0, None]})
        assert len(api.requests()) == 1
        await server.call("search_materials", formula="Fe2O3", ranges={"density": [1.0, None]})
        assert len(api.requests()) == 1


async def test_every_request_carries_the_key_in_a_header_and_not_in_the_address(api, tmp_path):
    async with driving(api.settings(tmp_path)) as server:
        await server.call("get_properties", materials=[FRI], groups=["summary", "xas", "tasks"])
    asked = api.requests()
    assert asked
    assert all(api.key not in str(request) for request in asked)


async def test_a_cache_that_is_switched_off_asks_each_time(api, tmp_path):
    async with driving(api.settings(tmp_path, cache_days=0)) as server:
        for _ in range(2):
            await server.call("search_materials", formula="NaCl")
    asked = [request["query"] for request in api.requests()]
    assert len(asked) == 2
    assert asked[0] == asked[1]
