# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Generates the events (heartbeats and blinks) of a continuation, any number of patches at a time.

The patches of the continuation determine the times and the random properties of its events (see `uniforms`). An event
never depends on later patches than the one in which it begins. So the same patches always have the same events,
whether they come one by one or all at once.
"""

from collections.abc import Sequence

import numpy as np
import scipy

from .blinks_get import (
    DICE,
    LARGEST_UNDERSHOOT,
    LEAST_UNDERSHOOT,
    N_AFTER,
    N_BEFORE,
    SHORTEST_INTERVAL,
    WIDTHS,
    BlinkPopulation,
    Blinks,
)
from .event_shapes_get import add_event, uniforms
from .events_get import Events
from .heartbeats_get import DICE as DICE_OF_BEATS
from .heartbeats_get import (
    LARGEST_VARIATION,
    LEAST_VARIATION,
    N_AROUND,
    N_RECENT,
    Heartbeats,
    interpolated,
    sum_of_beats,
)


class HeartbeatStream:
    """The heartbeats of a continuation.

    Args:
        heartbeats: Heartbeats of the recording.
    """

    def __init__(self, heartbeats: Heartbeats):
        self._n_chans, self._now = len(heartbeats.template), heartbeats.n_times
        self._start = heartbeats.n_times
        self._is_beating = len(heartbeats.times) >= 2
        if not self._is_beating:
            return
        log_intervals = np.log(np.diff(heartbeats.times)[-N_RECENT:])
        # intervals far from the median are ignored, because a beat was probably missed there
        usual = log_intervals[np.abs(log_intervals - np.median(log_intervals)) < 0.3]
        self._pace, self._strength = usual.mean(), heartbeats.amplitudes.std()
        self._variation = np.clip(usual.std(), LEAST_VARIATION, LARGEST_VARIATION)
        self._template = interpolated(heartbeats.template)
        # beats whose shape has not ended, and the beat after them
        self._times, self._amplitudes = [heartbeats.times[-1]], [heartbeats.amplitudes[-1]]

    def push(self, patches: np.ndarray) -> np.ndarray:
        """Returns the signal of the heartbeats in the next patches, `(channels, patches * patch_size)` in microvolts.

        Args:
            patches: Next patches `(channels, patches, patch_size)` in the innovation space.
        """
        _, n_patches, size = patches.shape
        start, stop = self._now, self._now + n_patches * size
        self._now = stop
        if not self._is_beating:
            return np.zeros((self._n_chans, n_patches * size))
        n_before = (start - self._start) // size
        scores = scipy.stats.norm.ppf(np.clip(uniforms(patches, DICE_OF_BEATS), 0.01, 0.99))
        while True:
            # the patch just before the last beat determines the next beat, whose shape begins before its R wave
            patch = int((self._times[-1] - N_AROUND - self._start) // size) - n_before
            if patch >= n_patches:
                break
            pace, strength = scores[patch] if patch + n_before >= 0 else (0.0, 0.0)
            self._times.append(self._times[-1] + np.exp(self._pace + self._variation * pace))
            self._amplitudes.append(1.0 + self._strength * strength)
        signal = sum_of_beats(self._template, self._n_chans, self._times, self._amplitudes, start, stop)
        n_over = sum(time < stop - N_AROUND - 1 for time in self._times[:-1])
        del self._times[:n_over], self._amplitudes[:n_over]
        return signal


class BlinkStream:
    """The blinks of a continuation.

    Args:
        population: Parameters of the population's blinks.
        blinks: Blinks of the recording.
        before: Condition ids of all or some patches of the recording; see `BlinkPopulation.rates_of`.
        person: Number of a virtual person, who has own blinks. None: blinks are as in the recording, or as usual in
            the population if there is no recording.
    """

    def __init__(
        self, population: BlinkPopulation, blinks: Blinks, before: Sequence[int] = (), person: int | None = None
    ):
        self._population, self._blinks, self._before, self._person = population, blinks, before, person
        # courses of the blinks that have begun, from the next sample on; and start of the last blink
        self._courses = np.zeros((2, round(WIDTHS[-1] * (N_BEFORE + N_AFTER)) + 1))
        for course, recorded in zip(self._courses, blinks.courses, strict=True):
            add_event(course, 0, recorded[blinks.n_times :])
        self._last = blinks.events[-1, 0] - N_BEFORE - blinks.n_times if len(blinks.events) else -np.inf

    def push(self, patches: np.ndarray, conditions: Sequence[int]) -> np.ndarray:
        """Returns the time courses of the blinks in the next patches, `(2, patches * patch_size)` in microvolts.

        Args:
            patches: Next patches `(channels, patches, patch_size)` in the innovation space.
            conditions: Condition id of each patch. Blinks depend on the condition.
        """
        n_patches, size = patches.shape[1:]
        n_times = n_patches * size
        courses = np.concatenate([self._courses, np.zeros((2, n_times))], axis=-1)
        for start, *form in self._drawn(patches, conditions) if self._blinks.topographies.any() else ():
            self._population.add_blink(courses, start, *form)
        self._courses, self._last = courses[:, n_times:].copy(), self._last - n_times
        return courses[:, :n_times]

    def _drawn(self, patches: np.ndarray, conditions: Sequence[int]) -> list[tuple[int, float, float, float]]:
        """Draws the blinks that begin in patches: first sample, amplitude in microvolts, width and undershoot."""
        size, within = patches.shape[-1], self._population.within
        rates = self._population.rates_of(self._blinks, self._before, conditions, size, self._person)
        traits = self._population.traits_of(self._blinks, self._before, conditions, self._person)
        drawn = []
        for patch, (dice, rate, usual) in enumerate(zip(uniforms(patches, DICE), rates, traits, strict=True)):
            start = patch * size + int(dice[1] * size)
            # this probability is larger than the rate, because no blink can begin just after another blink
            chance = rate / max(1.0 - rate * SHORTEST_INTERVAL / size, 0.5)
            if dice[0] <= 1.0 - chance or start < self._last + SHORTEST_INTERVAL:
                continue
            self._last = start
            log_amplitude, log_width, undershoot = usual + within[int(dice[2] * len(within))]
            width = float(np.clip(np.exp(log_width), WIDTHS[0], WIDTHS[-1]))
            undershoot = float(np.clip(undershoot, LEAST_UNDERSHOOT, LARGEST_UNDERSHOOT))
            drawn.append((start, float(np.exp(log_amplitude)), width, undershoot))
        return drawn


class EventStream:
    """All events of a continuation.

    Args:
        events: Events of the recording.
        before: Condition ids of all or some patches of the recording.
        person: See `BlinkStream`.
    """

    def __init__(self, events: Events, before: Sequence[int] = (), person: int | None = None):
        self._heartbeats = HeartbeatStream(events.heartbeats)
        self._topographies, self._blinks = events.blinks.topographies, None
        if events.population is not None:
            self._blinks = BlinkStream(events.population, events.blinks, before, person)

    def push(self, patches: np.ndarray, conditions: Sequence[int]) -> np.ndarray:
        """Returns the signal of the events in the next patches, `(channels, patches * patch_size)` in microvolts.

        Args:
            patches: Next patches `(channels, patches, patch_size)` in the innovation space. They determine the times
                of events.
            conditions: Condition id of each patch.
        """
        signal = self._heartbeats.push(patches)
        if self._blinks is not None:
            signal += self._topographies @ self._blinks.push(patches, conditions)
        return signal
