# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import json

import pytest
import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import AutoConfig

from get_hf import GETConfig
from get_hf.modeling.configuration_get import CONDITIONS
from tiny import tiny_config, tiny_inputs, tiny_model


def test_a_misspelt_argument_is_refused_and_the_right_ones_are_listed():
    with pytest.raises(ValueError, match=r"no argument 'hiden_size'.*hidden_size"):
        GETConfig(hiden_size=64)


def test_a_misspelt_argument_in_a_saved_configuration_is_refused(tmp_path):
    tiny_config().save_pretrained(tmp_path)
    file = tmp_path / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"sliding_windows": 8}))
    with pytest.raises(ValueError, match="sliding_windows"):
        GETConfig.from_pretrained(tmp_path)


def test_several_misspelt_arguments_are_named_together():
    with pytest.raises(ValueError, match="'heads', 'layers'"):
        GETConfig(layers=2, heads=4)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("num_labels", 3),
        ("problem_type", "regression"),
        ("output_attentions", False),
        ("dtype", "float32"),
        ("name_or_path", "somewhere"),
        ("auto_map", {"AutoModel": "modeling_get.GETModel"}),
        ("custom_pipelines", {"eeg-generation": {"impl": "pipeline_get.GETPipeline"}}),
        ("attn_implementation", "eager"),
    ],
)
def test_keys_that_transformers_adds_to_every_configuration_are_accepted(key, value):
    tiny_config(**{key: value})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_size": 36, "num_attention_heads": 4}, r"hidden_size \(36\).*num_attention_heads \(4\)"),
        ({"flow_hidden_size": 20, "num_attention_heads": 4}, r"flow_hidden_size \(20\).*num_attention_heads \(4\)"),
        ({"patch_size": 0}, "patch_size must be at least 1, not 0"),
        ({"hidden_size": 0}, "hidden_size must be at least 1, not 0"),
        ({"num_hidden_layers": 0}, "num_hidden_layers must be at least 1, not 0"),
        ({"flow_num_layers": -1}, "flow_num_layers must be at least 1, not -1"),
        ({"num_attention_heads": 0}, "num_attention_heads must be at least 1, not 0"),
        ({"sliding_window": 1}, "sliding_window must be at least 2, not 1"),
        ({"sampling_rate": 0.0}, r"sampling_rate must be at least 1, not 0\.0"),
        ({"sampling_rate": float("nan")}, "sampling_rate must be at least 1, not nan"),
        ({"num_calibration_features": -1}, "num_calibration_features must be at least 0, not -1"),
        ({"num_hidden_layers": 10**12}, "num_hidden_layers must be at most 1,000, not 1000000000000: memory"),
        ({"num_labels": 10**12}, "num_labels must be at most 10,000, not 1000000000000: memory"),
        ({"sliding_window": 10**9}, "sliding_window must be at most 1,000,000, not"),
        ({"attention_dropout": 1.5}, r"attention_dropout must be at most 1, not 1\.5"),
        ({"conditions": []}, r"conditions must be different names.*not \[\]"),
        ({"conditions": ["none", "rest", "rest"]}, "conditions must be different names"),
        ({"heard_conditions": ["asleep"]}, r"heard_conditions must be different ones of rest, .*not \['asleep'\]"),
        ({"heard_conditions": ["none"]}, "heard_conditions must be different ones of"),
        ({"heard_conditions": ["rest", "rest"]}, "heard_conditions must be different ones of"),
    ],
)
def test_sizes_that_contradict_each_other_are_refused_with_both_sides_named(changes, message):
    with pytest.raises(ValueError, match=message):
        tiny_config(**changes)


@pytest.mark.parametrize("changes", [{"hidden_size": "64"}, {"sampling_rate": "100 Hz"}, {"patch_size": 2.5}])
def test_a_value_of_the_wrong_type_is_refused(changes):
    with pytest.raises(StrictDataclassError, match=next(iter(changes))):
        tiny_config(**changes)


def test_a_configuration_survives_saving_and_loading(tmp_path):
    config = tiny_config(conditions=["none", "asleep"], sampling_rate=128.0, num_labels=3)
    config.save_pretrained(tmp_path)
    loaded = AutoConfig.from_pretrained(tmp_path)
    assert type(loaded) is GETConfig
    assert loaded.to_json_string() == config.to_json_string()
    assert loaded.conditions == ["none", "asleep"]


def test_the_first_condition_is_the_unknown_one():
    config = GETConfig()
    assert config.conditions[0] == "none"
    assert {"eyes_open", "eyes_closed", "left_fist", "right_fist", "seizure"} < set(config.conditions)
    assert config.num_conditions == len(config.conditions)


@pytest.mark.parametrize(("heard", "known"), [(["rest", "feet"], ["rest", "feet"]), ([], []), (None, CONDITIONS[1:])])
def test_heard_conditions_are_saved_and_default_to_all_conditions(heard, known, tmp_path):
    tiny_config(heard_conditions=heard).save_pretrained(tmp_path)
    assert GETConfig.from_pretrained(tmp_path).known_conditions == list(known)


def test_an_older_configuration_without_the_list_takes_all_conditions():
    older = tiny_config().to_dict()
    del older["heard_conditions"]
    assert GETConfig.from_dict(older).known_conditions == list(CONDITIONS[1:])


def test_generate_refuses_conditions_that_the_model_was_not_trained_with():
    model, inputs = tiny_model(heard_conditions=["rest", "feet"]), tiny_inputs(n_batch=1)
    inputs["condition_ids"][:] = torch.tensor([1, 7, 0, 7, 1, 1])
    model.generate(**inputs, max_new_tokens=1)
    for unheard, named in ((9, r"9 \(seizure\)"), (10, "10"), (-1, "-1")):
        inputs["condition_ids"][0, -1] = unheard
        with pytest.raises(ValueError, match=rf"hold {named}, which .* knows 0 \(none\), 1 \(rest\), 7 \(feet\)\."):
            model.generate(**inputs, max_new_tokens=1)


def test_model_and_feature_extractor_must_have_the_same_heard_conditions():
    config = tiny_config(heard_conditions=["rest"])
    with pytest.raises(ValueError, match=r"The model's heard_conditions is \['rest'\] and the feature extractor's"):
        config.check_extractor({"heard_conditions": ["rest", "feet"]})
    for told in ({}, {"heard_conditions": None}, {"heard_conditions": ["rest"]}):
        config.check_extractor(told)
        tiny_config().check_extractor(told)


def test_every_layer_slides_its_window_whatever_a_file_says():
    assert tiny_config(num_hidden_layers=3).layer_types == ["sliding_attention"] * 3
    assert GETConfig.from_dict(tiny_config().to_dict() | {"num_hidden_layers": 1}).layer_types == ["sliding_attention"]
