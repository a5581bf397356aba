# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Finds the linear constraints of a recording, which its continuation must satisfy too.

After an average reference, the sum of all channels is zero. A channel may also be a copy of another channel, the sum
of two bipolar channels, or interpolated from other channels. Components may have been removed. Each of these leads to
constraints w'x = 0 that hold for every sample x. The weights w span the null space of the covariance. Decoding
projects the continuation onto the orthogonal complement of this null space.

The samples of a file are rounded, so no variance is exactly zero. Rounding with a step q leaves the variance
q^2 / 12. If all channels have the same rounding error, it leaves the variance (1'w)^2 q^2 / 12. A band-pass keeps only
the share of this variance that lies in the band. The difference between two electrodes that are close together, or
connected by gel, is no constraint. Its variance is larger than the variance of rounding, and larger than a hundredth
of the variance of the next direction (measured with 64 channels of all 109 people of EEGMMIDB, and with subsets of
these channels).
"""

import numpy as np

#: Smallest number of samples (at the model's sampling rate) per channel. With fewer samples, a null space may be due
#: to chance.
LEAST_SAMPLES = 4
#: Largest variance that counts as zero when the rounding step is unknown, in square microvolts.
LARGEST_VARIANCE = 2e-4
#: Largest variance that counts as rounding, as a multiple of the variance that rounding leaves.
TOLERANCE = 1.5
#: Smallest variance of the next direction, as a multiple of the variance of the constraint.
LEAST_GAP = 100.0
#: Number of samples of each channel that `rounding_step` reads.
N_LOOKED_AT = 10_000


def rounding_step(x: np.ndarray) -> float:
    """Returns the largest rounding step of the channels of `x` `(channels, times)`, in the unit of the samples.

    The result is 0 if no channel is rounded.
    """
    coarsest = 0.0
    for channel in x[:, :N_LOOKED_AT]:
        levels = np.unique(channel)
        steps = np.diff(levels)
        steps = steps[steps > 1e-6 * (levels[-1] - levels[0])]  # smaller steps are numerical errors within one level
        for _ in range(4):  # Euclid's algorithm, because the smallest gap between levels may be several steps wide
            if not len(steps):
                break
            step = steps.min()
            counted = (levels - levels[0]) / step
            rest = np.abs(counted - np.round(counted))
            if rest.max() < 0.01:
                coarsest = max(coarsest, step)
                break
            steps = step * rest[rest >= 0.01]
    return float(coarsest)


def null_space(x: np.ndarray, step: float = 0.0) -> np.ndarray:
    """Finds the weighted sums of channels that are always zero in a recording.

    Args:
        x: Signal `(channels, times)` in microvolts at the model's sampling rate.
        step: Rounding step in microvolts; see `rounding_step`. If `x` was band-limited, the step must be multiplied by
            the square root of the share of the rounding noise that lies in the band.

    Returns:
        Orthonormal weights `(channels, constraints)`, one column for each constraint.
    """
    n_chans, n_times = x.shape
    if n_times < LEAST_SAMPLES * n_chans:
        return np.zeros((n_chans, 0))
    x = x - x.mean(axis=-1, keepdims=True)
    variances, directions = np.linalg.eigh(x @ x.T / n_times)
    variances = np.maximum(variances, 1e-12 * variances[-1])
    # if integer samples were re-referenced, all channels contain the same rounding error of the reference
    share = np.maximum(1.0, directions.sum(axis=0) ** 2)
    small = variances <= np.maximum(LARGEST_VARIANCE, TOLERANCE * share * step**2 / 12)
    is_gap = variances[1:] >= LEAST_GAP * variances[:-1]
    n_constraints = np.flatnonzero(small[:-1] & is_gap).max(initial=-1) + 1
    return directions[:, :n_constraints]


def satisfy(x: np.ndarray, constraints: np.ndarray) -> np.ndarray:
    """Returns the signal nearest to `x` `(channels, times)` that satisfies `constraints` from `null_space`."""
    return x - constraints @ (constraints.T @ x)
