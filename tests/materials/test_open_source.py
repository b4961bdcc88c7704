from __future__ import annotations

import pytest

from llamp_mcp.errors import SourceError
from llamp_mcp.materials.files.sample import SampleSource
from llamp_mcp.materials.files.source import SqliteSource
from llamp_mcp.materials.live.source import LiveSource
from llamp_mcp.materials.open_source import open_source
from llamp_mcp.materials.source import Query, RecipeQuery
from llamp_mcp.settings import Settings

KEY = "0" * 32
CALLS = [
    lambda s: s.meta(),
    lambda s: s.citations(),
    lambda s: s.search(Query()),
    lambda s: s.rows("thermo", ("mp-149",)),
    lambda s: s.entries(("Si",), "GGA_GGA+U"),
    lambda s: s.structures(("mp-149",)),
    lambda s: s.spectrum("mp-149", "bands"),
    lambda s: s.recipes(RecipeQuery(target="Si")),
]


@pytest.mark.parametrize(
    ("source", "key", "kind"),
    [
        ("", None, SampleSource),
        ("", KEY, LiveSource),
        ("sample", KEY, SampleSource),
        ("live", None, LiveSource),
        ("mine.sqlite", KEY, SqliteSource),
    ],
)
def test_the_settings_choose_and_a_key_alone_means_live(tmp_path, source, key, kind):
    opened = open_source(Settings(home=tmp_path, source=source, mp_api_key=key))
    assert isinstance(opened, kind)


@pytest.mark.parametrize("source", ["sample", "live", "/nowhere/mine.sqlite"])
def test_opening_touches_no_disk_and_no_network(tmp_path, source, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr("socket.create_connection", refuse)
    home = tmp_path / "not-there"
    open_source(Settings(home=home, source=source, mp_api_key=KEY))
    assert not home.exists()


@pytest.mark.parametrize("call", CALLS)
def test_live_without_a_key_says_where_to_get_one_whatever_is_asked(tmp_path, call):
    source = open_source(Settings(home=tmp_path, source="live", mp_api_key=None))
    with pytest.raises(SourceError, match=r"materialsproject\.org/api, set MP_API_KEY"):
        call(source)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("content", [None, b"", b"not a database" * 100])
def test_a_snapshot_that_is_missing_or_garbage_says_so_when_asked(tmp_path, call, content):
    path = tmp_path / "mine.sqlite"
    if content is not None:
        path.write_bytes(content)
    source = open_source(Settings(home=tmp_path, source=str(path), mp_api_key=None))
    with pytest.raises(SourceError, match=r"mine\.sqlite' cannot be read"):
        call(source)


def test_a_snapshot_may_be_named_from_the_users_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    source = open_source(Settings(home=tmp_path, source="~/mine.sqlite", mp_api_key=None))
    with pytest.raises(SourceError) as caught:
        source.meta()
    assert str(tmp_path / "mine.sqlite") in str(caught.value)
