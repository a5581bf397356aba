# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Converts patches to the variables that the flow draws, which are the amplitude of each band and the waveform.

EEG in the innovation space is like Gaussian noise whose amplitude changes from patch to patch. In some bands the
amplitude changes more than in others, for example by alpha bursts or muscle activity. A flow that starts from Gaussian
noise reaches such heavy tails only through a very steep map. So the amplitude is a separate variable. For each band b
of neighbouring coefficients of a patch z

    l_b = log((mean of z_b^2 + FLOOR) / (1 + FLOOR)) / 2 + DITHER * n,   n ~ N(0, 1)
    w   = (z_b * exp(-l_b), l_b / SCALE)                                 for all b

The flow draws w, which has no heavy tails, and the patch is computed by z_b = w_b * exp(l_b). The term DITHER * n is
the dither. Without it, w would lie on a surface and have no density. With the dither, w has a likelihood. Let q be the
normal density of the dither. By Jensen's inequality,

    -log p(z) <= E[-log p(w)] + sum over b of (size of b * l_b + log SCALE) - entropy of q.

One array holds the noise of the flow and the noise of the dither for a patch, `noise_size` values per channel.
"""

import functools
import math
from collections.abc import Sequence

import numpy as np
import torch

#: Power that is added to the mean power of a band, where 1 is the usual power. It keeps the logarithm bounded if a
#: band has few coefficients.
FLOOR = 0.3
#: Standard deviation of the dither, which is added to the logarithm of an amplitude.
DITHER = 0.1
#: Divisor of the logarithm of an amplitude. It is near the standard deviation of this logarithm in EEG.
SCALE = 0.3
#: Weight of the error of an amplitude in training, relative to the mean weight of a coefficient of the waveform. It is
#: larger than 1 because there are many coefficients, which can hardly be predicted.
WEIGHT = 4.0
#: Index of the coefficient whose error has half the weight of the error of coefficient 0 (8 Hz in patches of 250 ms).
#: Slow coefficients have larger weights because they are larger in microvolts and can be predicted better.
HALF_WEIGHT = 4.0
#: Largest logarithm of an amplitude that is generated. It means 3.5 times the usual amplitude. In EEGMMIDB, at most
#: one real amplitude in a thousand is larger.
LARGEST = 1.25


def split_amplitude(patch: torch.Tensor, dither: torch.Tensor, bands: Sequence[int]) -> torch.Tensor:
    """Converts a patch to the variables that the flow draws.

    Args:
        patch: `(..., patch_size)` in the innovation space.
        dither: Standard normal noise, `(..., bands)`.
        bands: Number of coefficients in each band, from the lowest to the highest band. If empty, the flow draws the
            patch itself.

    Returns:
        The variables, `(..., patch_size + bands)`.
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
    """Limits the amplitudes among the variables that the flow drew, `(..., patch_size + bands)`.

    The network predicts that a strong signal stays strong. Without the limit, a signal stronger than all training data
    would stay so strong for ever.
    """
    if not bands:
        return drawn
    course, amplitude = drawn.split([sum(bands), len(bands)], dim=-1)
    return torch.cat((course, amplitude.clamp(max=LARGEST / SCALE)), dim=-1)


def log_volume(drawn: torch.Tensor, bands: Sequence[int]) -> torch.Tensor:
    """Returns the log-density of `drawn` minus the bound on the log-density of the patch, in nats.

    `drawn` holds the variables that the flow draws, `(..., patch_size + bands)`.
    """
    if not bands:
        return drawn.new_zeros(drawn.shape[:-1])
    sizes = torch.tensor(list(bands), device=drawn.device, dtype=drawn.dtype)
    entropy = math.log(DITHER) + math.log(2 * math.pi * math.e) / 2
    return (sizes * SCALE * drawn[..., -len(bands) :]).sum(-1) + len(bands) * (math.log(SCALE) - entropy)


def error_weights(course: int, amplitudes: int) -> torch.Tensor:
    """Returns the training weight of the error of each variable that the flow draws, `(course + amplitudes,)`.

    The mean of the weights is 1. The optimal velocity of each variable does not depend on the weights.

    Args:
        course: Number of coefficients of the waveform.
        amplitudes: Number of bands.
    """
    slow_first = 1 / (1 + torch.arange(course) / HALF_WEIGHT)
    weights = torch.cat([slow_first / slow_first.mean(), torch.full([amplitudes], WEIGHT)])
    return weights / weights.mean()


def _spread(amplitude: torch.Tensor, bands: Sequence[int]) -> torch.Tensor:
    """Returns the amplitude of each coefficient, `(..., patch_size)`, from log amplitudes `(..., bands)`."""
    index = torch.as_tensor(_band_of_coefficients(tuple(bands)), device=amplitude.device)
    return amplitude.exp().index_select(-1, index)


@functools.cache
def _band_of_coefficients(bands: tuple[int, ...]) -> np.ndarray:
    return np.repeat(np.arange(len(bands)), bands)
