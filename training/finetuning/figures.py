# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Computes the accuracy and related measures of a classifier for each person, and averages them over people.

A trial with several windows is judged by their vote, as `pipeline("eeg-classification")` judges a recording: the class
with the highest mean probability.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score, roc_auc_score

#: Number of bootstrap resamples of people for each interval.
N_BOOTSTRAP = 2000


def figures(
    probabilities: np.ndarray,
    labels: np.ndarray,
    subjects: np.ndarray,
    trials: np.ndarray | None = None,
    seed: int = 0,
) -> dict:
    """Computes the accuracy and related measures of a classifier.

    Args:
        probabilities: Predicted probabilities `(windows, classes)`.
        labels: Class of each window, `(windows,)`.
        subjects: Person of each window, `(windows,)`.
        trials: Number of the trial of each window, `(windows,)`, see `trial_numbers`. None: each window is a trial.
        seed: Seed of the bootstrap.

    Returns:
        Dictionary with these keys: `accuracy`, `balanced_accuracy`, `kappa` and `auc` of the trials' votes are means
        over people (except for `accuracy`, only over people with trials of each class). `interval` is the 95 %
        interval of the accuracy by a bootstrap over people. `by_person` is the accuracy of each person.
        `window_accuracy` is the accuracy of single windows, averaged over people too. `n_trials` and `n_windows` are
        the numbers of trials and windows.

    Raises:
        ValueError: Windows of one trial differ in their class or person.
    """
    windows = _accuracies(probabilities, labels, subjects)
    n_windows, n_classes = probabilities.shape
    if trials is not None:
        _, first, number = np.unique(trials, return_index=True, return_inverse=True)
        for values in (labels, subjects):
            if (values != values[first][number]).any():
                raise ValueError("windows of one trial differ in their class or person: number the trials apart.")
        probabilities, labels, subjects = mean_of_trials(probabilities, trials), labels[first], subjects[first]
    by_person = _accuracies(probabilities, labels, subjects)
    rows: dict[str, list[float]] = {"balanced_accuracy": [], "kappa": [], "auc": []}
    predicted = probabilities.argmax(1)
    for person in np.unique(subjects):
        own = subjects == person
        if len(np.unique(labels[own])) == n_classes:
            rows["balanced_accuracy"].append(balanced_accuracy_score(labels[own], predicted[own]))
            rows["kappa"].append(cohen_kappa_score(labels[own], predicted[own]))
            scores = probabilities[own, 1] if n_classes == 2 else probabilities[own]
            rows["auc"].append(roc_auc_score(labels[own], scores, multi_class="ovr"))
    accuracy = {"accuracy": float(np.mean(list(by_person.values())))}
    means = {name: float(np.mean(values)) if values else float("nan") for name, values in rows.items()}
    return (
        accuracy
        | means
        | {
            "interval": interval(list(by_person.values()), seed),
            "by_person": by_person,
            "window_accuracy": float(np.mean(list(windows.values()))),
            "n_trials": len(labels),
            "n_windows": n_windows,
        }
    )


def trial_numbers(columns: Mapping[str, Sequence]) -> np.ndarray:
    """Numbers the trials of windows, `(windows,)`; the columns `subject`, `session` and `trial` identify a trial."""
    numbers: dict[tuple, int] = {}
    keys = zip(*(columns[name] for name in ("subject", "session", "trial")), strict=True)
    return np.array([numbers.setdefault(tuple(map(str, key)), len(numbers)) for key in keys], int)


def mean_of_trials(probabilities: np.ndarray, trials: np.ndarray) -> np.ndarray:
    """Returns the mean probabilities of the windows of each trial, `(trials, classes)`, ordered by their numbers."""
    _, number, counts = np.unique(trials, return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), probabilities.shape[1]))
    np.add.at(sums, number, probabilities)
    return sums / counts[:, None]


def _accuracies(probabilities: np.ndarray, labels: np.ndarray, subjects: np.ndarray) -> dict[str, float]:
    """Returns the accuracy of each person."""
    hits = probabilities.argmax(1) == labels
    return {str(person): float(hits[subjects == person].mean()) for person in np.unique(subjects)}


def interval(values: list[float], seed: int = 0) -> list[float]:
    """Computes the 95 % interval of the mean over people by a bootstrap; `values` has one value per person."""
    rng = np.random.default_rng(seed)
    means = rng.choice(values, (N_BOOTSTRAP, len(values))).mean(1)
    return [float(bound) for bound in np.quantile(means, [0.025, 0.975])]


def in_words(found: Mapping[str, Any]) -> str:
    """Returns a text with one line for each split, which states its accuracies, interval and number of people."""
    lines = []
    for part, own in found.items():
        if part != "folds":
            low, high = own["interval"]
            lines.append(
                f"{part}: accuracy {own['accuracy']:.3f} [{low:.3f}, {high:.3f}] of trials over "
                f"{len(own['by_person'])} people, {own['window_accuracy']:.3f} of single windows"
            )
    return "\n".join(lines)
