# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Rhythms: peaks of a spectrum above its aperiodic component.

The aperiodic component of EEG falls as a power of frequency. Rhythms such as alpha and mu are peaks above it (Donoghue
et al., Nature Neuroscience 23, 2020). People differ in the frequencies of these peaks, and in whether they have any.
"""

import numpy as np

#: Range of the background fit in Hz: below are drifts and blinks, above the end of the band.
BACKGROUND = (3.0, 40.0)
#: Power further below the background, in nats, is excluded from the fit, because a low-pass has reduced it.
FALLEN = 1.75


def prominence(log_power: np.ndarray, sampling_rate: float) -> np.ndarray:
    """Height of spectra above their background, the straight line through log power over log frequency.

    Args:
        log_power: `(channels, frequencies)`, natural logarithms; frequencies equally spaced from 0 to half the
                sampling rate.
        sampling_rate: In Hz.

    Returns:
        Same shape, in nats of power: 0 below the line and outside of `BACKGROUND`.
    """
    freqs = np.linspace(0, sampling_rate / 2, log_power.shape[-1])
    inside = (freqs >= BACKGROUND[0]) & (freqs <= BACKGROUND[1])
    line, seen = np.column_stack([np.ones(inside.sum()), np.log(freqs[inside])]), log_power[:, inside]
    weights = np.ones_like(seen)
    while True:
        normal = (line.T * weights[:, None]) @ line
        fitted = np.linalg.solve(normal, line.T @ (weights * seen)[..., None])[..., 0] @ line.T
        fallen = (seen < fitted - FALLEN) & (weights == 1)
        if not fallen.any():
            break
        weights[fallen] = 1e-9  # not 0, as two points are needed
    above = np.zeros(log_power.shape)
    above[:, inside] = np.maximum(seen - fitted, 0.0)
    return above
