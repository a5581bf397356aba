# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Waveform and coupling of amplitudes on signals of known truth."""

import numpy as np
import pytest
from scipy import signal as sps

from get_hf.training.evaluation.rows.waveform import (
    alpha_frequency,
    amplitude_coupling,
    bicoherence,
    skewness,
    squared_bicoherence,
    time_asymmetry,
    transients,
    waveform_rows,
)
from get_hf.training.evaluation.table import Rows

RATE, SUBJECTS = 100.0, np.repeat(np.arange(4), 5)


def carrier(rng: np.random.Generator, shape: tuple[int, ...], frequency: float = 10.0) -> np.ndarray:
    """Phase in radians of a rhythm whose frequency wanders, `(*shape)`."""
    drift = np.cumsum(rng.standard_normal(shape), axis=-1) * 0.05
    return 2 * np.pi * frequency * np.arange(shape[-1]) / RATE + drift + rng.uniform(0, 6.28, shape[:-1])[..., None]


def noise(rng: np.random.Generator, shape: tuple[int, ...], band: tuple[float, float]) -> np.ndarray:
    """Noise of unit deviation in a band."""
    sos = sps.butter(4, band, "bandpass", fs=RATE, output="sos")
    x = sps.sosfiltfilt(sos, rng.standard_normal(shape), axis=-1)
    return x / x.std()


def with_harmonic(rng: np.random.Generator, is_tied: bool, shape=(20, 2, 1200)) -> np.ndarray:
    """A rhythm of 10 Hz with a harmonic that is tied to it or has a phase of its own, in noise; microvolts."""
    phase = carrier(rng, shape)
    other = 2 * phase + 0.7 if is_tied else carrier(rng, shape, 20.0)
    return 10 * np.sin(phase) + 4 * np.sin(other) + 0.5 * rng.standard_normal(shape)


def phase_randomised(rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
    """A surrogate with the same periodogram and random phases."""
    spectra = np.fft.rfft(x, axis=-1)
    return np.fft.irfft(np.abs(spectra) * np.exp(2j * np.pi * rng.random(spectra.shape)), x.shape[-1], axis=-1)


def test_a_tied_harmonic_has_a_bicoherence_near_one_and_its_surrogate_has_none():
    rng = np.random.default_rng(0)
    tied, free = (with_harmonic(rng, is_tied) for is_tied in (True, False))
    assert alpha_frequency(tied, RATE) == 10
    assert squared_bicoherence(tied, RATE, 10).min() > 0.9
    assert np.abs(squared_bicoherence(free, RATE, 10)).max() < 0.05
    assert np.abs(squared_bicoherence(phase_randomised(rng, tied), RATE, 10)).max() < 0.05
    # the angle says how the phase of the harmonic follows: sin(2p + .7) against sin(p)
    angle = np.angle(bicoherence(tied, RATE, 10)[0])
    np.testing.assert_allclose(angle, np.angle(np.exp(1j * (-np.pi / 2 - 0.7))), atol=0.1)


def test_noise_has_no_bicoherence_on_average():
    rng = np.random.default_rng(1)
    found = squared_bicoherence(rng.standard_normal((5, 200, 600)), RATE, 10)
    assert abs(found.mean()) < 3 * found.std() / np.sqrt(len(found))


def test_reversed_time_flips_the_asymmetry_and_not_the_skewness():
    rng = np.random.default_rng(2)
    phase = carrier(rng, (6, 2, 1200))
    sawtooth = 10 * (np.sin(phase) + 0.4 * np.sin(2 * phase)) + 0.1 * rng.standard_normal(phase.shape)
    forwards, backwards = time_asymmetry(sawtooth), time_asymmetry(sawtooth[..., ::-1])
    assert np.abs(forwards).min() > 0.3
    np.testing.assert_allclose(backwards, -forwards, rtol=1e-6)
    assert np.abs(skewness(sawtooth)).max() < 0.1
    arches = 10 * (np.sin(phase) - 0.4 * np.cos(2 * phase))
    np.testing.assert_allclose(skewness(arches), skewness(arches[..., ::-1]), rtol=1e-6)
    assert np.abs(skewness(arches)).min() > 0.3
    np.testing.assert_allclose(skewness(-arches), -skewness(arches))


def test_amplitudes_that_rise_together_are_found_in_bands_and_over_the_scalp():
    rng = np.random.default_rng(3)
    shape = (8, 4, 1200)
    course = np.exp(0.8 * noise(rng, (8, 1, 1200), (0.1, 0.6)))
    own = np.exp(0.8 * noise(rng, shape, (0.1, 0.6)))
    alpha, beta = noise(rng, shape, (8, 13)), noise(rng, shape, (14, 28))
    together = amplitude_coupling(10 * course * (alpha + beta), RATE)
    apart = amplitude_coupling(10 * (alpha + own * beta), RATE)
    assert together["alpha with beta"].mean() > 0.4
    assert abs(apart["alpha with beta"].mean()) < 0.1
    assert together["alpha over the scalp"].mean() > 0.25
    assert abs(apart["alpha over the scalp"].mean()) < 0.1
    # one source that all electrodes see is no coupling
    shared = np.repeat(noise(rng, (8, 1, 1200), (8, 13)), 4, axis=1) + 0.3 * noise(rng, shape, (1, 40))
    assert amplitude_coupling(10 * shared, RATE)["alpha over the scalp"].mean() < 0.2
    assert amplitude_coupling(shared[:, :1], RATE)["alpha over the scalp"].tolist() == [0.0] * 8


def test_short_bursts_are_transients():
    rng = np.random.default_rng(4)
    x = rng.standard_normal((3, 2, 1200))
    bursts = x.copy()
    bursts[..., 100::240] += 12.0
    assert (transients(bursts, RATE) - transients(x, RATE)).min() > 0.5


def test_rows_are_half_way_only_for_the_waveform_of_real_eeg():
    rng = np.random.default_rng(5)
    real, other = (with_harmonic(rng, True) for _ in range(2))

    def judged(x: np.ndarray) -> dict[str, dict]:
        rows = Rows(SUBJECTS, n_bootstrap=10)
        waveform_rows(rows, real, x, RATE)
        return rows.table

    floor, surrogate = judged(other), judged(phase_randomised(rng, real))
    name = "bicoherence of alpha with its harmonic"
    assert floor[name]["value"] > 0.9
    assert surrogate[name]["value"] < 0.05
    assert floor[f"{name}, error"]["value"] < 0.1
    assert surrogate[f"{name}, error"]["value"] > 0.8
    for measure in ("asymmetry in time of alpha", "skewness of alpha"):
        assert floor[measure]["value"] > 5 * surrogate[measure]["value"]
        assert surrogate[f"{measure}, error"]["value"] > 3 * floor[f"{measure}, error"]["value"]
    assert floor[name]["goal"] == ("of the way from white", 0.5)


@pytest.mark.parametrize("n_times", [300, 1200])
def test_flat_and_short_recordings_have_finite_rows(n_times):
    flat, x = np.zeros((20, 3, n_times)), np.random.default_rng(6).standard_normal((20, 3, n_times))
    for pair in ((x, flat), (flat, x), (flat, flat)):
        rows = Rows(SUBJECTS, n_bootstrap=0)
        waveform_rows(rows, *pair, RATE)
        assert np.isfinite([row["value"] for row in rows.table.values()]).all()
