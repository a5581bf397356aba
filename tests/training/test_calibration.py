# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import json

import numpy as np
import pytest
import torch
from scipy.signal import lfilter
from typer.testing import CliRunner

from get_hf import GETConfig, GETFeatureExtractor, GETModel
from get_hf.cli import app
from get_hf.processing.coherence_get import places_of_pairs, shapes_of_shifts
from get_hf.processing.equaliser_get import (
    LARGEST_LOG_GAIN,
    LARGEST_LOG_GAIN_FROM_NOTHING,
    N_TRAITS,
    Equaliser,
)
from get_hf.processing.montage_get import channel_positions
from get_hf.processing.population_get import quadratic_in_position
from get_hf.training import calibration
from get_hf.training.calibration import (
    add_cued,
    by_length,
    find_coherence_shifts,
    find_gains,
    find_traits,
    mean_coherence,
    spectral_errors,
)

PATCH, RATE = 25, 100.0
POSITIONS = channel_positions(["Fp1", "Fp2", "C3", "C4", "O1", "O2"])
#: Gains of nothing.
NOTHING = np.zeros((4 * PATCH + 1, 9))


def signals(gains: np.ndarray, seed: int, n_items: int = 500, largest: float = LARGEST_LOG_GAIN) -> np.ndarray:
    """Slow noise that has passed an equaliser, as decoding does."""
    noise = np.random.default_rng(seed).standard_normal((n_items, len(POSITIONS), 1200))
    slow = 5 * lfilter([1.0], [1.0, -0.9], noise)
    equalise = Equaliser({"none": gains}, "none", largest)
    return np.stack([equalise(each, ["none"], POSITIONS) for each in slow])


def test_errors_are_log_power_at_equally_spaced_frequencies():
    time = np.arange(1200) / RATE
    quiet = signals(NOTHING, 0)
    alpha = quiet.copy()
    alpha[:, 4:] += 40 * np.sin(2 * np.pi * 10 * time)
    errors = spectral_errors(alpha, quiet, RATE, 101)
    assert (errors[4:].argmax(axis=1) == 20).all()
    np.testing.assert_allclose(np.delete(errors, [18, 19, 20, 21, 22], axis=1), 0, atol=0.1)
    assert not errors[:4].any()
    # 0 and 48 Hz are beyond the band
    np.testing.assert_allclose(spectral_errors(1.5 * quiet, quiet, RATE, 101), np.log(1.5**2), atol=1e-4)


def test_gains_that_real_eeg_has_are_found():
    truth = NOTHING.copy()
    truth[4:16, 0], truth[20:32, 0], truth[48:80, 0] = -0.07, 0.1, -0.03
    truth[:, 2] = 0.05  # and in front more than at the back
    other = truth.copy()
    other[32:48, 0] = 0.08
    conditions = ["eyes_closed"] * 800 + ["none"] * 750 + ["feet"] * 50
    seeds = iter(range(1, 9))

    def make(gains):
        seed = next(seeds)
        return np.concatenate([signals(gains["eyes_closed"], seed, 800), signals(gains["none"], seed + 100, 800)])

    real = np.concatenate([signals(truth, 0, 800), signals(other, 50, 800)])
    found = find_gains(make, real, conditions, POSITIONS, RATE, PATCH)
    assert set(found) == {"eyes_closed", "none"}  # 50 prompts are too few for gains of their own
    places = quadratic_in_position(POSITIONS)
    for name, gains in (("eyes_closed", truth), ("none", other)):
        np.testing.assert_allclose(places @ np.transpose(found[name])[:, 2:88], places @ gains[2:88].T, atol=0.045)


def test_what_is_far_off_is_not_made_up_for():
    loud = 1.5 * signals(NOTHING, 0)
    conditions = ["feet"] * 490 + ["rest"] * 10  # too few others: their gains are those of all
    found = find_gains(lambda gains: signals(gains["feet"], 1), loud, conditions, POSITIONS, RATE, PATCH)
    for gains in found.values():
        assert 0.2 < (quadratic_in_position(POSITIONS) @ np.transpose(gains)).max() <= LARGEST_LOG_GAIN + 1e-3


def test_what_people_differ_by_is_found_and_is_theirs_in_every_condition():
    rng = np.random.default_rng(0)
    alpha, slope = np.zeros((2, *NOTHING.shape))
    alpha[16:28, 0], alpha[16:28, 1] = 0.4, -0.3  # more at the back
    slope[:, 0] = np.linspace(0.2, -0.2, 101)
    scores = rng.standard_normal((80, 2))
    scores = np.linalg.qr(scores - scores.mean(axis=0))[0] * np.sqrt(79)  # independent, of unit variance
    names = ["none", "eyes_closed"]
    items = [(person, k) for person in range(80) for k in range(2)]
    # closed eyes double what alpha does
    real = np.concatenate([
        signals((1 + k) * scores[person, 0] * alpha + scores[person, 1] * slope, 1000 + 2 * person + k, 4, 3.0)
        for person, k in items
    ])  # fmt: skip
    subjects = np.repeat([f"S{person}" for person, _ in items], 4)
    conditions = np.repeat([names[k] for _, k in items], 4).tolist()
    found = find_traits(real, subjects, conditions, POSITIONS, RATE, PATCH)
    assert set(found) == set(names)
    places = quadratic_in_position(POSITIONS)
    inner = slice(4, 88)  # in the band of the signals
    whole = np.stack([np.array(found[name])[:, inner] @ places.T for name in names], axis=1)
    truth = np.stack([
        [k * alpha[inner] @ places.T for k in (1, 2)],
        [slope[inner] @ places.T] * 2,
    ])  # fmt: skip
    assert len(whole) == N_TRAITS
    ours, theirs = (each.reshape(len(each), -1).T @ each.reshape(len(each), -1) for each in (whole, truth))
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.95
    assert np.trace(ours) == pytest.approx(np.trace(theirs), rel=0.15)
    # one person is no population
    alone = find_traits(real[:8], subjects[:8], conditions[:8], POSITIONS, RATE, PATCH)
    assert np.shape(alone["none"]) == (N_TRAITS, 101, 9)
    assert not np.any(alone["none"])


def test_what_a_cue_changes_is_added_to_whatever_comes_before():
    after, nothing = (
        {"none": np.full((2, 9), value).tolist(), "eyes_open": [[value] * 9] * 2} for value in (0.1, 0.5)
    )
    cued = {"none": [[0.2] * 9] * 2, "left_fist": [[0.25] * 9] * 2, "eyes_open": [[0.9] * 9] * 2}
    add_cued(cued, after, nothing, "none")
    # what lasts is measured where it lasts
    assert after == {"none": [[0.1] * 9] * 2, "eyes_open": [[0.1] * 9] * 2, "left_fist": [[0.25] * 9] * 2}
    assert nothing == {"none": [[0.5] * 9] * 2, "eyes_open": [[0.5] * 9] * 2, "left_fist": [[0.55] * 9] * 2}


def test_shifts_of_coherence_are_found():
    truth = np.zeros((PATCH, 5))
    truth[:10, 1], truth[14:, 0], truth[:, 3] = -0.1, 0.12, 0.08  # in front more is lost
    places = places_of_pairs(POSITIONS)[np.triu_indices(6, 1)]
    strengths = np.random.default_rng(0).permutation(np.linspace(0.2, 0.9, 15))  # of what channels share

    def lost(squared: np.ndarray, shifts: np.ndarray) -> np.ndarray:
        return np.einsum("...ps,...s->...p", shapes_of_shifts(squared, places), shifts)

    def noise(shifts, seed: int) -> np.ndarray:
        """Pairs of channels whose squared coherence has lost what `correct_coherence` says."""
        rng = np.random.default_rng(seed)
        spectra = rng.standard_normal((15, 800, 2, 601, 2)) @ [1, 1j]
        at = np.stack([np.interp(np.arange(601) / 24, np.arange(PATCH), row) for row in np.transpose(shifts)], axis=-1)
        squared = (strengths - lost(strengths, at)).T[:, None]
        one, other = spectra.transpose(2, 0, 1, 3)
        pairs = np.stack([one, np.sqrt(squared) * one + np.sqrt(1 - squared) * other], axis=2)
        return np.fft.irfft(pairs.reshape(-1, 2, 601), axis=-1)

    def coherences(x: np.ndarray) -> np.ndarray:
        return np.stack([mean_coherence(part, RATE, PATCH)[:, 0] for part in np.split(x, 15)], axis=1)

    seeds = iter(range(1, 9))
    real = noise(truth, 0)
    # each pair is an item here, where recordings have all pairs
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibration, "mean_coherence", lambda x, *_: coherences(x))
        found = find_coherence_shifts(lambda shifts: noise(shifts, next(seeds)), real, POSITIONS, RATE, PATCH)
    for c in (0.3, 0.7):
        errors = lost(np.full(15, c), np.array(found)) - lost(np.full(15, c), truth)
        np.testing.assert_allclose(errors[2:-2], 0, atol=0.03)


def test_shifts_go_with_one_over_the_length_of_the_prompt():
    always, of_few = np.random.default_rng(0).uniform(-0.1, 0.1, (2, PATCH, 5))
    for lengths in (32, 96), (16, 48):
        after = [always + of_few * 32 / n for n in lengths]
        np.testing.assert_allclose(by_length(after, lengths), [always, of_few], atol=2e-4)


def test_gains_of_a_checkpoint_are_measured_and_written(people, tmp_path, monkeypatch):
    monkeypatch.setattr(calibration, "N_SHIFT_ROUNDS", 1)
    monkeypatch.setattr(calibration, "N_GAIN_ROUNDS", 1)
    monkeypatch.setattr(calibration, "LEAST_PROMPTS", 4)
    torch.manual_seed(0)
    GETModel(
        GETConfig(hidden_size=32, num_attention_heads=4, num_hidden_layers=1, flow_hidden_size=32)
    ).save_pretrained(tmp_path)
    GETFeatureExtractor().save_pretrained(tmp_path)
    before = json.loads((tmp_path / "preprocessor_config.json").read_text())
    found = calibration.calibrate(tmp_path, people)
    gains, shifts = found["generated_log_gains"], found["coherence_shifts"]
    unprompted = found["unprompted_log_gains"]
    assert json.loads((tmp_path / "preprocessor_config.json").read_text()) == before | found
    extractor = GETFeatureExtractor.from_pretrained(tmp_path)
    assert (extractor.generated_log_gains, extractor.coherence_shifts) == (gains, shifts)
    assert extractor.unprompted_log_gains == unprompted
    assert extractor.trait_log_gains == found["trait_log_gains"]
    assert np.abs(found["trait_log_gains"]["none"]).max() > 0.01  # two people differ by one component
    assert np.abs(unprompted["none"]).max() > 0.01
    assert not np.allclose(unprompted["none"], gains["none"], atol=0.01)
    assert np.shape(gains["none"]) == (101, 9)
    assert np.abs(gains["none"]).max() > 0.01
    cued = {"rest", "left_fist", "right_fist"}  # two runs have 8, 6 and 4 trials of them
    assert cued < set(gains)
    assert set(unprompted) == set(gains)
    for name in cued:
        assert not np.allclose(gains[name], gains["none"], atol=0.01)
    assert np.shape(shifts) == (2, 25, 5)
    assert (np.abs(shifts).max(axis=(1, 2)) > 0.001).all()
    # from the beginning, whatever was found before
    shown = CliRunner().invoke(app, ["calibrate", str(tmp_path), "--data", str(people)])
    assert shown.exit_code == 0, shown.output
    assert json.loads((tmp_path / "preprocessor_config.json").read_text()) == before | found
    at_cz = quadratic_in_position(channel_positions(["Cz"]))[0]
    rows = [line.split() for line in shown.stdout.splitlines() if line[:1].isdigit()]
    assert [float(row[0]) for row in rows] == 2 * list(range(0, 50, 2))
    after, nothing = rows[:25], rows[25:]
    for table, parts, log_gains, largest in (
        (after, shifts, gains, LARGEST_LOG_GAIN),
        (nothing, [found["unprompted_coherence_shifts"]], unprompted, LARGEST_LOG_GAIN_FROM_NOTHING),
    ):
        for k, row in enumerate(table):
            losses, gain = row[1 : -len(gains)], row[-len(gains) :][list(log_gains).index("none")]
            expected = [0.64 * part[k][0] + 0.8 * at_cz[:4] @ part[k][1:] for part in parts]
            np.testing.assert_allclose([float(loss) for loss in losses], expected, atol=1e-3)
            # what is further off is not made up for
            log_gain = np.clip(at_cz @ log_gains["none"][4 * k], -largest, largest)
            assert float(gain) == pytest.approx(np.exp(log_gain), rel=2e-3, abs=2e-3)
        assert len({row[-1] for row in table}) > 3
    assert "coherence after 8 s: round 1 of 1" in shown.stderr
    assert "gains from nothing: round 1 of 1" in shown.stderr
