# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import errno
import logging
import os
import shutil

import numpy as np
import pytest

from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.processing.montage_get import channel_positions
from get_hf.training.corpora import CorpusUnavailableError, Recording, get_corpus
from get_hf.training.data.segments import prepare_segments, problems
from synthetic import CH_NAMES


def row(dataset, subject, session):
    return next(r for r in dataset if (r["subject"], r["session"]) == (subject, session))


def contents(segments):
    return {split: dataset.with_format("arrow")[:].combine_chunks() for split, dataset in segments.items()}


def test_a_segment_is_the_cleaned_recording_in_microvolts(prepared, data_dir):
    found = row(prepared["train"], "S001", "R04")
    recording = next(r for r in get_corpus("eegmmidb").recordings(data_dir) if r.session == "R04")
    expected = GETFeatureExtractor().clean(1e6 * recording.open().get_data(), 160.0)
    signal = np.reshape(found["signal"], (found["n_chans"], found["n_times"]))
    assert found["sampling_rate"] == 100.0
    assert found["n_chans"] == 8
    assert found["n_times"] == 2350
    assert found["ch_names"] == CH_NAMES
    np.testing.assert_allclose(signal, expected[:, :2350], rtol=1e-5, atol=1e-4)
    positions = np.reshape(found["channel_positions"], (8, 6))
    np.testing.assert_array_equal(positions, channel_positions(CH_NAMES))
    assert found["problem"] == ""


def test_each_patch_has_the_condition_of_its_middle(prepared):
    assert set(row(prepared["train"], "S001", "R01")["conditions"]) == {2}
    assert set(row(prepared["train"], "S001", "R02")["conditions"]) == {3}
    conditions = row(prepared["train"], "S001", "R04")["conditions"]
    assert len(conditions) == 94
    # 0.25 s patches: [4.25, 4.5) lies in the left fist, [20.75, 21) in nothing annotated
    assert conditions[16:18] == [1, 4]
    assert conditions[:16] == [1] * 16
    assert conditions[51] == 5
    assert conditions[83:] == [0] * 11
    onsets = row(prepared["train"], "S001", "R04")["condition_onsets"]
    assert onsets[17:33] == pytest.approx([4.2] * 16)  # between two borders of patches
    assert onsets[51] == 12.5
    assert onsets[83:] == [0.0] * 11


def test_a_condition_that_began_before_its_segment_has_a_negative_onset(data_dir, cache_dir):
    short = prepare_segments("eegmmidb", data_dir, cache_dir, segment_seconds=8.0)
    starts = [found["start"] for found in short["train"] if (found["subject"], found["session"]) == ("S001", "R01")]
    parts = [found for found in short["train"] if (found["subject"], found["session"]) == ("S001", "R01")]
    assert [found["condition_onsets"][0] for found in parts] == [-start for start in starts]


def test_long_recordings_are_cut_into_equal_segments_that_join_without_gap(prepared, data_dir, cache_dir):
    short = prepare_segments("eegmmidb", data_dir, cache_dir, segment_seconds=8.0)
    parts = [r for r in short["train"] if (r["subject"], r["session"]) == ("S001", "R01")]
    whole = row(prepared["train"], "S001", "R01")
    assert [r["n_times"] for r in parts] == [775, 775, 800]
    assert [r["start"] for r in parts] == [0.0, 7.75, 15.5]
    joined = np.concatenate([np.reshape(r["signal"], (8, -1)) for r in parts], axis=-1)
    np.testing.assert_array_equal(joined, np.reshape(whole["signal"], (8, -1)))


def test_splits_hold_their_subjects_and_no_others(prepared):
    subjects = {split: set(dataset["subject"]) for split, dataset in prepared.items()}
    assert subjects == {"train": {"S001", "S002", "S003"}, "validation": {"S080"}, "test": {"S090"}}


def test_unusable_recordings_are_reported(data_dir, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        segments = prepare_segments("eegmmidb", data_dir, tmp_path)
    (broken, partly) = problems(segments["train"])
    assert broken[:2] == ("S003", "R01")
    assert broken[2]
    assert partly[:2] == ("S003", "R02")
    assert "C3.. (median amplitude 0 uV)" in partly[2]
    assert row(segments["train"], "S003", "R01")["n_times"] == 0
    assert row(segments["train"], "S003", "R02")["ch_names"] == [n for n in CH_NAMES if n != "C3.."]
    assert "S003 R01 cannot be used" in caplog.text
    assert "S003 R02" in caplog.text


def test_building_twice_and_by_two_processes_gives_the_same(prepared, data_dir, tmp_path):
    once = contents(prepared)
    again = contents(prepare_segments("eegmmidb", data_dir, tmp_path / "one"))
    by_two = contents(prepare_segments("eegmmidb", data_dir, tmp_path / "two", num_proc=2))
    assert once == again
    assert once == by_two


def test_built_segments_are_reused_until_a_recording_changes_or_is_added(data_dir, tmp_path):
    original = data_dir / "eegmmidb/S080"
    for subject in ("S080", "S081"):
        (tmp_path / "data/eegmmidb" / subject).mkdir(parents=True)
    changing = tmp_path / "data/eegmmidb/S080/S080R01.edf"
    shutil.copy2(original / "S080R01.edf", changing)

    def built():
        return prepare_segments("eegmmidb", tmp_path / "data", tmp_path / "cache")["validation"]

    first = built()
    assert built().cache_files == first.cache_files
    shutil.copy2(original / "S080R04.edf", changing)
    assert not np.array_equal(built()[0]["signal"], first[0]["signal"])
    shutil.copy2(original / "S080R02.edf", tmp_path / "data/eegmmidb/S081/S081R02.edf")
    assert built()["subject"] == ["S080", "S081"]


def test_a_full_disk_is_not_reported_as_a_bad_recording(data_dir, tmp_path, monkeypatch):
    def opener(self):
        raise CorpusUnavailableError("could not be written") from OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Recording, "open", opener)
        with pytest.raises(OSError, match=r"the disk is full: nothing was kept in .*; make room and start again"):
            prepare_segments("eegmmidb", data_dir, tmp_path)
    assert not list(tmp_path.rglob("*.arrow"))
    assert len(prepare_segments("eegmmidb", data_dir, tmp_path)["test"]) == 1


def test_signals_are_read_as_views_of_the_memory_map(prepared):
    arrow = prepared["train"].with_format("arrow")[0]["signal"].chunk(0)
    assert not arrow.flatten().to_numpy(zero_copy_only=True).flags.owndata


def test_real_recordings_have_the_amplitude_of_scalp_eeg(real_data, cache_dir):
    segments = prepare_segments(f"files:{real_data}/eegmmidb/S00[1-4]/*.edf", None, cache_dir)["train"]
    assert problems(segments) == []
    typical = [np.median(np.abs(r["signal"])) for r in segments]
    assert 5 < np.median(typical) < 60
    assert set(segments["n_chans"]) == {64}
