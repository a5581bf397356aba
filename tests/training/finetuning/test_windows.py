# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Labelled windows of recordings and of epochs."""

import datasets
import mne
import numpy as np
import pytest
import torch

from get_hf import CHECKPOINT, GETFeatureExtractor
from get_hf.training.finetuning.batches import WindowCollator
from get_hf.training.finetuning.windows import condition_classes, cut_windows, labelled_stretches, windows_of_epochs
from synthetic import make_raw

FISTS = {"left": ["left_fist"], "right": ["right_fist"]}


@pytest.fixture(scope="module")
def extractor():
    return GETFeatureExtractor.from_pretrained(CHECKPOINT)


def test_windows_lie_in_stretches_of_one_class():
    conditions = np.array([1, 1, 4, 4, 4, 4, 4, 1, 5, 5, 5, 1, 4, 4])
    found = list(labelled_stretches(conditions, [[4], [5]], n_window=3, n_stride=1))
    assert found == [(0, 2, 2), (0, 2, 3), (0, 2, 4), (1, 8, 8)]


def test_a_class_may_have_several_conditions():
    assert list(labelled_stretches(np.array([4, 5, 0]), [[4, 5]], 2, 2)) == [(0, 0, 0)]
    assert condition_classes({"move": ["left fist", "FEET"]}) == {"move": [4, 7]}


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ({"a": ["left_fist"], "b": ["left-fist"]}, "left_fist is in the classes a and b"),
        ({"a": ["left_fits"], "b": ["feet"]}, "left_fits"),
    ],
)
def test_classes_that_mean_nothing_are_refused(classes, message):
    with pytest.raises(ValueError, match=message):
        condition_classes(classes)


def test_windows_of_a_corpus_have_labels_and_one_calibration_per_run(prepared, extractor):
    windows = cut_windows(prepared["train"], extractor, FISTS, 4.0)
    assert windows["labels"] == [0, 1] * (len(windows) // 2)
    assert set(windows["subject"]) == {"S001", "S002"}
    first, second = windows[0], windows[1]
    assert first["calibration"] == second["calibration"]
    assert first["session"] == second["session"]
    assert [row["start"] for row in (first, second)] == pytest.approx([4.2, 12.5])
    assert len(first["input_values"]) == 400 * first["n_chans"]
    assert len(first["ch_names"]) == first["n_chans"]


def test_windows_begin_at_the_sample_of_the_annotation(prepared, extractor):
    [left, right] = [row for row in cut_windows(prepared["train"], extractor, FISTS, 4.0) if row["subject"] == "S001"]
    run = next(row for row in prepared["train"] if (row["subject"], row["session"]) == ("S001", "R04"))
    signal = np.reshape(run["signal"], (run["n_chans"], -1)).astype(np.float64)
    positions = np.reshape(run["channel_positions"], (-1, 6))
    signal, transform = extractor.without_events(signal, positions), extractor.transform
    fit = transform.fit(signal, positions, is_own=True)
    for window, start in ((left, 420), (right, 1250)):  # 4.2 s is between two borders of patches
        whole_patches = signal[:, start % 25 :][:, : 93 * 25]
        later = transform.forward(whole_patches, positions, fit=fit).values
        expected = later[:, start // 25 * 25 :][:, :400]
        found = np.reshape(window["input_values"], (run["n_chans"], 400))
        np.testing.assert_allclose(found, expected, atol=2e-3, rtol=1e-3)


def test_windows_of_a_person_begin_at_the_annotation_too(prepared, extractor):
    windows = cut_windows(prepared["train"], extractor, FISTS, 4.0, calibrations=["session", "person"])
    own = [row for row in windows if row["subject"] == "S002"]  # one run has trials
    assert [row["start"] for row in own] == pytest.approx([4.2, 12.5, 4.2, 12.5])
    assert own[0]["input_values"] == own[2]["input_values"]


def test_trials_of_several_segments_of_a_session_have_different_numbers(prepared, extractor):
    whole = next(row for row in prepared["train"] if {4, 5} <= set(row["conditions"]))
    n_patches, size = len(whole["conditions"]), extractor.patch_size
    border = n_patches // 2
    signal = np.reshape(whole["signal"], (whole["n_chans"], -1))
    halves = [
        whole | {
            "signal": signal[:, size * begin : size * end].ravel(),
            "n_times": size * (end - begin),
            "conditions": whole["conditions"][begin:end],
            "condition_onsets": np.subtract(whole["condition_onsets"][begin:end], begin * size / 100),
            "start": begin * size / extractor.sampling_rate,
        }
        for begin, end in [(0, border), (border, n_patches)]
    ]  # fmt: skip
    rows = datasets.Dataset.from_list(halves, features=prepared["train"].features)
    windows = cut_windows(rows, extractor, FISTS, 1.0)
    trials = {}
    for row in windows:
        trials.setdefault((row["session"], row["trial"]), []).append(row)
    assert all(len({row["labels"] for row in own}) == 1 for own in trials.values())
    assert all(own[-1]["start"] - own[0]["start"] < 5 for own in trials.values())
    assert max(map(len, trials.values())) > 1
    assert min(own[0]["start"] for own in trials.values()) < border * 0.25 < max(row["start"] for row in windows)
    assert windows[0]["trial"] * 0.25 == pytest.approx(windows[0]["start"], abs=0.13)
    # the second half of a divided trial begins with its segment
    divided = [own for own in trials.values() if own[0]["start"] == border * 0.25]
    assert len(divided) == (whole["conditions"][border - 1] == whole["conditions"][border] in (4, 5))


def test_windows_can_share_the_calibration_of_their_person(prepared, extractor):
    eyes = {"open": ["eyes_open"], "closed": ["eyes_closed"]}
    windows = cut_windows(prepared["train"], extractor, eyes, 2.0, calibrations=["session", "person"])
    own = [row for row in windows if row["subject"] == "S001"]
    by_session = [row for row in own if "+" not in row["session"]]
    by_person = [row for row in own if "+" in row["session"]]
    assert len(by_session) == pytest.approx(len(by_person), abs=1)  # no window contains the seam
    assert len({tuple(row["calibration"]) for row in by_session}) == 2
    assert len({tuple(row["calibration"]) for row in by_person}) == 1
    assert {row["labels"] for row in by_person} == {0, 1}


def test_a_window_longer_than_every_trial_is_refused(prepared, extractor):
    with pytest.raises(ValueError, match="no stretch of left_fist, right_fist is as long as a window of 6 s"):
        cut_windows(prepared["train"], extractor, FISTS, 6.0)


def test_training_batches_have_random_channels_and_one_shape(prepared, extractor):
    rows = list(cut_windows(prepared["train"], extractor, FISTS, 4.0).with_format("numpy"))
    torch.manual_seed(0)
    batch = WindowCollator(25, n_chans=5)(rows[:2])
    again = WindowCollator(25, n_chans=5)(rows[:2])
    assert batch["input_values"].shape == (2, 5, 425)
    assert not batch["input_values"][..., :25].any()
    assert not torch.equal(batch["channel_positions"], again["channel_positions"])
    everything = WindowCollator(25)(rows[:2])
    known = {tuple(row) for row in everything["channel_positions"][0].tolist()}
    assert {tuple(row) for row in batch["channel_positions"][0].tolist()} <= known


def test_channels_are_padded_where_there_are_too_few(prepared, extractor):
    rows = list(cut_windows(prepared["train"], extractor, FISTS, 4.0).with_format("numpy"))
    batch = WindowCollator(25, n_chans=12)(rows[:1])
    assert batch["channel_mask"].sum() == rows[0]["n_chans"]
    assert not batch["input_values"][0, rows[0]["n_chans"] :].any()


def test_files_of_epochs_are_read_with_their_people(tmp_path, extractor):
    for person in ("anna", "bela"):
        raw = make_raw(60.0, seed=len(person))
        raw.rename_channels(lambda name: name.strip("."))
        events = mne.make_fixed_length_events(raw, duration=4.0)
        events[1::2, 2] = 2
        epochs = mne.Epochs(raw, events, {"target": 1, "other": 2}, 0, 2 - 1 / 160, baseline=None, verbose="error")
        epochs.save(tmp_path / f"{person}_run1-epo.fif", verbose="error")
    windows, classes = windows_of_epochs(tmp_path, extractor, None)
    assert classes == ["other", "target"]
    assert set(windows["subject"]) == {"anna", "bela"}
    assert windows["labels"][:4] == [1, 0, 1, 0]
    assert len(windows[0]["input_values"]) == 200 * windows[0]["n_chans"]


def test_a_folder_without_epochs_is_refused(tmp_path, extractor):
    with pytest.raises(ValueError, match="has no file of epochs"):
        windows_of_epochs(tmp_path, extractor, None)
