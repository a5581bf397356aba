# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The clock of a virtual amplifier, with a clock that the test moves."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from get_hf.live.amplifier import VirtualAmplifier
from get_hf.live.noise import AmplifierNoise
from get_hf.live.source import Patch

BEGAN = 1000.0


class World:
    """A clock, a source whose patches are ready at given times, and an outlet that writes down what it gets."""

    def __init__(self, ready: list[float], rate: float = 250.0, conditions: list[str] | None = None):
        self.now, self.rate, self.ready = BEGAN, rate, ready
        self.conditions = conditions or ["rest"] * len(ready)
        edges = np.round(np.arange(len(ready) + 1) * 0.25 * rate).astype(int)
        self.patches = [np.arange(a, b)[None] * [[1.0], [-1.0]] for a, b in pairwise(edges)]
        self.blocks, self.markers, self.n_taken = [], [], 0

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds

    def take(self, timeout: float) -> Patch | None:
        if self.n_taken == len(self.ready):
            raise EOFError
        due = BEGAN + self.ready[self.n_taken]
        if due > self.now + timeout:
            self.now += timeout
            return None
        self.now = max(self.now, due)
        self.n_taken += 1
        return Patch(self.patches[self.n_taken - 1], self.conditions[self.n_taken - 1])

    def send(self, samples: np.ndarray, timestamp: float) -> None:
        self.blocks.append((self.now, samples.copy(), timestamp))

    def mark(self, condition: str, timestamp: float) -> None:
        self.markers.append((condition, timestamp))

    def run(self, n_samples: int | None = None, **options) -> VirtualAmplifier:
        amplifier = VirtualAmplifier(self, self, self.rate, self.clock, wait=self.wait, **options)
        amplifier.run(n_samples)
        return amplifier

    @property
    def samples(self) -> np.ndarray:
        return np.concatenate([samples for _, samples, _ in self.blocks])

    @property
    def stamps(self) -> np.ndarray:
        """The time stamp of each sample, as a receiver computes it."""
        return np.concatenate([
            stamp - np.arange(len(samples))[::-1] / self.rate for _, samples, stamp in self.blocks
        ])  # fmt: skip


@given(
    st.lists(st.floats(0, 3), min_size=1, max_size=30),
    st.sampled_from([100.0, 128.0, 250.0, 173.61, 512.0]),
)
@settings(deadline=None, max_examples=40)
def test_no_sample_is_lost_and_time_stamps_are_those_of_the_clock(gaps, rate):
    world = World(list(np.cumsum(gaps)), rate)
    amplifier = world.run()
    n = sum(patch.shape[-1] for patch in world.patches)
    assert amplifier.sent.n_samples == n
    np.testing.assert_array_equal(world.samples[:, 0], np.arange(n))
    np.testing.assert_allclose(world.stamps, BEGAN + gaps[0] + np.arange(n) / rate, atol=1e-6)
    for now, _, stamp in world.blocks:
        assert now >= stamp - 1e-9  # no sample before its time


def test_a_source_that_keeps_up_is_sent_in_small_blocks_on_time():
    world = World([0.0] * 40)
    assert world.run().sent.worst <= 0.02
    assert {len(samples) for _, samples, _ in world.blocks} <= {1, 2, 3, 4, 5}
    assert world.now - BEGAN == pytest.approx(10.0, abs=0.02)


def test_after_a_stall_it_catches_up_and_then_is_on_time_again():
    world = World([0.0] * 8 + [5.0] * 32)
    amplifier = world.run()
    assert amplifier.sent.worst == pytest.approx(3.0, abs=0.05)
    late = np.array([now - stamp for now, _, stamp in world.blocks])
    stamps = np.array([stamp for *_, stamp in world.blocks])
    assert late[stamps < BEGAN + 2].max() < 1e-6
    assert late[stamps > BEGAN + 5.3].max() < 1e-6
    np.testing.assert_allclose(np.diff(world.stamps), 1 / 250, atol=1e-9)


def test_markers_tell_when_a_condition_begins():
    world = World([0.0] * 6, conditions=["rest", "rest", "feet", "feet", "feet", "rest"])
    world.run()
    assert world.markers == [
        ("rest", BEGAN),
        ("feet", pytest.approx(BEGAN + 0.5, abs=1 / 250)),
        ("rest", pytest.approx(BEGAN + 1.25, abs=1 / 250)),
    ]


@pytest.mark.parametrize("n", [0, 1, 63, 500])
def test_it_stops_after_the_samples_that_were_asked_for(n):
    world = World([0.0] * 8)
    assert world.run(n).sent.n_samples == n == sum(len(samples) for _, samples, _ in world.blocks)


def test_it_stops_when_it_is_told_to():
    world = World([0.0] * 100)
    amplifier = VirtualAmplifier(world, world, 250.0, world.clock, wait=world.wait)
    send = world.send
    world.send = lambda *block: (send(*block), amplifier.stop() if len(world.blocks) == 7 else None)
    assert amplifier.run().n_samples == sum(len(samples) for _, samples, _ in world.blocks) < 100


class TestNoise:
    def added(self, n: int = 20_000, step: int = 20_000, **options) -> np.ndarray:
        given = {"noise": 0.0, "hum": 0.0, "mains": 50.0, "seed": 0} | options
        noise = AmplifierNoise(3, 500.0, **given)
        return np.concatenate([noise.add(np.zeros((3, min(step, n - at)))) for at in range(0, n, step)], axis=-1)

    def test_noise_is_white_and_as_strong_as_asked(self):
        x = self.added(noise=2.0)
        np.testing.assert_allclose(x.std(axis=-1), 2.0, rtol=0.03)
        power = (np.abs(np.fft.rfft(x)) ** 2)[:, 1:].reshape(3, 10, -1).mean(axis=-1)
        np.testing.assert_allclose(power / power.mean(), 1, atol=0.15)

    @pytest.mark.parametrize("mains", [50.0, 60.0])
    def test_hum_is_at_the_mains_and_at_its_third_harmonic(self, mains):
        x = self.added(hum=5.0, mains=mains)
        spectrum = np.abs(np.fft.rfft(x))
        largest = np.sort(np.argsort(spectrum, axis=-1)[:, -2:], axis=-1) * 500 / 20_000
        np.testing.assert_allclose(largest, [[mains, 3 * mains]] * 3)
        assert 2 < x.std() < 8

    def test_it_does_not_depend_on_the_size_of_blocks(self):
        np.testing.assert_allclose(self.added(hum=5.0, step=37), self.added(hum=5.0), atol=1e-9)
        np.testing.assert_array_equal(self.added(noise=1.0), self.added(noise=1.0))
        assert self.added(noise=1.0, seed=1).std() != self.added(noise=1.0).std()

    def test_hum_above_the_band_of_the_rate_is_refused(self):
        with pytest.raises(ValueError, match="above 100 Hz, not 100 Hz"):
            AmplifierNoise(3, 100.0, 0.0, 1.0, 50.0, 0)

    def test_an_amplifier_adds_it(self):
        world = World([0.0] * 4)
        world.run(noise=AmplifierNoise(2, 250.0, 3.0, 0.0, 50.0, 0))
        assert (world.samples[:, 0] - np.arange(250)).std() == pytest.approx(3.0, rel=0.2)
