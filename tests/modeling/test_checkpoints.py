# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What `save_pretrained` wrote, and what happens where some of it is missing or the package is not installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel

from get_hf import GETConfig, GETForSequenceClassification, GETModel
from tiny import tiny_config, tiny_inputs, tiny_model


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    folder = tmp_path / "checkpoint"
    tiny_model().save_pretrained(folder)
    return folder


def edit(checkpoint: Path, **changes: torch.Tensor | None) -> None:
    """Replaces or, where None, removes weights."""
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


def test_who_asks_for_the_loading_info_judges_for_himself(checkpoint):
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

import torch
from transformers import AutoModel, AutoModelForSequenceClassification

folder, inputs, out = sys.argv[1:]
model = AutoModel.from_pretrained(folder, trust_remote_code=True)
assert type(model).__module__.startswith("transformers_modules."), type(model)
generated = model.generate(**torch.load(inputs), max_new_tokens=5, generator=torch.Generator().manual_seed(3))
classifier = AutoModelForSequenceClassification.from_pretrained(folder, trust_remote_code=True, num_labels=3)
assert classifier(**torch.load(inputs)).logits.shape == (2, 3)
assert not {"get_hf", "mne"} & {name.partition(".")[0] for name in sys.modules}
torch.save(generated, out)
"""


def test_the_code_beside_the_weights_generates_the_same_without_the_package(tmp_path, monkeypatch):
    folder, inputs, out = (tmp_path / name for name in ("remote", "inputs.pt", "out.pt"))
    for cls, auto_class in [(GETConfig, "AutoConfig"), (GETModel, "AutoModel")]:
        monkeypatch.setattr(cls, "_auto_class", auto_class)
    model = tiny_model()
    model.config.auto_map = {"AutoModelForSequenceClassification": "modeling_get.GETForSequenceClassification"}
    model.save_pretrained(folder)
    torch.save(tiny_inputs(), inputs)
    result = subprocess.run(
        [sys.executable, "-c", REMOTE, str(folder), str(inputs), str(out)],
        cwd=tmp_path,
        env=os.environ | {"HF_MODULES_CACHE": str(tmp_path / "modules"), "HF_HUB_OFFLINE": "1", "PYTHONPATH": ""},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    installed = tiny_model().generate(**tiny_inputs(), max_new_tokens=5, generator=torch.Generator().manual_seed(3))
    assert torch.equal(torch.load(out), installed)
