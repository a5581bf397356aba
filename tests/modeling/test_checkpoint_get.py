# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What is loaded is what was saved: whole, of safetensors, and of a size that its weights can fill."""

import hashlib
import json
import pickle
import re
from pathlib import Path

import pytest
import torch
from transformers import AutoModel, AutoModelForSequenceClassification, GenerationConfig

from get_hf import GETFeatureExtractor, GETForSequenceClassification, GETModel
from get_hf.modeling.checkpoint_get import FILES
from tiny import tiny_config, tiny_model

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    folder = tmp_path / "checkpoint"
    tiny_model().save_pretrained(folder)
    return folder


@pytest.fixture
def sharded(tmp_path) -> Path:
    folder = tmp_path / "sharded"
    tiny_model().save_pretrained(folder, max_shard_size="50KB")
    assert (folder / INDEX).is_file()
    return folder


def listed(folder: Path) -> dict:
    return json.loads((folder / FILES).read_text())


def change(folder: Path, file: str, **values) -> None:
    """Edits a JSON file; None removes."""
    content = json.loads((folder / file).read_text()) | values
    content = {name: value for name, value in content.items() if value is not None}
    (folder / file).write_text(json.dumps(content))


def flip(file: Path) -> None:
    """Changes one bit in the middle of a file."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def refused(folder: Path, *words: str, load=AutoModel.from_pretrained) -> None:
    """A folder is refused in one sentence that holds these words."""
    with pytest.raises(ValueError, match="".join(f"(?=.*{re.escape(word)})" for word in words)) as error:
        load(folder)
    assert "\n" not in str(error.value)


def test_saving_lists_what_belongs_to_the_model_and_hashes_tensors_alone(checkpoint):
    digest = hashlib.sha256((checkpoint / WEIGHTS).read_bytes()).hexdigest()
    assert listed(checkpoint) == {"model": {"config.json": None, "generation_config.json": None, WEIGHTS: digest}}


def test_model_and_feature_extractor_keep_each_other_s_entries(checkpoint):
    before = listed(checkpoint)["model"]
    GETFeatureExtractor(patch_size=5).save_pretrained(checkpoint)
    population = hashlib.sha256((checkpoint / "population.safetensors").read_bytes()).hexdigest()
    own = {"preprocessor_config.json": None, "population.safetensors": population}
    expected = {"feature_extractor": own, "model": before}
    assert listed(checkpoint) == expected
    tiny_model().save_pretrained(checkpoint)
    assert listed(checkpoint) == expected
    assert type(AutoModel.from_pretrained(checkpoint)) is GETModel


@pytest.mark.parametrize("load", [AutoModel.from_pretrained, GETModel.from_pretrained])
def test_a_single_flipped_bit_is_refused(checkpoint, load):
    flip(checkpoint / WEIGHTS)
    refused(checkpoint, WEIGHTS, "damaged", FILES, load=load)


def test_a_flipped_bit_in_one_of_several_files_is_refused(sharded):
    part = sorted(sharded.glob("model-*.safetensors"))[1]
    flip(part)
    refused(sharded, part.name, "damaged")


def test_a_missing_part_is_refused(sharded):
    part = sorted(sharded.glob("model-*.safetensors"))[1]
    part.unlink()
    refused(sharded, "lacks", part.name)


def test_weights_of_another_checkpoint_are_refused(checkpoint, tmp_path):
    other = tmp_path / "other"
    GETModel(tiny_config()).save_pretrained(other)
    (checkpoint / WEIGHTS).write_bytes((other / WEIGHTS).read_bytes())
    refused(checkpoint, "of another checkpoint")


def test_weights_that_the_list_does_not_name_are_refused(checkpoint, sharded):
    (checkpoint / WEIGHTS).unlink()
    for file in (INDEX, *(part.name for part in sharded.glob("model-*.safetensors"))):
        (checkpoint / file).write_bytes((sharded / file).read_bytes())
    refused(checkpoint, "is not among the files")


def test_without_a_list_a_whole_checkpoint_is_accepted(checkpoint):
    (checkpoint / FILES).unlink()
    assert type(AutoModel.from_pretrained(checkpoint)) is GETModel


def test_a_list_without_entries_of_the_model_is_accepted(checkpoint):
    (checkpoint / FILES).write_text('{"feature_extractor": {"preprocessor_config.json": null}}')
    assert type(AutoModel.from_pretrained(checkpoint)) is GETModel


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"model": []}', '{"model": {"../model.safetensors": null}}', '{"model": {"/a.json": null}}'],
)
def test_an_invalid_list_is_refused_and_replaced_by_the_next_save(checkpoint, content):
    (checkpoint / FILES).write_text(content)
    refused(checkpoint, FILES)
    tiny_model().save_pretrained(checkpoint)
    assert type(AutoModel.from_pretrained(checkpoint)) is GETModel


def test_a_json_file_may_be_edited(checkpoint):
    change(checkpoint, "config.json", attention_dropout=0.1)
    change(checkpoint, "generation_config.json", num_flow_steps=3)
    model = AutoModel.from_pretrained(checkpoint)
    assert (model.config.attention_dropout, model.generation_config.num_flow_steps) == (0.1, 3)


@pytest.mark.parametrize("has_list", [True, False])
def test_a_generator_without_its_generation_config_is_refused(checkpoint, has_list):
    (checkpoint / "generation_config.json").unlink()
    if not has_list:
        (checkpoint / FILES).unlink()
    refused(checkpoint, "lacks generation_config.json", "too weak")
    # who gives one does not need it, and a classifier generates nothing
    GETModel.from_pretrained(checkpoint, generation_config=GenerationConfig(do_sample=True))
    AutoModelForSequenceClassification.from_pretrained(checkpoint)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"do_sample": None}, "must set do_sample"),
        ({"do_sample": "yes"}, "must set do_sample to true or false, not 'yes'"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": float("nan")}, "from 0 to 100, not nan"),
        ({"num_flow_steps": 10**9}, "from 1 to 1000, not 1000000000"),
        ({"num_flow_steps": True}, "num_flow_steps"),
        ({"max_length": 10**15}, "max_length"),
        ({"num_return_sequences": -1}, "num_return_sequences"),
        ({"modulation_depth": [0.3]}, "modulation_depth"),
    ],
)
def test_a_generation_config_that_makes_no_sense_is_refused(checkpoint, changes, expected):
    change(checkpoint, "generation_config.json", **changes)
    refused(checkpoint, "generation_config.json", expected)


@pytest.mark.parametrize("content", ["", "{", "[]", "3", "[" * 100_000])
def test_a_generation_config_that_is_not_json_is_refused(checkpoint, content):
    (checkpoint / "generation_config.json").write_text(content)
    refused(checkpoint, "generation_config.json")


@pytest.mark.parametrize(
    "name", ["../outside.safetensors", "/etc/outside.safetensors", "sub/a.safetensors", 3, "a.bin"]
)
def test_an_index_stays_inside_its_folder(sharded, name):
    index = json.loads((sharded / INDEX).read_text())
    first = min(index["weight_map"])
    change(sharded, INDEX, weight_map=index["weight_map"] | {first: name})
    refused(sharded, INDEX, "its own folder")


@pytest.mark.parametrize("content", ["[]", "{}", '{"weight_map": {}}', '{"weight_map": ["a"]}'])
def test_an_invalid_index_is_refused(sharded, content):
    (sharded / INDEX).write_text(content)
    refused(sharded, INDEX)


class Code:
    """What unpickles to a call."""

    def __init__(self, file: Path):
        self.file = file

    def __reduce__(self):
        return (Path.touch, (self.file,))


@pytest.mark.parametrize(
    "load",
    [AutoModel.from_pretrained, GETModel.from_pretrained, GETForSequenceClassification.from_pretrained],
)
def test_pickled_weights_are_not_read(checkpoint, tmp_path, load):
    (checkpoint / WEIGHTS).unlink()
    torch.save(tiny_model().state_dict(), checkpoint / "pytorch_model.bin")
    refused(checkpoint, "no weights in model.safetensors", load=load)
    (checkpoint / "pytorch_model.bin").write_bytes(pickle.dumps(Code(tmp_path / "ran")))
    refused(checkpoint, "no weights in model.safetensors", load=load)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("file", ["adapter_model.bin", "../elsewhere.safetensors"])
def test_a_configuration_cannot_name_other_weights(checkpoint, file):
    change(checkpoint, "config.json", transformers_weights=file)
    refused(checkpoint, "transformers_weights")


@pytest.mark.parametrize("name", ["attn_implementation", "_attn_implementation"])
def test_a_configuration_cannot_name_code_of_another_repository(checkpoint, name):
    change(checkpoint, "config.json", **{name: "someone/kernel"})
    refused(checkpoint, "someone/kernel", "trust")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"hidden_size": 10**9}, "hidden_size must be at most 16,384"),
        ({"num_hidden_layers": 10**12}, "num_hidden_layers must be at most 1,000"),
        ({"hidden_size": 2048, "intermediate_size": 8192}, "parameters, and its weights"),
        ({"num_hidden_layers": 200}, "parameters, and its weights"),
        ({"num_labels": 10**12}, "num_labels must be at most 10,000"),
        ({"hidden_size": "32"}, "'hidden_size'"),
        ({"sampling_rate": 1e300}, "sampling_rate must be at most 100,000"),
    ],
)
def test_sizes_that_the_weights_cannot_fill_are_refused_before_memory_is_taken(checkpoint, changes, expected):
    change(checkpoint, "config.json", **changes)
    refused(checkpoint, expected)


def test_the_newest_save_is_loaded_whether_in_one_file_or_in_several(sharded):
    fresh = GETModel(tiny_config())
    fresh.save_pretrained(sharded)
    assert not (sharded / INDEX).exists()
    assert torch.equal(AutoModel.from_pretrained(sharded).flow_head.out_proj.bias, fresh.flow_head.out_proj.bias)
    tiny_model().save_pretrained(sharded, max_shard_size="50KB")
    assert not (sharded / WEIGHTS).exists()
    loaded = AutoModel.from_pretrained(sharded)
    assert torch.equal(loaded.flow_head.out_proj.bias, tiny_model().flow_head.out_proj.bias)


def test_a_variant_of_the_weights_is_listed_and_checked_beside_the_usual_ones(checkpoint):
    tiny_model().save_pretrained(checkpoint, variant="other")
    assert type(GETModel.from_pretrained(checkpoint, variant="other")) is GETModel
    flip(checkpoint / "model.other.safetensors")
    refused(checkpoint, "damaged", load=lambda folder: GETModel.from_pretrained(folder, variant="other"))
    assert type(GETModel.from_pretrained(checkpoint)) is GETModel


def test_a_save_of_another_process_leaves_the_list_alone(tmp_path):
    tiny_model().save_pretrained(tmp_path, is_main_process=False)
    assert not (tmp_path / FILES).exists()
