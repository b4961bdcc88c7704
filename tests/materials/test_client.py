from __future__ import annotations

import logging
import subprocess
import sys
import threading

import pytest

from llamp_mcp.errors import InvalidInput, NotFound, SourceError
from llamp_mcp.materials import client
from llamp_mcp.materials.client import ProjectClient, batches, with_plain_ids
from tests.materials.live.stub_project import KEY, VERSION, page, serving, status


@pytest.fixture
def stub():
    with serving() as server:
        yield server


@pytest.fixture
def project_client(stub, tmp_path):
    return ProjectClient(stub.settings(tmp_path))


def test_a_page_is_one_request_with_the_key_in_a_header(stub, project_client):
    stub.answers(page({"material_id": "mp-3200001"}, total=7))
    found = project_client.find(
        "summary", {"elements": "O"}, ("band_gap",), sort="-band_gap", limit=3, skip=6
    )
    assert (found.total, found.documents) == (7, ({"material_id": "mp-3200001"},))
    assert stub.requests == [
        (
            "/materials/summary/",
            {
                "elements": ["O"],
                "_limit": ["3"],
                "_skip": ["6"],
                "_sort_fields": ["-band_gap"],
                "_fields": ["band_gap,builder_meta.license"],
            },
            KEY,
        )
    ]


def test_a_search_without_criteria_goes_to_the_api_and_never_to_s3(stub, project_client):
    stub.answers(page(total=150_000))
    assert project_client.find("summary", {}, ("material_id",), limit=1).total == 150_000
    assert len(stub.requests) == 1


def test_no_fields_mean_all(stub, project_client):
    project_client.find("elasticity", {"material_ids": "mp-3200001"})
    assert stub.requests[0][1]["_all_fields"] == ["True"]


def test_a_field_that_documents_lack_is_told_before_asking(stub, project_client):
    with pytest.raises(InvalidInput, match="Did you mean 'band_gap'"):
        project_client.find("summary", {}, ("bandgap",))
    assert stub.requests == []


def test_an_endpoint_that_does_not_exist_is_told(project_client):
    with pytest.raises(InvalidInput, match="Did you mean 'summary'"):
        project_client.find("sumary", {})


def test_routes_below_an_endpoint_are_cut_to_the_fields_here(stub, project_client):
    stub.answers(
        page({"material_id": "mp-aaaaaaft", "description": "…", "condensed_structure": {}})
    )
    found = project_client.find("robocrys/text_search", {"keywords": "x"}, ("material_id",))
    assert found.documents == ({"material_id": "mp-149"},)
    assert stub.requests[0][0] == "/materials/robocrys/text_search/"
    assert "_fields" not in stub.requests[0][1]


def test_every_page_is_asked_for_once(stub, project_client, monkeypatch):
    monkeypatch.setattr(client, "_PAUSE_S", 0)
    stub.answers(
        page({"material_id": "mp-3200001"}, {"material_id": "mp-3200002"}, total=3),
        page({"material_id": "mp-3200003"}, total=3),
    )
    pages = list(project_client.every("thermo", {"chemsys": "O"}, ("material_id",)))
    assert [len(p.documents) for p in pages] == [2, 1]
    assert [query.get("_skip") for _, query, _ in stub.requests] == [None, ["2"]]


def test_an_empty_page_ends_the_pages_whatever_the_total_says(stub, project_client):
    stub.answers(page(total=9))
    assert len(list(project_client.every("thermo", {"chemsys": "O"}))) == 1


@pytest.mark.parametrize("body", [b'{"data": [', b'{"detail": "?"}', b'{"data": 3, "meta": 1}'])
def test_an_answer_that_is_not_the_apis_is_told(stub, project_client, body):
    stub.answers(status(200, body))
    with pytest.raises(SourceError, match="not as the Materials Project's API does"):
        project_client.find("summary", {"elements": "O"}, ("material_id",))


def test_an_error_of_a_list_of_ids_is_not_tried_again_in_parts(stub, project_client):
    """mp-api splits a list when the error text holds `414`, which an id such as mp-414 does."""
    stub.answers(status(400, b'{"detail": "mp-414"}'))
    with pytest.raises(SourceError, match="HTTP 400"):
        project_client.find("summary", {"material_ids": "mp-414,mp-422"}, ("material_id",))
    assert len(stub.requests) == 1


def test_no_key_says_where_to_get_one(stub, tmp_path):
    bare = ProjectClient(stub.settings(tmp_path, mp_api_key=None))
    with pytest.raises(SourceError, match=r"materialsproject\.org/api.*LLAMP_SOURCE=sample"):
        bare.find("summary", {"elements": "O"})
    assert (stub.requests, stub.heartbeats) == ([], 0)


@pytest.mark.parametrize("key", ["short", "x" * 33, "with-a-dash" + "0" * 21])
def test_a_key_of_another_form_is_told_without_showing_it(stub, tmp_path, key):
    wrong = ProjectClient(stub.settings(tmp_path, mp_api_key=key))
    with pytest.raises(SourceError, match="32 letters and digits") as caught:
        wrong.find("summary", {"elements": "O"})
    assert key not in str(caught.value)
    assert stub.requests == []


def test_the_version_is_asked_once(stub, project_client):
    assert {project_client.database_version() for _ in range(3)} == {VERSION}
    project_client.find("summary", {"elements": "O"}, ("material_id",))
    assert stub.heartbeats == 1


def test_the_version_is_asked_again_after_a_while(stub, project_client, monkeypatch):
    project_client.database_version()
    monkeypatch.setattr(client, "_VERSION_S", 0)
    project_client._good_until = 0
    stub.version = "later"
    assert project_client.database_version() == "later"


def test_threads_wait_for_one_answer_about_a_silent_project(stub, tmp_path):
    stub.heartbeat = "silent"
    patient = ProjectClient(stub.settings(tmp_path, request_timeout_s=0.3))
    told = []

    def ask():
        try:
            patient.find("summary", {"elements": "O"})
        except SourceError as error:
            told.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 4
    assert all("did not answer within" in text for text in told)
    assert stub.heartbeats == 1


def test_each_thread_has_a_client_of_its_own(stub, project_client):
    resters = []

    def ask():
        project_client.find("summary", {"elements": "O"}, ("material_id",))
        resters.append(project_client._rester("summary"))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(rester) for rester in resters}) == 3
    assert len({id(rester.session) for rester in resters}) == 3
    assert stub.heartbeats == 1


def test_nothing_is_written_outside_the_home_and_nothing_to_stderr(
    stub, project_client, tmp_path, monkeypatch, capfd, caplog
):
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    (tmp_path / "user").mkdir()
    stub.answers(page({"material_id": "mp-3200001"}))
    with caplog.at_level(logging.DEBUG):
        project_client.find("summary", {"elements": "O"}, ("material_id",))
        stub.answers(status(403, f'{{"message": "{KEY}"}}'.encode()))
        with pytest.raises(SourceError):
            project_client.find("summary", {"elements": "O"}, ("material_id",))
    assert list((tmp_path / "user").iterdir()) == []
    assert capfd.readouterr() == ("", "")
    assert KEY not in caplog.text
    assert KEY not in repr(project_client) + repr(vars(project_client))


def test_lists_are_cut_to_fit_into_an_address():
    ids = [f"mp-{number}" for number in range(3_200_000, 3_202_000)]
    cut = list(batches(ids))
    assert ",".join(cut).split(",") == ids
    assert len(cut) > 1
    assert all(len(batch.replace(",", "%2C")) <= 3000 for batch in cut)
    assert list(batches(())) == []


def test_ids_are_written_with_numbers_wherever_they_stand():
    stored = {
        "material_id": "mp-aaaaaaft",
        "task_ids": ["aaaaaaft", "aaaabmgq"],
        "phonon_IDs": {"dfpt": ["aaahaqrl"]},
        "identifier": "aaaaaaft",
        "entry_id": "mp-aaaaaaft-GGA",
        "thermo_id": "mp-aaaaaaft_GGA_GGA+U",
        "decomposes_to": [{"material_id": "mvc-aaaaaaab", "formula": "O2"}],
        "batch_id": "mp-aahxyzab",  # beyond the last entry that the Project numbers
        "origins": [{"name": "structure", "task_id": "aaaaaaft"}],
        "alloy_pair": {"id_a": "mp-aaaaaaft", "formula_a": "mp-aaaaaaft"},
        "description": "a word like abcdefgh, or mp-aaaaaaft",
        "database_IDs": {"icsd": ["icsd-29287"], "pf": ["sd_00000"]},
        "symmetry": {"symbol": "abcdefgh"},
        "numbers": [1.0, 2.0],
    }
    assert with_plain_ids(stored) == stored | {
        "material_id": "mp-149",
        "task_ids": ["mp-149", "mp-25860"],
        "phonon_IDs": {"dfpt": ["mp-3210101"]},
        "identifier": "mp-149",
        "entry_id": "mp-149-GGA",
        "thermo_id": "mp-149_GGA_GGA+U",
        "decomposes_to": [{"material_id": "mvc-1", "formula": "O2"}],
        "origins": [{"name": "structure", "task_id": "mp-149"}],
        "alloy_pair": {"id_a": "mp-149", "formula_a": "mp-aaaaaaft"},
    }


@pytest.mark.parametrize("number", [0, 1, 25, 26, 149, 3_347_528, 3_210_101])
def test_numbers_of_ids_are_those_of_the_projects_own_code(number):
    from emmet.core.mpid import AlphaID

    stored = str(AlphaID(number, prefix="mp", padlen=8))
    assert with_plain_ids({"material_id": stored}) == {"material_id": f"mp-{number}"}


def test_s3_that_cannot_be_reached_is_told_before_its_client_waits_for_minutes(
    stub, project_client, monkeypatch
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    stub.answers(page({"material_id": "mp-3200001", "dos": {"task_id": "aaaaaaft"}}))
    with pytest.raises(SourceError, match="S3 cannot be reached"):
        project_client.spectrum("dos", "mp-3200001")


def test_s3_that_answers_nonsense_is_told(stub, project_client, monkeypatch):
    with serving() as s3:
        s3.answers(status(403, b"<Error/>"))
        monkeypatch.setenv("AWS_ENDPOINT_URL", s3.address)
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
        stub.answers(page({"material_id": "mp-3200001", "dos": {"task_id": "aaaaaaft"}}))
        with pytest.raises(SourceError, match="on S3 could not be read"):
            project_client.spectrum("dos", "mp-3200001")


@pytest.mark.parametrize("kind", ["bands", "dos", "phonon_bands", "phonon_dos"])
@pytest.mark.parametrize("document", [(), ({"material_id": "mp-3200001"},)])
def test_an_entry_without_a_spectrum_is_told(stub, project_client, kind, document):
    stub.answers(page(*document))
    with pytest.raises(NotFound, match=f"no {kind} of mp-3200001"):
        project_client.spectrum(kind, "mp-3200001")
    assert len(stub.requests) == 1


def test_importing_the_live_source_imports_nothing_heavy():
    code = (
        "import sys, llamp_mcp.materials.open_source, llamp_mcp.materials.live.source\n"
        "heavy = {'mp_api', 'emmet', 'pymatgen', 'numpy', 'requests', 'diskcache', 'deltalake'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
