# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Can a classifier tell generated from real EEG if it knows the prompt?

The features of each window are taken relative to the mean over the windows of its own prompt. So a continuation that
would pass in another person, or in another minute, is found where it does not fit its prompt. Real EEG drifts away
from a prompt too; column `real` shows by how much the judges can tell one real stretch from another.

The rows only report: no setting of GET may be chosen by them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from get_hf.training.evaluation.descriptors import cut_windows
from get_hf.training.evaluation.rows.two_sample import add_auc, all_features
from get_hf.training.evaluation.table import Rows

from .log_covariance import COVARIANCE_BANDS, window_covariances

#: Length of a window in seconds.
WINDOW_SECONDS = 2.0


def relative_rows(
    rows: Rows,
    prompt: np.ndarray,
    real: np.ndarray,
    generated: np.ndarray,
    sampling_rate: float,
    classifiers: Sequence[str] = ("logistic", "boosting"),
    seed: int = 0,
) -> None:
    """Adds the AUC of classifiers on features relative to the prompt, and on covariances relative to the prompt's.

    Args:
        rows: Table that gets the rows.
        prompt: Prompts, `(items, channels, times)` in microvolts, at least 2 s long.
        real: Real continuations, `(items, channels, times')`.
        generated: Generated continuations, of the same shape.
        sampling_rate: Sampling rate in Hz.
        classifiers: Classifiers to train; others than "logistic" and "boosting" are ignored.
        seed: Seed of the boosting.
    """
    a, b = (relative_features(prompt, x, sampling_rate) for x in (real, generated))
    for classifier in ("logistic", "boosting"):
        if classifier in classifiers:
            add_auc(rows, "relative", f"AUC relative to the prompt, {classifier}", a, b, classifier, seed)
    a, b = (relative_covariances(prompt, x, sampling_rate) for x in (real, generated))
    add_auc(rows, "relative", "AUC log covariance relative to the prompt", a, b, "logistic", seed)


def relative_features(prompt: np.ndarray, x: np.ndarray, sampling_rate: float) -> np.ndarray:
    """Features of the windows of continuations, minus their mean over the windows of their prompt.

    Args:
        prompt: Prompts `(items, channels, times)` in microvolts; their windows overlap by half.
        x: Continuations `(items, channels, times')` in microvolts.
        sampling_rate: Sampling rate in Hz.

    Returns:
        `(items * windows, features)`, see `two_sample.all_features`.
    """
    n = min(round(WINDOW_SECONDS * sampling_rate), prompt.shape[-1])
    views = np.lib.stride_tricks.sliding_window_view(prompt, n, axis=-1)[:, :, :: n // 2]
    before = all_features(views.transpose(0, 2, 1, 3).reshape(-1, prompt.shape[1], n), sampling_rate)
    mean = before.reshape(len(prompt), -1, before.shape[-1]).mean(axis=1, keepdims=True)
    now = all_features(cut_windows(x, n), sampling_rate).reshape(len(x), -1, before.shape[-1])
    return (now - mean).reshape(-1, before.shape[-1])


def relative_covariances(prompt: np.ndarray, x: np.ndarray, sampling_rate: float) -> np.ndarray:
    """Tangent vectors of the windows of continuations at the covariance of their prompt, see `log_covariance`.

    Args:
        prompt: Prompts `(items, channels, times)` in microvolts.
        x: Continuations `(items, channels, times')` in microvolts.
        sampling_rate: Sampling rate in Hz.

    Returns:
        `(items * windows, features)`: a block for each of `COVARIANCE_BANDS`; zero where prompt and window agree.
    """
    from pyriemann.geometry.tangentspace import tangent_space

    blocks = []
    for low, high in COVARIANCE_BANDS:
        before = window_covariances(prompt, low, high, sampling_rate, prompt.shape[-1] / sampling_rate)
        now = window_covariances(x, low, high, sampling_rate)
        now = now.reshape(len(x), -1, *now.shape[1:])
        blocks.append(np.concatenate([tangent_space(own, centre) for own, centre in zip(now, before, strict=True)]))
    return np.concatenate(blocks, axis=-1)
