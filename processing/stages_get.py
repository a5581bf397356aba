# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The three stages of the innovation transform: invertible, linear, each estimated from the previous stage's residual.

`forward` needs the samples just before the signal: it maps `(channels, memory + times)` to `(channels, times)`.
`inverse` undoes this, given the memory with which `forward` began.
"""

from dataclasses import dataclass

import numpy as np
import scipy

from .autoregression_get import (
    bound_artefacts,
    covariance_from_spectrum,
    lag_window,
    lagged_covariance,
    mean_autocorrelation,
    solve_yule_walker,
    unwhiten,
    whiten,
    whitening_filter,
)
from .population_get import symmetric_roots

#: Number of patches of a recording that weigh as much as the population, for the filter that all channels share and
#: for the power features of the network.
FILTER_PRIOR_PATCHES = 1.0
#: Order of the filter of matrices.
MATRIX_ORDER = 60
#: Bound of a patch's energy over the typical energy, so that artefacts do not dominate the covariance.
LARGEST_ENERGY = 3.0


@dataclass(frozen=True)
class SharedFilter:
    """The autoregressive filter `a(z)` that all channels share.

    Attributes:
        taps: `(1 + order,)`: `1, a_1, ..`.
    """

    taps: np.ndarray

    @classmethod
    def estimate(cls, x: np.ndarray, n_patches: int, population: np.ndarray) -> "SharedFilter":
        """Estimates the filter.

        Args:
            x: `(channels, times)` in microvolts.
            n_patches: Number of known patches of the recording. 0: only the population counts.
            population: `(1 + order,)`: autocorrelation of the population.
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
    """The filter of matrices `A(z)`, which removes what channels predict of each other's next samples.

    Attributes:
        matrices: `(1 + MATRIX_ORDER, channels, channels)`: `I, A_1, ..`.
    """

    matrices: np.ndarray

    @classmethod
    def estimate(
        cls, residual: np.ndarray, n_patches: int, n_mirrored: int, population: np.ndarray, prior_patches: float
    ) -> tuple["MatrixFilter", np.ndarray]:
        """Estimates the filter, and the covariance of its residual.

        Args:
            residual: `(channels, times)`, of unit scale.
            n_patches: Number of known patches of the recording.
            n_mirrored: Number of leading samples that were mirrored, not recorded.
            population: `(patch_size, channels, channels)`: the population's spectrum, adapted to the recording, at the
                frequency of each DCT coefficient.
            prior_patches: Number of patches of a recording with few channels that weigh as much as the population.

        Returns:
            The filter, and the covariance `(channels, channels)`.
        """
        # mirrored samples run backwards: their phases would reduce the coherence of channels with a phase lag
        recorded = residual[:, n_mirrored:]
        own = lag_window(MATRIX_ORDER)[:, None, None] * lagged_covariance(recorded, MATRIX_ORDER)
        weight = n_patches / (n_patches + prior_patches * (1 + len(residual) / 40))
        matrices, covariance = solve_yule_walker(weight * own + (1 - weight) * windowed(population))
        return cls(matrices), covariance

    def forward(self, residual: np.ndarray) -> np.ndarray:
        """Maps the residual of the shared filter to the residual of both."""
        return whiten(self.matrices, residual)

    def inverse(self, residual: np.ndarray, memory: np.ndarray) -> np.ndarray:
        """Maps the residual of both filters back to the residual of the shared one."""
        return unwhiten(self.matrices, residual, memory)


@dataclass(frozen=True)
class Whitening:
    """The DCT of each patch, and the inverse symmetric root of the covariance of its coefficients.

    Attributes:
        patch_size: Samples in a patch.
        covariance_root: `(channels, channels)` in microvolts.
        deviation: Root mean square of the known patches, which are divided by it: filters fitted to them leave a
            smaller residual of them than of later patches. 1 without any.
        n_known: Number of known patches, which lead the others.
    """

    patch_size: int
    covariance_root: np.ndarray
    deviation: float = 1.0
    n_known: int = 0

    @classmethod
    def estimate(
        cls, residual: np.ndarray, covariance: np.ndarray, scale: float, patch_size: int, n_known: int
    ) -> "Whitening":
        """Estimates the size of the residual.

        Args:
            residual: Residual `(channels, times)` of both filters, of unit scale.
            covariance: `(channels, channels)`, of unit scale.
            scale: Unit scale in microvolts.
            patch_size: Samples in a patch.
            n_known: See the attribute.
        """
        left = np.sum(residual * np.linalg.solve(covariance, residual)) / residual.size
        return cls(patch_size, scale * symmetric_roots(covariance)[0], float(np.sqrt(left)), n_known)

    def forward(self, residual: np.ndarray) -> np.ndarray:
        """Maps the residual of both filters to white DCT coefficients, for each patch from low to high frequency."""
        patches = residual.reshape(len(residual), -1, self.patch_size)
        coefficients = scipy.fft.dct(patches, norm="ortho", axis=-1).reshape(residual.shape)
        values = np.linalg.solve(self.covariance_root, coefficients)
        values[:, : self.n_known * self.patch_size] /= self.deviation
        return values

    def inverse(self, values: np.ndarray, memory: np.ndarray) -> np.ndarray:
        """Maps white DCT coefficients back to the residual of both filters; patches need no memory."""
        sizes = np.ones(values.shape[-1])
        sizes[: self.n_known * self.patch_size] = self.deviation
        coefficients = self.covariance_root @ (values * sizes)
        patches = scipy.fft.idct(coefficients.reshape(len(values), -1, self.patch_size), norm="ortho", axis=-1)
        return patches.reshape(values.shape)


def moderated(residual: np.ndarray, patch_size: int, least_scale: float) -> tuple[np.ndarray, float]:
    """Scales `(channels, times)` to unit scale and bounds the energy of artefacts; also returns the scale."""
    # the maximum-likelihood scale, with the median over time in place of the mean, so that artefacts do not count
    energy, kept = bound_artefacts(residual, patch_size, LARGEST_ENERGY)
    scale = max(np.sqrt(energy), least_scale)
    return residual * (np.sqrt(kept / max(kept.mean(), 1e-12)) / scale), scale


def windowed(spectrum: np.ndarray) -> np.ndarray:
    """Covariances at lags `(1 + MATRIX_ORDER, channels, channels)` of a spectrum `(patch_size, channels, channels)`.

    Such a coarse spectrum has covariances at as many lags as it has frequencies, and zeros beyond.
    """
    n_lags = len(spectrum) - 1
    covariances = lag_window(n_lags)[:, None, None] * covariance_from_spectrum(spectrum, n_lags)
    return np.pad(covariances[: MATRIX_ORDER + 1], ((0, max(0, MATRIX_ORDER - n_lags)), (0, 0), (0, 0)))
