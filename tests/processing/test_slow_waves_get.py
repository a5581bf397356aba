# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter
from scipy.stats import kurtosis, skew

from get_hf.processing.slow_waves_get import (
    N_COMPONENTS,
    SCORES,
    SlowWaves,
    fit_slow_waves,
    gaussian_quantiles,
    low_pass,
    low_pass_response,
)

N_CHANS, RATE = 6, 100
GAUSSIAN = gaussian_quantiles()
#: Quantiles of the first component as blinks make them, upwards only.
BLINKING = np.where(SCORES > 0.8, 0.8 + 2.5 * (SCORES - 0.8), SCORES)


def slow_noise(n_times: int, seed: int, n_chans: int = N_CHANS) -> np.ndarray:
    """Gaussian EEG in microvolts, slow and mostly along one pattern."""
    rng = np.random.default_rng(seed)
    noise = lfilter([1.0], [1.0, -0.95], rng.standard_normal((n_chans + 1, n_times + 500)))[:, 500:]
    return 10 * np.linspace(1, 0.2, n_chans)[:, None] * noise[:1] + 2 * noise[1:]


def fit(x: np.ndarray, quantiles: np.ndarray = GAUSSIAN) -> SlowWaves:
    return fit_slow_waves(x, x.shape[-1] // 25, np.eye(len(x)), quantiles)


def blinking(n_times: int, seed: int) -> np.ndarray:
    """`slow_noise` whose strongest slow pattern has the tail of `BLINKING`."""
    x = slow_noise(n_times, seed)
    waves = fit(x)
    lopsided = SlowWaves(waves.components, waves.scores.copy(), waves.scores)
    lopsided.knots[0] = waves.scores[0, -1] / SCORES[-1] * BLINKING
    return lopsided.restore(x, np.zeros((N_CHANS, 1)))


class TestInverse:
    @settings(deadline=None, max_examples=40)
    @given(
        n_chans=st.integers(1, 8),
        n_times=st.integers(1, 300),
        n_known=st.integers(0, 12),
        gain=st.sampled_from([0.0, 1e-3, 1.0, 1e3]),
        offset=st.sampled_from([0.0, -50.0]),
        seed=st.integers(0, 99),
    )
    def test_whatever_the_signal_it_comes_back(self, n_chans, n_times, n_known, gain, offset, seed):
        x = gain * slow_noise(100 + n_times, seed, n_chans) ** 3 / 100 + offset
        waves = fit_slow_waves(x[:, : 25 * n_known], n_known, np.eye(n_chans), np.tile(BLINKING, (N_COMPONENTS, 1)))
        back = waves.restore(waves.gaussianise(x)[:, 100:], x[:, :100])
        np.testing.assert_allclose(back, x[:, 100:], rtol=1e-6, atol=1e-6 * np.abs(x).max() + 1e-9)

    def test_what_follows_may_come_in_pieces(self):
        x = blinking(1000, 1)
        waves = fit(x)
        y = waves.gaussianise(x)
        first = waves.restore(y[:, 500:700], x[:, :500])
        second = waves.restore(y[:, 700:], np.concatenate([x[:, 400:500], first], axis=-1))
        np.testing.assert_allclose(np.concatenate([first, second], axis=-1), x[:, 500:], atol=1e-8)

    def test_it_is_causal(self):
        x = blinking(1000, 1)
        waves, changed = fit(x), x.copy()
        changed[:, 600:] *= -3
        np.testing.assert_array_equal(waves.gaussianise(x)[:, :600], waves.gaussianise(changed)[:, :600])


class TestGaussianity:
    def test_tails_are_taken_away(self):
        x = blinking(60_000, 3)
        waves = fit(x)
        before, after = (waves.components[:, 0] @ low_pass(y) for y in (x, waves.gaussianise(x)))
        assert kurtosis(before) > 1.5
        assert abs(skew(before)) > 0.8
        assert abs(kurtosis(after)) < 0.3
        assert abs(skew(after)) < 0.1

    def test_and_noise_sent_back_has_them(self):
        x = blinking(60_000, 3)
        waves = fit(x)
        noise = waves.gaussianise(x)[:, ::-1]  # as Gaussian, and other samples in other places
        y = waves.restore(noise, x)
        made, real = (waves.components[:, 0] @ low_pass(signal) for signal in (y, x))
        assert kurtosis(made) == pytest.approx(kurtosis(real), rel=0.25)
        assert skew(made) == pytest.approx(skew(real), rel=0.15)

    def test_a_short_recording_is_believed_less_than_the_population(self):
        population = np.tile(BLINKING, (N_COMPONENTS, 1))
        lopsided = [skew(self.sent_back(fit(slow_noise(n, 5), population))) for n in (100, 60_000)]
        assert abs(lopsided[0]) > 0.7
        assert abs(lopsided[1]) < 0.25

    @staticmethod
    def sent_back(waves: SlowWaves) -> np.ndarray:
        noise = np.random.default_rng(0).standard_normal(50_000) * waves.scores[0, -1] / SCORES[-1]
        return np.interp(noise, waves.scores[0], waves.knots[0])

    def test_gaussian_eeg_stays_as_it_is(self):
        x = slow_noise(60_000, 6)
        change = fit(x).gaussianise(x) - x
        assert np.linalg.norm(change) < 0.05 * np.linalg.norm(x)

    def test_fast_waves_ride_on_it_untouched(self):
        x = blinking(20_000, 7)
        sine = 3 * np.sin(2 * np.pi * 30 * np.arange(20_000) / RATE)
        waves = fit(x)
        difference = waves.gaussianise(x + sine) - waves.gaussianise(x)
        power = np.abs(np.fft.rfft(difference, axis=-1))[:, 6000] / np.abs(np.fft.rfft(sine))[6000]
        np.testing.assert_allclose(power, 1, atol=0.12)

    def test_amplitude_is_kept(self):
        x = blinking(60_000, 8)
        np.testing.assert_allclose(fit(x).gaussianise(x).std(-1), x.std(-1), rtol=0.12)


class TestEstimation:
    def test_units_signs_and_order_of_channels_do_not_matter(self):
        x = blinking(3000, 9)
        order = np.random.default_rng(0).permutation(N_CHANS)
        y = fit(x).gaussianise(x)
        for other, back in ((7 * x, 7 * y), (-x, -y), (x[order], y[order])):
            np.testing.assert_allclose(fit(other).gaussianise(other), back, atol=1e-6 * np.abs(back).max())

    def test_one_artefact_does_not_matter(self):
        x = blinking(3000, 10)
        y = x.copy()
        y[3, 1500:1550] += 5000
        clean, spoiled = fit(x), fit(y)
        assert abs(clean.components[:, 0] @ spoiled.components[:, 0]) > 0.95
        np.testing.assert_allclose(spoiled.knots[0, 3:-3], clean.knots[0, 3:-3], atol=0.15 * clean.scores[0, -1])

    def test_nothing_known_leaves_the_population(self):
        pattern = np.linspace(1, 0, N_CHANS)
        population = 100 * np.outer(pattern, pattern) + np.eye(N_CHANS)
        waves = fit_slow_waves(np.zeros((N_CHANS, 0)), 0, population, np.tile(BLINKING, (N_COMPONENTS, 1)))
        assert abs(waves.components[:, 0] @ pattern) == pytest.approx(np.linalg.norm(pattern), rel=1e-3)
        assert waves.scores[0, -1] == pytest.approx(SCORES[-1] * np.sqrt(100 * pattern @ pattern + 1), rel=1e-3)

    @pytest.mark.parametrize("n_chans", [1, 2, 30])
    def test_there_are_as_many_components_as_channels_allow(self, n_chans):
        waves = fit(slow_noise(500, 11, n_chans))
        assert waves.components.shape == (n_chans, min(n_chans, N_COMPONENTS))
        np.testing.assert_allclose(waves.components.T @ waves.components, np.eye(min(n_chans, 3)), atol=1e-9)

    def test_what_a_map_makes_of_noise_has_its_variance(self):
        waves = fit(blinking(3000, 12))
        made = TestGaussianity.sent_back(waves)
        assert made.std() == pytest.approx(waves.scores[0, -1] / SCORES[-1], rel=0.08)


def test_the_response_of_the_low_pass_is_that_of_filtered_noise():
    noise = np.random.default_rng(0).standard_normal((1, 200_000))
    ar_filter = np.array([1.0, -0.9])
    slow = low_pass(lfilter([1.0], ar_filter, noise))
    assert low_pass_response(ar_filter, 25).mean() == pytest.approx(slow.var(), rel=0.05)
