from __future__ import annotations

import json
import lzma
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from llamp_mcp.evaluation.distillation.distill import Distilled, distill
from llamp_mcp.materials.files.layout import Writer
from llamp_mcp.materials.files.sample import shipped_data
from llamp_mcp.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

SIDES = ("train", "validation", "test")
HEADER = {
    "kind": "snapshot",
    "name": "made-up materials",
    "database_version": "made up",
    "licence": "CC BY 4.0",
    "attribution": "nobody",
    "notice": "made-up materials",
}


def read(folder: Path, config: str, side: str) -> list[dict[str, Any]]:
    path = folder / "data" / config / f"{side}.jsonl"
    if not path.is_file():  # a small data set may have no formula of a side
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def rows(folder: Path, config: str) -> list[dict[str, Any]]:
    return [row for side in SIDES for row in read(folder, config, side)]


@dataclass(frozen=True)
class Made:
    """The whole sample, distilled once for all tests."""

    told: Distilled
    folder: Path
    reports: list[tuple[int, int, str]]


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def made(home, tmp_path_factory) -> Made:
    folder = tmp_path_factory.mktemp("distilled") / "dataset"
    reports: list[tuple[int, int, str]] = []
    told = distill(
        Settings(home=home, source="sample", mp_api_key=None),
        folder,
        report=lambda done, total, what: reports.append((done, total, what)),
    )
    return Made(told, folder, reports)


@pytest.fixture(scope="session")
def sample() -> dict[str, dict[str, Any]]:
    """The shipped file itself, by id: read here without any code of the package's sources."""
    materials = json.loads(lzma.decompress(shipped_data()))["materials"]
    return {record["material_id"]: record for record in materials}


@pytest.fixture
def sample_settings(home) -> Settings:
    return Settings(home=home, source="sample", mp_api_key=None)


@pytest.fixture
def snapshot(tmp_path):
    """Settings whose source is a snapshot of (endpoint, document) pairs."""

    def written(documents, header=HEADER) -> Settings:
        path = tmp_path / "made-up.sqlite"
        with Writer(path) as writer:
            for endpoint, document in documents:
                writer.add(endpoint, document)
            writer.finish(header)
        return Settings(home=tmp_path / "home", source=str(path), mp_api_key=None)

    return written
