# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Maps EEG to the innovation space, which contains the residual of EEG after its linear statistics are removed.

EEG has a 1/f spectrum and almost collinear channels. An invertible map removes both, so that the network can model
bursts, context and conditions. If white noise passes through the inverse map, the result already simulates the
recording. This simulation is linear and Gaussian, except for events. The map has these steps:

    x  --events-->  y  --a(z)-->  u  --A(z)-->  e  --DCT per patch-->  c_k  --Sigma^(-1/2)-->  z_k

First, heartbeats and blinks are subtracted (see `events_get`). Three stages follow (see `stages_get`). `a(z)` is an
autoregressive filter that all channels share. `A(z)` is a matrix filter, which removes the part of each channel that
can be predicted from earlier samples of all channels. `Sigma` is the covariance of the residual. The filters are
computed from covariances at lags (Yule-Walker). These covariances are a weighted mean of the recording's covariances
and the population's. The population's covariances are a function of electrode positions, so they are known for any
montage. The recording's covariances are smoothed over frequency by Parzen windows w_k, above 12 Hz more than below:

    autocorrelation  r   = (n r_own + n_1 r_population) / (n + n_1)           n = number of known patches
    covariances      R_k = (n w_k own_k + n_0 P_k) / (n + n_0)         n_0 = prior_patches (1 + channels / 40)

`P_k` are the covariances at the lags k of a signal with the spectrum P_f^(1/2) M P_f^(1/2). P_f is the population's
spatial covariance at the frequency f. `M` is the covariance of the recording after it was whitened with the
population's mean covariance. `M` is estimated from all frequencies together, so a few seconds are enough even with
many channels. The weight of the population is small on purpose. With a larger weight, predictions are a little better,
but simulations vary too little, and the coherence between channels is too small. Filters that fit a recording closely
leave a smaller residual of this recording than of its continuation. So the innovations of the samples that were used
for the fit are divided by their own `deviation`. Then all inputs of the network have the same size. The square root of
Sigma is symmetric, so a permutation of the channels permutes the result in the same way.

The transform removes amplitude and band powers. The network gets them as calibration features.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import scipy

from .autoregression_get import solve_yule_walker, whitening_filter
from .coherence_get import correct_coherence
from .population_get import general_covariance, harmonics, symmetric_roots
from .signal_get import mirror_left
from .stages_get import (
    FILTER_PRIOR_PATCHES,
    MATRIX_ORDER,
    MatrixFilter,
    SharedFilter,
    Whitening,
    moderated,
    windowed,
)

#: Corner of the low-pass filter for slow EEG, as a share of half the sampling rate: 12 Hz at 100 Hz.
SLOW_CORNER = 0.24
#: Upper bound of the energy of a patch in the power features of the network, as a multiple of the median energy.
LARGEST_ENERGY = 3.0


@dataclass(frozen=True)
class Innovation:
    """One recording in the innovation space, with everything that the inverse transform needs.

    Attributes:
        values: Whitened DCT coefficients of each patch from low to high frequency,
            `(channels, patches * patch_size)` float64. They are dimensionless and have a variance of about 1.
        calibration: Calibration features `(channels, 2 + patch_size)` float32. Feature 0 is the log of the overall
            scale. Feature 1 is whether there was a calibration. Both are equal for all channels. The others are the
            log power of the channel at the frequency of each DCT coefficient. Scale and powers are relative to the
            population. All features are zero without calibration (but see `InnovationTransform.unprompted`).
        stages: The stages of the transform of this recording, from first to last.
        memory: Samples just before the first sample of `values`, `(channels, order + MATRIX_ORDER)` in microvolts.
        n_padding: Number of samples at the beginning (of the memory and the first patch) that were mirrored, not
            recorded.
    """

    values: np.ndarray
    calibration: np.ndarray
    stages: tuple[SharedFilter, MatrixFilter, Whitening]
    memory: np.ndarray
    n_padding: int

    def log_spectrum(self, n_frequencies: int) -> np.ndarray:
        """Computes the log power spectrum of white noise after the inverse filters, up to a constant.

        Args:
            n_frequencies: Number of frequencies, which are equally spaced from 0 to half the sampling rate.

        Returns:
            Natural logarithms `(channels, n_frequencies)`.
        """
        shared_filter, matrix_filter, whitening = self.stages
        angles = np.linspace(0, np.pi, n_frequencies)
        shared, own = (
            np.tensordot(np.exp(-1j * np.outer(angles, np.arange(len(taps)))), taps, axes=1)
            for taps in (shared_filter.taps, matrix_filter.matrices)
        )
        generated = np.linalg.solve(own, np.broadcast_to(whitening.covariance_root, own.shape))
        return np.log((np.abs(generated) ** 2).sum(axis=-1)).T - 2 * np.log(np.abs(shared))


class Fit(NamedTuple):
    """An estimated transform, and the calibration features that describe the removed amplitude and band powers.

    Attributes:
        stages: The stages of the transform, from first to last.
        calibration: See `Innovation.calibration`.
        is_own: Whether the transformed recordings are parts of the recording from which the transform was estimated.
    """

    stages: tuple[SharedFilter, MatrixFilter, Whitening]
    calibration: np.ndarray
    is_own: bool


class InnovationTransform:
    """Maps microvolts at the model's sampling rate to the innovation space and back.

    Args:
        patch_size: Number of samples in a patch.
        autocorrelation: Autocorrelation `1, r_1 .. r_p` of the population, which determines the population's whitening
            filter of order p.
        scale: Root mean square of the population's innovations, in microvolts.
        harmonic_covariance: The population's covariance between spherical harmonics for each DCT coefficient,
            `(patch_size, 36, 36)`, in units of `scale` squared.
        channel_variance: The part of each channel's variance that is not shared with neighbours, for each DCT
            coefficient, `(patch_size,)` in the same units.
        prior_patches: Number of patches at which a recording with few channels and the population have equal weights.
            The value was chosen so that white noise after the inverse transform is most similar to unseen recordings.
        unprompted_shifts: Values subtracted from the coherence of channels at the frequency of each DCT coefficient if
            there is no recording, `(patch_size, 5)`; see `correct_coherence`. They are needed because covariances
            averaged over people have a smaller coherence than covariances of single people. None: nothing is
            subtracted.
    """

    def __init__(
        self,
        patch_size: int,
        autocorrelation: Sequence[float],
        scale: float,
        harmonic_covariance: np.ndarray,
        channel_variance: np.ndarray,
        prior_patches: float,
        unprompted_shifts: Sequence[Sequence[float]] | None,
    ):
        self.patch_size = patch_size
        self.autocorrelation = np.asarray(autocorrelation, dtype=np.float64)
        self.ar_filter = whitening_filter(self.autocorrelation)
        self.scale = float(scale)
        self.harmonic_covariance = np.asarray(harmonic_covariance, dtype=np.float64)
        self.channel_variance = np.asarray(channel_variance, dtype=np.float64)
        self.prior_patches = float(prior_patches)
        self.unprompted_shifts = None if unprompted_shifts is None else np.asarray(unprompted_shifts, np.float64)

    @property
    def order(self) -> int:
        """Order p of the autoregressive filter that all channels share."""
        return len(self.autocorrelation) - 1

    @property
    def n_memory(self) -> int:
        """Number of samples before the first patch that both filters need."""
        return self.order + MATRIX_ORDER

    @property
    def n_features(self) -> int:
        """Number of calibration features of each channel."""
        return 2 + self.patch_size

    def fit(self, x: np.ndarray, positions: np.ndarray, is_own: bool) -> Fit:
        """Estimates the transform of a signal. `forward` can then apply it to other signals, or to parts of this one.

        Args:
            x: Signal `(channels, times)` in microvolts, as for `forward`.
            positions: Positions `(channels, 6)` of the electrodes and of their references on the unit sphere.
            is_own: Whether the transform will be applied to parts of this signal.
        """
        innovation = self.forward(x, positions)
        return Fit(innovation.stages, innovation.calibration, is_own)

    def forward(
        self,
        x: np.ndarray,
        positions: np.ndarray,
        n_calibration: int | None = None,
        has_memory: bool = False,
        fit: Fit | None = None,
    ) -> Innovation:
        """Maps a signal to the innovation space.

        Every sample belongs to a patch. The signal is extended at the left by mirroring, so that it has whole patches
        and, before them, the `n_memory` samples that the filters need.

        Args:
            x: Signal `(channels, times)` without events, in microvolts at the model's sampling rate. It must be at
                least one patch long.
            positions: Positions `(channels, 6)` of the electrodes and of their references on the unit sphere.
            n_calibration: Number of samples at the beginning from which filters and covariance are estimated. None:
                all samples. 0: no samples, so only the population counts.
            has_memory: Whether the first `n_memory` samples only are the memory of the filters, and do not belong to
                patches. This is for parts of a longer recording.
            fit: Transform to use. None: the transform is estimated from the signal.

        Raises:
            ValueError: `has_memory` is True, but there are no samples after the memory.
        """
        x = np.asarray(x, dtype=np.float64)
        size, memory = self.patch_size, self.n_memory
        n_in_patches = x.shape[-1] - memory if has_memory else x.shape[-1]
        if n_in_patches < 1:
            raise ValueError(
                f"The signal has {x.shape[-1]} samples, of which the filters need {memory} as their memory, so none "
                "are left for patches: give a longer signal."
            )
        n_patches = -(-n_in_patches // size)
        n_padding = memory + n_patches * size - x.shape[-1]
        x = mirror_left(x, n_padding)
        n_known = n_patches
        if n_calibration is not None:
            n_known = min(n_patches, max(0, n_padding + n_calibration - memory) // size)
        if fit is None:
            stages, calibration = self._estimate(x[:, : memory + n_known * size], positions, n_known, n_padding)
        else:
            whitening = replace(fit.stages[2], n_known=n_patches if fit.is_own else 0)
            stages, calibration = (*fit.stages[:2], whitening), fit.calibration
        values = x
        for stage in stages:
            values = stage.forward(values)
        return Innovation(values, calibration, stages, x[:, :memory].copy(), n_padding)

    def unprompted(self, positions: np.ndarray) -> Innovation:
        """Returns the innovation for generation from nothing, with the population's covariance and a memory of zeros.

        The calibration features say that there was a calibration, and that its result equals the population. Without a
        calibration, as in some training examples, the model would have to guess the amplitude of a person, and the
        amplitude would vary during the generation.

        Args:
            positions: Positions `(channels, 6)` of the channels to generate.
        """
        memory = np.zeros((len(positions), self.n_memory))
        stages, calibration = self._estimate(memory, positions, 0, 0)
        calibration[:, 1] = 1.0
        return Innovation(np.zeros((len(positions), 0)), calibration, stages, memory, self.n_memory)

    def inverse(self, values: np.ndarray, innovation: Innovation) -> np.ndarray:
        """Maps innovations back to microvolts, without events.

        Args:
            values: `innovation.values` followed by any number of patches, `(channels, patches * patch_size)`.
            innovation: Result of `forward` for the recording.

        Returns:
            Signal `(channels, times)` in microvolts at the model's sampling rate. It contains the recorded part of the
            memory and then all patches, so it begins with exactly the samples that `forward` received.
        """
        memories = [innovation.memory]
        for stage in innovation.stages[:-1]:
            memories.append(stage.forward(memories[-1]))
        x = np.asarray(values, dtype=np.float64)
        for stage, memory in zip(reversed(innovation.stages), reversed(memories), strict=True):
            x = stage.inverse(x, memory)
        return np.concatenate([innovation.memory, x], axis=-1)[:, innovation.n_padding :]

    def _estimate(
        self, x: np.ndarray, positions: np.ndarray, n_patches: int, n_padding: int
    ) -> tuple[tuple[SharedFilter, MatrixFilter, Whitening], np.ndarray]:
        """Estimates stages and calibration features from a recording `(channels, times)` with `n_patches` patches.

        The first `n_padding` samples of `x` are mirrored, not recorded.
        """
        population = self.population_covariance(positions)
        shared_filter = SharedFilter.estimate(x, n_patches, self.autocorrelation)
        if n_patches == 0:
            matrix_filter, whitening = self._of_population(population, positions)
            return (shared_filter, matrix_filter, whitening), np.zeros((len(x), self.n_features), dtype=np.float32)
        root, inverse_root = symmetric_roots(population.mean(axis=0))
        whitened, scale = moderated(inverse_root @ shared_filter.forward(x), self.patch_size, 1e-3 * self.scale)
        residual, roots = root @ whitened, symmetric_roots(population)[0]
        adapted = roots @ general_covariance(whitened) @ roots
        n_mirrored = max(0, n_padding - self.order)
        matrix_filter, covariance = MatrixFilter.estimate(residual, n_patches, n_mirrored, adapted, self.prior_patches)
        innovations = matrix_filter.forward(residual)
        whitening = Whitening.estimate(innovations, covariance, scale, self.patch_size, n_patches)
        calibration = np.empty((len(x), self.n_features), dtype=np.float32)
        calibration[:, 0] = np.log(scale / self.scale)
        calibration[:, 1] = 1.0
        calibration[:, 2:] = self._log_power(x, scale, np.einsum("kcc->ck", population))
        return (shared_filter, matrix_filter, whitening), calibration

    def _of_population(self, population: np.ndarray, positions: np.ndarray) -> tuple[MatrixFilter, Whitening]:
        """Computes the matrix filter and the whitening from the population only, if no sample is known."""
        covariances = windowed(population)
        if self.unprompted_shifts is not None:
            covariances = correct_coherence(covariances, self.unprompted_shifts, positions)
        matrices, covariance = solve_yule_walker(covariances)
        return MatrixFilter(matrices), Whitening(self.patch_size, self.scale * symmetric_roots(covariance)[0])

    def _log_power(self, x: np.ndarray, scale: float, population: np.ndarray) -> np.ndarray:
        """Computes the log power `(channels, patch_size)` of the DCT coefficients of `x`, minus the population's."""
        size = self.patch_size
        residual = scipy.signal.lfilter(self.ar_filter, [1.0], x, axis=-1)[:, self.n_memory :].reshape(
            len(x), -1, size
        )
        power = (scipy.fft.dct(residual, norm="ortho", axis=-1) / scale) ** 2
        energy = power.mean(axis=(0, 2))
        kept = np.minimum(1.0, LARGEST_ENERGY * np.median(energy) / np.maximum(energy, 1e-12))[:, None]
        own, n_patches = (kept * power).mean(axis=1) / kept.mean(), len(energy)
        mixed = (n_patches * own + FILTER_PRIOR_PATCHES * population) / (n_patches + FILTER_PRIOR_PATCHES)
        return np.log(mixed / population)

    def slow_covariance(self, positions: np.ndarray) -> np.ndarray:
        """Computes the population's covariance `(channels, channels)` of slow EEG without events.

        The covariance is in square microvolts.

        Args:
            positions: Positions `(channels, 6)` of electrodes and references on the unit sphere.
        """
        return np.tensordot(self._slow_power, self.population_covariance(positions), axes=1)

    @cached_property
    def _slow_power(self) -> np.ndarray:
        """Weights `(patch_size,)` of the population's covariances of the DCT coefficients in `slow_covariance`.

        The weight of a coefficient is the power in its frequency band if white noise passes through the inverse filter
        and a low-pass filter.
        """
        n_bands, n = self.patch_size, 64
        frequencies = (np.arange(n_bands * n) + 0.5) / (n_bands * n) * np.pi
        numerator, denominator = scipy.signal.butter(1, SLOW_CORNER)
        _, response = scipy.signal.freqz(numerator, np.convolve(denominator, self.ar_filter), frequencies)
        return self.scale**2 * (np.abs(response) ** 2).reshape(n_bands, n).mean(axis=-1) / n_bands

    def population_covariance(self, positions: np.ndarray) -> np.ndarray:
        """Computes the population's covariance between given channels, in units of `scale` squared.

        Args:
            positions: Positions `(channels, 6)` of electrodes and references on the unit sphere.

        Returns:
            Positive-definite covariances `(patch_size, channels, channels)`, one for each DCT coefficient.
        """
        basis = harmonics(positions)
        covariance = basis @ self.harmonic_covariance @ basis.T
        covariance += self.channel_variance[:, None, None] * np.eye(len(positions))
        return covariance
