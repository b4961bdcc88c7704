"""Write the version and the list of tools into the manifests, from the package.

.venv/bin/python scripts/update_manifests.py
"""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from llamp_mcp.server.app import chosen
from llamp_mcp.settings import Settings

ROOT = Path(__file__).parents[1]
MANIFESTS = ROOT / "manifests"
IMAGES = (
    ROOT / "Dockerfile",
    ROOT / "docs" / "hosting.md",
    MANIFESTS / "compose.yaml",
    MANIFESTS / "kubernetes" / "deployment.yaml",
)
"""Files that name an image by its version."""


def update() -> None:
    """Bring each generated part up to date; all else in the files is written by hand."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    version = project["version"]
    write(MANIFESTS / "mcpb" / "manifest.json", {"version": version, "tools": tools()})
    registry = MANIFESTS / "registry" / "server.json"
    (package,) = read(registry)["packages"]
    write(registry, {"version": version, "packages": [package | {"version": version}]})
    for path in IMAGES:
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"(llamp-mcp:)\d+\.\d+\.\d+", rf"\g<1>{version}", text)
        path.write_text(text, encoding="utf-8")


def tools() -> list[dict[str, str]]:
    """Name and first line of the tools of the default toolsets, whatever is set here."""
    plain = Settings(toolsets=("materials", "structures", "simulation", "experts"), tools=())
    return [
        {"name": made.name, "description": made.description.partition("\n")[0]}
        for made in chosen(plain.model_copy(update={"read_only": False}))
    ]


def read(path: Path) -> dict[str, Any]:
    """A manifest."""
    held: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return held


def write(path: Path, generated: dict[str, Any]) -> None:
    """The same manifest with its generated parts as they should be."""
    text = json.dumps(read(path) | generated, indent=2, ensure_ascii=False)
    path.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    update()
