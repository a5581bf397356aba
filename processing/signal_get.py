# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Filters recordings to the band and sampling rate of the model."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import scipy


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
    ratio = Fraction(target_rate / source_rate).limit_denominator(4096)
    if ratio == 1:
        return x
    return scipy.signal.resample_poly(x, ratio.numerator, ratio.denominator, axis=-1, padtype=ends)


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


def remove_drift(x: np.ndarray, start: int, rate: float, low: float) -> np.ndarray:
    """Removes frequencies below `low` Hz from sample `start` on, and leaves earlier samples unchanged.

    The correction increases gradually over `1 / low` seconds, so that the signal stays continuous.

    Args:
        x: Signal `(channels, times)` in any unit.
        start: First sample of the correction.
        rate: Sampling rate in Hz.
        low: Corner in Hz, where the attenuation is 6 dB.
    """
    share = np.clip((np.arange(x.shape[-1]) - start) * low / rate, 0.0, 1.0)
    return x - (0.5 - 0.5 * np.cos(np.pi * share)) * (x - high_pass(x, rate, low))


def mirror_left(x: np.ndarray, n: int) -> np.ndarray:
    """Adds `n` samples at the left by odd reflection about the first sample, repeatedly if necessary."""
    while n > 0 and x.shape[-1] > 1:
        k = min(n, x.shape[-1] - 1)
        x = np.concatenate([2 * x[:, :1] - x[:, k:0:-1], x], axis=-1)
        n -= k
    return x
