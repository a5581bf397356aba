# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""transformers' own model tests, run against GET."""

import re
import unittest
from typing import Any

import torch
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
    MODEL_MAPPING_NAMES,
)
from transformers.utils import logging

import transformers_suite
from get_hf import GETConfig, GETForSequenceClassification, GETModel
from get_hf.modeling.modeling_get import GETBackbone

common = transformers_suite.load()
# the tests know by their names inside transformers what has no loss, and what has classes for labels
MODEL_MAPPING_NAMES["get"] = GETBackbone.__name__
MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES["get"] = GETForSequenceClassification.__name__
# the tests write the epsilons of all models into each configuration; GET's refuses names that it does not have
common.set_config_for_less_flaky_test = lambda config: setattr(config, "rms_norm_eps", 1.0)

#: Tests that ask of GET what it is not meant to do, and why.
NOT_FOR_GET = {
    "test_generation_tester_mixin_inheritance": "Demands the tests of generate(), which the source distribution "
    "leaves out and which are about token ids: test_generation_get.py has our own.",
    "test_load_with_mismatched_shapes": "Changes the size of a vocabulary; GET has none. That another number of "
    "classes is refused or reinitialised is in test_can_load_ignoring_mismatched_shapes, which runs.",
    "test_model_get_set_embeddings": "Demands an nn.Embedding; samples are embedded by a linear layer. "
    "test_modeling_get.py has the same for it.",
}
#: Tests that skip themselves, by a pattern of their names, and why that is right. A skip without a reason here fails.
SKIPS = {
    "flash_attn": "Flash attention needs a GPU and its package; CI has neither.",
    "kernels_can_load|mps": "Compiled kernels of the Hub need a GPU and the network.",
    "deepspeed": "DeepSpeed is not used.",
    "offload|parallelism|can_load_with_|flex_attention_with_grads|dispatch_on_flash|compile": "Needs an accelerator. "
    "test_modeling_get.py compares flexible attention on the CPU.",
    "resize|position_vector": "There is no vocabulary or table of positions to resize.",
    "inputs_embeds": "The model takes signals, not embeddings of tokens.",
    "composite|internal_model_config": "There are no models within the model with configurations of their own.",
    "batched_and_grouped|router|tied_head|tp_plan": "No experts, no head tied to an embedding, no tensor parallelism: "
    "models of EEG fit on one device.",
    "lm_loss|double_shift": "There are no logits over tokens whose shift could be checked; "
    "test_modeling_get.py checks that position i learns patch i + 1.",
    "rope": "Rotary angles have no configurable scaling. Their relativity is tested by left padding.",
    "sliding_window_mask": "The window cannot be switched off, as the test would have it; "
    "test_modeling_get.py checks its reach.",
    "mapping|mapped_keys": "No checkpoint of an older layout has to be converted.",
    "keep_in_fp32": "No module needs to stay in single precision.",
    "get_(text|image|audio|video)_features": "GET is not a model of several modalities.",
}


class GETModelTester:
    """What the tests ask of a model: a tiny configuration, inputs and their sizes."""

    batch_size = 3
    n_chans = 4
    seq_length = 7  # patches
    hidden_size = 32
    num_hidden_layers = 2
    num_attention_heads = 4
    is_training = True
    # the tests take an argument called noise for that of a masked autoencoder and make it of these; dropped below
    image_size = patch_size = 1

    def get_config(self) -> GETConfig:
        return GETConfig(
            patch_size=5,
            flow_bands=[2, 3],
            num_calibration_features=3,
            hidden_size=self.hidden_size,
            num_hidden_layers=self.num_hidden_layers,
            num_attention_heads=self.num_attention_heads,
            intermediate_size=64,
            sliding_window=4,
            flow_num_layers=1,
            flow_hidden_size=32,
            flow_intermediate_size=64,
        )

    def prepare_config_and_inputs_for_common(self) -> tuple[GETConfig, dict[str, torch.Tensor]]:
        config = self.get_config()
        shape = (self.batch_size, self.n_chans)
        return config, {
            "input_values": torch.randn(*shape, self.seq_length * config.patch_size),
            "channel_positions": torch.nn.functional.normalize(torch.randn(*shape, 6), dim=-1),
            "calibration": torch.randn(*shape, config.num_calibration_features),
            "condition_ids": torch.randint(config.num_conditions, (self.batch_size, self.seq_length)),
        }


class TestGETModel(common.ModelTesterMixin, unittest.TestCase):
    all_model_classes = (GETModel, GETForSequenceClassification, GETBackbone)
    additional_model_inputs = ("channel_positions",)
    test_resize_embeddings = False

    def setUp(self):
        logging.set_verbosity_warning()  # the command, tested in the same process, silences it
        self.model_tester = GETModelTester()

    def _prepare_for_class(self, inputs_dict, model_class, return_labels=False) -> dict[str, Any]:
        inputs = super()._prepare_for_class(inputs_dict, model_class, return_labels)
        inputs.pop("noise", None)
        if return_labels and model_class is GETModel:
            # given, so that two calls can be compared
            inputs["labels"] = inputs["input_values"].clone()
            n_noise = self.model_tester.seq_length * self.model_tester.get_config().noise_size
            inputs["noise"] = torch.linspace(-2, 2, n_noise).expand(*inputs["labels"].shape[:2], -1)
            inputs["flow_time"] = torch.full((self.model_tester.batch_size, self.model_tester.seq_length), 0.3)
        return inputs


for name, reason in NOT_FOR_GET.items():
    setattr(TestGETModel, name, unittest.skip(reason)(getattr(TestGETModel, name)))


def why_skipped(name: str) -> str | None:
    """The reason in words why a test of transformers is skipped; conftest.py asks for it."""
    return NOT_FOR_GET.get(name) or next((why for names, why in SKIPS.items() if re.search(names, name)), None)
