"""Stage the MCPB bundle of this package, and pack it with the official tool.

    .venv/bin/python scripts/build_bundle.py            # into dist/mcpb
    .venv/bin/python scripts/build_bundle.py --pack     # and dist/llamp-mcp-VERSION.mcpb

The bundle holds the package and its list of dependencies, no dependency itself: the host's uv
fetches those for its platform at the first start. Packing needs Node.js (npx) or `mcpb` itself.
"""

import argparse
import json
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
EXTRA = "chgnet"  # a calculator that needs no file and no download besides its wheel
PACKER = "@anthropic-ai/mcpb@2.1.2"

PYPROJECT = """\
# Made by scripts/build_bundle.py from pyproject.toml and constraints.txt.
[build-system]
requires = {build}
build-backend = "setuptools.build_meta"

[project]
name = {name}
version = {version}
description = {description}
license = {licence}
requires-python = "==3.11.*" # what the tests run with
dependencies = {dependencies}

[project.scripts]
llamp-mcp = "llamp_mcp.cli:app"

[tool.setuptools.packages.find]
include = ["llamp_mcp*"]

[tool.setuptools.package-data]
llamp_mcp = {data}

[tool.uv]
constraint-dependencies = {constraints}

# the torch of PyPI is the CUDA build on Linux, several GB; this is the CPU build
[[tool.uv.index]]
name = "pytorch-cpu"
url = "https://download.pytorch.org/whl/cpu"
explicit = true

[tool.uv.sources]
torch = [{{ index = "pytorch-cpu", marker = "sys_platform != 'darwin'" }}]
"""


def stage(out: Path) -> None:
    """Fill a new folder with what the bundle holds."""
    if out.exists():
        shutil.rmtree(out)
    out.mkdir(parents=True)
    made = ROOT / "manifests" / "mcpb"
    for path in made.iterdir():
        if path.is_file():
            shutil.copyfile(path, out / path.name)
    for name in ("LICENSE", "NOTICE"):
        shutil.copyfile(ROOT / name, out / name)
    ignored = shutil.ignore_patterns("__pycache__", "*.py[cod]", ".*")
    shutil.copytree(ROOT / "llamp_mcp", out / "llamp_mcp", ignore=ignored)
    (out / ".python-version").write_text("3.11\n", encoding="utf-8")
    (out / "pyproject.toml").write_text(pyproject(), encoding="utf-8")


def pyproject() -> str:
    """Dependencies of the package and of one calculator, at the versions the tests ran with."""
    held = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = held["project"]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    values: dict[str, Any] = {
        "build": held["build-system"]["requires"],
        "name": project["name"],
        "version": project["version"],
        "description": project["description"],
        "licence": project["license"],
        "dependencies": project["dependencies"] + project["optional-dependencies"][EXTRA],
        "data": held["tool"]["setuptools"]["package-data"]["llamp_mcp"],
        "constraints": [line for line in lines if line and not line.startswith("#")],
    }
    # strings and lists of strings are written the same in JSON and in TOML
    return PYPROJECT.format(**{k: json.dumps(v, ensure_ascii=False) for k, v in values.items()})


def pack(folder: Path) -> Path:
    """Validate and pack a staged bundle; the file it makes.

    Raises:
        CalledProcessError: The official tool refuses it.
    """
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    bundle = folder.parent / f"{manifest['name']}-{manifest['version']}.mcpb"
    tool = ["mcpb"] if shutil.which("mcpb") else ["npx", "--yes", PACKER]
    subprocess.run([*tool, "validate", str(folder / "manifest.json")], check=True)
    subprocess.run([*tool, "pack", str(folder), str(bundle)], check=True)
    return bundle


def main() -> None:
    """Do as the command line says."""
    options = argparse.ArgumentParser(description="Stage or pack the MCPB bundle.")
    options.add_argument("--out", type=Path, default=ROOT / "dist" / "mcpb")
    options.add_argument("--pack", action="store_true")
    given = options.parse_args()
    stage(given.out)
    made = pack(given.out) if given.pack else given.out
    size = sum(path.stat().st_size for path in ([made] if given.pack else made.rglob("*")))
    print(f"{made}: {size / 2**20:.1f} MB")


if __name__ == "__main__":
    main()
