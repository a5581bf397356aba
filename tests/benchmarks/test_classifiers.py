# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The picture of the shipped classifiers, on recordings in which one electrode decides."""

import sys

import mne
import numpy as np
import pytest

from get_hf import CHECKPOINT
from get_hf.modeling.configuration_get import GETConfig

RATE, SECONDS, N_WINDOWS = 160.0, 4.0, 12
CH_NAMES = ["Fc5.", "Fc6.", "C3..", "Cz..", "C4..", "P3..", "Pz..", "P4..", "O1..", "O2.."]
NAMES = ["left_fist", "right_fist"]


class Recording:
    """Noise whose 10 Hz at C4 is loud in every second window."""

    def __init__(self, subject: str, session: str):
        self.subject, self.session = subject, session

    def open(self) -> mne.io.BaseRaw:
        n_times = round(RATE * SECONDS * N_WINDOWS)
        times = np.arange(n_times) / RATE
        rng = np.random.default_rng(int(self.subject[1:]))
        microvolts = 5 * rng.standard_normal((len(CH_NAMES), n_times))
        microvolts[CH_NAMES.index("C4..")] += 30 * np.sin(20 * np.pi * times) * (times // SECONDS % 2)
        return mne.io.RawArray(1e-6 * microvolts, mne.create_info(CH_NAMES, RATE, "eeg"), verbose="ERROR")


@pytest.fixture
def run(tmp_path):
    """A folder as `get-hf finetune` writes it: the windows of S080 are all right, those of S081 are half right."""
    folder = tmp_path / "fists"
    names = dict(enumerate(NAMES))
    GETConfig.from_pretrained(CHECKPOINT, id2label=names, window_seconds=SECONDS).save_pretrained(folder)
    lines = [f"split,subject,session,trial,start,label,{','.join(NAMES)}"]
    for number in range(N_WINDOWS):
        label, right = number % 2, 0.2 + 0.6 * (number % 2)
        for person, guess in (("S080", right), ("S081", 0.8 - 0.01 * number)):
            lines.append(f"validation,{person},R04,{number},{number * SECONDS},{label},{1 - guess:.3f},{guess:.3f}")
        lines.append(f"train,S001,R04,{number},{number * SECONDS},{label},0.5,0.5")
    (folder / "predictions.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_people_have_their_confusion_matrices(classifiers, run):
    _, windows, seconds = classifiers.opened_run(run)
    assert (list(windows), seconds) == (["S080", "S081"], SECONDS)
    found = [classifiers.confusion(own["label"], own["logit"] > 0).tolist() for own in windows.values()]
    assert found == [[[1, 0], [0, 1]], [[0, 1], [0, 1]]]


def test_the_pattern_is_where_the_power_goes_along_with_the_logit(classifiers, run):
    _, windows, seconds = classifiers.opened_run(run)
    info, values = classifiers.patterns(
        {"S080": windows["S080"]}, seconds, {("S080", "R04"): Recording("S080", "R04")}
    )
    assert values.shape == (2, len(CH_NAMES))
    assert info.ch_names[values[0].argmax()] == "C4"
    assert values[0].max() > 0.95
    assert np.abs(np.delete(values[0], values[0].argmax())).max() < 0.8


def test_windows_of_joined_sessions_begin_where_the_first_session_begins(classifiers):
    recordings = {("S080", name): Recording("S080", name) for name in ("R01", "R02")}
    starts = SECONDS * np.arange(2 * N_WINDOWS)
    windows = {"session": np.array(["R01+R02"] * len(starts)), "start": starts, "label": np.arange(len(starts)) % 2}
    windows["logit"] = windows["label"] - 0.5
    _, values = classifiers.patterns({"S080": windows}, SECONDS, recordings)
    assert values[0, CH_NAMES.index("C4..")] > 0.95


def test_the_picture_is_drawn(classifiers, run, tmp_path, monkeypatch):
    class Corpus:
        def recordings(self, data, split):
            assert split == "validation"
            return [Recording("S080", "R04"), Recording("S081", "R04")]

    monkeypatch.setattr(classifiers, "get_corpus", {"eegmmidb": Corpus()}.__getitem__)
    words = ["classifiers.py", "--data", "there", "--run", str(run), "--plot", str(tmp_path / "classifiers.png")]
    monkeypatch.setattr(sys, "argv", words)
    classifiers.main()
    assert (tmp_path / "classifiers.png").stat().st_size > 20_000


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "predictions.csv").unlink(), "predictions.csv"),
        (lambda folder: (folder / "config.json").unlink(), "config.json"),
        (lambda folder: GETConfig.from_pretrained(CHECKPOINT).save_pretrained(folder), "no classifier of two classes"),
    ],
)
def test_a_folder_that_finetune_did_not_write_is_refused(
    classifiers, run, monkeypatch, capsys, tmp_path, spoil, message
):
    spoil(run)
    monkeypatch.setattr(classifiers, "get_corpus", lambda name: type("Empty", (), {"recordings": lambda *_: []})())
    words = ["classifiers.py", "--data", "there", "--run", str(run), "--plot", str(tmp_path / "classifiers.png")]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as error:
        classifiers.main()
    assert error.value.code == 2
    assert message in capsys.readouterr().err
