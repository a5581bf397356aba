# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Fine-tuning from recipe to checkpoint."""

import csv
import json
import shutil
from importlib.resources import files
from pathlib import Path

import mne
import numpy as np
import pytest
import torch
import yaml
from transformers import AutoModelForSequenceClassification, pipeline

from get_hf import GETFeatureExtractor, GETForSequenceClassification
from get_hf.training.finetuning.figures import in_words
from get_hf.training.finetuning.probe import fit_linear, standardise
from get_hf.training.finetuning.recipe import read_recipe
from get_hf.training.finetuning.run import common_channels, finetune, rates
from synthetic import make_raw
from tiny import tiny_config

RECIPE = {
    "corpus": "eegmmidb",
    "classes": {"left": "left_fist", "right": "right_fist"},
    "window_seconds": 4.0,
    "channels_per_window": 4,
    "num_train_epochs": 1,
    "per_device_train_batch_size": 2,
    "learning_rate": 1e-3,
    "disable_tqdm": True,
    "use_cpu": True,
    "seed": 3,
}


@pytest.fixture
def write(tmp_path, data_dir, cache_dir, prepared):
    """Writes a recipe and reads it."""

    def read(**changes):
        path = tmp_path / "recipe.yaml"
        folders = {"data_dir": str(data_dir), "cache_dir": str(cache_dir), "output_dir": str(tmp_path / "out")}
        path.write_text(yaml.safe_dump(RECIPE | folders | changes))
        return read_recipe(path)

    return read


@pytest.mark.parametrize("method", ["full", "head", "lora"])
def test_a_run_leaves_a_classifier_that_the_pipeline_loads(write, finished, method):
    folder = finetune(write(method=method, class_weights=True), finished)
    model = GETForSequenceClassification.from_pretrained(folder)
    assert model.config.id2label == {0: "left", 1: "right"}
    assert model.config.window_seconds == 4.0
    assert model.config.training_channels == ["Fp1", "Fz", "C3", "Cz", "C4", "Pz", "O1", "O2"]
    card = (folder / "README.md").read_text()
    assert "Channels of all training windows: Fp1, Fz, C3, Cz, C4, Pz, O1, O2." in card
    found = json.loads((folder / "figures.json").read_text())
    assert set(found) == {"validation"}
    assert list(found["validation"]["by_person"]) == ["S080"]
    rows = list(csv.DictReader((folder / "predictions.csv").open()))
    assert len(rows) == found["validation"]["n_windows"]
    hits = [row["label"] == str(int(float(row["right"]) > float(row["left"]))) for row in rows]
    assert np.mean(hits) == pytest.approx(found["validation"]["accuracy"])
    summary = json.loads((folder / "training_summary.json").read_text())
    assert summary["training_people"] == ["eegmmidb/S001", "eegmmidb/S002"]
    assert "left, right" in (folder / "README.md").read_text()
    classify = pipeline("eeg-classification", model=str(folder))
    assert {entry["label"] for entry in classify(make_raw())} == {"left", "right"}
    assert (folder / "adapter/adapter_model.safetensors").is_file() == (method == "lora")


def test_an_override_from_the_command_line_can_say_null(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(RECIPE | {"output_dir": "out", "method": "lora", "adapter_base": "../base"}))
    recipe = read_recipe(path, {"method": "full", "adapter_base": "null"})
    assert recipe.model.adapter_base is None


def test_windows_of_a_trial_vote(write, finished):
    folder = finetune(write(method="head", window_seconds=1.0, stride_seconds=0.5), finished)
    found = json.loads((folder / "figures.json").read_text())["validation"]
    rows = list(csv.DictReader((folder / "predictions.csv").open()))
    trials: dict[tuple, list] = {}
    for row in rows:
        trials.setdefault((row["subject"], row["session"], row["trial"]), []).append(row)
    assert (found["n_windows"], found["n_trials"]) == (len(rows), len(trials))
    assert min(map(len, trials.values())) > 4
    for own in trials.values():
        means = [np.mean([float(row[name]) for row in own]) for name in ("left", "right")]
        assert {row["vote"] for row in own} == {str(np.argmax(means))}
    hits = [own[0]["vote"] == own[0]["label"] for own in trials.values()]
    assert np.mean(hits) == pytest.approx(found["accuracy"])
    of_windows = [row["label"] == str(int(float(row["right"]) > float(row["left"]))) for row in rows]
    assert np.mean(of_windows) == pytest.approx(found["window_accuracy"])
    row = f"| {found['window_accuracy']:.3f} | 1 | {len(trials)} | {len(rows)} |"
    assert row in (folder / "README.md").read_text()


def test_only_channels_that_all_windows_have_are_training_channels():
    assert common_channels([["C3", "Cz", "C4"], ["EEG C4", "Fz", "c3.."], ["C3", "Cz", "C4"]]) == ["C3", "C4"]
    assert common_channels([["Fp1-F7", "E12"], ["E12", "FP1-F7"]]) == ["Fp1-F7", "E12"]
    assert common_channels([["C3"], ["C4"]]) is None


def test_low_rank_changes_can_be_saved_alone_and_are_merged_on_loading(write, finished, tmp_path):
    base = shutil.copytree(finished, tmp_path / "base")
    folder = finetune(write(method="lora", adapter_base="../base"), base)
    assert not (folder / "model.safetensors").exists()
    assert str(tmp_path) not in (folder / "adapter/adapter_config.json").read_text()
    whole = finetune(write(method="lora", output_dir=str(tmp_path / "whole")), base)
    models = [AutoModelForSequenceClassification.from_pretrained(place) for place in (folder, whole)]
    inputs = GETFeatureExtractor.from_pretrained(folder)(make_raw())
    inputs.pop("noise_seed")
    logits = [model(**inputs).logits for model in models]
    torch.testing.assert_close(*logits, atol=1e-5, rtol=1e-4)


def test_the_head_alone_leaves_the_backbone_as_it_was(write, finished):
    folder = finetune(write(method="head"), finished)
    before = GETForSequenceClassification.from_pretrained(finished)
    after = GETForSequenceClassification.from_pretrained(folder)
    for name, weight in before.backbone.state_dict().items():
        assert torch.equal(weight, after.backbone.state_dict()[name])


def test_people_of_the_pretraining_may_not_judge(write, finished, tmp_path):
    checkpoint = shutil.copytree(finished, tmp_path / "checkpoint")
    summary = json.loads((checkpoint / "training_summary.json").read_text())
    summary["training_people"].append("eegmmidb/S080")
    (checkpoint / "training_summary.json").write_text(json.dumps(summary))
    with pytest.raises(ValueError, match="was trained on 1 of the 1 people"):
        finetune(write(method="head"), checkpoint)
    assert finetune(write(method="head", allow_seen_people=True), checkpoint).is_dir()


def test_each_fold_is_trained_once_and_people_of_all_folds_count_equally(write, finished, tmp_path):
    for person in "abc":
        raw = make_raw(48.0, seed=ord(person))
        events = mne.make_fixed_length_events(raw, duration=4.0)
        events[1::2, 2] = 2
        epochs = mne.Epochs(raw, events, {"target": 1, "other": 2}, 0, 2 - 1 / 160, baseline=None, verbose="error")
        (tmp_path / "epochs").mkdir(exist_ok=True)
        epochs.save(tmp_path / f"epochs/{person}_run1-epo.fif", verbose="error")
    recipe = write(corpus=f"epochs:{tmp_path / 'epochs'}", classes=None, method="head")
    folder = finetune(recipe, finished)
    found = json.loads((folder / "figures.json").read_text())
    assert sorted(found["test"]["by_person"]) == ["a", "b", "c"]
    of_folds = [fold["test"]["window_accuracy"] for fold in found["folds"].values()]
    assert found["test"]["window_accuracy"] == pytest.approx(np.mean(of_folds))
    assert "3 people" in in_words(found)
    folds = sorted(path.name for path in folder.iterdir() if path.is_dir())
    assert folds == ["fold-1", "fold-2", "fold-3"]
    written = [(folder / name / "model.safetensors").stat().st_mtime_ns for name in folds]
    finetune(recipe, finished)
    assert [(folder / name / "model.safetensors").stat().st_mtime_ns for name in folds] == written


def test_the_probe_is_the_logistic_regression_of_its_features():
    model = GETForSequenceClassification(tiny_config(num_labels=2))
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    features = torch.tensor(rng.standard_normal((200, model.config.num_classifier_features)), dtype=torch.float32)
    features[:, 3] += 5 * torch.tensor(labels)
    standard = standardise(model, features)
    torch.testing.assert_close(standard.mean(0), torch.zeros(standard.shape[1]), atol=1e-5, rtol=0)
    fit_linear(model, standard, labels, 1.0)
    predicted = model.classifier(standard).argmax(-1).numpy()
    assert (predicted == labels).mean() > 0.97


def test_a_class_without_windows_is_named():
    model = GETForSequenceClassification(tiny_config(num_labels=2, id2label={0: "left", 1: "right"}))
    features = torch.zeros(4, model.config.num_classifier_features)
    with pytest.raises(ValueError, match="no training window of class right"):
        fit_linear(model, features, np.zeros(4, int), 1.0)


def test_earlier_blocks_learn_more_slowly():
    model = GETForSequenceClassification(tiny_config())
    groups = rates(model, 1.0, head_rate=2.0, decay=0.5)
    rate_of = {id(parameter): group["lr"] for group in groups for parameter in group["params"]}
    assert len(rate_of) == len(list(model.parameters()))
    assert rate_of[id(model.classifier.weight)] == 2.0
    assert rate_of[id(model.backbone.layers[1].mlp_norm.weight)] == 1.0
    assert rate_of[id(model.backbone.layers[0].mlp_norm.weight)] == 0.5
    assert rate_of[id(model.backbone.patch_embedding.weight)] == 0.25


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": {"one": "left_fist"}}, "classes must be at least two"),
        ({"classes": None}, "classes must be given"),
        ({"classes": {"a": "left_fist", "b": "sleeping"}}, "sleeping"),
        ({"method": "prompt"}, "method must be one of full, head, lora"),
        ({"protocol": "loso"}, "protocol must be one of"),
        ({"pooling": "max"}, "pooling must be position or mean"),
        ({"adapter_base": "org/get-eeg"}, "adapter_base is for the method lora"),
        ({"calibrations": ["run"]}, "calibrations must be some of session, person"),
        ({"calibrations": ["session", "person"], "protocol": "within-subject"}, "give one calibration"),
        ({"lora_rank": 0}, "lora_rank must be at least 1"),
        ({"layer_decay": 1.5}, "layer_decay must lie in"),
        ({"window_seconds": 0}, "window_seconds must be positive"),
        ({"n_people": 0}, "n_people must be at least 1"),
        ({"windows": 4}, "unknown key 'windows'"),
        ({"output_dir": None}, "output_dir must be given"),
    ],
)
def test_recipes_that_mean_nothing_are_refused(write, changes, message):
    with pytest.raises(ValueError, match=message):
        write(**changes)


@pytest.mark.parametrize(
    "path", sorted(Path(str(files("get_hf.training"))).glob("recipes/finetune_*.yaml")), ids=lambda path: path.stem
)
def test_shipped_recipes_are_read_and_name_no_folder_of_a_machine(path):
    recipe = read_recipe(path)
    assert recipe.data.data_dir is None
    assert not Path(recipe.training.output_dir).is_absolute()
