# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from get_hf.processing.autoregression_get import (
    covariance_from_spectrum,
    divide_signal,
    divide_spectrum,
    lag_window,
    lagged_covariance,
    mean_autocorrelation,
    solve_yule_walker,
    unwhiten,
    whiten,
    whitening_filter,
)

#: x_t = e_t - A_1 x_(t-1) - A_2 x_(t-2): two channels, of which the second follows the first.
MATRICES = np.array([np.eye(2), [[-0.9, 0.0], [-0.5, -0.3]], [[0.5, 0.0], [0.0, 0.2]]])
SIGMA = np.array([[1.0, 0.4], [0.4, 2.0]])


def true_covariances(order: int) -> np.ndarray:
    """Covariances at lags of the process, from its response to impulses."""
    impulses = np.zeros((2, 400))
    response = []
    for channel in range(2):
        impulses[:] = 0
        impulses[channel, 0] = 1
        response.append(unwhiten(MATRICES, impulses, np.zeros((2, 2))))
    psi = np.stack(response, axis=1)  # (to, from, times)
    n = psi.shape[-1]
    lags = range(order + 1)
    return np.stack([np.einsum("iat,ab,jbt->ij", psi[..., k:], SIGMA, psi[..., : n - k]) for k in lags])


def simulate(n_times: int, seed: int = 0) -> np.ndarray:
    noise = np.linalg.cholesky(SIGMA) @ np.random.default_rng(seed).standard_normal((2, n_times + 200))
    return unwhiten(MATRICES, noise, np.zeros((2, 2)))[:, 200:]


class TestMatrixFilters:
    @pytest.mark.parametrize("order", [2, 5])
    def test_yule_walker_finds_the_filter_of_a_known_process_exactly(self, order):
        matrices, sigma = solve_yule_walker(true_covariances(order))
        np.testing.assert_allclose(matrices[:3], MATRICES, atol=1e-9)
        np.testing.assert_allclose(matrices[3:], 0, atol=1e-9)
        np.testing.assert_allclose(sigma, SIGMA, atol=1e-9)

    def test_it_is_the_scalar_solution_where_there_is_one_channel(self):
        autocorrelation = mean_autocorrelation(simulate(5000)[:1], 6)
        matrices, _ = solve_yule_walker(autocorrelation[:, None, None])
        np.testing.assert_allclose(matrices[:, 0, 0], whitening_filter(autocorrelation), atol=1e-4)

    def test_whitening_a_simulation_gives_its_noise_back(self):
        x = simulate(40_000)
        matrices, sigma = solve_yule_walker(lagged_covariance(x, 4))
        np.testing.assert_allclose(matrices[1:3], MATRICES[1:], atol=0.05)
        np.testing.assert_allclose(sigma, SIGMA, atol=0.05)
        left = lagged_covariance(whiten(matrices, x), 3)
        assert np.abs(left[1:]).max() < 0.05

    @given(st.integers(0, 1000), st.integers(1, 5), st.integers(0, 6), st.integers(1, 40))
    @settings(deadline=None, max_examples=30)
    def test_unwhitening_undoes_whitening(self, seed, n_chans, order, n_times):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((n_chans, order + n_times))
        matrices, _ = solve_yule_walker(lagged_covariance(rng.standard_normal((n_chans, 200)), order))
        innovations = whiten(matrices, x)
        assert innovations.shape == (n_chans, n_times)
        np.testing.assert_allclose(unwhiten(matrices, innovations, x[:, :order]), x[:, order:], atol=1e-9)

    def test_a_long_recording_takes_little_memory_and_has_no_seams(self):
        x = simulate(100_000)
        matrices, _ = solve_yule_walker(lagged_covariance(x, 36))
        tracemalloc.start()
        innovations = whiten(matrices, x)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 10 * x.nbytes  # not 37 times
        directly = sum(matrix @ x[:, 36 - lag : x.shape[-1] - lag] for lag, matrix in enumerate(matrices))
        np.testing.assert_allclose(innovations, directly, atol=1e-9)

    def test_whatever_was_recorded_the_inverse_is_stable(self):
        rng = np.random.default_rng(0)
        x = rng.standard_normal((4, 120)).cumsum(axis=-1)  # a random walk, and too short for its order
        matrices, _ = solve_yule_walker(lag_window(20)[:, None, None] * lagged_covariance(x, 20) + 1e-9 * np.eye(4))
        impulse = np.zeros((4, 20_000))
        impulse[:, 0] = 1
        response = unwhiten(matrices, impulse, np.zeros((4, 20)))
        assert np.abs(response[:, -100:]).max() < 1e-3 * np.abs(response).max()


class TestSpectra:
    def test_a_flat_spectrum_has_covariance_at_lag_0_alone(self):
        covariances = covariance_from_spectrum(np.tile(SIGMA, (25, 1, 1)), 24)
        np.testing.assert_allclose(covariances[0], SIGMA, atol=1e-12)
        np.testing.assert_allclose(covariances[1:], 0, atol=1e-12)

    def test_covariances_have_the_spectrum_that_they_were_computed_from(self):
        power = 2 + np.cos(np.pi * np.arange(26) / 25)  # from 0 to half the sampling rate
        covariances = covariance_from_spectrum(power[:25, None, None] * SIGMA, 24)
        lags = covariances[:, 0, 0] * np.array([1, *[2] * 24])
        spectrum = np.cos(np.pi * np.outer(np.arange(25), np.arange(25)) / 25) @ lags
        np.testing.assert_allclose(spectrum, power[:25] * SIGMA[0, 0], rtol=0.02)

    def test_the_window_leaves_covariances_positive_definite(self):
        window = lag_window(24)
        assert window[0] == 1
        assert (np.diff(window) < 0).all()
        spectrum = np.fft.rfft(np.concatenate([window, np.zeros(51), window[:0:-1]])).real
        assert spectrum.min() > -1e-5 * spectrum.max()


@settings(deadline=None, max_examples=20)
@given(n_times=st.integers(25, 900), crossover=st.floats(0.1, 0.9), seed=st.integers(0, 99))
def test_the_spectra_of_both_parts_add_up_to_that_of_the_signal(n_times, crossover, seed):
    x = np.random.default_rng(seed).standard_normal((3, n_times)).cumsum(axis=-1)
    x -= x.mean(axis=-1, keepdims=True)
    parts = divide_spectrum(x, crossover, 0.02)
    covariances = [part @ part.T for part in parts]
    np.testing.assert_allclose(sum(covariances), x @ x.T, rtol=1e-3, atol=1e-3 * np.abs(x @ x.T).max())


def test_a_slow_and_a_fast_wave_are_divided():
    times = np.arange(800)
    slow, fast = np.sin(2 * np.pi * 0.05 * times), np.sin(2 * np.pi * 0.2 * times)
    found = divide_spectrum((slow + fast)[None], 0.24, 0.02)
    for wave, part in zip((slow, fast), found, strict=True):
        begin = 50
        np.testing.assert_allclose(part[0, begin + 100 : begin + 700], wave[100:700], atol=0.05)


def test_a_divided_signal_keeps_its_place_in_time():
    times = np.arange(800)
    waves = np.sin(2 * np.pi * 0.05 * times), np.sin(2 * np.pi * 0.2 * times)
    for wave, part in zip(waves, divide_signal(sum(waves)[None], 0.24, 0.02), strict=True):
        np.testing.assert_allclose(part[0, 100:700], wave[100:700], atol=0.05)
