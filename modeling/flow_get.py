# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Defines the flow head, which draws the next patch of all channels together, given the backbone's state.

The head is trained by flow matching on the variance-preserving path (the trigonometric interpolant of Albergo &
Vanden-Eijnden 2023):

    x_phi = cos(phi) noise + sin(phi) data,   velocity v = -sin(phi) noise + cos(phi) data,   phi = time * pi / 2

In the innovation space, EEG is nearly white and Gaussian. For white Gaussian data the exact velocity is zero, and the
loss of a zero velocity is 1 at every time of the flow. The output of the untrained head is zero. So an untrained model
already is a linear-Gaussian simulator. Training only adds the properties that linear statistics do not describe.

EEG is more similar to Gaussian noise whose amplitude differs between bands and changes within a patch. If the
amplitudes are given, the exact velocity is linear in x. A network with normalisation could not follow this velocity
for very large x. So the head predicts gains and a shift,

    v(x) = gain * x + D' (sample_gain * D x) + shift

where D converts coefficients to samples. Attention across channels models the dependence between channels.
"""

import math

import torch
from torch import nn
from transformers.masking_utils import create_bidirectional_mask

from .amplitude_get import bound_amplitude, join_amplitude
from .configuration_get import GETConfig
from .layers_get import GETMLP, GETAttention, cosine_transform, seen_by_networks


def interpolate(data: torch.Tensor, noise: torch.Tensor, time: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns the point on the path at a time, and its velocity.

    Args:
        data: Variables of a patch, `(batch, channels, flow_size)`.
        noise: Standard normal noise of the same shape.
        time: Time of the flow, `(batch,)`, from 0 (noise) to 1 (data).

    Returns:
        `x_phi` and `v`, which have the shape of the data. The velocity is the derivative by phi.
    """
    phi = time[:, None, None] * (math.pi / 2)
    cos, sin = phi.cos(), phi.sin()
    return cos * noise + sin * data, cos * data - sin * noise


class GETZeroLinear(nn.Linear):
    """Linear layer whose initial weights are zero (see `_init_weights`)."""


class GETFlowBlock(nn.Module):
    """Block of attention across channels and an MLP, both modulated by the flow time (AdaLN, Peebles & Xie 2023)."""

    def __init__(self, config: GETConfig):
        super().__init__()
        width = config.flow_hidden_size
        self.eps = config.rms_norm_eps
        self.modulation = GETZeroLinear(width, 6 * width)
        self.channel_attention = GETAttention(config, width, is_causal=False)
        self.mlp = GETMLP(width, config.flow_intermediate_size)

    def norm(self, x: torch.Tensor) -> torch.Tensor:
        """Normalises by the root mean square; scale and shift are applied later, by the modulation."""
        return nn.functional.rms_norm(x, x.shape[-1:], eps=self.eps)

    def modulate(self, embedding: torch.Tensor) -> torch.Tensor:
        """Returns shift, scale and gate of both parts, `(batch, 6, 1, width)`, from flow times `(batch, width)`."""
        shifts, scales, gates = self.modulation(embedding).unflatten(-1, (2, 3, 1, -1)).unbind(2)
        return torch.stack((shifts, 1 + scales, 1 + gates), dim=2).flatten(1, 2)

    def forward(self, x: torch.Tensor, modulation: torch.Tensor, attention_mask: torch.Tensor | None) -> torch.Tensor:
        """Maps `(batch, channels, width)` to the same shape; the modulation is `(batch or 1, 6, 1, width)`."""
        shift_a, scale_a, gate_a, shift_m, scale_m, gate_m = modulation.unbind(1)
        attended, _ = self.channel_attention(torch.addcmul(shift_a, self.norm(x), scale_a), attention_mask)
        x = torch.addcmul(x, attended, gate_a)
        return torch.addcmul(x, self.mlp(torch.addcmul(shift_m, self.norm(x), scale_m)), gate_m)


class GETFlowHead(nn.Module):
    """Network that computes the velocity of the flow for one patch of all channels.

    Args:
        config: Configuration of the model.
    """

    def __init__(self, config: GETConfig):
        super().__init__()
        self.config = config
        width = config.flow_hidden_size
        self.in_proj = nn.Linear(2 * (config.flow_size + config.patch_size), width)
        self.condition_proj = nn.Linear(config.hidden_size, width)
        self.time_mlp = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.blocks = nn.ModuleList(GETFlowBlock(config) for _ in range(config.flow_num_layers))
        self.norm = nn.RMSNorm(width, eps=config.rms_norm_eps)
        #: Number of outputs of the last layer for each channel: gains, shifts, gains of samples.
        self.parts = [config.flow_size, config.flow_size, config.patch_size]
        self.out_proj = GETZeroLinear(width, sum(self.parts))

    def modulations(self, time: torch.Tensor) -> list[torch.Tensor]:
        """Returns the modulation of each block, `(batch, 6, 1, width)`, at flow times `(batch,)`.

        The modulation does not depend on the patch.
        """
        half = self.config.flow_hidden_size // 2
        frequencies = torch.exp(torch.arange(half, device=time.device, dtype=torch.float32) * (math.log(100.0) / half))
        angles = time.float()[:, None] * frequencies
        embedding = torch.cat((angles.cos(), angles.sin()), dim=-1).to(self.in_proj.weight.dtype)
        embedding = self.time_mlp(embedding)
        return [block.modulate(embedding) for block in self.blocks]  # type: ignore[operator]

    def schedule(self, num_steps: int) -> list[list[torch.Tensor]]:
        """Returns the modulations of each step of `sample`, which are the same for all patches."""
        times = (torch.arange(num_steps, device=self.in_proj.weight.device) + 0.5) / num_steps
        parts = [modulation.split(1) for modulation in self.modulations(times)]
        return [list(of_step) for of_step in zip(*parts, strict=True)]

    def velocity(
        self,
        x: torch.Tensor,
        modulations: list[torch.Tensor],
        condition: torch.Tensor,
        attention_mask: torch.Tensor | None,
    ) -> torch.Tensor:
        """Returns the velocity at `x`, which has the shape `(batch, channels, flow_size)`.

        The projected conditions have the shape `(batch, channels, width)`.
        """
        size = self.config.patch_size
        hidden = (self.in_proj(seen_by_networks(x, size)) + condition).to(self.norm.weight.dtype)
        for block, modulation in zip(self.blocks, modulations, strict=True):
            hidden = block(hidden, modulation, attention_mask)
        hidden = self.norm(hidden)
        gain, shift, sample_gain = self.out_proj(hidden).split(self.parts, dim=-1)
        to_samples = cosine_transform(size, x.device).to(x.dtype)
        course = (sample_gain * (x[..., :size] @ to_samples)) @ to_samples.mT
        return gain * x + shift + nn.functional.pad(course, (0, x.shape[-1] - size))

    def forward(
        self,
        x: torch.Tensor,
        time: torch.Tensor,
        hidden_states: torch.Tensor,
        channel_mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Computes the velocity of the flow.

        Args:
            x: Point on the path, `(batch, channels, flow_size)`.
            time: Time of the flow in [0, 1], `(batch,)`.
            hidden_states: State of the backbone before the patch, `(batch, channels, hidden_size)`.
            channel_mask: `(batch, channels)`, 0 where there is no channel.

        Returns:
            The velocity, `(batch, channels, flow_size)`.
        """
        mask = create_bidirectional_mask(self.config, x, channel_mask)
        return self.velocity(x, self.modulations(time), self.condition_proj(hidden_states), mask)

    def sample(
        self,
        hidden_states: torch.Tensor,
        noise: torch.Tensor,
        num_steps: int,
        guidance_scale: float = 1.0,
        channel_mask: torch.Tensor | None = None,
        schedule: list[list[torch.Tensor]] | None = None,
    ) -> torch.Tensor:
        """Integrates the flow from noise to the next patch.

        The rule is an Euler step with the velocity at the time in the middle of the step. Noise and data are similar,
        so the velocity depends on time more than on x. For such a flow, this rule is nearly as exact as the midpoint
        rule and needs half the time. Rules that follow the flow more closely gave no better results
        (`training/EXPERIMENTS.md`).

        Args:
            hidden_states: States of the backbone, `(batch, channels, hidden_size)`. With guidance, the shape is
                `(2 * batch, ...)`, and the second half holds the states without the condition.
            noise: Starting point, `(batch, channels, flow_size)`.
            num_steps: Number of integration steps. Each step computes one velocity.
            guidance_scale: Strength of classifier-free guidance (Ho & Salimans 2022); 1 is no guidance.
            channel_mask: `(batch, channels)`, 0 where there is no channel. The rows are as in `hidden_states`.
            schedule: The result of `schedule(num_steps)`, if it is known from another patch.

        Returns:
            The next patch, `(batch, channels, patch_size)`.
        """
        guided = guidance_scale != 1.0
        condition = self.condition_proj(hidden_states)
        mask = create_bidirectional_mask(self.config, condition, channel_mask)
        schedule = self.schedule(num_steps) if schedule is None else schedule

        def velocity(x: torch.Tensor, index: int) -> torch.Tensor:
            x = torch.cat((x, x)) if guided else x
            v = self.velocity(x, schedule[index], condition, mask)
            if not guided:
                return v
            with_condition, without = v.chunk(2)
            return without + guidance_scale * (with_condition - without)

        step = math.pi / 2 / num_steps
        x = noise
        for i in range(num_steps):
            x = x + step * velocity(x, i)
        return join_amplitude(bound_amplitude(x, self.config.flow_bands), self.config.flow_bands)
