# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The three stages of the innovation transform: invertible, linear, each estimated from what the stage before leaves.

`forward` needs the samples just before: of `(channels, memory + times)` it returns `(channels, times)`. `inverse`
takes that back, given the memory that `forward` began with.
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
from .population_get import general_covariance, symmetric_roots

#: Patches of a recording that weigh as much as the population where the filter that all channels share is concerned,
#: and the power that is told to the network.
FILTER_PRIOR_PATCHES = 1.0
#: Order of the filter of matrices.
MATRIX_ORDER = 60
#: How much more energy than the typical patch's counts at most, so that artefacts do not dominate the covariance.
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
            n_patches: Patches that are known of the recording; none: the population alone counts.
            population: `(1 + order,)`: its autocorrelation.
        """
        if n_patches == 0:
            return cls(whitening_filter(population))
        weight = n_patches / (n_patches + FILTER_PRIOR_PATCHES)
        own = mean_autocorrelation(x, len(population) - 1)
        return cls(whitening_filter(weight * own + (1 - weight) * population))

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Microvolts to the residual of the filter."""
        return scipy.signal.lfilter(self.taps, [1.0], x, axis=-1)[:, len(self.taps) - 1 :]

    def inverse(self, residual: np.ndarray, memory: np.ndarray) -> np.ndarray:
        """The residual back to microvolts."""
        state = np.stack([scipy.signal.lfiltic([1.0], self.taps, past[::-1]) for past in memory])
        return scipy.signal.lfilter([1.0], self.taps, residual, axis=-1, zi=state)[0]


@dataclass(frozen=True)
class MatrixFilter:
    """The filter of matrices `A(z)`, which removes what channels say of each other's next samples.

    Attributes:
        matrices: `(1 + MATRIX_ORDER, channels, channels)`: `I, A_1, ..`.
    """

    matrices: np.ndarray

    @classmethod
    def estimate(
        cls, residual: np.ndarray, n_patches: int, n_mirrored: int, population: np.ndarray, prior_patches: float
    ) -> tuple["MatrixFilter", np.ndarray]:
        """Estimates the filter, and the covariance that it leaves.

        Args:
            residual: `(channels, times)`, of unit scale.
            n_patches: Patches that are known of the recording.
            n_mirrored: Leading samples that were mirrored, not recorded.
            population: `(patch_size, channels, channels)`: its spectrum, at the frequency of each DCT coefficient.
            prior_patches: Patches of a recording of few channels that weigh as much as the population.

        Returns:
            The filter, and `(channels, channels)`.
        """
        # what is mirrored runs backwards: its phases would undo a part of the coherence of channels that have one
        recorded = residual[:, n_mirrored:]
        own = lag_window(MATRIX_ORDER)[:, None, None] * lagged_covariance(recorded, MATRIX_ORDER)
        weight = n_patches / (n_patches + prior_patches * (1 + len(residual) / 40))
        matrices, covariance = solve_yule_walker(weight * own + (1 - weight) * windowed(population))
        return cls(matrices), covariance

    def forward(self, residual: np.ndarray) -> np.ndarray:
        """The residual of the shared filter to the residual of both."""
        return whiten(self.matrices, residual)

    def inverse(self, residual: np.ndarray, memory: np.ndarray) -> np.ndarray:
        """The residual of both filters back to the residual of the shared one."""
        return unwhiten(self.matrices, residual, memory)


@dataclass(frozen=True)
class Whitening:
    """The DCT of each patch, and the inverse symmetric root of the covariance of its coefficients.

    Attributes:
        patch_size: Samples in a patch.
        covariance_root: `(channels, channels)` in microvolts.
        deviation: Root mean square of the known patches, by which they are divided: filters that were fitted to them
            leave less of them than of what follows. 1 without any.
        n_known: How many leading patches those are.
    """

    patch_size: int
    covariance_root: np.ndarray
    deviation: float = 1.0
    n_known: int = 0

    @classmethod
    def estimate(
        cls, residual: np.ndarray, covariance: np.ndarray, scale: float, patch_size: int, n_known: int
    ) -> "Whitening":
        """Estimates the size of what the filters leave.

        Args:
            residual: `(channels, times)` of both filters, of unit scale.
            covariance: `(channels, channels)`, of unit scale.
            scale: What unit scale is, in microvolts.
            patch_size: Samples in a patch.
            n_known: See the attribute.
        """
        left = np.sum(residual * np.linalg.solve(covariance, residual)) / residual.size
        return cls(patch_size, scale * symmetric_roots(covariance)[0], float(np.sqrt(left)), n_known)

    def forward(self, residual: np.ndarray) -> np.ndarray:
        """The residual of both filters to white DCT coefficients, patch by patch from low to high frequency."""
        patches = residual.reshape(len(residual), -1, self.patch_size)
        coefficients = scipy.fft.dct(patches, norm="ortho", axis=-1).reshape(residual.shape)
        values = np.linalg.solve(self.covariance_root, coefficients)
        values[:, : self.n_known * self.patch_size] /= self.deviation
        return values

    def inverse(self, values: np.ndarray, memory: np.ndarray) -> np.ndarray:
        """White DCT coefficients back to the residual of both filters; patches need no memory."""
        sizes = np.ones(values.shape[-1])
        sizes[: self.n_known * self.patch_size] = self.deviation
        coefficients = self.covariance_root @ (values * sizes)
        patches = scipy.fft.idct(coefficients.reshape(len(values), -1, self.patch_size), norm="ortho", axis=-1)
        return patches.reshape(values.shape)


def moderated(residual: np.ndarray, patch_size: int, least_scale: float) -> tuple[np.ndarray, float]:
    """Bounds the energy of artefacts in `(channels, times)`, brought to unit scale; also returns the scale."""
    # the maximum-likelihood scale, the median over time standing for the mean so that artefacts do not count
    energy, kept = bound_artefacts(residual, patch_size, LARGEST_ENERGY)
    scale = max(np.sqrt(energy), least_scale)
    return residual * (np.sqrt(kept / max(kept.mean(), 1e-12)) / scale), scale


def mixed_spectrum(whitened: np.ndarray, population: np.ndarray) -> np.ndarray:
    """The population's spectrum, turned by the covariance of a recording that was whitened by it.

    Args:
        whitened: `(channels, times)`, of unit scale.
        population: `(patch_size, channels, channels)`.

    Returns:
        `(patch_size, channels, channels)`: P_f^(1/2) M P_f^(1/2).
    """
    roots, _ = symmetric_roots(population)
    return roots @ general_covariance(whitened) @ roots


def windowed(spectrum: np.ndarray) -> np.ndarray:
    """Covariances at lags `(1 + MATRIX_ORDER, channels, channels)` of a spectrum `(patch_size, channels, channels)`.

    So coarse a spectrum has covariances at as many lags as it has frequencies, and none beyond.
    """
    n_lags = len(spectrum) - 1
    covariances = lag_window(n_lags)[:, None, None] * covariance_from_spectrum(spectrum, n_lags)
    return np.pad(covariances[: MATRIX_ORDER + 1], ((0, max(0, MATRIX_ORDER - n_lags)), (0, 0), (0, 0)))
