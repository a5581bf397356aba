# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Imputation against a Gaussian field whose conditional distribution is known."""

import dataclasses
import json

import mne
import numpy as np
import pytest

from get_hf import GETFeatureExtractor, impute, save_recording
from get_hf.field import Field, filtered
from get_hf.processing.montage_get import USUAL_CHANNELS, locate_channels
from get_hf.processing.population_get import harmonics
from synthetic import make_raw

RATE, N_TIMES = 100.0, 40_000
KNOWN, MISSING = list(USUAL_CHANNELS[:-2]), list(USUAL_CHANNELS[-2:])
NOISE = np.r_[np.full(len(KNOWN), 0.5), 0.5, 0.5]
NOISE[3] = 400.0  # a loose electrode


@pytest.fixture(scope="module")
def extractor() -> GETFeatureExtractor:
    return GETFeatureExtractor()


@pytest.fixture(scope="module")
def covariance(extractor) -> np.ndarray:
    """Covariance of white channels: the population's field, which does not depend on frequency here, and noise."""
    basis = harmonics(locate_channels([*KNOWN, *MISSING], {}))
    return 30 * basis @ extractor.transform.harmonic_covariance[0] @ basis.T + np.diag(NOISE)


@pytest.fixture(scope="module")
def signal(covariance) -> np.ndarray:
    noise = np.random.default_rng(1).standard_normal((len(covariance), N_TIMES))
    return np.linalg.cholesky(covariance) @ noise


@pytest.fixture(scope="module")
def field(extractor, signal) -> Field:
    places = locate_channels([*KNOWN, *MISSING], {})
    n = len(KNOWN)
    return Field.estimate([signal[:n]], RATE, places[:n], places[n:], extractor.transform, extractor.sampling_rate)


def conditional(covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights and covariance of the missing channels given the known ones."""
    n = len(KNOWN)
    weights = np.linalg.solve(covariance[:n, :n], covariance[:n, n:]).T
    return weights, covariance[n:, n:] - weights @ covariance[:n, n:]


def test_the_mean_is_the_conditional_mean(field, covariance, signal):
    n = len(KNOWN)
    expected = conditional(covariance)[0] @ signal[:n]
    error = field.mean(signal[:n], RATE) - expected
    assert (error**2).mean() < 0.02 * (expected**2).mean()


def test_draws_have_the_conditional_covariance(field, covariance):
    drawn = np.cov(field.residual(N_TIMES, RATE, np.random.default_rng(0)))
    expected = conditional(covariance)[1]
    np.testing.assert_allclose(drawn, expected, atol=0.1 * np.diag(expected).mean())


def test_the_noise_of_a_loose_electrode_is_found(field):
    share = field.noise[:, 3] / np.median(field.noise[:, : len(KNOWN)], axis=1)
    assert (share > 100).all()
    assert np.abs(field.weights[:, :, 3]).max() < 0.02


def test_draws_have_the_error_and_the_power_that_they_claim(extractor, signal):
    given = {"sampling_rate": RATE, "ch_names": [*KNOWN, *MISSING], "unit": "uV"}
    n = len(KNOWN)
    mean = impute(signal, MISSING, extractor, draws=0, **given)[0]
    draw, other = impute(signal, MISSING, extractor, draws=2, **given)
    np.testing.assert_array_equal(mean[:n], signal[:n])
    errors = [np.square(each - signal)[n:].mean() for each in (mean, draw)]
    assert errors[1] == pytest.approx(2 * errors[0], rel=0.05)
    assert draw[n:].var() == pytest.approx(signal[n:].var(), rel=0.05)
    assert np.square(draw - mean)[n:].mean() == pytest.approx(errors[0], rel=0.1)
    assert np.corrcoef((draw - mean)[-1], (other - mean)[-1])[0, 1] == pytest.approx(0, abs=0.05)


def test_noise_follows_the_spectrum_of_the_recording(extractor):
    raw = make_raw(seconds=60.0, ch_names=USUAL_CHANNELS)
    drawn = impute(raw, ["Cz"], extractor)[0]
    spectra = [
        each.compute_psd(picks=["Cz"], fmin=1, fmax=40, n_fft=256, verbose="ERROR").get_data() for each in (raw, drawn)
    ]
    assert np.abs(np.log10(spectra[1] / spectra[0])).mean() < 0.2  # 2 dB


def test_filters_are_exact_across_blocks():
    x = np.random.default_rng(0).standard_normal((2, 3001))
    gains = np.array([[[0.5, -2.0]], [[0.5, -2.0]], [[0.5, -2.0]]])
    np.testing.assert_allclose(
        filtered(x, gains, np.array([0.0, 1.0, 2.0]), RATE)[0], 0.5 * x[0] - 2 * x[1], atol=1e-10
    )


def test_a_raw_keeps_everything_but_what_is_imputed(extractor):
    raw = make_raw(ch_names=["Fc5.", "C3..", "Cz..", "C4..", "Pz..", "O1..", "EOG"])
    raw.set_channel_types({"EOG": "eog"})
    raw.set_annotations(mne.Annotations([1.0], [2.0], ["T1"]))
    raw.info["bads"] = ["Cz..", "O1.."]
    made = impute(raw, ["cz", "P4"], extractor, seed=3)[0]
    assert made.ch_names == [*raw.ch_names, "P4"]
    assert made.info["bads"] == ["O1.."]
    same = [name for name in raw.ch_names if name != "Cz.."]
    np.testing.assert_array_equal(made.get_data(same), raw.get_data(same))
    assert made.annotations.description.tolist() == ["GET imputed", "T1"]
    assert made.annotations.ch_names[0] == ("Cz..", "P4")
    again = impute(raw, ["cz", "P4"], extractor, seed=3)[0]
    np.testing.assert_array_equal(made.get_data(), again.get_data())
    assert not np.allclose(made.get_data(["P4"]), impute(raw, ["cz", "P4"], extractor)[0].get_data(["P4"]))
    assert raw.info["bads"] == ["Cz..", "O1.."]


def test_bad_channels_may_hold_anything(extractor):
    raw = make_raw()
    raw._data[2] = np.nan
    raw._data[4] = 0.0
    raw.info["bads"] = [raw.ch_names[2]]
    with pytest.warns(UserWarning, match=r"C4\.\."):
        made = impute(raw, extractor=extractor)[0]
    assert made.info["bads"] == []
    assert made.annotations.ch_names[0] == (raw.ch_names[2], raw.ch_names[4])
    power = made.get_data().std(axis=1)
    assert power.min() > 0.5 * np.median(power)


def test_epochs_share_an_estimate_and_keep_their_events(extractor):
    raw = make_raw(seconds=30.0)
    epochs = mne.make_fixed_length_epochs(raw, 2.0, preload=True, verbose="ERROR")
    epochs.info["bads"] = ["Cz.."]
    made = impute(epochs, extractor=extractor)[0]
    np.testing.assert_array_equal(made.events, epochs.events)
    assert made.info["bads"] == []
    assert "Cz.." in made.info["description"]
    changed = np.any(made.get_data() != epochs.get_data(), axis=(0, 2))
    assert [name for name, own in zip(epochs.ch_names, changed, strict=True) if own] == ["Cz.."]
    rows = impute(1e6 * epochs.get_data(), ["Cz"], extractor, sampling_rate=160, ch_names=raw.ch_names, unit="uV")[0]
    np.testing.assert_allclose(rows, 1e6 * made.get_data(), rtol=1e-6, atol=1e-6)


def test_what_is_annotated_bad_does_not_count(extractor):
    raw = make_raw(seconds=30.0)
    raw.set_annotations(mne.Annotations([5.0], [10.0], ["BAD_move"]))
    other = raw.copy()
    other._data[:, 6 * 160 : 14 * 160] *= 30
    made, of_other = (impute(each, ["Cz"], extractor)[0].get_data(["Cz.."]) for each in (raw, other))
    np.testing.assert_allclose(made[:, 20 * 160 :], of_other[:, 20 * 160 :], rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize("suffix", [".edf", ".fif"])
def test_files_tell_what_is_imputed(extractor, tmp_path, suffix):
    made = impute(make_raw(), ["Cz"], extractor)[0]
    save_recording(made, tmp_path / f"made{suffix}", seed=0)
    told = json.loads((tmp_path / "made.json").read_text())
    assert (told["imputed"], told["seed"], "generated" in told) == (["Cz.."], 0, False)
    back = mne.io.read_raw(tmp_path / f"made{suffix}", verbose="ERROR")
    assert back.annotations.description.tolist() == ["GET imputed"]
    assert back.annotations.ch_names[0] == ("Cz..",)
    assert (
        b"imputed" in (tmp_path / f"made{suffix}").read_bytes()[:256]
        or "GET imputed: Cz.." in back.info["description"]
    )


def test_another_checkpoint_gives_another_mean(extractor):
    harmonic = extractor.population.harmonic_covariance
    other = extractor.but(
        population=dataclasses.replace(extractor.population, harmonic_covariance=harmonic[:, ::-1, ::-1])
    )
    means = (impute(make_raw(), ["Cz"], each, draws=0)[0].get_data(["Cz.."]) for each in (extractor, other))
    assert not np.allclose(*means)
