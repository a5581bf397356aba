# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""`get-hf classify`: what it writes, what it prints, and what it refuses."""

import json

import mne
import pytest

from classifiers import save_classifier
from get_hf import pretrained, save_recording
from synthetic import make_raw

FEW = ("C3", "Cz", "C4")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return save_classifier(tmp_path_factory.mktemp("classifier"))


@pytest.fixture
def classify(get_hf, checkpoint):
    """Runs `get-hf classify` with a small classifier."""
    return lambda *arguments: get_hf("classify", *arguments, "--checkpoint", checkpoint)


@pytest.fixture
def recordings(tmp_path) -> list[str]:
    """Two runs of one person, and a damaged file."""
    for number, name in enumerate(("a.fif", "b.edf")):
        save_recording(make_raw(20.0, ch_names=FEW, seed=number), tmp_path / name)
    (tmp_path / "text.edf").write_text("no EEG at all\n" * 50)
    return ["a.fif", "b.edf", "text.edf"]


def test_without_a_file_the_vote_is_printed(classify, recordings, tmp_path):
    before = sorted(tmp_path.iterdir())
    code, out, err = classify("a.fif")
    assert (code, err) == (0, "")
    first, head, *rows = out.splitlines()
    assert first.startswith("a.fif: ")
    assert first.endswith(", by 9 windows of 4 s")
    assert head.split() == ["mean", "probability", "windows"]
    assert {row.split()[0] for row in rows} == {"left", "right"}
    assert sum(int(row.split()[2]) for row in rows) == 9
    assert sorted(tmp_path.iterdir()) == before


def test_each_format_is_written_with_a_picture(classify, recordings, tmp_path):
    for name in ("x-annot.fif", "y.json", "z.csv"):
        code, out, err = classify("a.fif", "--out", name)
        assert (code, err) == (0, "")
        assert out.splitlines()[:2] == [name, f"{name[0]}.png"]
        assert (tmp_path / f"{name[0]}.png").read_bytes().startswith(b"\x89PNG")
    assert set(mne.read_annotations(tmp_path / "x-annot.fif").description) <= {"left", "right"}
    assert json.loads((tmp_path / "y.json").read_text())["recording"] == "a.fif"
    assert (tmp_path / "z.csv").read_text().startswith("start,end,label,left,right\n0.0,4.0,")
    code, out, _ = classify("a.fif", "--out", "z.csv", "--format", "annotations", "--no-picture", "--threshold", 0.99)
    assert code == 0
    assert "undecided" in out
    assert (tmp_path / "z.csv").read_text().startswith("onset,duration,description")


def test_many_recordings_go_into_a_folder_and_a_bad_one_is_told(classify, recordings, tmp_path):
    code, _, err = classify(*recordings, "--out-dir", "out", "--format", "json", "--calibrate-on", "a.fif")
    assert code == 2
    assert err.splitlines()[-1] == "get-hf: 1 of 3 recordings could not be classified."
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.json", "a.png", "b.json", "b.png"]
    told = json.loads((tmp_path / "out" / "b.json").read_text())
    assert told["settings"]["calibrate_on"] == "a.fif"


def test_runs_of_one_session_share_a_calibration(classify, recordings, tmp_path):
    alone, together = ("--out-dir", "each"), ("--out-dir", "all", "--calibrate-on", "all")
    for options in (alone, together):
        assert classify("a.fif", "b.edf", *options, "--format", "csv", "--no-picture")[0] == 0
    assert (tmp_path / "each" / "a.csv").read_text() != (tmp_path / "all" / "a.csv").read_text()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["a.fif", "b.edf", "--out", "x.csv"], "--out x.csv is one file, and 2 recordings were given: use --out-dir"),
        (["a.fif", "--out", "x.csv", "--out-dir", "out"], "give one of them"),
        (["a.fif", "--format", "csv"], "--format is about a file to write"),
        (["a.fif", "--picture"], "--picture is about a file to write"),
        (["a.fif", "--out", "x.fif"], "must end in -annot.fif"),
        (["a.fif", "--out", "x.json", "--format", "csv"], "must end in .csv"),
        (["a.fif", "--out", "there.csv"], "there.png would be replaced"),
        (["a.fif", "--out-dir", "old"], "old/a-annot.fif would be replaced"),
        (["a.fif", "a.edf", "--out-dir", "out"], "would both be written as a"),
        (["a.fif", "--calibrate-on", "nowhere.edf"], "none at nowhere.edf"),
        (["a.fif", "--window", "30"], "shorter than one window of 30 s"),
        (["a.fif", "--channels", "Q9"], "Q9"),
        (["missing.edf"], "no recording at missing.edf"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_nothing_is_written(classify, recordings, tmp_path, arguments, expected):
    (tmp_path / "there.png").touch()
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "a-annot.fif").touch()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    code, out, err = classify(*arguments)
    assert (code, out) == (2, "")
    assert expected in err
    assert err.count("\n") == 1
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_shipped_classifier_that_is_missing_is_one_sentence(get_hf, recordings, monkeypatch, tmp_path):
    monkeypatch.setattr(pretrained, "CLASSIFIERS", tmp_path / "nowhere")
    code, out, err = get_hf("classify", "a.fif")
    assert (code, out) == (2, "")
    assert "The classifier fists is not in this installation" in err


def test_a_generator_is_no_classifier(get_hf, recordings, tiny_checkpoint):
    code, _, err = get_hf("classify", "a.fif", "--checkpoint", tiny_checkpoint)
    assert code == 2
    assert "it is a GETModel, not a GETForSequenceClassification" in err
