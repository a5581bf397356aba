# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import scipy

from get_hf.processing.montage_get import ELECTRODES, USUAL_CHANNELS, channel_positions
from get_hf.training.pretraining.amplifiers import filter_as_amplifier, random_response, rereference

EARS = ["A1", "A2"]


def recording(names, seed=0):
    return np.random.default_rng(seed).standard_normal((len(names), 300)), channel_positions(names)


def names_at(places):
    return [next(name for name, at in ELECTRODES.items() if np.allclose(at, place, atol=1e-6)) for place in places]


def test_an_average_reference_leaves_the_sum_of_all_channels_zero():
    signal, positions = recording(USUAL_CHANNELS)
    changed, places = rereference(signal, positions, "average")
    np.testing.assert_allclose(changed.sum(axis=0), 0, atol=1e-12)
    np.testing.assert_array_equal(places, positions)
    np.testing.assert_allclose(changed[3] - changed[7], signal[3] - signal[7])


@pytest.mark.parametrize("pair", [("A1", "A2"), ("M1", "M2"), ("TP9", "TP10")])
def test_linked_ears_are_subtracted_and_left_out(pair):
    names = ["Fz", pair[0], "Cz", pair[1]]
    signal, positions = recording(names)
    changed, places = rereference(signal, positions, "ears")
    np.testing.assert_allclose(changed, signal[[0, 2]] - (signal[1] + signal[3]) / 2)
    np.testing.assert_array_equal(places, positions[[0, 2]])


def test_cz_is_subtracted_and_left_out():
    signal, positions = recording(["Fz", "Cz", "Pz"])
    changed, places = rereference(signal, positions, "Cz")
    np.testing.assert_allclose(changed, signal[[0, 2]] - signal[1])
    np.testing.assert_array_equal(places, positions[[0, 2]])


def test_bipolar_channels_name_both_electrodes_and_are_those_of_a_clinic():
    signal, positions = recording(USUAL_CHANNELS)
    changed, places = rereference(signal, positions, "bipolar")
    pairs = list(zip(names_at(places[:, :3]), names_at(places[:, 3:]), strict=True))
    assert len({frozenset(pair) for pair in pairs}) == len(pairs)
    assert {("F3", "C3"), ("C3", "P3"), ("F7", "T7"), ("T7", "P7"), ("Fz", "Cz"), ("Cz", "Pz")} <= set(pairs)
    rows = {name: row for name, row in zip(USUAL_CHANNELS, signal, strict=True)}
    for channel, (first, second) in zip(changed, pairs, strict=True):
        np.testing.assert_allclose(channel, rows[first] - rows[second])


@pytest.mark.parametrize(
    ("names", "reference"),
    [
        (["Fz", "Cz", "A1"], "ears"),
        (["Fz", "Pz"], "Cz"),
        (["Cz"], "Cz"),
        (["TP9", "AF7", "AF8", "TP10"], "bipolar"),  # none has a neighbour
        (["Fz-Cz", "Cz-Pz"], "average"),
        (["Cz"], "average"),
        (EARS, "ears"),
    ],
)
def test_a_recording_without_the_electrodes_stays_as_it_is(names, reference):
    assert rereference(*recording(names), reference) is None


def test_filters_are_those_of_amplifiers():
    freqs = np.linspace(0, 50, 501)
    drawn = np.array([random_response(freqs, np.random.default_rng(seed)) for seed in range(200)])
    assert drawn.min() >= 0.01
    assert drawn.max() <= 1
    middle = drawn[:, (freqs > 6) & (freqs < 12)]
    assert middle.min() > 0.85  # theta and alpha stay what they are
    assert 0.03 < np.mean((drawn == 1).all(axis=-1)) < 0.25  # an eighth has no filter
    at = {hz: drawn[:, np.searchsorted(freqs, hz)] for hz in (0.5, 40.0, 49.9)}
    assert 0.4 < np.mean(at[0.5] < 0.6) < 0.6
    assert 0.2 < np.mean(at[40.0] < 0.7) < 0.6
    assert np.mean(at[49.9] < 0.2) > 0.4


def test_a_filter_acts_as_its_response_and_does_not_delay():
    rng = np.random.default_rng
    seed = next(s for s in range(100) if random_response(np.array([40.0]), rng(s))[0] < 0.3)
    signal = rng(0).standard_normal((2, 60_000))
    out = filter_as_amplifier(signal, 100.0, rng(seed))
    freqs, before = scipy.signal.welch(signal, 100.0, nperseg=400)
    cross = scipy.signal.csd(signal, out, 100.0, nperseg=400)[1]
    inner = (freqs > 4) & (freqs < 48)
    np.testing.assert_allclose(
        (cross / before)[:, inner].real, [random_response(freqs, rng(seed))[inner]] * 2, atol=0.03
    )
    np.testing.assert_allclose((cross / before)[:, inner].imag, 0, atol=0.03)


def test_a_short_signal_is_filtered_too():
    assert filter_as_amplifier(np.ones((2, 30)), 100.0, np.random.default_rng(0)).shape == (2, 30)
