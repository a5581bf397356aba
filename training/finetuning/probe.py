# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Fits a linear probe: the last layer of a classifier becomes a logistic regression on the features of its backbone.

If fine-tuning starts from a random last layer, its first steps disturb the pretrained weights. If it starts from a
linear probe, the weights are disturbed less (Kumar et al., ICLR 2022).

A probe alone needs few labels:

    features = window_features(model, extractor(recordings), 16)         # windows of 4 s
    labels = np.repeat(label_of_recording, features.shape[1])
    fit_linear(model, standardise(model, features.flatten(0, 1)), labels, balanced=True)

The result is causal: `model.classifier(model.embed(**features, window=16))` has the logits of the window that ends
with each patch.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, StratifiedKFold

#: Deviation below which a feature counts as constant.
LEAST_DEVIATION = 1e-3
#: Strengths that cross-validation chooses from, and the strength where there are too few windows to choose.
STRENGTHS, USUAL_STRENGTH = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1), 1e-3
#: Strength of `adapt_linear`: of four tenfold steps the best for the classifier of fists on 10, 20 and 40 trials of
#: the validation people of EEGMMIDB.
ADAPTATION_STRENGTH = 5e-5
#: Most folds of the cross-validation.
MOST_FOLDS = 5


@torch.no_grad()
def window_features(model: Any, features: Any, window: int) -> torch.Tensor:
    """Computes the features of causal windows that follow one another without overlap.

    Args:
        model: `GETForSequenceClassification`.
        features: Output of the feature extractor; all items have the same length.
        window: Length of a window in patches.

    Returns:
        `(batch, windows, n_features)`. The last window ends with the recording. A shorter recording is one window.
    """
    n_patches = features["input_values"].shape[-1] // model.config.patch_size - 1  # without the start patch
    size = min(window, n_patches)
    ends = [n_patches - size * index for index in range(n_patches // size)][::-1]
    return model.embed(**features, window=size)[:, ends]


def standardise(model: Any, features: torch.Tensor) -> torch.Tensor:
    """Sets mean and deviation of a classifier's features in the classifier, and returns the standardised features.

    Args:
        model: `GETForSequenceClassification` that computed the features.
        features: Features `(windows, n_features)`, as `model.embed` returns them.
    """
    pooling = model.pooling
    features = features.float() * pooling.deviation + pooling.mean  # as before any standardisation
    mean, deviation = features.mean(0), features.std(0, correction=0)
    # features that are constant in one session, such as its calibration, differ from session to session: divided by
    # their tiny deviation they would decide everything elsewhere
    deviation = torch.where(deviation < LEAST_DEVIATION, 1.0, deviation)
    pooling.mean.copy_(mean)
    pooling.deviation.copy_(deviation)
    return (features - mean) / deviation


@torch.no_grad()
def fit_linear(
    model: Any,
    features: torch.Tensor,
    labels: np.ndarray,
    strength: float = USUAL_STRENGTH,
    balanced: bool = False,
) -> None:
    """Fits a logistic regression to a classifier's features, and copies its weights to the classifier's linear layer.

    Args:
        model: `GETForSequenceClassification`, which is changed in place.
        features: Standardised features `(windows, n_features)`, see `standardise`.
        labels: Class of each window, `(windows,)`; each class must occur.
        strength: Inverse strength of the regularisation, `C` of scikit-learn.
        balanced: Whether all classes have the same total weight, whatever their number of windows.

    Raises:
        ValueError: A class has no window.
    """
    missing = sorted(set(range(model.config.num_labels)) - set(np.unique(labels).tolist()))
    if missing:
        names = ", ".join(model.config.id2label[label] for label in missing)
        raise ValueError(f"There is no training window of class {names}.")
    points, basis = _in_their_span(features)
    weight = "balanced" if balanced else None
    regression = LogisticRegression(C=strength, max_iter=1000, class_weight=weight).fit(points, labels)
    weights, bias = regression.coef_ @ basis, regression.intercept_
    if len(weights) == 1:  # scikit-learn has one row for two classes
        weights, bias = np.concatenate([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    model.classifier.weight.copy_(torch.from_numpy(weights))
    model.classifier.bias.copy_(torch.from_numpy(bias))


@torch.no_grad()
def adapt_linear(
    model: Any, features: torch.Tensor, labels: np.ndarray, strength: float = ADAPTATION_STRENGTH
) -> None:
    """Changes a classifier's linear layer as little as a few labelled windows of a new person ask for.

    The logistic regression is regularised towards the present weights, not towards 0: their maximum a posteriori
    estimate if they are the mean of a Gaussian prior (Chelba and Acero, Computer Speech & Language 20, 2006).

    Args:
        model: `GETForSequenceClassification`, which is changed in place.
        features: Features `(windows, n_features)`, as `model.embed` returns them.
        labels: Class of each window, `(windows,)`; classes may be missing.
        strength: Ratio of the likelihood's weight to the prior's weight, as `C` of scikit-learn.
    """
    points, basis = _in_their_span(features)
    before = model.classifier(features.to(model.device)).double().cpu().numpy()
    target = np.eye(before.shape[1])[labels]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        change = flat.reshape(before.shape[1], -1)
        log_probability = log_softmax(before + points @ change.T, axis=1)
        slope = strength * (np.exp(log_probability) - target).T @ points + change
        return 0.5 * (change**2).sum() - strength * (target * log_probability).sum(), slope.ravel()

    found = minimize(loss, np.zeros(before.shape[1] * points.shape[1]), jac=True, method="L-BFGS-B")
    change = torch.from_numpy(found.x.reshape(before.shape[1], -1) @ basis)
    model.classifier.weight.add_(change.to(model.classifier.weight))


def choose_strength(features: torch.Tensor, labels: np.ndarray, groups: Sequence[Any] | None = None) -> float:
    """The strength for `fit_linear` with the least log loss in cross-validation.

    Args:
        features: Standardised features `(windows, n_features)`.
        labels: Class of each window, `(windows,)`.
        groups: Session or person of each window. With several, a fold leaves whole ones out. None: one session, whose
            folds are consecutive, because neighbouring windows resemble each other.

    Returns:
        One of `STRENGTHS`; `USUAL_STRENGTH` where a class has a single window.
    """
    n_least = int(np.unique(labels, return_counts=True)[1].min())
    n_groups = 1 if groups is None else len(set(groups))
    n_folds = min(MOST_FOLDS, n_least, n_groups if n_groups > 1 else MOST_FOLDS)
    if n_folds < 2:
        return USUAL_STRENGTH
    folds: Any = StratifiedKFold(n_folds) if n_groups == 1 else StratifiedGroupKFold(n_folds)
    splits = list(folds.split(np.zeros(len(labels)), labels, groups))
    if any(len(set(labels[train])) < len(set(labels)) for train, _ in splits):
        return USUAL_STRENGTH  # sessions that lack a class
    search = GridSearchCV(
        LogisticRegression(max_iter=1000),
        {"C": STRENGTHS},
        scoring=_log_likelihood,
        cv=splits,
        refit=False,
    )
    points, _ = _in_their_span(features)
    return float(search.fit(points, labels).best_params_["C"])


def _log_likelihood(regression: LogisticRegression, points: np.ndarray, labels: np.ndarray) -> float:
    """Mean log likelihood of the labels; a fold may lack a class, which scikit-learn's own scorer refuses."""
    columns = np.searchsorted(regression.classes_, labels)
    return float(regression.predict_log_proba(points)[np.arange(len(labels)), columns].mean())


def _in_their_span(features: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of windows in an orthonormal basis of their span, and this basis `(coordinates, n_features)`.

    The regularised weights lie in this span. With few windows it has far fewer dimensions than there are features,
    and the same solution is found in a fraction of the time.
    """
    x = features.double()
    if 2 * len(x) > x.shape[1]:
        return x.numpy(), np.eye(x.shape[1])
    left, sizes, basis = torch.linalg.svd(x, full_matrices=False)
    return (left * sizes).numpy(), basis.numpy()
