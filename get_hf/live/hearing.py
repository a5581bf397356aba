# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Where samples come from: a source of a stream, and a recording that is replayed as one."""

import math
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Protocol

import mne
import numpy as np

from get_hf.processing.loading import load_recording
from get_hf.processing.montage_get import find_electrodes
from get_hf.processing.reading_get import annotated_spans, check_rate, eeg_info
from get_hf.processing.stretches_get import good_stretches

#: Seconds of a recording that are handed on at once: at the pace of a clock, and as fast as it goes.
BLOCK_SECONDS, FAST_SECONDS = 0.04, 4.0


class Block(NamedTuple):
    """Samples that arrived together.

    Attributes:
        samples: `(channels, n)` in microvolts; n may be 0.
        times: `(n,)` time stamps in seconds.
        is_new: Whether an interruption lies before the first of them.
        note: What happened to the stream; empty if nothing did.
    """

    samples: np.ndarray
    times: np.ndarray
    is_new: bool = False
    note: str = ""


class Source(Protocol):
    """What samples come from.

    Attributes:
        name: What it is called in messages.
        info: Names, positions and sampling rate of the EEG channels.
        behind: Seconds by which the last samples were read later than they came.
    """

    name: str
    info: mne.Info
    behind: float

    def read(self, timeout: float) -> Block | None:
        """Returns the next samples; None if there are none within `timeout` seconds.

        Raises:
            EOFError: The stream has ended.
        """

    def close(self) -> None:
        """Ends the connection."""


class RecordingSource:
    """Replays a recording at the pace of a clock.

    Parts that are annotated bad are left out, as `score_recording` leaves them out.

    Args:
        raw: The recording.
        name: What it is called in messages.
        speed: Seconds of the recording in a second of the clock. 0: as fast as it goes.
        clock: Function that returns the time in seconds.
        wait: Function that waits for a number of seconds.
        hurried_seconds: Seconds at the beginning that come as fast as they are read, whatever the speed.

    Raises:
        ValueError: The recording cannot be read as EEG.
    """

    def __init__(
        self,
        raw: mne.io.BaseRaw,
        name: str,
        speed: float = 1.0,
        clock: Callable[[], float] = time.perf_counter,
        wait: Callable[[float], object] = time.sleep,
        hurried_seconds: float = 0.0,
    ):
        self.raw, self.name = raw, name
        self._picks, self.info, _, _ = eeg_info(raw.info, "recording")
        self._rate = check_rate(float(raw.info["sfreq"]))
        good, cuts = good_stretches(annotated_spans(raw), raw.n_times, self._rate)
        inner = {cut for cut in cuts if any(first < cut < last for first, last in good)}
        self._begins = {first for first, _ in good} | inner
        step = round((FAST_SECONDS if not speed else max(BLOCK_SECONDS, BLOCK_SECONDS * speed)) * self._rate)
        step = max(1, min(step, round(FAST_SECONDS * self._rate)))
        edges = [[first, *(cut for cut in sorted(inner) if first < cut < last), last] for first, last in good]
        self._parts = iter(
            (at, min(at + step, last))
            for stretch in edges
            for begin, last in pairwise(stretch)
            for at in range(begin, last, step)
        )
        self._next: tuple[int, int] | None = None
        self._speed, self._clock, self._wait, self._start = speed, clock, wait, math.nan
        self._n_hurried = round(hurried_seconds * self._rate)
        self.behind = 0.0

    @property
    def seconds(self) -> float:
        """Length of the recording."""
        return self.raw.n_times / self._rate

    def read(self, timeout: float) -> Block | None:
        """Returns the next samples when they are due; see `Source`."""
        if self._next is None:
            self._next = next(self._parts, None)
        if self._next is None:
            raise EOFError
        first, last = self._next
        if self._speed and last > self._n_hurried:
            if math.isnan(self._start):
                self._start = self._clock()
            early = self._start + (last - 1 - self._n_hurried) / self._rate / self._speed - self._clock()
            if early > 0:
                self._wait(min(early, timeout))
            if early > timeout:
                return None
            self.behind = max(0.0, -early)
        self._next = None
        samples = 1e6 * self.raw.get_data(picks=self._picks, start=first, stop=last)
        return Block(samples, np.arange(first, last) / self._rate, first > 0 and first in self._begins)

    def close(self) -> None:
        """Closes nothing: the file is opened for each block."""


class FileSource(RecordingSource):
    """Replays a file.

    Args:
        path: The recording.
        speed: See `RecordingSource`.
        channels: Names of the channels. None: all EEG.
        unit: Unit of the numbers, where the file names none.
        clock: See `RecordingSource`.
        wait: See `RecordingSource`.

    Raises:
        ValueError: The recording cannot be read as EEG.
        OSError: There is no such file.
    """

    def __init__(
        self,
        path: Path,
        speed: float = 1.0,
        channels: Sequence[str] | None = None,
        unit: str | None = None,
        clock: Callable[[], float] = time.perf_counter,
        wait: Callable[[float], object] = time.sleep,
    ):
        raw = load_recording(path, channels=channels, unit=unit, preload=False)
        super().__init__(raw, path.name, speed, clock, wait)


def chosen(names: Sequence[str], wanted: Sequence[str] | None, is_eeg: Sequence[bool], of: str) -> list[int]:
    """Returns the numbers of the channels of a stream to listen to.

    Args:
        names: Names of all channels.
        wanted: Names of the channels to use. None: all EEG whose place on the head is known.
        is_eeg: Whether the stream says that a channel is EEG, or nothing.
        of: What the stream is called in messages.

    Raises:
        ValueError: A name is not there, or no channel is EEG.
    """
    if wanted is not None:
        missing = [name for name in wanted if name not in names]
        if missing:
            raise ValueError(f"{of} has no channel {', '.join(missing)}, only {', '.join(names)}: name those.")
        return [list(names).index(name) for name in wanted]
    picks = [at for at, name in enumerate(names) if is_eeg[at] and find_electrodes(name) is not None]
    if not picks:
        raise ValueError(
            f"No channel of {of} is EEG at a place that is known: {', '.join(names)}; rename them to the 10-20 system."
        )
    return picks
