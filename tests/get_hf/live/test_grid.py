# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Samples with time stamps, as amplifiers and networks deliver them, on a regular grid."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from get_hf.live.grid import Stretch

RATE, N = 250.0, 2000
BEGAN = 1.7e9


@pytest.fixture
def sent():
    samples = np.random.default_rng(0).standard_normal((3, N))
    return samples, BEGAN + np.arange(N) / RATE


def taken(samples, times, sizes=(7,)) -> Stretch:
    stretch, at, turn = Stretch(len(samples), RATE, times[0]), 0, 0
    while at < len(times):
        size = sizes[turn % len(sizes)]
        n, why = stretch.take(samples[:, at : at + size], times[at : at + size])
        assert why is None
        at, turn = at + n, turn + 1
        stretch.settle()
    stretch.settle(is_end=True)
    return stretch


@given(st.lists(st.integers(1, 300), min_size=1, max_size=6))
@settings(deadline=None, max_examples=30)
def test_samples_in_order_stay_as_they_are(sizes):
    samples = np.random.default_rng(0).standard_normal((3, N))
    stretch = taken(samples, BEGAN + np.arange(N) / RATE, sizes)
    np.testing.assert_array_equal(stretch.read(0, N), samples)


def test_late_samples_are_sorted_in(sent):
    samples, times = sent
    order = np.arange(N)
    order[100:110] = order[100:110][::-1]
    order[[500, 515]] = order[[515, 500]]
    stretch = taken(samples[:, order], times[order])
    np.testing.assert_array_equal(stretch.read(0, N), samples)
    assert stretch.n_sorted == 9 + 15


def test_duplicates_are_dropped(sent):
    samples, times = sent
    twice = np.sort(np.concatenate([np.arange(N), np.arange(300, 340), [700, 700]]))
    twice = np.concatenate([twice, np.arange(N - 20, N)])  # a block that is sent again
    stretch = taken(samples[:, twice], times[twice])
    np.testing.assert_array_equal(stretch.read(0, N), samples)
    assert stretch.n_duplicates == 62


def test_short_gaps_are_bridged_and_a_sample_that_comes_after_that_is_dropped(sent):
    samples, times = sent
    kept = np.setdiff1d(np.arange(N), [400, *range(800, 820)])
    order = np.insert(kept, 600, 400)  # a fifth of a second... and more than the bridge too late
    stretch = taken(samples[:, order], times[order])
    assert (stretch.n_bridged, stretch.n_late, stretch.n_times) == (21, 1, N)
    read = stretch.read(0, N)
    np.testing.assert_array_equal(read[:, kept], samples[:, kept])
    np.testing.assert_allclose(read[:, 400], (samples[:, 399] + samples[:, 401]) / 2)
    np.testing.assert_allclose(np.diff(read[:, 799:821], n=2), 0, atol=1e-12)


def test_a_long_gap_and_a_clock_that_jumps_back_end_the_stretch(sent):
    samples, times = sent
    for jump, why in ((0.5, "gap"), (-5.0, "restart")):
        stretch = Stretch(3, RATE, times[0])
        moved = times + np.where(np.arange(N) >= 1700, jump, 0)
        assert stretch.take(samples, moved) == (1700, why)
        assert stretch.settle(is_end=True) == 1700


@pytest.mark.parametrize("jitter", [0.001, 0.004, 0.012])
def test_no_sample_is_lost_or_swapped_where_blocks_come_with_times_that_jitter(sent, jitter):
    samples, times = sent
    offsets = np.repeat(jitter * np.random.default_rng(1).uniform(-1, 1, N // 10), 10)
    stretch = taken(samples, times + offsets, (10,))
    read = stretch.read(0, stretch.n_times)
    # each of them is there, in order, and bridges are short
    places = [np.flatnonzero((read == sample[:, None]).all(axis=0)) for sample in samples.T]
    assert all(len(place) == 1 for place in places)
    assert (np.diff(np.concatenate(places)) > 0).all()
    assert stretch.n_times - N <= 2 * 2 * jitter * RATE + 2


@pytest.mark.parametrize("error", [-2e-4, 5e-5, 2e-4])
def test_the_grid_follows_a_clock_of_another_rate(error):
    n = 50_000
    samples = np.random.default_rng(0).standard_normal((2, n))
    times = BEGAN + np.arange(n) / RATE * (1 + error)
    stretch = taken(samples, times, (5,))
    assert (stretch.n_times, stretch.n_bridged) == (n, 0)
    np.testing.assert_array_equal(stretch.read(n - 100, n), samples[:, n - 100 :])
    assert stretch.start + (n - 1) / RATE == pytest.approx(times[-1], abs=2e-3)


def test_what_is_forgotten_leaves_the_rest(sent):
    samples, times = sent
    stretch = Stretch(3, RATE, times[0])
    for at in range(0, N, 10):
        stretch.take(samples[:, at : at + 10], times[at : at + 10])
        n = stretch.settle()
        stretch.forget(n - 200)
    assert stretch.first > 1000
    assert stretch._kept.shape[-1] < 1000
    np.testing.assert_array_equal(stretch.read(N - 200, N), samples[:, N - 200 :])
