# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Pushing to a Hub on the loopback interface, with the client that pushes to the real one."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import huggingface_hub
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from get_hf.hub import datasets as hub_datasets
from get_hf.hub.datasets import push
from get_hf.training.data.prepared import prepare
from hub import Blob, Hub, take_for_the_hub

REPO = "someone/eegmmidb-get"


@pytest.fixture(scope="module")
def original(data_dir, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("push") / "eegmmidb"
    prepare("eegmmidb", folder, data_dir)
    return folder


@pytest.fixture
def folder(original, tmp_path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "eegmmidb"))


@pytest.fixture
def hub(monkeypatch):
    """A Hub that the client in this process takes for the real one."""
    with Hub() as server:
        take_for_the_hub(monkeypatch, server.url)
        yield server


def pushed(hub: Hub) -> dict[str, bytes]:
    return hub.repositories["dataset", REPO].files


def test_a_push_is_one_commit_of_the_whole_folder(hub, folder):
    assert push(folder, REPO) == f"{hub.url}/datasets/{REPO}"
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert {"README.md", "spectra.png", "dataset_info.json", "data/test-00000-of-00001.parquet"} <= set(files)
    there = pushed(hub)
    assert there.pop("README.md").decode() == files.pop("README.md").decode().replace("OWNER/NAME", REPO)
    assert f'load_dataset("{REPO}"' in hub.repositories["dataset", REPO].files["README.md"].decode()
    del there[".gitattributes"]
    assert there == files
    assert hub.repositories["dataset", REPO].messages == ["initial commit", "eegmmidb, prepared for GET"]
    assert not hub.repositories["dataset", REPO].private


def test_a_pushed_dataset_loads_by_its_name(hub, folder, tmp_path):
    push(folder, REPO)
    program = f"""
import datasets
from get_hf.training.data.prepared import load_prepared
here, there = load_prepared({str(folder)!r}), datasets.load_dataset({REPO!r})
assert list(here) == list(there) == ["train", "validation", "test"], there
for split in here:
    assert here[split].features == there[split].features
    assert here[split][:] == there[split][:]
stream = load_prepared({REPO!r}, streaming=True)
for split in here:
    assert [row["signal"] for row in stream[split]] == list(here[split]["signal"])
print("the same")
"""
    environment = os.environ | hub.environment | {"HF_HOME": str(tmp_path / "home")}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.stdout == "the same\n", done.stderr


def test_pushing_again_changes_nothing(hub, folder):
    push(folder, REPO)
    push(folder, REPO)
    assert len(hub.repositories["dataset", REPO].commits) == 2


def test_only_shards_that_the_folder_no_longer_has_are_deleted(hub, folder):
    push(folder, REPO)
    repository = hub.repositories["dataset", REPO]
    old = {"data/test-00000-of-00002.parquet": Blob(b"old", is_lfs=True)}
    repository.commit("as if there had been more shards", repository.commits[-1][1] | old)
    push(folder, REPO)
    assert not set(old) & set(pushed(hub))
    assert (folder / "data/test-00000-of-00001.parquet").read_bytes() == pushed(hub)[
        "data/test-00000-of-00001.parquet"
    ]
    assert len(repository.commits) == 4


def test_a_repository_of_something_else_is_left_alone(hub, folder):
    push(folder, REPO)
    repository = hub.repositories["dataset", REPO]
    head = repository.commit("thesis", repository.commits[-1][1] | {"thesis.tex": Blob(b"years of work")})
    with pytest.raises(ValueError, match=r"thesis\.tex: choose another name"):
        push(folder, REPO)
    assert repository.head == head


def test_private_means_private(hub, folder):
    push(folder, REPO, private=True)
    assert hub.repositories["dataset", REPO].private
    hub.repositories["dataset", REPO].private = False
    with pytest.raises(ValueError, match="already and public"):
        push(folder, REPO, private=True)


def edit_info(folder: Path, **changes) -> None:
    path = folder / "dataset_info.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def edit_rows(folder: Path, corpus: str) -> None:
    path = folder / "data/test-00000-of-00001.parquet"
    rows = pq.read_table(path)
    index = rows.schema.get_field_index("corpus")
    pq.write_table(rows.set_column(index, "corpus", pa.array([corpus] * len(rows))), path)


@pytest.mark.parametrize(
    "edit",
    [
        lambda folder: edit_info(folder, corpus="files:/my/*.edf"),
        lambda folder: edit_info(folder, corpus="files:/my/*.edf", license="ODC-By 1.0"),
        lambda folder: edit_rows(folder, "files:/my/*.edf"),
    ],
    ids=["named", "named, and the folder says otherwise", "in the rows"],
)
def test_a_licence_that_forbids_sharing_is_refused_without_the_network(hub, folder, edit):
    edit(folder)
    with pytest.raises(ValueError, match=r"must not be published: its licence \(unknown\)"):
        push(folder, REPO)
    assert hub.requests == []


def test_a_folder_prepared_under_another_licence_is_refused(hub, folder):
    edit_info(folder, license="CC-BY-ND 4.0")
    with pytest.raises(ValueError, match=r"its licence is CC-BY-ND 4\.0, and eegmmidb is under ODC-By 1\.0"):
        push(folder, REPO)
    assert hub.requests == []


@pytest.mark.parametrize("name", ["eegmmidb-get", "someone/eegmmidb/get", "some one/x", ""])
def test_an_invalid_name_is_refused_without_the_network(hub, folder, name):
    with pytest.raises(ValueError, match="OWNER/NAME"):
        push(folder, name)
    assert hub.requests == []


def test_a_corpus_that_no_one_knows_is_refused(hub, folder):
    edit_info(folder, corpus="eegmmidb2")
    with pytest.raises(ValueError, match="no corpus 'eegmmidb2'"):
        push(folder, REPO)
    assert hub.requests == []


@pytest.mark.parametrize(
    ("method", "path", "status", "why"),
    [
        ("POST", "/api/repos/create", 401, "log in"),
        ("POST", "/api/repos/create", 403, "may not write"),
        ("POST", "/commit/main", 409, "push again"),
        ("POST", "/commit/main", 412, "push again"),
        ("POST", "/commit/main", 429, "in a while"),
        ("POST", "/commit/main", 500, "Internal Server Error"),
        ("POST", "/preupload/", 403, "may not write"),
    ],
)
def test_a_refusal_of_the_hub_is_one_sentence(hub, folder, method, path, status, why):
    hub.failures[method, path] = status
    with pytest.raises(OSError, match=rf"refused {REPO} \({status}\).*{why}") as error:
        push(folder, REPO)
    assert "\n" not in str(error.value)
    assert all(len(repository.commits) == 1 for repository in hub.repositories.values())


def test_without_a_token_it_says_to_log_in(hub, folder, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "")
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(folder / "no-token"))
    with pytest.raises(OSError, match="log in with `hf auth login`"):
        push(folder, REPO)
    assert hub.repositories == {}


def test_without_a_network_it_says_so(folder, monkeypatch):
    with Hub() as gone:
        pass
    take_for_the_hub(monkeypatch, gone.url)
    with pytest.raises(OSError, match="cannot be reached") as error:
        push(folder, REPO)
    assert "\n" not in str(error.value)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(OSError, match="HF_HUB_OFFLINE is set"):
        push(folder, REPO)


@pytest.mark.parametrize("lost", ["data/test-00000-of-00001.parquet", "dataset_info.json"])
@pytest.mark.parametrize("how", ["changed", "missing"])
def test_an_incomplete_upload_is_reported(hub, folder, monkeypatch, lost, how):
    create_commit = hub_datasets.HfApi.create_commit

    def lossy(*args, **kwargs):
        commit = create_commit(*args, **kwargs)
        blobs = hub.repositories["dataset", REPO].commits[-1][1]
        blob = blobs.pop(lost)
        if how == "changed":
            blobs[lost] = Blob(blob.content[:-1] + b"\0", blob.is_lfs)
        return commit

    monkeypatch.setattr(hub_datasets.HfApi, "create_commit", lossy)
    with pytest.raises(OSError, match=f"{lost} did not arrive whole"):
        push(folder, REPO)


def test_a_missing_card_is_written(hub, folder):
    (folder / "README.md").unlink(missing_ok=True)
    push(folder, REPO)
    assert pushed(hub)["README.md"].startswith(b"---\n")


def test_a_hand_written_card_on_the_hub_is_not_replaced_by_a_generated_one(hub, folder):
    push(folder, REPO)
    repository = hub.repositories["dataset", REPO]
    repository.commit("by hand", repository.commits[-1][1] | {"README.md": Blob(b"# Ours\n")})
    with pytest.warns(UserWarning, match="stays as it is on the Hub"):
        push(folder, REPO)
    assert pushed(hub)["README.md"] == b"# Ours\n"
    # a card that somebody wrote here is meant to be pushed
    (folder / "README.md").write_text("---\nlicense: odc-by\n---\n# Mine\n")
    push(folder, REPO)
    assert b"# Mine" in pushed(hub)["README.md"]
