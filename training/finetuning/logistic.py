# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Fits the linear layer of a classifier by logistic regression, with the backbone frozen.

This needs no optimiser, no GPU and few labels: ten segments are enough for a seizure detector of Bonn's. The result is
causal: a window ends with the patch that it classifies, see `GETForSequenceClassification.embed`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from get_hf.modeling.modeling_get import GETForSequenceClassification

#: Inverse strength of the penalty on squared weights of standardised features, divided by the number of features: a
#: model sees a thousand features, and a few labels should not decide on each of them.
STRENGTH = 1.0


@torch.no_grad()
def window_features(model: GETForSequenceClassification, features: Any, window: int) -> torch.Tensor:
    """Features of causal windows that follow one another without overlap.

    Args:
        model: The classifier.
        features: Output of the feature extractor, all items of one length.
        window: Length of a window in patches.

    Returns:
        `(batch, windows, n_features)`; windows end with the recording. A shorter recording is one window.
    """
    n_patches = features["input_values"].shape[-1] // model.config.patch_size - 1  # without the start patch
    size = min(window, n_patches)
    ends = [n_patches - size * index for index in range(n_patches // size)][::-1]
    return model.embed(**features, window=size)[:, ends]


@torch.no_grad()
def fit_classifier(
    model: GETForSequenceClassification,
    windows: Sequence[torch.Tensor],
    labels: Sequence[int],
    strength: float = STRENGTH,
) -> None:
    """Sets the standardisation and the linear layer of a classifier with two classes; the backbone does not change.

    Args:
        model: The classifier; it is changed.
        windows: For each recording, features `(windows, n_features)` as `window_features` returned them.
        labels: Class of each recording, 0 or 1.
        strength: See `STRENGTH`.

    Raises:
        ImportError: scikit-learn is not installed.
        ValueError: The model has not two classes, or the labels are not of both.
    """
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise ImportError('Fitting a classifier needs scikit-learn: pip install "get-hf[train]".') from error
    if model.config.num_labels != 2 or set(labels) != {0, 1}:
        raise ValueError(
            f"fit_classifier() tells two classes apart, and the model has {model.config.num_labels} and the labels "
            f"{sorted(set(labels))}: give a model of two classes, and recordings of both."
        )
    pooling: Any = model.pooling
    classifier: Any = model.classifier
    own = [x.double() * pooling.deviation.double() + pooling.mean.double() for x in windows]
    x, y = torch.cat(own).numpy(), np.repeat(labels, [len(each) for each in own])
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    varies = deviation > 1e-6 * (1 + np.abs(mean))  # what never changes says nothing
    deviation = np.where(varies, deviation, 1.0)
    regression = LogisticRegression(C=strength / varies.sum(), max_iter=2000, class_weight="balanced")
    regression.fit(((x - mean) / deviation)[:, varies], y)
    weight = np.zeros((2, x.shape[1]))
    weight[1, varies] = regression.coef_[0]
    for buffer, values in (
        (pooling.mean, mean),
        (pooling.deviation, deviation),
        (classifier.weight, weight),
        (classifier.bias, np.array([0.0, regression.intercept_[0]])),
    ):
        buffer.copy_(torch.from_numpy(values))
