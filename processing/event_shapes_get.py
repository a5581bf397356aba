# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Helper functions for blinks and heartbeats, which find events of a fixed shape in EEG and add them to EEG."""

from functools import cache

import numpy as np
import scipy

#: Corner of the low-pass filter for the detection of blinks, as a share of half the rate: 6 Hz at 100 Hz.
CORNER = 0.12

#: Sampling rate in Hz for which all constants of events are defined, such as intervals, widths and shapes in samples.
RATE = 100.0
#: Smallest patch size that has enough coefficients for the random numbers of all kinds of events; see `uniforms`.
LEAST_PATCH = 15


def check_rate(sampling_rate: float) -> None:
    """Checks that the model has the sampling rate `RATE`, for which the constants of events are defined.

    Raises:
        ValueError: The sampling rate (in Hz) is not `RATE`.
    """
    if sampling_rate != RATE:
        raise ValueError(
            f"sampling_rate is {sampling_rate:g} Hz, but heartbeats and blinks are recognised by their length in "
            f"samples at {RATE:g} Hz: leave sampling_rate at {RATE:g}, recordings of any rate are resampled to it."
        )


def loaded(noise: np.ndarray) -> np.ndarray:
    """Returns a covariance with a tenth of the mean channel power added to its diagonal (diagonal loading).

    This allows for differences between the topographies of people.
    """
    return noise + (0.1 * np.trace(noise) / len(noise) + 1e-9) * np.eye(len(noise))


def spatial_filter(topography: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, float]:
    """Computes a spatial filter for a topography, and the standard deviation of the noise in its output.

    The weights w `(channels,)` are those of a minimum-variance beamformer, `w = N^-1 a / (a' N^-1 a)`, for the
    topography a and the noise covariance N with diagonal loading (Van Veen et al., IEEE Trans. Biomed. Eng. 44, 1997).
    The gain for the topography is 1.
    """
    weights = np.linalg.solve(loaded(noise), topography)
    gain = max(float(topography @ weights), 1e-12)
    return weights / gain, 1.0 / np.sqrt(gain)


def covariance_between_peaks(x: np.ndarray, topography: np.ndarray) -> np.ndarray:
    """Computes the covariance of `x` `(channels, times)` from the samples without a peak of the topography.

    A sample belongs to a peak if the projection of `x` on the topography is larger than 3 standard deviations.
    """
    x = x - np.median(x, axis=-1, keepdims=True)
    projection = topography @ x
    usual = np.abs(projection) < 3 * robust_deviation(projection) + 1e-12
    return x[:, usual] @ x[:, usual].T / max(usual.sum(), 1)


def robust_deviation(x: np.ndarray) -> float:
    """Estimates the standard deviation from the median absolute deviation, which peaks hardly change."""
    return float(1.4826 * np.median(np.abs(x - np.median(x))) + 1e-9)


def add_event(course: np.ndarray, start: int, event: np.ndarray) -> None:
    """Adds an event to a time course in place, from sample `start` on; samples outside the time course are dropped."""
    stop = min(len(course), start + len(event))
    if stop > max(0, start):
        course[max(0, start) : stop] += event[max(0, -start) : stop - start]


def uniforms(patches: np.ndarray, coefficients: slice) -> np.ndarray:
    """Computes pseudo-random numbers `(patches, coefficients)` between 0 and 1 from generated patches.

    Events get their random properties from these numbers. So the same patches always have the same events, whether the
    patches are decoded one by one or all at once. The sum of one coefficient over the channels, divided by the square
    root of their number, is nearly standard normal. The fractional part of a standard normal number is uniform, with
    an error of one in a hundred million. Patches of zeros give 0.5.

    Args:
        patches: Patches `(channels, patches, patch_size)` in the innovation space.
        coefficients: Slice of the coefficients of a patch to read. Each kind of event reads different coefficients.
    """
    sums = patches[..., coefficients].sum(axis=0) / np.sqrt(len(patches))
    return (sums + 0.5) % 1.0


@cache
def _low_pass_sections() -> np.ndarray:
    """Designs the low-pass at the first call, because importing scipy.signal takes long; returns its sections."""
    return scipy.signal.butter(2, CORNER, output="sos")


def low_pass(x: np.ndarray) -> np.ndarray:
    """Returns the slow part of each signal in `x` `(signals, times)`, filtered with zero phase."""
    return scipy.signal.sosfiltfilt(_low_pass_sections(), x, axis=-1, padlen=min(50, x.shape[-1] - 1))


def liveliness(x: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Computes how well each electrode records EEG: a value between -1 and 1 for each channel of `(channels, times)`.

    Each channel is predicted from the other channels. The value is the coefficient of its regression on this
    prediction, divided by the median of all channels. An electrode that hardly records the brain hardly records the
    eyes. If its polarity is inverted, as beside the reference, it records brain and eyes with inverted polarity.
    """
    if len(noise) == 1:
        return np.ones(1)
    precision = np.linalg.inv(loaded(noise))
    predicted = x - (precision @ x) / np.diag(precision)[:, None]
    shares = np.sum(x * predicted, axis=-1) / (np.sum(predicted**2, axis=-1) + 1e-9)
    return np.clip(shares / max(np.median(shares), 1e-3), -1.0, 1.0)
