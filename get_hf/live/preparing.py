# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Prepares a stretch of a stream patch by patch: clean EEG without events, and its innovations.

The steps are those of `LongRecording` and `GETFeatureExtractor`. Each patch is cleaned with enough signal before it
that the filters see no beginning, and with a stated number of seconds after it. The end of these is mirrored, as the
end of a recording is. So a patch does not depend on how many samples came at once.
"""

import math
from dataclasses import dataclass

import numpy as np

from get_hf.live.grid import Stretch
from get_hf.processing.calibration_get import Calibration
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.processing.plausibility_get import usable_channels
from get_hf.processing.reading_get import FLAT_MICROVOLTS
from get_hf.processing.signal_get import band_limit_ratio, band_limited_times
from get_hf.scoring import SETTLING_SECONDS
from get_hf.thread_warnings import warnings_taken

#: Periods of the high-pass before a patch that its filters see: after them, ringing is below 1e-5.
FILTER_PERIODS = 3.0
#: Seconds from one search for events and bad channels to the next, and the seconds that are searched.
REVIEW_SECONDS, SOUGHT_SECONDS = 1.0, 20.0
#: Seconds of a block, in which a channel lives or does not.
BLOCK_SECONDS = 0.5


@dataclass
class Prepared:
    """A patch.

    Attributes:
        number: Number of the patch in its stretch.
        good: `(channels,)` bool: channels that are used.
        values: Innovations `(good channels, patch_size)`.
        past: Innovations `(good channels, times)` of the patches before, where other channels are used than before.
            None: the same channels.
        clean: `(channels, patch_size)` in microvolts.
        loud: `(channels,)`: standard deviation without events, in microvolts; NaN for channels that are not used.
    """

    number: int
    good: np.ndarray
    values: np.ndarray
    past: np.ndarray | None
    clean: np.ndarray
    loud: np.ndarray


class Preparer:
    """Prepares the patches of one stretch.

    Args:
        stretch: The samples.
        sampling_rate: Their rate in Hz.
        extractor: The feature extractor.
        calibration: What the transform is fitted to.
        skip: Samples at the model's rate before the first patch.
        first: Number of the first patch.
        n_past: Number of patches before it that are its past, as far as the stretch has them.
        n_kept: Number of patches that are kept.
        n_ahead: Number of samples at the model's rate for which a patch waits.

    Attributes:
        next: Number of the next patch.
        clean: `(channels, times)`: the last `n_kept` patches in microvolts.
        brain: The same without events. Channels that are not used are zero.
        refusal: Why no channel is used at present; empty where some are.
    """

    def __init__(
        self,
        stretch: Stretch,
        sampling_rate: float,
        extractor: GETFeatureExtractor,
        calibration: Calibration,
        skip: int,
        first: int,
        n_past: int,
        n_kept: int,
        n_ahead: int,
    ):
        self._stretch, self._own_rate, self._extractor = stretch, sampling_rate, extractor
        self._calibration, self._ahead = calibration, n_ahead
        self._size, self._rate = extractor.patch_size, extractor.sampling_rate
        self._ratio = band_limit_ratio(sampling_rate, self._rate)
        self._behind = math.ceil(FILTER_PERIODS / extractor.band[0] * self._rate)
        self._block = max(2, round(BLOCK_SECONDS * sampling_rate))
        self._review = max(1, round(REVIEW_SECONDS * self._rate / self._size))
        self._sought = round(SOUGHT_SECONDS * self._rate)
        self._kept = n_kept * self._size + extractor.transform.n_memory
        self._skip, self.next, self._first = skip, first, first
        # all positions below are samples of the stretch at the model's rate
        oldest = 0 if stretch.first == 0 else math.ceil(stretch.first * self._ratio) + self._behind
        begin = max(0, first - n_past, math.ceil((oldest - skip) / self._size))
        self._at = skip + begin * self._size
        self.clean = self.brain = np.zeros((len(calibration.good), 0))
        self._events, self._events_at = self.clean, self._at
        self._good: np.ndarray | None = None
        self._sum, self._n_finite = np.zeros((len(calibration.good), 1)), np.zeros((len(calibration.good), 1))
        self._n_summed = stretch.first
        self.refusal = ""

    @property
    def n_needed(self) -> int:
        """Number of samples of the stretch that the next patch waits for."""
        return self._n_own(self._stop + self._ahead)

    def is_within(self, n_own: int) -> bool:
        """Whether the next patch ends within the first `n_own` samples of the stretch."""
        return self._stop <= band_limited_times(n_own, self._ratio)

    def forget(self) -> None:
        """Drops the samples of the stretch that no later patch needs."""
        before = math.floor((self._at + self.clean.shape[-1] - self._behind) / self._ratio)
        self._stretch.forget(before - self._ratio.denominator - 6 * self._block)

    def prepare(self, n_own: int) -> Prepared:
        """Prepares the next patch; `n_own` is the number of samples of the stretch that are there."""
        number, stop = self.next, self._stop
        n_own = min(n_own, self.n_needed)
        done = self._at + self.clean.shape[-1]
        cleaned = self._filtered(done, n_own)
        new = cleaned[:, : stop - done]
        self.clean = np.concatenate([self.clean, new], axis=-1)
        is_changed = False
        if (number - self._first) % self._review == 0:
            is_changed = self._look(cleaned[:, stop - done :], n_own)
        good = self._good
        assert good is not None
        if is_changed:  # all that is kept is the past of the channels that are used from now on
            self.brain = self._without_events(self._at, stop)
        else:
            self.brain = np.concatenate([self.brain, self._without_events(done, stop)], axis=-1)
        values = self._innovations(stop - self._size, stop) if good.any() else np.zeros((0, self._size))
        past = None
        if is_changed:
            before = self.brain[good, : -self._size]
            past = np.zeros((int(good.sum()), 0))
            if before.shape[-1] and good.any():
                fit = self._calibration.fit(self._extractor.transform, good)
                past = self._extractor.transform.forward(before, self._calibration.positions[good], fit=fit).values
        loud = np.where(good, self.brain[:, -self._size :].std(axis=-1), np.nan)
        made = Prepared(number, good, values, past, self.clean[:, -self._size :].copy(), loud)
        self.next += 1
        n_old = (self.clean.shape[-1] - self._kept) // self._size * self._size
        if n_old > 0:
            self.clean, self.brain, self._at = self.clean[:, n_old:], self.brain[:, n_old:], self._at + n_old
        return made

    @property
    def _stop(self) -> int:
        """The end of the next patch."""
        return self._skip + (self.next + 1) * self._size

    def _n_own(self, n: int) -> int:
        """Number of samples of the stretch in `n` samples at the model's rate."""
        return math.ceil(n / self._ratio) + 1

    def _filtered(self, start: int, n_own: int) -> np.ndarray:
        """Clean EEG `(channels, times)` from sample `start` on, as far as the first `n_own` samples reach."""
        # resampling has the same phase everywhere if a part begins where both grids have a sample
        grid = self._ratio.denominator
        begin = max(0, math.floor((start - self._behind) / self._ratio / grid)) * grid
        low = begin - begin % self._block
        data = filled(self._stretch.read(low, n_own), self._block)[:, begin - low :]
        cleaned = self._extractor.clean(data - self._offset(n_own), self._own_rate)
        return cleaned[:, start - int(begin * self._ratio) :]

    def _offset(self, n_own: int) -> np.ndarray:
        """Mean `(channels, 1)` of the first `n_own` samples, as far as they are finite.

        Resampling lets some of an offset pass, as a ripple. So the offset is that of the stretch so far, which becomes
        that of the whole stretch.
        """
        new = self._stretch.read(self._n_summed, n_own)
        is_finite = np.isfinite(new)
        self._sum += np.where(is_finite, new, 0.0).sum(axis=-1, keepdims=True)
        self._n_finite += is_finite.sum(axis=-1, keepdims=True)
        self._n_summed = n_own
        return self._sum / np.maximum(self._n_finite, 1)

    def _look(self, later: np.ndarray, n_own: int) -> bool:
        """Finds which channels are good, and the events; returns whether other channels are good than before.

        Args:
            later: Clean EEG after the patch.
            n_own: Number of samples of the stretch that are there.
        """
        stop = self._at + self.clean.shape[-1]
        begin = max(0, math.floor((stop - self._size - SETTLING_SECONDS * self._rate) / self._ratio))
        end = min(n_own, math.ceil((stop + (self._review - 1) * self._size) / self._ratio))
        begin -= begin % self._block
        good = self._calibration.good & ~dead_blocks(self._stretch.read(begin, end), self._block).any(axis=-1)
        seen = np.concatenate([self.clean[:, -self._sought :], later], axis=-1)
        self.refusal = "" if good.any() else "no channel lives"
        if good.any():
            with warnings_taken():
                try:
                    good[good] = usable_channels(seen[good], np.flatnonzero(good).astype(str).tolist())
                except ValueError:  # such as an amplifier that is off
                    good, self.refusal = np.zeros_like(good), "what comes has not the amplitude of EEG"
        is_changed = self._good is None or bool((good != self._good).any())
        self._good = good
        if is_changed:
            seen = np.concatenate([self.clean, later], axis=-1)
        self._events = np.zeros(seen.shape)
        self._events_at = stop + later.shape[-1] - seen.shape[-1]
        events = self._calibration.events_of(good) if good.any() else None
        if events is not None:
            positions = self._calibration.positions[good]
            slow = self._extractor.transform.slow_covariance(positions)
            self._events[good] = events.alike(seen[good], positions, slow).signal
        return is_changed

    def _without_events(self, start: int, stop: int) -> np.ndarray:
        """Clean EEG `(channels, times)` of the used channels without events; the others are zero."""
        x = self.clean[:, start - self._at : stop - self._at].copy()
        known = slice(max(0, start - self._events_at), max(0, stop - self._events_at))
        events = self._events[:, known]
        first = max(0, self._events_at - start)
        x[:, first : first + events.shape[-1]] -= events
        assert self._good is not None
        x[~self._good] = 0.0
        return x

    def _innovations(self, start: int, stop: int) -> np.ndarray:
        """Innovations `(good channels, times)`."""
        transform, good = self._extractor.transform, self._good
        fit, positions = self._calibration.fit(transform, good), self._calibration.positions[good]
        has_memory = start - self._at >= transform.n_memory
        first = start - self._at - transform.n_memory if has_memory else 0
        x = self.brain[good, first : stop - self._at]
        return transform.forward(x, positions, has_memory=has_memory, fit=fit).values[:, start - stop :]


def dead_blocks(data: np.ndarray, block: int) -> np.ndarray:
    """In which blocks `(channels, blocks)` of data `(channels, times)` a channel is flat, or not finite.

    A rest that is shorter than half a block is only looked at for samples that are not finite.
    """
    edges = list(range(0, data.shape[-1], block))
    dead = np.zeros((len(data), len(edges)), dtype=bool)
    for index, at in enumerate(edges):
        part = data[:, at : at + block]
        dead[:, index] = ~np.isfinite(part).all(axis=-1)
        if part.shape[-1] < block / 2:
            continue
        with np.errstate(invalid="ignore"):
            flat = part.std(axis=-1) <= FLAT_MICROVOLTS
            if flat.all():  # then the unit is probably wrong, and only constant channels count as flat
                flat = np.ptp(part, axis=-1) == 0
        dead[:, index] |= flat
    return dead


def filled(data: np.ndarray, block: int) -> np.ndarray:
    """The data `(channels, times)` with straight lines in the blocks in which a channel does not live."""
    dead = dead_blocks(data, block)
    if not dead.any():
        return data
    data, times = data.copy(), np.arange(data.shape[-1])
    for row in np.flatnonzero(dead.any(axis=-1)):
        lives = ~np.repeat(dead[row], block)[: len(times)]
        data[row] = np.interp(times, times[lives], data[row, lives]) if lives.any() else 0.0
    return data
