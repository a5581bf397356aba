# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""`GETModule`, which is used as braindecode's models are."""

import copy
import inspect

import mne
import numpy as np
import pytest
import torch
from torch import nn

from get_hf import GETModel, GETModule

NAMES, RATE, N_TIMES = ["C3", "Cz", "C4"], 128.0, 128


def windows(n_windows: int = 16, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Windows in microvolts `(n_windows, 3, 128)`, and their classes: which side is weaker."""
    rng = np.random.default_rng(seed)
    x = 10 * rng.standard_normal((n_windows, len(NAMES), N_TIMES))
    y = np.arange(n_windows) % 2
    x[y == 0, 2] /= 3
    x[y == 1, 0] /= 3
    return x.astype(np.float32), y


@pytest.fixture
def module(tiny_checkpoint) -> GETModule:
    torch.manual_seed(0)
    return GETModule(3, 2, NAMES, N_TIMES, RATE, checkpoint=tiny_checkpoint)


def test_its_arguments_are_those_of_braindecode():
    arguments = list(inspect.signature(GETModule).parameters)
    assert arguments[:6] == ["n_chans", "n_outputs", "chs_info", "n_times", "sfreq", "input_window_seconds"]


def test_gradients_reach_the_backbone_and_not_the_signal(module):
    x = torch.from_numpy(windows()[0]).requires_grad_()
    logits = module(x)
    assert logits.shape == (16, 2)
    logits.square().sum().backward()
    assert all(
        weight.grad is not None and weight.grad.abs().sum() > 0
        for name, weight in module.named_parameters()
        if "condition_embedding" not in name
    )
    assert x.grad is None


def test_channels_as_mne_describes_them_are_the_same_channels(module, tiny_checkpoint):
    info = mne.create_info(NAMES, RATE, "eeg").set_montage("standard_1020")
    x = torch.from_numpy(windows()[0])
    for described in (info["chs"], [{"ch_name": name, "loc": None} for name in NAMES]):
        same = GETModule(n_outputs=2, chs_info=described, sfreq=RATE, checkpoint=tiny_checkpoint).eval()
        same.load_state_dict(module.state_dict())
        torch.testing.assert_close(same(x), module.eval()(x), atol=1e-3, rtol=1e-3)
    in_volts = GETModule(n_outputs=2, chs_info=NAMES, sfreq=RATE, unit="V", checkpoint=tiny_checkpoint).eval()
    in_volts.load_state_dict(module.state_dict())
    torch.testing.assert_close(in_volts(1e-6 * x), module(x), atol=1e-3, rtol=1e-3)


def test_tools_that_load_weights_by_name_find_the_backbone_in_every_checkpoint(module, tiny_checkpoint):
    saved, own = GETModel.from_pretrained(tiny_checkpoint).state_dict(), module.state_dict()
    parameters = {name for name, _ in module.named_parameters() if not name.startswith("final_layer.")}
    assert parameters <= set(saved)
    assert all(saved[name].equal(own[name]) for name in parameters)


def test_a_linear_head_of_another_tool_is_shaped_by_windows_of_zeros(module):
    # as Open EEG Bench replaces heads
    module.final_layer = nn.Sequential(nn.Flatten(1), nn.LazyLinear(4))
    with torch.no_grad():
        assert module.eval()(torch.zeros(1, 3, N_TIMES)).shape == (1, 4)
    module.final_layer = nn.Flatten(1)
    features = module(torch.from_numpy(windows()[0]))
    assert features.shape == (16, module.config.num_classifier_features)


def test_a_silent_window_in_a_batch_has_features_of_zero_and_changes_no_other(module):
    module.eval().final_layer = nn.Identity()
    x = torch.from_numpy(windows()[0])
    with_silence = torch.cat([x[:4], torch.zeros(1, 3, N_TIMES), x[4:]])
    features = module(with_silence)
    assert not features[4].any()
    torch.testing.assert_close(torch.cat([features[:4], features[5:]]), module(x))


def test_with_a_calibration_a_window_does_not_depend_on_the_batch(module):
    x = torch.from_numpy(windows()[0])
    module.eval()
    in_batch = module(x)
    calibrated = module.calibrate(windows(30, seed=1)[0])(x)
    torch.testing.assert_close(module(x[:2]), calibrated[:2], atol=1e-4, rtol=1e-4)
    assert (calibrated - in_batch).abs().max() > 1e-4
    torch.testing.assert_close(copy.deepcopy(module)(x), calibrated)
    torch.testing.assert_close(module.calibrate(None)(x), in_batch)


def test_features_are_standardised_over_the_batches_of_training(module):
    module.final_layer = nn.Identity()
    batches = [torch.from_numpy(windows(16, seed)[0]) for seed in range(4)]
    raw = torch.cat([module.eval()(batch) for batch in batches]).detach()
    module.train()
    for batch in batches:
        module(batch)
    torch.testing.assert_close(module.pooling.mean, raw.mean(0), atol=1e-4, rtol=1e-3)
    deviation = raw.std(0, correction=0)
    varies = deviation > 2e-3
    torch.testing.assert_close(module.pooling.deviation[varies], deviation[varies], atol=1e-4, rtol=1e-2)
    assert (module.pooling.deviation[deviation < 5e-4] == 1).all()


def test_skorch_trains_it(tiny_checkpoint):
    skorch = pytest.importorskip("skorch")
    torch.manual_seed(0)
    arguments = {"n_chans": 3, "n_outputs": 2, "chs_info": NAMES, "sfreq": RATE, "checkpoint": tiny_checkpoint}
    net = skorch.NeuralNetClassifier(
        GETModule,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.AdamW,
        lr=5e-3,
        max_epochs=8,
        batch_size=16,
        train_split=None,
        verbose=0,
        **{f"module__{name}": value for name, value in arguments.items()},
    )
    x, y = windows(48)
    net.fit(x, y)
    assert (net.predict(windows(32, seed=1)[0]) == windows(32, seed=1)[1]).mean() >= 0.8


def test_windows_of_other_channels_are_refused(module):
    with pytest.raises(ValueError, match=r"\(batch, 3, times\), not \(2, 4, 128\)"):
        module(torch.zeros(2, 4, 128))
