from __future__ import annotations

import socket
import time
from email.utils import formatdate

import pytest

from llamp_mcp.errors import SourceError
from llamp_mcp.materials import transport
from llamp_mcp.materials.transport import ATTEMPTS, Bounds, Transport, heartbeat
from tests.materials.live.stub_project import KEY, VERSION, page, serving, status

QUICK = Bounds(timeout_s=5, budget_s=10, backoff_s=0.001)
IMPATIENT = Bounds(timeout_s=0.2, budget_s=0.4, backoff_s=0.001)


@pytest.fixture
def stub():
    with serving() as server:
        yield server


def get(stub, bounds=QUICK, key=KEY):
    return Transport(key, bounds).get(f"{stub.address}materials/summary/", params={"a": "b"})


@pytest.mark.parametrize("fault", [status(429), status(500), status(503), "half", "reset"])
def test_a_passing_fault_is_asked_again(stub, fault):
    stub.answers(fault, fault, page({"material_id": "mp-3200001"}))
    assert get(stub).json()["data"] == [{"material_id": "mp-3200001"}]
    assert len(stub.requests) == 3


def test_a_page_of_a_proxy_instead_of_json_is_asked_again(stub):
    stub.answers(status(200, b"<html>log in</html>"), page())
    assert get(stub).json()["data"] == []


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (status(500), "HTTP 500"),
        (status(503, b"<html>"), "HTTP 503"),
        ("half", "broke off half-way"),
        ("reset", "connection lost"),
        (status(200, b"<html>"), "not JSON"),
    ],
)
def test_a_fault_that_stays_is_told_after_a_bounded_number_of_tries(stub, fault, text):
    stub.answers(fault)
    with pytest.raises(SourceError, match=text):
        get(stub)
    assert len(stub.requests) == ATTEMPTS


@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_key_is_told_at_once_and_never_shown(stub, code):
    stub.answers(status(code, f'{{"message": "bad key {KEY}"}}'.encode()))
    with pytest.raises(SourceError, match="refused the key in MP_API_KEY") as caught:
        get(stub)
    assert KEY not in str(caught.value)
    assert "materialsproject.org/api" in str(caught.value)
    assert len(stub.requests) == 1


def test_a_request_that_is_not_accepted_is_not_repeated(stub):
    stub.answers(status(400, b'{"detail": "no such parameter"}'))
    with pytest.raises(SourceError, match=r"HTTP 400.*no such parameter"):
        get(stub)
    assert len(stub.requests) == 1


def test_the_wait_that_the_server_asks_for_is_kept(stub, monkeypatch):
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    stub.answers(status(429, retry_after="3"), page())
    assert get(stub).status_code == 200
    assert waits == [3.0]


def test_a_longer_wait_than_the_budget_is_told_instead(stub):
    stub.answers(status(429, b'{"message": "too many"}', retry_after="3600"))
    with pytest.raises(SourceError, match=r"Call again in 3600 s"):
        get(stub)
    assert len(stub.requests) == 1


def test_a_wait_may_be_given_as_a_date(stub):
    stub.answers(status(429, retry_after=formatdate(4_000_000_000, usegmt=True)))
    with pytest.raises(SourceError, match=r"Call again in [0-9]{7,} s"):
        get(stub)


def test_waits_grow_from_try_to_try(stub, monkeypatch):
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    stub.answers(status(503))
    with pytest.raises(SourceError):
        get(stub, Bounds(timeout_s=5, budget_s=60, backoff_s=1.0))
    for wait, doubled in zip(waits, (1, 2, 4), strict=True):
        assert 0.75 * doubled <= wait <= 1.25 * doubled


def test_a_silent_socket_ends_with_the_timeout(stub):
    stub.answers("silent")
    with pytest.raises(SourceError, match=r"did not answer within 0.2 s"):
        get(stub, IMPATIENT)
    assert len(stub.requests) == 1


def test_an_answer_that_trickles_in_ends_with_the_budget(stub, monkeypatch):
    """Every piece starts the time-out of the socket anew: only the budget ends it."""
    monkeypatch.setattr(transport, "_CHUNK_BYTES", 1)
    ticks = iter(range(1_000_000))
    monkeypatch.setattr(time, "monotonic", lambda: next(ticks) / 10)
    stub.answers(page(*[{"material_id": "mp-3200001"}] * 20))
    with pytest.raises(SourceError, match="did not answer within 10 s"):
        get(stub)


def test_a_refused_connection_is_told_at_once():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/"
    with pytest.raises(SourceError, match="nothing accepts connections") as caught:
        Transport(KEY, QUICK).get(address)
    assert "LLAMP_SOURCE=sample" in str(caught.value)


def test_a_name_that_does_not_resolve_is_told(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)

    def fail(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(SourceError, match="name cannot be resolved"):
        Transport(KEY, QUICK).get("http://api.materialsproject.invalid/")


@pytest.mark.parametrize("address", ["api.materialsproject.org/", "ftp://x/", "http://"])
def test_an_endpoint_that_is_no_address_is_told(address):
    with pytest.raises(SourceError, match="MP_API_ENDPOINT is not an address"):
        Transport(KEY, QUICK).get(address)


def test_the_key_does_not_follow_a_redirect(stub):
    with serving() as other:
        stub.answers(status(302, location=f"{other.address}materials/summary/"))
        with pytest.raises(SourceError, match="redirects"):
            get(stub)
        assert other.requests == []


def test_credentials_in_the_address_are_not_shown():
    with pytest.raises(SourceError) as caught:
        Transport(KEY, QUICK).get("http://user:secret@127.0.0.1:9/?token=secret")
    assert "secret" not in str(caught.value)


def test_the_heartbeat_is_asked_without_the_key(stub):
    assert heartbeat(stub.address, QUICK)["db_version"] == VERSION


@pytest.mark.parametrize("body", [b"{}", b'{"db_version": ""}', b'{"db_version": '])
def test_a_heartbeat_of_something_else_is_told(stub, body):
    stub.heartbeat = status(200, body)
    with pytest.raises(SourceError, match="not as the Materials Project's API does"):
        heartbeat(stub.address, QUICK)


def test_a_silent_heartbeat_ends_with_the_timeout(stub):
    stub.heartbeat = "silent"
    with pytest.raises(SourceError, match="did not answer within"):
        heartbeat(stub.address, IMPATIENT)


def test_reaching_tells_what_is_not_there(stub):
    transport.reach(stub.address, 5, "S3")  # an error status is an answer, too
    with pytest.raises(SourceError, match="S3 cannot be reached"):
        transport.reach("http://127.0.0.1:9", 5, "S3")


def test_a_closed_door_is_not_blamed_on_the_key(stub):
    stub.heartbeat = status(403)
    with pytest.raises(SourceError, match="lets nobody in now"):
        heartbeat(stub.address, QUICK)
