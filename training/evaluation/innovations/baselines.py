# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""GET without its network: other innovations in the place of the network's, the same filters and the same decoding.

What the network is worth is what it does better than these. Each is a generator for `compare`.

- `White`: independent noise.
- `Playback`: noise with the amplitudes of the prompt, per patch, band and channel.
- `Replay`: the innovations of the prompt, in blocks of 2 s in random order. It copies, so it shows what a prompt can
  tell, and does not compete.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil

import numpy as np

from get_hf.processing.features_get import EEGFeatures
from get_hf.training.evaluation.generator import features_of_nothing
from get_hf.training.evaluation.recordings import SAMPLING_RATE

from .filters import PromptFilters

#: Upper ends in Hz of the bands in which amplitudes are measured; the last band ends at half the sampling rate.
BAND_ENDS = (8.0, 13.0, 20.0, 30.0)
#: Length of a block in seconds.
BLOCK_SECONDS = 2.0


class WithoutNetwork:
    """A generator that draws innovations without a network.

    Args:
        filters: Filters of the prompts.
        seed: Seed of the noise and of the random order.
    """

    def __init__(self, filters: PromptFilters, seed: int = 0):
        self.filters, self.seed = filters, seed

    def __call__(
        self,
        prompts: np.ndarray,
        ch_names: Sequence[str],
        n_times: int,
        conditions: Sequence[tuple[str, str]] | None = None,
    ) -> np.ndarray:
        """Continues prompts `(items, channels, times)` in microvolts by `(items, channels, n_times)`."""
        pairs = [("none", "none")] * len(prompts) if conditions is None else list(conditions)
        return self._decoded(self.filters.features(prompts, ch_names, pairs), n_times)

    def _decoded(self, features: EEGFeatures, n_times: int) -> np.ndarray:
        """Draws innovations for each item of features, and decodes `(items, channels, n_times)` in microvolts."""
        rng = np.random.default_rng(self.seed)
        n_patches = ceil(n_times / self.filters.patch_size)
        drawn = [self.draw(own, n_patches, rng) for own in self.filters.innovations(features)]
        return self.filters.decode(drawn, features, n_times)

    def draw(self, prompt: np.ndarray, n_patches: int, rng: np.random.Generator) -> np.ndarray:
        """Draws innovations `(channels, n_patches, patch_size)` after those of a prompt."""
        raise NotImplementedError


class White(WithoutNetwork):
    """Independent noise through the filters of the prompt."""

    def draw(self, prompt: np.ndarray, n_patches: int, rng: np.random.Generator) -> np.ndarray:
        """See `WithoutNetwork`."""
        return rng.standard_normal((len(prompt), n_patches, prompt.shape[-1]))

    def from_nothing(
        self, ch_names: Sequence[str], n_times: int, conditions: Sequence[str], people: Sequence[int | None]
    ) -> np.ndarray:
        """Noise through the filters of virtual people, `(items, channels, n_times)` in microvolts."""
        return self._decoded(features_of_nothing(self.filters.extractor, ch_names, conditions, people), n_times)


class Playback(WithoutNetwork):
    """Noise with the amplitudes of the prompt, played in blocks of 2 s in random order."""

    def draw(self, prompt: np.ndarray, n_patches: int, rng: np.random.Generator) -> np.ndarray:
        """See `WithoutNetwork`."""
        # the amplitudes of the prompt relative to its mean, because noise of a smaller variance would be too quiet
        relative = prompt / np.sqrt((prompt**2).mean())
        return with_amplitudes(rng, blocks_in_random_order(relative, n_patches, rng))


class Replay(WithoutNetwork):
    """The innovations of the prompt, in blocks of 2 s in random order."""

    def draw(self, prompt: np.ndarray, n_patches: int, rng: np.random.Generator) -> np.ndarray:
        """See `WithoutNetwork`."""
        return blocks_in_random_order(prompt, n_patches, rng)


def blocks_in_random_order(
    innovations: np.ndarray, n_patches: int, rng: np.random.Generator, seconds: float = BLOCK_SECONDS
) -> np.ndarray:
    """Puts blocks of innovations in a random order, all of them before any is repeated.

    Args:
        innovations: `(channels, patches, patch_size)`. A remainder at the beginning that is shorter than a block is
            left out. If all is shorter than a block, all is one block.
        n_patches: Number of patches of the result.
        rng: Source of the order.
        seconds: Length of a block.

    Returns:
        `(channels, n_patches, patch_size)`.
    """
    n_own, size = innovations.shape[1:]
    n = min(max(1, round(seconds * SAMPLING_RATE / size)), n_own)
    blocks = np.arange(n_own % n, n_own).reshape(-1, n)
    order = [block for _ in range(ceil(n_patches / blocks.size)) for block in rng.permutation(blocks)]
    return innovations[:, np.concatenate(order)[:n_patches]]


def band_groups(patch_size: int) -> list[slice]:
    """Coefficients of each band: coefficient k of a patch is at k / 2 cycles per patch."""
    edges = [0, *(min(patch_size, round(2 * end * patch_size / SAMPLING_RATE)) for end in BAND_ENDS), patch_size]
    return [slice(a, b) for a, b in pairwise(edges) if b > a]


def amplitudes(innovations: np.ndarray) -> np.ndarray:
    """Root mean square of each patch, band and channel, at each coefficient; the same shape."""
    out = np.empty_like(innovations)
    for band in band_groups(innovations.shape[-1]):
        out[..., band] = np.sqrt((innovations[..., band] ** 2).mean(axis=-1, keepdims=True))
    return out


def with_amplitudes(rng: np.random.Generator, innovations: np.ndarray) -> np.ndarray:
    """Noise that has the amplitudes of innovations in each patch, band and channel, and nothing else of them."""
    noise = rng.standard_normal(innovations.shape)
    return noise * amplitudes(innovations) / amplitudes(noise)
