# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What the model is given: recordings in the innovation space, side by side in tensors."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from transformers.feature_extraction_utils import BatchFeature

from .conditions_get import Course
from .events_get import Events
from .innovation_get import Innovation
from .reading_get import Recording


@dataclass
class Prompt:
    """What `decode` needs of one recording.

    Attributes:
        recording: As read, its data dropped; for generation from nothing one of no samples.
        n_times: Samples of the recording at its own rate.
        positions: `(channels, 6)` unit-sphere positions.
        good: `(channels,)` bool: channels the model sees.
        events: Heartbeats and blinks of the good channels.
        innovation: The good channels without events, in the innovation space.
        constraints: `(good channels, constraints)`: weights of what is always zero in it; see `constraints_get`.
        noise_seed: Integer that `generate` mixes into the noise of what follows; see `seeds_get`.
        person: From nothing, number of the person imagined; None for the average one.
    """

    recording: Recording
    n_times: int
    positions: np.ndarray
    good: np.ndarray
    events: Events
    innovation: Innovation
    constraints: np.ndarray
    noise_seed: int
    person: int | None = None

    def n_whole(self, seconds: float) -> int:
        """Patches of some seconds since the last interruption, or more than there are."""
        rate, edges = self.recording.sampling_rate, self.recording.edges
        return max(1, int((self.n_times - edges[-1]) / rate / seconds)) if edges else self.n_times + 1

    def of_person(self, number: int | None, noise_seed: int) -> "Prompt":
        """The same from nothing, of an imagined person or of the average one."""
        return replace(self, person=number, noise_seed=noise_seed)


class EEGFeatures(BatchFeature):
    """Inputs of the model, and beside them, in `recordings`, what `decode` needs to go back."""

    recordings: list[Prompt]

    # BatchFeature pickles its data alone
    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__.copy()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


def stack_prompts(
    prompts: list[Prompt],
    courses: list[Course],
    patch_size: int,
    sampling_rate: float,
    context_seconds: float | None = None,
) -> EEGFeatures:
    """Stacks prompts: channels padded at the end, patches at the left, a start patch before each.

    Args:
        prompts: One per recording.
        courses: Of each, what conditions it is in, and what is to come next.
        patch_size: Samples in a patch.
        sampling_rate: Of the model, in Hz.
        context_seconds: How much of each recording's end is kept; None: everything.
    """
    limits = [p.n_whole(patch_size / sampling_rate) for p in prompts]
    if context_seconds is not None:
        limits = [min(limit, max(1, round(context_seconds * sampling_rate / patch_size))) for limit in limits]
    values = [p.innovation.values[:, -limit * patch_size :] for p, limit in zip(prompts, limits, strict=True)]
    n_patches = 1 + max(v.shape[-1] for v in values) // patch_size
    n_chans = max(len(p.good) for p in prompts)
    n_batch, n_features = len(prompts), prompts[0].innovation.calibration.shape[-1]
    out = {
        "input_values": np.zeros((n_batch, n_chans, n_patches * patch_size), np.float32),
        "channel_positions": np.zeros((n_batch, n_chans, 6), np.float32),
        "channel_mask": np.zeros((n_batch, n_chans), np.int64),
        "attention_mask": np.zeros((n_batch, n_patches), np.int64),
        "calibration": np.zeros((n_batch, n_chans, n_features), np.float32),
    }
    ids = []
    for row, prompt in enumerate(prompts):
        n_own = values[row].shape[-1] // patch_size
        good = np.flatnonzero(prompt.good)
        out["input_values"][row, good, (n_patches - n_own) * patch_size :] = values[row]
        out["channel_positions"][row, : len(prompt.good)] = prompt.positions
        out["channel_mask"][row, good] = 1
        out["attention_mask"][row, n_patches - n_own - 1 :] = 1
        out["calibration"][row, good] = prompt.innovation.calibration
        end = prompt.n_times / prompt.recording.sampling_rate
        ids.append(courses[row].ids(end, n_patches, patch_size / sampling_rate))
    longest = max(map(len, ids))
    out["condition_ids"] = np.stack([np.pad(of_row, (0, longest - len(of_row)), mode="edge") for of_row in ids])
    out["noise_seed"] = np.array([prompt.noise_seed for prompt in prompts], np.int64)
    features = EEGFeatures({name: torch.from_numpy(array) for name, array in out.items()})
    features.recordings = prompts
    return features
