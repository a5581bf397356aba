# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import butter, lfilter, sosfiltfilt, welch

from get_hf.processing.montage_get import channel_positions
from get_hf.processing.rhythms_get import prominence
from get_hf.training.pretraining.population import fit_population

HERTZ = np.arange(101) / 2
POSITIONS = channel_positions(["C3", "C4", "Oz"])


def background(slope: float, offset: float) -> np.ndarray:
    return offset - slope * np.log(np.maximum(HERTZ, 0.1))


@given(slope=st.floats(0, 3), offset=st.floats(-10, 10))
def test_a_background_alone_has_no_rhythms(slope, offset):
    np.testing.assert_allclose(prominence(background(slope, offset)[None], 100.0), 0, atol=1e-9)


def test_a_peak_stands_above_it_by_its_height_whatever_the_background():
    peaks = np.array([0.0, 1.0, 2.0])[:, None] * np.exp(-((HERTZ - 10) ** 2) / 2)
    flat, steep = (prominence(background(slope, 3.0) + peaks, 100.0) for slope in (0.5, 2.0))
    np.testing.assert_allclose(flat, steep, atol=1e-9)
    assert (flat.argmax(axis=1)[1:] == 20).all()
    np.testing.assert_allclose(flat[:, 20], [0, 1, 2], atol=0.25)  # the peak lifts the line a little
    assert flat[:, HERTZ > 16].max() < 0.15
    assert not flat[:, (HERTZ < 3) | (HERTZ > 40)].any()


@pytest.mark.parametrize("low_pass", [30.0, 35.0])
def test_a_low_pass_hardly_changes_the_background(low_pass):
    noise = np.random.default_rng(0).standard_normal((3, 6000))
    x = lfilter([5.0], [1, -0.9], noise)
    filtered = sosfiltfilt(butter(4, low_pass, fs=100.0, output="sos"), x)
    transform = fit_population([(x, POSITIONS)]).transform(25)
    with_it, without = (
        prominence(transform.forward(each, POSITIONS).log_spectrum(101), 100.0) for each in (filtered, x)
    )
    assert without[:, 16:60].max() < 0.2
    assert with_it[:, 16:40].max() < 0.5  # a line through all of it would leave 1 to 2


def test_filtered_white_noise_has_the_spectrum_of_the_recording():
    noise = np.random.default_rng(0).standard_normal((3, 6500))
    noise[2] += noise[0]
    alpha = 2 * 0.97 * np.cos(2 * np.pi * 10 / 100)  # a resonance at 10 Hz, over 1/f
    x = lfilter([1.0], np.convolve([1, -0.9], [1, -alpha, 0.97**2]), noise)[:, 500:]
    transform = fit_population([(x, POSITIONS)]).transform(25)
    innovation = transform.forward(x, POSITIONS)
    values = np.random.default_rng(1).standard_normal((3, 250_000))
    made = transform.inverse(np.concatenate([innovation.values, values], axis=-1), innovation)[:, 6000:]
    freqs, power = (each[..., ::10] for each in welch(made, 100.0, nperseg=2000))
    difference = np.log(power) - innovation.log_spectrum(101)
    np.testing.assert_allclose(freqs, HERTZ)
    # but for a constant, which is the same of all channels
    inside = difference[:, 2:98]
    np.testing.assert_allclose(inside, inside.mean(), atol=0.25)
    assert (prominence(innovation.log_spectrum(101), 100.0).argmax(axis=1) == 20).all()
