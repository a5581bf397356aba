# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The linear probe: a classifier's last layer as a logistic regression on the features of its backbone.

Fine-tuning from a random last layer first disturbs the pretrained weights. From a probe it disturbs them less (Kumar
et al., ICLR 2022).
"""

from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

#: Least deviation of a feature, so that constant features stay finite.
LEAST_DEVIATION = 1e-3


def standardise(model: Any, features: torch.Tensor) -> torch.Tensor:
    """Sets mean and deviation of a classifier's features, and returns the standardised features.

    Args:
        model: `GETForSequenceClassification` that computed the features.
        features: `(windows, n_features)`, as `model.embed` returns them.
    """
    pooling = model.pooling
    features = features.float() * pooling.deviation + pooling.mean  # as before any standardisation
    mean, deviation = features.mean(0), features.std(0).clamp(min=LEAST_DEVIATION)
    pooling.mean.copy_(mean)
    pooling.deviation.copy_(deviation)
    return (features - mean) / deviation


@torch.no_grad()
def fit_linear(model: Any, features: torch.Tensor, labels: np.ndarray, strength: float) -> None:
    """Sets a classifier's linear layer to a logistic regression on its features.

    Args:
        model: `GETForSequenceClassification`.
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
    if len(weights) == 1:  # scikit-learn has one row for two classes
        weights, bias = np.concatenate([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    model.classifier.weight.copy_(torch.from_numpy(weights))
    model.classifier.bias.copy_(torch.from_numpy(bias))
