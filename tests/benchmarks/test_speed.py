# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The benchmark of the speed of generation and training."""

import time
from importlib.util import find_spec

import pytest
import torch

from get_hf import CHECKPOINT

pytestmark = pytest.mark.skipif(not CHECKPOINT.is_dir(), reason="no checkpoint is shipped in this tree")


def test_ways_are_timed_in_turn_without_their_first_call(speed):
    calls = []

    def way(name, first, later):
        def call():
            time.sleep(later if name in calls else first)
            calls.append(name)

        return call

    took = speed.in_turn({"a": way("a", 0.5, 0.01), "b": way("b", 0.01, 0.1)}, 2)
    assert calls == ["a", "b"] * 3
    assert took["a"] < took["b"] < 0.4


def test_montages_have_as_many_channels_as_asked_for(speed):
    for n_chans in speed.CHANNELS:
        assert len(set(speed.montage(n_chans))) == n_chans


def test_the_model_of_a_family_with_the_nearest_size_is_chosen(speed):
    model = speed.sized(lambda width: torch.nn.Linear(width, width, bias=False), 100**2)
    assert model.in_features == 96


def test_every_part_measures_ratios(speed, monkeypatch):
    monkeypatch.setattr(speed, "STREAMS", (1, 2))
    monkeypatch.setattr(speed, "CHANNELS", (1, 3))
    monkeypatch.setattr(speed, "N_CHANS", 3)
    rows = speed.streams(2.0, 1) | speed.ways(1.0, 1) | speed.others(1.0, 1)
    assert {"2 streams of 3 channels", "2 streams of 3 channels, bfloat16"} <= rows.keys()
    assert len(rows) == 7 + 6 + (find_spec("onnxruntime") is not None) + 2
    assert min(rows.values()) > 0
    more = speed.hour(0.2)
    assert all(0.3 < value < 3 for value in more.values())


def test_a_training_step_is_timed_against_a_decoder_of_the_same_size(speed, monkeypatch):
    monkeypatch.setattr(speed, "N_CROPS", 1)
    monkeypatch.setattr(speed, "CROP_CHANNELS", 2)
    ((name, ratio),) = speed.training(3).items()
    assert "3.3 and 3.4 million parameters" in name
    assert ratio > 0
