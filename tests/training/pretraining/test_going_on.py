# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Pretraining that goes on from a checkpoint, with conditions of one's own."""

import json

import mne
import pytest
import torch
import yaml

from get_hf import GETFeatureExtractor, GETModel, load_pretrained
from get_hf.modeling.configuration_get import CONDITIONS
from get_hf.training.pretraining.recipe import read_recipe
from get_hf.training.pretraining.run import pretrain
from synthetic import make_raw

OWN = "n_back"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> str:
    """Files with annotations of a condition that no checkpoint knows."""
    folder = tmp_path_factory.mktemp("own")
    for person in ("P1", "P2"):
        raw = make_raw(40.0, seed=len(person))
        raw.set_annotations(mne.Annotations([0, 20], [20, 20], ["eyes open", "N-back"]))
        raw.save(folder / f"{person}_raw.fif", verbose="error")
    return f"files:{folder}/*_raw.fif"


@pytest.fixture
def read(tmp_path, finished, cache_dir, corpus):
    def make(**changes):
        keys = {
            "corpus": corpus,
            "cache_dir": str(cache_dir),
            "output_dir": str(tmp_path / "out"),
            "init_from": str(finished),
            "model": {"conditions": [*CONDITIONS, OWN]},
            "crop_seconds": 3.0,
            "max_channels": 4,
            "max_steps": 2,
            "per_device_train_batch_size": 2,
            "eval_strategy": "no",
            "condition_weights": {"n-back": 2.0},
            "disable_tqdm": True,
            "use_cpu": True,
        }
        (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(keys | changes))
        return read_recipe(tmp_path / "recipe.yaml")

    return make


def test_a_checkpoint_learns_a_condition_of_ones_own_and_keeps_its_transform(read, finished):
    folder = pretrain(read())
    model, extractor = load_pretrained(folder)
    before = GETFeatureExtractor.from_pretrained(finished)
    assert model.config.conditions == [*CONDITIONS, OWN]
    assert OWN in model.config.heard_conditions
    assert set(before.heard_conditions) <= set(extractor.heard_conditions)
    assert (extractor.population.harmonic_covariance == before.population.harmonic_covariance).all()
    features = extractor(ch_names=["Cz", "Oz"], condition="N-Back")
    assert model.generate(**features, seconds=1).isfinite().all()
    old = GETModel.from_pretrained(finished).backbone.condition_embedding.weight
    new = model.backbone.condition_embedding.weight
    assert new.shape[0] == old.shape[0] + 1
    assert torch.allclose(new[: len(old)], old, atol=0.1)
    summary = json.loads((folder / "training_summary.json").read_text())
    assert summary["recipe"]["model"] == {"conditions": [*CONDITIONS, OWN]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": {"hidden_size": 32}}, "takes the architecture from .* and model has hidden_size"),
        ({"model": {"conditions": ["none", "rest"]}}, "must begin with the conditions of"),
        ({"condition_weights": {"1-back": 2.0}}, "condition_weights names '1-back'"),
        ({"init_from": "nowhere"}, "nowhere"),
    ],
)
def test_recipes_that_contradict_the_checkpoint_are_refused(read, changes, message):
    with pytest.raises(ValueError, match=message):
        read(**changes)
