# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Gives EEG in microvolts while `generate` runs, patch by patch."""

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from transformers.generation.streamers import BaseStreamer

from .conditions_get import Vocabulary, split_ids
from .continuation_get import ContinuationDecoder
from .decoding_get import keep_projected
from .features_get import EEGFeatures, Prompt


class GETStream(BaseStreamer):
    """A streamer of `generate`, which decodes each patch as soon as the samples that it depends on are there.

    The patches equal those of `GETFeatureExtractor.decode(..., include_prompt=False)` of the whole continuation. The
    work for a patch and the memory do not grow. A stream serves one call of `generate`.
    `GETFeatureExtractor.streamer` creates it.

    Args:
        decoder: Function that returns the decoder of a prompt, given the condition ids of the prompt's patches.
        vocabulary: Names of the conditions.
        features: Features that are passed to the model.
        callback: Function that is called with each patch: a list with an array `(channels, times)` in microvolts for
            each row.
        patch_size: Number of samples in a patch at the model's rate.
        sampling_rate: Sampling rate of the model in Hz.

    Attributes:
        latency: Seconds of EEG that are generated after a patch before the callback gets it. It is 1 s if the rate of
            the patches is at least 91 Hz, and longer for lower rates. At the end, the last patches come at once.
        n_patches: Number of patches that the callback got.

    Raises:
        ValueError: `callback` cannot be called.
    """

    def __init__(
        self,
        decoder: Callable[[Prompt, list[int]], ContinuationDecoder],
        vocabulary: Vocabulary,
        features: EEGFeatures,
        callback: Callable[[list[np.ndarray]], Any],
        patch_size: int,
        sampling_rate: float,
    ):
        if not callable(callback):
            raise ValueError(f"callback must be a function that takes patches in microvolts, not {callback!r}.")
        self._callback, self._vocabulary = callback, vocabulary
        self._size, self._seconds = patch_size, patch_size / sampling_rate
        self._prompts, self._shape = features.recordings, tuple(features["input_values"].shape)
        ids = features.get("condition_ids")
        ids = torch.zeros(self._shape[0], 1, dtype=torch.int64) if ids is None else torch.as_tensor(ids)
        self._ids, self._is_changed = ids.cpu().clone(), False
        self._wanted: deque[list[tuple[int, int]]] = deque(maxlen=1)
        self._new_decoder = decoder
        self._decoders = [self._decoder_of(index) for index in range(len(self._prompts))]
        n_ahead = max(decoder.n_ahead for decoder in self._decoders) + 1
        self.latency = -(-n_ahead // patch_size) * self._seconds
        self.n_patches = 0
        self._n_taken: int | None = None  # None: the prompt has not come
        self._has_ended = False
        self._pending: list[np.ndarray] = []

    def change(self, next_condition: Any) -> None:
        """Changes the condition of all rows from the next patch on that `generate` begins.

        It may be called from another thread. The new EEG comes `latency` seconds later.

        Args:
            next_condition: A condition, or a plan; see `GETFeatureExtractor.__call__`.

        Raises:
            ValueError: It is not a condition that the model was trained with, or not a plan.
        """
        self._wanted.append(self._vocabulary.plan(next_condition, self._seconds))

    def condition_ids(self) -> torch.Tensor | None:
        """Returns the condition ids of all rows `(rows, positions)` after a change, in the format of the model.

        `generate` calls it before each patch. None: nothing has changed since the beginning.
        """
        if self._wanted and self._n_taken is not None:
            ids, lengths = zip(*self._wanted.popleft(), strict=True)
            place = self._shape[-1] // self._size - 1 + self._n_taken
            known = self._ids[:, torch.arange(place).clamp(max=self._ids.shape[1] - 1)]
            following = np.repeat(ids, [*lengths[:-1], 1])
            self._ids = torch.cat([known, torch.as_tensor(following).expand(len(known), -1)], dim=1)
            self._is_changed = True
        return self._ids if self._is_changed else None

    def conditions_of(self, patch: int) -> list[str]:
        """Returns the names of the conditions of a patch, one for each row; patches count from 0."""
        return [self._vocabulary.names[index] for index in self._ids_of(patch)]

    def put(self, value: torch.Tensor) -> None:
        """Takes the prompt in the first call, and one patch `(rows, channels, patch_size)` in each later call."""
        if self._has_ended:
            raise ValueError("This stream has ended: make another one with extractor.streamer() for each generate().")
        if self._n_taken is None:
            return self._begin(value)
        if value.shape != (len(self._pending), self._shape[1], self._size):
            raise ValueError(
                f"A patch is {tuple(value.shape)}, and this stream decodes {len(self._pending)} rows of "
                f"{self._shape[1]} channels and {self._size} samples: use one stream for each generate()."
            )
        rows = value.detach().float().cpu().numpy()
        self._add(
            [
                decoder.push(row, [index])
                for decoder, row, index in zip(self._decoders, rows, self._ids_of(self._n_taken), strict=True)
            ]
        )
        self._n_taken += 1
        self._hand_on()

    def end(self) -> None:
        """Hands on the last patches."""
        if self._n_taken is not None and not self._has_ended:
            self._has_ended = True
            self._add([decoder.finish() for decoder in self._decoders])
            self._hand_on()

    def _begin(self, prompt: torch.Tensor) -> None:
        """Takes the prompt, whose number of rows tells how many continuations each recording gets."""
        n_items = len(self._prompts)
        if prompt.shape[1:] != self._shape[1:] or not len(prompt) or len(prompt) % n_items:
            raise ValueError(
                f"The prompt is {tuple(prompt.shape)}, and the features of this stream hold {n_items} recordings of "
                f"{self._shape[1]} channels and {self._shape[2]} times: pass the same features to generate()."
            )
        n_copies = len(prompt) // n_items
        if n_copies > 1:
            self._decoders = [self._decoder_of(index) for index in range(n_items) for _ in range(n_copies)]
        self._ids = self._ids.repeat_interleave(n_copies, dim=0)
        self._owners = [prompt for prompt in self._prompts for _ in range(n_copies)]
        self._pending = [np.zeros((len(owner.good), 0)) for owner in self._owners]
        self._n_taken = 0

    def _ids_of(self, patch: int) -> list[int]:
        """Returns the condition ids of a patch of the continuation, one for each row."""
        place = self._shape[-1] // self._size - 1 + patch
        return self._ids[:, min(place, self._ids.shape[1] - 1)].tolist()

    def _decoder_of(self, index: int) -> ContinuationDecoder:
        """Returns a new decoder of a recording."""
        prompt, n_patches = self._prompts[index], self._shape[-1] // self._size
        n_own = prompt.innovation.values.shape[-1] // self._size
        return self._new_decoder(prompt, split_ids(self._ids[index].tolist(), n_patches, n_own, 0)[0])

    def _add(self, new: list[np.ndarray]) -> None:
        """Adds samples to those that wait for the rest of their patch."""
        self._pending = [
            np.concatenate([old, keep_projected(samples, owner.recording)], axis=-1)
            for old, samples, owner in zip(self._pending, new, self._owners, strict=True)
        ]

    def _hand_on(self) -> None:
        """Calls the callback with each patch that is complete in all rows."""
        while self.n_patches < (self._n_taken or 0):
            lengths = [each.n_times(self.n_patches + 1) - each.n_times(self.n_patches) for each in self._decoders]
            if any(pending.shape[-1] < n for pending, n in zip(self._pending, lengths, strict=True)):
                return
            patch = [pending[:, :n] for pending, n in zip(self._pending, lengths, strict=True)]
            self._pending = [pending[:, n:].copy() for pending, n in zip(self._pending, lengths, strict=True)]
            self.n_patches += 1
            self._callback(patch)
