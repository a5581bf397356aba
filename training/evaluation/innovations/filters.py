# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The filters of prompts: from EEG to innovations, and from any innovations back to EEG.

Innovations of an item are `(good channels, patches, patch_size)`, dimensionless: the whitened DCT coefficients of each
patch, from low to high frequency. Noise needs a variance of 1 to become as loud as the prompt. The innovations of the
prompt itself are smaller (about 0.84 on EEGMMIDB), because the filters were fitted to them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from get_hf.processing.feature_extraction_get import EEGFeatures, GETFeatureExtractor
from get_hf.training.evaluation.generator import features_of_prompts


class PromptFilters:
    """The filters that a feature extractor fits to each prompt.

    Args:
        extractor: Feature extractor of a checkpoint, with its corrections; decoding is that of the checkpoint.

    Attributes:
        patch_size: Number of samples in a patch, and of coefficients.
    """

    def __init__(self, extractor: GETFeatureExtractor):
        self.extractor, self.patch_size = extractor, extractor.patch_size
        self._last: tuple[tuple, EEGFeatures] | None = None

    def features(
        self, prompts: np.ndarray, ch_names: Sequence[str], conditions: Sequence[tuple[str, str]]
    ) -> EEGFeatures:
        """Model inputs of prompts `(items, channels, times)` in microvolts; those of the last call are kept.

        The baselines without a network get the same prompts one after the other, and fitting takes most of their time.
        """
        key = (prompts.tobytes(), prompts.shape, tuple(ch_names), tuple(conditions))
        if self._last is None or self._last[0] != key:
            self._last = (key, features_of_prompts(self.extractor, prompts, ch_names, conditions))
        return self._last[1]

    def innovations(self, features: EEGFeatures) -> list[np.ndarray]:
        """Innovations of each prompt, without a first patch that is partly mirrored.

        They have the size that gives the prompt again. The network sees them divided by their deviation.
        """
        found = []
        for prompt in features.recordings:
            values = prompt.innovation.values * prompt.innovation.stages[-1].deviation
            patches = values.reshape(len(values), -1, self.patch_size)
            is_mirrored = prompt.innovation.n_padding > self.extractor.transform.n_memory
            found.append(patches[:, 1:] if is_mirrored and patches.shape[1] > 1 else patches)
        return found

    def of_future(self, features: EEGFeatures, prompts: np.ndarray, futures: np.ndarray) -> list[np.ndarray]:
        """Innovations of what followed each prompt, by filters that are fitted to what followed.

        Blinks and heartbeats are subtracted before, as from prompts.

        Args:
            features: Result of `features` for the prompts.
            prompts: Prompts `(items, channels, times)` in microvolts.
            futures: What followed, `(items, channels, times')`, in whole patches.

        Raises:
            ValueError: What followed is not a number of whole patches.
        """
        n = futures.shape[-1]
        if n % self.patch_size:
            raise ValueError(
                f"The real continuations have {n} samples, and innovations come in patches of {self.patch_size}: cut "
                "continuations of whole patches."
            )
        transform, found = self.extractor.transform, []
        for prompt, before, after in zip(features.recordings, prompts, futures, strict=True):
            good = prompt.good
            positions = prompt.positions[good]
            whole = self.extractor.without_events(np.concatenate([before, after], axis=-1)[good], positions)
            fit = transform.fit(whole[:, -n:], positions, is_own=True)
            values = transform.forward(whole, positions, fit=fit).values[:, -n:]
            found.append(values.reshape(len(values), -1, self.patch_size))
        return found

    def decode(self, innovations: Sequence[np.ndarray], features: EEGFeatures, n_times: int) -> np.ndarray:
        """Sends innovations through the filters of their prompts, and adds events, as for those of the network.

        Args:
            innovations: Innovations of each item, `(good channels, patches, patch_size)`.
            features: Model inputs of the items.
            n_times: Samples of the result.

        Returns:
            `(items, channels, n_times)` in microvolts; channels that are no inputs are zero.
        """
        before = features["input_values"].numpy()
        after = np.zeros((*before.shape[:2], innovations[0].shape[1] * self.patch_size), np.float32)
        for row, prompt, own in zip(after, features.recordings, innovations, strict=True):
            row[: len(prompt.good)][prompt.good] = own.reshape(len(own), -1)
        rows = np.concatenate([before, after], axis=-1)
        decoded = self.extractor.decode(rows, features, output="array", include_prompt=False)
        return np.stack([x[:, :n_times] for x in decoded])
