# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from get_hf.training.evaluation.rows.only_report.log_covariance import log_covariance_features, log_covariance_row
from get_hf.training.evaluation.table import Rows

RATE, SUBJECTS = 100.0, np.repeat(np.arange(6), 4)


def recordings(mixing: np.ndarray, seed: int) -> np.ndarray:
    """`(24, 3, 1200)` microvolts of noise, mixed across channels in a way of each of six people."""
    rng = np.random.default_rng(seed)
    people = np.random.default_rng(9).normal(0, 0.3, (6, 3, 3)) + np.eye(3)
    return 20 * people[SUBJECTS] @ mixing @ rng.standard_normal((24, 3, 1200))


def auc(real: np.ndarray, generated: np.ndarray) -> float:
    rows = Rows(SUBJECTS, n_bootstrap=20)
    log_covariance_row(rows, real, generated, RATE)
    return rows.table["AUC log covariance"]["value"]


def test_recordings_of_the_same_covariance_cannot_be_separated():
    assert auc(recordings(np.eye(3), 0), recordings(np.eye(3), 1)) == pytest.approx(0.5, abs=0.12)


def test_a_weak_change_of_covariance_is_detected_in_every_person():
    mixing = np.array([[1.0, 0.25, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert auc(recordings(np.eye(3), 0), recordings(mixing, 1)) > 0.8


def test_a_small_direction_counts_as_much_as_a_large_one():
    """A copied channel with a little noise of its own, which a correlation hardly notices."""
    nearly, noisier = (np.array([[1.0, 0, 0], [1.0, share, 0], [0, 0, 1.0]]) for share in (0.2, 0.3))
    assert auc(recordings(nearly, 0), recordings(noisier, 1)) > 0.8


def test_features_are_of_three_bands_and_centred_within_each_person():
    features = log_covariance_features(*(recordings(np.eye(3), seed) for seed in (0, 1)), SUBJECTS, RATE)
    assert [each.shape for each in features] == [(72, 18)] * 2
    both = np.concatenate(features)
    owner = np.tile(np.repeat(SUBJECTS, 3), 2)
    for person in range(6):
        np.testing.assert_allclose(both[owner == person].mean(axis=0), 0, atol=1e-4)


def test_a_flat_channel_and_a_short_recording_have_features():
    x = recordings(np.eye(3), 0)[..., :300]
    x[:, 0] = 0.0
    assert np.isfinite(log_covariance_features(x, x, SUBJECTS, RATE)[0]).all()
