# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Strong slow waves, eye movements among them: what makes EEG heavy-tailed, taken away by an invertible map.

Slow EEG is Gaussian but for a few patterns over the scalp. Along the strongest it is heavy-tailed and lopsided even
without blinks, which are taken out before, and what a linear filter makes of Gaussian noise is neither. So the slow
part of a signal is made Gaussian along its leading principal components, by a rotation and maps of marginals as in
Gaussianization (Chen and Gopinath, NeurIPS 2000), the rest of the signal riding on it untouched:

    l = low-pass of x        y = x + V (g(c) - c)        c = V' l

`V` are the principal components (orthonormal columns) and g, for each a monotone function, takes the quantiles of c to
those of a Gaussian of the same variance. The low-pass is causal and of first order, c_t = b0 V'x_t + p_t with p_t
known from the past; so x follows from y sample by sample, because V'y = V'x + g(c) - c says that

    (1 / b0 - 1) c_t + g(c_t) = V'y_t + p_t / b0

whose left side is monotone in c_t.
"""

from bisect import bisect
from dataclasses import dataclass

import numpy as np
import scipy

from .autoregression_get import bound_artefacts

#: How many principal components are made Gaussian, at most; further ones are already (EEGMMIDB).
N_COMPONENTS = 3
#: Corner of the low-pass as a share of half the rate: 12 Hz at 100 Hz. Faster waves keep their spectrum.
CORNER = 0.24
#: Standard scores at which a map is given; it is linear between and beyond them.
SCORES = np.linspace(-2.2, 2.2, 13)
#: Patches of a recording that weigh as much as the population where quantiles are concerned. Tails take long to see.
PRIOR_PATCHES = 48.0
#: A score must not rise faster than this over its value: quantiles that coincide would make the inverse blow up.
LEAST_SLOPE = 0.15

#: How much more slow energy than typical counts at most, so that eye movements do and loose electrodes do not, and
#: over how many samples it is averaged.
LARGEST_ENERGY = 25.0
ENERGY_TIMES = 25

_B, _A = scipy.signal.butter(1, CORNER)


@dataclass(frozen=True)
class SlowWaves:
    """The map of one recording.

    Attributes:
        components: `V`, `(channels, components)`, orthonormal columns, strongest first.
        knots: `(components, scores)`: values of each component, microvolts, rising.
        scores: Same shape: what they are mapped to, microvolts, rising.
    """

    components: np.ndarray
    knots: np.ndarray
    scores: np.ndarray

    def gaussianise(self, x: np.ndarray) -> np.ndarray:
        """Takes `x` `(channels, times)`, microvolts, to `y` of the same shape; before it `x` is thought constant."""
        c = low_pass(self.components.T @ x)
        return x + self.components @ np.stack(
            [_linear(row, *tables) - row for row, *tables in zip(c, self.knots, self.scores, strict=True)]
        )

    def restore(self, y: np.ndarray, past: np.ndarray) -> np.ndarray:
        """The inverse of `gaussianise`.

        Args:
            y: `(channels, times)`, microvolts: what follows.
            past: `(channels, times)`, microvolts: samples of x just before, at least one; so many that the low-pass
                has forgotten where they begin.

        Returns:
            x, same shape as y.
        """
        before = self.components.T @ past
        slow = low_pass(before)
        rows = zip(self.components.T @ y, before[:, -1], slow[:, -1], self.knots, self.scores, strict=True)
        change = np.stack([_restore_component(*row) for row in rows])
        return y - self.components @ change


def low_pass(x: np.ndarray) -> np.ndarray:
    """The slow part of `(rows, times)`, as if each row had always been at its first value."""
    return scipy.signal.lfilter(_B, _A, x, axis=-1, zi=scipy.signal.lfilter_zi(_B, _A) * x[:, :1])[0]


def low_pass_response(ar_filter: np.ndarray, n_bands: int) -> np.ndarray:
    """Power `(n_bands,)` that white noise through `1 / ar_filter` and the low-pass has in each of equal bands."""
    n = 64
    frequencies = (np.arange(n_bands * n) + 0.5) / (n_bands * n) * np.pi
    _, response = scipy.signal.freqz(_B, np.convolve(_A, ar_filter), frequencies)
    return (np.abs(response) ** 2).reshape(n_bands, n).mean(axis=-1)


def gaussian_quantiles() -> np.ndarray:
    """The quantiles `(N_COMPONENTS, scores)` of components that are Gaussian."""
    return np.tile(SCORES, (N_COMPONENTS, 1))


def own_quantiles(x: np.ndarray) -> np.ndarray:
    """The quantiles of components `(components, times)`, in units of their root mean square, at `SCORES`."""
    scale = np.sqrt(np.mean(x**2, axis=-1, keepdims=True)) + 1e-12
    return np.quantile(x / scale, scipy.stats.norm.cdf(SCORES), axis=-1).T


def fit_slow_waves(x: np.ndarray, n_patches: int, population: np.ndarray, quantiles: np.ndarray) -> SlowWaves:
    """The map of a recording.

    Args:
        x: `(channels, times)`, microvolts.
        n_patches: How many patches of it are known; 0: the population speaks alone.
        population: `(channels, channels)`, square microvolts: covariance of the slow part in the population.
        quantiles: `(N_COMPONENTS, scores)`: the population's, by rank of the component.
    """
    if n_patches:
        slow = low_pass(x)
        _, kept = bound_artefacts(slow, ENERGY_TIMES, LARGEST_ENERGY)
        slow *= np.sqrt(kept)
        own = slow @ slow.T / slow.shape[-1]
        weight = n_patches / (n_patches + 1.0)
        # the population says where, the recording alone how strong
        loudness = np.trace(own) / max(np.trace(population), 1e-12)
        population = weight * own + (1 - weight) * loudness * population
    variances, vectors = np.linalg.eigh(population)
    components = vectors[:, ::-1][:, :N_COMPONENTS]
    scales = np.sqrt(np.maximum(variances[::-1][:N_COMPONENTS], 1e-12))[:, None]
    quantiles = quantiles[: len(scales)]
    if n_patches:
        weight = n_patches / (n_patches + PRIOR_PATCHES)
        quantiles = weight * own_quantiles(components.T @ slow) + (1 - weight) * quantiles
    return SlowWaves(components, scales * _standardise(quantiles), scales * SCORES)


def _standardise(quantiles: np.ndarray) -> np.ndarray:
    """Makes quantiles `(components, scores)` rise, and the variance of what they turn Gaussian noise into 1."""
    middle = len(SCORES) // 2
    steps = np.maximum(np.diff(quantiles, axis=-1), LEAST_SLOPE * np.diff(SCORES))
    rising = np.concatenate([np.zeros((len(steps), 1)), np.cumsum(steps, axis=-1)], axis=-1)
    rising += (quantiles - rising)[:, middle : middle + 1]
    grid = np.linspace(-6, 6, 1201)
    density = np.exp(-(grid**2) / 2) / np.exp(-(grid**2) / 2).sum()
    variance = [density @ _linear(grid, SCORES, row) ** 2 for row in rising]
    return rising / np.sqrt(variance)[:, None]


def _linear(x: np.ndarray, knots: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The function that takes `knots` to `values`, linear between and beyond them, at `x` `(times,)`."""
    index = np.searchsorted(knots[1:-1], x)
    slopes = np.diff(values) / np.diff(knots)
    return values[index] + slopes[index] * (x - knots[index])


def _restore_component(y: np.ndarray, last: float, slow: float, knots: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """`g(c) - c` of one component `(times,)`, given `V'y` and the last values of `V'x` and c; see above."""
    (b0, b1), a1 = _B.tolist(), float(_A[1])
    sums = (1 / b0 - 1) * knots + scores  # the left side above, at the knots
    # numbers one by one: each waits for the one before, and arrays so small cost more than they do
    slopes, gains = (np.diff(knots) / np.diff(sums)).tolist(), (np.diff(scores) / np.diff(knots)).tolist()
    knots, scores, sums = knots.tolist(), scores.tolist(), sums.tolist()
    inner, change = sums[1:-1], np.empty(len(y))
    for time, value in enumerate(y.tolist()):
        past = b1 * last - a1 * slow
        total = value + past / b0
        i = bisect(inner, total)
        slow = knots[i] + slopes[i] * (total - sums[i])
        change[time] = scores[i] + gains[i] * (slow - knots[i]) - slow
        last = (slow - past) / b0
    return change
