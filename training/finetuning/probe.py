# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Fits a linear probe: the last layer of a classifier becomes a logistic regression on the features of its backbone.

If fine-tuning starts from a random last layer, its first steps disturb the pretrained weights. If it starts from a
linear probe, the weights are disturbed less (Kumar et al., ICLR 2022).
"""

from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

#: Minimum standard deviation of a feature, so that constant features stay finite after standardisation.
LEAST_DEVIATION = 1e-3


def standardise(model: Any, features: torch.Tensor) -> torch.Tensor:
    """Sets mean and deviation of a classifier's features in the classifier, and returns the standardised features.

    Args:
        model: `GETForSequenceClassification` that computed the features.
        features: Features `(windows, n_features)`, as `model.embed` returns them.
    """
    pooling = model.pooling
    features = features.float() * pooling.deviation + pooling.mean  # without the present standardisation
    mean, deviation = features.mean(0), features.std(0).clamp(min=LEAST_DEVIATION)
    pooling.mean.copy_(mean)
    pooling.deviation.copy_(deviation)
    return (features - mean) / deviation


@torch.no_grad()
def fit_linear(model: Any, features: torch.Tensor, labels: np.ndarray, strength: float) -> None:
    """Fits a logistic regression to a classifier's features, and copies its weights to the classifier's linear layer.

    Args:
        model: `GETForSequenceClassification`, which is changed in place.
        features: Standardised features `(windows, n_features)`, see `standardise`.
        labels: Class of each window, `(windows,)`; each class must occur.
        strength: Inverse strength of the regularisation, `C` of scikit-learn.

    Raises:
        ValueError: A class has no window.
    """
    missing = sorted(set(range(model.config.num_labels)) - set(np.unique(labels).tolist()))
    if missing:
        names = ", ".join(model.config.id2label[label] for label in missing)
        raise ValueError(f"There is no training window of class {names}.")
    regression = LogisticRegression(C=strength, max_iter=1000).fit(features.numpy(), labels)
    weights, bias = regression.coef_, regression.intercept_
    if len(weights) == 1:  # for two classes, scikit-learn has only one row
        weights, bias = np.concatenate([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    model.classifier.weight.copy_(torch.from_numpy(weights))
    model.classifier.bias.copy_(torch.from_numpy(bias))
