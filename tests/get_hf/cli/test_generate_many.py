# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""`get-hf generate *.edf --out-dir out`: many recordings, of which a bad one does not stop the rest."""

from pathlib import Path

import mne
import numpy as np
import pytest

from get_hf import GETModel, save_recording
from synthetic import make_raw


@pytest.fixture
def generate(get_hf, tiny_checkpoint):
    """Runs `get-hf generate` with the tiny model."""
    return lambda *arguments: get_hf("generate", *arguments, "--seconds", 1, "--checkpoint", tiny_checkpoint)


@pytest.fixture
def recordings(tmp_path) -> list[str]:
    """Three good recordings, of different montages and formats."""
    save_recording(make_raw(), tmp_path / "a.edf")
    save_recording(make_raw(seconds=3.0, ch_names=["C3", "C4"]), tmp_path / "b.fif")
    save_recording(make_raw(seconds=2.0, ch_names=["Cz"]), tmp_path / "c.npz")
    return ["a.edf", "b.fif", "c.npz"]


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_each_recording_is_continued_in_a_file_of_its_name(generate, recordings, tmp_path):
    code, out, err = generate(*recordings, "--out-dir", "out")
    assert (code, err) == (0, "")
    assert [line for line in out.splitlines() if line.startswith("out/")] == ["out/a.edf", "out/b.fif", "out/c.fif"]
    assert files(tmp_path / "out") == ["a.edf", "a.json", "b.fif", "b.json", "c.fif", "c.json"]
    made = [mne.io.read_raw(tmp_path / "out" / name, verbose="ERROR") for name in ("a.edf", "b.fif", "c.fif")]
    assert [raw.n_times / raw.info["sfreq"] for raw in made] == [13.0, 4.0, 3.0]


def test_a_recording_gets_what_it_gets_alone(generate, recordings, tmp_path):
    assert generate(*recordings, "--out-dir", "out", "--seed", 3)[0] == 0
    assert generate("b.fif", "--out", "alone.fif", "--seed", 3)[0] == 0
    both = (mne.io.read_raw(tmp_path / name, verbose="ERROR").get_data() for name in ("out/b.fif", "alone.fif"))
    np.testing.assert_array_equal(*both)


def test_bad_recordings_are_reported_and_the_rest_is_continued(generate, recordings, tmp_path):
    (tmp_path / "text.edf").write_text("no EEG at all\n" * 50)
    save_recording(make_raw(seconds=0.2), tmp_path / "short.fif")
    code, _, err = generate("text.edf", "a.edf", "missing.edf", "short.fif", "b.fif", "--out-dir", "out")
    assert code == 2
    told = [line for line in err.splitlines() if line.startswith("get-hf: ")]
    assert len(told) == 4
    for line, name in zip(told, ("text.edf", "missing.edf", "short.fif"), strict=False):
        assert line.count(name) == 1
    assert told[-1] == "get-hf: 3 of 5 recordings could not be continued."
    assert "Traceback" not in err
    assert files(tmp_path / "out") == ["a.edf", "a.json", "b.fif", "b.json"]


def test_without_a_good_recording_nothing_is_written(generate, tmp_path):
    (tmp_path / "text.edf").write_text("no EEG at all\n" * 50)
    code, out, _ = generate("text.edf", "missing.edf", "--out-dir", "out")
    assert (code, out) == (2, "")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["a.edf", "b.fif", "--out", "o.edf"], "--out o.edf is one file, and 2 recordings were given: use --out-dir"),
        (["a.edf", "--out", "o.edf", "--out-dir", "out"], "o.edf and out were given"),
        (["a.edf"], "neither was given"),
        (["--out-dir", "out"], "none was given: use --out"),
        (["a.edf", "--out-dir", "out", "--plot", "o.png"], "--plot o.png is one picture"),
        (["a.edf", "--out-dir", "b.fif"], "b.fif is a file"),
        (["a.edf", "--out-dir", "."], "a.edf would be replaced: choose another --out-dir"),
        (["a.edf", "b.fif", "--out-dir", "told"], "told/b.json would be replaced"),
        (["a.edf", "a.edf", "--out-dir", "out"], "a.edf and a.edf would both be written as a"),
        (["a.edf", "there/A.fif", "--out-dir", "out"], "a.edf and there/A.fif would both be written as A"),
        (["a.edf", "b.fif", "--out-dir", "out", "--condition", "asleep"], "'asleep' is not a condition"),
        (["a.edf", "b.fif", "--out-dir", "out", "--plan", "asleep:2"], "'asleep' is not a condition"),
    ],
)
def test_impossible_options_are_one_sentence_before_any_work(
    generate, recordings, monkeypatch, tmp_path, arguments, expected
):
    (tmp_path / "told").mkdir()
    (tmp_path / "told" / "b.json").write_text("{}")
    monkeypatch.setattr(GETModel, "generate", lambda *_, **__: pytest.fail("generated first"))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    code, out, err = generate(*arguments)
    assert (code, out) == (2, "")
    assert expected in err
    assert err.count("\n") == 1
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_ctrl_c_says_what_is_written(generate, recordings, monkeypatch):
    original, calls = GETModel.generate, []

    def interrupted(self, **kwargs):
        calls.append(None)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(self, **kwargs)

    monkeypatch.setattr(GETModel, "generate", interrupted)
    code, _, err = generate(*recordings, "--out-dir", "out")
    assert code == 130
    assert err == "get-hf: interrupted, 1 of 3 files were written.\n"
