# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Train on generated EEG, test on real EEG: does a decoder learn the same as from real EEG?

Esteban et al., "Real-valued (medical) time series generation with recurrent conditional GANs", 2017 (TSTR).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import linalg


def transfer_accuracy(
    decoder: Callable, generated: np.ndarray, real: np.ndarray, labels: np.ndarray, subjects: np.ndarray
) -> np.ndarray:
    """Tests a decoder, trained on generated trials, on real trials of other people.

    Args:
        decoder: Function that returns an untrained scikit-learn classifier.
        generated: Training trials `(trials, ...)`, generated for the labels from prompts of the subjects.
        real: Test trials `(trials, ...)`.
        labels: Labels of both, `(trials,)`.
        subjects: Subjects of both, `(trials,)`; training and test trials never share a subject.

    Returns:
        `(trials,)`: 1 where the decoder was right, 0 where it was wrong; NaN where the training trials had fewer than
        two labels, or fewer than two trials of a label.
    """
    from sklearn.model_selection import GroupKFold

    correct = np.full(len(real), np.nan)
    n_folds = min(5, len(np.unique(subjects)))
    if n_folds < 2:
        return correct
    for train, test in GroupKFold(n_folds).split(real, labels, subjects):
        counts = np.unique(labels[train], return_counts=True)[1]
        if len(counts) > 1 and counts.min() > 1:
            correct[test] = decoder().fit(generated[train], labels[train]).predict(real[test]) == labels[test]
    return correct


def band_power_decoder():
    """Shrinkage linear discriminant analysis of standardised features, such as log band power `(trials, features)`."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"))


class CommonSpatialPatterns:
    """Linear discriminants of log variances along the directions in which two classes differ most in variance.

    Blankertz et al., "Optimizing spatial filters for robust EEG single-trial analysis", IEEE Signal Processing
    Magazine 25, 2008. The input is covariances, `(trials, channels, channels)`.

    Args:
        n_filters: Number of filters from each end of the spectrum of eigenvalues.
    """

    def __init__(self, n_filters: int = 3):
        self.n_filters = n_filters

    def fit(self, covariances: np.ndarray, labels: np.ndarray) -> CommonSpatialPatterns:
        """Trains on trials of two classes; `labels` are `(trials,)`."""
        share = covariances / (np.trace(covariances, axis1=1, axis2=2)[:, None, None] + 1e-6)
        first, second = (share[labels == label].mean(axis=0) for label in np.unique(labels))
        total = first + second
        # for flat channels, which have no variance
        ridge = (1e-3 * np.trace(total) / len(total) + 1e-6) * np.eye(len(total))
        _, vectors = linalg.eigh(first + ridge, total + 2 * ridge)
        n = min(self.n_filters, len(total) // 2)
        self.filters = np.concatenate([vectors[:, :n], vectors[:, -n:]], axis=1)
        self.classifier = band_power_decoder().fit(self._features(covariances), labels)
        return self

    def predict(self, covariances: np.ndarray) -> np.ndarray:
        """Predicts the label of each trial."""
        return self.classifier.predict(self._features(covariances))

    def _features(self, covariances: np.ndarray) -> np.ndarray:
        return np.log(np.einsum("cf,ncd,df->nf", self.filters, covariances, self.filters) + 1e-6)


def aligned(covariances: np.ndarray, subjects: np.ndarray) -> np.ndarray:
    """Whitens covariances by each person's mean; without this step few patterns hold across people.

    He and Wu, "Transfer learning for brain-computer interfaces: a Euclidean space data alignment approach", IEEE
    Trans. Biomed. Eng. 67, 2020.

    Args:
        covariances: Covariances `(trials, channels, channels)`.
        subjects: Subject of each trial, `(trials,)`.
    """
    out = np.empty_like(covariances)
    for subject in np.unique(subjects):
        own = subjects == subject
        mean = covariances[own].mean(axis=0)
        values, vectors = np.linalg.eigh(mean + (1e-3 * np.trace(mean) / len(mean) + 1e-6) * np.eye(len(mean)))
        root = (vectors / np.sqrt(values)) @ vectors.T
        out[own] = root @ covariances[own] @ root
    return out
