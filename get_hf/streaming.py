# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Classifies EEG while it is recorded, patch by patch."""

import numpy as np
import torch
from transformers.cache_utils import DynamicCache

from get_hf.modeling.modeling_get import GETForSequenceClassification
from get_hf.processing.calibration_get import Calibration
from get_hf.processing.feature_extraction_get import GETFeatureExtractor


class GETStreamClassifier:
    """Classifies a stream of cleaned EEG: probabilities at each patch, from the past alone.

    A patch costs the same after an hour as at the start: a cache holds the keys and values of the backbone as far back
    as its attention reaches, and the states of the last window lie beside it. The probabilities equal
    `model.classifier(model.embed(window=...))` of the whole stream.

    The stream consists of samples that `GETFeatureExtractor.clean` has filtered. Its filters have zero phase: for
    errors below a hundredth of the signal they need two seconds of what follows, and so much later the probabilities
    come. Blinks and heartbeats are not subtracted, since finding them needs what follows, too. A causal front end is
    not part of this class.

    Args:
        model: A classifier.
        extractor: Its feature extractor.
        calibration: What the transform to the innovation space is estimated from, as `extractor.calibrate` returns it:
            a minute or more of the same channels, recorded before.
        window_seconds: Length of the window that ends with a patch, rounded to patches. None: as in training
            (`config.window_seconds`).

    Attributes:
        classes: Names of the classes by id.
        n_patches: Number of patches so far.

    Raises:
        ValueError: Model and extractor do not belong together, or there is no length of windows.

    Example:
        >>> calibration = extractor.calibrate(first_minute)  # doctest: +SKIP
        >>> stream = GETStreamClassifier(model, extractor, calibration)  # doctest: +SKIP
        >>> probabilities = stream.push(next_samples)  # doctest: +SKIP
    """

    def __init__(
        self,
        model: GETForSequenceClassification,
        extractor: GETFeatureExtractor,
        calibration: Calibration,
        window_seconds: float | None = None,
    ):
        config = model.config
        config.check_extractor(extractor.to_dict())
        seconds = config.window_seconds if window_seconds is None else window_seconds
        if seconds is None:
            raise ValueError("The checkpoint names no length of windows: give window_seconds=.")
        patch = config.patch_size / config.sampling_rate
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not patch <= seconds < np.inf:
            raise ValueError(f"window_seconds must be at least one patch, {patch:g} s, not {seconds!r}.")
        self.model = model
        self.classes = [config.id2label[index] for index in range(config.num_labels)]
        self.window = max(1, round(seconds / patch))
        self._good = calibration.good
        self._transform = extractor.transform
        self._fit = calibration.fit(extractor.transform, calibration.good)
        self._positions = calibration.positions[calibration.good]
        given = {"channel_positions": self._positions, "calibration": self._fit.calibration}
        self._given = {
            name: torch.as_tensor(np.asarray(value, np.float32), device=model.device)[None]
            for name, value in given.items()
        }
        self.reset()

    def reset(self) -> None:
        """Forgets the stream, but not the calibration: what is pushed next begins another one."""
        self.n_patches = 0
        self._is_begun = False
        self._pending = np.zeros((len(self._positions), 0))
        self._cache = DynamicCache(config=self.model.config)
        self._states: list[torch.Tensor] = []
        self._values: list[torch.Tensor] = []
        size = self.model.config.patch_size
        self._advance(torch.zeros(1, len(self._positions), size, device=self.model.device))  # the start patch

    def push(self, samples: np.ndarray) -> np.ndarray:
        """Takes the next samples of the stream.

        Args:
            samples: `(channels, times)` in microvolts at the model's sampling rate, as `GETFeatureExtractor.clean`
                leaves them, of all channels of the calibration in their order; any number of samples.

        Returns:
            `(patches, classes)`: the probabilities at each patch that these samples complete. At the beginning, the
            transform waits for the samples that its filters need as a memory, and then catches up.

        Raises:
            ValueError: The samples have another number of channels, or are not finite.
        """
        samples = np.asarray(samples, dtype=np.float64)
        if samples.ndim != 2 or len(samples) != len(self._good):
            raise ValueError(
                f"The samples are of shape {samples.shape}, and the calibration has {len(self._good)} channels: give "
                "(channels, times) of the same channels."
            )
        samples = samples[self._good]
        if not np.isfinite(samples).all():
            raise ValueError("The samples are not finite: hold the last value, or leave the channel out.")
        self._pending = np.concatenate([self._pending, samples], axis=-1)
        rows = [self._classified(values) for values in self._innovations()]
        return np.array(rows, dtype=np.float32).reshape(len(rows), len(self.classes))

    def _innovations(self) -> list[np.ndarray]:
        """The patches `(channels, patch_size)` that are complete, in the innovation space."""
        memory, size = self._transform.n_memory, self.model.config.patch_size
        have = self._pending.shape[-1] - (memory if self._is_begun else 0)
        n_new = have // size
        if n_new < 1 or (not self._is_begun and n_new * size <= memory):
            return []
        end = n_new * size + (memory if self._is_begun else 0)
        made = self._transform.forward(
            self._pending[:, :end], self._positions, has_memory=self._is_begun, fit=self._fit
        )
        self._pending, self._is_begun = self._pending[:, end - memory :], True
        return np.split(made.values, n_new, axis=-1)

    @torch.no_grad()
    def _classified(self, values: np.ndarray) -> np.ndarray:
        """Probabilities of the window that ends with a patch `(channels, patch_size)`."""
        patch = torch.as_tensor(values.astype(np.float32), device=self.model.device)[None]
        self._states.append(self._advance(patch))
        self._values.append(patch)
        del self._states[: -self.window], self._values[: -self.window]
        features = self.model.pooling(torch.cat(self._states, dim=2), torch.cat(self._values, dim=-1), **self._given)
        self.n_patches += 1
        return self.model.classifier(features)[0].float().softmax(-1).cpu().numpy()

    @torch.no_grad()
    def _advance(self, patch: torch.Tensor) -> torch.Tensor:
        """The states `(1, channels, 1, hidden_size)` after a patch `(1, channels, patch_size)`."""
        return self.model.backbone(patch, **self._given, past_key_values=self._cache, use_cache=True).last_hidden_state
