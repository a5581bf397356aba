# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Stacks labelled windows into batches; training batches have random channels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch


@dataclass
class WindowCollator:
    """Function object that stacks windows into a batch of inputs of the classifier.

    In training, random channels of each window are used in random order. A classifier that was trained with many
    montages does not rely on single channels. All training batches have the same shape, so that the model is compiled
    only once.

    Attributes:
        patch_size: Number of samples per patch. A start patch of zeros is put before each window, as the feature
            extractor does.
        n_chans: Number of random channels of each window; they are drawn with torch's generator. None: all channels,
            in their order.
    """

    patch_size: int
    n_chans: int | None = None

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        """Stacks rows with the columns of `windows.FEATURES`; windows with fewer channels are padded at the end."""
        picks = [self._picks(row["n_chans"]) for row in rows]
        n_most = max(map(len, picks)) if self.n_chans is None else self.n_chans
        batch: dict[str, Any] = {}
        for name in ("input_values", "channel_positions", "calibration"):
            parts = [
                np.asarray(row[name], np.float32).reshape(row["n_chans"], -1)[chosen]
                for row, chosen in zip(rows, picks, strict=True)
            ]
            batch[name] = np.stack([np.pad(part, ((0, n_most - len(part)), (0, 0))) for part in parts])
        batch["input_values"] = np.pad(batch["input_values"], ((0, 0), (0, 0), (self.patch_size, 0)))
        batch["channel_mask"] = (np.arange(n_most) < np.array([len(chosen) for chosen in picks])[:, None]).astype(int)
        batch["labels"] = np.array([row["labels"] for row in rows])
        return {name: torch.from_numpy(value) for name, value in batch.items()}

    def _picks(self, n_chans: int) -> np.ndarray:
        return np.arange(n_chans) if self.n_chans is None else torch.randperm(n_chans)[: self.n_chans].numpy()
