# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""An evaluation of its own: sixty features within person, by which no setting of GET was ever chosen.

The features of `two_sample` are those of a window's channels, each by itself, and people differ in them more than
generated EEG differs from real EEG. Here, each feature describes a whole window of 4 s, and it is standardised within
each person (over real and generated windows together). So only a difference within the person counts. The bands,
lengths and measures are others than those of `two_sample`, and include the waveform and the coupling of amplitudes.

The rows only report. Whoever chooses a setting by them takes their independence away.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from scipy import signal as sps

from get_hf.training.evaluation.descriptors import EPSILON, cut_windows, hjorth, log_kurtosis, log_rms
from get_hf.training.evaluation.rows.two_sample import add_auc
from get_hf.training.evaluation.rows.waveform import correlation
from get_hf.training.evaluation.table import Rows

#: Length of a window in seconds.
WINDOW_SECONDS = 4.0
#: Edges in Hz of the twelve bands whose power is a feature.
EDGES = (1.0, 2.5, 4.0, 6.0, 8.0, 10.0, 12.0, 16.0, 20.0, 25.0, 32.0, 38.0, 44.0)
#: Bands of amplitudes and of correlations between channels.
ALPHA, BETA, SLOW = (8.0, 13.0), (14.0, 28.0), (1.0, 7.0)
#: Eigenvalues of the correlation matrix that are features.
N_EIGENVALUES = 5
#: Largest standardised feature: one artefact must not outweigh a person.
LARGEST = 5.0


def independent_rows(
    rows: Rows,
    real: np.ndarray,
    generated: np.ndarray,
    sampling_rate: float,
    classifiers: Sequence[str] = ("logistic", "boosting"),
    seed: int = 0,
) -> None:
    """Adds the AUC of a logistic regression and of boosting on `within_person` features, on people left out.

    Args:
        rows: Table that gets the rows.
        real: Real continuations, `(items, channels, times)` in microvolts.
        generated: Generated continuations, of the same shape.
        sampling_rate: Sampling rate in Hz.
        classifiers: Classifiers to train; others than "logistic" and "boosting" are ignored.
        seed: Seed of the boosting.
    """
    features = within_person(real, generated, rows.subjects, sampling_rate)
    for classifier in ("logistic", "boosting"):
        if classifier in classifiers:
            add_auc(rows, "independent", f"AUC independent, {classifier}", *features, classifier, seed)


def within_person(
    x: np.ndarray, other: np.ndarray, subjects: np.ndarray, sampling_rate: float
) -> tuple[np.ndarray, np.ndarray]:
    """Features of the windows of two sets of recordings of the same people, standardised within each person.

    Args:
        x: First set, `(items, channels, times)` in microvolts.
        other: Second set, of the same shape.
        subjects: Subject of each item, `(items,)`.
        sampling_rate: Sampling rate in Hz.

    Returns:
        `(items * windows, features)` of `x` and of `other`. Mean and deviation of each feature come from the person's
        windows of both sets.
    """
    n = min(round(WINDOW_SECONDS * sampling_rate), x.shape[-1])
    features = np.stack([window_features(cut_windows(each, n), sampling_rate) for each in (x, other)])
    owner = np.repeat(subjects, features.shape[1] // len(subjects))
    for subject in np.unique(owner):
        own = features[:, owner == subject]
        mean, deviation = own.mean(axis=(0, 1)), own.std(axis=(0, 1))
        features[:, owner == subject] = (own - mean) / np.where(deviation > 1e-9, deviation, np.inf)
    return tuple(np.clip(features, -LARGEST, LARGEST))


def window_features(windows: np.ndarray, sampling_rate: float) -> np.ndarray:
    """The features of windows `(windows, channels, times)` in microvolts.

    Returns:
        `(windows, 60)`: mean and deviation over channels of 24 measures of a channel (power in twelve bands, tails,
        slopes, amplitudes of alpha and beta over time, waveform), and 12 measures of the channels together. With a
        single channel only the means, `(windows, 24)`; with fewer channels than `N_EIGENVALUES`, fewer eigenvalues.
    """
    of_channel = _of_channels(windows, sampling_rate)
    means = of_channel.mean(axis=1)
    if windows.shape[1] == 1:
        return means
    return np.concatenate([means, of_channel.std(axis=1), _of_scalp(windows, sampling_rate)], axis=1)


def _of_channels(windows: np.ndarray, sampling_rate: float) -> np.ndarray:
    """Measures of each channel by itself, `(windows, channels, 24)`."""
    freqs, power = sps.welch(windows, sampling_rate, nperseg=min(200, windows.shape[-1]), axis=-1)
    bands = [
        np.log(power[..., (freqs >= low) & (freqs < high)].mean(axis=-1) + EPSILON) for low, high in pairwise(EDGES)
    ]
    centred = windows - windows.mean(axis=-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axis=-1)) + EPSILON
    slope = np.diff(centred, axis=-1)
    _, mobility, complexity = hjorth(windows)
    alpha, beta = (_filtered(windows, sampling_rate, band) for band in (ALPHA, BETA))
    envelopes = [np.abs(sps.hilbert(each, axis=-1)) + EPSILON for each in (alpha, beta)]
    quarter = round(sampling_rate / 4)
    blocks = [_block_means(np.log(envelope), quarter) for envelope in envelopes]
    variation = [np.log(e.std(axis=-1) / e.mean(axis=-1) + EPSILON) for e in envelopes]
    mixture = _filtered(windows, sampling_rate, (6.0, 30.0))
    return np.stack(
        [
            *bands,
            _skewness(centred),
            log_kurtosis(windows),
            np.log(mobility),
            np.log(complexity),
            np.log(np.abs(slope).mean(axis=-1) / deviation + EPSILON),
            np.abs(np.diff(np.signbit(centred), axis=-1)).mean(axis=-1),
            *variation,
            correlation(envelopes[0][..., :-quarter], envelopes[0][..., quarter:]),
            correlation(*blocks),
            _skewness(np.diff(mixture, axis=-1)),
            _harmonic(windows, sampling_rate),
        ],
        axis=-1,
    )


def _of_scalp(windows: np.ndarray, sampling_rate: float) -> np.ndarray:
    """Measures of all channels together, `(windows, up to 12)`."""
    correlation = _correlations(windows)
    values = np.maximum(np.linalg.eigvalsh(correlation)[:, ::-1], 1e-6)
    share = values / values.sum(axis=1, keepdims=True)
    entropy = -(share * np.log(share)).sum(axis=1)
    found = [*np.log(share[:, :N_EIGENVALUES]).T, entropy, log_rms(windows).std(axis=1)]
    for band in (SLOW, ALPHA, BETA):
        filtered = _filtered(windows, sampling_rate, band)
        found.append(_mean_size(_correlations(filtered)))
        if band != SLOW:
            envelope = np.abs(sps.hilbert(filtered, axis=-1))
            found.append(_mean_size(_correlations(_block_means(envelope, round(sampling_rate / 4)))))
    return np.stack(found, axis=1)


def _filtered(x: np.ndarray, sampling_rate: float, band: tuple[float, float]) -> np.ndarray:
    return sps.sosfiltfilt(sps.butter(3, band, "bandpass", fs=sampling_rate, output="sos"), x, axis=-1)


def _block_means(x: np.ndarray, n: int) -> np.ndarray:
    return x[..., : x.shape[-1] // n * n].reshape(*x.shape[:-1], -1, n).mean(axis=-1)


def _skewness(x: np.ndarray) -> np.ndarray:
    """Skewness of each channel, `(..., times)` to `(...)`; 0 for a flat channel."""
    centred = x - x.mean(axis=-1, keepdims=True)
    return (centred**3).mean(axis=-1) / ((centred**2).mean(axis=-1) + EPSILON) ** 1.5


def _correlations(x: np.ndarray) -> np.ndarray:
    """Correlations of all channels, `(windows, channels, times)` to `(windows, channels, channels)`."""
    centred = x - x.mean(axis=-1, keepdims=True)
    unit = centred / (np.sqrt((centred**2).sum(axis=-1, keepdims=True)) + EPSILON)
    return unit @ unit.swapaxes(-1, -2)


def _mean_size(correlations: np.ndarray) -> np.ndarray:
    i, j = np.triu_indices(correlations.shape[-1], 1)
    return np.abs(correlations[:, i, j]).mean(axis=1)


def _harmonic(windows: np.ndarray, sampling_rate: float) -> np.ndarray:
    """How well the phase at the double of 8 to 13 Hz follows from the phase there, `(windows, channels)`."""
    n = round(sampling_rate)
    parts = np.lib.stride_tricks.sliding_window_view(windows, n, axis=-1)[..., :: n // 2, :]
    spectra = np.fft.rfft((parts - parts.mean(axis=-1, keepdims=True)) * np.hanning(n), axis=-1)
    alpha = np.arange(int(ALPHA[0]), int(ALPHA[1]) + 1)
    triple = spectra[..., alpha] ** 2 * spectra[..., 2 * alpha].conj()
    return np.abs(triple.sum(axis=(-1, -2))) / (np.abs(triple).sum(axis=(-1, -2)) + EPSILON)
