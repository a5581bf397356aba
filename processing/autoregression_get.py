# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Autoregressive filters of one or more channels: estimation, filter and inverse.

A matrix filter whitens a signal x of many channels in time. Its inverse computes x from innovations e:

    e_t = x_t + A_1 x_(t-1) + .. + A_p x_(t-p)        x_t = e_t - A_1 x_(t-1) - .. - A_p x_(t-p)

The matrices follow from the covariances R_k between x and x k samples earlier (Yule-Walker). The inverse is stable for
every positive-definite sequence R. Noise of covariance Sigma through the inverse has exactly these covariances at the
lags 0 to p, and the smoothest spectra that allow them (maximum entropy).
"""

import numpy as np
import scipy

#: Samples that are whitened in one block: 100 s at 100 Hz.
BLOCK_TIMES = 10_000


def mean_autocorrelation(x: np.ndarray, order: int) -> np.ndarray:
    """Autocorrelation `1, r_1 .. r_order` of `(channels, times)`, weighted by power, with bounded artefacts.

    The biased estimator is positive definite. Mixed with another such estimate, it still gives a stable inverse.
    """
    variance = np.var(x, axis=-1, keepdims=True)
    # a channel full of artefacts must not dominate the mean
    weight = 1.0 / np.maximum(variance, np.median(variance) * 9 + 1e-12)
    products = [np.sum(weight * x[:, : x.shape[-1] - lag] * x[:, lag:]) for lag in range(order + 1)]
    return np.array(products) / (products[0] + 1e-12)


def bound_artefacts(x: np.ndarray, n_times: int, largest: float) -> tuple[float, np.ndarray]:
    """Typical energy of a recording, and weights that bound the energy of artefacts.

    Args:
        x: `(channels, times)`.
        n_times: Number of samples over which energy is averaged.
        largest: Largest energy that counts, as a multiple of the typical energy.

    Returns:
        Median over time of the energy per channel, and the share of each sample's energy that counts, `(times,)`.
    """
    share = np.ones(n_times) / n_times
    energy = np.convolve((x**2).mean(axis=0), share, "same") / np.convolve(np.ones(x.shape[-1]), share, "same")
    typical = float(np.median(energy))
    return typical, np.minimum(1.0, largest * typical / np.maximum(energy, 1e-12))


def whitening_filter(autocorrelation: np.ndarray) -> np.ndarray:
    """Coefficients `1, a_1 .. a_p` of the filter `e_t = x_t + a_1 x_(t-1) + .. + a_p x_(t-p)` (Yule-Walker)."""
    if len(autocorrelation) == 1:
        return np.ones(1)
    column = autocorrelation[:-1].copy()
    column[0] *= 1 + 1e-6
    return np.concatenate([[1.0], scipy.linalg.solve_toeplitz(column, -autocorrelation[1:])])


def lagged_covariance(x: np.ndarray, order: int) -> np.ndarray:
    """Covariances `R_k = E x_t x_(t-k)'`, `(1 + order, channels, channels)`, of `(channels, times)` of mean zero.

    This is the biased estimator, which is positive semidefinite.
    """
    n_times = x.shape[-1]
    return np.stack([x[:, lag:] @ x[:, : max(n_times - lag, 0)].T for lag in range(order + 1)]) / n_times


def covariance_from_spectrum(spectrum: np.ndarray, order: int) -> np.ndarray:
    """Covariances at lags 0 to `order` of a real spectral density at equally spaced frequencies.

    Args:
        spectrum: `(freqs, channels, channels)` from 0 up to half the sampling rate, which is excluded.
        order: Largest lag, less than the number of frequencies.

    Returns:
        `(1 + order, channels, channels)`; lag 0 is the mean of the spectrum.
    """
    n_freqs = len(spectrum)
    weights = np.full(n_freqs + 1, 1.0 / n_freqs)
    weights[[0, -1]] /= 2  # these two have no counterpart at negative frequencies
    cosines = np.cos(np.pi * np.outer(np.arange(order + 1), np.arange(n_freqs + 1)) / n_freqs) * weights
    # the last frequency below stands for half the sampling rate
    return np.tensordot(cosines, np.concatenate([spectrum, spectrum[-1:]]), axes=1)


def lag_window(order: int) -> np.ndarray:
    """Parzen window `(1 + order,)`: weighted covariances stay positive definite and have smooth spectra."""
    return scipy.signal.windows.parzen(2 * order + 3)[order + 1 : -1]


def solve_yule_walker(covariances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Matrix filter for a sequence of covariances, by Whittle's recursion (Whittle, Biometrika 50, 1963).

    Args:
        covariances: `R_0 .. R_p`, `(1 + order, channels, channels)`, positive definite as a block Toeplitz matrix.

    Returns:
        Matrices `I, A_1 .. A_p`, `(1 + order, channels, channels)`, and `Sigma`, the covariance of the innovations.
    """
    n_chans = covariances.shape[-1]
    forward = backward = np.eye(n_chans)[None]
    ahead = behind = covariances[0]
    zeros = np.zeros((1, n_chans, n_chans))
    for order in range(1, len(covariances)):
        # the covariance of the two errors, then the prediction of each from the other
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
    """Innovations `(channels, times - order)` of `x` `(channels, times)`; its first `order` samples are memory."""
    order, weights = len(matrices) - 1, np.concatenate(list(matrices), axis=-1)
    innovations = np.empty((len(x), x.shape[-1] - order))
    # in blocks, because each sample with its past takes as much memory as all lags
    for start in range(0, innovations.shape[-1], BLOCK_TIMES):
        block = innovations[:, start : start + BLOCK_TIMES]
        lags = [x[:, start + order - lag :][:, : block.shape[-1]] for lag in range(order + 1)]
        np.matmul(weights, np.concatenate(lags), out=block)
    return innovations


def unwhiten(matrices: np.ndarray, innovations: np.ndarray, memory: np.ndarray) -> np.ndarray:
    """Inverse of `whiten`: `(channels, times)` from as many innovations, after `memory` `(channels, order)`."""
    order, n_chans = len(matrices) - 1, len(innovations)
    if order == 0:
        return innovations
    # samples in reverse order, so that the past of each is contiguous in memory
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
