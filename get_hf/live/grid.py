# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Puts samples with time stamps on a regular grid: late samples, duplicates, gaps, and stamps that jitter."""

from typing import Literal

import numpy as np

#: Seconds for which a missing sample is waited for. A shorter gap is bridged by straight lines.
BRIDGED_SECONDS = 0.1
#: Seconds by which a clock must jump back to count as a restart of the amplifier.
RESTART_SECONDS = 1.0
#: Seconds in which the grid follows the clock of the amplifier, whose rate is never exactly the nominal one.
FOLLOWING_SECONDS = 2.0
#: Largest share of a difference to the clock that is followed at once.
MOST_FOLLOWED = 0.2

End = Literal["gap", "restart"]


class Stretch:
    """The samples of a stream from its beginning, or an interruption, to the next interruption.

    A sample belongs to the place of the grid that is next to its time stamp. A place without a sample waits for
    `BRIDGED_SECONDS`; then a straight line bridges it. A sample whose place is taken is dropped if it equals the
    sample there. If it differs, the time stamps jitter, and it comes after the samples that came before it.

    Args:
        n_chans: Number of channels.
        sampling_rate: Sampling rate in Hz.
        start: Time stamp of the first sample in seconds.

    Attributes:
        start: Time stamp of the first sample in seconds, as the grid has it: it follows the clock of the amplifier.
        first: Number of the first sample that is kept.
        n_times: Number of places, from the first sample of the stretch to the last one.
        n_settled: Number of samples that cannot change any more.
        n_duplicates: Number of samples that were dropped, because they had come before.
        n_late: Number of samples that were dropped, because their place was bridged already.
        n_sorted: Number of samples that came late, but in time.
        n_bridged: Number of samples that never came.
    """

    def __init__(self, n_chans: int, sampling_rate: float, start: float):
        self.start, self._rate = start, sampling_rate
        self._bridge = max(1, round(BRIDGED_SECONDS * sampling_rate))
        self._kept = np.empty((n_chans, 4 * self._bridge))
        self._holes: list[int] = []
        self.first = self.n_times = self.n_settled = 0
        self.n_duplicates = self.n_late = self.n_sorted = self.n_bridged = 0

    def take(self, samples: np.ndarray, times: np.ndarray) -> tuple[int, End | None]:
        """Takes samples `(channels, times)` in the order in which they arrived.

        Args:
            samples: Samples in any unit. They need not be finite.
            times: Time stamp of each sample in seconds.

        Returns:
            Number of samples that were taken, and why not more: a gap that is too long to bridge, or a clock that
            jumps back.
        """
        places = np.rint((times - self.start) * self._rate).astype(np.int64)
        n, why = len(times), None
        if not self._holes and np.array_equal(places, self.n_times + np.arange(n)):
            self._append(samples)
        else:
            for index, place in enumerate(places.tolist()):
                why = self._why_not(place)
                if why is not None:
                    n = index
                    break
                places[index] = self._put(samples[:, index], place)
        is_new = places[:n] >= 0
        if is_new.any():
            error = float(np.mean(((times[:n] - self.start) * self._rate - places[:n])[is_new])) / self._rate
            self.start += error * min(MOST_FOLLOWED, n / self._rate / FOLLOWING_SECONDS)
        return n, why

    def settle(self, is_end: bool = False) -> int:
        """Bridges the gaps that have waited long enough, and returns the number of samples that are known.

        Args:
            is_end: Whether the stretch has ended, so that nothing is waited for.
        """
        while self._holes and (is_end or self.n_times - self._holes[0] > self._bridge):
            last = self._holes[0]
            while last + 1 in self._holes:
                last += 1
            hole = np.arange(self._holes[0], last + 1)
            before, after = (self._kept[:, [at - self.first]] for at in (hole[0] - 1, last + 1))
            share = (hole - hole[0] + 1) / (len(hole) + 1)
            self._kept[:, hole - self.first] = before + share * (after - before)
            self._holes = self._holes[len(hole) :]
            self.n_bridged += len(hole)
        self.n_settled = self._holes[0] if self._holes else self.n_times
        return self.n_settled

    def read(self, start: int, stop: int) -> np.ndarray:
        """Returns the samples `(channels, times)` from `start` to `stop`, which must be kept and settled."""
        assert self.first <= start <= stop <= self.n_settled
        return self._kept[:, start - self.first : stop - self.first]

    def forget(self, before: int) -> None:
        """Drops the samples before a number, once they are most of what is kept."""
        before = min(before, self.n_settled - self._bridge)
        if before - self.first > self._kept.shape[-1] // 2:
            rest = self._kept[:, before - self.first : self.n_times - self.first].copy()
            self._kept = np.empty((len(rest), 2 * rest.shape[-1] + self._bridge))
            self._kept[:, : rest.shape[-1]] = rest
            self.first = before

    def _why_not(self, place: int) -> End | None:
        """Why a place is not in this stretch, if it is not."""
        if place - self.n_times > self._bridge:
            return "gap"
        return "restart" if place < self.n_times - RESTART_SECONDS * self._rate else None

    def _put(self, sample: np.ndarray, place: int) -> int:
        """Puts a sample in its place, and returns the place; -1: it was dropped."""
        if place >= self.n_times:
            self._holes += range(self.n_times, place)
            self._append(np.concatenate([np.empty((len(sample), place - self.n_times)), sample[:, None]], axis=-1))
            return place
        if place in self._holes:
            self._holes.remove(place)
            self._kept[:, place - self.first] = sample
            self.n_sorted += 1
            return place
        if place < self.first:
            self.n_late += 1
            return -1
        if np.array_equal(sample, self._kept[:, place - self.first], equal_nan=True):
            self.n_duplicates += 1
            return -1
        if place < self.n_settled - self._bridge:
            self.n_late += 1
            return -1
        if not self._holes:
            self._append(sample[:, None])
            return self.n_times - 1
        # the hole was only a stamp that jitters: what came after it moves up, and the sample is the last one
        at, last = self._holes.pop() - self.first, self.n_times - 1 - self.first
        self._kept[:, at:last] = self._kept[:, at + 1 : last + 1].copy()
        self._kept[:, last] = sample
        return self.n_times - 1

    def _append(self, samples: np.ndarray) -> None:
        have, n_new = self.n_times - self.first, samples.shape[-1]
        if have + n_new > self._kept.shape[-1]:
            more = np.empty((len(samples), 2 * (have + n_new)))
            more[:, :have] = self._kept[:, :have]
            self._kept = more
        self._kept[:, have : have + n_new] = samples
        self.n_times += n_new
