# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Defines the block of the backbone, and the layers that the backbone shares with the flow head."""

import functools
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from transformers.cache_utils import Cache
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs

from .configuration_get import GETConfig


def eager_attention_forward(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    **kwargs,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Computes softmax attention in plain torch.

    Query, key and value have the shape `(batch, heads, length, head_dim)`. The output has the shape `(batch, length,
    heads, head_dim)`, and the weights have the shape `(batch, heads, query, key)`.
    """
    weights = query @ key.transpose(-1, -2) * scaling
    if attention_mask is not None:
        weights = weights + attention_mask
    weights = weights.softmax(-1, dtype=torch.float32).to(query.dtype)
    weights = nn.functional.dropout(weights, p=dropout, training=module.training)
    return (weights @ value).transpose(1, 2).contiguous(), weights


def rotary_embedding(positions: torch.Tensor, dim: int, theta: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns cosine and sine of rotary angles (Su et al. 2021), `(length, dim)` each.

    The positions `(length,)` are integers. Cosine and sine are computed at each call, which takes a few microseconds.
    They are not stored in a buffer, because loading a checkpoint could leave a buffer unset.
    """
    frequencies = theta ** (-torch.arange(0, dim, 2, device=positions.device, dtype=torch.float32) / dim)
    angles = (positions.float()[:, None] * frequencies).repeat(1, 2)
    return angles.cos(), angles.sin()


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotates feature pairs of `(..., length, dim)` by the angles of `rotary_embedding`."""
    first, second = x.chunk(2, dim=-1)
    return x * cos.to(x.dtype) + torch.cat((-second, first), dim=-1) * sin.to(x.dtype)


def cosine_transform(n: int, device: torch.device | None = None) -> torch.Tensor:
    """Returns the matrix of the orthonormal DCT-II, `(coefficients, samples)`.

    The innovation space uses this transform for patches. The matrix is not stored in a buffer of a module, because
    loading a checkpoint could leave a buffer unset.
    """
    return torch.as_tensor(_cosines(n), device=device)


@functools.cache
def _cosines(n: int) -> np.ndarray:
    matrix = (2 / n) ** 0.5 * np.cos(np.pi / n * np.outer(np.arange(n), np.arange(n) + 0.5))
    matrix[0] *= 0.5**0.5
    return matrix.astype(np.float32)


def seen_by_networks(x: torch.Tensor, patch_size: int) -> torch.Tensor:
    """Returns the network inputs of a patch: asinh of its coefficients and of its samples, and the magnitudes of both.

    For large values, asinh grows like a logarithm, so that a burst does not hide all other features of a token. With
    the magnitudes as inputs, a mean over patches already estimates how much each coefficient varies. With the samples
    as inputs, a network sees at which time within a patch something happened.

    Args:
        x: Coefficients of a patch, followed by its other variables if there are any, `(..., size)`.
        patch_size: Number of coefficients.

    Returns:
        The inputs, `(..., 2 * (size + patch_size))`.
    """
    samples = x[..., :patch_size] @ cosine_transform(patch_size, x.device).to(x.dtype)
    compressed = torch.cat((x, samples), dim=-1).asinh()
    return torch.cat((compressed, compressed.abs()), dim=-1)


class GETAttention(nn.Module):
    """Multi-head attention over the second last axis.

    Attention over time is causal and uses a cache. Attention across channels is full.

    Args:
        config: Configuration of the model.
        hidden_size: Width of the tokens.
        is_causal: Whether this is attention over time.
        layer_idx: Index of the cache layer that stores keys and values, for attention over time only.
    """

    def __init__(self, config: GETConfig, hidden_size: int, is_causal: bool, layer_idx: int | None = None):
        super().__init__()
        self.config = config
        self.is_causal = is_causal
        self.layer_idx = layer_idx
        self.head_dim = hidden_size // config.num_attention_heads
        self.num_key_value_groups = 1  # read by the attention functions of transformers
        self.scaling = self.head_dim**-0.5
        self.qkv_proj = nn.Linear(hidden_size, 3 * hidden_size, bias=False)
        self.o_proj = nn.Linear(hidden_size, hidden_size, bias=False)

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        position_embeddings: tuple[torch.Tensor, torch.Tensor] | None = None,
        past_key_values: Cache | None = None,
        **kwargs,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Computes attention within `(batch, length, hidden_size)`.

        Returns the output, which has the same shape, and the weights. Without eager attention, the weights are None.
        """
        qkv = self.qkv_proj(hidden_states).unflatten(-1, (3, -1, self.head_dim))
        query, key, value = qkv = qkv.permute(2, 0, 3, 1, 4)  # (batch, heads, length, head_dim) each
        if position_embeddings is not None:
            query, key = rotate(qkv[:2], *position_embeddings)
        if past_key_values is not None:
            key, value = past_key_values.update(key, value, self.layer_idx)

        attend: Callable = ALL_ATTENTION_FUNCTIONS.get_interface(
            self.config._attn_implementation, eager_attention_forward
        )
        output, weights = attend(
            self,
            query,
            key,
            value,
            attention_mask,
            dropout=self.config.attention_dropout if self.training else 0.0,
            scaling=self.scaling,
            is_causal=self.is_causal,
            sliding_window=self.config.sliding_window if self.is_causal else None,
            **kwargs,
        )
        return self.o_proj(output.flatten(2)), weights


class GETMLP(nn.Module):
    """Gated MLP (SwiGLU, Shazeer 2020)."""

    def __init__(self, hidden_size: int, intermediate_size: int):
        super().__init__()
        self.gate_up_proj = nn.Linear(hidden_size, 2 * intermediate_size, bias=False)
        self.down_proj = nn.Linear(intermediate_size, hidden_size, bias=False)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        gate, up = self.gate_up_proj(hidden_states).chunk(2, dim=-1)
        return self.down_proj(nn.functional.silu(gate) * up)


class GETBlock(GradientCheckpointingLayer):
    """Block of the backbone: attention over time within each channel, attention across channels in each patch, MLP.

    Each of the three parts has a normalisation before it and a residual connection around it.
    """

    def __init__(self, config: GETConfig, layer_idx: int):
        super().__init__()
        width = config.hidden_size
        self.time_norm = nn.RMSNorm(width, eps=config.rms_norm_eps)
        self.time_attention = GETAttention(config, width, is_causal=True, layer_idx=layer_idx)
        self.channel_norm = nn.RMSNorm(width, eps=config.rms_norm_eps)
        self.channel_attention = GETAttention(config, width, is_causal=False)
        self.mlp_norm = nn.RMSNorm(width, eps=config.rms_norm_eps)
        self.mlp = GETMLP(width, config.intermediate_size)

    def forward(
        self,
        hidden_states: torch.Tensor,
        time_mask: torch.Tensor | None = None,
        channel_mask: torch.Tensor | None = None,
        position_embeddings: tuple[torch.Tensor, torch.Tensor] | None = None,
        past_key_values: Cache | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> torch.Tensor:
        """Maps `(batch, channels, patches, hidden_size)` to the same shape."""
        n_batch, n_chans, n_patches, width = hidden_states.shape

        over_time = self.time_norm(hidden_states).view(n_batch * n_chans, n_patches, width)
        over_time, _ = self.time_attention(over_time, time_mask, position_embeddings, past_key_values, **kwargs)
        hidden_states = hidden_states + over_time.view_as(hidden_states)

        across = self.channel_norm(hidden_states).transpose(1, 2).reshape(n_batch * n_patches, n_chans, width)
        across, _ = self.channel_attention(across, channel_mask, **kwargs)
        hidden_states = hidden_states + across.view(n_batch, n_patches, n_chans, width).transpose(1, 2)

        return hidden_states + self.mlp(self.mlp_norm(hidden_states))
