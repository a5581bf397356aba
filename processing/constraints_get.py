# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Linear constraints of a recording, which its continuation has to satisfy as well.

After an average reference the channels add up to zero. A channel may be a copy, a sum of two bipolar channels, or
interpolated from others. Components may have been removed. All these are constraints w'x = 0 at every moment. The
weights w span the null space of the covariance. Decoding projects the continuation on the orthogonal complement.

A file rounds samples, so that no variance is exactly zero. Rounding by steps q leaves a variance of q^2 / 12, or,
where all channels are rounded by the same amount, of (1'w)^2 q^2 / 12. A band keeps its share of it. Electrodes that
lie close together, or are bridged by gel, differ by more, and by less than a hundredfold from the next direction (64
channels of all 109 people of EEGMMIDB, and subsets of them).
"""

import numpy as np

#: Samples per channel, at the model's rate, below which a null space may be chance.
LEAST_SAMPLES = 4
#: Largest variance of what is zero but for rounding of which nothing is known, in square microvolts.
LARGEST_VARIANCE = 2e-4
#: How many times the variance that rounding leaves counts as rounding.
TOLERANCE = 1.5
#: How many times more variance the next direction has at least.
LEAST_GAP = 100.0
#: Samples of each channel that its rounding is looked for in.
N_LOOKED_AT = 10_000


def rounding_step(x: np.ndarray) -> float:
    """The coarsest step that samples of a channel of `(channels, times)` come in, in their unit; 0 where none do."""
    coarsest = 0.0
    for channel in x[:, :N_LOOKED_AT]:
        levels = np.unique(channel)
        steps = np.diff(levels)
        steps = steps[steps > 1e-6 * (levels[-1] - levels[0])]  # the same level twice, but for the last bit
        for _ in range(4):  # Euclid's algorithm: two levels next to each other may both be far from others
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
    """Weights of what is always zero in a recording.

    Args:
        x: `(channels, times)` in microvolts at the model's rate.
        step: That rounding left before, in microvolts, as a part of it is in the band of `x`; see `rounding_step`.

    Returns:
        `(channels, constraints)`, orthonormal.
    """
    n_chans, n_times = x.shape
    if n_times < LEAST_SAMPLES * n_chans:
        return np.zeros((n_chans, 0))
    x = x - x.mean(axis=-1, keepdims=True)
    variances, directions = np.linalg.eigh(x @ x.T / n_times)
    variances = np.maximum(variances, 1e-12 * variances[-1])
    # channels that were whole numbers before a reference was subtracted are all rounded by the same amount
    share = np.maximum(1.0, directions.sum(axis=0) ** 2)
    small = variances <= np.maximum(LARGEST_VARIANCE, TOLERANCE * share * step**2 / 12)
    is_gap = variances[1:] >= LEAST_GAP * variances[:-1]
    n_constraints = np.flatnonzero(small[:-1] & is_gap).max(initial=-1) + 1
    return directions[:, :n_constraints]


def satisfy(x: np.ndarray, constraints: np.ndarray) -> np.ndarray:
    """The signal nearest to `x` `(channels, times)` in which `constraints`, see `null_space`, hold."""
    return x - constraints @ (constraints.T @ x)
