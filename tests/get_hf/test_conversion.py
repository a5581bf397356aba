# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Checkpoints of the format before."""

import base64
import json
import shutil

import numpy as np
import pytest
import torch
from numpy.testing import assert_equal
from safetensors.torch import load_file, save_file

from get_hf import CHECKPOINT, GETFeatureExtractor, GETForSequenceClassification, load_pretrained
from get_hf.conversion import OLDER, convert
from get_hf.pretrained import load_folder
from get_hf.processing.population_get import pack
from tiny import tiny_config, tiny_inputs


def as_before(folder):
    """Writes a checkpoint's settings as format 5 did: lists of numbers in one JSON file."""
    extractor = GETFeatureExtractor.from_pretrained(folder)
    population, corrections = extractor.population, extractor.corrections
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    del settings["population"]
    settings |= {
        "autocorrelation": np.asarray(population.autocorrelation).tolist(),
        "innovation_scale": population.scale,
        "channel_variance": np.asarray(population.channel_variance).tolist(),
        "harmonic_covariance": base64.b64encode(pack(population.harmonic_covariance).astype("<f4").tobytes()).decode(),
        "slow_quantiles": [[-2.2, 0.0, 2.2]] * 3,
    }
    if population.blinks is not None:
        blinks = {name: value for name, value in vars(population.blinks).items() if name != "_bases"}
        settings["blinks"] = {name: np.asarray(value).tolist() for name, value in blinks.items()}
    for name, value in vars(corrections).items():
        if isinstance(value, dict):
            settings[name] = {condition: np.asarray(table).tolist() for condition, table in value.items()}
        elif value is not None:
            settings[name] = np.asarray(value).tolist()
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    (folder / "population.safetensors").unlink()
    config = json.loads((folder / "config.json").read_text())
    config.pop("classifier_pooling", None)
    (folder / "config.json").write_text(json.dumps(config | {"format_version": OLDER[0]}))
    listed = json.loads((folder / "checkpoint_files.json").read_text())
    listed["feature_extractor"] = {"preprocessor_config.json": None}
    (folder / "checkpoint_files.json").write_text(json.dumps(listed))


def assert_same(one: GETFeatureExtractor, other: GETFeatureExtractor) -> None:
    for part in ("population", "corrections"):
        for name, value in vars(getattr(one, part)).items():
            if name != "blinks":
                assert_equal(getattr(getattr(other, part), name), value, err_msg=name)


@pytest.fixture
def older(tmp_path):
    folder = shutil.copytree(CHECKPOINT, tmp_path / "older")
    as_before(folder)
    return folder


def test_a_generator_is_converted_and_generates_the_same(older, tmp_path):
    with pytest.raises(ValueError, match="cannot be loaded"):
        load_pretrained(older)
    (model, extractor), (same, reader) = load_pretrained(CHECKPOINT), load_pretrained(convert(older, tmp_path / "new"))
    assert_same(extractor, reader)
    features = extractor(ch_names=["Cz", "Oz"], condition="eyes_closed", person=1)
    made = [of.generate(**features, seconds=1, generator=torch.Generator().manual_seed(0)) for of in (model, same)]
    torch.testing.assert_close(*made, rtol=0, atol=0)
    decoded = [each.decode(made[0], features, output="array")[0] for each in (extractor, reader)]
    assert_equal(*decoded)


def test_a_classifier_is_converted(tmp_path):
    folder = tmp_path / "classifier"
    model = GETForSequenceClassification(tiny_config(classifier_pooling="mean"))
    model.save_pretrained(folder)
    GETFeatureExtractor(patch_size=5).save_pretrained(folder)
    before = GETFeatureExtractor.from_pretrained(folder)
    as_before(folder)
    same, extractor = load_folder(convert(folder, tmp_path / "new"))
    assert type(same) is GETForSequenceClassification
    assert_same(before, extractor)
    inputs = tiny_inputs()
    torch.testing.assert_close(same.eval()(**inputs).logits, model.eval()(**inputs).logits, rtol=0, atol=0)


def test_a_classifier_of_format_6_keeps_its_mean_over_channels(tmp_path):
    folder = tmp_path / "classifier"
    model = GETForSequenceClassification(tiny_config(classifier_pooling="mean"))
    model.save_pretrained(folder)
    GETFeatureExtractor(patch_size=5).save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    del config["classifier_pooling"]
    (folder / "config.json").write_text(json.dumps(config | {"format_version": OLDER[1]}))
    weights = load_file(folder / "model.safetensors")
    save_file(
        {name: w for name, w in weights.items() if not name.startswith("pooling")},
        folder / "model.safetensors",
        {"format": "pt"},
    )
    (folder / "checkpoint_files.json").unlink()
    same, _ = load_folder(convert(folder, tmp_path / "new"))
    inputs = tiny_inputs()
    torch.testing.assert_close(same.eval()(**inputs).logits, model.eval()(**inputs).logits, rtol=0, atol=0)


def test_an_adapter_s_feature_extractor_is_converted_and_its_weights_are_kept(older, tmp_path):
    (older / "config.json").unlink()
    (older / "model.safetensors").rename(older / "adapter_model.safetensors")
    (older / "adapter_config.json").write_text("{}")
    new = convert(older, tmp_path / "new")
    assert_same(GETFeatureExtractor.from_pretrained(CHECKPOINT), GETFeatureExtractor.from_pretrained(new))
    assert (new / "adapter_model.safetensors").read_bytes() == (older / "adapter_model.safetensors").read_bytes()
    assert (new / "adapter_config.json").is_file()


def test_a_checkpoint_that_cannot_be_converted_is_refused_and_nothing_is_written(older, tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        convert(tmp_path / "nowhere", tmp_path / "new")
    with pytest.raises(FileExistsError, match="is there already"):
        convert(older, older)
    with pytest.raises(ValueError, match="only formats 5 and 6 are converted"):
        convert(CHECKPOINT, tmp_path / "new")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"neither config\.json nor preprocessor_config\.json"):
        convert(tmp_path / "empty", tmp_path / "new")
    (older / "preprocessor_config.json").write_text('{"patch_size": 25}')
    with pytest.raises(ValueError, match="has no autocorrelation"):
        convert(older, tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "older"]
