# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Defines the three stages of the innovation transform.

Each stage is linear and invertible, and is estimated from the residual of the previous stage. The input of `forward`
must begin with memory, which are the samples just before the signal: it maps `(channels, memory + times)` to
`(channels, times)`. `inverse` computes the signal from the result of `forward` and the same memory.
"""

from dataclasses import dataclass

import numpy as np
import scipy

from .autoregression_get import (
    bound_artefacts,
    covariance_from_spectrum,
    divide_signal,
    divide_spectrum,
    energy_over_time,
    lag_window,
    lagged_covariance,
    mean_autocorrelation,
    solve_yule_walker,
    unwhiten,
    whiten,
    whitening_filter,
)
from .population_get import symmetric_roots

#: Number of patches at which a recording and the population have equal weights, in the filter that all channels share
#: and in the power features of the network.
FILTER_PRIOR_PATCHES = 1.0
#: Order of the matrix filter.
MATRIX_ORDER = 60
#: Frequency below which rhythms are narrow, and the width of the border, as shares of half the sampling rate: 12 and
#: 1 Hz at 100 Hz.
CROSSOVER, CROSSOVER_WIDTH = 0.24, 0.02
#: Largest lag of covariances above the crossover. A few seconds of EEG hold few independent values of coherence; with
#: more lags, its estimate is too large where channels cohere little.
FAST_ORDER = 36
#: Upper bounds of the energy below and above the crossover, as multiples of the median energy. They prevent that an
#: artefact dominates the covariance. The artefacts of movements are slow, and what follows them has none. The activity
#: of muscles is fast, comes in bursts, and goes on in what follows.
LARGEST_SLOW_ENERGY, LARGEST_FAST_ENERGY = 4.0, 60.0


@dataclass(frozen=True)
class SharedFilter:
    """The autoregressive filter `a(z)` that all channels share.

    Attributes:
        taps: Taps `1, a_1, ..` of the filter, with the shape `(1 + order,)`.
    """

    taps: np.ndarray

    @classmethod
    def estimate(cls, x: np.ndarray, n_patches: int, population: np.ndarray) -> "SharedFilter":
        """Estimates the filter.

        Args:
            x: Signal `(channels, times)` in microvolts.
            n_patches: Number of known patches of the recording. 0: only the population counts.
            population: Autocorrelation `(1 + order,)` of the population.
        """
        if n_patches == 0:
            return cls(whitening_filter(population))
        weight = n_patches / (n_patches + FILTER_PRIOR_PATCHES)
        own = mean_autocorrelation(x, len(population) - 1)
        return cls(whitening_filter(weight * own + (1 - weight) * population))

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Maps microvolts to the residual of the filter."""
        return scipy.signal.lfilter(self.taps, [1.0], x, axis=-1)[:, len(self.taps) - 1 :]

    def inverse(self, residual: np.ndarray, memory: np.ndarray) -> np.ndarray:
        """Maps the residual back to microvolts."""
        state = np.stack([scipy.signal.lfiltic([1.0], self.taps, past[::-1]) for past in memory])
        return scipy.signal.lfilter([1.0], self.taps, residual, axis=-1, zi=state)[0]


@dataclass(frozen=True)
class MatrixFilter:
    """The matrix filter `A(z)`, which removes the part of each channel that earlier samples of all channels predict.

    Attributes:
        matrices: Matrices `I, A_1, ..` with the shape `(1 + MATRIX_ORDER, channels, channels)`.
    """

    matrices: np.ndarray

    @classmethod
    def estimate(
        cls, residual: np.ndarray, n_patches: int, n_mirrored: int, population: np.ndarray, prior_patches: float
    ) -> tuple["MatrixFilter", np.ndarray]:
        """Estimates the filter, and the covariance of its residual.

        Args:
            residual: Residual `(channels, times)` of the shared filter, divided by its scale.
            n_patches: Number of known patches of the recording.
            n_mirrored: Number of samples at the beginning that were mirrored, not recorded.
            population: Cross-spectrum of the population, adapted to the recording, at the frequency of each DCT
                coefficient, `(patch_size, channels, channels)`.
            prior_patches: Number of patches at which a recording with few channels and the population have equal
                weights.

        Returns:
            The filter, and the covariance `(channels, channels)` of its residual.
        """
        # mirrored samples are left out: time runs backwards there, which inverts phase lags and so reduces coherence
        recorded = residual[:, n_mirrored:]
        own = smoothed_covariance(recorded)
        weight = n_patches / (n_patches + prior_patches * (1 + len(residual) / 40))
        matrices, covariance = solve_yule_walker(weight * own + (1 - weight) * windowed(population))
        return cls(matrices), covariance

    def forward(self, residual: np.ndarray) -> np.ndarray:
        """Maps the residual of the shared filter to the residual of both filters."""
        return whiten(self.matrices, residual)

    def inverse(self, residual: np.ndarray, memory: np.ndarray) -> np.ndarray:
        """Maps the residual of both filters back to the residual of the shared filter."""
        return unwhiten(self.matrices, residual, memory)


@dataclass(frozen=True)
class Whitening:
    """The last stage: the DCT of each patch, and the whitening of its coefficients across channels.

    Attributes:
        patch_size: Number of samples in a patch.
        covariance_root: Symmetric square root `(channels, channels)` of the covariance of the coefficients, in
            microvolts.
        deviation: Root mean square of the known patches. The known patches are divided by it, because the filters
            were fitted to them and leave a smaller residual of them than of later patches. 1 without known patches.
        n_known: Number of known patches. They come before the other patches.
    """

    patch_size: int
    covariance_root: np.ndarray
    deviation: float = 1.0
    n_known: int = 0

    @classmethod
    def estimate(
        cls, residual: np.ndarray, covariance: np.ndarray, scale: float, patch_size: int, n_known: int
    ) -> "Whitening":
        """Computes the square root of the covariance, and estimates the deviation of the residual.

        Args:
            residual: Residual `(channels, times)` of both filters, divided by `scale`.
            covariance: Covariance `(channels, channels)` of the residual, divided by `scale` squared.
            scale: Scale in microvolts.
            patch_size: Number of samples in a patch.
            n_known: See the attribute.
        """
        left = np.sum(residual * np.linalg.solve(covariance, residual)) / residual.size
        return cls(patch_size, scale * symmetric_roots(covariance)[0], float(np.sqrt(left)), n_known)

    def forward(self, residual: np.ndarray) -> np.ndarray:
        """Maps the residual of both filters to white DCT coefficients, sorted by frequency in each patch."""
        patches = residual.reshape(len(residual), -1, self.patch_size)
        coefficients = scipy.fft.dct(patches, norm="ortho", axis=-1).reshape(residual.shape)
        values = np.linalg.solve(self.covariance_root, coefficients)
        values[:, : self.n_known * self.patch_size] /= self.deviation
        return values

    def inverse(self, values: np.ndarray, memory: np.ndarray) -> np.ndarray:
        """Maps white DCT coefficients back to the residual of both filters. `memory` is not used."""
        sizes = np.ones(values.shape[-1])
        sizes[: self.n_known * self.patch_size] = self.deviation
        coefficients = self.covariance_root @ (values * sizes)
        patches = scipy.fft.idct(coefficients.reshape(len(values), -1, self.patch_size), norm="ortho", axis=-1)
        return patches.reshape(values.shape)


def moderated(residual: np.ndarray, patch_size: int, least_scale: float) -> tuple[np.ndarray, float]:
    """Divides a residual `(channels, times)` by its scale, and bounds the energy of artefacts; returns both."""
    # this is the maximum-likelihood scale with a median over time in place of the mean, so that artefacts do not count
    scale = max(float(np.sqrt(np.median(energy_over_time(residual, patch_size)))), least_scale)
    slow, fast = divide_signal(residual / scale, CROSSOVER, CROSSOVER_WIDTH)
    bounded = bound_artefacts(slow, patch_size, LARGEST_SLOW_ENERGY)
    return bounded + bound_artefacts(fast, patch_size, LARGEST_FAST_ENERGY), scale


def smoothed_covariance(x: np.ndarray) -> np.ndarray:
    """Estimates the covariances of a signal at the lags 0 to `MATRIX_ORDER`, smoothed over frequency.

    The signal is divided at the crossover. Below it, the Parzen window of `MATRIX_ORDER` lags resolves alpha. Above
    it, the shorter window of `FAST_ORDER` lags averages over more frequencies.

    Args:
        x: Signal `(channels, times)` with a mean of zero.

    Returns:
        Covariances `(1 + MATRIX_ORDER, channels, channels)`.
    """
    slow, fast = divide_spectrum(x, CROSSOVER, CROSSOVER_WIDTH)
    covariances = lag_window(MATRIX_ORDER)[:, None, None] * lagged_covariance(slow, MATRIX_ORDER)
    covariances[: 1 + FAST_ORDER] += lag_window(FAST_ORDER)[:, None, None] * lagged_covariance(fast, FAST_ORDER)
    return covariances * (slow.shape[-1] / x.shape[-1])  # the parts are longer, because their filters ring


def windowed(spectrum: np.ndarray) -> np.ndarray:
    """Computes windowed covariances at the lags 0 to `MATRIX_ORDER` from a spectrum.

    The spectrum has the shape `(patch_size, channels, channels)`, and the covariances have the shape
    `(1 + MATRIX_ORDER, channels, channels)`. The spectrum determines only as many lags as it has frequencies. The
    covariances at larger lags are zero.
    """
    n_lags = len(spectrum) - 1
    covariances = lag_window(n_lags)[:, None, None] * covariance_from_spectrum(spectrum, n_lags)
    return np.pad(covariances[: MATRIX_ORDER + 1], ((0, max(0, MATRIX_ORDER - n_lags)), (0, 0), (0, 0)))
