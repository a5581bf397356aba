# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Can a classifier tell generated EEG from real EEG? The classifier two-sample test on families of features.

A classifier is trained on windows of some subjects and judged on windows of others (Lopez-Paz and Oquab,
"Revisiting classifier two-sample tests", ICLR 2017). An area under the ROC curve (AUC) of 0.5 means that it finds no
difference that holds across people. Classifiers on one family of features show WHAT differs. A small convolutional
network sees the signal itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from get_hf.training.evaluation.descriptors import FAMILIES, cut_windows, window_features
from get_hf.training.evaluation.table import Rows

#: By name of the row: features of the classifier ("windows" are the raw signal), and its kind.
CLASSIFIERS = {
    "AUC everything, logistic": ("everything", "logistic"),
    "AUC everything, boosting": ("everything", "boosting"),
    "AUC convolutional net": ("windows", "convolutional"),
}
ROC_GRID = np.linspace(0, 1, 41)  # false positive rates at which curves are stored


def _classifier(name: str, seed: int):
    """An untrained classifier with `fit` and `predict_proba`."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if name == "logistic":
        return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))
    if name == "boosting":
        return HistGradientBoostingClassifier(
            max_iter=60, learning_rate=0.15, max_leaf_nodes=15, l2_regularization=1.0, early_stopping=False,
            random_state=seed, max_bins=63,
        )  # fmt: skip
    if name == "convolutional":
        from get_hf.training.evaluation.convolutional import ConvolutionalClassifier

        return ConvolutionalClassifier(seed=seed)
    raise ValueError(f"Unknown classifier {name!r}: choose 'logistic', 'boosting' or 'convolutional'.")


def held_out_scores(
    real: np.ndarray, generated: np.ndarray, subjects: np.ndarray, classifier: str = "logistic", seed: int = 0
) -> dict[object, tuple[np.ndarray, np.ndarray]]:
    """Scores of a classifier of generated against real windows, on subjects that it was not trained on.

    Args:
        real: Features of real windows, `(windows, features)`; for "convolutional" the windows themselves,
            `(windows, channels, times)` in microvolts.
        generated: The same for generated windows, as many.
        subjects: Subject of each real window, and of the prompt of the generated window with the same index,
            `(windows,)`.
        classifier: "logistic" (standardised, L2), "boosting" (histogram gradient boosting) or "convolutional".
        seed: Seed of the boosting and the network.

    Returns:
        Scores of each subject's real and generated windows, higher for generated. They come from the fold of the
        cross-validation that held the subject out. There are five folds, or three for the network, which is slowest.

    Raises:
        ValueError: There are fewer than two subjects, or the classifier is unknown.
    """
    from sklearn.model_selection import GroupKFold
    from threadpoolctl import threadpool_limits

    model = _classifier(classifier, seed)
    x = np.concatenate([real, generated])
    is_generated = np.repeat([False, True], [len(real), len(generated)])
    groups = np.tile(np.asarray(subjects), 2)
    names = np.unique(groups)
    if len(names) < 2:
        raise ValueError(
            "The two-sample test trains on some subjects and tests on others, but got only "
            f"{names.tolist()}: give windows of at least two subjects."
        )
    n_folds = min(3 if classifier == "convolutional" else 5, len(names))
    scores = {}
    for train, test in GroupKFold(n_folds).split(x, is_generated, groups):
        # trees are so small that one thread is faster than several that wait for each other
        with threadpool_limits(1):
            score = model.fit(x[train], is_generated[train]).predict_proba(x[test])[:, 1]
        for subject in np.unique(groups[test]):
            own = groups[test] == subject
            scores[subject] = (score[own & ~is_generated[test]], score[own & is_generated[test]])
    return scores


def two_sample_auc(scores: dict[object, tuple[np.ndarray, np.ndarray]]) -> dict[object, float]:
    """The AUC within each subject, on which differences between people have no influence.

    Args:
        scores: Result of `held_out_scores`.
    """
    from sklearn.metrics import roc_auc_score

    return {
        subject: float(roc_auc_score(np.repeat([0, 1], [len(real), len(fake)]), np.concatenate([real, fake])))
        for subject, (real, fake) in scores.items()
    }


def two_sample_curve(scores: dict[object, tuple[np.ndarray, np.ndarray]]) -> list[float]:
    """The ROC curve, averaged over subjects: true positive rates at the false positive rates of `ROC_GRID`.

    Args:
        scores: Result of `held_out_scores`.
    """
    from sklearn.metrics import roc_curve

    curves = []
    for real, fake in scores.values():
        false, true, _ = roc_curve(np.repeat([0, 1], [len(real), len(fake)]), np.concatenate([real, fake]))
        curves.append(np.interp(ROC_GRID, false, true))
    return np.mean(curves, axis=0).round(4).tolist()


def add_auc(
    rows: Rows,
    group: str,
    name: str,
    real: np.ndarray,
    generated: np.ndarray,
    classifier: str,
    seed: int = 0,
    with_curve: bool = False,
) -> None:
    """Adds the AUC of a classifier of windows, on people that it was not trained on.

    With a single person, folds are recordings of this person, see `Rows.groups`.

    Args:
        rows: Table that gets the row.
        group: Group of the row.
        name: Name of the row.
        real: Features of real windows, the same number for each item, `(items * windows, ...)`.
        generated: The same for generated windows.
        classifier: See `held_out_scores`.
        seed: Seed of the boosting and the network.
        with_curve: Whether the row also has the ROC curve.
    """
    owner = np.repeat(rows.groups, len(real) // len(rows.groups))
    scores = held_out_scores(real, generated, owner, classifier, seed)
    auc = two_sample_auc(scores)
    of_person = {
        subject: np.mean([auc[each] for each in np.unique(rows.groups[items])])
        for subject, items in rows.members.items()
    }
    more = {"curve": two_sample_curve(scores)} if with_curve else {}
    rows.add(group, name, "AUC", ("at most", 0.6), lambda sample, _: np.mean([of_person[s] for s in sample]), **more)


def all_features(windows: np.ndarray, sampling_rate: float) -> np.ndarray:
    """Features of all `FAMILIES` of windows `(windows, channels, times)` in microvolts, `(windows, features)`."""
    features = window_features(windows, sampling_rate)
    return np.concatenate([features[family] for family in FAMILIES], axis=1)


def two_sample_rows(
    rows: Rows,
    real: np.ndarray,
    generated: np.ndarray,
    sampling_rate: float,
    classifiers: Sequence[str] = ("logistic", "boosting", "convolutional"),
    seed: int = 0,
) -> None:
    """Adds the AUC of each family of features (logistic), then the AUC and curve of each of `CLASSIFIERS`.

    Args:
        rows: Table that gets the rows.
        real: Real continuations, `(items, channels, times)` in microvolts.
        generated: Generated continuations, of the same shape.
        sampling_rate: Sampling rate in Hz.
        classifiers: Classifiers to train, among the three.
        seed: Seed of the boosting and the network.
    """
    n = int(2 * sampling_rate)
    windows = [cut_windows(x, n) for x in (real, generated)]
    a, b = ({**window_features(w, sampling_rate), "windows": w} for w in windows)
    for features in (a, b):
        features["everything"] = np.concatenate([features[family] for family in FAMILIES], axis=1)
    jobs = {f"AUC {family}": (family, "logistic") for family in FAMILIES} | CLASSIFIERS
    for name, (seen, classifier) in jobs.items():
        if classifier in classifiers and a[seen].shape[1]:  # a single channel correlates with none
            add_auc(rows, "two-sample", name, a[seen], b[seen], classifier, seed, with_curve=name in CLASSIFIERS)
