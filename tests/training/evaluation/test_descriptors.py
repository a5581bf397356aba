# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from get_hf.training.evaluation.descriptors import alpha_peak, band_power, power_spectrum


def sine(frequency: float, amplitude: float, seconds: float = 20.0, rate: float = 160.0) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)[None]


def test_power_is_that_of_a_known_sine():
    signal = sine(10.0, 8.0)
    assert band_power(signal, 160.0, (8, 13)) == pytest.approx([32.0], rel=0.01)
    frequencies, density = power_spectrum(signal, 160.0)
    assert frequencies[density[0].argmax()] == 10.0


def test_the_alpha_peak_is_found_on_a_slope():
    slope = np.cumsum(np.random.default_rng(0).standard_normal((4, 3200)), axis=1)
    assert alpha_peak(slope + sine(10.5, 5.0), 160.0) == 10.5


def test_no_alpha_peak_is_reported_at_the_edges_of_the_band():
    frequencies = 1 / (1 + np.arange(0, 81))
    signal = np.fft.irfft(frequencies)[None].repeat(20, axis=1)
    assert alpha_peak(signal, 160.0) is None or 7 <= alpha_peak(signal, 160.0) <= 14
