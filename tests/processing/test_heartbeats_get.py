# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
from itertools import pairwise

import mne
import numpy as np
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st

from get_hf.processing.event_streams_get import HeartbeatStream
from get_hf.processing.events_get import Events
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.processing.heartbeats_get import N_AROUND, find_heartbeats
from get_hf.processing.montage_get import channel_positions
from get_hf.training.evaluation.recordings import CHANNELS
from get_hf.training.pretraining.population import fit_population

POSITIONS = channel_positions(list(CHANNELS))
PATCH = 25
N_CHANS = len(CHANNELS)


def background(seconds: float, seed: int, scale: float = 15.0) -> np.ndarray:
    """Slow Gaussian waves with alpha, alike in neighbours, microvolts."""
    noise = np.random.default_rng(seed).standard_normal((N_CHANS, round(100 * seconds) + 200))
    angles = np.arccos(np.clip(POSITIONS[:, :3] @ POSITIONS[:, :3].T, -1, 1))
    mixed = np.linalg.cholesky(np.exp(-angles) + 0.1 * np.eye(N_CHANS)) @ noise
    alpha = scipy.signal.lfilter([1.0], [1.0, -1.9 * np.cos(0.2 * np.pi), 0.9], mixed, axis=-1)
    waves = (scipy.signal.lfilter([1.0], [1.0, -0.9], mixed, axis=-1) + alpha)[:, 200:]
    return scale * waves / waves.std()


def heart(
    seconds: float, seed: int, beats_a_minute: float = 70.0, size: float = 80.0
) -> tuple[np.ndarray, np.ndarray]:
    """A heart's field in the reference, weaker on the right, in microvolts, and when it beats, in samples."""
    rng = np.random.default_rng(seed)
    intervals = 6000 / beats_a_minute * np.exp(0.03 * rng.standard_normal(round(4 * seconds)))
    times = 30 + np.cumsum(intervals) - intervals[0]
    times = times[times < 100 * seconds]
    apart = np.arange(round(100 * seconds)) - times[:, None]
    course = (np.exp(-0.5 * (apart / 1.4) ** 2) - 0.3 * np.exp(-0.5 * ((apart - 4) / 2.5) ** 2)).sum(axis=0)
    return np.outer(1.0 - 0.3 * POSITIONS[:, 0], size * course), times


def person(seconds: float, seed: int, **options) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    beats, times = heart(seconds, seed, **options)
    return background(seconds, seed) + beats, beats, times


class TestFinding:
    @pytest.mark.parametrize("beats_a_minute", [50, 70, 110])
    @pytest.mark.parametrize("seconds", [8, 60])
    def test_a_heart_is_found_at_its_pace_and_taken_out(self, beats_a_minute, seconds):
        x, beats, times = person(seconds, 1, beats_a_minute=beats_a_minute)
        found = find_heartbeats(x, POSITIONS)
        assert len(found.times) == pytest.approx(len(times), abs=2)
        assert np.median(np.abs(found.times[:, None] - times).min(axis=1)) < 0.5
        left = x - found.signal - (x - beats)
        inside = slice(N_AROUND, -N_AROUND)  # a beat that is cut off may be missed
        assert np.linalg.norm(left[:, inside]) < 0.45 * np.linalg.norm(beats[:, inside])

    def test_none_is_seen_where_there_is_none(self):
        assert sum(len(find_heartbeats(background(8, seed), POSITIONS).times) > 0 for seed in range(40)) <= 1
        assert not find_heartbeats(background(120, 0), POSITIONS).signal.any()

    def test_what_comes_at_no_pace_is_no_heart(self):
        rng = np.random.default_rng(0)
        x, spikes = background(60, 3), np.zeros(6000)
        spikes[rng.integers(0, 6000, 70)] = 100.0
        x += scipy.signal.convolve(spikes, np.exp(-0.5 * (np.arange(-8, 9) / 1.4) ** 2), mode="same")
        assert not find_heartbeats(x, POSITIONS).signal.any()

    def test_a_pace_that_changes_is_followed(self):
        first, _, _ = person(40, 4, beats_a_minute=65)
        x, _, times = person(40, 5, beats_a_minute=75)
        found = find_heartbeats(np.concatenate([first, x], axis=-1), POSITIONS).times
        assert (found >= 4000).sum() == pytest.approx(len(times), abs=3)

    def test_bipolar_channels_hear_none(self):
        positions = channel_positions([f"{a}-{b}" for a, b in pairwise(CHANNELS)])
        x, _, _ = person(20, 6)
        assert not find_heartbeats(x[:-1] - x[1:], positions).signal.any()

    @settings(max_examples=20, deadline=None)
    @given(st.integers(1, 900), st.integers(1, N_CHANS), st.integers(0, 100))
    def test_recordings_of_any_size_are_looked_at(self, n_times, n_chans, start):
        x = person(10, 7, size=150.0)[0][:n_chans, start : start + n_times]
        found = find_heartbeats(x, POSITIONS[:n_chans])
        assert found.signal.shape == x.shape
        assert np.isfinite(found.signal).all()

    def test_the_order_of_channels_does_not_matter(self):
        order = np.random.default_rng(0).permutation(N_CHANS)
        x, _, _ = person(20, 8)
        found, permuted = find_heartbeats(x, POSITIONS), find_heartbeats(x[order], POSITIONS[order])
        np.testing.assert_allclose(permuted.signal, found.signal[order], atol=1e-6)


class TestContinuing:
    def patches(self, n: int, seed: int = 0) -> np.ndarray:
        return np.random.default_rng(seed).standard_normal((N_CHANS, n, PATCH))

    def test_it_goes_on_beating_at_its_pace_and_as_strong(self):
        x, beats, times = person(30, 11)
        following = HeartbeatStream(find_heartbeats(x, POSITIONS)).push(self.patches(400))
        peaks = scipy.signal.find_peaks(following[0], height=30)[0]
        assert len(peaks) == pytest.approx(400 * 0.25 * 70 / 60, rel=0.05)
        intervals = np.log(np.diff(peaks))
        assert 0.015 < intervals.std() < 0.06
        assert peaks[0] + 3000 - times[-1] == pytest.approx(6000 / 70, rel=0.15)
        assert np.median(following[0][peaks]) == pytest.approx(
            np.median(beats[0][times[2:-2].round().astype(int)]), rel=0.15
        )

    def test_beats_keep_all_their_frequencies(self):
        # R waves have power up to the edge of the band, and come between samples
        _, times = heart(30, 14)
        apart = np.arange(3000) - times[:, None]
        course = np.exp(-0.5 * (apart / 0.9) ** 2) - 0.4 * np.exp(-0.5 * ((apart - 3) / 1.2) ** 2)
        beats = np.outer(np.ones(N_CHANS), 80 * course.sum(axis=0))
        found = find_heartbeats(beats + background(30, 14, scale=5.0), POSITIONS)

        def power(x: np.ndarray, n_beats: float) -> np.ndarray:
            freqs, density = scipy.signal.welch(x[0], 100, nperseg=100)
            return np.array([density[(freqs >= low) & (freqs < low + 7)].sum() for low in (20, 30)]) / n_beats

        truth = power(beats, len(times) / 30)
        np.testing.assert_allclose(power(found.signal, len(found.times) / 30), truth, rtol=0.1)
        following = HeartbeatStream(found).push(self.patches(400))
        n_following = len(scipy.signal.find_peaks(following[0], height=30)[0])
        np.testing.assert_allclose(power(following, n_following / 100), truth, rtol=0.1)

    def test_patches_decoded_one_by_one_beat_as_all_at_once(self):
        known, patches = find_heartbeats(person(10, 12)[0], POSITIONS), self.patches(60)
        whole = HeartbeatStream(known).push(patches)
        assert whole.any()
        for n in (1, 7, 59):
            stream = HeartbeatStream(known)
            parts = [stream.push(patches[:, at : at + n]) for at in range(0, 60, n)]
            np.testing.assert_allclose(np.concatenate(parts, axis=-1), whole, atol=1e-9)

    def test_who_was_not_heard_does_not_beat(self):
        assert not HeartbeatStream(find_heartbeats(background(8, 13), POSITIONS)).push(self.patches(40)).any()


def test_they_come_back_and_the_network_does_not_hear_them():
    x, beats, _ = person(30, 20, size=150.0)
    population = fit_population([(background(60, seed), POSITIONS) for seed in range(3)], PATCH)
    transform = population.transform(PATCH)
    events = Events.find(x, POSITIONS, population.blinks, transform.slow_covariance(POSITIONS))
    innovation = transform.forward(x - events.signal, POSITIONS)
    back = transform.inverse(innovation.values, innovation) + events.signal
    np.testing.assert_allclose(back, x, atol=1e-6)
    quiet = transform.forward(x - beats, POSITIONS)
    tails = [
        scipy.stats.kurtosis(z.values.reshape(N_CHANS, -1, PATCH)[..., 1:].mean(axis=0), axis=None)
        for z in (innovation, quiet)
    ]
    assert tails[0] < tails[1] + 0.5
    np.testing.assert_allclose(events.signal, find_heartbeats(x, POSITIONS).signal, atol=1e-9)


def test_heartbeats_are_found_in_some_recordings_at_plausible_rates(real_eeg):
    paces, n_seen = [], 0
    paths = [real_eeg / "eegmmidb" / f"S{subject:03d}" / f"S{subject:03d}R02.edf" for subject in range(2, 9)]
    for path in paths:
        if not path.is_file():
            pytest.skip(f"no {path.name}")
        raw = mne.io.read_raw_edf(path, preload=True, verbose="error")
        x = GETFeatureExtractor().clean(raw.get_data(units="uV"), raw.info["sfreq"])
        found = find_heartbeats(x, channel_positions(raw.ch_names))
        if len(found.times):
            n_seen += 1
            paces.append(6000 / np.median(np.diff(found.times)))
            assert (np.abs(np.diff(np.log(np.diff(found.times)))) < 0.5).all()
    assert n_seen < len(paths)
    assert all(45 < pace < 120 for pace in paces)
