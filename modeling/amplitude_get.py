# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What the flow draws of a patch: how strong each of its bands is, and how it runs.

EEG in the innovation space is Gaussian noise whose strength changes from patch to patch, in some bands more than in
others: alpha bursts, muscle. A flow from Gaussian noise comes to such heavy tails only through a very steep
map. So the strength is made a variable of its own: for each band b of neighbouring coefficients of a patch z

    l_b = log((mean of z_b^2 + FLOOR) / (1 + FLOOR)) / 2 + DITHER * n,   n ~ N(0, 1)
    w   = (z_b * exp(-l_b), l_b / SCALE)                                 for all b

and w, in which nothing is heavy any more, is what the flow draws; z_b = w_b * exp(l_b) follows. The dither makes a
density of what would else be a surface, so that likelihoods exist; by Jensen's inequality, with q the normal density
of the dither,

    -log p(z) <= E[-log p(w)] + sum over b of (size of b * l_b + log SCALE) - entropy of q.

All noise a patch needs, that of the flow and the dither, comes as one array: `noise_size` numbers per channel.
"""

import math
from collections.abc import Sequence

import torch

#: Strength at which silence is taken to be, against 1: keeps the logarithm of few coefficients from running away.
FLOOR = 0.3
#: Standard deviation of the dither of the logarithm of an amplitude.
DITHER = 0.1
#: What the logarithm of an amplitude is divided by; near its standard deviation in EEG.
SCALE = 0.3
#: How much more the error of an amplitude counts in training than that of a coefficient of the course does on average:
#: of the latter there are many, and next to nothing about them can be foretold.
WEIGHT = 4.0
#: Index of the coefficient whose error counts half as much as that of coefficient 0 (at 8 Hz, where patches have 250
#: ms): the slower, the stronger in microvolts, and the more there is to foretell.
HALF_WEIGHT = 4.0
#: Largest logarithm of an amplitude that is generated, three and a half times the usual one: at most one in a thousand
#: of real ones is larger (EEGMMIDB).
LARGEST = 1.25


def split_amplitude(patch: torch.Tensor, dither: torch.Tensor, bands: Sequence[int]) -> torch.Tensor:
    """Takes a patch to what the flow draws.

    Args:
        patch: `(..., patch_size)` in the innovation space.
        dither: `(..., bands)`, standard normal.
        bands: Coefficients in each band, from the lowest on; none: the patch is drawn as it is.

    Returns:
        `(..., patch_size + bands)`.
    """
    if not bands:
        return patch
    parts = patch.split(list(bands), dim=-1)
    power = torch.stack([part.square().mean(-1) for part in parts], dim=-1)
    amplitude = ((power + FLOOR) / (1 + FLOOR)).log() / 2 + DITHER * dither
    return torch.cat((patch * _spread(-amplitude, bands), amplitude / SCALE), dim=-1)


def join_amplitude(drawn: torch.Tensor, bands: Sequence[int]) -> torch.Tensor:
    """Takes what the flow drew, `(..., patch_size + bands)`, to a patch `(..., patch_size)`."""
    if not bands:
        return drawn
    course, amplitude = drawn.split([sum(bands), len(bands)], dim=-1)
    return course * _spread(SCALE * amplitude, bands)


def bound_amplitude(drawn: torch.Tensor, bands: Sequence[int]) -> torch.Tensor:
    """Bounds the amplitudes of what the flow drew, `(..., patch_size + bands)`.

    A network believes that what is loud goes on. What is louder than anything it has heard would go on without end.
    """
    if not bands:
        return drawn
    course, amplitude = drawn.split([sum(bands), len(bands)], dim=-1)
    return torch.cat((course, amplitude.clamp(max=LARGEST / SCALE)), dim=-1)


def log_volume(drawn: torch.Tensor, bands: Sequence[int]) -> torch.Tensor:
    """What the density of `drawn`, `(..., patch_size + bands)`, loses on the way to that of the patch, in nats."""
    if not bands:
        return drawn.new_zeros(drawn.shape[:-1])
    sizes = torch.tensor(list(bands), device=drawn.device, dtype=drawn.dtype)
    entropy = math.log(DITHER) + math.log(2 * math.pi * math.e) / 2
    return (sizes * SCALE * drawn[..., -len(bands) :]).sum(-1) + len(bands) * (math.log(SCALE) - entropy)


def error_weights(course: int, amplitudes: int) -> torch.Tensor:
    """What the error of each number that the flow draws counts in training, `(course + amplitudes,)`, 1 on average.

    The velocity that is best for each number by itself is the same for all weights.
    """
    slow_first = 1 / (1 + torch.arange(course) / HALF_WEIGHT)
    weights = torch.cat([slow_first / slow_first.mean(), torch.full([amplitudes], WEIGHT)])
    return weights / weights.mean()


def _spread(amplitude: torch.Tensor, bands: Sequence[int]) -> torch.Tensor:
    """The factor of each coefficient, `(..., patch_size)`, of log amplitudes `(..., bands)`."""
    sizes = torch.tensor(list(bands), device=amplitude.device)
    return amplitude.exp().repeat_interleave(sizes, dim=-1, output_size=sum(bands))
