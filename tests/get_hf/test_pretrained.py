# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import json
import shutil
import socket

import pytest

import get_hf
from get_hf import GETFeatureExtractor, load_pretrained
from get_hf.pretrained import load_folder


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.usefixtures("no_network")
def test_a_folder_is_loaded_without_the_network(tiny_checkpoint):
    model, extractor = load_pretrained(tiny_checkpoint)
    assert type(model) is get_hf.GETModel
    assert not model.training
    assert type(extractor) is get_hf.GETFeatureExtractor
    load_pretrained(str(tiny_checkpoint))


@pytest.mark.usefixtures("no_network")
@pytest.mark.skipif(not get_hf.CHECKPOINT.is_dir(), reason="no checkpoint is shipped in this tree")
def test_the_shipped_checkpoint_is_complete():
    model, extractor = load_pretrained()
    assert model.config.conditions == extractor.conditions
    assert model.config.sampling_rate == extractor.sampling_rate


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("name", ["./nowhere", "/nowhere", "nowhere", "a/b/c", "file"])
def test_a_missing_checkpoint_is_named(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(FileNotFoundError, match=f"no checkpoint at {name}"):
        load_pretrained(name)


def damage_nothing_there(folder):
    shutil.rmtree(folder)
    folder.mkdir()


def damage_no_weights(folder):
    (folder / "model.safetensors").unlink()


def damage_truncated_weights(folder):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])


def damage_no_extractor(folder):
    (folder / "preprocessor_config.json").unlink()


def damage_no_population(folder):
    (folder / "population.safetensors").unlink()


def damage_another_population(folder):
    GETFeatureExtractor(conditions=["none", "asleep"]).save_pretrained(folder / "other")
    (folder / "other" / "population.safetensors").replace(folder / "population.safetensors")


def damage_no_generation_config(folder):
    (folder / "generation_config.json").unlink()


def damage_extractor_of_nothing(folder):
    (folder / "preprocessor_config.json").write_text("[]")


def damage_flipped_bit(folder):
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "model.safetensors").write_bytes(weights)


def damage_pickle(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def damage_broken_json(folder):
    (folder / "config.json").write_text("{")


def damage_other_model(folder):
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize(
    "damage",
    [
        damage_nothing_there,
        damage_no_weights,
        damage_truncated_weights,
        damage_no_extractor,
        damage_no_population,
        damage_another_population,
        damage_no_generation_config,
        damage_extractor_of_nothing,
        damage_flipped_bit,
        damage_pickle,
        damage_broken_json,
        damage_other_model,
    ],
)
def test_an_incomplete_checkpoint_is_refused_in_one_sentence(tiny_checkpoint, tmp_path, damage):
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "damaged")
    damage(folder)
    with pytest.raises(ValueError, match="cannot be loaded as a checkpoint of GET: ") as caught:
        load_pretrained(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("model_type", ["get", "foreign"])
def test_code_beside_the_weights_never_runs_whatever_stdin_says(tiny_checkpoint, tmp_path, monkeypatch, model_type):
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "foreign")
    (folder / "foreign.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    for file, extra in (("config.json", {"model_type": model_type}), ("preprocessor_config.json", {})):
        names = ("AutoConfig", "AutoModel", "AutoFeatureExtractor")
        changes = {"auto_map": dict.fromkeys(names, "foreign.Foreign"), **extra}
        (folder / file).write_text(json.dumps(json.loads((folder / file).read_text()) | changes))
    (folder / "custom_generate").mkdir()
    (folder / "custom_generate/generate.py").write_text((folder / "foreign.py").read_text())
    if model_type == "get":
        load_folder(folder)
    else:
        with pytest.raises(ValueError, match="model_type is 'foreign'"):
            load_folder(folder)
    assert not (tmp_path / "ran").exists()


def test_a_checkpoint_of_another_class_is_refused(tiny_checkpoint):
    with pytest.raises(ValueError, match="it is a GETModel, not a GETForSequenceClassification"):
        load_folder(tiny_checkpoint, get_hf.GETForSequenceClassification)
