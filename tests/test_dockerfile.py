"""The Dockerfile as far as it can be checked without a container engine.

`scripts/check_dockerfile.py` runs its steps; it takes minutes, so it is not run here.
"""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCKERFILE = ROOT / "Dockerfile"
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "check_dockerfile.py"))
BUILD, RUNTIME = SCRIPT["stages"](DOCKERFILE)
RULES = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()


def of(stage: list[tuple[str, str]], word: str) -> list[str]:
    return [rest for found, rest in stage if found == word]


def test_hadolint_has_nothing_to_say() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    linted = subprocess.run(
        [str(linter), str(DOCKERFILE)], capture_output=True, text=True, check=False
    )
    assert linted.returncode == 0, linted.stdout


def test_the_base_is_pinned_and_slim() -> None:
    (version,) = re.findall(r"ARG PYTHON=(\S+)", DOCKERFILE.read_text(encoding="utf-8"))
    assert re.fullmatch(r"3\.11\.\d+-slim-bookworm", version)
    assert {rest.split()[0] for rest in of(BUILD, "FROM") + of(RUNTIME, "FROM")} == {
        "python:${PYTHON}"
    }


def test_the_last_stage_holds_what_runs_and_no_source() -> None:
    assert of(RUNTIME, "COPY") == ["--from=build /opt/llamp /opt/llamp"]
    assert not [rest for rest in of(RUNTIME, "RUN") if "pip" in rest or "build-essential" in rest]


def test_it_runs_as_nobody_special_and_keeps_its_home_in_a_volume() -> None:
    assert of(RUNTIME, "USER") == ["10001:10001"]
    assert of(RUNTIME, "VOLUME") == ["/data"]
    assert "LLAMP_HOME=/data" in of(RUNTIME, "ENV")[0]
    words = [word for word, _ in RUNTIME]
    assert words.index("USER") > max(n for n, word in enumerate(words) if word == "RUN")


def test_no_secret_is_asked_for_or_kept_while_building() -> None:
    kept = [rest for word, rest in BUILD + RUNTIME if word in ("ARG", "ENV", "LABEL")]
    assert not re.search(r"(?i)key|token|secret|passw", " ".join(kept))


def test_all_that_is_installed_is_constrained_and_torch_is_the_cpu_build() -> None:
    installing = [rest for rest in of(BUILD, "RUN") if "pip install" in rest]
    assert all("--constraint constraints.txt" in rest for rest in installing)
    assert installing[0].endswith("--index-url https://download.pytorch.org/whl/cpu torch")
    (extras,) = re.findall(r"'\.\[([\w,]+)\]'", installing[1])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(extras.split(",")) <= project["optional-dependencies"].keys()


def test_it_serves_others_and_looks_after_its_health() -> None:
    assert json.loads(of(RUNTIME, "CMD")[0])[:2] == ["serve", "--http"]
    (check,) = of(RUNTIME, "HEALTHCHECK")
    probe = json.loads(check.split("CMD ", 1)[1])
    assert probe[0] == "python"
    compile(probe[2], "probe", "exec")
    assert "http://127.0.0.1:8000/healthz" in probe[2]


def test_the_build_is_sent_what_it_copies() -> None:
    copied = [name for rest in of(BUILD, "COPY") for name in rest.split()[:-1]]
    assert all((ROOT / name).exists() and SCRIPT["is_sent"](name, RULES) for name in copied)
    assert SCRIPT["is_sent"]("llamp_mcp/server/http.py", RULES)


@pytest.mark.parametrize(
    "name",
    [".git/config", ".env", "tests/conftest.py", ".venv/pyvenv.cfg", "manifests/compose.yaml",
     "llamp_mcp/__pycache__/cli.cpython-311.pyc", "llamp_mcp/server/__pycache__/x.pyc"],
)  # fmt: skip
def test_the_build_is_not_sent_what_may_hold_secrets_or_waste(name: str) -> None:
    assert not SCRIPT["is_sent"](name, RULES)
