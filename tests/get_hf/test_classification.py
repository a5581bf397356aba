# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Recordings are classified in pieces as they are in one, and what is found is written so that others read it."""

import csv
import dataclasses
import json
import warnings
from itertools import pairwise

import mne
import numpy as np
import pytest

from classifiers import STRIDE, WINDOW, small_classifier
from get_hf import GETFeatureExtractor, classify, save_recording
from get_hf.long_recordings import LongRecording, calibrate
from get_hf.modeling.pipeline_get import window_scores
from synthetic import make_raw

CLOSE = {"atol": 2e-5, "rtol": 0}
FEW = ("C3", "Cz", "C4")


@pytest.fixture(scope="module")
def model():
    return small_classifier()


@pytest.fixture(scope="module")
def extractor():
    return GETFeatureExtractor()


@pytest.fixture(scope="module")
def found(model, extractor):
    """A minute in which 20 to 30 s are bad."""
    raw = make_raw(60.0, ch_names=FEW).set_annotations(mne.Annotations(20.0, 10.0, "BAD_moved"))
    return classify(raw, model, extractor)


@pytest.mark.parametrize(("seconds", "rate"), [(600.0, 160.0), (121.7, 173.61), (100.3, 512.0)])
def test_in_pieces_the_windows_are_those_of_the_whole(model, extractor, seconds, rate):
    raw = make_raw(seconds, rate, ch_names=FEW)
    pieces = classify(raw, model, extractor, piece_seconds=seconds / 6)
    whole, spans = window_scores(model, extractor(raw, calibrate_on="all"), WINDOW, STRIDE)[0]
    assert pieces.scores.std(axis=0).min() > 1e-2
    np.testing.assert_allclose(pieces.scores, whole, **CLOSE)
    np.testing.assert_allclose(
        np.stack([pieces.starts, pieces.ends], axis=1), spans, atol=0.01
    )  # a sample of the model


def test_a_montage_of_other_regions_than_in_training_is_told_once(extractor):
    trained = small_classifier()
    trained.config.training_channels = ["O1", "Oz", "O2", "E12"]  # the place of E12 is unknown
    raw = make_raw(60.0, ch_names=FEW)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        classify(raw, trained, extractor, piece_seconds=10.0)
    assert ["trained on 3 channels that share only 0%" in str(each.message) for each in heard] == [True]
    trained.config.training_channels = ["C1", "C2"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        classify(raw, trained, extractor)


def test_a_file_is_read_in_pieces_with_the_same_result(model, extractor, tmp_path):
    raw = make_raw(100.0, ch_names=FEW)
    raw.save(tmp_path / "x_raw.fif", verbose="ERROR")
    stored = mne.io.read_raw(tmp_path / "x_raw.fif", preload=True, verbose="ERROR")
    of_file = classify(tmp_path / "x_raw.fif", model, extractor, piece_seconds=30.0)
    np.testing.assert_allclose(of_file.scores, classify(stored, model, extractor).scores, **CLOSE)
    assert of_file.recording == "x_raw.fif"


def test_no_more_than_a_piece_is_read_at_once(model, extractor, monkeypatch):
    raw = make_raw(400.0, ch_names=FEW)
    lengths, read = [], mne.io.RawArray.get_data

    def get_data(self, *args, **kwargs):
        if self is raw:
            lengths.append((kwargs["stop"] - kwargs["start"]) / 160.0)
        return read(self, *args, **kwargs)

    monkeypatch.setattr(mne.io.RawArray, "get_data", get_data)
    classify(raw, model, extractor, piece_seconds=30.0)
    assert max(lengths) < 140.0


def test_bad_parts_have_no_windows(found):
    outside = (found.ends <= 20.0 + 1e-9) | (found.starts >= 30.0 - 1e-9)
    assert outside.all()
    assert found.ends.max() == pytest.approx(60.0)
    assert len(found.scores) == 9 + 14
    assert {20.0, 30.0} <= {*found.ends.tolist(), *found.starts.tolist()}


def test_windows_do_not_cross_an_interruption(model, extractor):
    raw = make_raw(30.0, ch_names=FEW).set_annotations(mne.Annotations(10.1, 0.0, "BAD boundary"))
    found = classify(raw, model, extractor)
    assert ((found.ends <= 10.1 + 1e-9) | (found.starts >= 10.1 - 1e-2)).all()


def test_a_channel_that_is_bad_for_a_while_is_masked_there_and_told(model, extractor):
    raw = make_raw(60.0, ch_names=FEW).set_annotations(
        mne.Annotations([0.0], [25.0], ["BAD_loose"], ch_names=[["C3"]])
    )
    with pytest.warns(UserWarning, match=r"masked: C3 \(in \d+ of 29 windows\)"):
        found = classify(
            raw, model, extractor, piece_seconds=15.0, calibrate_on=extractor.calibrate(make_raw(60.0, ch_names=FEW))
        )
    assert 5 < found.masked["C3"] < 29


def test_minutes_that_are_no_eeg_have_no_windows_and_are_told(model, extractor):
    raw = make_raw(200.0, ch_names=FEW)
    raw._data[:, 60 * 160 : 110 * 160] = 0.0
    with pytest.warns(UserWarning, match="there are no windows"):
        found = classify(raw, model, extractor, piece_seconds=8.0)
    middles = 0.5 * (found.starts + found.ends)
    assert not ((middles > 75) & (middles < 95)).any()
    assert (middles < 40).any()
    assert (middles > 150).any()


def test_a_reference_and_a_session_calibrate(model, extractor, tmp_path):
    raw, other = make_raw(40.0, ch_names=FEW), make_raw(40.0, ch_names=FEW, seed=3)
    save_recording(other, tmp_path / "rest.fif")
    own, of_other = (
        classify(raw, model, extractor),
        classify(raw, model, extractor, calibrate_on=tmp_path / "rest.fif"),
    )
    assert np.abs(own.scores - of_other.scores).max() > 1e-3
    session = calibrate([LongRecording(each, extractor) for each in (raw, other)], is_own=True)
    np.testing.assert_allclose(
        classify(raw, model, extractor, calibrate_on=session).scores,
        window_scores(model, extractor([raw, other], calibrate_on=session), WINDOW, STRIDE)[0][0],
        **CLOSE,
    )
    assert classify(raw, model, extractor, calibrate_on="all").scores == pytest.approx(own.scores)


def test_of_hours_stretches_over_all_of_it_calibrate(extractor):
    raw = make_raw(1500.0, 50.0, ch_names=FEW)
    calibration = calibrate([LongRecording(raw, extractor)], is_own=True)
    assert not calibration.is_own
    assert calibration.signal.shape[1] == 600 * 100


def test_annotations_merge_windows_and_come_back_from_files(found, tmp_path):
    spans = found.spans()
    assert all(before[2] != after[2] or before[1] < after[0] for before, after in pairwise(spans))
    covered = sum(end - start for start, end, _ in spans)
    assert covered == pytest.approx(50.0)
    for name in ("x-annot.fif", "x.csv", "x.txt"):
        found.to_annotations(tmp_path / name)
        read = mne.read_annotations(tmp_path / name)
        assert read.description.tolist() == [label for *_, label in spans]
        np.testing.assert_allclose(read.duration, [end - start for start, end, _ in spans], atol=1e-3)
    raw = make_raw(60.0, ch_names=FEW).set_annotations(mne.read_annotations(tmp_path / "x-annot.fif"))
    np.testing.assert_allclose(raw.annotations.onset, [start for start, _, _ in spans], atol=1e-3)


def test_the_border_of_overlapping_windows_is_in_the_middle(found):
    found = replaced(found, starts=[0.0, 2.0, 4.0, 20.0], ends=[4.0, 6.0, 8.0, 24.0])
    found = replaced(found, scores=[[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.2, 0.8]])
    assert found.spans() == [(0.0, 5.0, "left"), (5.0, 8.0, "right"), (20.0, 24.0, "right")]
    assert replaced(found, threshold=0.75).spans() == [(0.0, 5.0, "left"), (20.0, 24.0, "right")]
    assert replaced(found, threshold=0.75).counts == {"left": 2, "right": 1, "": 1}
    assert found.vote == pytest.approx({"left": 0.55, "right": 0.45})
    assert next(iter(found.vote)) == "left"


def replaced(found, **changes):
    return dataclasses.replace(found, **{k: np.array(v) if isinstance(v, list) else v for k, v in changes.items()})


def test_csv_and_json_tell_all_windows(found, tmp_path):
    found.to_csv(tmp_path / "x.csv")
    rows = list(csv.DictReader((tmp_path / "x.csv").read_text(encoding="utf-8").splitlines()))
    assert list(rows[0]) == ["start", "end", "label", "left", "right"]
    np.testing.assert_allclose([[float(row["left"]), float(row["right"])] for row in rows], found.scores, atol=1e-6)
    found.to_json(tmp_path / "x.json")
    told = json.loads((tmp_path / "x.json").read_text())
    assert [window["start"] for window in told["windows"]] == pytest.approx(found.starts.tolist())
    assert told["votes"][told["vote"]]["score"] == max(vote["score"] for vote in told["votes"].values())
    assert told["settings"]["window_seconds"] == WINDOW
    assert len(told["weights_sha256"]) == 64


@pytest.mark.parametrize("threshold", [None, 0.99])
def test_the_picture_leaves_bad_parts_empty(found, tmp_path, threshold):
    figure = replaced(found, threshold=threshold).plot()
    figure.savefig(tmp_path / "x.png")
    image = next(iter(figure.get_axes()[0].collections))
    empty = np.ma.getmaskarray(np.ma.masked_invalid(image.get_array())).all(axis=0)
    assert empty.sum() == 5  # of 2 s
    assert figure.get_axes()[1].get_legend() is not None


@pytest.mark.parametrize(
    ("changes", "mentions"),
    [
        ({"window_seconds": 0}, "window_seconds must be at least one patch"),
        ({"window_seconds": float("nan")}, "window_seconds"),
        ({"stride_seconds": -1}, "stride_seconds"),
        ({"piece_seconds": "all"}, "piece_seconds"),
        ({"threshold": 0}, "threshold"),
        ({"threshold": 1.5}, "threshold"),
        ({"window_seconds": 90.0}, "shorter than one window of 90 s"),
        ({"channels": ["C3"]}, "for a file"),
        ({"calibrate_on": "nowhere.edf"}, "no recording at nowhere.edf"),
        ({"calibrate_on": make_raw(20.0, ch_names=("C3", "O1"))}, "same channels"),
    ],
)
def test_what_cannot_be_is_one_sentence(model, extractor, changes, mentions):
    with pytest.raises((ValueError, OSError), match=mentions):
        classify(make_raw(20.0, ch_names=FEW), model, extractor, **changes)


def test_only_continuous_recordings_are_classified(model, extractor):
    with pytest.raises(TypeError, match="eeg-classification"):
        classify(np.zeros((3, 1000)), model, extractor)


@pytest.mark.parametrize("changes", [{"problem_type": "regression"}, {"problem_type": "multi_label_classification"}])
def test_only_classes_that_exclude_each_other_are_labels(extractor, changes):
    with pytest.raises(ValueError, match="exclude each other"):
        classify(make_raw(20.0, ch_names=FEW), small_classifier(**changes), extractor)


def test_a_checkpoint_without_windows_needs_their_length(extractor):
    model = small_classifier(window_seconds=None, stride_seconds=None)
    with pytest.raises(ValueError, match="--window"):
        classify(make_raw(20.0, ch_names=FEW), model, extractor)
    assert len(classify(make_raw(20.0, ch_names=FEW), model, extractor, window_seconds=5.0).scores) == 4
