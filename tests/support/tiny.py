# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The smallest GET that does all a large one does, and inputs for it."""

import torch

from get_hf import GETConfig, GETModel

PATCH = 5  # samples


def tiny_config(**changes) -> GETConfig:
    sizes = {
        "patch_size": PATCH,
        "num_calibration_features": 3,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "sliding_window": 4,
        "flow_bands": [2, 3],
        "flow_num_layers": 2,
        "flow_hidden_size": 32,
        "flow_intermediate_size": 64,
    }
    return GETConfig(**(sizes | changes))


def untrained_model(**changes) -> GETModel:
    """A model as it is created: its flow has velocity zero."""
    torch.manual_seed(0)
    return GETModel(tiny_config(**changes)).eval()


def tiny_model(**changes) -> GETModel:
    """A model whose every weight matters: noise instead of the zeros and the caution of a fresh one."""
    model = untrained_model(**changes)
    generator = torch.Generator().manual_seed(1)
    for name, parameter in model.named_parameters():
        # gains that amplify what they draw would amplify rounding too, patch after patch
        gains = "flow_head.out_proj" in name
        spread = 0.05 if gains else 0.2 if parameter.ndim > 1 else 0.1
        parameter.data.add_(spread * torch.randn(parameter.shape, generator=generator))
    return model


def tiny_inputs(n_batch: int = 2, n_chans: int = 3, n_patches: int = 6, seed: int = 0) -> dict[str, torch.Tensor]:
    """What the feature extractor would return for the tiny model, start patch included."""
    generator = torch.Generator().manual_seed(seed)

    def randn(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator)

    values = randn(n_batch, n_chans, n_patches * PATCH)
    values[..., :PATCH] = 0
    return {
        "input_values": values,
        "channel_positions": torch.nn.functional.normalize(randn(n_batch, n_chans, 2, 3), dim=-1).flatten(2),
        "calibration": randn(n_batch, n_chans, 3),
        "condition_ids": torch.randint(1, 10, (n_batch, n_patches), generator=generator),
    }
