# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What blinks and heartbeats share: how events of one shape are found in EEG, and added to it."""

import numpy as np

#: Rate of the signals whose events these are, in Hz: paces, widths and shapes are in its samples.
RATE = 100.0
#: Samples, hence coefficients, of the shortest patch that has dice for all kinds of events, see `uniforms`.
LEAST_PATCH = 15


def check_rate(sampling_rate: float) -> None:
    """Refuses a rate of the model that its constants were not made for.

    Raises:
        ValueError: It is another than `RATE`, in Hz.
    """
    if sampling_rate != RATE:
        raise ValueError(
            f"sampling_rate is {sampling_rate:g} Hz, and heartbeats and blinks are told by their length in samples "
            f"of {RATE:g} Hz: leave it at that, recordings of any rate are brought to it."
        )


def loaded(noise: np.ndarray) -> np.ndarray:
    """A covariance with a tenth of its mean power added to each channel: people's topographies differ."""
    return noise + (0.1 * np.trace(noise) / len(noise) + 1e-9) * np.eye(len(noise))


def spatial_filter(topography: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights `(channels,)` that let a topography through as it is, and the deviation of the noise that passes.

    A minimum-variance beamformer, `w = N^-1 a / (a' N^-1 a)` (Van Veen et al., IEEE Trans. Biomed. Eng. 44, 1997).
    """
    weights = np.linalg.solve(loaded(noise), topography)
    gain = max(float(topography @ weights), 1e-12)
    return weights / gain, 1.0 / np.sqrt(gain)


def covariance_between_peaks(x: np.ndarray, topography: np.ndarray) -> np.ndarray:
    """Covariance of `(channels, times)` where its projection on a topography is as it usually is."""
    x = x - np.median(x, axis=-1, keepdims=True)
    projection = topography @ x
    usual = np.abs(projection) < 3 * robust_deviation(projection) + 1e-12
    return x[:, usual] @ x[:, usual].T / max(usual.sum(), 1)


def robust_deviation(x: np.ndarray) -> float:
    """A deviation that peaks do not move: from the median absolute one."""
    return float(1.4826 * np.median(np.abs(x - np.median(x))) + 1e-9)


def add_event(course: np.ndarray, start: int, event: np.ndarray) -> None:
    """Adds an event to a course from sample `start` on, as far as both reach."""
    stop = min(len(course), start + len(event))
    if stop > max(0, start):
        course[max(0, start) : stop] += event[max(0, -start) : stop - start]


def uniforms(patches: np.ndarray, coefficients: slice) -> np.ndarray:
    """Numbers between 0 and 1 that are as good as random, `(patches, coefficients)`, of what was generated.

    What is random about events is read off the patches: so the same patches always have the same events, whether
    they are decoded one by one or all at once. Sums over channels of single coefficients are near standard normal
    noise, and of such noise the fractional part is uniform to one in a hundred million. Patches of no noise are at .5.

    Args:
        patches: `(channels, patches, patch_size)` in the innovation space.
        coefficients: Which of a patch to read, others for each kind of event.
    """
    sums = patches[..., coefficients].sum(axis=0) / np.sqrt(len(patches))
    return (sums + 0.5) % 1.0
