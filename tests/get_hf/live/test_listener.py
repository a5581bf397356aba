# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What a listener says of a stream is what `score_recording` and `classify` say of the recording of it."""

import mne
import numpy as np
import pytest

from classifiers import small_classifier
from get_hf import GETFeatureExtractor
from get_hf.classification import classify
from get_hf.live.hearing import FileSource
from get_hf.live.judging import Forecaster
from get_hf.live.listener import Listener
from get_hf.scoring import fit_reference, score_recording
from synthetic import make_raw

#: Patches at the beginning after which filters and the offset of the stream have settled: 10 s.
WARM = 40
BEGAN = 1.7e9


@pytest.fixture(scope="module")
def raw():
    raw = make_raw(45.0, seed=2)
    raw._data -= raw._data.mean(axis=-1, keepdims=True)
    raw._data[:, 160 * 30 : 160 * 33] *= 6
    return raw


def stamped(raw: mne.io.BaseRaw, start: float = 0.0, stop: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Samples `(channels, times)` in microvolts and their time stamps."""
    rate = raw.info["sfreq"]
    part = slice(round(rate * start), None if stop is None else round(rate * stop))
    return 1e6 * raw.get_data()[:, part], (BEGAN + np.arange(raw.n_times) / rate)[part]


def heard(listener: Listener, *parts, size: int = 37, finish: bool = True) -> list:
    """The findings of samples and times that come in blocks."""
    found = []
    for samples, times in parts:
        for at in range(0, len(times), size):
            found += listener.push(samples[:, at : at + size], times[at : at + size])
    return found + (listener.finish() if finish else [])


def table(findings) -> np.ndarray:
    return np.stack([finding.channels for finding in findings], axis=-1)


def notes(listener: Listener) -> str:
    return "; ".join(note for _, note in listener.notes)


@pytest.mark.parametrize(("rate", "lookahead", "atol"), [(160.0, 4.0, 2e-3), (173.61, 4.0, 2e-3), (512.0, 2.0, 0.05)])
def test_scores_equal_those_of_the_recording(pair, reference, rate, lookahead, atol):
    raw = make_raw(45.0, rate, seed=2)
    raw._data -= raw._data.mean(axis=-1, keepdims=True)
    raw._data[:, round(30 * rate) : round(33 * rate)] *= 6
    listener = Listener(*pair, raw.info, reference, lookahead_seconds=lookahead)
    found = heard(listener, stamped(raw))
    offline = score_recording(raw, *pair, reference)
    assert len(found) == int(45 * 4 - (rate == 173.61))  # whose last sample comes a little before 45 s
    np.testing.assert_array_equal(np.isnan(table(found)), np.isnan(offline.channels))
    np.testing.assert_allclose(table(found)[:, WARM:], offline.channels[:, WARM:], atol=atol, rtol=atol)
    course = listener.scores().course
    np.testing.assert_allclose(course[WARM + 8 :], offline.course[WARM + 8 :], atol=2 * atol, rtol=2 * atol)
    # what is said at once is the course of three patches before
    said = np.array([finding.surprise for finding in found])
    np.testing.assert_allclose(said[WARM + 11 :], course[WARM + 8 : -3], atol=1e-9)
    ((onset, duration, _),), ((expected, lasts, _),) = listener.scores().events, offline.events
    assert (onset, duration) == (expected, lasts)
    assert [finding.seconds for finding in found] == pytest.approx(list(np.arange(len(found)) / 4))
    assert found[-1].time == pytest.approx(BEGAN + found[-1].seconds + 0.25, abs=1e-3)


def test_blinks_are_those_of_the_reference(pair):
    """The shipped feature extractor knows blinks. Events are sought in other parts, so that scores differ a little."""
    from get_hf import CHECKPOINT

    extractor = GETFeatureExtractor.from_pretrained(CHECKPOINT)
    model = pair[0]
    rng = np.random.default_rng(0)

    def with_blinks(seconds: float, seed: int) -> mne.io.BaseRaw:
        raw = make_raw(seconds, seed=seed)
        for at in np.cumsum(rng.uniform(3, 5, 20)):
            if at < seconds - 2:
                bump = 200e-6 * np.exp(-0.5 * ((raw.times - at) / 0.07) ** 2)
                raw._data += np.array([1.0, 0.3, *[0.05] * 6])[:, None] * bump
        return raw

    reference = fit_reference(with_blinks(40.0, 1), model, extractor)
    assert len(reference.calibration.events.blinks.events) >= 5
    raw = with_blinks(45.0, 2)
    listener = Listener(model, extractor, raw.info, reference)
    found = table(heard(listener, stamped(raw)))
    offline = score_recording(raw, model, extractor, reference).channels
    differ = np.abs(found - offline)[:, WARM:]
    assert np.median(differ) < 0.02
    assert np.quantile(differ, 0.95) < 0.5
    # a blink that stays is far louder than usual
    assert np.nanmax(found) < 0.7 * np.nanmax(
        table(heard(Listener(model, extractor, raw.info, _without_events(reference)), stamped(raw)))
    )


def _without_events(reference):
    from dataclasses import replace

    from get_hf.processing.blinks_get import no_blinks
    from get_hf.processing.events_get import Events
    from get_hf.processing.heartbeats_get import no_heartbeats

    shape = reference.calibration.signal.shape
    none = Events(no_heartbeats(*shape), no_blinks(*shape), None)
    return replace(reference, calibration=replace(reference.calibration, events=none, _fits={}))


def test_classes_equal_those_of_the_recording(pair, reference, raw):
    classifier = small_classifier(), GETFeatureExtractor()
    listener = Listener(*pair, raw.info, reference, classifier=classifier, every_seconds=2.0, lookahead_seconds=4.0)
    found = heard(listener, stamped(raw))
    windows = [
        (finding.seconds + 0.25, finding.probabilities) for finding in found if finding.probabilities is not None
    ]
    offline = classify(raw, *classifier, stride_seconds=2.0, calibrate_on=make_raw(40.0, seed=1))
    n = len(windows)
    assert listener.classes == offline.classes == ["left", "right"]
    np.testing.assert_allclose([end for end, _ in windows], offline.ends[:n])
    assert n == len(offline.ends) - 1  # the last one offline ends with the recording
    probabilities = np.array([each for _, each in windows])
    np.testing.assert_allclose(probabilities[3:], offline.scores[3:n], atol=1e-3)
    assert np.ptp(probabilities[:, 0]) > 0.01


@pytest.mark.parametrize("size", [1000, 7200])
def test_it_does_not_matter_how_many_samples_come_at_once(pair, reference, raw, size):
    classifier = small_classifier(), GETFeatureExtractor()
    few, many = (Listener(*pair, raw.info, reference, classifier=classifier) for _ in range(2))
    ours, theirs = heard(few, stamped(raw), size=11), heard(many, stamped(raw), size=size)
    np.testing.assert_allclose(table(ours), table(theirs), atol=1e-3, rtol=1e-4)
    for one, other in zip(ours, theirs, strict=True):
        assert (one.probabilities is None) == (other.probabilities is None)
        if one.probabilities is not None:
            np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-5)


def test_patches_come_as_soon_as_they_are_known(pair, reference, raw):
    listener = Listener(*pair, raw.info, reference, lookahead_seconds=1.0)
    samples, times = stamped(raw)
    found = listener.push(samples[:, : 160 * 10], times[: 160 * 10])
    assert found[-1].seconds + 0.25 == pytest.approx(10 - 1.0, abs=0.26)


def test_the_first_seconds_show_what_is_usual(pair, raw):
    listener = Listener(*pair, raw.info, reference_seconds=20.0, lookahead_seconds=4.0)
    found = heard(listener, stamped(raw))
    own = fit_reference(raw, *pair, (0.0, 20.0))
    np.testing.assert_allclose(listener.reference.median, own.median)
    offline = score_recording(raw, *pair, own)
    assert found[0].seconds == 20.0
    np.testing.assert_allclose(table(found), offline.channels[:, 80:], atol=5e-3, rtol=5e-3)
    assert listener.scores().events[0][:2] == offline.events[0][:2]


def test_what_is_usual_goes_on_after_an_interruption(pair, raw):
    samples, times = stamped(raw)
    listener = Listener(*pair, raw.info, reference_seconds=20.0)
    later = times + np.where(np.arange(len(times)) >= 160 * 8, 3.0, 0.0)
    found = heard(listener, (samples, later))
    cut = raw.copy().set_annotations(mne.Annotations(8.0, 0.0, "BAD boundary"))
    own = fit_reference(cut, *pair, (0.0, 20.0))
    np.testing.assert_allclose(listener.reference.median, own.median)
    assert found[0].seconds == pytest.approx(23.0)


def test_after_a_gap_a_new_stretch_begins_as_offline(pair, reference, raw):
    samples, times = stamped(raw)
    kept = (times < BEGAN + 15) | (times >= BEGAN + 17.1)
    listener = Listener(*pair, raw.info, reference, lookahead_seconds=4.0)
    found = heard(listener, (samples[:, kept], times[kept]))
    assert "2.1 s are missing" in notes(listener)
    assert sum("missing" in finding.note for finding in found) == 1
    marked = raw.copy().set_annotations(mne.Annotations(15.0, 2.1, "BAD_gap"))
    with pytest.warns(UserWarning, match="annotated bad"):
        offline = score_recording(marked, *pair, reference)
    ours = np.full_like(offline.channels, np.nan)
    for finding in found:
        ours[:, round(4 * finding.seconds)] = finding.channels
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(offline.channels))
    after = slice(4 * 17 + WARM, None)
    np.testing.assert_allclose(ours[:, after], offline.channels[:, after], atol=0.02, rtol=0.02)
    before = slice(WARM, 60)  # to the last patch, which waits for nothing
    np.testing.assert_allclose(ours[:, before], offline.channels[:, before], atol=0.02, rtol=0.02)
    assert listener.scores().course.shape == offline.course.shape


def test_short_gaps_late_samples_and_duplicates_are_mended(pair, reference, raw):
    samples, times = stamped(raw)
    whole = heard(Listener(*pair, raw.info, reference), (samples, times))
    order = np.arange(len(times))
    order[2000:2010] = order[2000:2010][::-1]
    order = np.concatenate([order[:3000], order[2950:]])  # a block that is sent twice
    listener = Listener(*pair, raw.info, reference)
    found = heard(listener, (samples[:, order], times[order]))
    np.testing.assert_allclose(table(found), table(whole), atol=1e-4)
    assert "samples that came twice or too late: " in notes(listener)
    lost = np.delete(np.arange(len(times)), np.r_[3200:3203])
    listener = Listener(*pair, raw.info, reference)
    found = heard(listener, (samples[:, lost], times[lost]))
    assert "missing samples bridged: 3" in notes(listener)
    differ = np.abs(table(found) - table(whole)).max(axis=0)
    assert differ[80] > 1e-4  # the patch that misses some of its samples
    assert np.nanmax(differ[100:]) < 0.5


def test_a_restart_keeps_what_is_usual(pair, reference, raw):
    samples, times = stamped(raw)
    listener = Listener(*pair, raw.info, reference)
    first = heard(listener, stamped(raw, 0, 12.3), finish=False)
    again = heard(listener, (samples[:, 160 * 13 :], times[160 * 13 :] - 1.6e9))
    assert "started again" in notes(listener)
    seconds = [finding.seconds for finding in first + again]
    assert seconds == pytest.approx(list(np.r_[0:49, 50 : 50 + 128] / 4))  # 12.3 s were begun, 32 s come after
    assert again[-1].time == pytest.approx(BEGAN - 1.6e9 + 45, abs=1e-3)
    settled = table(again)[:, -40:]
    offline = score_recording(raw.copy().crop(13.0), *pair, reference)
    np.testing.assert_allclose(settled, offline.channels[:, -40:], atol=0.05, rtol=0.05)


@pytest.mark.parametrize("value", [0.0, np.nan, 187_500.0])
def test_a_channel_that_dies_is_left_out_until_it_lives_again(pair, reference, raw, value):
    samples, times = stamped(raw)
    samples = samples.copy()
    samples[2, 160 * 12 : 160 * 22] = value
    listener = Listener(*pair, raw.info, reference)
    found = heard(listener, (samples, times))
    x = table(found)
    assert "left out: C3.." in notes(listener)
    assert "used again: C3.." in notes(listener)
    assert np.isnan(x[2, 4 * 12 : 4 * 24]).all()
    assert np.isfinite(x[2, 4 * 26 :]).all()
    assert np.isfinite(np.delete(x, 2, axis=0)[:, 8:]).all()
    # the other channels are as if that one had not been there
    alone = raw.copy()
    alone.info["bads"] = ["C3.."]
    offline = score_recording(alone, *pair, reference).channels
    span = slice(4 * 16, 4 * 22)
    np.testing.assert_allclose(np.delete(x, 2, 0)[:, span], np.delete(offline, 2, 0)[:, span], atol=0.1, rtol=0.05)


def test_an_amplifier_that_is_off_has_no_score_until_it_is_on(pair, reference, raw):
    samples, times = stamped(raw)
    samples = samples.copy()
    samples[:, 160 * 12 : 160 * 18] = 0.0
    listener = Listener(*pair, raw.info, reference)
    x = table(heard(listener, (samples, times)))
    assert "no channel lives" in notes(listener)
    assert np.isnan(x[:, 4 * 12 : 4 * 20]).all()
    assert np.isfinite(x[:, 4 * 23 :]).all()


def test_memory_does_not_grow(pair, reference):
    raw = make_raw(120.0, seed=3)
    listener = Listener(*pair, raw.info, reference)
    heard(listener, stamped(raw), size=160, finish=False)
    assert listener._stretch._kept.nbytes < 8 * len(raw.ch_names) * 160 * 60
    assert listener._preparer.clean.shape[-1] < 100 * 40


def test_forecasts_begin_where_the_last_patch_ends(pair, reference, raw):
    listener = Listener(*pair, raw.info, reference)
    assert listener.forecast(1.0) is None
    found = heard(listener, stamped(raw, 0, 20), finish=False)
    past, draws, seconds = listener.forecast(1.0)()
    assert seconds == found[-1].seconds + 0.25
    np.testing.assert_array_equal(found[-1].clean, past[:, -25:])
    assert past.shape == (8, 200)
    assert draws.shape == (3, 8, 100)
    assert np.isfinite(draws).all()
    np.testing.assert_allclose(np.sqrt((past[:, -25:] ** 2).mean(axis=-1)), found[-1].microvolts)
    step = np.abs(draws[:, :, 0] - past[:, -1]).min(axis=0)
    assert step.mean() < 0.15 * np.ptp(past, axis=-1).mean()  # it goes on
    more = listener.forecast(1.0, 5)().draws
    assert more.shape == (5, 8, 100)
    assert np.ptp(more, axis=0).max() > 1  # no two are the same


def test_computing_a_forecast_leaves_the_level_of_mnes_log_alone(pair, reference, raw, monkeypatch):
    """All threads share the level: two that change it at the same time may leave it changed."""
    listener = Listener(*pair, raw.info, reference)
    heard(listener, stamped(raw, 0, 20), finish=False)
    compute, levels = listener.forecast(1.0), []
    monkeypatch.setattr(mne.utils.logger, "setLevel", levels.append)
    assert compute() is not None
    assert levels == []


def test_a_forecast_is_what_generate_makes_of_the_same_past(pair, reference, raw, monkeypatch):
    """The past is computed once for all continuations."""
    listener = Listener(*pair, raw.info, reference)
    heard(listener, stamped(raw, 0, 20), finish=False)
    quick = listener.forecast(1.0)()
    monkeypatch.setattr(Forecaster, "_past", lambda self, given: None)
    slow = listener.forecast(1.0)()
    np.testing.assert_allclose(quick.draws, slow.draws, atol=1e-3)


@pytest.mark.parametrize("speed", [0.0, 3.0])
def test_a_file_that_is_replayed_is_scored_as_it_is_offline(pair, reference, raw, tmp_path, speed):
    marked = raw.copy().set_annotations(mne.Annotations([20.0, 31.0], [0.0, 1.0], ["BAD boundary", "BAD_blink"]))
    marked.save(path := tmp_path / "a_raw.fif", verbose="ERROR")
    now = [100.0]

    def wait(seconds: float) -> None:
        now[0] += seconds

    source = FileSource(path, speed, clock=lambda: now[0], wait=wait)
    listener, found = Listener(*pair, source.info, reference, lookahead_seconds=4.0), []
    while True:
        try:
            block = source.read(0.2)
        except EOFError:
            break
        if block is not None:
            found += listener.finish() if block.is_new else []
            found += listener.push(block.samples, block.times)
    found += listener.finish()
    assert now[0] - 100 == pytest.approx(45 / speed if speed else 0, abs=0.05)
    with pytest.warns(UserWarning, match="annotated bad"):
        offline = score_recording(mne.io.read_raw(path, verbose="ERROR"), *pair, reference)
    ours = np.full_like(offline.channels, np.nan)
    for finding in found:
        ours[:, round(4 * finding.seconds)] = finding.channels
    known = ~np.isnan(offline.channels)
    known[:, :WARM] = known[:, 80 : 80 + WARM] = known[:, 128 : 128 + WARM] = False
    assert known.any()
    np.testing.assert_allclose(ours[known], offline.channels[known], atol=0.02, rtol=0.02)
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(offline.channels))


class TestRefusals:
    def test_other_channels_than_those_of_the_reference(self, pair, reference, raw):
        with pytest.raises(ValueError, match="lacks O2"):
            Listener(*pair, raw.copy().drop_channels(["O2.."]).info, reference)

    def test_samples_of_another_shape(self, pair, reference, raw):
        with pytest.raises(ValueError, match="the stream has 8 channels"):
            Listener(*pair, raw.info, reference).push(np.zeros((3, 5)), np.zeros(5))

    def test_a_classifier_of_another_band(self, pair, reference, raw):
        other = GETFeatureExtractor(band=(1.0, 40.0))
        with pytest.raises(ValueError, match="fine-tuned from this checkpoint"):
            Listener(*pair, raw.info, reference, classifier=(small_classifier(), other))

    def test_a_first_minute_without_eeg(self, pair, raw):
        samples, times = stamped(raw)
        with pytest.raises(ValueError, match="declare the unit"):
            heard(Listener(*pair, raw.info, reference_seconds=15.0), (1e3 * samples, times))

    def test_scores_of_a_stream_that_ended_too_early(self, pair, raw):
        listener = Listener(*pair, raw.info)
        heard(listener, stamped(raw))
        with pytest.raises(ValueError, match="ended after 45 s, and 60 s show what is usual"):
            listener.scores()
