"""What can go wrong between this server and the Project: one clear error each, soon, no key in it.

The faults are injected in front of the Project's own server code; an address where nothing or
nobody answers is a plain socket.
"""

from __future__ import annotations

import socket
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import driving
from tests.loopback.francium import FRI

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llamp_mcp.settings import Settings
    from tests.loopback.fixtures import Project

pytestmark = pytest.mark.anyio

TIMEOUT_S = 1.5
SOON_S = 15.0
"""Three times what the slowest of these answers took beside another job, on two cores; a host
gives up after 60 s."""

SEARCH: dict[str, Any] = {"tool": "search_materials", "formula": "NaCl"}
PROPERTIES: dict[str, Any] = {"tool": "get_properties", "materials": ["mp-13"]}
QUESTIONS = pytest.mark.parametrize("question", [SEARCH, PROPERTIES], ids=lambda q: q["tool"])


@pytest.fixture
def api(project: Project) -> Project:
    """The API with a key for this test only."""
    return project.another()


@pytest.fixture
def settings(api: Project, tmp_path) -> Settings:
    return api.settings(tmp_path / "home", request_timeout_s=TIMEOUT_S)


@pytest.fixture(scope="module", autouse=True)
def warm(project: Project) -> None:
    """The first use of mp-api imports it for seconds: not what is timed here."""
    __import__("mp_api.client.routes.materials.summary")
    __import__("mp_api.client.routes.materials.electronic_structure")


@pytest.fixture(autouse=True)
def no_key_in_the_log(api: Project, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level("DEBUG"):
        yield
    assert api.key not in caplog.text


async def failure(settings: Settings, question: dict[str, Any]) -> str:
    """The text of a call that must fail, soon; the server goes on and lists its tools."""
    async with driving(settings) as server:
        start = time.monotonic()
        text = await server.error(**question)
        assert time.monotonic() - start < SOON_S
        assert len((await server.client.list_tools()).tools) > 5
    assert settings.mp_api_key is not None
    assert settings.mp_api_key.get_secret_value() not in text
    assert "Traceback" not in text
    return text


SAID = {
    "401": ("refused the key", "materialsproject.org/api"),
    "403": ("refused the key", "materialsproject.org/api"),
    "429-long": ("limits how often", "Call again in 3600 s"),
    "500": ("HTTP 500", "Call again in a minute"),
    "503": ("HTTP 503", "Call again in a minute"),
    "half": ("broke off half-way", "Call again in a minute"),
    "silent": ("did not answer within", "Call again in a minute"),
    "garbage": ("not JSON", "Call again in a minute"),
}


@QUESTIONS
@pytest.mark.parametrize("kind", SAID)
async def test_a_fault_that_stays_is_one_clear_error(api, settings, kind, question):
    api.fail(kind, times=100)
    text = await failure(settings, question)
    for said in SAID[kind]:
        assert said in text


@pytest.mark.parametrize("kind", ["429", "500", "503", "half", "garbage"])
async def test_a_fault_that_passes_is_not_noticed(api, tmp_path, kind):
    api.fail(kind, times=1)
    settings = api.settings(tmp_path / "home", request_timeout_s=5.0)
    async with driving(settings) as server:
        found = await server.call("search_materials", formula="NaCl")
    assert found["total"] > 0
    assert len(api.requests()) >= 2


@pytest.mark.parametrize("kind", ["401", "403"])
async def test_a_refused_key_is_not_tried_again(api, settings, kind):
    api.fail(kind, times=100)
    await failure(settings, SEARCH)
    assert len(api.requests()) == 1


async def test_a_key_that_the_project_does_not_know_is_refused(api, settings):
    wrong = settings.model_copy(update={"mp_api_key": type(settings.mp_api_key)("w" * 32)})
    text = await failure(wrong, SEARCH)
    assert "refused the key in MP_API_KEY (HTTP 403" in text


async def test_a_fault_in_the_middle_of_an_answer_is_told(api, settings):
    """The first request goes well, a later one does not: no half answer is passed off as whole."""
    api.fail("500", times=100, path="/thermo/")
    text = await failure(settings, PROPERTIES | {"groups": ["summary", "elasticity", "thermo"]})
    assert "HTTP 500" in text


@QUESTIONS
async def test_an_address_where_nobody_listens_is_told(api, settings, question):
    with closing(socket.socket()) as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    text = await failure(_at(settings, port), question)
    assert "nothing accepts connections there" in text
    assert "LLAMP_SOURCE=sample" in text


@QUESTIONS
async def test_a_socket_that_never_answers_is_given_up(api, settings, question):
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        text = await failure(_at(settings, silent.getsockname()[1]), question)
    assert "did not answer within 1.5 s" in text
    assert "LLAMP_REQUEST_TIMEOUT_S" in text


def _at(settings: Settings, port: int) -> Settings:
    return settings.model_copy(update={"mp_api_endpoint": f"http://127.0.0.1:{port}/"})


async def test_no_key_is_told_before_anything_is_asked(api, settings):
    without = settings.model_copy(update={"mp_api_key": None})
    async with driving(without) as server:
        text = await server.error("search_materials", formula="NaCl")
        assert len((await server.client.list_tools()).tools) > 5
    assert "MP_API_KEY is not set" in text
    assert "LLAMP_SOURCE=sample" in text


@pytest.mark.parametrize("kind", ["bands", "dos", "phonon_bands", "phonon_dos"])
async def test_s3_that_cannot_be_reached_is_told_and_the_rest_still_answers(
    api, settings, monkeypatch, kind
):
    with closing(socket.socket()) as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    text = await failure(settings, {"tool": "get_spectrum", "material": FRI, "kind": kind})
    assert "S3" in text
    async with driving(settings) as server:
        found = await server.call("get_properties", materials=[FRI], groups=["phonon"])
    assert found["results"]


async def test_a_silent_s3_is_given_up(api, settings, monkeypatch):
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        text = await failure(settings, {"tool": "get_spectrum", "material": FRI, "kind": "bands"})
    assert "S3" in text


async def test_a_project_that_recovers_is_asked_again(api, settings):
    """An error is not remembered as an answer."""
    api.fail("500", times=100)
    async with driving(settings) as server:
        assert "HTTP 500" in await server.error("search_materials", formula="NaCl")
        api.reset()
        assert (await server.call("search_materials", formula="NaCl"))["total"] > 0


async def test_a_cached_answer_survives_the_loss_of_the_network_and_says_so(api, settings):
    async with driving(settings) as server:
        first = await server.call("get_properties", materials=["mp-13"], groups=["elasticity"])
    api.fail("503", times=100)
    api.reset()
    async with driving(settings) as server:
        again = await server.call("get_properties", materials=["mp-13"], groups=["elasticity"])
    assert again["results"] == first["results"]
    assert api.requests() == []
    assert any("fetched" in note for note in again["notes"])
