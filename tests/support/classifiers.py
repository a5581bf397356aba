# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""A classifier that is small, and whose scores differ between windows."""

from pathlib import Path

import torch

from get_hf import GETFeatureExtractor, GETForSequenceClassification
from small import small_config

WINDOW, STRIDE = 4.0, 2.0


def small_classifier(**changes) -> GETForSequenceClassification:
    """Two classes, random weights that all matter, windows of four seconds that overlap by half."""
    torch.manual_seed(0)
    settings = {"id2label": {0: "left", 1: "right"}, "window_seconds": WINDOW, "stride_seconds": STRIDE}
    model = GETForSequenceClassification(small_config(**(settings | changes))).eval()
    for parameter in model.parameters():
        parameter.data.add_(0.1 * torch.randn(parameter.shape))
    return model


def save_classifier(folder: Path, **changes) -> Path:
    """A checkpoint of it with its feature extractor."""
    small_classifier(**changes).save_pretrained(folder)
    GETFeatureExtractor().save_pretrained(folder)
    return folder
