from __future__ import annotations

import pytest

from llamp_mcp.errors import SourceError
from llamp_mcp.materials.open_source import open_source
from llamp_mcp.materials.sample import SampleSource
from llamp_mcp.materials.source import Query
from llamp_mcp.settings import Settings


def test_the_sample_answers_by_default_even_with_a_key(tmp_path):
    for key in (None, "0" * 32):
        assert isinstance(open_source(Settings(home=tmp_path, mp_api_key=key)), SampleSource)


def test_opening_touches_no_disk(tmp_path):
    home = tmp_path / "not-there"
    open_source(Settings(home=home, mp_api_key=None))
    assert not home.exists()


@pytest.mark.parametrize("kind", ["live", "/data/mp.snapshot"])
@pytest.mark.parametrize(
    "call",
    [
        lambda s: s.meta(),
        lambda s: s.citations(),
        lambda s: s.search(Query()),
        lambda s: s.documents("thermo", ("mp-149",)),
        lambda s: s.structure("mp-149"),
    ],
)
def test_a_source_this_version_lacks_says_so_when_asked(tmp_path, kind, call):
    source = open_source(Settings(home=tmp_path, source=kind, mp_api_key=None))
    with pytest.raises(SourceError, match="Set LLAMP_SOURCE=sample"):
        call(source)
