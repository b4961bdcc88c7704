from __future__ import annotations

import json
import lzma

import pytest

from llamp_mcp.materials.index import shipped_data
from llamp_mcp.materials.sample import SampleSource
from llamp_mcp.settings import Settings
from llamp_mcp.structures.store import StructureStore


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def source(home) -> SampleSource:
    return SampleSource(Settings(home=home, mp_api_key=None))


@pytest.fixture(scope="session")
def structures(home) -> StructureStore:
    return StructureStore(home)


@pytest.fixture(scope="session")
def sample():
    """The shipped file itself."""
    return json.loads(lzma.decompress(shipped_data()))
