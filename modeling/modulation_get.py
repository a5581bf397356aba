# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Corrections of how amplitude varies: a flow of limited size, trained by a squared error, varies too little.

Both are off by default, and measured instead of learnt. `share_bursts` lets all channels grow louder and softer
together from patch to patch. `modulate` lets the amplitude rise and fall within a patch.
"""

import torch

from .layers_get import cosine_transform

#: By how much the noise of amplitudes is lowered for what is added to the variance of its mean over channels: measured
#: with 4 and with 20 channels on the shipped network, which hears what it drew (`training/EXPERIMENTS.md`).
PULL = 0.4
#: Cosines in which the course of amplitude within a patch is written: nothing faster than 6 Hz in patches of 250 ms.
N_COSINES = 4
#: How strong changes within a patch are that all channels share, next to those that each has for itself.
SHARED = 0.5
#: Highest frequency that is modulated, in Hz; above it muscles speak, whose amplitude varies enough (EEGMMIDB).
HIGHEST_FREQUENCY = 32.0


def count_channels(x: torch.Tensor, channel_mask: torch.Tensor | None) -> torch.Tensor | int:
    """How many channels the mask says there are in `(batch, channels, ...)`; with one, `(batch, 1, 1)`."""
    return x.shape[1] if channel_mask is None else channel_mask.sum(1).clamp(min=1).to(x)[:, None, None]


def channel_mean(x: torch.Tensor, channel_mask: torch.Tensor | None) -> torch.Tensor:
    """Mean of `(batch, channels, ...)` over the channels that the mask says there are, `(batch, 1, ...)`."""
    if channel_mask is None:
        return x.mean(1, keepdim=True)
    return (x * channel_mask[..., None].to(x)).sum(1, keepdim=True) / count_channels(x, channel_mask)


def share_bursts(
    noise: torch.Tensor, correlation: float, channel_mask: torch.Tensor | None, noise_scale: float = 1.0
) -> torch.Tensor:
    """Widens the part of the noise of amplitudes that becomes what all channels share.

    EEG gets louder and softer on all channels together: a sixth of the variance of a patch's log amplitudes is shared
    (EEGMMIDB). A flow of limited size that learns this under a squared error comes out too steady, and the more so the
    longer it hears itself. So the mean over n channels is drawn as wide as that of variables of which any two have
    this correlation, of variance (1 + correlation * (n - 1)) / n; what channels have for themselves, and a channel
    alone, stay as they are.

    A logarithm that is wider and no lower would make channels louder, the more so the more of them there are. So the
    mean is lowered with what is added to its variance (compare `modulate`), by as much as keeps mean power where it is
    without (`PULL`).

    Args:
        noise: `(batch, channels, bands)`, independent.
        correlation: Between channels, from 0, which draws as in training, to 1.
        channel_mask: `(batch, channels)`, 0 where there is no channel.
        noise_scale: Standard deviation of the noise.

    Returns:
        Noise of the same shape.
    """
    n_chans = count_channels(noise, channel_mask)
    wider = (1 + correlation * (n_chans - 1)) ** 0.5
    lower = PULL * noise_scale**2 * correlation * (1 - 1 / n_chans)
    return noise + (wider - 1) * channel_mean(noise, channel_mask) - lower


def modulate(
    patch: torch.Tensor,
    noise: torch.Tensor,
    depth: float,
    sampling_rate: float,
    channel_mask: torch.Tensor | None = None,
) -> torch.Tensor:
    """Modulates the amplitude within patches, of slow and fast waves at once.

    In EEG the power of neighbouring bands comes and goes together within tenths of a second, on each channel and, less
    so, on all (EEGMMIDB: correlations of log power of .2 to .4 between bands from 8 Hz up, where a small flow draws
    half of that): waves are not sines, and their harmonics keep time with them. The samples of a patch are multiplied
    by `exp(u - var u)`, u being slow Gaussian noise, which leaves their mean power as it is.

    What a flow draws for a channel alone varies as much as EEG does, what it draws for 20 together does not (measured
    on EEGMMIDB): n channels are modulated 1 - 1/n times as deeply.

    Args:
        patch: `(batch, channels, patch_size)`, coefficients.
        noise: `(batch, channels + 1, N_COSINES)`, standard normal: of each channel, and of what all share.
        depth: Standard deviation of each channel's own part of u where channels are many, in nats of amplitude.
        sampling_rate: In Hz.
        channel_mask: `(batch, channels)`, 0 where there is no channel.

    Returns:
        Same shape as the patch.
    """
    size = patch.shape[-1]
    to_samples = cosine_transform(size, patch.device).to(patch.dtype)
    slow = to_samples[: round(2 * HIGHEST_FREQUENCY * size / sampling_rate)]
    cosines = to_samples[:N_COSINES] / to_samples[:N_COSINES].square().sum(0).sqrt()  # as much at every sample
    damped = depth * (1 - 1 / count_channels(patch, channel_mask))
    u = damped * (noise[..., : len(cosines)] @ cosines)
    u = u[:, :-1] + SHARED * u[:, -1:]
    samples = (patch[..., : len(slow)] @ slow) * (u - damped**2 * (1 + SHARED**2)).exp()
    return samples @ to_samples.mT + torch.nn.functional.pad(patch[..., len(slow) :], (len(slow), 0))
