# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Cuts training examples: random crops of segments, where each crop depends only on a seed and an index.

All random numbers of a crop, including the noise of its loss, are generated from (seed, index). So the loss of a step
does not depend on the number of loader workers or processes, and is the same if training was interrupted before. The
length of a run is the number of crops in its list.

    crops = RandomCrops(segments, extractor, CropConfig(crop_seconds=16), n_crops=1000, seed=1)
    batch = collate_crops([crops[i] for i in range(8)])
    model(**batch).loss

`RandomCrops` draws crops from one corpus on the disk. `MixedCrops` draws crops from several corpora with weights.
`get_hf.training.pretraining.streaming` draws crops from streamed corpora. All three use a `Cropper` to cut the crops.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import datasets
import numpy as np
import pyarrow as pa
import torch
from torch.utils.data import Dataset

from get_hf.modeling.configuration_get import GETConfig
from get_hf.processing.conditions_get import Vocabulary
from get_hf.processing.feature_extraction_get import GETFeatureExtractor

from .amplifiers import REFERENCES, filter_as_amplifier, rereference

#: Columns that are needed for a crop. Without the other columns, finding a row takes half the time.
COLUMNS = ["signal", "channel_positions", "n_chans", "n_times", "conditions"]


@dataclass
class CropConfig:
    """Settings for drawing random crops.

    Attributes:
        crop_seconds: Length of a crop in seconds.
        max_channels: Maximum number of channels in a crop.
        min_channels: Minimum number of channels in a crop, if the recording has this number of channels.
        full_montage_probability: Probability that a crop has all channels, up to `max_channels`. Otherwise the number
            of channels is the larger of two log-uniform random numbers, because crops with many channels are the most
            useful for training.
        same_montage_size: Number of consecutive crops that have the same number of channels, so that a batch needs
            little padding.
        population_probability: Probability that a crop is calibrated without a signal, by its electrode positions
            alone. Otherwise the whole crop is used for calibration. Then the linear statistics fit the recording, as
            they should after any prompt, and the model learns how innovations continue in this case.
        max_history_seconds: Maximum length of a stretch before the crop that is also used for calibration. The length
            is log-uniform. It is needed because a user's prompt may be longer than the part that the model sees.
        condition_dropout: Probability that all conditions of a crop are set to unknown.
        context_noise: Maximum share of noise in the past that the model sees. The share of each crop is uniform
            between 0 and this value, and the noise does not change the variance. 0: no noise.
        condition_weights: Weight of each condition, 1 by default. The probability that a crop is drawn from a segment
            is proportional to the segment's length times the mean weight of its conditions.
        equal_people: Whether each person is drawn equally often, whatever was recorded of this person. Then the weight
            of a corpus in a mixture is the weight of each of its people. If not, the probability of a person is
            proportional to the recorded time.
        reference_probability: Probability that the reference of a crop is changed: to the average, to both ears, to Cz
            or to bipolar channels, with equal probabilities. A recording without the electrodes stays as it is.
        filter_probability: Probability that a crop is filtered as another amplifier might: high-pass, low-pass, notch.
        gain: Largest factor by which a crop is made larger or smaller. 1: no change.
        noise_size: Number of random numbers per patch and channel that the model's loss uses. A recipe sets it to the
            value of its model.
    """

    crop_seconds: float = 16.0
    max_channels: int = 32
    min_channels: int = 1
    full_montage_probability: float = 0.5
    same_montage_size: int = 1
    population_probability: float = 0.15
    max_history_seconds: float = 60.0
    condition_dropout: float = 0.1
    context_noise: float = 0.0
    condition_weights: dict[str, int | float] = field(default_factory=dict)
    equal_people: bool = False
    reference_probability: float = 0.0
    filter_probability: float = 0.0
    gain: float = 1.0
    noise_size: int = GETConfig().noise_size

    def __post_init__(self):
        for name in (
            "full_montage_probability",
            "population_probability",
            "condition_dropout",
            "context_noise",
            "reference_probability",
            "filter_probability",
        ):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be between 0 and 1, not {getattr(self, name)}.")
        if not 1 <= self.min_channels <= self.max_channels:
            raise ValueError(
                f"min_channels ({self.min_channels}) must be between 1 and max_channels ({self.max_channels})."
            )
        if self.same_montage_size < 1:
            raise ValueError(f"same_montage_size must be at least 1, not {self.same_montage_size}.")
        if not 1 <= self.gain < np.inf:
            raise ValueError(f"gain must be a number from 1 on, not {self.gain}.")
        if self.max_history_seconds < 0:
            raise ValueError(f"max_history_seconds must not be negative, but it is {self.max_history_seconds}.")
        for name, weight in self.condition_weights.items():
            if weight < 0:
                raise ValueError(f"the weight of {name!r} must not be negative, but it is {weight}.")

    @property
    def has_amplifiers(self) -> bool:
        """Whether crops are changed as by other amplifiers."""
        return self.reference_probability > 0 or self.filter_probability > 0 or self.gain > 1

    def weight_of_each(self, conditions: Sequence[str]) -> np.ndarray:
        """Returns the weight of each condition of a checkpoint, in their order.

        Raises:
            ValueError: `condition_weights` names another condition.
        """
        spelt = Vocabulary(conditions, conditions[1:])
        weights = {spelt.find(name): weight for name, weight in self.condition_weights.items()}
        if None in weights:
            unknown = next(name for name in self.condition_weights if spelt.find(name) is None)
            raise ValueError(f"condition_weights names {unknown!r}; the conditions are {', '.join(conditions)}.")
        return np.array([weights.get(name, 1.0) for name in conditions])


class Cropper:
    """Cutter of random crops from segments.

    Args:
        extractor: Feature extractor that converts microvolts to the innovation space.
        config: Settings for drawing crops.
        sampling_rate: Sampling rate of the segments in Hz.
    """

    def __init__(self, extractor: GETFeatureExtractor, config: CropConfig, sampling_rate: float):
        self.extractor, self.transform = extractor, extractor.transform
        self.config = config
        self.n_patches = round(config.crop_seconds * sampling_rate / self.transform.patch_size)
        self.patches_per_second = sampling_rate / self.transform.patch_size
        self.n_times = self.transform.n_memory + self.n_patches * self.transform.patch_size
        self.condition_weights = config.weight_of_each(extractor.conditions)

    def weight(self, conditions: np.ndarray) -> float:
        """Returns the sampling weight of a segment, computed from its conditions `(patches,)`.

        A segment is drawn with a probability proportional to its length times this weight.
        """
        return self.condition_weights[conditions].mean() if len(conditions) else 0.0

    def crop(self, row: pa.Table, rng: np.random.Generator, montage: np.random.Generator) -> dict[str, np.ndarray]:
        """Cuts one crop with C channels in random order.

        Args:
            row: A segment at least as long as a crop: one row of the table of `get_hf.training.data.segments`.
            rng: Random generator for everything except the number of channels.
            montage: Random generator for the number of channels. It has the same seed for crops that should have the
                same number of channels. A segment with fewer channels gives a crop with fewer channels.

        Returns:
            Dictionary of arrays, with P = 1 + number of patches and T = P * patch_size: `input_values` and `labels`
            (C, T); `noise` (C, P * noise_size); `channel_positions` (C, 6); `calibration` (C, 27); `condition_ids`,
            `flow_time` and `attention_mask` (P,). The first patch is the start patch.
        """
        config, transform = self.config, self.transform
        n_chans, n_times = row["n_chans"][0].as_py(), row["n_times"][0].as_py()
        start = int(rng.integers(n_times - self.n_times + 1))
        channels = rng.permutation(n_chans)[: self._n_channels(n_chans, montage)]
        is_calibrated = rng.random() >= config.population_probability
        n_history = self._n_history(rng, start) if is_calibrated else 0
        begin = start - n_history * transform.patch_size
        signal = _floats(row, "signal").reshape(n_chans, n_times)[:, begin : start + self.n_times]
        positions = _floats(row, "channel_positions").reshape(n_chans, -1)
        if config.has_amplifiers:  # otherwise rng gives the same crops as before there were such changes
            signal, positions = self._by_another_amplifier(signal, positions, channels, rng)
        else:
            signal, positions = signal[channels], positions[channels]

        n_calibration = None if is_calibrated else 0
        signal = self.extractor.without_events(signal.astype(np.float64), positions)
        innovation = transform.forward(signal, positions, n_calibration, has_memory=True)
        clean = innovation.values[:, n_history * transform.patch_size :].astype(np.float32)
        values = np.pad(clean, ((0, 0), (transform.patch_size, 0)))  # the start patch is all zero
        labels = values.copy()

        share = config.context_noise * rng.random()
        if share > 0:  # variance-preserving, as in continuous audio language models (Rouard et al. 2025)
            disturbance = rng.standard_normal(clean.shape, dtype=np.float32)
            values[:, transform.patch_size :] = np.sqrt(1 - share) * clean + np.sqrt(share) * disturbance

        return {
            "input_values": values,
            "channel_positions": positions.astype(np.float32),
            "attention_mask": np.ones(1 + self.n_patches, dtype=np.int64),
            "calibration": innovation.calibration,
            "condition_ids": self._condition_ids(row, start, rng),
            "labels": labels,
            "noise": rng.standard_normal((len(values), (1 + self.n_patches) * config.noise_size), dtype=np.float32),
            "flow_time": rng.random(1 + self.n_patches, dtype=np.float32),
        }

    def _by_another_amplifier(
        self, signal: np.ndarray, positions: np.ndarray, channels: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Changes a recording as another amplifier might have recorded it, and chooses the channels of the crop.

        Args:
            signal: Signal `(all channels, times)` in microvolts; a reference may need all of them.
            positions: Positions `(all channels, 6)`.
            channels: Channels of the crop if the reference is not changed; otherwise only their number counts.
            rng: Random generator.
        """
        config = self.config
        changed = None
        if rng.random() < config.reference_probability:
            changed = rereference(signal.astype(np.float64), positions, str(rng.choice(REFERENCES)))
        if changed is None:
            signal, positions = signal[channels].astype(np.float64), positions[channels]
        else:
            chosen = rng.permutation(len(changed[0]))[: len(channels)]
            signal, positions = changed[0][chosen], changed[1][chosen]
        if rng.random() < config.filter_probability:
            signal = filter_as_amplifier(signal, self.patches_per_second * self.transform.patch_size, rng)
        return signal * np.exp(rng.uniform(-1, 1) * np.log(config.gain)), positions

    def _n_channels(self, n_chans: int, montage: np.random.Generator) -> int:
        """Draws the number of channels of a crop, which is at most the number of channels of the recording."""
        config = self.config
        if montage.random() < config.full_montage_probability:
            return min(n_chans, config.max_channels)
        log_range = np.log([config.min_channels, config.max_channels + 1])
        return min(n_chans, int(np.exp(montage.uniform(log_range[0], log_range[1], size=2).max())))

    def _n_history(self, rng: np.random.Generator, start: int) -> int:
        """Draws the number of patches before sample `start` that are also used for calibration."""
        longest = self.config.max_history_seconds * self.patches_per_second
        return min(start // self.transform.patch_size, int(np.exp(rng.uniform(0, np.log1p(longest)))) - 1)

    def _condition_ids(self, row: pa.Table, start: int, rng: np.random.Generator) -> np.ndarray:
        """Returns for each position the condition of the patch that it predicts.

        The last position predicts the patch after the crop.
        """
        conditions = row["conditions"].chunk(0).flatten().to_numpy()
        patch_size = self.transform.patch_size
        middles = start + self.transform.n_memory + patch_size * np.arange(1 + self.n_patches) + patch_size // 2
        ids = conditions[np.minimum(middles // patch_size, len(conditions) - 1)].astype(np.int64)
        return np.zeros_like(ids) if rng.random() < self.config.condition_dropout else ids


class RandomCrops(Dataset):
    """A list of random crops of the segments of one corpus.

    Args:
        segments: One split of the prepared segments.
        extractor: Feature extractor that converts microvolts to the innovation space.
        config: Settings for drawing crops.
        n_crops: Number of crops in the list.
        seed: Seed of the random numbers; each seed gives another list.

    Raises:
        ValueError: No segment is as long as a crop, or all conditions in the segments have weight 0.
    """

    def __init__(
        self,
        segments: datasets.Dataset,
        extractor: GETFeatureExtractor,
        config: CropConfig,
        n_crops: int,
        seed: int,
    ):
        self.config = config
        self.n_crops = n_crops
        self.seed = seed
        # rows in Arrow format are views of the memory map; every other format would copy whole segments
        self.segments = segments.select_columns(COLUMNS).with_format("arrow")
        named = ["n_times", "sampling_rate", "conditions", "subject"]
        columns = segments.select_columns(named).with_format("numpy")[:]
        rate = float(columns["sampling_rate"][0]) if len(segments) else 0.0
        self.cropper = Cropper(extractor, config, rate)
        n_starts = np.maximum(0, np.asarray(columns["n_times"], dtype=np.int64) - self.cropper.n_times + 1)
        if not n_starts.any():
            longest = max(columns["n_times"], default=0) / max(rate, 1.0)
            raise ValueError(
                f"no segment is as long as a crop of {config.crop_seconds} s: the longest of {len(segments)} "
                f"is {longest:.1f} s; shorten crop_seconds or give longer recordings."
            )
        weights = n_starts * np.array([self.cropper.weight(ids) for ids in columns["conditions"]])
        of_people = np.unique(np.asarray(columns["subject"])[weights > 0], return_inverse=True)
        #: Number of people of whom there are crops.
        self.n_people = len(of_people[0])
        if config.equal_people:
            weights[weights > 0] /= np.bincount(of_people[1], weights[weights > 0])[of_people[1]]
        cumulative = np.cumsum(weights)
        if cumulative[-1] <= 0:
            raise ValueError(
                "every segment has weight 0: give a positive weight in condition_weights to a condition that occurs."
            )
        self.cumulative_weight = cumulative / cumulative[-1]

    def __len__(self) -> int:
        return self.n_crops

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        """Crop number `index`; see `Cropper.crop`."""
        index = range(self.n_crops)[index]
        rng = np.random.default_rng([self.seed, index])
        row = self.segments[int(np.searchsorted(self.cumulative_weight, rng.random(), side="right"))]
        montage = np.random.default_rng([self.seed, index // self.config.same_montage_size, 1])
        return self.cropper.crop(row, rng, montage)


class MixedCrops(Dataset):
    """A list of random crops of several corpora; the corpus of each crop is chosen at random with given weights.

    Consecutive crops that should have the same number of channels come from the same corpus, so that a batch needs
    little padding.

    Args:
        crops: Crops of each corpus, as lists of equal length with the same settings and the same seed.
        weights: Weight of each corpus. The probability that a crop comes from a corpus is proportional to its weight,
            or with `equal_people` to its weight times the number of its people.
    """

    def __init__(self, crops: Sequence[RandomCrops], weights: Sequence[float]):
        self.crops = list(crops)
        people = [each.n_people if each.config.equal_people else 1 for each in crops]
        cumulative = np.cumsum(np.array(weights) * people)
        self.cumulative_weight = cumulative / cumulative[-1]

    def __len__(self) -> int:
        return len(self.crops[0])

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        """Crop number `index`; see `Cropper.crop`."""
        first = self.crops[0]
        index = range(len(self))[index]
        rng = np.random.default_rng([first.seed, index // first.config.same_montage_size, 2])
        return self.crops[int(np.searchsorted(self.cumulative_weight, rng.random(), side="right"))][index]


def _floats(row, column: str) -> np.ndarray:
    """Returns the list of floats in a column of an Arrow table with one row, as a view."""
    return row[column].chunk(0).flatten().to_numpy()


def collate_crops(crops: Sequence[Mapping[str, np.ndarray]]) -> dict[str, torch.Tensor]:
    """Stacks crops into a batch; crops with fewer channels are padded with channels of zeros.

    Args:
        crops: Results of `Cropper.crop`, all of the same length.

    Returns:
        Dictionary with the keys of the crops, in which each tensor has a leading batch axis. The additional key
        `channel_mask` (batch, channels) is 1 for real channels and 0 for padding.
    """
    n_chans = [len(crop["channel_positions"]) for crop in crops]
    batch = {}
    for key in crops[0]:
        if crops[0][key].ndim == 1:
            batch[key] = np.stack([crop[key] for crop in crops])
            continue
        batch[key] = np.zeros((len(crops), max(n_chans), crops[0][key].shape[1]), dtype=np.float32)
        for item, crop in zip(batch[key], crops, strict=True):
            item[: len(crop[key])] = crop[key]
    batch["channel_mask"] = (np.arange(max(n_chans)) < np.array(n_chans)[:, None]).astype(np.int64)
    return {key: torch.from_numpy(value) for key, value in batch.items()}
