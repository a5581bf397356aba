# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Figures of a classifier: computed for each person, then averaged over people."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score, roc_auc_score

#: Resamples of people for each interval.
N_BOOTSTRAP = 2000


def figures(probabilities: np.ndarray, labels: np.ndarray, subjects: np.ndarray, seed: int = 0) -> dict:
    """Accuracy and related figures.

    Args:
        probabilities: `(windows, classes)`.
        labels: Class of each window, `(windows,)`.
        subjects: Person of each window, `(windows,)`.
        seed: Seed of the bootstrap.

    Returns:
        `accuracy`, `balanced_accuracy`, `kappa` and `auc`: means over people (`auc` and `kappa` over people with
        windows of each class); `interval`: 95 % interval of the accuracy, a bootstrap over people; `by_person`:
        accuracy of each person; `n_windows`.
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
    """95 % interval of the mean of people's values, by a bootstrap over people."""
    rng = np.random.default_rng(seed)
    means = rng.choice(values, (N_BOOTSTRAP, len(values))).mean(1)
    return [float(bound) for bound in np.quantile(means, [0.025, 0.975])]


def in_words(found: Mapping[str, Any]) -> str:
    """Figures of each split, one line each."""
    lines = []
    for part, own in found.items():
        if part != "folds":
            low, high = own["interval"]
            lines.append(
                f"{part}: accuracy {own['accuracy']:.3f} [{low:.3f}, {high:.3f}] over {len(own['by_person'])} people"
            )
    return "\n".join(lines)
