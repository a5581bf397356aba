# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Any corpus is read for the evaluation: from the registry, from files, or from a prepared folder."""

import mne
import numpy as np
import pytest

from get_hf import save_recording
from get_hf.training.data.prepared import prepare
from get_hf.training.evaluation.corpora.material import judged_people, read_material, shared_channels
from get_hf.training.evaluation.recordings import CHANNELS, Cut, recordings
from synthetic import make_raw


@pytest.fixture(scope="module")
def trials(tmp_path_factory) -> str:
    """Name of a corpus of trials of 12 s, two people, on the four electrodes of a headband; one trial is bad."""
    folder = tmp_path_factory.mktemp("trials")
    for person in ("anna", "bert"):
        (folder / person).mkdir()
        for number in range(3):
            raw = make_raw(12.0, 220.0, ("TP9", "AF7", "AF8", "TP10"), seed=10 * ord(person[0]) + number)
            raw.set_annotations(mne.Annotations(0.0, 12.0, "eyes_open"))
            if number == 2:
                raw.set_annotations(mne.Annotations([0.0, 3.0], [12.0, 9.0], ["eyes_open", "BAD_movement"]))
            save_recording(raw, folder / person / f"{number}.fif")
    return f"files:{folder}/*/*.fif"


def test_signals_are_those_of_the_usual_reader(splits, people):
    found = read_material("eegmmidb", people, "validation")
    usual = list(recordings(people, "validation"))
    assert found.ch_names == list(CHANNELS)
    assert [(s.subject, s.condition) for s in found.signals] == [(s.subject, s.condition) for s in usual]
    for ours, theirs in zip(found.signals, usual, strict=True):
        np.testing.assert_allclose(ours.x, theirs.x[:, : ours.x.shape[1]], atol=1e-4)
    cued = found.signals[2].spans
    assert [name for *_, name in cued[:4]] == ["rest", "left_fist", "rest", "right_fist"]
    assert found.cut() == Cut()


def test_a_prepared_folder_gives_the_same_signals_joined(splits, people, tmp_path):
    folder = prepare("eegmmidb", tmp_path / "mine", people, segment_seconds=6.0).folder
    ours, theirs = read_material(folder, None, "validation"), read_material("eegmmidb", people, "validation")
    assert ours.ch_names == theirs.ch_names
    for a, b in zip(ours.signals, theirs.signals, strict=True):
        np.testing.assert_array_equal(a.x, b.x)
        assert (a.subject, a.session, a.condition, a.spans) == (b.subject, b.session, b.condition, b.spans)
    for split in ("validation", "test", "left-out"):
        assert sorted(judged_people(folder, None, split)) == sorted(judged_people("eegmmidb", people, split))
    assert {subject for _, subject in judged_people(folder, None, "left-out")} == {"S001", "S002", "S080", "S081"}


def test_trials_of_a_headband_get_short_lengths_and_another_floor(trials):
    found = read_material(trials, None, "validation")
    assert found.ch_names == ["TP9", "AF7", "AF8", "TP10"]
    assert {signal.subject for signal in found.signals} == {"anna", "bert"}
    assert len(found.signals) == 4  # what is left of a bad trial is too short
    assert len(found.left_out) == 2
    assert all("3.0 s long" in reason for reason in found.left_out)
    assert {signal.condition for signal in found.signals} == {"eyes_open"}
    assert found.cut() == Cut(4.0, 3.0, other_recordings=True)
    assert found.cut((Cut(3.0, 2.0), Cut(3.0, 2.0, True))) == Cut(3.0, 2.0)
    assert judged_people(trials, None, "train") == []
    with pytest.raises(ValueError, match="no recording of the train split"):
        read_material(trials, None, "train")


def test_nobody_with_a_second_recording_has_the_floor_from_the_same():
    found = read_material_of([("S1", 12.0), ("S2", 12.0)])
    assert found.cut() == Cut(4.0, 3.0, other_recordings=False)


def read_material_of(lengths):
    from get_hf.training.evaluation.corpora.material import Material
    from get_hf.training.evaluation.recordings import Signal

    signals = [Signal(np.zeros((1, round(100 * seconds))), who, "none", (), "a") for who, seconds in lengths]
    return Material(signals, ["Cz"])


def test_the_channels_are_those_that_give_the_most_eeg():
    cap = [*CHANNELS, "FC1", "FC2"]
    assert shared_channels([cap] * 5) == list(CHANNELS)
    headset = ["AF3", "F7", "F3", "O1", "Oz"]
    assert shared_channels([headset] * 9 + [["F7", "O1"]]) == headset  # one odd recording in ten
    assert shared_channels([headset] * 2 + [["F7", "O1"]] * 40) == ["F7", "O1"]  # two channels of 42 recordings
    loose = [[name for name in headset if name != out] for out in headset]
    assert shared_channels([headset] * 12 + loose) == headset  # each electrode was loose in a few recordings
    many = [f"X{k}" for k in range(64)]
    assert len(shared_channels([many] * 2)) == 32


def test_older_and_bipolar_names_are_known(tmp_path):
    for number in range(2):
        raw = make_raw(40.0, 256.0, ("T3", "EEG C3-REF", "Fp1-F7", "EMG"), seed=number)
        raw.set_channel_types({"EMG": "misc"})
        save_recording(raw, tmp_path / f"{number}.fif")
    found = read_material(f"files:{tmp_path}/*.fif", None, "validation")
    assert found.ch_names == ["T7", "C3", "Fp1-F7"]


def test_what_cannot_be_judged_is_said_in_one_sentence(tmp_path, people, splits):
    with pytest.raises(ValueError, match="There is no corpus 'nowhere'"):
        read_material("nowhere", people, "validation")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match="not a prepared corpus"):
        read_material(tmp_path / "folder", None, "validation")
