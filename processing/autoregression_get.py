# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Estimates autoregressive filters of one or more channels, and applies the filters and their inverses.

A matrix filter whitens a signal x of many channels in time. The inverse of the filter computes x from innovations e:

    e_t = x_t + A_1 x_(t-1) + .. + A_p x_(t-p)        x_t = e_t - A_1 x_(t-1) - .. - A_p x_(t-p)

The matrices are computed from the covariances R_k between x at one time and x k samples earlier (Yule-Walker). The
inverse is stable for every positive-definite sequence R. If white noise with the covariance Sigma passes through the
inverse, the result has exactly the covariances R_k at the lags 0 to p. Of all signals with these covariances, the
result has the smoothest spectra (maximum entropy).
"""

import numpy as np
import scipy

#: Length of the Fourier transforms that whiten, in lengths of the filter.
FFT_ORDERS = 4
#: Number of Fourier transforms that are computed at once, which bounds the memory.
AT_ONCE = 64


def mean_autocorrelation(x: np.ndarray, order: int) -> np.ndarray:
    """Returns the mean autocorrelation `1, r_1 .. r_order` of the channels of `x` `(channels, times)`.

    Each channel counts by its power. Only the weight of channels with extreme power is bounded, because they contain
    artefacts. The estimator is the biased one, which is positive definite. A weighted mean of two such estimates is
    positive definite too, so its filter has a stable inverse.
    """
    variance = np.var(x, axis=-1, keepdims=True)
    # a channel full of artefacts must not dominate the mean
    weight = 1.0 / np.maximum(variance, np.median(variance) * 9 + 1e-12)
    products = [np.sum(weight * x[:, : x.shape[-1] - lag] * x[:, lag:]) for lag in range(order + 1)]
    return np.array(products) / (products[0] + 1e-12)


def energy_over_time(x: np.ndarray, n_times: int) -> np.ndarray:
    """Computes the mean energy of a channel of `x` `(channels, times)` around each sample, over `n_times` samples."""
    share = np.ones(n_times) / n_times
    return np.convolve((x**2).mean(axis=0), share, "same") / np.convolve(np.ones(x.shape[-1]), share, "same")


def bound_artefacts(x: np.ndarray, n_times: int, largest: float) -> np.ndarray:
    """Makes a signal smaller where its energy is larger than a multiple of its median over time.

    Args:
        x: Signal `(channels, times)`.
        n_times: Number of samples over which the energy is averaged.
        largest: Upper bound of the energy, as a multiple of its median.
    """
    energy = energy_over_time(x, n_times)
    return x * np.sqrt(np.minimum(1.0, largest * np.median(energy) / np.maximum(energy, 1e-12)))


def whitening_filter(autocorrelation: np.ndarray) -> np.ndarray:
    """Computes the taps `1, a_1 .. a_p` of `e_t = x_t + a_1 x_(t-1) + .. + a_p x_(t-p)` (Yule-Walker)."""
    if len(autocorrelation) == 1:
        return np.ones(1)
    column = autocorrelation[:-1].copy()
    column[0] *= 1 + 1e-6
    return np.concatenate([[1.0], scipy.linalg.solve_toeplitz(column, -autocorrelation[1:])])


def lagged_covariance(x: np.ndarray, order: int) -> np.ndarray:
    """Estimates the covariances `R_k = E x_t x_(t-k)'` of a signal at the lags k from 0 to `order`.

    The signal `x` `(channels, times)` must have a mean of zero. The result has the shape
    `(1 + order, channels, channels)`. The estimator is the biased one, which is positive semidefinite.
    """
    n_times = x.shape[-1]
    return np.stack([x[:, lag:] @ x[:, : max(n_times - lag, 0)].T for lag in range(order + 1)]) / n_times


def divide_spectrum(x: np.ndarray, crossover: float, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Divides a signal into a slow and a fast part, whose spectra add up to the spectrum of the signal.

    The filters have zero phase, and the squares of their responses add up to 1.

    Args:
        x: Signal `(channels, times)`.
        crossover: Frequency at which both parts have half of the power, as a share of half the sampling rate.
        width: Width of the border between the parts, in the same unit.

    Returns:
        Slow part and fast part, both `(channels, longer times)`: the filters ring before and after the signal.
    """
    spectrum, slow, n = _spectrum_and_response(x, crossover, width)
    return scipy.fft.irfft(spectrum * np.sqrt(slow), n), scipy.fft.irfft(spectrum * np.sqrt(1 - slow), n)


def divide_signal(x: np.ndarray, crossover: float, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Divides a signal into a slow and a fast part `(channels, times)`, which add up to the signal.

    The filter has zero phase; see `divide_spectrum` for the arguments.
    """
    spectrum, slow, n = _spectrum_and_response(x, crossover, width)
    found = scipy.fft.irfft(spectrum * slow, n)[:, _ringing(width) : _ringing(width) + x.shape[-1]]
    return found, x - found


def _spectrum_and_response(x: np.ndarray, crossover: float, width: float) -> tuple[np.ndarray, np.ndarray, int]:
    """Returns the spectrum of a padded signal, the response of the filter for its slow part, and its length."""
    before = _ringing(width)
    n = scipy.fft.next_fast_len(x.shape[-1] + 2 * before, real=True)
    spectrum = scipy.fft.rfft(np.pad(x, ((0, 0), (before, n - x.shape[-1] - before))))
    return spectrum, scipy.special.expit((crossover - np.linspace(0, 1, spectrum.shape[-1])) / width), n


def _ringing(width: float) -> int:
    """Returns the number of samples for which the filters of a border ring."""
    return round(1 / width)


def covariance_from_spectrum(spectrum: np.ndarray, order: int) -> np.ndarray:
    """Computes the covariances at the lags 0 to `order` from a real spectral density at equally spaced frequencies.

    Args:
        spectrum: Spectral density `(freqs, channels, channels)`. The frequencies begin at 0 and end one step below
            half the sampling rate.
        order: Largest lag. It must be smaller than the number of frequencies.

    Returns:
        Covariances `(1 + order, channels, channels)`. The covariance at lag 0 is the mean of the spectrum.
    """
    n_freqs = len(spectrum)
    weights = np.full(n_freqs + 1, 1.0 / n_freqs)
    weights[[0, -1]] /= 2  # these two have no counterpart at negative frequencies
    cosines = np.cos(np.pi * np.outer(np.arange(order + 1), np.arange(n_freqs + 1)) / n_freqs) * weights
    # half the sampling rate is not in the spectrum, so the last frequency is used in its place
    return np.tensordot(cosines, np.concatenate([spectrum, spectrum[-1:]]), axes=1)


def lag_window(order: int) -> np.ndarray:
    """Returns the Parzen window `(1 + order,)`; its use keeps covariances positive definite and smooths spectra."""
    return scipy.signal.windows.parzen(2 * order + 3)[order + 1 : -1]


def solve_yule_walker(covariances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Computes the matrix filter for a sequence of covariances by the recursion of Whittle (Biometrika 50, 1963).

    Args:
        covariances: Covariances `R_0 .. R_p` with the shape `(1 + order, channels, channels)`. The block Toeplitz
            matrix of these covariances must be positive definite.

    Returns:
        The matrices `I, A_1 .. A_p` with the shape `(1 + order, channels, channels)`; and `Sigma`, the covariance
        `(channels, channels)` of the innovations.
    """
    n_chans = covariances.shape[-1]
    forward = backward = np.eye(n_chans)[None]
    ahead = behind = covariances[0]
    zeros = np.zeros((1, n_chans, n_chans))
    for order in range(1, len(covariances)):
        # computes the covariance of the forward and backward errors, then predicts each error from the other
        common = np.matmul(forward, covariances[order:0:-1]).sum(axis=0)
        from_behind = -np.linalg.solve(behind, common.T).T
        from_ahead = -np.linalg.solve(ahead, common).T
        forward, backward = (
            np.concatenate([forward, zeros]) + from_behind @ np.concatenate([zeros, backward[::-1]]),
            np.concatenate([backward, zeros]) + from_ahead @ np.concatenate([zeros, forward[::-1]]),
        )
        ahead, behind = ahead + from_behind @ common.T, behind + from_ahead @ common
        ahead, behind = (ahead + ahead.T) / 2, (behind + behind.T) / 2
    return forward, ahead


def whiten(matrices: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Returns the innovations `(channels, times - order)` of the samples of `x` after the first `order` samples.

    The filter needs the first `order` samples of `x` `(channels, times)` as its memory.
    """
    order = len(matrices) - 1
    n_fft = scipy.fft.next_fast_len(FFT_ORDERS * (1 + order), real=True)
    step, n_innovations = n_fft - order, x.shape[-1] - order
    response = scipy.fft.rfft(matrices, n_fft, axis=0)
    innovations = np.empty((len(x), n_innovations))
    # blocks overlap by the memory of the filter (overlap-save): a sum over lags would take seven times as long
    n_blocks = -(-n_innovations // step)
    for first in range(0, n_blocks, AT_ONCE):
        n_own = min(AT_ONCE, n_blocks - first)
        samples = x[:, first * step : (first + n_own) * step + order]
        samples = np.pad(samples, ((0, 0), (0, n_own * step + order - samples.shape[-1])))
        blocks = np.lib.stride_tricks.sliding_window_view(samples, n_fft, axis=-1)[:, ::step]
        filtered = response @ np.ascontiguousarray(scipy.fft.rfft(blocks).transpose(2, 0, 1))
        part = scipy.fft.irfft(filtered.transpose(1, 2, 0), n_fft)[..., order:].reshape(len(x), -1)
        own = innovations[:, first * step : (first + n_own) * step]
        own[:] = part[:, : own.shape[-1]]
    return innovations


def unwhiten(matrices: np.ndarray, innovations: np.ndarray, memory: np.ndarray) -> np.ndarray:
    """Computes the signal `(channels, times)` from its innovations of the same shape; this is the inverse of `whiten`.

    `memory` `(channels, order)` are the samples of the signal just before the first innovation.
    """
    order, n_chans = len(matrices) - 1, len(innovations)
    if order == 0:
        return innovations
    # samples are stored in reverse order, so that the past of each sample is contiguous in memory
    weights = -np.ascontiguousarray(matrices[1:].transpose(1, 0, 2).reshape(n_chans, -1))
    n_times = innovations.shape[-1]
    samples = np.empty((n_times + order, n_chans))
    samples[n_times:] = memory[:, ::-1].T
    flat = samples.reshape(-1)
    innovations = np.ascontiguousarray(innovations.T)
    for time in range(n_times):
        row = n_times - 1 - time
        past = flat[(row + 1) * n_chans : (row + 1 + order) * n_chans]
        samples[row] = weights @ past + innovations[time]
    return samples[n_times - 1 :: -1].T if n_times else np.zeros((n_chans, 0))
