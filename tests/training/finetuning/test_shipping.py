# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Copying a fine-tuned classifier into the package."""

import shutil
import sys

import pytest

from get_hf.pretrained import CLASSIFIERS
from get_hf.training.finetuning.shipping import CONFIGURATIONS, COPIED, main, ship


@pytest.fixture
def run(tmp_path):
    """A run folder: a shipped classifier with code beside it, as `get-hf finetune` writes it."""
    folder = tmp_path / "run"
    shutil.copytree(CLASSIFIERS / "eyes", folder)
    (folder / "config.json").write_text(
        (folder / "config.json").read_text().replace("{", '{"auto_map": {"A": "b"},', 1)
    )
    (folder / "stages_get.py").write_text("")
    (folder / "README.md").write_text("# run")
    return folder


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_becomes_the_shipped_classifier(run, tmp_path):
    made = ship(run, tmp_path / "classifiers" / "eyes")
    assert contents(made) == contents(CLASSIFIERS / "eyes")


def test_an_earlier_classifier_is_replaced(run, tmp_path):
    target = tmp_path / "eyes"
    target.mkdir()
    (target / "old.json").write_text("{}")
    ship(run, target)
    assert not (target / "old.json").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["eyes", "run"]


def test_a_run_does_not_replace_itself(run):
    before = contents(run)
    with pytest.raises(ValueError, match="predictions would be lost"):
        ship(run, run)
    assert contents(run) == before


@pytest.mark.parametrize("name", [*COPIED, *CONFIGURATIONS])
def test_an_incomplete_run_is_refused_in_one_sentence(run, tmp_path, name, monkeypatch, capsys):
    (run / name).unlink()
    target = tmp_path / "eyes"
    monkeypatch.setattr(sys, "argv", ["shipping", str(run), str(target)])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert name in capsys.readouterr().err
    assert not target.exists()
