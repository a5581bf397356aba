# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What every model of GET has in common: what transformers must know of it, and what a checkpoint must hold."""

import torch
from torch import nn
from transformers import initialization as init
from transformers.modeling_utils import PreTrainedModel
from transformers.utils import auto_docstring
from transformers.utils.output_capturing import OutputRecorder

from .configuration_get import GETConfig
from .flow_get import GETZeroLinear
from .layers_get import GETAttention, GETBlock


@auto_docstring
class GETPreTrainedModel(PreTrainedModel):
    config: GETConfig
    base_model_prefix = "backbone"
    main_input_name = "input_values"
    input_modalities = ("time",)
    supports_gradient_checkpointing = True
    # the mean over samples is taken in forward: Trainer must divide under gradient accumulation
    accepts_loss_kwargs = False
    _no_split_modules = ["GETBlock", "GETFlowHead"]
    _skip_keys_device_placement = ["past_key_values"]
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True
    _supports_attention_backend = True
    _can_compile_fullgraph = True
    _can_record_outputs = {
        "hidden_states": GETBlock,
        "attentions": OutputRecorder(GETAttention, index=1, layer_name="time_attention"),
    }

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, *args, output_loading_info: bool = False, **kwargs):
        """Loads as any model of transformers does, but refuses a checkpoint that lacks weights of the body.

        transformers only warns, and goes on with random ones. A classifier's own layer may be fresh; and who asks for
        `output_loading_info` judges for himself.

        Raises:
            ValueError: Weights of the backbone or of the flow head are missing, or of another shape.
        """
        model, info = super().from_pretrained(pretrained_model_name_or_path, *args, output_loading_info=True, **kwargs)
        if output_loading_info:
            return model, info
        absent = info["missing_keys"] | {name for name, *_ in info["mismatched_keys"]}
        absent = sorted(name for name in absent if not name.startswith("classifier."))
        if absent and pretrained_model_name_or_path is not None:
            raise ValueError(
                f"{pretrained_model_name_or_path} lacks weights of {cls.__name__}, or has them in another shape: "
                f"{', '.join(absent[:5])}{f' and {len(absent) - 5} more' if len(absent) > 5 else ''}. Load a complete "
                "checkpoint of this class; output_loading_info=True loads what is there."
            )
        return model

    @torch.no_grad()
    def _init_weights(self, module: nn.Module):
        super()._init_weights(module)
        if isinstance(module, GETZeroLinear):
            init.zeros_(module.weight)
            init.zeros_(module.bias)
