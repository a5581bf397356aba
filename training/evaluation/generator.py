# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""A checkpoint of GET as a generator that the evaluation can judge like any other."""

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
        batch_size: Prompts continued at once.
        seed: Of the sampling.
        device: Where the model generates; None: a GPU of CUDA where there is one.
        generate_options: For `GETModel.generate`, such as `num_flow_steps=` or `temperature=`.

    Attributes:
        pace: Of the last call, if it was long enough to tell: "cost", seconds per patch in its last tenth over those
            in its second; "memory" of the process, less what was generated, at the end over that after this tenth.
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
            ch_names: Per channel.
            n_times: Samples to generate.
            conditions: Per prompt, what it holds and what is to follow; "none" is not told, nor what the model never
                heard in training.

        Returns:
            The continuations alone, `(items, channels, n_times)` in microvolts.
        """
        drawn = self.draw(prompts, ch_names, n_times, conditions)
        return np.concatenate([self.decode(*batch, n_times) for batch in drawn])

    def from_nothing(
        self, ch_names: Sequence[str], n_times: int, conditions: Sequence[str], people: Sequence[int | None]
    ) -> np.ndarray:
        """Makes EEG without a prompt.

        Args:
            ch_names: Channels to make.
            n_times: Samples.
            conditions: Per item; "none" is not told.
            people: Per item, the number of the person imagined; None is the average one.

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
        """What the model draws for prompts, batch by batch, with what `decode` needs besides; see `__call__`."""
        pairs = [("none", "none")] * len(prompts) if conditions is None else list(conditions)
        batches = [slice(start, start + self.batch_size) for start in range(0, len(prompts), self.batch_size)]
        features = (self.features(prompts[batch], ch_names, pairs[batch]) for batch in batches)
        return self._draw(features, len(batches), n_times)

    def draw_unprompted(
        self, ch_names: Sequence[str], n_times: int, conditions: Sequence[str], people: Sequence[int | None]
    ) -> Iterator[tuple[torch.Tensor, EEGFeatures]]:
        """What the model draws from nothing, see `draw` and `unprompted`."""
        n_batches = ceil(len(conditions) / self.batch_size)
        return self._draw(self.unprompted(ch_names, conditions, people), n_batches, n_times)

    def unprompted(
        self, ch_names: Sequence[str], conditions: Sequence[str], people: Sequence[int | None]
    ) -> Iterator[EEGFeatures]:
        """What the model takes, batch by batch, to make an item in each condition ("none" is not told) of a person."""
        for start in range(0, len(conditions), self.batch_size):
            batch = slice(start, start + self.batch_size)
            yield self.extractor(
                ch_names=list(ch_names),
                sampling_rate=SAMPLING_RATE,
                condition=[self._told(name) for name in conditions[batch]],
                person=list(people[batch]),
            )

    def _draw(
        self, batches: Iterable[EEGFeatures], n_batches: int, n_times: int
    ) -> Iterator[tuple[torch.Tensor, EEGFeatures]]:
        """Continues each prompt of each batch."""
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
        """The continuations `(items, channels, n_times)` in microvolts of a batch of `draw`."""
        made = self.extractor.decode(generated, features, output="array", include_prompt=False)
        return np.stack([x[:, :n_times] for x in made])

    def features(self, prompts: np.ndarray, ch_names: Sequence[str], pairs: Sequence[tuple[str, str]]) -> EEGFeatures:
        """Prompts as the model takes them; see `__call__`, `pairs` being conditions."""
        before, after = ([self._told(name) for name in names] for names in zip(*pairs, strict=True))
        return self.extractor(
            prompts, SAMPLING_RATE, list(ch_names), "uV", before, next_condition=after, band_limited=True
        )

    def _told(self, condition: str) -> str:
        """What the model is told of a condition: nothing where it never heard of it."""
        return condition if condition in self.extractor.vocabulary.heard else "none"


class _Pace(BaseStreamer):
    """Moves a bar by patches, and notes when each came and what memory was held then."""

    def __init__(self, bar: Progress, n_patches: int):
        self.bar, self.task = bar, bar.add_task("generating", total=n_patches)
        self.process = psutil.Process()
        self.moments: list[float] = []
        self.memory: list[float] = []
        self.n_bytes, self.is_prompt = 0, True

    def put(self, value: torch.Tensor) -> None:
        """Takes the prompt, which counts for nothing, then one patch at a time."""
        if self.is_prompt:
            self.moments, self.memory, self.n_bytes = [time.perf_counter()], [], 0
        else:
            self.moments.append(time.perf_counter())
            self.n_bytes += value.numel() * value.element_size()
            self.memory.append(self.process.memory_info().rss - self.n_bytes)
            self.bar.advance(self.task)
        self.is_prompt = False

    def end(self) -> None:
        """Another batch may follow."""
        self.is_prompt = True

    def ratios(self) -> dict[str, float]:
        """End over start of the last batch; nothing where it was too short to tell."""
        seconds = np.diff(self.moments)
        tenth = len(seconds) // 10
        if tenth < 8:
            return {}
        # the quicker quarter: other processes interrupt; not the first patches, while the window of attention fills
        first, last = (np.percentile(part, 25) for part in (seconds[tenth : 2 * tenth], seconds[-tenth:]))
        return {"cost": float(last / first), "memory": self.memory[-1] / self.memory[2 * tenth]}
