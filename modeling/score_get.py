# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Surprise of a patch: negative log-likelihoods under the flow head."""

import math
from typing import Any

import torch
from torch import nn
from transformers.cache_utils import DynamicCache

from .amplitude_get import log_volume, split_amplitude
from .flow_get import GETFlowHead, interpolate

#: Tokens of a batch that are scored at once, so that memory does not grow with the length of a recording.
TOKENS_AT_ONCE = 4096


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
    ) -> torch.Tensor:
        """Surprise of each patch of each channel, given the past of all channels.

        A recording may last for hours. It is scored piece by piece, and each piece is given the past that the model
        can look back on.

        Args:
            input_values: `(batch, channels, times)` in the innovation space; all inputs come from the extractor.
            channel_positions: See `forward`.
            channel_mask: See `forward`.
            attention_mask: See `forward`.
            calibration: See `forward`.
            condition_ids: See `forward`.
            noise_seed: Not read; see `forward`.
            method: "flow": a bound from the flow-matching error on a fixed grid of times with antithetic noise (see
                `flow_matching_score`); "ode": the likelihood by integrating the flow back (see `likelihood_score`).
            num_flow_steps: Times of the grid, or steps of the integration.
            num_probes: For "ode", random probes of the divergence; None computes it exactly, at `channels *
                flow_size` times the cost.
            seed: Seed of the noise or the probes, so that the same recording has the same score.

        Returns:
            `(batch, channels, patches)`: negative log-likelihood in nats; its sum over channels is the value of the
            patch. NaN for the first patch, which has no past (in the feature extractor's output, the start patch),
            for padding and for masked channels.

        Raises:
            ValueError: The method is unknown.
        """
        scorers: dict[str, Any] = {"flow": flow_matching_score, "ode": likelihood_score}
        if method not in scorers:
            raise ValueError(f"score() knows the methods {', '.join(scorers)}, not {method!r}.")
        options = {"num_probes": num_probes} if method == "ode" else {}
        n_batch, n_chans, size = *input_values.shape[:2], self.config.patch_size
        n_patches = input_values.shape[-1] // size
        bands, cache = self.config.flow_bands, DynamicCache(config=self.config)
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
            # the first patch of a left-padded recording follows padding, and has no past, as any first patch
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
    """The diffusion bound on the negative log-likelihood, in nats per channel.

    Kingma & Gao 2023 (eq. 12), written for the trigonometric path and relative to a standard normal, whose velocity is
    zero and whose likelihood is known:

        -log p(x) <= -log N(x) + integral over phi of tan(phi) E[|v - v_hat|^2 - |v|^2]

    with the midpoint rule over `num_times` times and each noise used with both signs.

    Args:
        head: The flow head.
        data: `(batch, channels, flow_size)`.
        hidden_states: `(batch, channels, hidden_size)`.
        channel_mask: `(batch, channels)` or None.
        num_times: Points of the grid.
        seed: Seed of the noise, which is equal for all rows, so that rows can be compared.

    Returns:
        `(batch, channels)`.
    """
    generator = torch.Generator(device=data.device).manual_seed(seed)
    surprise = gaussian_score(data)
    width = math.pi / 2 / num_times
    for index in range(num_times):
        noise = torch.randn(data.shape[1:], generator=generator, device=data.device, dtype=data.dtype)
        time = data.new_full((len(data),), (index + 0.5) / num_times)
        weight = width * math.tan((index + 0.5) * width)
        for sign in (1, -1):
            x, velocity = interpolate(data, (sign * noise).expand_as(data), time)
            predicted = head(x, time, hidden_states, channel_mask)
            surprise = surprise + weight / 2 * (predicted * (predicted - 2 * velocity)).sum(-1)
    return surprise


# inference mode allows no derivatives; leaving it turns gradients on, which most of the function does not need
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
    """The negative log-likelihood by the instantaneous change of variables (Chen et al. 2018), in nats per channel.

    The function integrates the flow from the data back to the noise by the midpoint rule, and the divergence with it.
    The divergence is exact, with one derivative per sample, or estimated with Rademacher probes (Hutchinson's
    estimator). The score of a channel comes from its own noise and its own diagonal of the Jacobian.

    Arguments and result are as for `flow_matching_score`, with `num_steps` steps of the integration and `num_probes`
    probes per step, drawn from `seed`; None probes for the exact divergence.
    """
    generator = torch.Generator(device=data.device).manual_seed(seed)
    n_dims = data[0].numel()
    # tensors made in inference mode take part in no derivative
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
    """Negative log-density of a standard normal in nats, summed over the last axis."""
    return (x**2).sum(-1) / 2 + x.shape[-1] / 2 * math.log(2 * math.pi)
