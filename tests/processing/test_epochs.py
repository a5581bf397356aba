# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Epochs in, one labelled set of epochs out."""

import pickle
import warnings

import mne
import numpy as np
import pandas as pd
import pytest

from get_hf.processing.decoding_get import GENERATED
from get_hf.processing.reading_get import read_recordings
from small import NAMES, RATE, as_raw, continued, signal

TMIN, N_TIMES = -1.0, 481  # to 2 s, the last sample included
SEAM = TMIN + N_TIMES / RATE
EVENT_ID = {"left_fist": 2, "right_fist": 7}


@pytest.fixture
def trials() -> mne.EpochsArray:
    """Three trials of two classes, with a table beside them."""
    data = 1e-6 * np.stack([signal(4, seed=seed)[:, :N_TIMES] for seed in range(3)])
    events = np.array([[400, 0, 2], [1600, 0, 7], [3000, 0, 2]])
    metadata = pd.DataFrame({"reaction": [0.3, 0.5, 0.4], "side": ["left", "right", "left"]})
    info = mne.create_info(NAMES, RATE, "eeg")
    return mne.EpochsArray(data, info, events, TMIN, EVENT_ID, metadata=metadata, verbose="error")


def cut(raw: mne.io.BaseRaw, tmin: float, tmax: float, at: float = 4.0, name: str = "left_fist") -> mne.Epochs:
    """The epoch around one event."""
    events = np.array([[raw.first_samp + round(at * raw.info["sfreq"]), 0, 1]])
    return mne.Epochs(raw, events, {name: 1}, tmin, tmax, baseline=None, preload=True, verbose="error")


def test_a_set_comes_back_as_one_with_its_events_metadata_and_time(extractor, trials):
    features = extractor(trials)
    (epochs,) = extractor.decode(continued(features), features, "epochs")
    np.testing.assert_array_equal(epochs.events, trials.events)
    assert epochs.event_id == EVENT_ID
    assert epochs.tmin == TMIN
    assert epochs.get_data(copy=True).shape == (3, 4, N_TIMES + 320)
    assert epochs.metadata["side"].tolist() == ["left", "right", "left"]
    assert epochs.metadata["reaction"].tolist() == [0.3, 0.5, 0.4]
    np.testing.assert_allclose(epochs.metadata["generated_from"], SEAM)
    assert epochs.metadata["generated_draw"].tolist() == [0, 0, 0]
    assert len(epochs["right_fist"]) == 1
    assert f"from {SEAM:.3f} s" in epochs.info["description"]
    arrays = extractor.decode(continued(features), features, "array")
    np.testing.assert_allclose(epochs.get_data(copy=True), 1e-6 * np.stack(arrays))


def test_it_survives_a_file(extractor, trials, tmp_path):
    features = extractor(trials)
    (epochs,) = extractor.decode(continued(features, rows=3), features, "epochs")
    epochs.save(tmp_path / "x-epo.fif", verbose="error")
    back = mne.read_epochs(tmp_path / "x-epo.fif", verbose="error")
    np.testing.assert_array_equal(back.events, epochs.events)
    assert back.event_id == EVENT_ID
    assert back.tmin == TMIN
    pd.testing.assert_frame_equal(back.metadata, epochs.metadata, check_dtype=False)
    assert back.info["description"] == epochs.info["description"]


def test_several_draws_of_an_epoch_follow_one_another(extractor, trials):
    features = extractor(trials)
    (epochs,) = extractor.decode(continued(features, rows=2), features, "epochs")
    assert epochs.metadata["generated_draw"].tolist() == [0, 1, 0, 1, 0, 1]
    assert epochs.metadata["side"].tolist() == ["left", "left", "right", "right", "left", "left"]
    assert epochs.events[:, 2].tolist() == [2, 2, 7, 7, 2, 2]
    assert epochs.events[:, 0].tolist() == [400, 401, 1600, 1601, 3000, 3001]
    arrays = extractor.decode(continued(features, rows=2), features, "array")
    np.testing.assert_allclose(epochs.get_data(copy=True), 1e-6 * np.stack(arrays))


def test_the_continuation_alone_begins_where_the_epoch_ended(extractor, trials):
    features = extractor(trials)
    (epochs,) = extractor.decode(continued(features), features, "epochs", include_prompt=False)
    assert epochs.get_data(copy=True).shape == (3, 4, 320)
    assert epochs.times[0] == pytest.approx(SEAM)
    np.testing.assert_allclose(epochs.metadata["generated_from"], SEAM)
    np.testing.assert_array_equal(epochs.events, trials.events)


@pytest.mark.parametrize("tmin", [-0.5, 0.0, 0.3])
def test_time_zero_stays_the_cue(extractor, tmin):
    raw = as_raw(signal(8))
    features = extractor(cut(raw, tmin, tmin + 2))
    (epochs,) = extractor.decode(continued(features), features, "epochs")
    assert epochs.tmin == pytest.approx(tmin)
    assert epochs.metadata["generated_from"].item() == pytest.approx(tmin + 2 + 1 / RATE)


@pytest.mark.parametrize(
    ("tmin", "tmax", "expected"),
    [(-1.0, 2.0, (1.0, 2.0)), (0.0, 2.0, (0.0, 2.0)), (0.5, 2.0, (0.0, 1.5)), (-1.0, 0.0, (1.0, 0.0))],
)
def test_samples_before_the_cue_do_not_have_its_label(tmin, tmax, expected):
    (recording,) = read_recordings(cut(as_raw(signal(8)), tmin, tmax), None, None, None)
    ((onset, duration, name),) = recording.spans
    assert name == "left_fist"
    assert (onset, duration) == pytest.approx((expected[0], expected[1] + 1 / RATE))


def test_before_the_cue_the_epoch_has_the_condition_of_its_annotations(extractor):
    raw = as_raw(signal(12)).set_annotations(mne.Annotations([2.0, 6.0], [2.0, 2.0], ["eyes_open", "rest"]))
    features = extractor(cut(raw, -1.5, 3.5))
    ids = features["condition_ids"][0, :-1].tolist()
    opened, left, rest = (extractor.condition_id(name) for name in ("eyes_open", "left_fist", "rest"))
    assert ids[1:5] == [opened] * 4
    assert ids[7:13] == [left] * 6
    assert ids[-5:] == [rest] * 5


def test_without_any_it_is_in_none(extractor):
    ids = extractor(cut(as_raw(signal(8)), -1, 2))["condition_ids"][0].tolist()
    assert set(ids[:3]) == {0}
    assert set(ids[5:]) == {extractor.condition_id("left_fist")}


def test_epochs_that_end_before_their_event_do_not_take_its_condition(extractor):
    epochs = cut(as_raw(signal(8)), -2.0, -0.5)
    with pytest.warns(UserWarning, match=r"end 0\.494 s before their events.*to say what comes next"):
        features = extractor(epochs)
    assert set(features["condition_ids"][0].tolist()) == {0}
    (back,) = extractor.decode(continued(features), features, "epochs")
    assert back.tmin == -2
    np.testing.assert_array_equal(back.events, epochs.events)


def test_annotations_of_the_recording_stay_with_the_epochs_without_its_date(extractor):
    raw = as_raw(signal(12)).set_meas_date(1_600_000_000)
    raw.set_annotations(mne.Annotations([4.5], [0.5], ["pop"], ch_names=[["C3"]], orig_time=raw.info["meas_date"]))
    epochs = cut(raw, -1, 2)
    features = extractor(epochs)
    (back,) = extractor.decode(continued(features), features, "epochs")
    assert back.get_annotations_per_epoch() == epochs.get_annotations_per_epoch()
    assert back.annotations.ch_names.tolist() == [("C3",)]
    assert back.annotations.orig_time is None
    (kept,) = extractor.decode(continued(features), features, "epochs", keep_identity=True)
    assert kept.annotations.orig_time == raw.info["meas_date"]


def test_sets_and_recordings_given_together_stay_apart(extractor, trials):
    features = extractor([trials, as_raw(signal()), trials[:2], as_raw(signal(4))])
    made = extractor.decode(continued(features, rows=2), features, "epochs")
    assert [len(epochs) for epochs in made] == [6, 2, 4, 2]
    assert [epochs.tmin for epochs in made] == [TMIN, -6, TMIN, -4]
    assert list(made[1].event_id) == [GENERATED]
    assert made[1].metadata["generated_from"].tolist() == [0, 0]


def test_every_virtual_person_is_a_separate_set_of_epochs(extractor):
    features = extractor(ch_names=NAMES, person=[2, None, 2])
    made = extractor.decode(continued(features), features, "epochs")
    assert [len(epochs) for epochs in made] == [1, 1, 1]


def test_as_raw_an_epoch_has_its_event_where_the_cue_is(extractor, trials):
    features = extractor(trials)
    raws = extractor.decode(continued(features), features)
    assert [raw.annotations.description.tolist() for raw in raws] == [
        [side, GENERATED] for side in ("left_fist", "right_fist", "left_fist")
    ]
    np.testing.assert_allclose(raws[0].annotations.onset, [1, N_TIMES / RATE])


def test_a_channel_silent_in_one_epoch_is_bad_in_the_set(extractor, trials):
    trials._data[1, 2] = 0
    with pytest.warns(UserWarning, match="masked: C4"):
        features = extractor(trials)
    (epochs,) = extractor.decode(continued(features), features, "epochs")
    assert epochs.info["bads"] == ["C4"]
    assert len(epochs) == 3


def test_annotations_of_earlier_generated_parts_are_kept(extractor, trials):
    features = extractor(trials)
    (once,) = extractor.decode(continued(features), features, "epochs")
    features = extractor(once)
    (twice,) = extractor.decode(continued(features), features, "epochs")
    np.testing.assert_allclose(twice.metadata["generated_from"], SEAM)
    assert f"from {SEAM:.3f} s" in twice.info["description"]


def test_events_one_sample_apart_and_unordered_stay_at_their_own_samples(extractor, trials):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trials.events[:, 0] = [5, 3, 4]
        features = extractor(trials)
        (epochs,) = extractor.decode(continued(features, rows=2), features, "epochs")
        (single,) = extractor.decode(continued(features), features, "epochs")
    assert single.events[:, 0].tolist() == [5, 3, 4]
    assert len(set(epochs.events[:, 0])) == 6
    assert epochs.events[:, 2].tolist() == [2, 2, 7, 7, 2, 2]


def test_a_set_that_travelled_is_still_one(extractor, trials):
    features = pickle.loads(pickle.dumps(extractor(trials)))
    assert len(extractor.decode(continued(features), features, "epochs")) == 1


def test_without_pandas_metadata_are_dictionaries(extractor, trials, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    trials.metadata = None
    features = extractor(trials)
    (epochs,) = extractor.decode(continued(features), features, "epochs")
    assert [row["generated_draw"] for row in epochs.metadata] == [0, 0, 0]
    assert epochs.metadata[0]["generated_from"] == pytest.approx(SEAM)
