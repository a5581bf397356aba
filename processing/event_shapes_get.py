# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Functions for blinks and heartbeats: they find events of one shape in EEG, and add them to it."""

import numpy as np

#: Sampling rate in Hz of the signals with events; paces, widths and shapes are in samples at this rate.
RATE = 100.0
#: Least samples, hence coefficients, of a patch with random numbers for all kinds of events, see `uniforms`.
LEAST_PATCH = 15


def check_rate(sampling_rate: float) -> None:
    """Checks that the model has the sampling rate of the constants of events.

    Raises:
        ValueError: The sampling rate is not `RATE`, in Hz.
    """
    if sampling_rate != RATE:
        raise ValueError(
            f"sampling_rate is {sampling_rate:g} Hz, but heartbeats and blinks are recognised by their length in "
            f"samples at {RATE:g} Hz: leave sampling_rate at {RATE:g}, recordings of any rate are resampled to it."
        )


def loaded(noise: np.ndarray) -> np.ndarray:
    """A covariance with a tenth of its mean power added to each channel, because people's topographies differ."""
    return noise + (0.1 * np.trace(noise) / len(noise) + 1e-9) * np.eye(len(noise))


def spatial_filter(topography: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights `(channels,)` that pass a topography with gain 1, and the deviation of the noise that passes.

    These are the weights of a minimum-variance beamformer, `w = N^-1 a / (a' N^-1 a)` (Van Veen et al., IEEE Trans.
    Biomed. Eng. 44, 1997).
    """
    weights = np.linalg.solve(loaded(noise), topography)
    gain = max(float(topography @ weights), 1e-12)
    return weights / gain, 1.0 / np.sqrt(gain)


def covariance_between_peaks(x: np.ndarray, topography: np.ndarray) -> np.ndarray:
    """Covariance of `(channels, times)` at times when its projection on a topography has no peak."""
    x = x - np.median(x, axis=-1, keepdims=True)
    projection = topography @ x
    usual = np.abs(projection) < 3 * robust_deviation(projection) + 1e-12
    return x[:, usual] @ x[:, usual].T / max(usual.sum(), 1)


def robust_deviation(x: np.ndarray) -> float:
    """Standard deviation estimated from the median absolute deviation, which peaks do not change."""
    return float(1.4826 * np.median(np.abs(x - np.median(x))) + 1e-9)


def add_event(course: np.ndarray, start: int, event: np.ndarray) -> None:
    """Adds an event to a course from sample `start` on; parts outside the course are dropped."""
    stop = min(len(course), start + len(event))
    if stop > max(0, start):
        course[max(0, start) : stop] += event[max(0, -start) : stop - start]


def uniforms(patches: np.ndarray, coefficients: slice) -> np.ndarray:
    """Pseudo-random numbers between 0 and 1, `(patches, coefficients)`, from generated patches.

    The randomness of events comes from the patches. So the same patches always have the same events, whether they are
    decoded one by one or all at once. Sums of single coefficients over channels are nearly standard normal, and the
    fractional part of a standard normal number is uniform to one in a hundred million. Patches of zeros give 0.5.

    Args:
        patches: `(channels, patches, patch_size)` in the innovation space.
        coefficients: Coefficients of a patch to read, different ones for each kind of event.
    """
    sums = patches[..., coefficients].sum(axis=0) / np.sqrt(len(patches))
    return (sums + 0.5) % 1.0
