# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""How surprising a patch is: negative log-likelihoods under the flow head."""

import math

import torch

from .flow_get import GETFlowHead, interpolate


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
        seed: Of the noise; equal for all rows, so that rows can be compared.

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

    Integrates the flow from the data back to the noise by the midpoint rule, and the divergence with it: exactly, one
    derivative per sample, or by Rademacher probes (Hutchinson's estimator). A channel's part is that of its own noise
    and of its own diagonal of the Jacobian.

    Args:
        head: The flow head.
        data: `(batch, channels, flow_size)`.
        hidden_states: `(batch, channels, hidden_size)`.
        channel_mask: `(batch, channels)` or None.
        num_steps: Steps of the integration.
        seed: Of the probes.
        num_probes: Probes per step; None for the exact divergence.

    Returns:
        `(batch, channels)`.
    """
    generator = torch.Generator(device=data.device).manual_seed(seed)
    n_dims = data[0].numel()

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
