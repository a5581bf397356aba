# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Computes the features of GET's classifier, which are states and powers that are pooled over the scalp."""

import torch
from torch import nn

from .configuration_get import GETConfig

#: Smallest power of a coefficient, relative to the calibrated recording. Smaller powers are replaced by this one.
LEAST_POWER = 1e-3


class GETPooling(nn.Module):
    """Layer that pools the channels and patches of a window of EEG to the features of a classifier, for any montage.

    A mean over channels cannot distinguish the left from the right hand, because both weaken rhythms at some place. So
    each quantity of a channel is multiplied by nine quadratic functions of the electrode's position and summed over
    channels. This works for every montage. The quantities are the backbone's states, the log power of the innovations
    at each coefficient, and the calibration features. The powers are included because states alone distinguish open
    from closed eyes less well than band powers.

    If `config.classifier_pooling` is "mean", the mean states are the only features.

    Args:
        config: Configuration of the model.
    """

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, config: GETConfig):
        super().__init__()
        self.pooling = config.classifier_pooling
        self.patch_size = config.patch_size
        self.num_calibration_features = config.num_calibration_features
        # measured before training, so that large and small features are learnt equally fast
        self.register_buffer("mean", torch.zeros(config.num_classifier_features))
        self.register_buffer("deviation", torch.ones(config.num_classifier_features))

    def forward(
        self,
        hidden_states: torch.Tensor,
        input_values: torch.Tensor,
        channel_positions: torch.Tensor,
        channel_mask: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        calibration: torch.Tensor | None = None,
        window: int | None = None,
    ) -> torch.Tensor:
        """Pools a whole recording, or all windows of a given length.

        Args:
            hidden_states: States of the backbone, `(batch, channels, patches, hidden_size)`.
            input_values: EEG in the innovation space, `(batch, channels, patches * patch_size)`.
            channel_positions: Positions on the unit sphere, `(batch, channels, 6)`.
            channel_mask: `(batch, channels)`, 0 for padded and bad channels.
            attention_mask: `(batch, patches)`, 0 for padding.
            calibration: Calibration features, `(batch, channels, num_calibration_features)`. None: zeros.
            window: Length of a window in patches. None: all patches are one window.

        Returns:
            Standardised features `(batch, n_features)`. With `window`, the shape is `(batch, patches, n_features)`,
            and position i holds the window that ends with patch i. At the start of a recording, windows are shorter.
        """
        features = self.pool(
            hidden_states, input_values, channel_positions, channel_mask, attention_mask, calibration, window
        )
        return ((features - self.mean) / self.deviation).to(hidden_states.dtype)

    def pool(
        self,
        hidden_states: torch.Tensor,
        input_values: torch.Tensor,
        channel_positions: torch.Tensor,
        channel_mask: torch.Tensor | None,
        attention_mask: torch.Tensor | None,
        calibration: torch.Tensor | None,
        window: int | None,
    ) -> torch.Tensor:
        """Returns the features of `forward` before they are standardised."""
        channels = hidden_states.new_ones(hidden_states.shape[:2])
        patches = hidden_states.new_ones(hidden_states.shape[0], hidden_states.shape[2])
        if channel_mask is not None:
            channels = channels * channel_mask
        if attention_mask is not None:
            patches = patches * attention_mask
        channels = channels / channels.sum(-1, keepdim=True).clamp(min=1)
        if self.pooling == "mean":
            of_patches = torch.einsum("bc,bcpd->bpd", channels, hidden_states)
            return _mean_over_patches(of_patches, patches, window)
        power = input_values.unflatten(-1, (-1, self.patch_size)).to(hidden_states.dtype).square()
        # a start patch is all zeros, and does not belong to the recording
        patches = (patches * (torch.einsum("bc,bcpk->bp", channels, power) > 0))[:, None]
        power = _mean_over_patches(power, patches, window).clamp(min=LEAST_POWER).log()
        states = _mean_over_patches(hidden_states, patches, window)
        if calibration is None:
            calibration = power.new_zeros(*power.shape[:2], self.num_calibration_features)
        calibration = calibration.to(power.dtype)
        if window is not None:
            calibration = calibration[:, :, None].expand(*power.shape[:3], -1)
        weights = channels[..., None] * quadratic_in_position(channel_positions.to(power.dtype))
        of_channels = torch.cat([states, power, calibration], dim=-1)
        return torch.einsum("bcq,bc...d->b...qd", weights, of_channels).flatten(-2)


def _mean_over_patches(x: torch.Tensor, weights: torch.Tensor, window: int | None) -> torch.Tensor:
    """Computes the weighted mean of `(..., patches, d)` over all patches, or over windows that end at each patch."""
    weights = weights[..., None].float()
    total, count = x * weights, weights
    if window is None:
        return total.sum(-2) / count.sum(-2).clamp(min=1)
    total, count = (_sums(value, window) for value in (total, count))
    return total / count.clamp(min=1)


def _sums(x: torch.Tensor, window: int) -> torch.Tensor:
    """Computes the sums of `(..., patches, d)` over windows of `window` patches that end at each patch."""
    sums = x.cumsum(-2)
    return sums - nn.functional.pad(sums, (0, 0, window, 0))[..., : sums.shape[-2], :]


def quadratic_in_position(positions: torch.Tensor) -> torch.Tensor:
    """Returns nine functions of an electrode's position: 1, x, y, z, xy, yz, zx, x^2 - y^2 and 3 z^2 - 1.

    The feature extractor has the same nine functions. Both folders share no code, so a test compares the functions.

    Args:
        positions: Positions of electrodes and of their references on the unit sphere, `(..., 6)`. The references are
            not used here.

    Returns:
        Values of the functions, `(..., 9)`.
    """
    x, y, z = positions[..., :3].unbind(-1)
    return torch.stack(
        [torch.ones_like(x), x, y, z, x * y, y * z, z * x, x**2 - y**2, 3 * z**2 - 1],
        dim=-1,
    )
