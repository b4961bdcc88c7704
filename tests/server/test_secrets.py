"""Keys and tokens appear nowhere: not in results, logs, files, arguments or other processes.

The canaries are words that no rule of form would take for a key, so that only what knows them can
take them out.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

import psutil
import pytest
from mcp import Client, MCPError
from mcp.client.stdio import StdioServerParameters, stdio_client
from pydantic import SecretStr, ValidationError

from llamp_mcp.client import text_of
from llamp_mcp.recording import Redaction
from llamp_mcp.settings import Settings
from llamp_mcp.simulation.workers.process_environment import process_environment
from tests.conftest import driving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.anyio

CANARIES: Final = {
    "MP_API_KEY": "canarykeyofthematerialsprojectxy",
    "LLAMP_LLM_KEY": "canary-key-of-the-language-model",
    "LLAMP_HTTP_TOKEN": "canary-token-of-the-http-server",
}
OF_ANN: Final = "canary-token-of-ann-alone"
PASSWORD: Final = "canary-password-in-an-address"
SILENT_PORT: Final = "http://127.0.0.1:9/"


def clean(what: str, *texts: object) -> None:
    """None of them holds a canary, or the better part of one."""
    for text in texts:
        said = text if isinstance(text, str) else repr(text)
        assert "canary" not in said.lower(), f"{what}: {said[:2000]}"


def clean_files(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            assert b"canary" not in path.read_bytes().lower(), path


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was sent, keys and all, in the way that the first path names."""

    def _answer(self) -> None:
        if length := int(self.headers.get("content-length", 0)):
            self.rfile.read(length)
        way = self.path.strip("/").partition("/")[0]
        said = {name.lower(): value for name, value in self.headers.items()}
        if "heartbeat" in self.path and not way.startswith("early"):
            self._send(200, {"status": "OK", "db_version": "2026.01.01"})
        elif way == "text":
            self._send(200, f"no JSON: {said}".encode())
        elif way == "half":
            self.wfile.write(
                b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n" + f"{said}".encode()
            )
        elif way == "junk":
            self.wfile.write(f"{said}\r\n\r\n".encode())
        elif way.startswith("odd"):
            self._send(200, {"error": said, "data": f"{said}", "choices": f"{said}"})
        else:
            # the key crosses the end of what is told of a refusal
            padded = {"error": {"message": "x" * int(way[3:] or 0) + json.dumps(said)}}
            self._send(int(way[:3]), padded, location=f"{SILENT_PORT}?{said}")

    do_GET = do_POST = do_HEAD = _answer  # noqa: N815 (names that the library calls)

    def _send(self, status: int, body: Any, **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(data))}.items():
            self.send_header(name, value)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@contextmanager
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Repeats follow at once."""
    from llamp_mcp.materials import transport

    with monkeypatch.context() as patched:
        patched.setattr(transport.Transport, "_wait", lambda *_: 0.0)
        yield


def live(home: Path, endpoint: str) -> Settings:
    return Settings(
        home=home,
        source="live",
        mp_api_key=SecretStr(CANARIES["MP_API_KEY"]),
        mp_api_endpoint=endpoint,
        request_timeout_s=3,
        record=True,
    )


WAYS: Final = (
    *("401", "403", "404", "429", "500", "302", "text", "half", "junk", "odd"),
    *("401310", "401340", "401370", "early500"),
)


@pytest.mark.parametrize("way", WAYS)
async def test_a_database_that_repeats_the_key_is_not_quoted(
    echo: str,
    way: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG, "llamp_mcp")
    endpoint = f"http://user:{PASSWORD}@{echo}/{way}/"
    with no_waiting(monkeypatch):
        async with driving(live(tmp_path / "home", endpoint)) as server:
            for tool, arguments in (
                ("search_materials", {"formula": "Si"}),
                ("get_properties", {"materials": ["mp-149"], "groups": ["robocrys"]}),
                ("get_structure", {"material": "mp-149"}),
                ("find_synthesis", {"target": "LiFePO4"}),
            ):
                clean(tool, await server.error(tool, **arguments))
            for uri in ("llamp://source", "mp://mp-149/thermo"):
                try:
                    clean(uri, (await server.client.read_resource(uri)).model_dump_json())
                except MCPError as error:
                    clean(uri, str(error))
    clean("log", caplog.text)
    clean_files(tmp_path)


@pytest.mark.parametrize("endpoint", [SILENT_PORT, "http://[::1", "htp://x/", "not an address"])
async def test_an_address_with_a_password_is_told_without_it(
    endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheme, slashes, rest = endpoint.partition("://")
    secret = f"{scheme}{slashes}user:{PASSWORD}@{rest}" if slashes else f"{endpoint}:{PASSWORD}@"
    with no_waiting(monkeypatch):
        async with driving(live(tmp_path / "home", secret)) as server:
            text = await server.error("search_materials", formula="Si")
    clean(endpoint, text)
    assert "MP_API_ENDPOINT" in text


@pytest.mark.parametrize("way", ["401", "403", "404", "400170", "400190", "text", "half", "odd"])
async def test_a_language_model_that_repeats_its_key_is_not_quoted(
    echo: str, way: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "llamp_mcp")
    settings = Settings(
        home=tmp_path / "home",
        source="sample",
        llm_model="any",
        llm_url=f"http://user:{PASSWORD}@{echo}/{way}",
        llm_key=SecretStr(CANARIES["LLAMP_LLM_KEY"]),
        llm_timeout_s=5,
        record=True,
    )
    async with driving(settings) as server:
        result = await server.raw("ask_expert", expert="thermo", question="Is Si stable?")
    clean(way, text_of(result), result.structured_content)
    clean("log", caplog.text)
    clean_files(tmp_path)


def test_settings_do_not_show_their_secrets() -> None:
    settings = Settings(
        mp_api_key=SecretStr(CANARIES["MP_API_KEY"]),
        llm_key=SecretStr(CANARIES["LLAMP_LLM_KEY"]),
        http_token=SecretStr(CANARIES["LLAMP_HTTP_TOKEN"]),
        http_tokens={"ann": SecretStr(OF_ANN)},
    )
    clean("settings", repr(settings), str(settings), settings.model_dump_json())


@pytest.mark.parametrize(
    "wrong",
    [
        f'{{"ann": "{OF_ANN}"',
        f'{{"An n!": "{OF_ANN}"}}',
        f'["{OF_ANN}"]',
        f'{{"ann": ["{OF_ANN}"]}}',
        f'{{"ann": "{OF_ANN}", "ben": "{OF_ANN}"}}',
        '{"ann": "canary"}',
        f"/nowhere/{OF_ANN}",
        f"ann = {OF_ANN}",
    ],
)
def test_wrong_tokens_are_refused_without_repeating_them(
    wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLAMP_HTTP_TOKENS", wrong)
    with pytest.raises(ValidationError) as caught:
        Settings()
    clean(wrong, *(item["msg"] for item in caught.value.errors()))


def test_a_server_with_wrong_tokens_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLAMP_HTTP_TOKENS", f'{{"An n!": "{OF_ANN}"}}')
    command = [sys.executable, "-m", "llamp_mcp", "tools"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode
    clean("refusal", refused.stdout, refused.stderr)


def test_recordings_know_the_tokens_of_every_caller() -> None:
    settings = Settings(http_tokens={"ann": SecretStr(OF_ANN)})
    clean("redaction", Redaction.of(settings).text(f"Bearer x, {OF_ANN}"))


def test_a_worker_inherits_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = {**CANARIES, "LLAMP_HTTP_TOKENS": f'{{"ann": "{OF_ANN}"}}'}
    secret |= {"OPENAI_API_KEY": "canary", "AWS_SECRET_ACCESS_KEY": "canary", "HF_TOKEN": "canary"}
    for name, value in secret.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", os.environ["PATH"])
    made = process_environment(1)
    clean("environment", made)
    assert made["PATH"] == os.environ["PATH"]


async def test_a_server_with_a_worker_keeps_them_to_itself(echo: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    log = tmp_path / "stderr"
    environment = {
        **CANARIES,
        "LLAMP_HTTP_TOKENS": json.dumps({"ann": OF_ANN}),
        "LLAMP_HOME": str(home),
        "LLAMP_SOURCE": "sample",
        "LLAMP_RECORD": "1",
        "LLAMP_LLM_MODEL": "any",
        "LLAMP_LLM_URL": f"http://{echo}/401",
        "LLAMP_WORKER_IDLE_S": "10",
        "PATH": os.environ["PATH"],
    }
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "llamp_mcp"], env=environment
    )
    copper = {"kind": "bulk", "name": "Cu", "crystal": "fcc", "a": 3.615}
    with log.open("w") as stderr:
        async with Client(stdio_client(command, errlog=stderr)) as client:
            made = await client.call_tool("create_structure", {"prototype": copper})
            arguments = {
                "structure_id": (made.structured_content or {})["structure_id"],
                "calculator": "emt",
            }
            energy = await client.call_tool("calculate_energy", arguments)
            clean("job", text_of(energy), energy.structured_content)
            assert not energy.is_error
            asked = {"expert": "thermo", "question": f"Say {CANARIES['LLAMP_LLM_KEY']}"}
            await client.call_tool("ask_expert", asked)
            workers = [
                process
                for process in psutil.Process().children(recursive=True)
                if "workers.worker" in " ".join(process.cmdline())
            ]
            assert workers
            for process in workers:
                clean("worker", " ".join(process.cmdline()), process.environ())
            (server,) = (p for p in psutil.Process().children() if p.pid == workers[0].ppid())
            clean("server", " ".join(server.cmdline()))
    clean("stderr", log.read_text())
    clean_files(home)
    assert list((home / "recordings").iterdir())
    for process in workers:
        process.terminate()
    psutil.wait_procs(workers, timeout=10)


def test_the_doctor_names_no_secret(echo: str, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        **CANARIES,
        "LLAMP_HOME": str(tmp_path / "home"),
        "LLAMP_SOURCE": "live",
        "LLAMP_HTTP_TOKENS": json.dumps({"ann": OF_ANN}),
        "MP_API_ENDPOINT": f"http://user:{PASSWORD}@{echo}/401/",
        "LLAMP_LLM_MODEL": "any",
        "LLAMP_LLM_URL": f"http://user:{PASSWORD}@{echo}/401",
        "COLUMNS": "400",
    }
    told = subprocess.run(
        [sys.executable, "-m", "llamp_mcp", "doctor"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "MP_API_KEY" in told.stdout
    clean("doctor", told.stdout, told.stderr)
    clean_files(tmp_path)
