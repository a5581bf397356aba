# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Pooling of states and powers over the scalp."""

import numpy as np
import pytest
import torch

from get_hf.modeling.modeling_get import GETForSequenceClassification
from get_hf.modeling.pooling_get import quadratic_in_position as of_the_model
from get_hf.processing.montage_get import USUAL_CHANNELS, channel_positions
from get_hf.processing.population_get import quadratic_in_position as of_the_extractor
from tiny import tiny_config, tiny_inputs


@pytest.fixture
def model():
    torch.manual_seed(0)
    return GETForSequenceClassification(tiny_config()).eval()


def test_both_rooms_have_the_same_nine_functions():
    positions = channel_positions(USUAL_CHANNELS)
    ours = of_the_model(torch.from_numpy(positions)).numpy()
    np.testing.assert_allclose(ours, of_the_extractor(positions), atol=1e-6)


def test_swapping_left_and_right_changes_the_features_but_not_their_mean_over_channels(model):
    inputs = tiny_inputs(n_chans=2)
    left, right = channel_positions(["C3", "C4"])
    inputs["channel_positions"] = torch.tensor(np.stack([[left, right]] * 2), dtype=torch.float32)
    states = torch.randn(2, 2, 6, model.config.hidden_size)
    swapped = states.flip(1)
    same = {name: inputs[name] for name in ("input_values", "channel_positions", "calibration")}
    features = [model.pooling(each, **same) for each in (states, swapped)]
    assert not torch.allclose(*features, atol=1e-3)
    mean = GETForSequenceClassification(tiny_config(classifier_pooling="mean")).pooling
    torch.testing.assert_close(mean(states, **same), mean(swapped, **same))


def test_the_last_causal_window_equals_the_recording_and_earlier_ones_do_not_see_the_future(model):
    inputs = tiny_inputs()
    n_patches = inputs["input_values"].shape[-1] // model.config.patch_size
    windows = model.embed(**inputs, window=n_patches)
    torch.testing.assert_close(windows[:, -1], model.embed(**inputs), atol=1e-5, rtol=1e-4)
    size = model.config.patch_size
    shorter = inputs | {"input_values": inputs["input_values"][..., : 4 * size]}
    torch.testing.assert_close(model.embed(**shorter, window=3), model.embed(**inputs, window=3)[:, :4])


def test_features_hold_the_power_of_each_coefficient(model):
    size, width = model.config.patch_size, model.config.hidden_size
    inputs = tiny_inputs(n_chans=3)
    louder = inputs | {"input_values": inputs["input_values"].clone()}
    louder["input_values"][..., 2::size] *= 2  # the third coefficient of each patch
    difference = (model.pooling(torch.zeros(2, 3, 6, width), **_of(louder))
                  - model.pooling(torch.zeros(2, 3, 6, width), **_of(inputs)))  # fmt: skip
    powers = difference.unflatten(-1, (9, -1))[:, 0, width : width + size]  # the constant function: a mean
    expected = torch.zeros(size)
    expected[2] = np.log(4)
    torch.testing.assert_close(powers, expected.expand_as(powers), atol=1e-4, rtol=0)


def _of(inputs):
    return {name: inputs[name] for name in ("input_values", "channel_positions", "calibration")}
