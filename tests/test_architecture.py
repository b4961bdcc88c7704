"""Rules of the house that no linter holds."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from llamp_mcp import evaluation, experts, materials, simulation, structures

PACKAGE = Path(__file__).parents[1] / "llamp_mcp"
MODULES = sorted(PACKAGE.rglob("*.py"))


def test_the_layers_point_downwards() -> None:
    # apart: it configures logging anew, which silences every logger of this process
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    checked = subprocess.run(
        command, cwd=PACKAGE.parent, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_and_functions_stay_small(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            assert length <= 50, f"{node.name} has {length} lines"


@pytest.mark.parametrize("package", [materials, structures, simulation, experts, evaluation])
def test_every_operation_file_is_listed(package: object) -> None:
    folder = Path(str(getattr(package, "__file__"))).parent  # noqa: B009
    files = {p.stem for p in folder.glob("*.py") if "\nOPERATION = " in p.read_text("utf-8")}
    listed = {operation.name for operation in getattr(package, "OPERATIONS")}  # noqa: B009
    assert files == listed


def test_secrets_are_read_where_they_are_used_or_kept_out_and_nowhere_else() -> None:
    users = {p.name for p in MODULES if "get_secret_value" in p.read_text(encoding="utf-8")}
    assert users == {
        *("client.py", "gate.py", "openai_compatible.py", "recording.py", "settings.py"),
        "command.py",  # install --with-key
    }
