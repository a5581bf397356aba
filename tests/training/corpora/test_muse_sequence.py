# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from get_hf.training.corpora import CorpusUnavailableError, get_corpus
from get_hf.training.corpora.muse_sequence import CHANNELS, RATE
from synthetic import synthetic_eeg

FOLDER = "EEG_DATA/fold_0/train/success"


def write(folder, name="12_1_19", seconds=12.0, inside=FOLDER, **arrays):
    """Writes a trial in the corpus's format: numbers as bytes of text, on an offset, with the contact of each."""
    microvolts = 850 + 1e6 * synthetic_eeg(seconds, RATE, 4).T
    held = {"raw": microvolts, "h_eeg": np.ones(microvolts.shape), "a": np.zeros((55, 4))} | arrays
    path = folder / inside / f"{name}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **{name: value.round(6).astype("S21") for name, value in held.items() if value is not None})
    return path


def only(folder):
    (found,) = get_corpus("muse-sequence").recordings(folder)
    return found


@pytest.mark.parametrize("layout", [".", "muse-sequence", "EEG-Dataset--Sequence-Learning"])
def test_trials_come_by_person_and_once_whatever_the_fold_says(tmp_path, layout):
    names = ["7_1_2", "7_1_10", "13_1_1", "1_2_1", "30_1_1", "37_1_1"]
    for index, name in enumerate(names):
        division = f"EEG_DATA/fold_0/{('train', 'test')[index % 2]}/{('success', 'fail')[index % 3 == 0]}"
        write(tmp_path / layout, name, 5.0, division)
        write(tmp_path / layout, name, 5.0, "EEG_DATA/fold_1/train/fail")
    corpus = get_corpus("muse-sequence")
    assert [(r.subject, r.session, corpus.split_of(r.subject)) for r in corpus.recordings(tmp_path)] == [
        *(("1", "2_01", "train"), ("7", "1_02", "test"), ("7", "1_10", "test"), ("13", "1_01", "validation")),
        *(("30", "1_01", "train"), ("37", "1_01", "test")),
    ]


def test_every_person_is_in_one_split(tmp_path):
    splits = get_corpus("muse-sequence").splits
    assert {split: len(people) for split, people in splits.items()} == {"train": 55, "validation": 7, "test": 7}
    assert splits["test"] == ("7", "17", "27", "37", "47", "57", "67")
    assert splits["validation"] == ("3", "13", "23", "33", "43", "53", "63")


def test_a_trial_is_four_channels_in_volts_without_offset_and_without_condition(tmp_path):
    write(tmp_path)
    found = only(tmp_path)
    raw = found.open()
    assert raw.ch_names == list(CHANNELS)
    assert raw.info["sfreq"] == RATE
    expected = 1e6 * synthetic_eeg(12.0, RATE, 4)
    np.testing.assert_allclose(1e6 * raw.get_data(), expected - np.median(expected, axis=-1, keepdims=True), atol=1e-5)
    assert found.condition_spans(raw) == []
    assert raw.info["bads"] == []


@pytest.mark.parametrize(("contact", "bads"), [(1, []), (2, []), (4, ["AF8"])])
def test_a_sensor_without_contact_is_left_out(tmp_path, contact, bads):
    quality = np.ones((2640, 4))
    quality[:, 2] = contact
    write(tmp_path, h_eeg=quality)
    assert only(tmp_path).open().info["bads"] == bads


def test_a_moment_without_contact_is_marked(tmp_path):
    quality = np.ones((2640, 4))
    quality[:330] = 4
    write(tmp_path, h_eeg=quality)
    ((onset, duration, name, *_),) = [tuple(note.values()) for note in only(tmp_path).open().annotations]
    assert (onset, duration, name) == (0.0, 2.0, "BAD_contact")


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"raw": None}, "raw"),
        ({"h_eeg": None}, "h_eeg"),
        ({"h_eeg": np.ones((100, 4))}, r"shape \(2640, 4\) and h_eeg of shape \(100, 4\)"),
        ({"raw": np.ones((2640, 3)), "h_eeg": np.ones((2640, 3))}, "4 sensors"),
        ({"raw": np.ones((0, 4)), "h_eeg": np.ones((0, 4))}, "4 sensors"),
        ({"raw": np.full((2640, 4), np.nan)}, "no numbers"),
        ({"raw": np.full((2640, 4), "contact")}, "could not convert"),
    ],
)
def test_other_arrays_are_refused_in_one_sentence(tmp_path, arrays, reason):
    path = write(tmp_path)
    held = dict(np.load(path)) | arrays
    np.savez(path, **{name: value.astype("S21") for name, value in held.items() if value is not None})
    with pytest.raises(ValueError, match=rf"12_1_19\.npz .*{reason}.*: fetch it again") as error:
        only(tmp_path).open()
    assert "\n" not in str(error.value)


def test_objects_are_never_unpickled(tmp_path):
    path = write(tmp_path)
    np.savez(path, raw=np.array([{}], dtype=object), h_eeg=np.ones((1, 4)))
    with pytest.raises(ValueError, match="damaged or is no trial"):
        only(tmp_path).open()


@pytest.mark.parametrize("damage", [lambda data: data[:-3000], lambda data: b"<html>", lambda data: b""])
def test_a_damaged_file_is_refused_in_one_sentence(tmp_path, damage):
    path = write(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"12_1_19\.npz is damaged .*: fetch it again") as error:
        only(tmp_path).open()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("given", [True, False])
def test_without_the_corpus_one_sentence_says_what_to_fetch(tmp_path, given):
    with pytest.raises(CorpusUnavailableError, match=r"clone https://github.com/.* folder muse-sequence") as error:
        list(get_corpus("muse-sequence").recordings(tmp_path if given else None))
    assert "\n" not in str(error.value)


def test_the_real_trials_are_all_there(real_data):
    if not (real_data / "muse-sequence").is_dir():
        pytest.skip(f"no muse-sequence at {real_data}")
    corpus = get_corpus("muse-sequence")
    counts = {split: len(list(corpus.recordings(real_data, split))) for split in ("train", "validation", "test")}
    assert counts == {"train": 1575, "validation": 164, "test": 175}
    raws = [found.open() for found in list(corpus.recordings(real_data, "validation"))[::20]]
    assert 5 < np.median([raw.times[-1] for raw in raws]) < 20
    assert 2 < np.median([np.median(np.abs(1e6 * raw.get_data())) for raw in raws]) < 50
