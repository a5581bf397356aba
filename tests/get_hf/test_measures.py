# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from get_hf.measures import alpha_peak, band_power, power_spectrum, rms, split_at_seam
from synthetic import make_raw, mark_generated


def sine(frequency: float, amplitude: float, seconds: float = 20.0, rate: float = 160.0) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)[None]


def test_the_seam_divides_prompt_from_continuation():
    raw = mark_generated(make_raw(12.0), 7.5)
    prompt, continuation = split_at_seam(raw)
    assert prompt.shape == (8, 1200)
    np.testing.assert_array_equal(np.concatenate([prompt, continuation], axis=1), raw.get_data(units="uV"))


def test_the_last_seam_counts_when_the_prompt_was_generated_too():
    raw = mark_generated(make_raw(12.0), 4.0)
    raw.annotations.append(9.0, 3.0, "GET generated")
    assert split_at_seam(raw)[0].shape[1] == 9 * 160


def test_from_nothing_there_is_no_prompt():
    assert split_at_seam(mark_generated(make_raw(12.0), 0.0))[0].shape == (8, 0)


def test_a_recording_that_was_not_generated_has_no_seam():
    with pytest.raises(ValueError, match="GET generated"):
        split_at_seam(make_raw())


def test_power_is_that_of_a_known_sine():
    signal = sine(10.0, 8.0)
    assert rms(signal) == pytest.approx([8 / np.sqrt(2)])
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
