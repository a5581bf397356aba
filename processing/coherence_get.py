# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Corrects estimated covariances at lags, because coherence that is computed from them has a bias.

A coherence that is estimated from a few seconds is too large where channels have little in common. If a squared
coherence c is averaged over K independent estimates, chance adds (1 - c)^2 / K to it (Carter, Knapp and Nuttall, IEEE
Trans. Audio Electroacoust. 21, 1973). The estimate is too small where coherence changes with frequency, because
smoothing over frequency averages cross-spectra with different phases. Simulated EEG has both errors too.
`get-hf calibrate` measures the bias at each frequency, and this module subtracts the bias.
"""

import numpy as np

from .population_get import linear_in_position

#: Number of steps of the frequency grid from 0 to half the sampling rate.
N_FREQUENCIES = 64
#: Largest squared coherence after the correction, and smallest eigenvalue of a cross-spectrum relative to its largest
#: eigenvalue.
LARGEST, LEAST_EIGENVALUE = 0.985, 3e-4


def shapes_of_shifts(squared: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Returns the regressors `(..., 5)` that multiply the five shifts of a frequency; see `correct_coherence`.

    Args:
        squared: Squared coherences `(...)`.
        places: Place of each pair of channels `(..., 4)`, as returned by `places_of_pairs`.
    """
    return np.concatenate([(1 - squared[..., None]) ** 2, (1 - squared[..., None]) * places], axis=-1)


def places_of_pairs(positions: np.ndarray) -> np.ndarray:
    """Returns the midpoint of each pair of channels `(channels, channels, 4)` from their positions `(channels, 6)`.

    The four values are the means of the functions of `linear_in_position` at the two channels.
    """
    places = linear_in_position(positions)
    return (places[:, None] + places) / 2


def correct_coherence(covariances: np.ndarray, shifts: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Corrects the coherence of all pairs of channels, and leaves the spectrum of each channel unchanged.

    Args:
        covariances: Covariances `E x_t x_(t-k)'` at the lags k, with the shape `(1 + lags, channels, channels)`.
        shifts: Shifts `s_0 .. s_4` for each frequency, with the shape `(frequencies, 5)`. The frequencies are equally
            spaced from 0 to one step below half the sampling rate (the frequencies of DCT coefficients). Let c be the
            squared coherence of a pair of channels with the midpoint p. Two terms are subtracted from c:
            `s_0 (1 - c)^2` for the bias of chance, and `(s_1 + s_2 p_x + s_3 p_y + s_4 p_z) (1 - c)` for the bias of
            smoothing.
        positions: Positions `(channels, 6)` on the unit sphere. A bipolar channel is placed at its first electrode.

    Returns:
        Corrected covariances of the same shape as `covariances`.
    """
    frequencies = np.linspace(0, 1, N_FREQUENCIES + 1)
    places = np.arange(len(shifts)) / len(shifts)
    shifts = np.stack([np.interp(frequencies, places, row) for row in np.transpose(shifts)], axis=-1)
    spectrum = _to_spectrum(covariances, frequencies)
    power = np.einsum("fcc->fc", spectrum).real
    amplitude = np.sqrt(np.maximum(power, 1e-9 * power.max()))
    scale = amplitude[:, :, None] * amplitude[:, None, :]
    squared = np.minimum(np.abs(spectrum / scale) ** 2, 1.0)
    lost = np.einsum("fcds,fs->fcd", shapes_of_shifts(squared, places_of_pairs(positions)[None]), shifts)
    factors = np.sqrt(np.clip(squared - lost, 0.0, LARGEST) / np.maximum(squared, 1e-9))
    diagonal = np.arange(spectrum.shape[-1])
    factors[:, diagonal, diagonal] = 1.0
    # each pair has its own factor, so the result may not be positive definite
    values, vectors = np.linalg.eigh(spectrum * factors)
    values = np.maximum(values, LEAST_EIGENVALUE * values[:, -1:])
    spectrum = (vectors * values[:, None, :]) @ np.conj(np.swapaxes(vectors, -1, -2))
    amplitude = amplitude / np.sqrt(np.maximum(np.einsum("fcc->fc", spectrum).real, 1e-300))
    return _to_lags(spectrum * amplitude[:, :, None] * amplitude[:, None, :], frequencies, len(covariances))


def _to_spectrum(covariances: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
    """Computes the Hermitian cross-spectra `(frequencies, channels, channels)` from covariances at lags."""
    waves = np.exp(-1j * np.pi * np.outer(frequencies, np.arange(1, len(covariances))))
    half = np.einsum("fk,kcd->fcd", waves, covariances[1:])
    return covariances[0] + half + np.conj(np.swapaxes(half, -1, -2))


def _to_lags(spectrum: np.ndarray, frequencies: np.ndarray, n_lags: int) -> np.ndarray:
    """Computes the covariances at the lags 0 to `n_lags - 1` from cross-spectra; the inverse of `_to_spectrum`."""
    weights = np.ones(len(frequencies))
    weights[[0, -1]] = 0.5
    waves = weights * np.exp(1j * np.pi * np.outer(np.arange(n_lags), frequencies))
    return np.einsum("kf,fcd->kcd", waves, spectrum).real / (len(frequencies) - 1)
