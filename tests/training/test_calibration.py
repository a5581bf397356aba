# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import json

import numpy as np
import torch
from scipy.fft import dct, idct
from scipy.signal import lfilter

from get_hf import GETConfig, GETFeatureExtractor, GETModel
from get_hf.training import calibration
from get_hf.training.calibration import LARGEST_GAIN, band_errors, find_gains

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
    GETModel(
        GETConfig(hidden_size=32, num_attention_heads=4, num_hidden_layers=1, flow_hidden_size=32)
    ).save_pretrained(tmp_path)
    GETFeatureExtractor().save_pretrained(tmp_path)
    before = json.loads((tmp_path / "preprocessor_config.json").read_text())
    gains = calibration.calibrate(tmp_path, people)
    assert json.loads((tmp_path / "preprocessor_config.json").read_text()) == before | {"generated_gains": gains}
    assert GETFeatureExtractor.from_pretrained(tmp_path).generated_gains == gains
    assert len(set(gains)) > 5
    assert calibration.calibrate(tmp_path, people) == gains  # from the beginning, whatever was found before
