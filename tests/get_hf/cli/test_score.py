# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""`get-hf score`: what it writes, of one recording, of many, and of corpora of seizures."""

from pathlib import Path

import mne
import numpy as np
import pytest

from edf_files import write_edf
from get_hf import load_recording, save_recording
from get_hf.training.corpora import get_corpus
from get_hf.training.evaluation.events import event_figures, read_szcore
from synthetic import make_raw

#: The electrodes of SzCORE's recordings.
FRONT, BACK = ("Fp1", "F3", "C3", "F7", "T3", "Fz", "Cz", "Fp2", "F4", "C4"), ("F8", "T4")
AVERAGE = [*FRONT, *BACK, "P3", "O1", "T5", "Pz", "P4", "O2", "T6"]


@pytest.fixture
def score(get_hf, tiny_checkpoint):
    """Runs `get-hf score` with the tiny model."""
    return lambda *arguments: get_hf("score", *arguments, "--checkpoint", tiny_checkpoint)


def with_burst(path, start: float = 30.0, stop: float = 34.0, seed: int = 0) -> None:
    raw = make_raw(60.0, seed=seed)
    raw._data[:, round(160 * start) : round(160 * stop)] *= 8
    save_recording(raw, path)


def test_events_and_a_picture_of_one_recording(score, tmp_path):
    with_burst("a.edf")
    code, out, err = score("a.edf", "--reference-span", "0:25", "--out", "a.fif", "--plot", "a.png")
    assert code == 0, err
    assert "1 unusual moments" in out
    found = mne.read_annotations("a.fif")
    assert found.onset[0] == pytest.approx(30, abs=1)
    assert (tmp_path / "a.png").stat().st_size > 10_000


def test_a_reference_in_another_file_and_a_threshold(score):
    with_burst("a.edf")
    save_recording(make_raw(40.0, seed=5), "rest.edf")
    assert score("a.edf", "--reference", "rest.edf", "--out", "a.csv")[0] == 0
    assert len(Path("a.csv").read_text().splitlines()) == 2
    assert score("a.edf", "--reference", "rest.edf", "--out", "a.csv", "--threshold", "1e9")[0] == 0
    assert len(Path("a.csv").read_text().splitlines()) == 1


def test_the_container_of_szcore_gets_what_it_expects(score, tmp_path):
    # 19 electrodes against the average at 256 Hz in, a table of events out
    write_edf(tmp_path / "sub-01_run-00_eeg.edf", [f"{name}-Avg" for name in AVERAGE], seconds=60)
    code, _, err = score("sub-01_run-00_eeg.edf", "--format", "szcore", "--out", "sub-01_run-00_events.tsv")
    assert code == 0, err
    header, *rows = (tmp_path / "sub-01_run-00_events.tsv").read_text().splitlines()
    assert header == "onset\tduration\teventType\tconfidence\tchannels\tdateTime\trecordingDuration"
    assert all(row.split("\t")[2] in ("sz", "bckg") and row.endswith("\t60.00") for row in rows)
    assert "2016-01-01 12:00:00" in rows[0]


def test_one_of_many_that_cannot_be_read_does_not_stop_the_others(score, tmp_path):
    with_burst("a.edf")
    (tmp_path / "b.edf").write_text("no EEG")
    code, _, err = score("a.edf", "b.edf", "--out-dir", "events", "--format", "szcore")
    assert code == 2
    assert [path.name for path in (tmp_path / "events").iterdir()] == ["a.tsv"]
    assert "1 of 2 recordings could not be scored" in err


@pytest.mark.parametrize("name", ["chb-mit", "siena"])
def test_recordings_of_corpora_of_seizures_are_scored_and_judged(score, tmp_path, name):
    """Only the formats: the EEG is synthetic, as are the seizures."""
    if name == "chb-mit":
        file = tmp_path / "chb-mit/chb01/chb01_03.edf"
        write_edf(file, ["FP1-F7", "F7-T7", "T7-P7", "P7-O1", "T8-P8", "T8-P8"], seconds=60, rate=256.0)
        listing = "File Name: chb01_03.edf\nNumber of Seizures in File: 1\n"
        listing += "Seizure Start Time: 30 seconds\nSeizure End Time: 34 seconds\n"
        (file.parent / "chb01-summary.txt").write_text(listing)
    else:
        file = tmp_path / "siena/PN00/PN00-1.edf"
        write_edf(file, ["EEG Fp1", "EEG F3", "EEG O1", "EEG CZ", "EKG EKG"], seconds=60, rate=512.0)
        listing = "Seizure n 1\nFile name: PN00-1.edf\n"
        listing += "Seizure start time: 12.00.30\nSeizure end time: 12.00.34\n"
        (file.parent / "Seizures-list-PN00.txt").write_text(listing)
    (recording,) = get_corpus(name).recordings(tmp_path)
    raw = recording.open()
    marked = [(onset, end - onset) for onset, end, _ in recording.condition_spans(raw)]
    assert marked == [(30.0, 4.0)]
    # the seizure of the file that is scored, as loud as seizures are
    seizing = load_recording(file)
    rate = seizing.info["sfreq"]
    seizing._data[:, round(30 * rate) : round(34 * rate)] *= 8
    save_recording(seizing, "seizing.fif")
    code, _, err = score("seizing.fif", "--reference-span", "0:25", "--format", "szcore", "--out", "found.tsv")
    assert code == 0, err
    found, seconds = read_szcore("found.tsv")
    assert seconds == pytest.approx(60)
    pytest.importorskip("timescoring")
    figures = event_figures([(marked, found, seconds)])
    assert (figures.sensitivity, figures.n_false) == (1.0, 0)
    assert np.isfinite(figures.f1)
