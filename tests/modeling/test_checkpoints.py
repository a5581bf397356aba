# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What `save_pretrained` wrote, and what happens where some of it is missing or the package is not installed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoFeatureExtractor, AutoModel, pipeline

from get_hf import GETConfig, GETFeatureExtractor, GETForSequenceClassification, GETModel
from get_hf.modeling import modeling_get
from get_hf.modeling.configuration_get import FORMAT_VERSION
from get_hf.modeling.modeling_get import GETBackbone
from get_hf.modeling.pipeline_get import EEGGenerationPipeline
from small import signal
from tiny import tiny_config, tiny_inputs, tiny_model


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    folder = tmp_path / "checkpoint"
    tiny_model().save_pretrained(folder)
    return folder


def edit(checkpoint: Path, **changes: torch.Tensor | None) -> None:
    """Replaces or, where None, removes weights, as somebody does who means to."""
    (checkpoint / "checkpoint_files.json").unlink(missing_ok=True)
    file = checkpoint / "model.safetensors"
    weights = load_file(file)
    for name, weight in changes.items():
        if weight is None:
            del weights[name]
        else:
            weights[name] = weight
    save_file(weights, file, metadata={"format": "pt"})


def test_a_model_survives_saving_and_loading(checkpoint):
    model, loaded = tiny_model(), AutoModel.from_pretrained(checkpoint)
    assert type(loaded) is GETModel
    assert loaded.config.to_dict() | {"_name_or_path": ""} == GETConfig.from_pretrained(checkpoint).to_dict() | {
        "_name_or_path": "",
        "dtype": "float32",
    }
    inputs = tiny_inputs() | {"labels": tiny_inputs()["input_values"]}
    inputs |= {
        "noise": torch.linspace(-2, 2, 6 * model.config.noise_size).expand(2, 3, -1),
        "flow_time": torch.full((2, 6), 0.4),
    }
    expected, output = model(**inputs), loaded(**inputs)
    assert torch.equal(output.last_hidden_state, expected.last_hidden_state)
    assert torch.equal(output.loss, expected.loss)


def test_no_buffer_has_to_survive_loading():
    # those that are not saved come back unset from from_pretrained; what is cheap is computed anew instead
    assert list(tiny_model().buffers()) == []


@pytest.mark.parametrize(
    "name", ["backbone.layers.1.time_attention.qkv_proj.weight", "backbone.norm.weight", "flow_head.out_proj.bias"]
)
def test_a_checkpoint_without_a_weight_of_the_body_is_refused_by_name(checkpoint, name):
    edit(checkpoint, **{name: None})
    with pytest.raises(ValueError, match=rf"checkpoint lacks weights of GETModel.*{name}"):
        AutoModel.from_pretrained(checkpoint)


@pytest.mark.parametrize("name", ["backbone.layers.0.mlp_norm.weight", "flow_head.out_proj.bias"])
def test_a_checkpoint_with_a_renamed_weight_is_refused_with_both_names(checkpoint, name):
    edit(checkpoint, **{name: None, f"{name}_old": load_file(checkpoint / "model.safetensors")[name]})
    with pytest.raises(ValueError, match=rf"lacks weights of GETModel.*{name}; and holds weights .* have: {name}_old"):
        AutoModel.from_pretrained(checkpoint)


@pytest.mark.parametrize("name", ["backbone.layers.7.mlp_norm.weight", "flow_head.extra", "classifiers.weight"])
def test_unknown_weights_are_refused(checkpoint, name):
    edit(checkpoint, **{name: torch.ones(3)})
    with pytest.raises(ValueError, match=f"holds weights that GETModel does not have: {name}"):
        GETModel.from_pretrained(checkpoint)


def test_the_heads_of_other_classes_are_left_out(checkpoint):
    edit(checkpoint, **{"classifier.weight": torch.ones(2, 32)})
    assert torch.equal(
        GETModel.from_pretrained(checkpoint).flow_head.out_proj.bias, tiny_model().flow_head.out_proj.bias
    )
    assert GETBackbone.from_pretrained(checkpoint).norm.weight.shape == (32,)


def test_a_classifier_whose_layer_was_renamed_is_refused(tmp_path):
    GETForSequenceClassification(tiny_config()).save_pretrained(tmp_path)
    edit(tmp_path, **{"classifier.bias": None, "classifier.offset": torch.zeros(2)})
    with pytest.raises(ValueError, match=r"GETForSequenceClassification does not have: classifier\.offset"):
        GETForSequenceClassification.from_pretrained(tmp_path)


def change_config(checkpoint: Path, file: str = "config.json", **changes) -> None:
    path = checkpoint / file
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_checkpoint_of_another_model_is_refused(checkpoint):
    change_config(checkpoint, model_type="bert")
    with pytest.raises(ValueError, match="model_type is 'bert', not 'get'"):
        GETModel.from_pretrained(checkpoint)


@pytest.mark.parametrize("load", [AutoModel.from_pretrained, GETModel.from_pretrained, GETConfig.from_pretrained])
def test_a_newer_format_is_refused_whatever_it_has_added(checkpoint, load):
    change_config(checkpoint, format_version=FORMAT_VERSION + 1, something_new=3)
    with pytest.raises(
        ValueError, match=f"format {FORMAT_VERSION + 1}, .* reads format {FORMAT_VERSION}: install a newer one"
    ):
        load(checkpoint)


def test_an_older_format_is_refused_counted_or_not(checkpoint):
    change_config(checkpoint, format_version=FORMAT_VERSION - 1)
    with pytest.raises(ValueError, match=f"of format {FORMAT_VERSION - 1}, .* a newer revision of the checkpoint"):
        GETModel.from_pretrained(checkpoint)
    config = json.loads((checkpoint / "config.json").read_text())
    del config["format_version"]
    (checkpoint / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="of format 1, "):
        GETModel.from_pretrained(checkpoint)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"sampling_rate": 128.0}, r"sampling_rate is 100\.0 and the feature extractor's is 128\.0"),
        ({"patch_size": 32}, "patch_size is 5 and the feature extractor's is 32"),
        ({"conditions": ["none", "asleep"]}, "conditions"),
    ],
)
def test_a_feature_extractor_that_prepares_something_else_is_refused(checkpoint, settings, expected):
    GETFeatureExtractor(patch_size=5).save_pretrained(checkpoint)
    assert type(AutoModel.from_pretrained(checkpoint)) is GETModel
    change_config(checkpoint, "preprocessor_config.json", **settings)
    with pytest.raises(ValueError, match=f"The model's {expected}.*one checkpoint"):
        AutoModel.from_pretrained(checkpoint)


def test_features_cut_into_other_patches_are_refused():
    features = GETFeatureExtractor(patch_size=10)(ch_names=["C3", "C4"])
    with pytest.raises(ValueError, match="2 patches of 5 samples, and attention_mask 1"):
        tiny_model().generate(**features, seconds=1)


def test_many_missing_weights_are_counted(checkpoint):
    names = [name for name in tiny_model().state_dict() if name.startswith("flow_head.")]
    edit(checkpoint, **dict.fromkeys(names))
    with pytest.raises(ValueError, match=f"and {len(names) - 5} more"):
        GETModel.from_pretrained(checkpoint)


def test_weights_of_another_shape_are_refused_even_where_transformers_would_reinitialise_them(checkpoint):
    edit(checkpoint, **{"backbone.norm.weight": torch.ones(7)})
    with pytest.raises(RuntimeError):
        GETModel.from_pretrained(checkpoint)
    with pytest.raises(ValueError, match=r"another shape.*backbone\.norm\.weight"):
        GETModel.from_pretrained(checkpoint, ignore_mismatched_sizes=True)


def test_with_output_loading_info_incomplete_weights_load(checkpoint):
    edit(checkpoint, **{"flow_head.out_proj.bias": None})
    model, info = GETModel.from_pretrained(checkpoint, output_loading_info=True)
    assert info["missing_keys"] == {"flow_head.out_proj.bias"}
    assert (model.flow_head.out_proj.bias == 0).all()


def test_a_classifier_cannot_be_taken_for_a_model_that_generates(tmp_path):
    GETForSequenceClassification(tiny_config()).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"lacks weights of GETModel.*flow_head\."):
        AutoModel.from_pretrained(tmp_path)


def test_a_classifier_needs_its_backbone(checkpoint):
    edit(checkpoint, **{"backbone.norm.weight": None})
    with pytest.raises(ValueError, match=r"lacks weights of GETForSequenceClassification.*backbone\.norm\.weight"):
        GETForSequenceClassification.from_pretrained(checkpoint)


REMOTE = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("get_hf", "mne", "modeling", "processing"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())

import numpy as np
import torch
from transformers import AutoFeatureExtractor, AutoModel, AutoModelForSequenceClassification, pipeline

folder, prompt, out = sys.argv[1:]
prompt = dict(recording=np.load(prompt), sampling_rate=128.0, ch_names=["C3", "Cz", "Pz"], unit="uV")
model = AutoModel.from_pretrained(folder, trust_remote_code=True)
extractor = AutoFeatureExtractor.from_pretrained(folder, trust_remote_code=True)
assert type(model).__module__.startswith("transformers_modules."), type(model)
features = extractor(**prompt, condition="eyes_closed")
generated = model.generate(**features, seconds=2, generator=torch.Generator().manual_seed(3))
(array,) = extractor.decode(generated, features, "array")

generate = pipeline("eeg-generation", model=folder, trust_remote_code=True)
assert type(generate).__module__.startswith("transformers_modules."), type(generate)
(again,) = generate(**prompt, condition="eyes_closed", seconds=2, seed=3, output="array")
assert np.array_equal(array, again)

classifier = AutoModelForSequenceClassification.from_pretrained(folder, trust_remote_code=True, num_labels=3)
assert classifier(**features).logits.shape == (1, 3)
classifier.save_pretrained(out + "-classifier")
extractor.save_pretrained(out + "-classifier")
classify = pipeline("eeg-classification", model=out + "-classifier", trust_remote_code=True)
assert len(classify(**prompt)) == 3
embed = pipeline("eeg-feature-extraction", model=folder, trust_remote_code=True)
assert embed(**prompt).shape == (embed.model.config.num_classifier_features,)
assert not {"get_hf", "mne"} & {name.partition(".")[0] for name in sys.modules}
torch.save({"generated": generated, "array": array}, out)
"""


def test_the_code_beside_the_weights_generates_the_same_without_the_package(small_checkpoint, tmp_path):
    prompt, out = (tmp_path / name for name in ("prompt.npy", "out.pt"))
    np.save(prompt, signal(4.0, 3, rate=128.0))
    result = subprocess.run(
        [sys.executable, "-c", REMOTE, str(small_checkpoint), str(prompt), str(out)],
        cwd=tmp_path,
        env=os.environ | {"HF_MODULES_CACHE": str(tmp_path / "modules"), "HF_HUB_OFFLINE": "1", "PYTHONPATH": ""},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    model, extractor = (
        AutoModel.from_pretrained(small_checkpoint),
        AutoFeatureExtractor.from_pretrained(small_checkpoint),
    )
    features = extractor(np.load(prompt), 128.0, ["C3", "Cz", "Pz"], "uV", "eyes_closed")
    installed = model.generate(**features, seconds=2, generator=torch.Generator().manual_seed(3))
    there = torch.load(out, weights_only=False)
    assert torch.equal(there["generated"], installed)
    assert np.array_equal(there["array"], extractor.decode(installed, features, "array")[0])


def test_the_installed_package_takes_precedence_over_the_code_beside_the_weights(small_checkpoint, tmp_path):
    folder = shutil.copytree(small_checkpoint, tmp_path / "checkpoint")
    for file in folder.glob("*.py"):
        file.write_text("raise AssertionError('the copy was used')")
    for trust in (None, True):
        assert type(AutoModel.from_pretrained(folder, trust_remote_code=trust)) is GETModel
        assert type(AutoFeatureExtractor.from_pretrained(folder, trust_remote_code=trust)) is GETFeatureExtractor
        generate = pipeline("eeg-generation", model=str(folder), trust_remote_code=trust)
        assert type(generate) is EEGGenerationPipeline


def test_a_fine_tuned_model_refers_to_its_own_code_alone(small_checkpoint, tmp_path):
    config = GETConfig.from_pretrained(small_checkpoint)
    config.auto_map = {
        "AutoConfig": "org/base--configuration_get.GETConfig",
        "AutoModel": "org/base--modeling_get.GETModel",
    }
    GETForSequenceClassification.from_pretrained(small_checkpoint, config=config).save_pretrained(tmp_path)
    saved = json.loads((tmp_path / "config.json").read_text())
    assert saved["auto_map"] == {
        "AutoConfig": "configuration_get.GETConfig",
        "AutoModelForSequenceClassification": "modeling_get.GETForSequenceClassification",
    }
    assert list(saved["custom_pipelines"]) == ["eeg-classification", "eeg-feature-extraction"]
    code = {file.name for file in (Path(modeling_get.__file__).parent).glob("*.py")} - {"__init__.py"}
    assert {file.name for file in tmp_path.glob("*.py")} == code
