# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What people wrote on the Hub stays, what is pushed names no place on this machine; no network is one sentence."""

import json

import huggingface_hub
import pytest

from get_hf.hub.card import Provenance, without_paths
from get_hf.hub.models import push
from get_hf.hub.spaces import upload
from get_hf.pretrained import download, load_pretrained
from hub import Blob, Hub, take_for_the_hub

REPO = "someone/get-mine"
BY_HAND = b"\n## Ethics\n\nWritten by hand on the Hub.\n"

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:httpx2")


def edit_card(server: Hub, kind: str, text: bytes | None = None) -> None:
    """Somebody writes into the card on the Hub, or writes another."""
    repository = server.repositories[kind, REPO]
    card = Blob(repository.files["README.md"] + BY_HAND if text is None else text)
    repository.commit("Update README.md", repository.commits[-1][1] | {"README.md": card})


def card(server: Hub, kind: str = "model") -> str:
    return server.repositories[kind, REPO].files["README.md"].decode()


def test_a_card_that_was_written_on_the_hub_stays(server, folder):
    push(folder, REPO)
    edit_card(server, "model")
    (folder / "README.md").write_text("# Of the folder\n")
    push(folder, REPO, provenance=Provenance(license="mit"))
    assert BY_HAND.decode().strip() in card(server)
    assert "license: mit" in card(server)
    assert "Of the folder" not in card(server)
    assert card(server).count("## From the Hub") == 1


def test_a_card_that_is_given_replaces_it_and_that_is_said(server, folder, tmp_path):
    push(folder, REPO)
    edit_card(server, "model")
    (tmp_path / "mine.md").write_text("# Mine\n")
    with pytest.warns(UserWarning, match=f"README.md of {REPO} was replaced by mine.md"):
        push(folder, REPO, card=tmp_path / "mine.md")
    assert card(server).lstrip("-\n").find("# Mine") > 0


def test_a_card_on_the_hub_that_cannot_be_read_is_named_as_such(server, folder):
    push(folder, REPO)
    edit_card(server, "model", b"---\nlicense: [\n---\n")
    with pytest.raises(ValueError, match=f"head of README.md of {REPO} cannot be read"):
        push(folder, REPO)


def test_the_card_of_a_space_that_was_changed_by_hand_stays(server):
    upload(REPO)
    edit_card(server, "space")
    with pytest.warns(UserWarning, match=f"README.md of {REPO} stays as it is"):
        upload(REPO, package="get-hf[space]>=0.1")
    assert BY_HAND.decode() in card(server, "space")
    assert b"get-hf[space]>=0.1" in server.repositories["space", REPO].files["requirements.txt"]


def test_pushed_files_name_no_place_on_this_machine(server, folder):
    summary = {
        "base_model": str(folder),
        "dataset": f"bids:{folder.parent}/bids",
        "left_out": [["S001", "1", f"'{folder}/a b/S001.edf' is truncated"]],
        "recipe": {"corpus": {f"files:{folder}/*.edf": 1.0}, "prepared": "C:\\Users\\me\\secret-project"},
    }
    (folder / "training_summary.json").write_text(json.dumps(summary))
    about = {"about": {"checkpoint": "secret-project", "corpus": "eegmmidb", "split": "test"}, "rows": {"GET": {}}}
    (folder / "fidelity.json").write_text(json.dumps(about))
    push(folder, REPO)
    for name, content in server.repositories["model", REPO].files.items():
        for place in (str(folder.parent), "secret-project", "Users"):
            assert place.encode() not in content, (name, place)
    there = json.loads(server.repositories["model", REPO].files["training_summary.json"])
    assert there["left_out"] == [["S001", "1", "'(a local path)' is truncated"]]
    assert there["recipe"]["corpus"] == {"files": 1.0}


@pytest.mark.parametrize("given", [{"base_model": "/home/me/base"}, {"dataset": "bids:/data/mine"}])
def test_provenance_that_is_a_place_on_this_machine_is_refused(server, folder, given):
    with pytest.raises(ValueError, match="is on this machine"):
        push(folder, REPO, provenance=Provenance(**given))
    assert server.requests == []


@pytest.mark.parametrize("text", ["https://hf.co/a/b", "someone/eeg", "µV/Hz", "1 / 2", "moabb:Set", "and/or"])
def test_names_that_are_not_places_are_kept(text):
    assert without_paths({"text": [text]}) == {"text": [text]}


def lose_the_network(monkeypatch, offline: bool) -> None:
    if offline:
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    else:
        take_for_the_hub(monkeypatch, "http://127.0.0.1:9")


@pytest.mark.parametrize(("offline", "why"), [(True, "HF_HUB_OFFLINE is set"), (False, "cannot be reached")])
@pytest.mark.parametrize("act", [lambda folder: push(folder, REPO), lambda _: upload(REPO)], ids=["push", "space"])
def test_without_a_network_a_push_is_one_sentence(folder, monkeypatch, tmp_path, act, offline, why):
    take_for_the_hub(monkeypatch, "http://127.0.0.1:9", tmp_path / "cache")
    lose_the_network(monkeypatch, offline)
    with pytest.raises(OSError, match=f"{why}.*{REPO} was not pushed.*push again") as error:
        act(folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("offline", "why"), [(True, "HF_HUB_OFFLINE is set"), (False, "cannot be reached")])
def test_without_a_network_the_commit_that_is_in_the_cache_is_named(server, folder, monkeypatch, offline, why):
    push(folder, REPO)
    head = server.repositories["model", REPO].head
    download(REPO, head)
    lose_the_network(monkeypatch, offline)
    with pytest.raises(OSError, match=f"{REPO}@main is not in the cache, and .*{why}.*{REPO}@{head}"):
        load_pretrained(REPO)
    load_pretrained(f"{REPO}@{head}")
