# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Linear constraints of a recording, which its continuation must satisfy too.

After an average reference the channels add up to zero. A channel may be a copy, a sum of two bipolar channels, or
interpolated from others. Components may have been removed. All these are constraints w'x = 0 at every moment. The
weights w span the null space of the covariance. Decoding projects the continuation on the orthogonal complement.

A file rounds samples, so that no variance is exactly zero. Rounding by steps q leaves a variance of q^2 / 12, or,
where all channels are rounded by the same amount, of (1'w)^2 q^2 / 12. A band keeps its share of this variance. The
difference of electrodes that lie close together, or are bridged by gel, has more variance. It also has more than a
hundredth of the variance of the next direction (64 channels of all 109 people of EEGMMIDB, and subsets of them).
"""

import numpy as np

#: Samples per channel, at the model's sampling rate, below which a null space may be due to chance.
LEAST_SAMPLES = 4
#: Largest variance that counts as zero when the rounding step is unknown, in square microvolts.
LARGEST_VARIANCE = 2e-4
#: Largest variance that counts as rounding, as a multiple of the variance that rounding leaves.
TOLERANCE = 1.5
#: Least variance of the next direction, as a multiple of the variance of the constraint.
LEAST_GAP = 100.0
#: Samples of each channel in which `rounding_step` looks for rounding.
N_LOOKED_AT = 10_000


def rounding_step(x: np.ndarray) -> float:
    """Coarsest rounding step of any channel of `(channels, times)`, in the unit of the samples; 0 without rounding."""
    coarsest = 0.0
    for channel in x[:, :N_LOOKED_AT]:
        levels = np.unique(channel)
        steps = np.diff(levels)
        steps = steps[steps > 1e-6 * (levels[-1] - levels[0])]  # smaller steps are rounding errors of one level
        for _ in range(4):  # Euclid's algorithm: the smallest gap between levels may be several steps
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
    """Weights of the sums of channels that are always zero in a recording.

    Args:
        x: `(channels, times)` in microvolts at the model's sampling rate.
        step: Rounding step in microvolts, scaled to the part of its noise in the band of `x`; see `rounding_step`.

    Returns:
        `(channels, constraints)`, orthonormal.
    """
    n_chans, n_times = x.shape
    if n_times < LEAST_SAMPLES * n_chans:
        return np.zeros((n_chans, 0))
    x = x - x.mean(axis=-1, keepdims=True)
    variances, directions = np.linalg.eigh(x @ x.T / n_times)
    variances = np.maximum(variances, 1e-12 * variances[-1])
    # channels that were integers before the subtraction of a reference are all rounded by the same amount
    share = np.maximum(1.0, directions.sum(axis=0) ** 2)
    small = variances <= np.maximum(LARGEST_VARIANCE, TOLERANCE * share * step**2 / 12)
    is_gap = variances[1:] >= LEAST_GAP * variances[:-1]
    n_constraints = np.flatnonzero(small[:-1] & is_gap).max(initial=-1) + 1
    return directions[:, :n_constraints]


def satisfy(x: np.ndarray, constraints: np.ndarray) -> np.ndarray:
    """Signal nearest to `x` `(channels, times)` that satisfies `constraints`; see `null_space`."""
    return x - constraints @ (constraints.T @ x)
