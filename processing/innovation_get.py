# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The innovation space: the residual of EEG after linear statistics.

EEG has a 1/f spectrum and almost collinear channels. An invertible map removes both, so that the network can model
bursts, context and conditions. White noise through the inverse map already simulates the recording: the simulation is
linear and Gaussian, except for events:

    x  --events-->  y  --a(z)-->  u  --A(z)-->  e  --DCT per patch-->  c_k  --Sigma^(-1/2)-->  z_k

Heartbeats and blinks are subtracted first (see `events_get`). Three stages follow (see `stages_get`). `a(z)` is an
autoregressive filter that all channels share. `A(z)` is a filter of matrices, which removes what channels predict of
each other's next samples. `Sigma` is the covariance of the residual. The filters follow from covariances at lags
(Yule-Walker). These covariances mix the population's with the recording's. The population's are a function of
electrode positions, hence known for any montage. The recording's are smoothed over frequency by Parzen's window w_k:

    autocorrelation  r   = (n r_own + n_1 r_population) / (n + n_1)                         n patches seen
    covariances      R_k = (n w_k own_k + n_0 P_k) / (n + n_0)         n_0 = prior_patches (1 + channels / 40)

`P_k` are the covariances at lags of the spectrum P_f^(1/2) M P_f^(1/2). P_f is the population's spatial covariance at
frequency f. `M` is the covariance of the recording after whitening by the population. It pools all frequencies, so
that a few seconds determine it even with many channels. The prior is weak on purpose. A stronger prior predicts a
little better, but simulations then vary too little, and channels cohere too little. Filters that fit a recording
closely leave a smaller residual of it than of its continuation. So the innovations of the calibrated stretch are
divided by their own `deviation`, and the network sees the same size everywhere. The square root of Sigma is symmetric,
so that permuting the channels permutes the result.

The transform removes amplitude and band powers. Calibration features give them to the network.
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
    LARGEST_ENERGY,
    MATRIX_ORDER,
    MatrixFilter,
    SharedFilter,
    Whitening,
    moderated,
    windowed,
)

#: Corner of the low-pass that separates the slow part, as a share of half the sampling rate: 12 Hz at 100 Hz.
SLOW_CORNER = 0.24


@dataclass(frozen=True)
class Innovation:
    """One recording in the innovation space, with everything that the inverse needs.

    Attributes:
        values: `(channels, patches * patch_size)` float64, dimensionless, near unit variance: for each
            patch, its whitened DCT coefficients from low to high frequency.
        calibration: `(channels, 2 + patch_size)` float32: log overall scale, whether there was a calibration (both
            equal for all channels), then the log power of the channel at the frequency of each DCT coefficient. Scale
            and powers are relative to the population. All zero without calibration (but see `unprompted`).
        stages: The transform of this recording, first to last.
        memory: `(channels, order + MATRIX_ORDER)` microvolts: the samples just before `values` begins.
        n_padding: How many leading samples of memory and first patch were mirrored, not recorded.
    """

    values: np.ndarray
    calibration: np.ndarray
    stages: tuple[SharedFilter, MatrixFilter, Whitening]
    memory: np.ndarray
    n_padding: int

    def log_spectrum(self, n_frequencies: int) -> np.ndarray:
        """Logarithm of the power of white noise after the filters, up to a constant.

        Args:
            n_frequencies: Number of frequencies, equally spaced from 0 to half the sampling rate.

        Returns:
            `(channels, n_frequencies)`, natural logarithms.
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
    """The transform of a recording, and what it removes.

    Attributes:
        stages: The stages, first to last.
        calibration: See `Innovation.calibration`.
        is_own: Whether the recordings that it transforms are parts of the recording that it was estimated from.
    """

    stages: tuple[SharedFilter, MatrixFilter, Whitening]
    calibration: np.ndarray
    is_own: bool


class InnovationTransform:
    """Maps microvolts at the model's sampling rate to the innovation space and back.

    Args:
        patch_size: Samples in a patch.
        autocorrelation: `1, r_1 .. r_p` of the population, which determines its whitening filter of order p.
        scale: Root mean square of the population's innovations, in microvolts.
        harmonic_covariance: `(patch_size, 36, 36)`: the population's covariance of each DCT coefficient between
            spherical harmonics, in units of `scale`.
        channel_variance: `(patch_size,)`: the part of each channel's variance that no neighbour shares, in the same
            units.
        prior_patches: How many patches of a recording with few channels weigh as much as the population. It was chosen
            by how similar white noise through the transform is to unseen recordings.
        unprompted_shifts: `(patch_size, 5)`: value subtracted from the coherence of channels without a recording, at
            the frequency of each coefficient, see `correct_coherence`. Covariances averaged over people cohere less
            than covariances of single people. None: nothing is subtracted.
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
        """Order of the autoregressive filter that all channels share."""
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
        """Estimates the transform of a signal, for `forward` of other signals or of its parts.

        Args:
            x: `(channels, times)` in microvolts, as for `forward`.
            positions: `(channels, 6)` unit-sphere positions of the electrodes and of their references.
            is_own: Whether it will transform parts of this signal.
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

        Every sample belongs to a patch. Mirroring extends the signal at the left to whole patches, and by the
        `n_memory` samples before them that the filters need.

        Args:
            x: `(channels, times)` in microvolts at the model's sampling rate, at least one patch long, without
                events.
            positions: `(channels, 6)` unit-sphere positions of the electrodes and of their references.
            n_calibration: Number of leading samples from which filters and covariance are estimated. None: all.
                0: none, only the population counts.
            has_memory: Whether the first `n_memory` samples are only the filters' memory, so that only the samples
                after them belong to patches, as in crops from a longer recording.
            fit: The transform to use. None: it is estimated from the signal.

        Raises:
            ValueError: The signal `has_memory`, but no samples after it.
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
        """The innovation without any signal: the population's covariance and a silent past.

        The features declare a calibration whose result equals the population. If they declared no calibration, as
        some crops in training do, a model would have to guess the amplitude of a person, and would not keep to it.

        Args:
            positions: `(channels, 6)` positions of the channels to generate.
        """
        memory = np.zeros((len(positions), self.n_memory))
        stages, calibration = self._estimate(memory, positions, 0, 0)
        calibration[:, 1] = 1.0
        return Innovation(np.zeros((len(positions), 0)), calibration, stages, memory, self.n_memory)

    def inverse(self, values: np.ndarray, innovation: Innovation) -> np.ndarray:
        """Maps innovations back to microvolts, without events.

        Args:
            values: `(channels, patches * patch_size)`: `innovation.values`, continued by any number of patches.
            innovation: Result of `forward` for the beginning.

        Returns:
            `(channels, times)` in microvolts at the model's sampling rate: the recorded part of the memory, then all
            patches. It starts with exactly the samples that `forward` received.
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
        """Stages and calibration features of a recording `(channels, times)` with `n_patches` known patches.

        Its first `n_padding` samples are mirrored.
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
        """The stages without any known samples of the recording."""
        covariances = windowed(population)
        if self.unprompted_shifts is not None:
            covariances = correct_coherence(covariances, self.unprompted_shifts, positions)
        matrices, covariance = solve_yule_walker(covariances)
        return MatrixFilter(matrices), Whitening(self.patch_size, self.scale * symmetric_roots(covariance)[0])

    def _log_power(self, x: np.ndarray, scale: float, population: np.ndarray) -> np.ndarray:
        """Log power `(channels, patch_size)` of DCT coefficients of `(channels, times)`, minus the population's."""
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
        """Covariance `(channels, channels)` of slow EEG without events in the population, in square microvolts.

        Args:
            positions: `(channels, 6)` unit-sphere positions of electrodes and references.
        """
        return np.tensordot(self._slow_power, self.population_covariance(positions), axes=1)

    @cached_property
    def _slow_power(self) -> np.ndarray:
        """Weight in `slow_covariance` of the population's covariance of each coefficient, `(patch_size,)`.

        This is the power of its band in white noise after the inverse of the filter and a low-pass.
        """
        n_bands, n = self.patch_size, 64
        frequencies = (np.arange(n_bands * n) + 0.5) / (n_bands * n) * np.pi
        numerator, denominator = scipy.signal.butter(1, SLOW_CORNER)
        _, response = scipy.signal.freqz(numerator, np.convolve(denominator, self.ar_filter), frequencies)
        return self.scale**2 * (np.abs(response) ** 2).reshape(n_bands, n).mean(axis=-1) / n_bands

    def population_covariance(self, positions: np.ndarray) -> np.ndarray:
        """The population's covariance at given electrodes, in units of `scale` squared.

        Args:
            positions: `(channels, 6)` unit-sphere positions of electrodes and references.

        Returns:
            `(patch_size, channels, channels)`, positive definite.
        """
        basis = harmonics(positions)
        covariance = basis @ self.harmonic_covariance @ basis.T
        covariance += self.channel_variance[:, None, None] * np.eye(len(positions))
        return covariance
