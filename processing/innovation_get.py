# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The innovation space: what is left of EEG once linear statistics have said all they can.

EEG is 1/f in time and almost collinear across channels. An invertible map takes both away, so that the network spends
itself on bursts, context and conditions, and white noise sent back through the inverse is already a simulation of the
recording, linear and Gaussian but for its events:

    x  --events-->  y  --a(z)-->  u  --A(z)-->  e  --DCT per patch-->  c_k  --Sigma^(-1/2)-->  z_k

Heartbeats and blinks are subtracted first (see `heartbeats_get`, `blinks_get`). `a(z)` is an autoregressive filter
that all channels share. `A(z)` is a filter of matrices, which removes what channels say of each other's next samples.
`Sigma` is the covariance of the residual. The filters follow from covariances at lags (Yule-Walker): those of the
population, known for any montage as a function of electrode positions, and those seen of the recording, smoothed over
frequency by Parzen's window w_k:

    autocorrelation  r   = (n r_own + n_1 r_population) / (n + n_1)                         n patches seen
    covariances      R_k = (n w_k own_k + n_0 P_k) / (n + n_0)         n_0 = prior_patches (1 + channels / 40)

`P_k` are the covariances at lags of the spectrum P_f^(1/2) M P_f^(1/2), with P_f the population's spatial covariance
at frequency f and `M` the covariance of the recording whitened by the population's, which pools all frequencies and
so is known after a few seconds even where channels are many. The prior is weak on purpose: an estimate drawn towards
the population predicts a little better, but a set of recordings made from such estimates is too much alike, and its
channels cohere too little. But filters that fit a recording closely leave less of it than they will of what follows:
the innovations of the stretch that was calibrated on are divided by their own `deviation`, so that a network sees
those of one size everywhere. The square root of Sigma is the symmetric one, hence permuting channels permutes the
result.

What all this normalises away per recording (amplitude, band powers) is returned as calibration features for the
network to see.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

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
from .blinks_get import BlinkPopulation, Blinks, no_blinks
from .coherence_get import correct_coherence
from .heartbeats_get import Heartbeats, find_heartbeats, no_heartbeats
from .population_get import general_covariance, harmonics, symmetric_roots
from .signal_get import mirror_left

#: Patches of a recording that weigh as much as the population where the filter that all channels share is concerned,
#: and the power that is told to the network.
FILTER_PRIOR_PATCHES = 1.0
#: Order of the filter of matrices.
MATRIX_ORDER = 60
#: How much more energy than the typical patch's counts at most, so that artefacts do not make the covariance.
LARGEST_ENERGY = 3.0
#: Corner of the low-pass that separates the slow part, as a share of half the rate: 12 Hz at 100 Hz.
SLOW_CORNER = 0.24


@dataclass(frozen=True)
class Innovation:
    """One recording in the innovation space, with what the way back needs.

    Attributes:
        values: `(channels, patches * patch_size)` float64, dimensionless, near unit variance: per patch, its
            whitened DCT coefficients from low to high frequency.
        calibration: `(channels, 2 + patch_size)` float32: log overall scale, whether there was anything to calibrate
            on (both equal for all channels), then the log power of the channel at the frequency of each DCT
            coefficient, each against the population. All zero where nothing was calibrated (but see `nothing`).
        ar_filter: `(1 + order,)`: the filter `1, a_1, ..` of this recording that all channels share.
        matrices: `(1 + MATRIX_ORDER, channels, channels)`: the filter `I, A_1, ..` of what that one leaves.
        covariance_root: `(channels, channels)`, microvolts: symmetric root of `Sigma`.
        memory: `(channels, order + MATRIX_ORDER)` microvolts: the samples just before `values` begins, without
            events.
        heartbeats: The heartbeats that were taken out.
        blinks: The blinks that were taken out then.
        deviation: Root mean square of the calibrated patches before they were divided by it; 1 without any.
        n_known: How many patches at the beginning those are.
        n_padding: How many leading samples of memory and first patch were mirrored, not recorded.
    """

    values: np.ndarray
    calibration: np.ndarray
    heartbeats: Heartbeats
    blinks: Blinks
    ar_filter: np.ndarray
    matrices: np.ndarray
    covariance_root: np.ndarray
    deviation: float
    memory: np.ndarray
    n_known: int
    n_padding: int

    def log_spectrum(self, n_frequencies: int) -> np.ndarray:
        """Logarithm of the power that the filters make of white noise, but for a constant.

        Args:
            n_frequencies: Equally spaced, from 0 to half the rate.

        Returns:
            `(channels, n_frequencies)`, natural logarithms.
        """
        angles = np.linspace(0, np.pi, n_frequencies)
        shared, own = (
            np.tensordot(np.exp(-1j * np.outer(angles, np.arange(len(taps)))), taps, axes=1)
            for taps in (self.ar_filter, self.matrices)
        )
        made = np.linalg.solve(own, np.broadcast_to(self.covariance_root, own.shape))
        return np.log((np.abs(made) ** 2).sum(axis=-1)).T - 2 * np.log(np.abs(shared))


@dataclass(frozen=True)
class _Statistics:
    """What a recording, or none, makes of the transform; see `Innovation`."""

    ar_filter: np.ndarray
    matrices: np.ndarray
    covariance_root: np.ndarray
    calibration: np.ndarray
    deviation: float = 1.0


class InnovationTransform:
    """Maps microvolts at the model's rate to the innovation space and back.

    Args:
        patch_size: Samples in a patch.
        autocorrelation: `1, r_1 .. r_p` of the population, which its whitening filter of order p follows from.
        scale: Root mean square of the population's innovations, in microvolts.
        harmonic_covariance: `(patch_size, 36, 36)`: the population's covariance of each DCT coefficient, in
            units of `scale`, between spherical harmonics.
        channel_variance: `(patch_size,)`: the part of each channel's variance that no neighbour shares, same
            units.
        prior_patches: How many patches of a recording of few channels weigh as much as the population (chosen by
            how alike white noise through the transform is to unseen recordings).
        blinks: How the population blinks; None: blinks are left where they are, and none are made.
        unprompted_shifts: `(patch_size, 5)`: what is taken off the coherence of channels without any recording, at the
            frequency of each coefficient, see `correct_coherence`. Covariances that are averaged over people cohere
            less than the covariances of single people do. None: nothing.
    """

    def __init__(
        self,
        patch_size: int,
        autocorrelation: Sequence[float],
        scale: float,
        harmonic_covariance: np.ndarray,
        channel_variance: np.ndarray,
        prior_patches: float = 0.1,
        blinks: BlinkPopulation | None = None,
        unprompted_shifts: Sequence[Sequence[float]] | None = None,
    ):
        self.patch_size = patch_size
        self.autocorrelation = np.asarray(autocorrelation, dtype=np.float64)
        self.ar_filter = whitening_filter(self.autocorrelation)
        self.scale = float(scale)
        self.harmonic_covariance = np.asarray(harmonic_covariance, dtype=np.float64)
        self.channel_variance = np.asarray(channel_variance, dtype=np.float64)
        self.prior_patches = float(prior_patches)
        self.blinks = blinks
        self.unprompted_shifts = None if unprompted_shifts is None else np.asarray(unprompted_shifts, np.float64)

    @property
    def order(self) -> int:
        """Order of the autoregressive filter that all channels share."""
        return len(self.autocorrelation) - 1

    @property
    def n_memory(self) -> int:
        """Samples before the first patch that both filters look back on."""
        return self.order + MATRIX_ORDER

    @property
    def n_features(self) -> int:
        """Calibration features per channel."""
        return 2 + self.patch_size

    @cached_property
    def slow_power(self) -> np.ndarray:
        """What the population's covariance of each coefficient, in units of `scale`, adds to that of the slow part."""
        return self.scale**2 * _slow_response(self.ar_filter, self.patch_size) / self.patch_size

    def forward(
        self,
        x: np.ndarray,
        positions: np.ndarray,
        n_calibration: int | None = None,
        has_memory: bool = False,
    ) -> Innovation:
        """Takes a signal to the innovation space.

        Every sample belongs to a patch: the signal is mirrored at the left to whole patches and the `n_memory` samples
        before them that the filters look back on.

        Args:
            x: `(channels, times)` in microvolts at the model's rate, at least one patch long.
            positions: `(channels, 6)` unit-sphere positions of the electrodes and of their references.
            n_calibration: Leading samples that filters and covariance are estimated from. None: all; 0: none, the
                population alone.
            has_memory: Whether the first `n_memory` samples are nothing but the filters' memory, so that only what
                follows them belongs to patches, as in crops out of a longer recording.

        Raises:
            ValueError: A signal that `has_memory` and nothing after it.
        """
        x = np.asarray(x, dtype=np.float64)
        size, memory = self.patch_size, self.n_memory
        n_in_patches = x.shape[-1] - memory if has_memory else x.shape[-1]
        if n_in_patches < 1:
            raise ValueError(f"{x.shape[-1]} samples, {memory} of them memory, leave none for patches: give more.")
        heartbeats, blinks, x = self._take_events_out(x, positions)
        n_patches = -(-n_in_patches // size)
        n_padding = memory + n_patches * size - x.shape[-1]
        x = mirror_left(x, n_padding)

        n_known = n_patches
        if n_calibration is not None:
            n_known = min(n_patches, max(0, n_padding + n_calibration - memory) // size)
        statistics = self._statistics(x[:, : memory + n_known * size], positions, n_known, n_padding)
        residual = scipy.signal.lfilter(statistics.ar_filter, [1.0], x, axis=-1)
        residual = whiten(statistics.matrices, residual[:, self.order :]).reshape(len(x), -1, size)
        coefficients = scipy.fft.dct(residual, norm="ortho", axis=-1).reshape(len(x), -1)
        values = np.linalg.solve(statistics.covariance_root, coefficients)
        values[:, : n_known * size] /= statistics.deviation
        return Innovation(
            values=values,
            heartbeats=heartbeats,
            blinks=blinks,
            n_known=n_known,
            n_padding=n_padding,
            memory=x[:, :memory].copy(),
            **vars(statistics),
        )

    def without_events(self, x: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """What is left of a recording `(channels, times)` without heartbeats and blinks; see `forward`."""
        return self._take_events_out(x, positions)[-1]

    def nothing(self, positions: np.ndarray) -> Innovation:
        """The innovation of no signal at all: the population's covariance and a silent past.

        The features say that it was calibrated, on what is just like the population. Told that nothing is known, as
        crops now and then are in training, a model has to guess how loud a person is, and does not keep to its guess.

        Args:
            positions: `(channels, 6)` positions of the channels to generate.
        """
        memory = np.zeros((len(positions), self.n_memory))
        statistics = self._statistics(memory, positions, 0)
        statistics.calibration[:, 1] = 1.0
        return Innovation(
            values=np.zeros((len(positions), 0)),
            heartbeats=no_heartbeats(len(positions), 0),
            blinks=self._find_blinks(np.zeros((len(positions), 0)), positions),
            n_known=0,
            n_padding=self.n_memory,
            memory=memory,
            **vars(statistics),
        )

    def _slow_part(self, population: np.ndarray) -> np.ndarray:
        """Covariance of the slow part, in square microvolts, of `population_covariance`'s."""
        return np.tensordot(self.slow_power, population, axes=1)

    def _take_events_out(self, x: np.ndarray, positions: np.ndarray) -> tuple[Heartbeats, Blinks, np.ndarray]:
        """Those of `(channels, times)`, and what is left."""
        heartbeats = find_heartbeats(x, positions)
        x = x - heartbeats.signal
        blinks = self._find_blinks(x, positions)
        return heartbeats, blinks, x - blinks.signal

    def _find_blinks(self, x: np.ndarray, positions: np.ndarray) -> Blinks:
        """The blinks of `(channels, times)`."""
        if self.blinks is None:
            return no_blinks(*x.shape)
        noise = self._slow_part(self.population_covariance(positions))
        return self.blinks.find(x, positions, noise) if x.size else self.blinks.nothing(positions, noise)

    def inverse(self, values: np.ndarray, innovation: Innovation) -> np.ndarray:
        """Takes innovations back to microvolts, without events; see `events`.

        Args:
            values: `(channels, patches * patch_size)`: `innovation.values`, continued by as many patches as
                wished.
            innovation: What `forward` returned for the beginning.

        Returns:
            `(channels, times)` in microvolts at the model's rate: the recorded part of the memory, then all
            patches, so that it starts with the very samples `forward` was given, but for their events.
        """
        n_chans, memory = len(values), innovation.memory
        values = np.array(values, dtype=np.float64)
        values[:, : innovation.n_known * self.patch_size] *= innovation.deviation
        coefficients = innovation.covariance_root @ values
        residual = scipy.fft.idct(coefficients.reshape(n_chans, -1, self.patch_size), norm="ortho", axis=-1)
        before = scipy.signal.lfilter(innovation.ar_filter, [1.0], memory, axis=-1)[:, self.order :]
        residual = unwhiten(innovation.matrices, residual.reshape(n_chans, -1), before)
        state = np.stack([scipy.signal.lfiltic([1.0], innovation.ar_filter, past[::-1]) for past in memory])
        x, _ = scipy.signal.lfilter([1.0], innovation.ar_filter, residual, axis=-1, zi=state)
        return np.concatenate([memory, x], axis=-1)[:, innovation.n_padding :]

    def events(
        self, values: np.ndarray, innovation: Innovation, conditions: tuple[Sequence[int], Sequence[int]]
    ) -> np.ndarray:
        """What heartbeats and blinks add to `inverse`, of whose shape it is.

        Args:
            values: See `inverse`.
            innovation: See `inverse`.
            conditions: Condition ids of (some) patches of the beginning, and of each that follows: the continuation
                blinks as people do in them.
        """
        heartbeats, blinks = innovation.heartbeats, innovation.blinks
        patches = values[:, innovation.values.shape[-1] :].reshape(len(values), -1, self.patch_size)
        added = heartbeats.continued(patches)
        if self.blinks is not None:
            added += blinks.topographies @ self.blinks.continue_courses(blinks, patches, *conditions)
        return np.concatenate([heartbeats.signal + blinks.signal, added], axis=-1)

    def _statistics(self, x: np.ndarray, positions: np.ndarray, n_patches: int, n_padding: int = 0) -> _Statistics:
        """Filters, covariance and calibration of a recording `(channels, times)` of which `n_patches` are known.

        Its first `n_padding` samples are mirrored.
        """
        n_chans = len(x)
        population = self.population_covariance(positions)
        if n_patches == 0:
            covariances = _windowed(population)
            if self.unprompted_shifts is not None:
                covariances = correct_coherence(covariances, self.unprompted_shifts, positions)
            matrices, covariance = solve_yule_walker(covariances)
            calibration = np.zeros((n_chans, self.n_features), dtype=np.float32)
            root = self.scale * symmetric_roots(covariance)[0]
            return _Statistics(self.ar_filter, matrices, root, calibration)

        ar_filter = self.own_filter(x, n_patches)
        residual = scipy.signal.lfilter(ar_filter, [1.0], x, axis=-1)[:, self.order :]
        root, inverse_root = symmetric_roots(population.mean(axis=0))
        whitened = inverse_root @ residual
        scale = self._moderate(whitened)
        roots, _ = symmetric_roots(population)
        prior = _windowed(roots @ general_covariance(whitened) @ roots)
        weight = n_patches / (n_patches + self.prior_patches * (1 + n_chans / 40))
        residual = root @ whitened
        # what is mirrored runs backwards: its phases would undo a part of the coherence of channels that have one
        recorded = residual[:, max(0, n_padding - self.order) :]
        own = lag_window(MATRIX_ORDER)[:, None, None] * lagged_covariance(recorded, MATRIX_ORDER)
        matrices, covariance = solve_yule_walker(weight * own + (1 - weight) * prior)

        calibration = np.empty((n_chans, self.n_features), dtype=np.float32)
        calibration[:, 0] = np.log(scale / self.scale)
        calibration[:, 1] = 1.0
        calibration[:, 2:] = self._log_power(x, scale, np.einsum("kcc->ck", population))
        innovations = whiten(matrices, residual)
        left = np.sum(innovations * np.linalg.solve(covariance, innovations)) / innovations.size
        root, _ = symmetric_roots(covariance)
        return _Statistics(ar_filter, matrices, scale * root, calibration, float(np.sqrt(left)))

    def own_filter(self, x: np.ndarray, n_patches: int) -> np.ndarray:
        """Filter that all channels of a recording share, of `x` `(channels, times)`, `n_patches` of them."""
        own = mean_autocorrelation(x, self.order)
        weight = n_patches / (n_patches + FILTER_PRIOR_PATCHES)
        return whitening_filter(weight * own + (1 - weight) * self.autocorrelation)

    def _log_power(self, x: np.ndarray, scale: float, population: np.ndarray) -> np.ndarray:
        """Log power `(channels, patch_size)` of DCT coefficients of `x` `(channels, times)`, over the population's."""
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

    def _moderate(self, whitened: np.ndarray) -> float:
        """Bounds the energy of artefacts in `(channels, times)`, in place, to unit scale; returns the scale."""
        # the maximum-likelihood scale, the median over time standing for the mean so that artefacts do not count
        energy, kept = bound_artefacts(whitened, self.patch_size, LARGEST_ENERGY)
        scale = max(np.sqrt(energy), 1e-3 * self.scale)
        whitened *= np.sqrt(kept / max(kept.mean(), 1e-12)) / scale
        return scale

    def population_covariance(self, positions: np.ndarray) -> np.ndarray:
        """What the population's covariance is at given electrodes, in units of `scale` squared.

        Args:
            positions: `(channels, 6)` unit-sphere positions of electrodes and references.

        Returns:
            `(patch_size, channels, channels)`, positive definite.
        """
        basis = harmonics(positions)
        covariance = basis @ self.harmonic_covariance @ basis.T
        covariance += self.channel_variance[:, None, None] * np.eye(len(positions))
        return covariance


def _slow_response(ar_filter: np.ndarray, n_bands: int) -> np.ndarray:
    """Power `(n_bands,)` that white noise through `1 / ar_filter` and a low-pass has in each of equal bands."""
    n = 64
    frequencies = (np.arange(n_bands * n) + 0.5) / (n_bands * n) * np.pi
    numerator, denominator = scipy.signal.butter(1, SLOW_CORNER)
    _, response = scipy.signal.freqz(numerator, np.convolve(denominator, ar_filter), frequencies)
    return (np.abs(response) ** 2).reshape(n_bands, n).mean(axis=-1)


def _windowed(spectrum: np.ndarray) -> np.ndarray:
    """Covariances at lags `(1 + MATRIX_ORDER, channels, channels)` of a spectrum `(patch_size, channels, channels)`.

    So coarse a spectrum has covariances at as many lags as it has frequencies, and none beyond.
    """
    n_lags = len(spectrum) - 1
    covariances = lag_window(n_lags)[:, None, None] * covariance_from_spectrum(spectrum, n_lags)
    return np.pad(covariances[: MATRIX_ORDER + 1], ((0, max(0, MATRIX_ORDER - n_lags)), (0, 0), (0, 0)))
