# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What `generate` returns from inference mode can be used where gradients are computed."""

import torch
from transformers.generation.streamers import BaseStreamer

from tiny import PATCH, tiny_inputs, tiny_model


class Streamed(BaseStreamer):
    """Keeps the patches."""

    def __init__(self):
        self.patches = []

    def put(self, value):
        self.patches.append(value)

    def end(self):
        pass


def test_gradients_can_use_what_was_generated():
    model, streamed, inputs = tiny_model(), Streamed(), tiny_inputs()
    options = {"max_new_tokens": 2, "output_hidden_states": True, "output_attentions": True}
    model.set_attn_implementation("eager")
    output = model.generate(**inputs, **options, return_dict_in_generate=True, streamer=streamed)
    weight = torch.ones(1, requires_grad=True)
    cached = [x for layer in output.past_key_values.layers for x in (layer.keys, layer.values)]
    states = [x for step in output.hidden_states + output.attentions for x in step]
    sum((weight * x).square().sum() for x in [output.sequences, *streamed.patches, *cached, *states]).backward()
    assert weight.grad > 0

    values = output.sequences[..., -PATCH:]
    again = model(**inputs | {"input_values": values}, past_key_values=output.past_key_values, use_cache=True)
    again.last_hidden_state.sum().backward()
    assert all(p.grad.isfinite().all() for p in model.backbone.layers.parameters())
