# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Corrects the variation of the amplitude of generated EEG.

A small flow that is trained by a squared error varies the amplitude too little. So there are two corrections. They are
measured instead of learnt, and off by default. With `share_bursts`, the amplitude of all channels rises and falls
together from patch to patch. With `modulate`, the amplitude rises and falls within a patch.
"""

import torch

from .layers_get import cosine_transform

#: Decrease of the noise of amplitudes, divided by the variance that is added to the mean of this noise over channels.
#: It was measured on the shipped network with 4 and with 20 channels, while the network continued its own patches
#: (`training/EXPERIMENTS.md`).
PULL = 0.4
#: Number of cosines that describe the amplitude within a patch. The fastest has 6 Hz in patches of 250 ms.
N_COSINES = 4
#: Strength of the changes within a patch that all channels share, relative to the changes of each single channel.
SHARED = 0.5
#: Highest frequency that is modulated, in Hz. Above it there is mostly muscle activity, and its amplitude already
#: varies enough (EEGMMIDB).
HIGHEST_FREQUENCY = 32.0


def count_channels(x: torch.Tensor, channel_mask: torch.Tensor | None) -> torch.Tensor | int:
    """Counts the channels of `(batch, channels, ...)` that the mask keeps; with a mask, returns `(batch, 1, 1)`."""
    return x.shape[1] if channel_mask is None else channel_mask.sum(1).clamp(min=1).to(x)[:, None, None]


def channel_mean(x: torch.Tensor, channel_mask: torch.Tensor | None) -> torch.Tensor:
    """Computes the mean of `(batch, channels, ...)` over the channels that the mask keeps, `(batch, 1, ...)`."""
    if channel_mask is None:
        return x.mean(1, keepdim=True)
    return (x * channel_mask[..., None].to(x)).sum(1, keepdim=True) / count_channels(x, channel_mask)


def share_bursts(
    noise: torch.Tensor, correlation: float, channel_mask: torch.Tensor | None, noise_scale: float = 1.0
) -> torch.Tensor:
    """Increases the part of the noise of amplitudes that all channels share.

    In EEG, the amplitude of all channels rises and falls together. They share a sixth of the variance of a patch's log
    amplitudes (EEGMMIDB). In a small flow that is trained by a squared error, the shared amplitude varies too little,
    and it varies less and less while the network continues its own output. So the mean over n channels gets the
    variance (1 + correlation * (n - 1)) / n. This is the variance of the mean of n variables if each pair has this
    correlation. Deviations from the mean do not change, and a single channel does not change.

    If only the variance of the log amplitudes increased, and not their mean, the power of the channels would increase,
    most of all with many channels. So the mean is decreased in proportion to the added variance (compare `modulate`).
    The constant `PULL` is chosen so that the mean power does not change.

    Args:
        noise: Noise of the amplitudes, `(batch, channels, bands)`, independent between channels.
        correlation: Correlation between channels, from 0 to 1; 0 is as in training.
        channel_mask: `(batch, channels)`, 0 where there is no channel.
        noise_scale: Standard deviation of the noise.

    Returns:
        The new noise, of the same shape.
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
    """Modulates the amplitude within patches, of slow and fast waves together.

    In EEG, the power of neighbouring bands rises and falls together within tenths of a second. This happens on each
    channel, and to a lesser degree on all channels together. In EEGMMIDB, the correlations of log power between bands
    above 8 Hz are 0.2 to 0.4. In the output of a small flow they are half as large. The cause is that brain waves are
    not sines: their harmonics rise and fall with them. So the samples of a patch are multiplied by `exp(u - var u)`,
    where u is slow Gaussian noise. This factor does not change their mean power.

    If one channel is generated, the patches vary as much as in EEG. If 20 channels are generated together, they vary
    less (measured on EEGMMIDB). So the depth for n channels is multiplied by 1 - 1/n.

    Args:
        patch: Coefficients, `(batch, channels, patch_size)`.
        noise: Standard normal noise, `(batch, channels + 1, N_COSINES)`. The last entry is for the part that all
            channels share.
        depth: Standard deviation of the part of u that belongs to one channel, in nats of amplitude, if there are many
            channels.
        sampling_rate: Sampling rate in Hz.
        channel_mask: `(batch, channels)`, 0 where there is no channel.

    Returns:
        The modulated patch, of the same shape.
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
