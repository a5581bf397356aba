# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The variables that the flow draws for a patch: the strength of each of its bands, and the waveform.

EEG in the innovation space is Gaussian noise whose strength changes from patch to patch, in some bands more than in
others: alpha bursts, muscle. A flow from Gaussian noise reaches such heavy tails only through a very steep map. So the
strength is a variable of its own. For each band b of neighbouring coefficients of a patch z

    l_b = log((mean of z_b^2 + FLOOR) / (1 + FLOOR)) / 2 + DITHER * n,   n ~ N(0, 1)
    w   = (z_b * exp(-l_b), l_b / SCALE)                                 for all b

The flow draws w, which has no heavy tails, and z_b = w_b * exp(l_b) follows. Without the dither, w would lie on a
surface and have no density. With the dither likelihoods exist. By Jensen's inequality, with q the normal density of
the dither,

    -log p(z) <= E[-log p(w)] + sum over b of (size of b * l_b + log SCALE) - entropy of q.

One array holds all noise of a patch, for the flow and for the dither: `noise_size` numbers per channel.
"""

import math
from collections.abc import Sequence

import torch

#: Power added to the mean power of a band, relative to 1: it keeps the logarithm bounded for few coefficients.
FLOOR = 0.3
#: Standard deviation of the dither of the logarithm of an amplitude.
DITHER = 0.1
#: Divisor of the logarithm of an amplitude; near its standard deviation in EEG.
SCALE = 0.3
#: Weight of the error of an amplitude in training, relative to the mean weight of a coefficient of the waveform:
#: there are many such coefficients, and hardly anything about them can be predicted.
WEIGHT = 4.0
#: Index of the coefficient whose error counts half as much as the error of coefficient 0 (8 Hz in patches of 250 ms):
#: slow coefficients are stronger in microvolts, and more of them can be predicted.
HALF_WEIGHT = 4.0
#: Largest logarithm of an amplitude that is generated, for three and a half times the usual amplitude: at most one in
#: a thousand real amplitudes is larger (EEGMMIDB).
LARGEST = 1.25


def split_amplitude(patch: torch.Tensor, dither: torch.Tensor, bands: Sequence[int]) -> torch.Tensor:
    """Converts a patch to the variables that the flow draws.

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
    """Converts the variables that the flow drew, `(..., patch_size + bands)`, to a patch `(..., patch_size)`."""
    if not bands:
        return drawn
    course, amplitude = drawn.split([sum(bands), len(bands)], dim=-1)
    return course * _spread(SCALE * amplitude, bands)


def bound_amplitude(drawn: torch.Tensor, bands: Sequence[int]) -> torch.Tensor:
    """Bounds the amplitudes among the variables that the flow drew, `(..., patch_size + bands)`.

    A network predicts that a loud signal stays loud. A signal louder than all training data would stay so without end.
    """
    if not bands:
        return drawn
    course, amplitude = drawn.split([sum(bands), len(bands)], dim=-1)
    return torch.cat((course, amplitude.clamp(max=LARGEST / SCALE)), dim=-1)


def log_volume(drawn: torch.Tensor, bands: Sequence[int]) -> torch.Tensor:
    """Log-density of `drawn`, `(..., patch_size + bands)`, minus the bound on the patch's log-density, in nats."""
    if not bands:
        return drawn.new_zeros(drawn.shape[:-1])
    sizes = torch.tensor(list(bands), device=drawn.device, dtype=drawn.dtype)
    entropy = math.log(DITHER) + math.log(2 * math.pi * math.e) / 2
    return (sizes * SCALE * drawn[..., -len(bands) :]).sum(-1) + len(bands) * (math.log(SCALE) - entropy)


def error_weights(course: int, amplitudes: int) -> torch.Tensor:
    """Training weight of the error of each number that the flow draws, `(course + amplitudes,)`, 1 on average.

    The best velocity for each single number does not depend on the weights.
    """
    slow_first = 1 / (1 + torch.arange(course) / HALF_WEIGHT)
    weights = torch.cat([slow_first / slow_first.mean(), torch.full([amplitudes], WEIGHT)])
    return weights / weights.mean()


def _spread(amplitude: torch.Tensor, bands: Sequence[int]) -> torch.Tensor:
    """The factor of each coefficient, `(..., patch_size)`, from log amplitudes `(..., bands)`."""
    sizes = torch.tensor(list(bands), device=amplitude.device)
    return amplitude.exp().repeat_interleave(sizes, dim=-1, output_size=sum(bands))
