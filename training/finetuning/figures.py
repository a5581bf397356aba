# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Computes the accuracy and related measures of a classifier for each person, and averages them over people."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score, roc_auc_score

#: Number of bootstrap resamples of people for each interval.
N_BOOTSTRAP = 2000


def figures(probabilities: np.ndarray, labels: np.ndarray, subjects: np.ndarray, seed: int = 0) -> dict:
    """Computes the accuracy and related measures of a classifier.

    Args:
        probabilities: Predicted probabilities `(windows, classes)`.
        labels: Class of each window, `(windows,)`.
        subjects: Person of each window, `(windows,)`.
        seed: Seed of the bootstrap.

    Returns:
        Dictionary with these keys: `accuracy`, `balanced_accuracy`, `kappa` and `auc` are means over people (except
        for `accuracy`, only over people with windows of each class). `interval` is the 95 % interval of the accuracy
        by a bootstrap over people. `by_person` is the accuracy of each person. `n_windows` is the number of windows.
    """
    predicted, n_classes = probabilities.argmax(1), probabilities.shape[1]
    rows: dict[str, list[float]] = {"accuracy": [], "balanced_accuracy": [], "kappa": [], "auc": []}
    by_person = {}
    for person in np.unique(subjects):
        own = subjects == person
        accuracy = float((predicted[own] == labels[own]).mean())
        by_person[str(person)] = accuracy
        rows["accuracy"].append(accuracy)
        if len(np.unique(labels[own])) == n_classes:
            rows["balanced_accuracy"].append(balanced_accuracy_score(labels[own], predicted[own]))
            rows["kappa"].append(cohen_kappa_score(labels[own], predicted[own]))
            scores = probabilities[own, 1] if n_classes == 2 else probabilities[own]
            rows["auc"].append(roc_auc_score(labels[own], scores, multi_class="ovr"))
    means = {name: float(np.mean(values)) if values else float("nan") for name, values in rows.items()}
    return means | {
        "interval": interval(list(by_person.values()), seed),
        "by_person": by_person,
        "n_windows": len(labels),
    }


def interval(values: list[float], seed: int = 0) -> list[float]:
    """Computes the 95 % interval of the mean over people by a bootstrap; `values` has one value per person."""
    rng = np.random.default_rng(seed)
    means = rng.choice(values, (N_BOOTSTRAP, len(values))).mean(1)
    return [float(bound) for bound in np.quantile(means, [0.025, 0.975])]


def in_words(found: Mapping[str, Any]) -> str:
    """Returns a text with one line for each split, which states its accuracy, interval and number of people."""
    lines = []
    for part, own in found.items():
        if part != "folds":
            low, high = own["interval"]
            lines.append(
                f"{part}: accuracy {own['accuracy']:.3f} [{low:.3f}, {high:.3f}] over {len(own['by_person'])} people"
            )
    return "\n".join(lines)
