# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from scipy.signal import lfilter

from get_hf.processing.coherence_get import places_of_pairs, shapes_of_shifts
from get_hf.processing.equaliser_get import LARGEST_LOG_GAIN, N_TRAITS, Equaliser, EqualiserStream
from get_hf.processing.montage_get import channel_positions
from get_hf.processing.population_get import quadratic_in_position
from get_hf.training.calibration import corrections
from get_hf.training.calibration.corrections import (
    find_coherence_shifts,
    find_cues,
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
    equaliser = Equaliser({"none": gains}, "none", largest)
    return np.stack([equalised(equaliser, each, "none") for each in slow])


def equalised(equaliser: Equaliser, x: np.ndarray, name: str) -> np.ndarray:
    return EqualiserStream(lambda _: equaliser, [name], POSITIONS).push(x, np.zeros(x.shape[-1], int))


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


def test_large_errors_are_not_corrected():
    loud = 1.5 * signals(NOTHING, 0)
    conditions = ["feet"] * 490 + ["rest"] * 10  # too few others: their gains are those of all
    found = find_gains(lambda gains: signals(gains["feet"], 1), loud, conditions, POSITIONS, RATE, PATCH)
    for gains in found.values():
        assert 0.2 < (quadratic_in_position(POSITIONS) @ np.transpose(gains)).max() <= LARGEST_LOG_GAIN + 1e-3


def test_differences_between_people_are_found_and_hold_in_every_condition():
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


def test_the_effect_of_a_cue_on_rhythms_is_found_in_all_people():
    rng = np.random.default_rng(0)
    n_people, n_trials = 40, 12
    truth = {"left_fist": 0.05 * rng.standard_normal(9), "feet": 0.05 * rng.standard_normal(9)}
    hertz = np.arange(101) / 2
    subjects = np.repeat([f"S{person}" for person in range(n_people)], n_trials)
    # each has a peak at a frequency of their own, more or less of it, and each channel its share
    peaks = np.exp(-((hertz - rng.uniform(8, 13, (n_people, 1))) ** 2) / 8)
    heights = rng.uniform(0, 1.8, (n_people, 1)) * rng.uniform(0.5, 1, (n_people, len(POSITIONS)))
    prominences = np.repeat(heights[..., None] * peaks[:, None], n_trials, axis=0)
    conditions = np.tile(["left_fist"] * 6 + ["feet"] * 5 + ["tongue"], n_people).tolist()
    names = [name if name in truth else "none" for name in conditions]
    made, slow = (signals(NOTHING, seed, n_people * n_trials) for seed in (1, 2))
    real = np.stack([
        equalised(Equaliser({"none": NOTHING}, "none", cues=truth, prominence=each), x, name)
        for x, name, each in zip(slow, names, prominences, strict=True)
    ])  # fmt: skip
    found = find_cues(real, made, prominences, subjects, conditions, POSITIONS, RATE)
    assert set(found) == set(truth)  # of the tongue there are too few
    places = quadratic_in_position(POSITIONS)
    for name, effect in truth.items():
        np.testing.assert_allclose(places @ found[name], places @ effect, atol=0.025)
    assert np.abs(places @ truth["feet"] - places @ truth["left_fist"]).max() > 0.1
    # the same of patches of another size
    finer = np.stack([np.stack([np.interp(np.arange(201) / 4, hertz, row) for row in each]) for each in prominences])
    found = find_cues(real, made, finer, subjects, conditions, POSITIONS, RATE)
    np.testing.assert_allclose(places @ found["feet"], places @ truth["feet"], atol=0.03)
    # what is as it was shows no effect
    none = find_cues(slow, made, prominences, subjects, conditions, POSITIONS, RATE)
    np.testing.assert_allclose(places @ none["feet"], 0, atol=0.025)


@pytest.mark.parametrize(("common", "of_chance"), [(-0.1, 0.12), (-0.4, -0.3)])
def test_shifts_of_coherence_are_found(common, of_chance):
    truth = np.zeros((PATCH, 5))
    truth[:10, 1], truth[14:, 0], truth[:, 3] = common, of_chance, 0.08  # in front more is lost
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
        patch.setattr(corrections, "mean_coherence", lambda x, *_: coherences(x))
        found = find_coherence_shifts(lambda shifts: noise(shifts, next(seeds)), real, POSITIONS, RATE, PATCH)
    for c in (0.3, 0.7):
        errors = lost(np.full(15, c), np.array(found)) - lost(np.full(15, c), truth)
        np.testing.assert_allclose(errors[2:-2], 0, atol=0.03)
