# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""A flow head that knows its answer: data that are independently normal, with a mean and standard deviation."""

import math

import torch

from get_hf import GETConfig
from get_hf.modeling.flow_get import GETFlowHead


class GaussianHead(GETFlowHead):
    """The exact velocity E[v | x] of the trigonometric path to N(mean, std^2).

    Args:
        config: Of the model whose head this stands in for.
        mean: Of the data, or "condition": the first feature of the state that the head is given.
        std: Of the data.
    """

    def __init__(self, config: GETConfig, mean: float | str, std: float):
        super().__init__(config)
        self.mean, self.std = mean, std
        self.condition_proj = torch.nn.Identity()

    def modulations(self, time: torch.Tensor) -> list[torch.Tensor]:
        return [time * (math.pi / 2)]

    def velocity(self, x, modulations, condition, attention_mask) -> torch.Tensor:
        phi = modulations[0][:, None, None]
        mean = condition[..., :1] if self.mean == "condition" else self.mean
        variance = phi.cos() ** 2 + (self.std * phi.sin()) ** 2
        slope = phi.sin() * phi.cos() * (self.std**2 - 1) / variance
        return phi.cos() * mean + slope * (x - phi.sin() * mean)


def gaussian_nats(x: torch.Tensor, mean: float, std: float) -> torch.Tensor:
    """Exact negative log-density of N(mean, std^2), summed over the last axis."""
    return -torch.distributions.Normal(mean, std).log_prob(x).sum(-1)
