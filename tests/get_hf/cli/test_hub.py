# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""`get-hf push` and `get-hf pull`, in this process, against a Hub on the loopback interface."""

import json
from pathlib import Path

import pytest

from hub import Hub, take_for_the_hub

REPO = "someone/get-mine"


@pytest.fixture
def server(monkeypatch, tmp_path_factory):
    with Hub() as running:
        take_for_the_hub(monkeypatch, running.url, tmp_path_factory.mktemp("cache"))
        yield running


@pytest.mark.filterwarnings("ignore::DeprecationWarning:httpx2")
def test_a_checkpoint_is_pushed_and_pulled(get_hf, server, tiny_checkpoint):
    options = ["--private", "--dataset", "someone/eeg", "--metric", "AUC=0.6", "--base-model", "org/get-eeg"]
    code, out, err = get_hf("push", tiny_checkpoint, REPO, *options)
    assert (code, out.split(), err) == (0, [f"{server.url}/{REPO}"], "")
    repository = server.repositories["model", REPO]
    assert repository.private
    assert b"base_model: org/get-eeg" in repository.files["README.md"]

    code, out, err = get_hf("pull", REPO)
    assert (code, out.split()) == (0, ["get-mine"])
    assert err == f"note: {REPO} is now at {repository.head}: {REPO}@{repository.head} pins this revision.\n"
    assert "custom_pipelines" in json.loads(Path("get-mine/config.json").read_text())
    assert get_hf("pull", REPO)[::2] == (2, "get-hf: get-mine is there already: choose another place with --out.\n")
    assert get_hf("pull", f"{REPO}@main", "--out", "again")[::2] == (0, "")

    server.failures["POST", "/preupload/"] = 401
    code, out, err = get_hf("push", "again", REPO)
    assert (code, out) == (2, "")
    assert err == (
        f"get-hf: The Hub refused {REPO} (401): it does not know you: log in with `hf auth login`, with a token that "
        "may write.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["push", "nowhere", REPO], "no checkpoint at nowhere"),
        (["push", "CHECKPOINT", "mine"], "OWNER/NAME"),
        (["push", "CHECKPOINT", REPO, "--metric", "AUC"], "not NAME=VALUE"),
        (["push", "CHECKPOINT", REPO, "--metric", "=0.5"], "not NAME=VALUE"),
        (["push", "CHECKPOINT", REPO, "--card", "none.md"], "no model card at none.md"),
        (["push", "."], "repo"),
        (["pull", "mine"], "OWNER/NAME"),
        (["pull", REPO, "--out", "no/folder"], "no folder no"),
        (["pull", REPO], f"refused {REPO} (404)"),
    ],
)
def test_bad_requests_are_one_sentence_and_exit_code_2(get_hf, server, tiny_checkpoint, tmp_path, arguments, expected):
    arguments = [tiny_checkpoint if argument == "CHECKPOINT" else argument for argument in arguments]
    code, out, err = get_hf(*arguments)
    assert (code, out) == (2, "")
    assert expected.lower() in err.lower()
    assert err.startswith("get-hf: ")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
    assert server.repositories == {}


@pytest.mark.parametrize(("command", "expected"), [("push", "push again to go on"), ("pull", "nothing was written")])
def test_an_interruption_reports_the_state_of_the_push(get_hf, monkeypatch, tiny_checkpoint, command, expected):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"get_hf.hub.models.{command}", interrupted)
    code, out, err = get_hf(command, *([tiny_checkpoint] if command == "push" else []), REPO)
    assert (code, out) == (130, "")
    assert expected in err
    assert err.startswith("get-hf: interrupted, ")
