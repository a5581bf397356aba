# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Corrections of how amplitude varies: in a flow of limited size, trained by a squared error, it varies too little.

Both are off by default, and measured instead of learnt. `share_bursts` lets all channels grow louder and softer
together from patch to patch. `modulate` lets the amplitude rise and fall within a patch.
"""

import torch

from .layers_get import cosine_transform

#: Decrease of the noise of amplitudes, relative to the variance added to its mean over channels: measured with 4 and
#: with 20 channels on the shipped network, which hears its own patches (`training/EXPERIMENTS.md`).
PULL = 0.4
#: Number of cosines that describe the amplitude within a patch: nothing faster than 6 Hz in patches of 250 ms.
N_COSINES = 4
#: Strength of changes within a patch that all channels share, relative to the changes of each single channel.
SHARED = 0.5
#: Highest frequency that is modulated, in Hz; above it is muscle activity, whose amplitude varies enough (EEGMMIDB).
HIGHEST_FREQUENCY = 32.0


def count_channels(x: torch.Tensor, channel_mask: torch.Tensor | None) -> torch.Tensor | int:
    """Number of channels in `(batch, channels, ...)` that the mask keeps; with a mask, `(batch, 1, 1)`."""
    return x.shape[1] if channel_mask is None else channel_mask.sum(1).clamp(min=1).to(x)[:, None, None]


def channel_mean(x: torch.Tensor, channel_mask: torch.Tensor | None) -> torch.Tensor:
    """Mean of `(batch, channels, ...)` over the channels that the mask keeps, `(batch, 1, ...)`."""
    if channel_mask is None:
        return x.mean(1, keepdim=True)
    return (x * channel_mask[..., None].to(x)).sum(1, keepdim=True) / count_channels(x, channel_mask)


def share_bursts(
    noise: torch.Tensor, correlation: float, channel_mask: torch.Tensor | None, noise_scale: float = 1.0
) -> torch.Tensor:
    """Widens the part of the noise of amplitudes that all channels share.

    EEG gets louder and softer on all channels together: a sixth of the variance of a patch's log amplitudes is shared
    (EEGMMIDB). A flow of limited size that learns this under a squared error is too steady, and becomes steadier the
    longer it hears itself. So the mean over n channels gets the variance (1 + correlation * (n - 1)) / n, as the mean
    of variables with this correlation in each pair. Deviations from the mean, and a single channel, stay as they are.

    A wider logarithm with the same mean would make channels louder, more so with more channels. So the mean is lowered
    in proportion to the variance added to it (compare `modulate`), by the amount that keeps mean power (`PULL`).

    Args:
        noise: `(batch, channels, bands)`, independent.
        correlation: Correlation between channels, from 0, as in training, to 1.
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

    In EEG the power of neighbouring bands rises and falls together within tenths of a second, on each channel and, to
    a lesser degree, on all channels. On EEGMMIDB, correlations of log power between bands from 8 Hz up are .2 to .4; a
    small flow draws half of this. The cause is that waves are not sines, and their harmonics keep time with them. The
    samples of a patch are multiplied by `exp(u - var u)`, where u is slow Gaussian noise. This keeps their mean power.

    The patches of a single channel vary as much as EEG does, but the patches of 20 channels drawn together do not
    (measured on EEGMMIDB). So n channels are modulated 1 - 1/n times as deeply.

    Args:
        patch: `(batch, channels, patch_size)`, coefficients.
        noise: `(batch, channels + 1, N_COSINES)`, standard normal: for each channel, and for the part that all share.
        depth: Standard deviation of each channel's own part of u if there are many channels, in nats of amplitude.
        sampling_rate: Sampling rate in Hz.
        channel_mask: `(batch, channels)`, 0 where there is no channel.

    Returns:
        Same shape as the patch.
    """
    size = patch.shape[-1]
    to_samples = cosine_transform(size, patch.device).to(patch.dtype)
    slow = to_samples[: round(2 * HIGHEST_FREQUENCY * size / sampling_rate)]
    cosines = to_samples[:N_COSINES] / to_samples[:N_COSINES].square().sum(0).sqrt()  # equal at all samples
    damped = depth * (1 - 1 / count_channels(patch, channel_mask))
    u = damped * (noise[..., : len(cosines)] @ cosines)
    u = u[:, :-1] + SHARED * u[:, -1:]
    samples = (patch[..., : len(slow)] @ slow) * (u - damped**2 * (1 + SHARED**2)).exp()
    return samples @ to_samples.mT + torch.nn.functional.pad(patch[..., len(slow) :], (len(slow), 0))
