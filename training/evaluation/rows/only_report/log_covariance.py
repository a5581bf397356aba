# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Covariance across channels in three bands, as features of a classifier of generated against real EEG.

Each window's covariance is written in the tangent space at its own person's mean covariance (Barachant et al., IEEE
Trans. Biomed. Eng. 59, 2012): a vector whose length is the affine-invariant distance from that mean. So only
differences within a person count, and small directions of the scalp's covariance count as much as large ones.

No setting of GET was chosen by this classifier. It only reports.
"""

from __future__ import annotations

import numpy as np
from scipy import signal as sps

from get_hf.training.evaluation.descriptors import cut_windows
from get_hf.training.evaluation.rows.two_sample import add_auc
from get_hf.training.evaluation.table import Rows

#: Bands in Hz.
COVARIANCE_BANDS = ((1.0, 8.0), (8.0, 20.0), (20.0, 44.0))
#: Length of a window in seconds: long enough for the covariance of 20 channels in the narrowest band.
WINDOW_SECONDS = 4.0
#: Share of the mean power that is added to each channel, so that the logarithm exists for flat or copied channels.
RIDGE = 1e-3


def log_covariance_row(rows: Rows, real: np.ndarray, generated: np.ndarray, sampling_rate: float) -> None:
    """Adds the AUC of a logistic regression on `log_covariance_features`, with its curve.

    Args:
        rows: Table that gets the row.
        real: Real continuations, `(items, channels, times)` in microvolts.
        generated: Generated continuations, of the same shape.
        sampling_rate: Sampling rate in Hz.
    """
    features = log_covariance_features(real, generated, rows.subjects, sampling_rate)
    add_auc(rows, "two-sample", "AUC log covariance", *features, "logistic", with_curve=True)


def log_covariance_features(
    x: np.ndarray, other: np.ndarray, subjects: np.ndarray, sampling_rate: float
) -> tuple[np.ndarray, np.ndarray]:
    """Tangent vectors of the windows of two sets of recordings of the same people.

    Args:
        x: First set, `(items, channels, times)` in microvolts.
        other: Second set, of the same shape.
        subjects: Subject of each item, `(items,)`.
        sampling_rate: Sampling rate in Hz.

    Returns:
        `(items * windows, features)` of `x` and of `other`: one block of `channels * (channels + 1) / 2` features for
        each of `COVARIANCE_BANDS`, at the mean of the person's windows of both sets.
    """
    from pyriemann.geometry.mean import mean_riemann
    from pyriemann.geometry.tangentspace import tangent_space

    blocks = []
    for low, high in COVARIANCE_BANDS:
        covariances = np.stack([window_covariances(each, low, high, sampling_rate) for each in (x, other)])
        owner = np.repeat(subjects, covariances.shape[1] // len(subjects))
        n_chans = x.shape[1]
        features = np.empty((*covariances.shape[:2], n_chans * (n_chans + 1) // 2))
        for subject in np.unique(owner):
            own = covariances[:, owner == subject]
            centre = mean_riemann(own.reshape(-1, n_chans, n_chans))
            features[:, owner == subject] = np.stack([tangent_space(each, centre) for each in own])
        blocks.append(features)
    return tuple(np.concatenate(blocks, axis=-1))


def window_covariances(
    x: np.ndarray, low: float, high: float, sampling_rate: float, seconds: float = WINDOW_SECONDS
) -> np.ndarray:
    """Covariances of a band in windows, with a small ridge.

    Args:
        x: Recordings `(items, channels, times)` in microvolts.
        low: Lowest frequency in Hz.
        high: Highest frequency in Hz.
        sampling_rate: Sampling rate in Hz.
        seconds: Length of a window; a shorter recording is one window.

    Returns:
        `(items * windows, channels, channels)` in square microvolts.
    """
    sos = sps.butter(4, (low, high), "bandpass", fs=sampling_rate, output="sos")
    n_times = min(round(seconds * sampling_rate), x.shape[-1])
    windows = cut_windows(sps.sosfiltfilt(sos, x, axis=-1), n_times)
    covariances = windows @ windows.swapaxes(-1, -2) / n_times
    power = np.trace(covariances, axis1=-2, axis2=-1) / x.shape[1]
    return covariances + (RIDGE * power + 1e-6)[:, None, None] * np.eye(x.shape[1])
