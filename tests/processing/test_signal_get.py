# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import scipy
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from get_hf.processing.event_shapes_get import LEAST_PATCH
from get_hf.processing.signal_get import LOOKAHEAD, DriftFilter, Resampler, band_limit, high_pass, resample

RATES = [100, 128, 160, 173.61, 250, 256, 512, 1000]
MODEL_RATE = 100.0
EDGE = slice(200, -200)  # two seconds: the high-pass rings at the ends


def sine(frequency: float, rate: float, seconds: float = 20.0) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate + 0.3)[None]


def limited(x: np.ndarray, rate: float) -> np.ndarray:
    return band_limit(x, rate, MODEL_RATE, 0.5, 45.0)


def decibels(frequency: float, rate: float) -> float:
    """What is left of a sine of a frequency."""
    kept, whole = limited(sine(frequency, rate), rate)[0, EDGE], sine(frequency, rate)[0]
    return 10 * np.log10(np.mean(kept**2) / np.mean(whole**2))


@pytest.mark.parametrize("rate", RATES)
def test_a_10_hz_sine_keeps_amplitude_and_phase_from_any_rate(rate):
    np.testing.assert_allclose(limited(sine(10, rate), rate)[0, EDGE], sine(10, 100)[0, EDGE], atol=5e-3)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("frequency", [4, 20, 40])
def test_the_band_of_eeg_passes_within_a_tenth_of_a_decibel(rate, frequency):
    assert decibels(frequency, rate) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("rate", [128, 160, 173.61, 250, 256, 512, 1000])
@pytest.mark.parametrize("hum", [50, 60])
def test_mains_hum_is_gone(rate, hum):
    assert decibels(hum, rate) < -46


@pytest.mark.parametrize("hum", [100, 120, 150, 180, 240, 300])
def test_harmonics_of_mains_hum_do_not_fold_into_the_band(hum):
    assert decibels(hum, 1000) < -46


@pytest.mark.parametrize("rate", RATES)
def test_an_offset_is_gone(rate):
    x = sine(10, rate)
    # to the ripple that polyphase filters make of an offset
    np.testing.assert_allclose(limited(x + 100, rate), limited(x, rate), atol=0.1)


def test_a_slow_drift_is_gone():
    assert decibels(0.1, 160) < -40


@pytest.mark.parametrize(("frequency", "share"), [(0.2, 0.05), (0.425, 0.5), (0.6, 0.8), (1.0, 0.97), (10.0, 1.0)])
def test_drift_is_removed_only_after_the_start(frequency, share):
    x = sine(frequency, 100.0, 60.0)
    stream = DriftFilter(x[:, :2000], 100.0, 0.425)
    y = np.concatenate([x[:, :2000], stream.push(x[:, 2000:]), stream.finish()], axis=-1)
    np.testing.assert_array_equal(y[:, :2001], x[:, :2001])
    kept = y[0, 2500:5500] @ x[0, 2500:5500] / (x[0, 2500:5500] @ x[0, 2500:5500])
    assert kept == pytest.approx(share, abs=0.04)  # a filter that sees all that follows is within 0.02


@pytest.mark.parametrize(("low", "share"), [(0.35, 0.07), (0.46, 0.04)])
def test_a_second_of_lookahead_removes_nearly_the_drift_that_a_filter_without_limit_removes(low, share):
    rng = np.random.default_rng(0)
    x = scipy.signal.lfilter([1.0], [1.0, -1.6, 0.62], rng.standard_normal((3, 12_000)))  # falls from 1 Hz on
    stream = DriftFilter(x[:, :1000], 100.0, low)
    y = np.concatenate([stream.push(x[:, 1000:]), stream.finish()], axis=-1)
    unlimited = high_pass(x, 100.0, low)[:, 1000:]
    inside = slice(1000, -1000)
    assert np.std((y - unlimited)[:, inside]) < share * np.std(unlimited[:, inside])
    changed = x.copy()
    changed[:, 5000:] += 100.0
    stream = DriftFilter(changed[:, :1000], 100.0, low)
    known = 5000 - 1000 - round(100 * LOOKAHEAD)
    np.testing.assert_allclose(stream.push(changed[:, 1000:])[:, :known], y[:, :known], atol=1e-9)


@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=12),
    st.integers(0, 900),
    st.sampled_from([20.0, 50.0, 100.0, 128.0, 160.0, 173.61, 250.0, 512.0]),
)
@settings(deadline=None, max_examples=40)
def test_streams_filter_as_they_do_in_one_piece(sizes, n_before, rate):
    assume(n_before + sum(sizes) >= LEAST_PATCH)
    x = np.random.default_rng(0).standard_normal((2, n_before + sum(sizes))).cumsum(axis=-1)
    whole = resample(x, 100.0, rate, ends="antireflect")
    n_skipped = min(n_before, round(n_before * rate / 100))
    resampler = Resampler(100.0, rate, x[:, :n_before], n_skipped)
    drift, at_once = (DriftFilter(x[:, :n_before], 100.0, 0.46) for _ in range(2))
    made, smooth = [], []
    for start, size in zip(n_before + np.cumsum([0, *sizes[:-1]]), sizes, strict=True):
        made.append(resampler.push(x[:, start : start + size]))
        smooth.append(drift.push(x[:, start : start + size]))
    made.append(resampler.finish(whole.shape[-1]))
    smooth.append(drift.finish())
    np.testing.assert_allclose(np.concatenate(made, axis=-1), whole[:, n_skipped:], atol=1e-9 * (1 + np.abs(x).max()))
    expected = np.concatenate([at_once.push(x[:, n_before:]), at_once.finish()], axis=-1)
    np.testing.assert_allclose(np.concatenate(smooth, axis=-1), expected, atol=1e-9 * (1 + np.abs(x).max()))


@pytest.mark.parametrize("rate", RATES)
def test_the_length_is_that_of_the_recording_at_the_new_rate(rate):
    for n_times in (round(0.25 * rate) + 1, 997, 2048):
        n_new = limited(np.random.default_rng(0).standard_normal((2, n_times)), rate).shape[-1]
        assert 0 <= n_new - n_times * MODEL_RATE / rate < 1 + 1e-3 * n_new


@given(st.floats(20, 4000), st.integers(1, 3), st.floats(0.25, 4), st.floats(-1e3, 1e3))
@settings(deadline=None, max_examples=20)
def test_filtering_is_linear_and_finite_at_any_rate_and_length(rate, n_chans, seconds, gain):
    x = np.random.default_rng(0).standard_normal((n_chans, int(np.ceil(seconds * rate))))
    y = limited(x, rate)
    assert np.isfinite(y).all()
    np.testing.assert_allclose(limited(gain * x, rate), gain * y, atol=1e-9 * (1 + abs(gain)))


@pytest.mark.parametrize("rate", RATES)
def test_resampling_there_and_back_keeps_the_band_of_both_rates(rate):
    x = sine(10, 100)
    back = resample(resample(x, 100, rate), rate, 100)[:, : x.shape[-1]]
    np.testing.assert_allclose(back[0, EDGE], x[0, EDGE], atol=5e-3)


def test_resampling_to_the_same_rate_changes_nothing():
    x = sine(10, 160)
    np.testing.assert_array_equal(resample(x, 160, 160), x)
