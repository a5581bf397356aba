# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import json

import numpy as np
import pytest
import torch
from scipy.fft import dct, idct
from scipy.signal import lfilter

from get_hf import GETConfig, GETFeatureExtractor, GETModel
from get_hf.training import calibration
from get_hf.training.calibration import LARGEST_GAIN, band_errors, find_gains
from get_hf.training.segments import CHANNELS
from synthetic import make_raw

PATCH, RATE = 25, 100.0


def signals(gains: list[float], seed: int, n_items: int = 150) -> np.ndarray:
    """White patches whose coefficients have gains, through a filter that makes them slow, as decoding does."""
    noise = np.random.default_rng(seed).standard_normal((n_items, 4, 48, PATCH))
    patches = idct(dct(noise, norm="ortho") * np.asarray(gains), norm="ortho")
    return 5 * lfilter([1.0], [1.0, -0.9], patches.reshape(n_items, 4, -1))


def test_errors_are_log_power_by_the_frequency_of_coefficients():
    time = np.arange(1200) / RATE
    quiet = signals([1.0] * PATCH, 0)
    alpha = quiet + 40 * np.sin(2 * np.pi * 10 * time)
    errors = band_errors(alpha, quiet, RATE, PATCH)
    assert errors.argmax() == 5
    np.testing.assert_allclose(np.delete(errors, [4, 5, 6]), 0, atol=0.1)
    np.testing.assert_allclose(band_errors(1.5 * quiet, quiet, RATE, PATCH)[1:23], np.log(1.5**2), atol=1e-4)
    assert not band_errors(1.5 * quiet, quiet, RATE, PATCH)[24]  # 48 Hz is beyond the band


def test_gains_that_real_eeg_has_are_found():
    truth = np.ones(PATCH)
    truth[1:4], truth[5:8], truth[12:20] = 0.93, 1.1, 0.97
    seeds = iter(range(1, 9))
    found = find_gains(lambda gains: signals(gains, next(seeds)), signals(truth, 0), RATE, PATCH)
    np.testing.assert_allclose(found[1:22], truth[1:22], atol=0.03)


def test_what_is_far_off_is_not_made_up_for():
    found = find_gains(lambda gains: signals(gains, 1), signals([2.0] * PATCH, 0), RATE, PATCH)
    assert max(found) == LARGEST_GAIN


def test_gains_of_a_checkpoint_are_measured_and_written(people, tmp_path, monkeypatch):
    monkeypatch.setattr(calibration, "N_ROUNDS", 1)
    torch.manual_seed(0)
    model = GETModel(GETConfig(hidden_size=32, num_attention_heads=4, num_hidden_layers=1, flow_hidden_size=32))
    model.save_pretrained(tmp_path)
    GETFeatureExtractor().save_pretrained(tmp_path)
    before = json.loads((tmp_path / "config.json").read_text())
    gains = calibration.calibrate(tmp_path, people)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config == before | {"coefficient_gains": gains}
    assert len(set(gains)) > 5
    # and they do what they say: this model draws patches that have nothing to do with each other
    features = GETFeatureExtractor.from_pretrained(tmp_path)(make_raw(8.0, RATE, list(CHANNELS), 0))
    drawn = []
    for each in (GETModel.from_pretrained(tmp_path), model.eval()):
        made = each.generate(**features, seconds=5, generator=torch.Generator().manual_seed(0))
        drawn.append(made[..., -500:].unflatten(-1, (-1, PATCH)))
    torch.testing.assert_close(drawn[0], drawn[1] * torch.tensor(gains), rtol=1e-3, atol=1e-4)


def test_gains_must_fit_a_patch():
    for wrong in ([1.0] * (PATCH - 1), [-1.0] * PATCH):
        with pytest.raises(ValueError, match=f"coefficient_gains must be {PATCH} positive numbers"):
            GETConfig(coefficient_gains=wrong)
