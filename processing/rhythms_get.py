# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Finds rhythms, which are peaks of a spectrum above its aperiodic component.

The aperiodic component of EEG decreases as a power of frequency. Rhythms such as alpha and mu are peaks above it
(Donoghue et al., Nature Neuroscience 23, 2020). The frequencies of these peaks differ between people, and some people
do not have them.
"""

import numpy as np

#: Frequency range in Hz of the background fit. Drifts and blinks are below this range; the end of the band is above.
BACKGROUND = (3.0, 40.0)
#: Frequencies whose power is more than this number of nats below the background are excluded from the fit, because a
#: low-pass filter has reduced their power.
FALLEN = 1.75


def prominence(log_power: np.ndarray, sampling_rate: float) -> np.ndarray:
    """Computes the height of spectra above their background, a straight line fitted to log power over log frequency.

    Args:
        log_power: Natural logarithm of power `(channels, frequencies)`. The frequencies are equally spaced from 0 to
            half the sampling rate.
        sampling_rate: Sampling rate in Hz.

    Returns:
        Height `(channels, frequencies)` in nats of power. It is 0 below the line and outside of `BACKGROUND`.
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
        weights[fallen] = 1e-9  # not 0, because a line needs two points
    above = np.zeros(log_power.shape)
    above[:, inside] = np.maximum(seen - fitted, 0.0)
    return above
