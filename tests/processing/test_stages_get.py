# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Artefacts in the recording from which the stages of the transform are estimated."""

import numpy as np
import pytest
from scipy.signal import butter, sosfilt, welch

from get_hf.processing.stages_get import moderated

N_TIMES = 1200


def noise(seed: int) -> np.ndarray:
    """A residual of EEG: white noise of 5 microvolts."""
    return 5 * np.random.default_rng(seed).standard_normal((8, N_TIMES))


def band_power(x: np.ndarray, low: float, high: float) -> float:
    frequencies, power = welch(x, 100.0, nperseg=100)
    return float(power[:, (frequencies >= low) & (frequencies < high)].mean())


def estimated(x: np.ndarray, low: float, high: float) -> float:
    """The power in a band that enters the estimate of the filters."""
    residual, scale = moderated(x, 25, 1e-3)
    return band_power(scale * residual, low, high)


def with_muscle(x: np.ndarray) -> np.ndarray:
    """Half a second of muscle activity (28 to 45 Hz) every three seconds, twelve times as strong."""
    band = butter(4, (28, 45), "bandpass", fs=100, output="sos")
    is_burst = np.arange(N_TIMES) % 300 < 50
    return x + 12 * is_burst * sosfilt(band, noise(1))


def with_movement(x: np.ndarray) -> np.ndarray:
    """Two seconds of slow waves on all channels, twenty times as strong as the rest."""
    moved = x.copy()
    moved[:, 300:500] += 100 * np.hanning(200) * np.sin(2 * np.pi * 3 * np.arange(200) / 100)
    return moved


def test_bursts_of_muscle_activity_are_kept():
    x = with_muscle(noise(0))
    assert band_power(x, 28, 45) / band_power(noise(0), 28, 45) > 10
    assert estimated(x, 28, 45) / band_power(x, 28, 45) == pytest.approx(1, abs=0.25)


def test_a_movement_is_bounded():
    x = with_movement(noise(0))
    assert band_power(x, 1, 6) / band_power(noise(0), 1, 6) > 20
    assert estimated(x, 1, 6) / band_power(noise(0), 1, 6) < 3
    assert estimated(x, 15, 45) / band_power(noise(0), 15, 45) == pytest.approx(1, abs=0.1)


def test_a_recording_without_artefacts_stays_as_it_is():
    residual, scale = moderated(noise(0), 25, 1e-3)
    assert np.abs(scale * residual - noise(0)).max() < 5
    assert scale == pytest.approx(5, rel=0.05)
