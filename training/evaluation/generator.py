# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""A checkpoint of GET as a generator for the evaluation."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from math import ceil
from pathlib import Path

import numpy as np
import psutil
import torch
from rich.console import Console
from rich.progress import Progress
from transformers.generation.streamers import BaseStreamer

from get_hf.modeling.modeling_get import GETModel
from get_hf.processing.feature_extraction_get import EEGFeatures, GETFeatureExtractor

from .recordings import SAMPLING_RATE


class GETGenerator:
    """A checkpoint as a generator for `compare`.

    Args:
        checkpoint: Folder with the model's and the feature extractor's files.
        batch_size: Number of prompts in a batch.
        seed: Seed of the sampling.
        device: Device that generates; None: a CUDA GPU where there is one, else the CPU.
        generate_options: Options of `GETModel.generate`, such as `num_flow_steps=` or `temperature=`.

    Attributes:
        pace: Two ratios of the last call, if it was long enough. "cost": seconds per patch in the last tenth of the
            patches over seconds per patch in the second tenth. "memory": memory of the process without the generated
            patches, at the end over its value after the second tenth.
    """

    def __init__(
        self,
        checkpoint: str | Path,
        batch_size: int = 30,
        seed: int = 0,
        device: str | None = None,
        **generate_options,
    ):
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.model = GETModel.from_pretrained(checkpoint).eval().to(self.device)
        self.extractor = GETFeatureExtractor.from_pretrained(checkpoint)
        self.batch_size, self.seed, self.generate_options = batch_size, seed, generate_options
        self.pace: dict[str, float] = {}

    def __call__(
        self,
        prompts: np.ndarray,
        ch_names: Sequence[str],
        n_times: int,
        conditions: Sequence[tuple[str, str]] | None = None,
    ) -> np.ndarray:
        """Continues prompts.

        Args:
            prompts: `(items, channels, times)` in microvolts at 100 Hz, as the extractor's `clean` leaves them.
            ch_names: Name of each channel.
            n_times: Samples to generate.
            conditions: For each prompt, its condition and the condition that follows. "none", or a condition that
                was not in training, gives the model no condition.

        Returns:
            The continuations alone, `(items, channels, n_times)` in microvolts.
        """
        drawn = self.draw(prompts, ch_names, n_times, conditions)
        return np.concatenate([self.decode(*batch, n_times) for batch in drawn])

    def from_nothing(
        self, ch_names: Sequence[str], n_times: int, conditions: Sequence[str], people: Sequence[int | None]
    ) -> np.ndarray:
        """Generates EEG without a prompt.

        Args:
            ch_names: Channels to generate.
            n_times: Samples to generate.
            conditions: Condition of each item; "none" gives the model no condition.
            people: Number of the virtual person of each item; None is the average person.

        Returns:
            `(items, channels, n_times)` in microvolts.
        """
        drawn = self.draw_unprompted(ch_names, n_times, conditions, people)
        return np.concatenate([self.decode(*batch, n_times) for batch in drawn])

    def draw(
        self,
        prompts: np.ndarray,
        ch_names: Sequence[str],
        n_times: int,
        conditions: Sequence[tuple[str, str]] | None = None,
    ) -> Iterator[tuple[torch.Tensor, EEGFeatures]]:
        """Draws patches for prompts, batch by batch, with the features that `decode` needs; see `__call__`."""
        pairs = [("none", "none")] * len(prompts) if conditions is None else list(conditions)
        batches = [slice(start, start + self.batch_size) for start in range(0, len(prompts), self.batch_size)]
        features = (self.features(prompts[batch], ch_names, pairs[batch]) for batch in batches)
        return self._draw(features, len(batches), n_times)

    def draw_unprompted(
        self, ch_names: Sequence[str], n_times: int, conditions: Sequence[str], people: Sequence[int | None]
    ) -> Iterator[tuple[torch.Tensor, EEGFeatures]]:
        """Draws patches without prompts; see `draw` and `unprompted`."""
        n_batches = ceil(len(conditions) / self.batch_size)
        return self._draw(self.unprompted(ch_names, conditions, people), n_batches, n_times)

    def unprompted(
        self, ch_names: Sequence[str], conditions: Sequence[str], people: Sequence[int | None]
    ) -> Iterator[EEGFeatures]:
        """Model inputs without prompts, batch by batch; see `from_nothing` for the arguments."""
        for start in range(0, len(conditions), self.batch_size):
            batch = slice(start, start + self.batch_size)
            yield features_of_nothing(self.extractor, ch_names, conditions[batch], people[batch])

    def _draw(
        self, batches: Iterable[EEGFeatures], n_batches: int, n_times: int
    ) -> Iterator[tuple[torch.Tensor, EEGFeatures]]:
        """Continues the inputs of each batch, and sets `pace`."""
        n_patches = ceil(n_times / self.model.config.patch_size)
        source = torch.Generator().manual_seed(self.seed)
        with Progress(
            console=Console(stderr=True), transient=True, disable=not Console(stderr=True).is_terminal
        ) as bar:
            pace = _Pace(bar, n_batches * n_patches)
            for features in batches:
                with torch.inference_mode():
                    generated = self.model.generate(
                        **features.to(self.device),
                        max_new_tokens=n_patches,
                        generator=source,
                        streamer=pace,
                        **self.generate_options,
                    )
                yield generated.cpu(), features
        self.pace = pace.ratios()

    def decode(self, generated: torch.Tensor, features: EEGFeatures, n_times: int) -> np.ndarray:
        """Decodes a batch of `draw` to continuations `(items, channels, n_times)` in microvolts."""
        continuations = self.extractor.decode(generated, features, output="array", include_prompt=False)
        return np.stack([x[:, :n_times] for x in continuations])

    def features(self, prompts: np.ndarray, ch_names: Sequence[str], pairs: Sequence[tuple[str, str]]) -> EEGFeatures:
        """Model inputs for prompts; see `__call__`, where `pairs` are the conditions."""
        return features_of_prompts(self.extractor, prompts, ch_names, pairs)


def features_of_prompts(
    extractor: GETFeatureExtractor, prompts: np.ndarray, ch_names: Sequence[str], pairs: Sequence[tuple[str, str]]
) -> EEGFeatures:
    """Model inputs for prompts.

    Args:
        extractor: Feature extractor of the model.
        prompts: `(items, channels, times)` in microvolts at 100 Hz, as the extractor's `clean` leaves them.
        ch_names: Name of each channel.
        pairs: For each prompt, its condition and the condition that follows; see `GETGenerator.__call__`.
    """
    before, after = ([_known(extractor, name) for name in names] for names in zip(*pairs, strict=True))
    return extractor(prompts, SAMPLING_RATE, list(ch_names), "uV", before, next_condition=after, band_limited=True)


def features_of_nothing(
    extractor: GETFeatureExtractor, ch_names: Sequence[str], conditions: Sequence[str], people: Sequence[int | None]
) -> EEGFeatures:
    """Model inputs without prompts; see `GETGenerator.from_nothing` for the arguments."""
    return extractor(
        ch_names=list(ch_names),
        sampling_rate=SAMPLING_RATE,
        condition=[_known(extractor, name) for name in conditions],
        person=list(people),
    )


def _known(extractor: GETFeatureExtractor, condition: str) -> str:
    """The condition for the model; "none" for a condition that was not in training."""
    return condition if condition in extractor.vocabulary.heard else "none"


class _Pace(BaseStreamer):
    """Advances a progress bar by patches, and records time and memory at each patch."""

    def __init__(self, bar: Progress, n_patches: int):
        self.bar, self.task = bar, bar.add_task("generating", total=n_patches)
        self.process = psutil.Process()
        self.moments: list[float] = []
        self.memory: list[float] = []
        self.n_bytes, self.is_prompt = 0, True

    def put(self, value: torch.Tensor) -> None:
        """Receives the prompt, which starts the records of a batch, then one patch at a time."""
        if self.is_prompt:
            self.moments, self.memory, self.n_bytes = [time.perf_counter()], [], 0
        else:
            self.moments.append(time.perf_counter())
            self.n_bytes += value.numel() * value.element_size()
            self.memory.append(self.process.memory_info().rss - self.n_bytes)
            self.bar.advance(self.task)
        self.is_prompt = False

    def end(self) -> None:
        """Expects the prompt of another batch next."""
        self.is_prompt = True

    def ratios(self) -> dict[str, float]:
        """Ratios of end to start in the last batch; empty where the batch was too short."""
        seconds = np.diff(self.moments)
        tenth = len(seconds) // 10
        if tenth < 8:
            return {}
        # 25th percentile, because other processes interrupt; without the first tenth, while the attention window fills
        first, last = (np.percentile(part, 25) for part in (seconds[tenth : 2 * tenth], seconds[-tenth:]))
        return {"cost": float(last / first), "memory": self.memory[-1] / self.memory[2 * tenth]}
