# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Sends generated EEG at the pace of the clock, as an amplifier does."""

import math
import threading
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from get_hf.live.noise import AmplifierNoise
from get_hf.live.source import Patch

#: Seconds of EEG that are sent at once.
BLOCK_SECONDS = 0.02
#: Longest wait in seconds, after which it is checked whether to stop.
LONGEST_WAIT = 0.1


class Outlet(Protocol):
    """What sends samples and markers."""

    def send(self, samples: np.ndarray, timestamp: float) -> None:
        """Sends samples `(times, channels)` in microvolts; `timestamp` is the time of the last one in seconds."""

    def mark(self, condition: str, timestamp: float) -> None:
        """Sends the name of the condition that begins at a time in seconds."""


class Source(Protocol):
    """What generates EEG; see `LiveSource`."""

    def take(self, timeout: float) -> Patch | None:
        """Returns the next patch, or None."""


class Sent(NamedTuple):
    """What an amplifier has sent.

    Attributes:
        n_samples: Number of samples.
        worst: Largest lateness of a sample in seconds.
    """

    n_samples: int
    worst: float


class VirtualAmplifier:
    """Sends the patches of a source in small blocks.

    Sample i has the time stamp `start + i / rate`, and is sent at this time. If the source stalls, samples are sent
    late, as fast as they come, until the clock is caught up with. Their time stamps do not change, so the time stamps
    never drift.

    Args:
        source: Source of the patches.
        outlet: Outlet that gets the samples.
        sampling_rate: Sampling rate in Hz.
        clock: Function that returns the time in seconds.
        noise: Noise to add. None: nothing is added.
        wait: Function that waits for a number of seconds.
    """

    def __init__(
        self,
        source: Source,
        outlet: Outlet,
        sampling_rate: float,
        clock: Callable[[], float] = time.perf_counter,
        noise: AmplifierNoise | None = None,
        wait: Callable[[float], object] = time.sleep,
    ):
        self._source, self._outlet, self._rate = source, outlet, sampling_rate
        self._clock, self._noise, self._wait = clock, noise, wait
        self._block = max(1, round(BLOCK_SECONDS * sampling_rate))
        self._stopped = threading.Event()
        self._start = 0.0
        self._n_sent, self._worst = 0, 0.0

    def stop(self) -> None:
        """Lets `run` return soon. It may be called from another thread."""
        self._stopped.set()

    @property
    def sent(self) -> Sent:
        """What has been sent so far."""
        return Sent(self._n_sent, self._worst)

    def run(self, n_samples: int | None = None) -> Sent:
        """Sends samples until `n_samples` are sent, the source ends, or `stop` is called.

        The clock starts when the first patch is there.
        """
        condition = None
        while not self._stopped.is_set() and (n_samples is None or self._n_sent < n_samples):
            try:
                patch = self._source.take(LONGEST_WAIT)
            except EOFError:
                break
            if patch is None:
                continue
            if condition is None:
                self._start = self._clock()
            if patch.condition != condition:
                condition = patch.condition
                self._outlet.mark(condition, self._time_of(self._n_sent))
            signal = patch.signal if self._noise is None else self._noise.add(patch.signal)
            self._send(signal.T if n_samples is None else signal.T[: n_samples - self._n_sent])
        return self.sent

    def _send(self, samples: np.ndarray) -> None:
        """Sends samples `(times, channels)`, each block when its last sample is due, or more if they are late."""
        while len(samples) and not self._stopped.is_set():
            wanted = min(self._block, len(samples))
            early = self._time_of(self._n_sent + wanted - 1) - self._clock()
            if early > 0:
                self._wait(min(early, LONGEST_WAIT))
                continue
            n_due = math.floor((self._clock() - self._start) * self._rate + 1e-6) + 1 - self._n_sent
            block, samples = np.split(samples, [min(max(wanted, n_due), len(samples))])
            self._outlet.send(block, self._time_of(self._n_sent + len(block) - 1))
            self._worst = max(self._worst, self._clock() - self._time_of(self._n_sent))
            self._n_sent += len(block)

    def _time_of(self, sample: int) -> float:
        return self._start + sample / self._rate
