# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Draws the noise from which patches are generated.

With the same noise, the continuations of two people would be nearly the same. So each row has its own integer, which
the feature extractor computes from the recording. The noise of a patch is computed from this integer and from a second
integer, which the caller's generator draws for the patch. The noise of a row does not depend on the other rows of the
batch, on the device, or on the number of padded channels.
"""

import torch

_ALL_BITS = 2**64 - 1


class PatchNoise:
    """Source of the Gaussian noise in one call of `generate`.

    The noise is drawn on the device of the caller's generator. Without a generator, it is drawn on the CPU, so that a
    seed gives the same noise for a model on any device.

    Args:
        like: Tensor with the number of rows, the device and the type that the noise will have.
        generator: The caller's generator. None: the global generator.
        seeds: One integer for each row, `(rows,)`. None: the noise depends on the generator alone, and all rows are
            drawn from one sequence.
        n_copies: Number of neighbouring rows that continue the same recording, each with different noise.
        channel_mask: `(rows, channels)`, 0 where there is no channel. Padding after the last channel has no effect.

    Raises:
        ValueError: There are more or fewer seeds than rows.
    """

    def __init__(
        self,
        like: torch.Tensor,
        generator: torch.Generator | None = None,
        seeds: torch.Tensor | None = None,
        n_copies: int = 1,
        channel_mask: torch.Tensor | None = None,
    ):
        self.like, self.generator = like, generator
        self.device = "cpu" if generator is None else generator.device
        self.seeds = self.n_chans = None
        if seeds is None:
            return
        if seeds.shape != like.shape[:1]:
            raise ValueError(
                f"noise_seed {tuple(seeds.shape)} must hold one integer for each of the {len(like)} recordings in "
                "input_values: pass both as the feature extractor returned them."
            )
        self.seeds = [mixed(seed, row % n_copies) for row, seed in enumerate(seeds.tolist())]
        if channel_mask is not None:
            last_first = channel_mask.bool().flip(1).int()
            self.n_chans = (channel_mask.shape[1] - last_first.argmax(1)).tolist()
        self._of_row = torch.Generator()

    def draw(self, n_chans: int, size: int, scale: float = 1.0, n_shared: int = 0) -> torch.Tensor:
        """Returns the noise of a patch, `(rows, n_chans + n_shared, size)`.

        Args:
            n_chans: Number of channels.
            size: Number of values per channel.
            scale: Standard deviation. With 0, the result is zero, and the generator is not used.
            n_shared: Number of additional channels, for noise that all channels of a row share.
        """
        shape = (len(self.like), n_chans + n_shared, size)
        if scale == 0.0:
            return self.like.new_zeros(shape)
        if self.seeds is None:
            noise = torch.randn(shape, generator=self.generator, device=self.device, dtype=torch.float32)
        else:
            moment = int(torch.randint(2**63 - 1, (), generator=self.generator, device=self.device))
            noise = torch.zeros(shape)
            for row, seed in enumerate(self.seeds):
                own = n_chans if self.n_chans is None else self.n_chans[row]
                self._of_row.manual_seed(mixed(moment, seed))
                drawn = torch.randn(own + n_shared, size, generator=self._of_row)
                noise[row, :own], noise[row, n_chans:] = drawn[:own], drawn[own:]
        return (scale * noise).to(self.like)


def mixed(*numbers: int) -> int:
    """Mixes integers into one from 0 to 2^63 - 1; each bit depends on all inputs (SplitMix64, Steele et al. 2014)."""
    state = 0
    for number in numbers:
        state = ((state ^ number) + 0x9E3779B97F4A7C15) & _ALL_BITS
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _ALL_BITS
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _ALL_BITS
        state ^= state >> 31
    return state >> 1
