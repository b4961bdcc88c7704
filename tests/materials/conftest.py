from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest

from llamp_mcp.materials.files.layout import Writer
from llamp_mcp.materials.files.sample import SampleSource, shipped_data
from llamp_mcp.materials.files.source import SqliteSource
from llamp_mcp.settings import Settings
from llamp_mcp.structures.store import StructureStore

HEADER = {
    "kind": "snapshot",
    "name": "made-up materials",
    "database_version": "made up",
    "licence": "CC BY 4.0",
    "attribution": "nobody",
    "notice": "made-up materials",
}


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def source(home) -> SampleSource:
    return SampleSource(Settings(home=home, mp_api_key=None, source="sample"))


@pytest.fixture(scope="session")
def structures(home) -> StructureStore:
    return StructureStore(home)


@pytest.fixture(scope="session")
def sample():
    """The shipped file itself."""
    return json.loads(lzma.decompress(shipped_data()))


@pytest.fixture
def write(tmp_path):
    """Write a materials file of (endpoint, document) pairs, and open it."""
    opened: list[SqliteSource] = []

    def written(documents, *, recipes=(), spectra=(), header=HEADER) -> SqliteSource:
        path = Path(tmp_path) / f"made-up-{len(opened)}.sqlite"
        with Writer(path) as writer:
            for endpoint, document in documents:
                writer.add(endpoint, document)
            for recipe in recipes:
                writer.add_recipe(recipe)
            for kind, document in spectra:
                writer.add_spectrum(kind, document)
            writer.finish(header)
        opened.append(SqliteSource(path))
        return opened[-1]

    yield written
    for source in opened:
        source.close()
