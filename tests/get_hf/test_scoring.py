# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Unusual moments of recordings: what is found, when, and how it is written."""

import csv
import json
from datetime import datetime

import mne
import numpy as np
import pytest

from get_hf import scoring
from get_hf.long_recordings import LongRecording
from get_hf.scoring import SZCORE_COLUMNS, Scores, fit_reference, save_scores, score_recording
from get_hf.training.evaluation.events import read_szcore
from synthetic import make_raw

PATCH = 0.25


def louder(seconds: float, start: float, stop: float, rate: float = 160.0) -> mne.io.BaseRaw:
    raw = make_raw(seconds, rate, seed=2)
    raw._data[:, round(rate * start) : round(rate * stop)] *= 8
    return raw


def scores_of(course, threshold: float = 5.0, seconds: float | None = None) -> Scores:
    course = np.array(course, dtype=float)
    return Scores(["Cz"], course[None], course, PATCH, seconds or PATCH * len(course), threshold)


def test_what_is_eight_times_as_loud_as_the_reference_is_found_where_it_is(pair, reference):
    scores = score_recording(louder(60.0, 30.0, 35.0), *pair, reference)
    assert scores.channels.shape == (8, 240)
    ((onset, duration, score),) = scores.events
    assert onset == pytest.approx(30, abs=1.0)  # half of the smoothing
    assert onset + duration == pytest.approx(35, abs=1.5)
    assert score > 20
    # an event that is as long as half of the recording is no less unusual
    long = score_recording(louder(60.0, 20.0, 55.0), *pair, reference)
    assert long.events[0][1] == pytest.approx(35, abs=2)


def test_a_recording_like_its_reference_has_scores_around_zero(pair, reference):
    course = score_recording(make_raw(60.0, seed=3), *pair, reference).course
    known = course[~np.isnan(course)]
    assert np.median(known) == pytest.approx(0, abs=1.5)
    assert np.isnan(course[:7]).all()  # with no past, anything surprises


@pytest.mark.parametrize("rate", [160.0, 173.61, 512.0])
def test_pieces_of_a_long_recording_score_as_the_whole(pair, reference, monkeypatch, rate):
    raw = louder(100.0, 57.0, 63.0, rate)
    model, extractor = pair
    nats = model.score(**extractor(raw, calibrate_on=reference.calibration, condition="none"), num_flow_steps=4)
    surprise = nats[0, :, 1:].numpy()  # of the whole recording in one call
    monkeypatch.setattr(scoring, "CHUNK_SECONDS", 1e4)
    whole = score_recording(raw, *pair, reference)
    monkeypatch.setattr(scoring, "CHUNK_SECONDS", 20.0)
    pieces = score_recording(raw, *pair, reference)
    measures, _ = scoring._measures(
        LongRecording(raw, extractor), model, extractor, reference.calibration, lambda done, total: None
    )
    deviations = (measures[0][:, 8:] - surprise[:, 8:]) / reference.deviation[0][:, None]
    assert np.abs(deviations).max() < 1e-4
    np.testing.assert_allclose(pieces.channels, whole.channels, atol=1e-4, rtol=1e-4)
    np.testing.assert_allclose(pieces.course, whole.course, atol=1e-4, rtol=1e-4)
    assert whole.events
    assert pieces.events[0][:2] == whole.events[0][:2]


def test_no_more_than_a_piece_is_read_at_once(pair, monkeypatch, tmp_path):
    louder(700.0, 57.0, 63.0).save(tmp_path / "x_raw.fif", verbose="ERROR")
    raw = mne.io.read_raw(tmp_path / "x_raw.fif", verbose="ERROR")
    stored = raw.copy().load_data()
    lengths, get_data = [], type(raw).get_data

    def read(self, *args, **kwargs):
        if self.filenames[0] is not None:
            lengths.append((kwargs["stop"] - kwargs["start"]) / 160.0)
        return get_data(self, *args, **kwargs)

    monkeypatch.setattr(type(raw), "get_data", read)
    done: list[int] = []
    of_file = score_recording(raw, *pair, progress=lambda seconds, total: done.append(seconds))
    assert not raw.preload
    assert sum(lengths) > 600
    assert max(lengths) < 150
    assert done == sorted(done)
    assert done[-1] == 700
    np.testing.assert_allclose(of_file.course, score_recording(stored, *pair).course, atol=1e-4, rtol=1e-4)


def test_after_a_bad_span_the_model_begins_without_a_past_and_patches_stay_where_they_are(pair, reference):
    raw = louder(60.0, 40.0, 42.0)
    raw._data[:, 160 * 20 : 160 * 25] *= 500  # a filter would ring far beyond it
    raw.set_annotations(mne.Annotations([19.9, 50.1], [5.23, 0.0], ["BAD_off", "BAD boundary"]))
    with pytest.warns(UserWarning, match="5.5 s are annotated bad"):
        scores = score_recording(raw, *pair, reference)
    ((onset, duration, _),) = scores.events
    assert onset == pytest.approx(40, abs=1.0)
    assert onset + duration == pytest.approx(42, abs=1.5)
    known = ~np.isnan(scores.course)
    assert not known[79:108].any()  # to two seconds after the bad span
    assert known[111:195].all()
    assert not known[204:206].any()  # after the interruption


def test_a_channel_that_is_flat_for_a_minute_has_no_score_there(pair, reference, monkeypatch):
    monkeypatch.setattr(scoring, "CHUNK_SECONDS", 20.0)
    raw = make_raw(120.0, seed=4)
    raw._data[2, 160 * 30 : 160 * 110] = 0
    with pytest.warns(UserWarning, match=r"have no score: C3.. \(for 60 s\)"):
        scores = score_recording(raw, *pair, reference)
    assert np.isnan(scores.channels[2, 4 * 40 : 4 * 100]).all()
    assert not np.isnan(scores.channels[:2, 8:]).any()


def test_spans_that_are_annotated_bad_or_off_have_no_score(pair, reference):
    raw = louder(60.0, 30.0, 35.0).set_annotations(mne.Annotations(28.0, 10.0, "BAD_movement"))
    with pytest.warns(UserWarning, match="10 s are annotated bad"):
        scores = score_recording(raw, *pair, reference)
    assert scores.events == []
    assert np.isnan(scores.course[4 * 28 : 4 * 38]).all()


def test_an_amplifier_that_is_off_for_a_minute_has_no_score(pair, reference, monkeypatch):
    monkeypatch.setattr(scoring, "CHUNK_SECONDS", 20.0)
    raw = make_raw(100.0, seed=4)
    raw._data[:, : 160 * 60] = 0
    course = score_recording(raw, *pair, reference).course
    assert np.isnan(course[: 4 * 20]).all()
    assert not np.isnan(course[4 * 80 :]).any()


def test_a_reference_of_a_few_seconds_is_refused(pair):
    with pytest.raises(ValueError, match="5 s long, and a reference needs 10 s"):
        fit_reference(make_raw(5.0), *pair)


def test_a_reference_of_other_channels_is_refused(pair, reference):
    with pytest.raises(ValueError, match="lacks O2"):
        score_recording(make_raw(20.0).drop_channels(["O2.."]), *pair, reference)


def test_events_are_runs_above_the_threshold_and_short_gaps_do_not_divide_them():
    course = np.zeros(80)
    course[10:14], course[18:20], course[50:52] = 7, 9, 6
    assert scores_of(course).events == [(2.5, 2.5, 9.0), (12.5, 0.5, 6.0)]
    assert scores_of(course, threshold=8).events == [(4.5, 0.5, 9.0)]
    assert scores_of(course, threshold=10).events == []


def test_annotations_come_back_from_a_file(tmp_path):
    scores = scores_of([0] * 10 + [9] * 4 + [0] * 10)
    save_scores(scores, tmp_path / "events.fif")
    read = mne.read_annotations(tmp_path / "events.fif")
    assert (read.onset[0], read.duration[0], read.description[0]) == (2.5, 1.0, "GET unusual")


def test_csv_and_json_say_the_same(tmp_path):
    scores = scores_of([np.nan] * 10 + [9] * 4 + [0] * 10)
    for name in ("events.csv", "events.json"):
        save_scores(scores, tmp_path / name)
    with open(tmp_path / "events.csv") as file:
        (row,) = csv.DictReader(file)
    told = json.loads((tmp_path / "events.json").read_text())
    assert {name: float(row[name]) for name in ("onset", "duration", "score")} == told["events"][0]
    assert told["course"][:11] == [None] * 10 + [9.0]


@pytest.mark.parametrize("loud", [True, False])
def test_the_table_of_szcore_is_what_its_framework_reads(tmp_path, loud):
    scores = scores_of([0] * 10 + [9 * loud] * 4 + [0] * 10)
    save_scores(scores, tmp_path / "events.tsv", datetime(2016, 11, 6, 13, 43, 4))
    header, row = (tmp_path / "events.tsv").read_text().splitlines()
    # the columns of epilepsy2bids, with which SzCORE's corpora are written
    assert header == "onset\tduration\teventType\tconfidence\tchannels\tdateTime\trecordingDuration"
    assert tuple(header.split("\t")) == SZCORE_COLUMNS
    expected = "2.50\t1.00\tsz" if loud else "0.00\t6.00\tbckg"
    assert row == f"{expected}\tn/a\tn/a\t2016-11-06 13:43:04\t6.00"
    assert read_szcore(tmp_path / "events.tsv") == ([(2.5, 1.0)] * loud, 6.0)
