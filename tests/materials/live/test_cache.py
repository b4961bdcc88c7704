from __future__ import annotations

import multiprocessing
import os
import pickle
import stat
import threading
from functools import partial
from typing import Any

import pytest

from llamp_mcp.errors import SourceError
from llamp_mcp.materials.live.cache import AnswerCache, answer_key, open_cache, scope
from llamp_mcp.settings import Settings


@pytest.fixture
def cache(tmp_path):
    cache = AnswerCache(tmp_path / "live", size_mb=8, days=30)
    yield cache
    cache.close()


def never():
    raise AssertionError("asked although the cache has the answer")


def test_an_answer_is_asked_for_once_and_then_says_when(cache):
    answer = {"total": 1, "documents": [{"material_id": "mp-3200001", "band_gap": 0.5}]}
    assert cache.get_or("k", lambda: answer) == (answer, None)
    kept, fetched_at = cache.get_or("k", never)
    assert kept == answer
    assert fetched_at.startswith("20")
    assert fetched_at.endswith(" UTC")


def test_an_empty_answer_is_an_answer(cache):
    empty: tuple[Any, ...] = ([], None, 0, "")
    for value in empty:
        cache.get_or(repr(value), lambda value=value: value)
        assert cache.get_or(repr(value), never)[0] == value


def test_a_failure_is_not_kept(cache):
    def fail():
        raise SourceError("the network is away")

    with pytest.raises(SourceError):
        cache.get_or("k", fail)
    assert cache.get_or("k", lambda: 1) == (1, None)


def test_nothing_touches_the_disk_before_the_first_use(tmp_path):
    open_cache(Settings(home=tmp_path / "home"))
    assert not (tmp_path / "home").exists()


def test_the_directory_is_for_its_owner_only_even_if_it_was_open_before(tmp_path):
    directory = tmp_path / "live"
    directory.mkdir(mode=0o755)
    cache = AnswerCache(directory, 8, 30)
    cache.get_or("k", lambda: 1)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    cache.close()


def test_no_days_keep_nothing(tmp_path):
    cache = AnswerCache(tmp_path / "live", 8, 0)
    cache.get_or("k", lambda: 1)
    assert cache.get_or("k", lambda: 2) == (2, None)
    assert not (tmp_path / "live").exists()


def test_an_answer_ages(cache, monkeypatch):
    cache.get_or("k", lambda: 1)
    now = cache._cache.get("k", expire_time=True)[1]
    monkeypatch.setattr("diskcache.core.time.time", lambda: now + 1)
    assert cache.get_or("k", lambda: 2) == (2, None)


def test_the_size_is_bounded(tmp_path):
    cache = AnswerCache(tmp_path / "live", size_mb=1, days=30)
    for number in range(40):
        cache.get_or(str(number), lambda: os.urandom(100_000).hex())
    held = sum(f.stat().st_size for f in (tmp_path / "live").rglob("*.val"))
    assert held <= 1.2 * 2**20
    cache.close()


def test_a_value_that_is_marked_as_pickled_is_not_run(cache, tmp_path):
    cache.get_or("k", lambda: 1)

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "pickle-ran"),)

    cache._cache._con.execute(
        "UPDATE Cache SET mode = 4, value = ?", (pickle.dumps(Evil(), protocol=4),)
    )
    assert cache.get_or("k", lambda: 2) == (2, None)
    assert not (tmp_path / "pickle-ran").exists()


@pytest.mark.parametrize("damage", [b"", b"garbage" * 1000])
def test_a_damaged_cache_costs_nothing_but_asking_again(tmp_path, damage, caplog):
    before = AnswerCache(tmp_path / "live", 8, 30)
    before.get_or("k", lambda: 1)
    before.close()
    for name in ("cache.db", "cache.db-wal", "cache.db-shm"):
        (tmp_path / "live" / name).unlink(missing_ok=True)
    (tmp_path / "live" / "cache.db").write_bytes(damage)
    cache = AnswerCache(tmp_path / "live", 8, 30)
    assert cache.get_or("k", lambda: 2) == (2, None)
    assert cache.get_or("j", lambda: 3)[0] == 3
    cache.clear()
    assert cache.get_or("k", lambda: 4) == (4, None)
    assert cache.get_or("k", never)[0] == 4
    cache.close()


def test_a_damaged_entry_is_asked_again_and_the_others_stay(cache):
    cache.get_or("good", lambda: 1)
    cache.get_or("bad", lambda: list(range(50_000)))
    for file in cache.directory.rglob("*.val"):
        file.write_bytes(b"cut")
    assert cache.get_or("bad", lambda: 2) == (2, None)
    assert cache.get_or("good", never)[0] == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_that_cannot_be_written_costs_nothing(tmp_path):
    tmp_path.chmod(0o500)
    cache = AnswerCache(tmp_path / "live", 8, 30)
    assert cache.get_or("k", lambda: 1) == (1, None)


def test_a_file_in_the_place_of_the_directory_costs_nothing(tmp_path, caplog):
    (tmp_path / "live").write_text("in the way")
    cache = AnswerCache(tmp_path / "live", 8, 30)
    with caplog.at_level("WARNING", logger="llamp_mcp"):
        assert cache.get_or("k", lambda: 1) == (1, None)
    assert "is not used" in caplog.text


def test_describe_counts_answers_by_database_version(cache):
    cache.get_or("a", lambda: 1, tag="2025.09.25")
    cache.get_or("b", lambda: 2, tag="2025.09.25")
    cache.get_or("c", lambda: 3, tag="2026.01.01")
    cache.remember_version("https://api.example.org/", "2026.01.01")
    about = cache.describe()
    assert about["entries"] == 3
    assert {v: about["versions"][v]["entries"] for v in about["versions"]} == {
        "2025.09.25": 2,
        "2026.01.01": 1,
    }
    assert about["versions"]["2026.01.01"]["newest"].endswith("UTC")
    assert 0 < about["bytes"] < about["limit_bytes"] == 8 * 2**20


def test_clear_deletes_everything_and_the_cache_goes_on(cache):
    cache.get_or("a", lambda: 1)
    assert cache.clear() == 1
    assert not cache.directory.exists()
    assert cache.clear() == 0
    assert cache.get_or("a", lambda: 2) == (2, None)


def test_the_last_version_of_a_database_is_remembered_by_its_address(cache):
    assert cache.last_version("https://a/") == ""
    cache.remember_version("https://a/", "v1")
    cache.remember_version("https://a/", "v2")
    assert cache.last_version("https://a/") == "v2"
    assert cache.last_version("https://b/") == ""


def test_keys_depend_on_everything_that_was_asked_of_whom():
    asked: list[Any] = ["find", "summary", {"elements": "O", "formula": "FeO"}]
    key = answer_key("https://a/", "v1", scope("k" * 32), asked)
    turned = [*asked[:2], dict(reversed(asked[2].items()))]
    assert key == answer_key("https://a/", "v1", scope("k" * 32), turned)
    assert key != answer_key("https://b/", "v1", scope("k" * 32), asked)
    assert key != answer_key("https://a/", "v2", scope("k" * 32), asked)
    assert key != answer_key("https://a/", "v1", scope("j" * 32), asked)


def test_the_scope_does_not_hold_the_key():
    assert "secretkey" not in scope("secretkey")
    assert len(scope("secretkey")) == 12


def test_threads_share_one_cache(cache):
    def use(number):
        for i in range(20):
            assert cache.get_or(f"{i}", partial(int, i))[0] == i

    threads = [threading.Thread(target=use, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.describe()["entries"] == 20


def _fill(directory, start):
    cache = AnswerCache(directory, 8, 30)
    for number in range(start, start + 20):
        cache.get_or(str(number), partial(int, number))
    cache.close()


def test_processes_share_one_directory(tmp_path):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_fill, args=(tmp_path / "live", s)) for s in (0, 10)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    cache = AnswerCache(tmp_path / "live", 8, 30)
    assert cache.describe()["entries"] == 30
    assert cache.get_or("15", never)[0] == 15
    cache.close()
