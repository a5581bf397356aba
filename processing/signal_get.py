# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Filters recordings to the band and sampling rate of the model."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import scipy


def resample(x: np.ndarray, source_rate: float, target_rate: float, ends: str = "line") -> np.ndarray:
    """Resamples by a polyphase anti-aliasing filter (zero phase).

    Args:
        x: Signal, `(..., times)`.
        source_rate: Rate of `x` in Hz; rates such as 173.61 Hz are approximated by a ratio of integers up to
            4096.
        target_rate: Rate of the result in Hz.
        ends: How SciPy extends the signal: "line" joins its two ends, "antireflect" extends each end
            separately.

    Returns:
        `(..., ceil(times * target_rate / source_rate))`.
    """
    ratio = Fraction(target_rate / source_rate).limit_denominator(4096)
    if ratio == 1:
        return x
    return scipy.signal.resample_poly(x, ratio.numerator, ratio.denominator, axis=-1, padtype=ends)


def band_limit(x: np.ndarray, source_rate: float, rate: float, low: float, high: float) -> np.ndarray:
    """Filters a signal to the band `low`..`high` Hz at `rate`, with zero phase.

    The filters work at twice `rate` for any source, so that every amplifier leads to the same band: a
    Butterworth high-pass and a Chebyshev II low-pass, each run forwards and backwards. The low-pass is flat
    to about 0.97 `high` and 80 dB down from 1.12 `high` on, so that mains hum does not reach the model.

    Args:
        x: Signal, `(..., times)`, any unit.
        source_rate: Its sampling rate in Hz.
        rate: Sampling rate of the result in Hz; `1.12 * high` must not exceed it.
        low: Lower corner in Hz (6 dB down).
        high: Highest frequency kept, in Hz.

    Returns:
        `(..., about times * rate / source_rate)`.
    """
    x = high_pass(resample(x, source_rate, 2 * rate), 2 * rate, low)
    sos = scipy.signal.cheby2(12, 40, 1.12 * high, "lowpass", fs=2 * rate, output="sos")
    return _zero_phase(sos, x, 2 * rate, low)[..., ::2]


def level(x: np.ndarray, edges: Sequence[int]) -> np.ndarray:
    """Subtracts the offset from `(channels, times)`, in place; after each interruption the offset is another one.

    Polyphase resampling turns the millivolts of offset of a DC amplifier into microvolts of ripple.

    Args:
        x: Signal, any unit.
        edges: Samples at which the signal continues after an interruption.
    """
    for begin, end in zip([0, *edges], [*edges, x.shape[-1]], strict=True):
        x[:, begin:end] -= x[:, begin:end].mean(axis=-1, keepdims=True)
    return x


def high_pass(x: np.ndarray, rate: float, low: float) -> np.ndarray:
    """Removes frequencies below `low` Hz (6 dB down there) from `(..., times)`: Butterworth, zero phase."""
    return _zero_phase(scipy.signal.butter(2, low, "highpass", fs=rate, output="sos"), x, rate, low)


def _zero_phase(sos: np.ndarray, x: np.ndarray, rate: float, low: float) -> np.ndarray:
    """Filters forwards and backwards, with mirrored ends of up to `1 / low` seconds, the ringing of the high-pass.

    The mirroring is even. SciPy's default odd extension would pull the last sample, where generation begins, to zero.
    """
    return scipy.signal.sosfiltfilt(sos, x, axis=-1, padtype="even", padlen=min(int(rate / low), x.shape[-1] - 1))


def remove_drift(x: np.ndarray, start: int, rate: float, low: float) -> np.ndarray:
    """Removes frequencies below `low` Hz from sample `start` on, and leaves earlier samples unchanged.

    The correction fades in over `1 / low` seconds, so that the signal stays continuous.

    Args:
        x: Signal, `(channels, times)`, any unit.
        start: First sample of the correction.
        rate: Sampling rate in Hz.
        low: Corner in Hz (6 dB down).
    """
    share = np.clip((np.arange(x.shape[-1]) - start) * low / rate, 0.0, 1.0)
    return x - (0.5 - 0.5 * np.cos(np.pi * share)) * (x - high_pass(x, rate, low))


def mirror_left(x: np.ndarray, n: int) -> np.ndarray:
    """Prepends n samples `(channels, n)` by odd reflection about the first one, repeatedly if necessary."""
    while n > 0 and x.shape[-1] > 1:
        k = min(n, x.shape[-1] - 1)
        x = np.concatenate([2 * x[:, :1] - x[:, k:0:-1], x], axis=-1)
        n -= k
    return x
