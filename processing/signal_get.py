# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Filters recordings to the band and sampling rate of the model, and continuations back to the rate of a recording."""

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

import numpy as np
import scipy

#: Number of seconds of later samples from which the drift of a continuation is estimated. With the lookahead of
#: resampling it is just below a second. A filter without this limit differs by about 1 % of the signal.
LOOKAHEAD = 0.88


def resample(x: np.ndarray, source_rate: float, target_rate: float, ends: str = "line") -> np.ndarray:
    """Resamples a signal with a polyphase anti-aliasing filter (zero phase).

    Args:
        x: Signal `(..., times)`.
        source_rate: Sampling rate of `x` in Hz. The ratio of both rates is approximated by a fraction with a
            denominator up to 4096, for rates such as 173.61 Hz.
        target_rate: Sampling rate of the result in Hz.
        ends: How SciPy extends the signal at its ends: "line" uses the straight line between both ends, and
            "antireflect" extends each end separately.

    Returns:
        Resampled signal `(..., ceil(times * target_rate / source_rate))`.
    """
    ratio = _ratio(source_rate, target_rate)
    if ratio == 1:
        return x
    return scipy.signal.resample_poly(x, ratio.numerator, ratio.denominator, axis=-1, padtype=ends)


def _ratio(source_rate: float, target_rate: float) -> Fraction:
    """Approximates the ratio of two sampling rates by a fraction."""
    return Fraction(target_rate / source_rate).limit_denominator(4096)


def band_limit(x: np.ndarray, source_rate: float, rate: float, low: float, high: float) -> np.ndarray:
    """Filters a signal to the band from `low` to `high` Hz with zero phase, and resamples it to `rate`.

    The filters are a Butterworth high-pass and a Chebyshev II low-pass, each run forwards and backwards. They always
    work at twice `rate`, so the band is the same for all amplifiers. The low-pass is flat up to about 0.97 `high`, and
    attenuates by 80 dB from 1.12 `high` on, so that mains hum does not reach the model.

    Args:
        x: Signal `(..., times)` in any unit.
        source_rate: Sampling rate of `x` in Hz.
        rate: Sampling rate of the result in Hz. It must be at least `1.12 * high`.
        low: Lower corner in Hz, where the attenuation is 6 dB.
        high: Highest frequency that is kept, in Hz.

    Returns:
        Filtered signal `(..., about times * rate / source_rate)`.
    """
    x = high_pass(resample(x, source_rate, 2 * rate), 2 * rate, low)
    sos = scipy.signal.cheby2(12, 40, 1.12 * high, "lowpass", fs=2 * rate, output="sos")
    return _zero_phase(sos, x, 2 * rate, low)[..., ::2]


def band_limit_ratio(source_rate: float, rate: float) -> Fraction:
    """Returns the samples of `band_limit` for each sample of its input."""
    return _ratio(source_rate, 2 * rate) / 2


def band_limited_times(n_times: int, ratio: Fraction) -> int:
    """Returns how many samples `band_limit` makes of `n_times` samples; `ratio` comes from `band_limit_ratio`."""
    return math.ceil(Fraction(math.ceil(n_times * ratio * 2), 2))


def level(x: np.ndarray, edges: Sequence[int]) -> np.ndarray:
    """Subtracts the offset of each channel in place, separately for each part between interruptions.

    Without this, polyphase resampling would convert an offset of millivolts (from a DC amplifier) to a ripple of
    microvolts.

    Args:
        x: Signal `(channels, times)` in any unit.
        edges: Samples at which the signal continues after an interruption.
    """
    for begin, end in zip([0, *edges], [*edges, x.shape[-1]], strict=True):
        x[:, begin:end] -= x[:, begin:end].mean(axis=-1, keepdims=True)
    return x


def high_pass(x: np.ndarray, rate: float, low: float) -> np.ndarray:
    """Removes frequencies below `low` Hz from `x` `(..., times)` with a Butterworth filter of zero phase.

    The attenuation at `low` is 6 dB.
    """
    return _zero_phase(scipy.signal.butter(2, low, "highpass", fs=rate, output="sos"), x, rate, low)


def _zero_phase(sos: np.ndarray, x: np.ndarray, rate: float, low: float) -> np.ndarray:
    """Filters a signal forwards and backwards, after mirroring its ends.

    The mirrored ends have up to `1 / low` seconds, which is the duration of the high-pass filter's ringing. The
    mirroring is even. SciPy's default is odd mirroring, which would pull the last sample to zero, where generation
    begins.
    """
    return scipy.signal.sosfiltfilt(sos, x, axis=-1, padtype="even", padlen=min(int(rate / low), x.shape[-1] - 1))


@lru_cache(maxsize=16)
def _drift_taps(rate: float, low: float, n_ahead: int) -> np.ndarray:
    """Computes the taps of the filter that keeps the frequencies which `high_pass` removes, with finite lookahead.

    The impulse response is cut `n_ahead` samples before its middle, and two periods of `low` after it, and is divided
    by its sum. So a constant signal passes unchanged.

    Args:
        rate: Sampling rate in Hz.
        low: Corner in Hz.
        n_ahead: Number of samples of lookahead.

    Returns:
        Taps, first those of the latest samples.
    """
    n_behind = math.ceil(2 * rate / low)
    middle = n_behind + n_ahead
    impulse = np.zeros(2 * middle + 1)
    impulse[middle] = 1.0
    taps = (impulse - high_pass(impulse, rate, low))[middle - n_ahead : middle + n_behind + 1]
    return taps / taps.sum()


class DriftFilter:
    """Removes drift from a continuation, any number of samples at a time.

    It subtracts the frequencies that `high_pass` removes, as far as `LOOKAHEAD` seconds of later samples show them.
    The correction increases gradually over `1 / low` seconds, so that the signal stays continuous.

    Args:
        past: Signal `(channels, times)` before the continuation, in any unit. It is mirrored at its beginning. If it
            has no samples, the signal was zero before.
        rate: Sampling rate in Hz.
        low: Corner in Hz, where the attenuation is about 6 dB.

    Attributes:
        n_ahead: Number of later samples that a sample waits for.
    """

    def __init__(self, past: np.ndarray, rate: float, low: float):
        self.n_ahead = round(LOOKAHEAD * rate)
        self._taps = _drift_taps(rate, low, self.n_ahead)
        self._n_behind = len(self._taps) - 1 - self.n_ahead
        self._step = low / rate
        self._n_done = 0
        missing = (0, 0), (max(0, self._n_behind - past.shape[-1]), 0)
        before = np.pad(past, missing, "reflect") if past.shape[-1] else np.pad(past, missing)
        self._samples = before[:, before.shape[-1] - self._n_behind :]

    def push(self, x: np.ndarray) -> np.ndarray:
        """Takes the next samples `(channels, times)`, and returns the samples that are complete."""
        self._samples = np.concatenate([self._samples, x], axis=-1)
        n_new = self._samples.shape[-1] - self._n_behind - self.n_ahead
        if n_new < 1:
            return self._samples[:, :0]
        drift = scipy.signal.oaconvolve(self._samples, self._taps[None], mode="valid", axes=-1)
        share = np.minimum((self._n_done + np.arange(n_new)) * self._step, 1.0)
        out = self._samples[:, self._n_behind :][:, :n_new] - (0.5 - 0.5 * np.cos(np.pi * share)) * drift
        self._samples, self._n_done = self._samples[:, n_new:].copy(), self._n_done + n_new
        return out

    def finish(self) -> np.ndarray:
        """Returns the last samples; the signal is mirrored at its end."""
        mirrored = np.pad(self._samples, ((0, 0), (0, self.n_ahead)), "reflect")
        return self.push(mirrored[:, -self.n_ahead :])


class Resampler:
    """Resamples a signal like `resample(..., ends="antireflect")`, any number of samples at a time.

    Args:
        source_rate: Sampling rate of the signal in Hz.
        target_rate: Sampling rate of the result in Hz.
        past: The first samples of the signal, `(channels, times)`.
        n_skipped: Number of samples of the result that are left out at its beginning.

    Attributes:
        n_ahead: Number of later samples that a sample waits for.
    """

    def __init__(self, source_rate: float, target_rate: float, past: np.ndarray, n_skipped: int = 0):
        ratio = _ratio(source_rate, target_rate)
        self._up, self._down = ratio.numerator, ratio.denominator
        self._half, self._taps = 0, np.ones(1)
        if ratio != 1:  # the filter of scipy.signal.resample_poly
            largest = max(self._up, self._down)
            self._half = 10 * largest
            self._taps = self._up * scipy.signal.firwin(2 * self._half + 1, 1 / largest, window=("kaiser", 5.0))
        self.n_ahead = math.ceil(self._half / self._up)
        self._next, self._n_before = n_skipped, 0  # of the result, and of the signal, before the samples that are kept
        self._samples = past
        self._forget()

    def push(self, x: np.ndarray) -> np.ndarray:
        """Takes the next samples `(channels, times)`, and returns the samples of the result that are complete."""
        self._samples = np.concatenate([self._samples, x], axis=-1)
        last = self._n_before + self._samples.shape[-1] - 1
        return self._resampled(self._samples, max(self._next, (last * self._up - self._half) // self._down + 1))

    def finish(self, n_times: int) -> np.ndarray:
        """Returns the last samples of a result of `n_times` samples; a result that is too short repeats its last."""
        total = self._n_before + self._samples.shape[-1]
        stop = max(self._next, min(n_times, -(-total * self._up // self._down)))
        if not total:
            return self._samples
        extended = np.pad(self._samples, ((0, 0), (0, self.n_ahead)), "reflect", reflect_type="odd")
        out = self._resampled(extended, stop)
        n_missing = n_times - self._next
        return np.pad(out, ((0, 0), (0, n_missing)), "edge") if n_missing > 0 and out.size else out

    def _resampled(self, samples: np.ndarray, stop: int) -> np.ndarray:
        """Returns the samples of the result from `_next` up to `stop`, from the samples that are kept."""
        start, first = self._next, self._n_before
        if stop <= start:
            return self._samples[:, :0]
        if not first:
            first = -self.n_ahead
            samples = np.pad(samples, ((0, 0), (self.n_ahead, 0)), "reflect", reflect_type="odd")
        # zeros before the filter let sample `start` of the result be a sample of the filtered signal
        n_zeros = (first * self._up - self._half) % self._down
        skipped = (n_zeros + self._half - first * self._up) // self._down
        taps = np.concatenate([np.zeros(n_zeros), self._taps])
        out = scipy.signal.upfirdn(taps, samples, self._up, self._down, axis=-1)[:, skipped + start : skipped + stop]
        self._next = stop
        self._forget()
        return out

    def _forget(self) -> None:
        """Drops the samples that no later sample of the result depends on."""
        n_old = -((self._half - self._next * self._down) // self._up) - self._n_before
        n_old = min(n_old, self._samples.shape[-1] - self.n_ahead - 1)  # the end is mirrored
        if n_old > 0:
            self._samples, self._n_before = self._samples[:, n_old:].copy(), self._n_before + n_old


def mirror_left(x: np.ndarray, n: int) -> np.ndarray:
    """Adds `n` samples at the left by odd reflection about the first sample, repeatedly if necessary."""
    while n > 0 and x.shape[-1] > 1:
        k = min(n, x.shape[-1] - 1)
        x = np.concatenate([2 * x[:, :1] - x[:, k:0:-1], x], axis=-1)
        n -= k
    return x
