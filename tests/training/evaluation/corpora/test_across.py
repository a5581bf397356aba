# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""`get-hf evaluate` on several corpora: people, channels and lengths of each are its own."""

import json
import sys

import mne
import numpy as np
import pytest

from get_hf import cli, save_recording
from get_hf.training.data.prepared import prepare
from get_hf.training.evaluation.corpora.across import HEADLINES, run_all, short_names
from get_hf.training.evaluation.innovations.taken_apart import CHANGES
from get_hf.training.evaluation.recordings import PRESETS, Preset
from synthetic import make_raw

#: Without the pooled VAR: these corpora have nobody to fit it on.
COLUMNS = ["GET", "real", "prompt VAR", "IAAFT", "white", "playback", "replay"]


@pytest.fixture(autouse=True)
def small(monkeypatch, splits):
    """Little of each person."""
    monkeypatch.setitem(PRESETS, "fast", Preset(1, 5, None, 1, 4, 2, 22.0, 1, 20, 4))


@pytest.fixture(scope="module")
def headband(tmp_path_factory):
    """A prepared folder of trials of 12 s on four electrodes."""
    folder = tmp_path_factory.mktemp("trials")
    for person in ("anna", "bert", "cleo"):
        (folder / person).mkdir()
        for number in range(2):
            raw = make_raw(12.0, 220.0, ("TP9", "AF7", "AF8", "TP10"), seed=10 * ord(person[0]) + number)
            raw.set_annotations(mne.Annotations(0.0, 12.0, "eyes_open"))
            save_recording(raw, folder / person / f"{number}.fif")
    return prepare(f"files:{folder}/*/*.fif", tmp_path_factory.mktemp("prepared") / "headband").folder


@pytest.fixture(scope="module")
def vertex(tmp_path_factory) -> str:
    """A corpus of a single channel and a single person, who has four recordings of 24 s."""
    folder = tmp_path_factory.mktemp("vertex") / "dora"
    folder.mkdir()
    for number in range(4):
        save_recording(make_raw(24.0, 128.0, ("Cz",), seed=number), folder / f"{number}.fif")
    return f"files:{folder}/*.fif"


def test_each_corpus_has_its_files_and_a_column(checkpoint, headband, vertex, tmp_path):
    card = tmp_path / "card.md"
    card.write_text("# Card\n<!-- corpora:begin -->\nof yore\n<!-- corpora:end -->\n")
    lines = []
    found = run_all(checkpoint, None, tmp_path / "out", [str(headband), vertex], cards=[card], progress=lines.append)
    assert list(found) == ["headband", "dora"]
    for name, comparison in found.items():
        assert list(comparison.rows) == COLUMNS, name
        assert (tmp_path / "out" / name / "fidelity.md").is_file()
        values = [row["value"] for rows in comparison.rows.values() for row in rows.values()]
        assert np.isfinite(values).mean() > 0.98, name
    short = found["headband"].segments
    assert (short.prompt.shape[1:], short.n_times, len(short.subjects)) == ((4, 400), 300, 6)
    assert found["headband"].other_recordings
    assert "other recordings of the same people" in (tmp_path / "out/headband/fidelity.md").read_text()
    text = card.read_text()
    assert "of yore" not in text
    assert "6 prompts of 4 s continued by 3 s, 3 people, 4 channels" in text
    table = (tmp_path / "out/corpora.md").read_text().splitlines()
    heads = next(line for line in table if line.startswith("| what |"))
    assert heads == "| what | unit | goal | headband: GET | headband: real | dora: GET | dora: real |"
    white = next(line for line in table if line.startswith("| headband | white |"))
    assert white.count("|") == len(HEADLINES) + 3
    assert json.loads((tmp_path / "out/corpora.json").read_text())["rows"]["headband"]["white"]
    assert "headband: judging: replay" in lines


def test_one_channel_of_one_person_is_judged_over_recordings(checkpoint, vertex, tmp_path, get_hf_command):
    out = get_hf_command("evaluate", checkpoint, "--data", tmp_path, "--out", tmp_path / "o", "--corpus", vertex)
    rows = json.loads((tmp_path / "o/fidelity.json").read_text())["rows"]["GET"]
    assert 0 <= rows["AUC independent, boosting"]["value"] <= 1
    assert rows["AUC independent, boosting"]["interval"] is None
    assert "covariance, ensemble" not in rows
    assert "nearer to own than to swapped prompt" not in rows
    assert "4 prompts of 8 s from 1 people" in (tmp_path / "o/fidelity.md").read_text()
    assert "AUC independent, boosting" in out


def test_innovations_are_taken_apart_on_each_corpus(checkpoint, people, headband, tmp_path, get_hf_command):
    corpora = ["--corpus", "eegmmidb", "--corpus", headband]
    out = get_hf_command("evaluate", checkpoint, "--data", people, "--out", tmp_path / "o", *corpora, "--innovations")
    stored = json.loads((tmp_path / "o/innovations.json").read_text())
    assert list(stored["rows"]) == ["eegmmidb", "headband"]
    for rows in stored["rows"].values():
        assert list(rows) == ["real", *CHANGES, "those of the network"]
    assert "| real magnitudes, all signs random |" in out


@pytest.fixture
def get_hf_command(monkeypatch, capsys):
    """Runs the command and returns what it prints."""

    def run(*arguments) -> str:
        monkeypatch.setattr(sys, "argv", ["get-hf", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        out, err = capsys.readouterr()
        assert not exit_.value.code, err
        return out

    return run


def test_the_last_corpus_is_checked_before_the_first_is_measured(checkpoint, people, headband, tmp_path, monkeypatch):
    monkeypatch.setattr("get_hf.training.evaluation.run.compare", lambda *_, **__: pytest.fail("measured first"))
    with pytest.raises(ValueError, match="There is no corpus 'nowhere'"):
        run_all(checkpoint, people, tmp_path / "out", ["eegmmidb", "nowhere"])
    with pytest.raises(ValueError, match="trained on 1 of the 4 people"):
        run_all(checkpoint, people, tmp_path / "out", [headband, "eegmmidb"], split="left-out")
    card = tmp_path / "card.md"
    card.write_text("# Card\n")
    with pytest.raises(ValueError, match="no place for the corpora"):
        run_all(checkpoint, people, tmp_path / "out", [headband, "eegmmidb"], cards=[card])
    assert not (tmp_path / "out").exists()


def test_names_are_short_and_differ():
    corpora = ["eegmmidb", "some/where/mine/", "bids:/data/study", "files:/data/*/*.edf", "moabb:Set", "files:*/*.edf"]
    assert short_names(corpora) == ["eegmmidb", "mine", "study", "data", "moabb-Set", "files"]
    with pytest.raises(ValueError, match="Two of the corpora are called mine"):
        short_names(["a/mine", "b/mine"])
