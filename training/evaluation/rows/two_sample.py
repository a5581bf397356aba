# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Can a classifier tell generated EEG from real EEG? The classifier two-sample test on families of features.

A classifier is trained on windows of some subjects and judged on windows of others (Lopez-Paz and Oquab,
"Revisiting classifier two-sample tests", ICLR 2017): an area under the ROC curve (AUC) of 0.5 means that it
finds nothing that separates the two sets and holds across people. One family of features at a time says WHAT
gives the generator away; a small convolutional network looks at the signal itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from get_hf.training.evaluation.descriptors import FAMILIES, cut_windows, window_features
from get_hf.training.evaluation.table import Rows

#: By the name of its row, what each classifier is shown ("windows" are the raw signal) and which it is.
CLASSIFIERS = {
    "AUC everything, logistic": ("everything", "logistic"),
    "AUC everything, boosting": ("everything", "boosting"),
    "AUC convolutional net": ("windows", "convolutional"),
}
ROC_GRID = np.linspace(0, 1, 41)  # rates of false positives that curves are kept at


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
    """What a classifier told to separate generated from real windows says of subjects it was not trained on.

    Args:
        real: What it sees of real windows: features `(windows, features)`, or, for "convolutional", the windows
            `(windows, channels, times)` in microvolts.
        generated: The same of generated windows, as many.
        subjects: Whose each real window is, and whose prompt the generated one of that number continues,
            `(windows,)`.
        classifier: "logistic" (standardised, L2), "boosting" (histogram gradient boosting) or "convolutional".
        seed: Of the boosting and the network.

    Returns:
        Scores of the real and of the generated windows of each subject, higher for generated, from the fold of the
        cross-validation that held the subject out: of five folds, for the network, which takes longest, of three.

    Raises:
        ValueError: Fewer than two subjects, or an unknown classifier.
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
            "The two-sample test trains on some subjects and judges on others, but got only "
            f"{names.tolist()}: give windows of at least two subjects."
        )
    n_folds = min(3 if classifier == "convolutional" else 5, len(names))
    scores = {}
    for train, test in GroupKFold(n_folds).split(x, is_generated, groups):
        # so little work per tree is slower on threads that wait for each other than on one
        with threadpool_limits(1):
            score = model.fit(x[train], is_generated[train]).predict_proba(x[test])[:, 1]
        for subject in np.unique(groups[test]):
            own = groups[test] == subject
            scores[subject] = (score[own & ~is_generated[test]], score[own & is_generated[test]])
    return scores


def two_sample_auc(scores: dict[object, tuple[np.ndarray, np.ndarray]]) -> dict[object, float]:
    """The AUC within each subject: within, so that differences between people neither help nor hide.

    Args:
        scores: From `held_out_scores`.
    """
    from sklearn.metrics import roc_auc_score

    return {
        subject: float(roc_auc_score(np.repeat([0, 1], [len(real), len(fake)]), np.concatenate([real, fake])))
        for subject, (real, fake) in scores.items()
    }


def two_sample_curve(scores: dict[object, tuple[np.ndarray, np.ndarray]]) -> list[float]:
    """The ROC curve, averaged over subjects: shares of generated windows found at the false alarms of `ROC_GRID`.

    Args:
        scores: From `held_out_scores`.
    """
    from sklearn.metrics import roc_curve

    curves = []
    for real, fake in scores.values():
        false, true, _ = roc_curve(np.repeat([0, 1], [len(real), len(fake)]), np.concatenate([real, fake]))
        curves.append(np.interp(ROC_GRID, false, true))
    return np.mean(curves, axis=0).round(4).tolist()


def two_sample_rows(
    rows: Rows,
    real: np.ndarray,
    generated: np.ndarray,
    sampling_rate: float,
    classifiers: Sequence[str] = ("logistic", "boosting", "convolutional"),
    seed: int = 0,
) -> None:
    """Adds the AUC of each family of features (logistic), then of each classifier on all there is, with its curve.

    Args:
        rows: Where to.
        real: Real continuations, `(items, channels, times)` in microvolts.
        generated: Generated ones, of the same shape.
        sampling_rate: In Hz.
        classifiers: Which of the three.
        seed: Of boosting and network.
    """
    n = int(2 * sampling_rate)
    windows = [cut_windows(x, n) for x in (real, generated)]
    owner = np.repeat(rows.subjects, len(windows[0]) // len(rows.subjects))
    a, b = ({**window_features(w, sampling_rate), "windows": w} for w in windows)
    for features in (a, b):
        features["everything"] = np.concatenate([features[family] for family in FAMILIES], axis=1)
    jobs = {f"AUC {family}": (family, "logistic") for family in FAMILIES} | CLASSIFIERS
    for name, (seen, classifier) in jobs.items():
        if classifier in classifiers:
            scores = held_out_scores(a[seen], b[seen], owner, classifier, seed)
            auc = two_sample_auc(scores)
            more = {"curve": two_sample_curve(scores)} if name in CLASSIFIERS else {}
            rows.add(
                "two-sample", name, "AUC", ("at most", 0.6),
                lambda sample, _, auc=auc: np.mean([auc[s] for s in sample]), **more,
            )  # fmt: skip
