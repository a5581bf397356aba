# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Stacks recordings in the innovation space into tensors, which are the inputs of the model."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.nn.functional import pad
from transformers.feature_extraction_utils import BatchFeature

from .conditions_get import Course
from .events_get import Events
from .innovation_get import Innovation
from .reading_get import Recording

#: Names of the inputs of the model.
INPUTS = (
    "input_values",
    "channel_positions",
    "channel_mask",
    "attention_mask",
    "calibration",
    "condition_ids",
    "noise_seed",
)
#: Names of the tensors that `pad_features` pads. Other columns, such as the name of a subject, are left out.
PADDED = (*INPUTS, "labels")


@dataclass
class Prompt:
    """The data of one recording that `decode` needs.

    Attributes:
        recording: The recording as it was read, without its data. For generation from nothing, it is a recording
            without samples.
        n_times: Number of samples of the recording at its own sampling rate.
        positions: Positions `(channels, 6)` on the unit sphere.
        good: Whether each channel is an input of the model, bool `(channels,)`.
        events: Heartbeats and blinks of the good channels.
        innovation: The good channels without events, in the innovation space.
        constraints: Weights `(good channels, constraints)` of the sums of channels that are always zero; see
            `constraints_get`.
        noise_seed: Integer that `generate` mixes into the seed of the continuation's noise; see `seeds_get`.
        person: Number of the virtual person for generation from nothing. None: the average person.
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
        """Returns the number of patches of a length of `seconds` since the last interruption of the recording.

        Without an interruption, the result is larger than the number of patches of the recording.
        """
        rate, edges = self.recording.sampling_rate, self.recording.edges
        return max(1, int((self.n_times - edges[-1]) / rate / seconds)) if edges else self.n_times + 1

    def of_person(self, number: int | None, noise_seed: int) -> "Prompt":
        """Returns a copy of this prompt from nothing, for a virtual person or for the average person (None)."""
        return replace(self, person=number, noise_seed=noise_seed)


class EEGFeatures(BatchFeature):
    """The inputs of the model. The attribute `recordings` contains the data that `decode` needs."""

    recordings: list[Prompt]

    # these methods also pickle `recordings`; BatchFeature pickles only its data
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
    """Stacks prompts. Pads channels at the end and patches at the left, and adds a start patch to each prompt.

    Args:
        prompts: List with one prompt for each recording.
        courses: Conditions of each recording and of its continuation.
        patch_size: Number of samples in a patch.
        sampling_rate: Sampling rate of the model, in Hz.
        context_seconds: Length in seconds of the end of each recording that is kept. None: everything is kept.
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


def check_decodable(features: Any, method: str) -> None:
    """Checks that features contain the data that `decode` needs.

    Raises:
        ValueError: They do not. The message names the method that needs them.
    """
    if getattr(features, "recordings", None) is None:
        raise ValueError(
            f"{method}() needs the features as the extractor returned them, not {type(features).__name__}: "
            "features.to(device) keeps what a copy of their tensors loses."
        )


def check_tensors(return_tensors: Any) -> None:
    """Checks the requested type of tensors.

    Raises:
        ValueError: `return_tensors` is not "pt", "np" or None.
    """
    if not (return_tensors is None or (isinstance(return_tensors, str) and return_tensors in ("pt", "np"))):
        raise ValueError(f'return_tensors must be "pt" (torch) or "np" (NumPy), not {return_tensors!r}.')


def pad_features(features: list[Mapping[str, Any]], patch_size: int) -> EEGFeatures:
    """Stacks features that were prepared separately; see `GETFeatureExtractor.pad`."""
    if not isinstance(features, (list, tuple)) or not features:
        raise ValueError("pad() takes a list of at least one features: put them in a list, pad([features]).")
    rows = [row for item in features for row in _rows(item, patch_size)]
    n_chans, n_times = (max(row["input_values"].shape[axis] for row in rows) for axis in (0, 1))
    n_ids = max(len(row["condition_ids"]) - row["input_values"].shape[1] // patch_size for row in rows)
    padded = {}
    for name in PADDED:
        if not all(name in row for row in rows):
            if any(name in row for row in rows):
                raise ValueError(
                    f"Some of the features hold {name} and some do not: give it to all of them, or to none."
                )
            continue
        values = [_padded(name, row, n_chans, n_times, n_ids, patch_size) for row in rows]
        if len({value.shape for value in values}) > 1:
            shapes = " and ".join(str(tuple(shape)) for shape in dict.fromkeys(value.shape for value in values))
            raise ValueError(
                f"{name} of the features have shapes {shapes}, which do not stack: prepare all in one way."
            )
        padded[name] = torch.stack(values)
    stacked = EEGFeatures(padded)
    own = [getattr(item, "recordings", None) or [] for item in features]
    if all(own):
        stacked.recordings = [prompt for prompts in own for prompt in prompts]
    return stacked


def _rows(item: Mapping[str, Any], patch_size: int) -> Iterator[dict[str, torch.Tensor]]:
    """Yields the tensors of each recording in `item`, which are features of a batch or of a single recording.

    Masks and conditions are added if they are missing.
    """
    if not isinstance(item, Mapping) or item.get("input_values") is None:
        found = ", ".join(map(str, item)) if isinstance(item, Mapping) else type(item).__name__
        raise ValueError(f"pad() takes what the feature extractor returned, which holds input_values, not {found}.")
    own = {"labels" if name == "label" else name: value for name, value in item.items() if value is not None}
    own = {name: _tensor(name, own[name]) for name in PADDED if name in own}
    values = own["input_values"]
    is_batch, n_batch = values.ndim == 3, len(values)
    if values.ndim not in (2, 3) or not n_batch or values.shape[-1] % patch_size:
        raise ValueError(
            f"input_values must be (channels, times) or (batch, channels, times) in whole patches of {patch_size} "
            f"samples, not {tuple(values.shape)}: prepare them with the feature extractor that pads them."
        )
    if is_batch and n_batch == 1 and "labels" in own and (not own["labels"].ndim or len(own["labels"]) != 1):
        own["labels"] = own["labels"][None]  # a row of `map` has a batch of one recording, and a label without batch
    if is_batch and any(not value.ndim or len(value) != n_batch for value in own.values()):
        sizes = ", ".join(f"{name} {tuple(value.shape)}" for name, value in own.items())
        raise ValueError(f"The features hold {n_batch} recordings, but not all of their parts do: {sizes}.")
    for index in range(n_batch if is_batch else 1):
        row = {name: value[index] if is_batch else value for name, value in own.items()}
        n_chans, n_patches = row["input_values"].shape[0], row["input_values"].shape[1] // patch_size
        row.setdefault("channel_mask", torch.ones(n_chans, dtype=torch.int64))
        row.setdefault("attention_mask", torch.ones(n_patches, dtype=torch.int64))
        row.setdefault("condition_ids", torch.zeros(n_patches, dtype=torch.int64))
        yield row


def _tensor(name: str, value: Any) -> torch.Tensor:
    """Converts a value to a tensor: floating-point numbers to single precision, other numbers to 64-bit integers."""
    try:
        tensor = value if isinstance(value, torch.Tensor) else torch.as_tensor(np.asarray(value))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} of the features must be numbers, and rows of one length: {error}.") from error
    return tensor.float() if tensor.is_floating_point() else tensor.long()


def _padded(
    name: str, row: dict[str, torch.Tensor], n_chans: int, n_times: int, n_ids: int, patch_size: int
) -> torch.Tensor:
    """Returns the tensor `name` of a row, padded with zeros to the number of channels and patches of the batch."""
    value, values = row[name], row["input_values"]
    chans, times = n_chans - values.shape[0], n_times - values.shape[1]
    patches = times // patch_size
    if name == "condition_ids":  # a plan is longer than the prompt, and its last condition goes on without end
        after = n_ids - (len(value) - values.shape[1] // patch_size)
        return torch.cat((value.new_zeros(patches), value, value[-1:].expand(after)))
    if name == "input_values" or (name == "labels" and value.shape == values.shape):
        return pad(value, (times, 0, 0, chans))
    if name in ("channel_positions", "calibration"):
        return pad(value, (0, 0, 0, chans))
    return pad(value, {"channel_mask": (0, chans), "attention_mask": (patches, 0)}.get(name, ()))
