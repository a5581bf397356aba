# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from get_hf.training.evaluation.convolutional import ConvolutionalClassifier
from get_hf.training.evaluation.rows.two_sample import held_out_scores, two_sample_auc
from synthetic import synthetic_eeg

N_WINDOWS = 60


def windows(seed: int) -> np.ndarray:
    x = 1e6 * synthetic_eeg(2.0 * N_WINDOWS, 100.0, 4, seed)
    return x.reshape(4, N_WINDOWS, 200).transpose(1, 0, 2)


@pytest.fixture(scope="module")
def real():
    return np.concatenate([windows(seed) for seed in range(3)])


SUBJECTS = np.repeat(np.arange(3), N_WINDOWS)


def auc(real, made) -> float:
    scores = held_out_scores(real, made, SUBJECTS, "convolutional")
    assert set(scores) == {0, 1, 2}
    return np.mean(list(two_sample_auc(scores).values()))


def test_samples_of_the_same_process_cannot_be_separated(real):
    other = np.concatenate([windows(seed) for seed in range(10, 13)])
    assert auc(real, other) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x + 5 * np.random.default_rng(0).standard_normal(x.shape),
        lambda x: x[:, [1, 0, 2, 3]] * np.array([1, 1, 1, 1.6])[:, None],
        lambda x: np.sign(x) * np.abs(x) ** 0.6 * x.std() ** 0.4,
        lambda x: 0 * x,
    ],
    ids=["hiss", "channels", "no peaks", "constant"],
)
def test_it_detects_a_changed_signal(real, change):
    other = np.concatenate([windows(seed) for seed in range(10, 13)])
    assert auc(real, change(other)) > 0.9


def test_the_same_seed_gives_the_same_scores_and_leaves_torchs_own_alone(real):
    y = np.arange(len(real)) % 2
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, again, other = (
        ConvolutionalClassifier(n_epochs=1, seed=seed).fit(real, y).predict_proba(real) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3
    np.testing.assert_allclose(first.sum(axis=1), 1)
    torch.testing.assert_close(torch.get_rng_state(), before)


def test_the_classifier_does_not_depend_on_the_unit(real):
    y = (np.arange(len(real)) % 2).astype(bool)
    made = np.where(y[:, None, None], real[:, ::-1], real)
    scores = [
        ConvolutionalClassifier(n_epochs=6).fit(unit * made, y).predict_proba(unit * made)[:, 1] for unit in (1, 1000)
    ]
    assert roc_auc_score(y, scores[0]) > 0.9
    np.testing.assert_allclose(*scores, atol=1e-2)
