# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from get_hf.training.data import provenance as module
from get_hf.training.data.provenance import own_commit, provenance, weights_digest

SOURCE = Path(module.__file__)


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"]
    command = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path) -> Path:
    """Somebody's repository, with a commit."""
    git(tmp_path, "init", "-q")
    (tmp_path / "thesis.tex").write_text("years of work")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "a thesis")
    return tmp_path


def room(folder: Path) -> Path:
    """This room, copied into a folder."""
    folder.mkdir(parents=True)
    shutil.copy(SOURCE, folder)
    return folder


def test_a_repository_that_surrounds_an_installed_package_is_not_ours(repository):
    assert own_commit(room(repository / ".venv/lib/site-packages/get_hf/training")) is None
    # nor where it has a folder of this name that it does not track, or keeps its packages
    assert own_commit(room(repository / "training/data")) is None
    git(repository, "add", "-f", ".venv")
    git(repository, "commit", "-qm", "packages too")
    assert own_commit(repository / ".venv/lib/site-packages/get_hf/training") is None


def test_a_clone_has_its_commit_whatever_the_git_variables_say(repository, monkeypatch):
    ours = room(repository / "training/data")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "ours")
    head = git(repository, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert own_commit(ours) == head


def test_a_clone_of_this_repository_reports_its_commit():
    root = Path(__file__).parents[3]
    if not (root / ".git").exists():
        pytest.skip("not a clone")
    assert own_commit(root / "training" / "data") == git(root, "rev-parse", "HEAD")


def test_without_git_or_a_clone_the_version_is_reported(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert own_commit() is None
    about = provenance(seed=3)
    assert about["commit"] == f"none, of get-hf {version('get-hf')}"
    assert about["seed"] == 3


def test_weights_are_identified_by_their_content_not_by_their_folder(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(b"weights")
    assert weights_digest(tmp_path / "a") == weights_digest(tmp_path / "b")
    (tmp_path / "b/model.safetensors").write_bytes(b"other")
    assert weights_digest(tmp_path / "a") != weights_digest(tmp_path / "b")
