# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Accuracy of trials and windows, by person."""

import numpy as np
import pytest

from get_hf.training.finetuning.figures import figures, in_words, trial_numbers


def test_accuracy_is_averaged_over_people():
    labels, subjects = np.array([0, 1, 0, 1, 0, 1]), np.array(["a"] * 4 + ["b"] * 2)
    right = np.eye(2)[[0, 1, 0, 1, 1, 0]]
    found = figures(right, labels, subjects)
    assert found["accuracy"] == found["window_accuracy"] == 0.5
    assert found["by_person"] == {"a": 1.0, "b": 0.0}
    assert found["auc"] == 0.5
    assert found["kappa"] == 0.0
    assert (found["n_trials"], found["n_windows"]) == (6, 6)
    assert "accuracy 0.500" in in_words({"test": found})


def test_windows_of_a_trial_vote_by_their_mean_probability():
    # the trial of class 0 has two of three windows on the wrong side of one half, and the right mean
    right = np.array([0.9, 0.45, 0.45, 0.1, 0.2, 0.3])
    probabilities = np.stack([right, 1 - right], axis=1)
    labels, subjects = np.array([0, 0, 0, 1, 1, 1]), np.array(["a"] * 6)
    found = figures(probabilities, labels, subjects, np.array([7, 7, 7, 2, 2, 2]))
    assert (found["accuracy"], found["balanced_accuracy"], found["auc"]) == (1.0, 1.0, 1.0)
    assert found["window_accuracy"] == pytest.approx(4 / 6)
    assert (found["n_trials"], found["n_windows"]) == (2, 6)
    assert "1.000 [1.000, 1.000] of trials over 1 people, 0.667 of single windows" in in_words({"test": found})


def test_people_count_equally_whatever_their_number_of_windows():
    labels, subjects = np.zeros(5, int), np.array(["a"] * 4 + ["b"])
    found = figures(np.eye(2)[[0, 0, 0, 0, 1]], labels, subjects, np.array([0, 0, 1, 1, 2]))
    assert found["accuracy"] == found["window_accuracy"] == 0.5
    assert found["n_trials"] == 3


def test_trials_of_two_sessions_or_people_are_not_mixed():
    columns = {"subject": ["a", "a", "a", "b"], "session": ["1", "2", "1", "1"], "trial": [3, 3, 3, 3]}
    assert trial_numbers(columns).tolist() == [0, 1, 0, 2]
    with pytest.raises(ValueError, match="number the trials apart"):
        figures(np.eye(2), np.array([0, 1]), np.array(["a", "a"]), np.array([0, 0]))
