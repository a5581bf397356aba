# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The innovation space: what is left of EEG once linear statistics have said all they can.

EEG is 1/f in time and almost collinear across channels. An invertible linear map takes both away, so that the
network spends itself on bursts, context and conditions, and white noise sent back through the inverse is
already a linear-Gaussian simulation of the recording:

    x  --A(z)-->  e  --DCT per patch-->  c_k  --(s^2 S_k)^(-1/2)-->  z_k           k = 0 .. patch_size - 1

`A(z)` is one autoregressive filter for everybody (Yule-Walker), `S_k` the spatial covariance of DCT
coefficient k and `s` the recording's overall scale. `S_k` is the posterior mean of an inverse-Wishart model:
the population's covariance, known for any montage as a function of electrode positions, updated by the
recording's own patches. The square root is the symmetric one, hence permuting channels permutes the result.
What this normalises away per recording (amplitude, band powers) is returned as calibration features for the
network to see.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import signal
from scipy.fft import dct, idct
from scipy.linalg import solve_toeplitz
from scipy.special import sph_harm_y

#: Degree of the spherical harmonics in which the population's covariance is written: (5 + 1)^2 = 36 of them.
DEGREE = 5
N_HARMONICS = (DEGREE + 1) ** 2


@dataclass(frozen=True)
class Innovation:
    """One recording in the innovation space, with what the way back needs.

    Attributes:
        values: `(channels, patches * patch_size)` float64, dimensionless, near unit variance: per patch, its
            whitened DCT coefficients from low to high frequency.
        calibration: `(channels, 2 + patch_size)` float32: log overall scale and amount of calibration (equal
            for all channels), then per DCT coefficient the log variance of the channel, each against the
            population. All zero where nothing was calibrated.
        covariance_root: `(patch_size, channels, channels)`, microvolts: symmetric roots of `s^2 S_k`.
        memory: `(channels, order)` microvolts: the samples just before `values` begins.
        n_padding: How many leading samples of memory and first patch were mirrored, not recorded.
    """

    values: np.ndarray
    calibration: np.ndarray
    covariance_root: np.ndarray
    memory: np.ndarray
    n_padding: int


class InnovationTransform:
    """Maps microvolts at the model's rate to the innovation space and back.

    Args:
        patch_size: Samples in a patch.
        ar_coefficients: `a_1 .. a_p` of the whitening filter `e_t = x_t + a_1 x_(t-1) + .. + a_p x_(t-p)`.
        scale: Root mean square of the population's innovations, in microvolts.
        harmonic_covariance: `(patch_size, 36, 36)`: the population's covariance of each DCT coefficient, in
            units of `scale`, between spherical harmonics.
        channel_variance: `(patch_size,)`: the part of each channel's variance that no neighbour shares, same
            units.
        prior_patches: How many patches of a recording weigh as much as the population (design choice,
            measured).
    """

    def __init__(
        self,
        patch_size: int,
        ar_coefficients: Sequence[float],
        scale: float,
        harmonic_covariance: np.ndarray,
        channel_variance: np.ndarray,
        prior_patches: float = 16.0,
    ):
        self.patch_size = patch_size
        self.ar_filter = np.concatenate([[1.0], np.asarray(ar_coefficients, dtype=np.float64)])
        self.scale = float(scale)
        self.harmonic_covariance = np.asarray(harmonic_covariance, dtype=np.float64)
        self.channel_variance = np.asarray(channel_variance, dtype=np.float64)
        self.prior_patches = float(prior_patches)

    @property
    def order(self) -> int:
        """Order of the autoregressive filter: samples of memory before the first patch."""
        return len(self.ar_filter) - 1

    @property
    def n_features(self) -> int:
        """Calibration features per channel."""
        return 2 + self.patch_size

    def forward(self, x: np.ndarray, positions: np.ndarray, n_calibration: int | None = None) -> Innovation:
        """Takes a signal to the innovation space.

        A signal of `order + n * patch_size` samples gives exactly n patches, its first `order` samples being
        the filter's memory. Any other length is first mirrored at the left to the next such length.

        Args:
            x: `(channels, times)` in microvolts at the model's rate, at least one patch long.
            positions: `(channels, 6)` unit-sphere positions of the electrodes and of their references.
            n_calibration: Leading samples that scale and covariance are estimated from. None: all; 0: none,
                the population alone.
        """
        x = np.asarray(x, dtype=np.float64)
        n_patches = -(-x.shape[-1] // self.patch_size)
        if (x.shape[-1] - self.order) % self.patch_size == 0:
            n_patches = (x.shape[-1] - self.order) // self.patch_size
        n_padding = self.order + n_patches * self.patch_size - x.shape[-1]
        x = mirror_left(x, n_padding)

        coefficients = self._coefficients(x)
        n_known = n_patches
        if n_calibration is not None:
            n_known = min(n_patches, max(0, n_padding + n_calibration - self.order) // self.patch_size)
        scale, covariance, calibration = self._calibrate(coefficients[:, :n_known], positions)
        root, inverse_root = symmetric_roots(covariance)
        values = np.einsum("kcd,dnk->cnk", inverse_root, coefficients) / scale
        return Innovation(
            values=values.reshape(len(x), -1),
            calibration=calibration,
            covariance_root=root * scale,
            memory=x[:, : self.order].copy(),
            n_padding=n_padding,
        )

    def nothing(self, positions: np.ndarray) -> Innovation:
        """The innovation of no signal at all: the population's covariance and a silent past.

        Args:
            positions: `(channels, 6)` positions of the channels to generate.
        """
        n_chans = len(positions)
        scale, covariance, calibration = self._calibrate(np.zeros((n_chans, 0, self.patch_size)), positions)
        return Innovation(
            values=np.zeros((n_chans, 0)),
            calibration=calibration,
            covariance_root=symmetric_roots(covariance)[0] * scale,
            memory=np.zeros((n_chans, self.order)),
            n_padding=self.order,
        )

    def inverse(self, values: np.ndarray, innovation: Innovation) -> np.ndarray:
        """Takes innovations back to microvolts.

        Args:
            values: `(channels, patches * patch_size)`: `innovation.values`, continued by as many patches as
                wished.
            innovation: What `forward` returned for the beginning.

        Returns:
            `(channels, times)` in microvolts at the model's rate: the recorded part of the memory, then all
            patches, so that it starts with the very samples `forward` was given.
        """
        n_chans = len(values)
        coefficients = np.asarray(values, dtype=np.float64).reshape(n_chans, -1, self.patch_size)
        coefficients = np.einsum("kcd,dnk->cnk", innovation.covariance_root, coefficients)
        residual = idct(coefficients, norm="ortho", axis=-1).reshape(n_chans, -1)
        state = np.stack([signal.lfiltic([1.0], self.ar_filter, past[::-1]) for past in innovation.memory])
        x, _ = signal.lfilter([1.0], self.ar_filter, residual, axis=-1, zi=state)
        return np.concatenate([innovation.memory, x], axis=-1)[:, innovation.n_padding :]

    def _coefficients(self, x: np.ndarray) -> np.ndarray:
        """DCT coefficients `(channels, patches, patch_size)` of the AR residual of `x`, microvolts."""
        residual = signal.lfilter(self.ar_filter, [1.0], x, axis=-1)[:, self.order :]
        return dct(residual.reshape(len(x), -1, self.patch_size), norm="ortho", axis=-1)

    def _calibrate(self, coefficients: np.ndarray, positions: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Scale (microvolts), `S_k` `(patch_size, channels, channels)` and calibration of a recording."""
        population = self.population_covariance(positions)
        n_chans, n_patches, _ = coefficients.shape
        if n_patches == 0:
            return self.scale, population, np.zeros((n_chans, self.n_features), dtype=np.float32)
        scale = max(population_scale(coefficients, population), 1e-3 * self.scale)
        weight = n_patches / (n_patches + self.prior_patches)
        own = np.einsum("cnk,dnk->kcd", coefficients, coefficients) / (n_patches * scale**2)
        covariance = weight * own + (1 - weight) * population
        calibration = np.empty((n_chans, self.n_features), dtype=np.float32)
        calibration[:, 0] = np.log(scale / self.scale)
        calibration[:, 1] = np.log1p(n_patches) / 5
        calibration[:, 2:] = np.log(np.einsum("kcc->ck", covariance) / np.einsum("kcc->ck", population))
        return scale, covariance, calibration

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

    @classmethod
    def fit(
        cls,
        recordings: Iterable[tuple[np.ndarray, np.ndarray]],
        patch_size: int = 25,
        order: int = 16,
        prior_patches: float = 16.0,
    ) -> "InnovationTransform":
        """Fits filter, scale and population covariance to a training corpus.

        Args:
            recordings: `(signal, positions)` pairs: `(channels, times)` microvolts at the model's rate, and
                `(channels, 6)`. Recordings with different channels may be mixed.
            patch_size: Samples in a patch.
            order: Order of the autoregressive filter.
            prior_patches: See the class.

        Raises:
            ValueError: No recording was given, or one without a whole patch.
        """
        recordings = list(recordings)
        if not recordings:
            raise ValueError("the innovation transform is fitted to recordings, and none was given")
        shortest = min(x.shape[-1] for x, _ in recordings)
        if shortest < order + patch_size:
            raise ValueError(
                f"a recording to fit has {shortest} samples, filter and patch need {order + patch_size}: leave it out"
            )
        autocorrelation = np.zeros(order + 1)
        for x, _ in recordings:
            unit = x / (np.sqrt(np.median(np.var(x, axis=-1))) + 1e-12)
            # the mean square bounds what one artefact-laden channel says
            unit = unit / np.maximum(1.0, np.std(unit, axis=-1, keepdims=True) / 3.0)
            n = unit.shape[-1]
            autocorrelation += [np.mean(unit[:, : n - lag] * unit[:, lag:]) for lag in range(order + 1)]
        autocorrelation[0] *= 1 + 1e-6
        ar_coefficients = solve_toeplitz(autocorrelation[:-1], -autocorrelation[1:])

        identity = np.zeros((patch_size, (DEGREE + 1) ** 2, (DEGREE + 1) ** 2))
        blank = cls(patch_size, ar_coefficients, 1.0, identity, np.ones(patch_size))
        energies, moments = [], []
        for x, positions in recordings:
            n_patches = (x.shape[-1] - order) // patch_size
            coefficients = blank._coefficients(x[:, -(order + n_patches * patch_size) :])
            # patches beyond a few times the usual energy are artefacts: the population is fitted without them
            energy = (coefficients**2).mean(-1)
            energies.append(np.median(energy))
            typical = np.median(energy, axis=0)
            kept = coefficients[:, typical < 9 * np.median(typical)] / np.sqrt(energies[-1])
            moments.append((np.einsum("cnk,dnk->kcd", kept, kept) / kept.shape[1], positions))
        scale = np.exp(np.mean(np.log(energies)) / 2)
        return cls(patch_size, ar_coefficients, scale, *fit_harmonics(moments), prior_patches)


def population_scale(coefficients: np.ndarray, population: np.ndarray) -> float:
    """Maximum-likelihood scale of DCT coefficients `(channels, patches, patch_size)` under `s^2 population`.

    The median over patches stands for the mean, so that artefacts do not count.
    """
    whitened = np.einsum("kcd,dnk->cnk", symmetric_roots(population)[1], coefficients)
    return float(np.sqrt(np.median((whitened**2).mean((0, 2)))))


def mirror_left(x: np.ndarray, n: int) -> np.ndarray:
    """Prepends n samples `(channels, n)` by odd reflection about the first one, repeatedly if need be."""
    while n > 0 and x.shape[-1] > 1:
        k = min(n, x.shape[-1] - 1)
        x = np.concatenate([2 * x[:, :1] - x[:, k:0:-1], x], axis=-1)
        n -= k
    return x


def harmonics(positions: np.ndarray) -> np.ndarray:
    """Real spherical harmonics of electrodes minus those of their references.

    Args:
        positions: `(channels, 6)`; a reference at the origin (common or unknown) subtracts nothing.

    Returns:
        `(channels, 36)`, degree by degree.
    """
    positions = np.asarray(positions, dtype=np.float64)
    has_reference = np.linalg.norm(positions[:, 3:], axis=-1, keepdims=True) > 0
    return _real_harmonics(positions[:, :3]) - has_reference * _real_harmonics(positions[:, 3:])


def _real_harmonics(xyz: np.ndarray) -> np.ndarray:
    polar = np.arccos(np.clip(xyz[:, 2], -1, 1))
    azimuth = np.arctan2(xyz[:, 1], xyz[:, 0])
    columns = []
    for degree in range(DEGREE + 1):
        for m in range(-degree, degree + 1):
            y = sph_harm_y(degree, abs(m), polar, azimuth)
            columns.append(y.real if m == 0 else np.sqrt(2) * (y.real if m > 0 else y.imag))
    return np.stack(columns, axis=-1)


def fit_harmonics(moments: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Writes average covariances `(patch_size, channels, channels)` as functions of position.

    Each recording's covariance is projected on the harmonics by ridge regression that damps high degrees
    (Perrin et al. 1989 weigh a spline's degrees alike), the projections are averaged, and what is left on the
    diagonal is the channels' own variance.
    """
    degrees = np.repeat(np.arange(DEGREE + 1), 2 * np.arange(DEGREE + 1) + 1)
    penalty = np.diag(1e-3 * (1.0 + degrees * (degrees + 1.0)) ** 2)
    projected, own = 0.0, []
    for covariance, positions in moments:
        basis = harmonics(positions)
        projector = np.linalg.solve(basis.T @ basis + penalty, basis.T)
        projection = projector @ covariance @ projector.T
        residual = np.einsum("kcc->kc", covariance - basis @ projection @ basis.T)
        projected = projected + projection / len(moments)
        own.append(np.median(residual, axis=-1))
    # medians: a loose electrode's noise is not the population's
    floor = 1e-3 * np.einsum("kii->k", projected) / (DEGREE + 1) ** 2
    return projected, np.maximum(np.median(own, axis=0), floor)


def symmetric_roots(covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric square root and inverse root of covariances `(..., channels, channels)`."""
    eigenvalues, vectors = np.linalg.eigh(covariance)
    eigenvalues = np.maximum(eigenvalues, 1e-9 * eigenvalues[..., -1:])
    root = (vectors * np.sqrt(eigenvalues)[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    inverse = (vectors / np.sqrt(eigenvalues)[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    return root, inverse


def pack(covariance: np.ndarray) -> str:
    """Symmetric matrices `(patch_size, 36, 36)` as text: upper triangles, little-endian float32, base64."""
    upper = np.asarray(covariance)[:, *np.triu_indices(N_HARMONICS)]
    return base64.b64encode(upper.astype("<f4").tobytes()).decode()


def unpack(text: str, patch_size: int) -> np.ndarray:
    """The inverse of `pack`, `(patch_size, 36, 36)` float64."""
    upper = np.frombuffer(base64.b64decode(text), "<f4").reshape(patch_size, -1)
    covariance = np.zeros((patch_size, N_HARMONICS, N_HARMONICS))
    covariance[:, *np.triu_indices(N_HARMONICS)] = upper
    return covariance + np.swapaxes(np.triu(covariance, 1), -1, -2)


def generic_covariance(patch_size: int) -> np.ndarray:
    """Harmonics that are independent, low degrees stronger, as volume conduction makes them."""
    degrees = np.repeat(np.arange(DEGREE + 1), 2 * np.arange(DEGREE + 1) + 1)
    return np.tile(np.diag(10.0 * np.exp(-degrees.astype(float))), (patch_size, 1, 1))
