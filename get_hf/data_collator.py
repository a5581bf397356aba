# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Defines the data collator of GET, for the Trainer of transformers and for the DataLoader of torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.processing.features_get import EEGFeatures


@dataclass
class GETDataCollator:
    """Function object that batches recordings with different channels and lengths by `GETFeatureExtractor.pad`.

    Attributes:
        feature_extractor: Feature extractor that prepared the recordings.
        return_tensors: "pt" (torch) or "np" (NumPy).

    Example:
        >>> from datasets import Dataset  # doctest: +SKIP
        >>> from transformers import Trainer  # doctest: +SKIP
        >>> rows = Dataset.from_list([{**extractor(raw), "labels": 1} for raw in recordings])  # doctest: +SKIP
        >>> Trainer(model, train_dataset=rows, data_collator=GETDataCollator(extractor))  # doctest: +SKIP
    """

    feature_extractor: GETFeatureExtractor
    return_tensors: str = "pt"

    def __call__(self, features: Sequence[Mapping[str, Any]]) -> EEGFeatures:
        """Pads and stacks recordings to a batch.

        Args:
            features: Outputs of the feature extractor as tensors, arrays or lists. Each may also have `labels` or
                `label`.

        Raises:
            ValueError: As in `GETFeatureExtractor.pad`.
        """
        return self.feature_extractor.pad(features, self.return_tensors)
