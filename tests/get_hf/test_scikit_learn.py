# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""`check_estimator` of scikit-learn on `GETClassifier`.

Its checks give tables. So the classifier that is checked reads a table as EEG, a column as the log amplitude of a
channel, after scikit-learn's validation and before all else; everything but this reading is the real thing.
"""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from get_hf import GETClassifier

NAMES, RATE, N_TIMES = ["C3", "C4", "Fz", "Pz"], 100.0, 50
TOGETHER = "epochs are calibrated on those beside them, so a prediction depends on which are predicted together"
EXPECTED = {
    "check_methods_subset_invariance": TOGETHER,
    "check_methods_sample_order_invariance": TOGETHER,
}


class OfTables(GETClassifier):
    """Reads tables `(n_epochs, n_columns)` as EEG `(n_epochs, 4, 50)` in microvolts."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.three_d_array = True, False
        return tags

    def _three_axes(self, x: np.ndarray) -> np.ndarray:
        columns = np.clip(x.reshape(len(x), -1), -2, 2)
        columns = columns[:, np.arange(len(NAMES)) % columns.shape[1]]
        noise = np.random.default_rng(0).standard_normal((len(NAMES), N_TIMES))
        return 10 * np.exp(0.5 * columns)[..., None] * noise


@pytest.fixture(autouse=True)
def _checkpoint(tiny_checkpoint, monkeypatch):
    # parameters are given when tests are collected, before there is a checkpoint
    monkeypatch.setattr("get_hf.estimator_base.CHECKPOINT", tiny_checkpoint)


def test_few_failures_are_expected():
    assert len(EXPECTED) <= 10


@parametrize_with_checks(
    [OfTables(sampling_rate=RATE, ch_names=NAMES, unit="uV", strength=1.0)],
    expected_failed_checks=lambda estimator: EXPECTED,
)
def test_scikit_learn(estimator, check):
    check(estimator)
