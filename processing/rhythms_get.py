# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Rhythms: what stands above the background of a spectrum.

The background of EEG falls as a power of frequency, and rhythms such as alpha and mu are peaks above it (Donoghue et
al., Nature Neuroscience 23, 2020). People differ in where these peaks are, and in whether they have any.
"""

import numpy as np

#: Where the background is seen, in Hz: below are drifts and blinks, above the end of the band.
BACKGROUND = (3.0, 40.0)


def prominence(log_power: np.ndarray, sampling_rate: float) -> np.ndarray:
    """How far spectra stand above their background, the straight line through log power over log frequency.

    Args:
        log_power: `(channels, frequencies)`, natural logarithms; frequencies equally spaced from 0 to half the rate.
        sampling_rate: In Hz.

    Returns:
        Same shape, in nats: 0 below the line and outside of `BACKGROUND`.
    """
    freqs = np.linspace(0, sampling_rate / 2, log_power.shape[-1])
    inside = (freqs >= BACKGROUND[0]) & (freqs <= BACKGROUND[1])
    line = np.column_stack([np.ones(inside.sum()), np.log(freqs[inside])])
    seen = log_power[:, inside].T
    above = np.zeros(log_power.shape)
    above[:, inside] = np.maximum(seen - line @ np.linalg.lstsq(line, seen, rcond=None)[0], 0.0).T
    return above
