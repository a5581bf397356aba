# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import dataclasses
import json
from pathlib import Path

import pytest

from get_hf import GETFeatureExtractor
from get_hf.training.corpora import CORPORA
from tiny import tiny_model


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    """A checkpoint that no one trained, which says that it has heard S001."""
    folder = tmp_path_factory.mktemp("checkpoint")
    extractor = GETFeatureExtractor(patch_size=25)
    features = extractor.transform.n_features
    tiny_model(patch_size=25, flow_bands=[], num_calibration_features=features).save_pretrained(folder)
    extractor.save_pretrained(folder)
    (folder / "training_summary.json").write_text(json.dumps({"training_people": ["eegmmidb/S001"]}))
    return folder


@pytest.fixture
def splits(monkeypatch):
    """Splits of EEGMMIDB that hold the people of the fixture `people`."""
    own = {"train": ("S001", "S002"), "validation": ("S080", "S081"), "test": ("S090",)}
    monkeypatch.setitem(CORPORA, "eegmmidb", dataclasses.replace(CORPORA["eegmmidb"], splits=own))
