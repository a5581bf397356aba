# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""`get-hf demo` and `get-hf push-space`."""

import os
import subprocess
import sys

import pytest
import yaml

from get_hf.hub.spaces import SPACE
from hub import Hub


def push(hub: Hub, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "get_hf", "push-space", *arguments]
    return subprocess.run(command, env=os.environ | hub.environment, capture_output=True, text=True)


def test_the_space_is_pushed_as_it_is_in_one_commit():
    with Hub() as hub:
        done = push(hub, "someone/get-eeg", "--private")
        assert (done.returncode, done.stderr) == (0, "")
        space = hub.repositories["space", "someone/get-eeg"]
        assert done.stdout.strip() == f"{hub.url}/spaces/someone/get-eeg"
        again = push(hub, "someone/get-eeg", "--package", "get-hf[space] @ git+https://example.org/get-hf")
        assert again.returncode == 0
    assert space.private
    assert space.sdk == "gradio"
    assert len(space.commits) == 3  # the first is the Hub's own
    first = {path: blob.content for path, blob in space.commits[1][1].items()}
    del first[".gitattributes"]
    assert first == {file.name: file.read_bytes() for file in SPACE.iterdir() if file.is_file()}
    assert "get-hf[space] @ git+https://example.org/get-hf\n" in space.files["requirements.txt"].decode()
    card = yaml.safe_load(space.files["README.md"].decode().split("---\n")[1])
    assert card["app_file"] in space.files
    assert card["sdk"] == "gradio"


def test_a_refusal_of_the_hub_is_one_sentence():
    with Hub() as hub:
        done = push(hub, "others/get-eeg")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "others" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("package", ["torch", "get-hf @", "../get-hf"])
def test_a_package_that_is_not_this_one_is_refused(get_hf, package):
    code, _, err = get_hf("push-space", "someone/get-eeg", "--package", package)
    assert code == 2
    assert "does not say how to install get-hf" in err


def test_without_the_extra_demo_says_what_to_install(get_hf, monkeypatch):
    def require(extra: str) -> None:
        raise ValueError(f"no {extra}")

    monkeypatch.setattr("get_hf.cli.space.require_extra", require)
    code, _, err = get_hf("demo")
    assert (code, err) == (2, "get-hf: no space\n")


def test_importing_the_command_does_not_import_gradio():
    code = "import sys, get_hf.cli; assert 'gradio' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
