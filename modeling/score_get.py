# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Computes the surprise of patches, which is their negative log-likelihood under the flow head."""

import math
from typing import Any

import torch
from torch import nn
from transformers.cache_utils import Cache, DynamicCache

from .amplitude_get import log_volume, split_amplitude
from .flow_get import GETFlowHead, interpolate

#: Largest number of tokens that are scored at once. It keeps the memory independent of the length of a recording.
TOKENS_AT_ONCE = 4096
#: Number of tokens up to which the flow is evaluated at several times together. This scores a single patch faster. For
#: more tokens it makes no difference.
TOKENS_TOGETHER = 256


class GETScoreMixin:
    """Adds `score()` to a model with a `backbone` and a `flow_head`."""

    @torch.no_grad()
    def score(
        self: Any,
        input_values: torch.Tensor,
        channel_positions: torch.Tensor,
        channel_mask: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        calibration: torch.Tensor | None = None,
        condition_ids: torch.Tensor | None = None,
        noise_seed: torch.Tensor | None = None,
        method: str = "flow",
        num_flow_steps: int = 8,
        num_probes: int | None = 1,
        seed: int = 0,
        past_key_values: Cache | None = None,
    ) -> torch.Tensor:
        """Computes the surprise of each patch of each channel, given the past of all channels.

        A recording may last for hours. It is scored piece by piece. For each piece, the model also sees the past of
        the piece, as far back as it can look.

        Args:
            input_values: EEG in the innovation space, `(batch, channels, times)`. The feature extractor returns all
                inputs.
            channel_positions: See `forward`.
            channel_mask: See `forward`.
            attention_mask: See `forward`.
            calibration: See `forward`.
            condition_ids: See `forward`.
            noise_seed: Not used; see `forward`.
            method: "flow" computes a bound from the flow-matching error on a fixed grid of times, with antithetic
                noise (see `flow_matching_score`). "ode" computes the likelihood by integrating the flow from the data
                back to the noise (see `likelihood_score`).
            num_flow_steps: Number of times in the grid, or number of integration steps.
            num_probes: Number of random probes that estimate the divergence, for "ode" only. None computes the
                divergence exactly, which takes `channels * flow_size` times as long.
            seed: Seed of the noise or of the probes. With the same seed, the same recording has the same score.
            past_key_values: Cache that holds the past, which this call extends. With it, a recording can be given
                part by part: the first patch of each part is the last patch of the part before. There is no attention
                mask then.

        Returns:
            Negative log-likelihoods in nats, `(batch, channels, patches)`. The value of a patch is the sum over its
            channels. NaN marks padding, masked channels, and the first patch, which has no past. In the feature
            extractor's output, the first patch is the start patch.

        Raises:
            ValueError: The method is unknown, or a cache and an attention mask are given.
        """
        if past_key_values is not None and attention_mask is not None:
            raise ValueError(
                "score() takes past_key_values or an attention_mask: leave the mask out, without padding."
            )
        scorers: dict[str, Any] = {"flow": flow_matching_score, "ode": likelihood_score}
        if method not in scorers:
            raise ValueError(f"score() knows the methods {', '.join(scorers)}, not {method!r}.")
        options = {"num_probes": num_probes} if method == "ode" else {}
        n_batch, n_chans, size = *input_values.shape[:2], self.config.patch_size
        n_patches = input_values.shape[-1] // size
        bands = self.config.flow_bands
        cache = DynamicCache(config=self.config) if past_key_values is None else past_key_values
        score = input_values.new_full((n_batch, n_chans, n_patches), torch.nan, dtype=self.dtype)
        step = max(1, TOKENS_AT_ONCE // (n_batch * n_chans))
        if self.training and self.backbone.gradient_checkpointing:
            step = n_patches  # layers with gradient checkpointing use no cache
        for start in range(0, n_patches - 1, step):  # the last patch has nothing to predict
            stop = min(start + step, n_patches - 1)
            hidden_states = self.backbone(
                input_values[..., start * size : stop * size],
                channel_positions,
                channel_mask,
                None if attention_mask is None else attention_mask[:, :stop],
                calibration,
                None if condition_ids is None else condition_ids[:, start:stop],
                past_key_values=cache,
                use_cache=True,
            ).last_hidden_state
            states = hidden_states.transpose(1, 2).flatten(0, 1)
            predicted = input_values[..., (start + 1) * size : (stop + 1) * size].unflatten(-1, (-1, size))
            data = predicted.to(states.dtype).transpose(1, 2).flatten(0, 1)
            # the same dither for all patches, so that recordings can be compared
            generator = torch.Generator(device=data.device).manual_seed(seed)
            dither = torch.randn(n_chans, len(bands), generator=generator, device=data.device, dtype=data.dtype)
            data = split_amplitude(data, dither.expand(len(data), -1, -1), bands)
            mask = None if channel_mask is None else channel_mask.repeat_interleave(stop - start, dim=0)
            surprise = scorers[method](self.flow_head, data, states, mask, num_flow_steps, seed=seed, **options)
            surprise = surprise + log_volume(data, bands)
            score[:, :, start + 1 : stop + 1] = surprise.view(n_batch, stop - start, n_chans).transpose(1, 2)
        if attention_mask is not None:
            # in a left-padded recording, the first patch follows padding, so it has no past
            known = attention_mask.bool() & nn.functional.pad(attention_mask[:, :-1], (1, 0)).bool()
            score = score.masked_fill(~known[:, None], torch.nan)
        if channel_mask is not None:
            score = score.masked_fill(~channel_mask.bool()[:, :, None], torch.nan)
        return score


def flow_matching_score(
    head: GETFlowHead,
    data: torch.Tensor,
    hidden_states: torch.Tensor,
    channel_mask: torch.Tensor | None,
    num_times: int,
    seed: int = 0,
) -> torch.Tensor:
    """Computes the diffusion bound on the negative log-likelihood, in nats per channel.

    The bound is equation 12 of Kingma & Gao 2023, written for the trigonometric path and relative to a standard
    normal. The velocity of a standard normal is zero, and its likelihood is known:

        -log p(x) <= -log N(x) + integral over phi of tan(phi) E[|v - v_hat|^2 - |v|^2]

    The integral is computed by the midpoint rule at `num_times` times. Each noise is used with both signs.

    Args:
        head: The flow head.
        data: `(batch, channels, flow_size)`.
        hidden_states: `(batch, channels, hidden_size)`.
        channel_mask: `(batch, channels)` or None.
        num_times: Number of times at which the integrand is computed.
        seed: Seed of the noise. The noise is the same for all rows of the batch, so that their scores can be compared.

    Returns:
        The bound, `(batch, channels)`.
    """
    generator = torch.Generator(device=data.device).manual_seed(seed)
    surprise, n_rows = gaussian_score(data), len(data)
    width = math.pi / 2 / num_times
    points = []
    for index in range(num_times):
        noise = torch.randn(data.shape[1:], generator=generator, device=data.device, dtype=data.dtype)
        weight = width * math.tan((index + 0.5) * width) / 2
        points += [((index + 0.5) / num_times, weight, sign * noise) for sign in (1, -1)]
    n_together = max(1, TOKENS_TOGETHER // (n_rows * data.shape[1]))
    for start in range(0, len(points), n_together):
        times, weights, noises = zip(*points[start : start + n_together], strict=True)
        n = len(times)
        time = data.new_tensor(times).repeat_interleave(n_rows)
        x, velocity = interpolate(data.repeat(n, 1, 1), torch.stack(noises).repeat_interleave(n_rows, dim=0), time)
        mask = None if channel_mask is None else channel_mask.repeat(n, 1)
        predicted = head(x, time, hidden_states.repeat(n, 1, 1), mask)
        integrand = (predicted * (predicted - 2 * velocity)).sum(-1).unflatten(0, (n, n_rows))
        surprise = surprise + torch.tensordot(data.new_tensor(weights), integrand, dims=1)
    return surprise


# inference mode allows no derivatives; leaving it turns gradients on, so no_grad turns them off where not needed
@torch.inference_mode(False)
@torch.no_grad()
def likelihood_score(
    head: GETFlowHead,
    data: torch.Tensor,
    hidden_states: torch.Tensor,
    channel_mask: torch.Tensor | None,
    num_steps: int,
    seed: int = 0,
    num_probes: int | None = 1,
) -> torch.Tensor:
    """Computes the negative log-likelihood by the instantaneous change of variables, in nats per channel.

    The method is described by Chen et al. 2018. The function integrates the flow, and its divergence, from the data
    back to the noise by the midpoint rule. The divergence is computed exactly, with one derivative per sample, or it
    is estimated with Rademacher probes (Hutchinson's estimator). The score of a channel is computed from the noise of
    this channel and from its part of the Jacobian's diagonal.

    Arguments and result are as for `flow_matching_score`, with these differences: `num_steps` is the number of
    integration steps, and `num_probes` is the number of probes in each step, which are drawn with `seed`. If
    `num_probes` is None, the divergence is exact.
    """
    generator = torch.Generator(device=data.device).manual_seed(seed)
    n_dims = data[0].numel()
    # tensors that were created in inference mode cannot be differentiated
    data, hidden_states = (x.clone() if x.is_inference() else x for x in (data, hidden_states))
    if channel_mask is not None and channel_mask.is_inference():
        channel_mask = channel_mask.clone()

    def probes() -> torch.Tensor:
        if num_probes is None:
            return torch.eye(n_dims, device=data.device, dtype=data.dtype).view(-1, *data.shape[1:])
        signs = torch.randint(0, 2, (num_probes, *data.shape[1:]), generator=generator, device=data.device)
        return (2 * signs - 1).to(data.dtype)

    def velocity(x: torch.Tensor, phi: float) -> torch.Tensor:
        return head(x, x.new_full((len(x),), phi / (math.pi / 2)), hidden_states, channel_mask)

    step = math.pi / 2 / num_steps
    x, divergence = data, data.new_zeros(data.shape[:2])
    for index in range(num_steps):
        phi = math.pi / 2 - index * step
        midpoint = x - step / 2 * velocity(x, phi)
        with torch.enable_grad():
            midpoint = midpoint.detach().requires_grad_()
            v = velocity(midpoint, phi - step / 2)
            directions = probes()
            for direction in directions:
                gradient = torch.autograd.grad(v, midpoint, direction.expand_as(v), retain_graph=True)[0]
                weight = 1.0 if num_probes is None else 1.0 / num_probes
                divergence = divergence + weight * step * (gradient * direction).sum(-1)
        x = x - step * v.detach()
    return gaussian_score(x) + divergence


def gaussian_score(x: torch.Tensor) -> torch.Tensor:
    """Returns the negative log-density of a standard normal in nats, summed over the last axis."""
    return (x**2).sum(-1) / 2 + x.shape[-1] / 2 * math.log(2 * math.pi)
