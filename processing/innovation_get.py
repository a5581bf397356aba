# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The innovation space: what is left of EEG once linear statistics have said all they can.

EEG is 1/f in time and almost collinear across channels. An invertible linear map takes both away, so that the
network spends itself on bursts, context and conditions, and white noise sent back through the inverse is
already a linear-Gaussian simulation of the recording:

    x  --A(z)-->  e  --DCT per patch-->  c_k  --(s^2 S_k)^(-1/2)-->  z_k           k = 0 .. patch_size - 1

`A(z)` is an autoregressive filter (Yule-Walker), `S_k` the spatial covariance of DCT coefficient k and `s` the
recording's overall scale. Filter and covariances are those of the population, the latter known for any montage
as a function of electrode positions, updated by what was seen of the recording:

    autocorrelation  r = (n r_own + n_0 r_population) / (n + n_0)                    n patches seen
    covariance       S_k = (n own_k + n_0 P_k^(1/2) M P_k^(1/2)) / (n + n_0)         P_k of the population

`M`, the covariance of the recording whitened by the population's, pools all coefficients and so is known after
a few seconds even where channels are many; `own_k` takes its correlations from the neighbouring coefficients
too. The square root is the symmetric one, hence permuting channels permutes the result. What this normalises
away per recording (amplitude, band powers) is returned as calibration features for the network to see.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy

#: Coefficients at either side that lend a coefficient their correlations between channels.
NEIGHBOURS = 2
#: How much more energy than the typical patch's counts at most, so that artefacts do not make the covariance.
LARGEST_ENERGY = 3.0
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
            for all channels), then the log power of the channel at the frequency of each DCT coefficient, each
            against the population. All zero where nothing was calibrated.
        ar_filter: `(1 + order,)`: the whitening filter `1, a_1, ..`, of this recording.
        covariance_root: `(patch_size, channels, channels)`, microvolts: symmetric roots of `s^2 S_k`.
        memory: `(channels, order)` microvolts: the samples just before `values` begins.
        n_padding: How many leading samples of memory and first patch were mirrored, not recorded.
    """

    values: np.ndarray
    calibration: np.ndarray
    ar_filter: np.ndarray
    covariance_root: np.ndarray
    memory: np.ndarray
    n_padding: int


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
        prior_patches: How many patches of a recording weigh as much as the population (chosen by the
            likelihood of unseen recordings).
    """

    def __init__(
        self,
        patch_size: int,
        autocorrelation: Sequence[float],
        scale: float,
        harmonic_covariance: np.ndarray,
        channel_variance: np.ndarray,
        prior_patches: float = 8.0,
    ):
        self.patch_size = patch_size
        self.autocorrelation = np.asarray(autocorrelation, dtype=np.float64)
        self.ar_filter = whitening_filter(self.autocorrelation)
        self.scale = float(scale)
        self.harmonic_covariance = np.asarray(harmonic_covariance, dtype=np.float64)
        self.channel_variance = np.asarray(channel_variance, dtype=np.float64)
        self.prior_patches = float(prior_patches)

    @property
    def order(self) -> int:
        """Order of the autoregressive filter: samples of memory before the first patch."""
        return len(self.autocorrelation) - 1

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
            n_calibration: Leading samples that filter, scale and covariance are estimated from. None: all; 0:
                none, the population alone.
        """
        x = np.asarray(x, dtype=np.float64)
        n_patches = -(-x.shape[-1] // self.patch_size)
        if (x.shape[-1] - self.order) % self.patch_size == 0:
            n_patches = (x.shape[-1] - self.order) // self.patch_size
        n_padding = self.order + n_patches * self.patch_size - x.shape[-1]
        x = mirror_left(x, n_padding)

        n_known = n_patches
        if n_calibration is not None:
            n_known = min(n_patches, max(0, n_padding + n_calibration - self.order) // self.patch_size)
        ar_filter = self._own_filter(x[:, : self.order + n_known * self.patch_size], n_known)
        coefficients = self._coefficients(x, ar_filter)
        scale, covariance, calibration = self._calibrate(coefficients[:, :n_known], positions, ar_filter)
        root, inverse_root = symmetric_roots(covariance)
        values = np.einsum("kcd,dnk->cnk", inverse_root, coefficients) / scale
        return Innovation(
            values=values.reshape(len(x), -1),
            calibration=calibration,
            ar_filter=ar_filter,
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
        silence = np.zeros((n_chans, 0, self.patch_size))
        scale, covariance, calibration = self._calibrate(silence, positions, self.ar_filter)
        return Innovation(
            values=np.zeros((n_chans, 0)),
            calibration=calibration,
            ar_filter=self.ar_filter,
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
        residual = scipy.fft.idct(coefficients, norm="ortho", axis=-1).reshape(n_chans, -1)
        state = np.stack([scipy.signal.lfiltic([1.0], innovation.ar_filter, past[::-1]) for past in innovation.memory])
        x, _ = scipy.signal.lfilter([1.0], innovation.ar_filter, residual, axis=-1, zi=state)
        return np.concatenate([innovation.memory, x], axis=-1)[:, innovation.n_padding :]

    def _own_filter(self, x: np.ndarray, n_patches: int) -> np.ndarray:
        """Whitening filter of a recording of which `n_patches` are known, `x` `(channels, times)`."""
        if n_patches == 0:
            return self.ar_filter
        own = mean_autocorrelation(x, self.order)
        weight = n_patches / (n_patches + self.prior_patches)
        return whitening_filter(weight * own + (1 - weight) * self.autocorrelation)

    def _coefficients(self, x: np.ndarray, ar_filter: np.ndarray) -> np.ndarray:
        """DCT coefficients `(channels, patches, patch_size)` of the AR residual of `x`, microvolts."""
        residual = scipy.signal.lfilter(ar_filter, [1.0], x, axis=-1)[:, self.order :]
        return scipy.fft.dct(residual.reshape(len(x), -1, self.patch_size), norm="ortho", axis=-1)

    def _calibrate(
        self, coefficients: np.ndarray, positions: np.ndarray, ar_filter: np.ndarray
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Scale (microvolts), `S_k` `(patch_size, channels, channels)` and calibration of a recording."""
        population = self.population_covariance(positions)
        n_chans, n_patches, _ = coefficients.shape
        if n_patches == 0:
            return self.scale, population, np.zeros((n_chans, self.n_features), dtype=np.float32)
        root, inverse_root = symmetric_roots(population)
        whitened = np.einsum("kcd,dnk->cnk", inverse_root, coefficients)
        energy = (whitened**2).mean((0, 2))
        # the maximum-likelihood scale, the median over patches standing for the mean so that artefacts do not count
        scale = max(float(np.sqrt(np.median(energy))), 1e-3 * self.scale)
        share = np.minimum(1.0, LARGEST_ENERGY * scale**2 / np.maximum(energy, 1e-12))
        moderation = np.sqrt(share / share.mean())[:, None] / scale

        general = general_covariance(whitened * moderation)
        expected = root @ general @ root
        own = neighbourly_covariance(coefficients * moderation)
        weight = n_patches / (n_patches + self.prior_patches)
        covariance = weight * own + (1 - weight) * expected

        power = np.log(np.einsum("kcc->ck", covariance) / np.einsum("kcc->ck", population))
        power += log_response(self.ar_filter, self.patch_size) - log_response(ar_filter, self.patch_size)
        calibration = np.empty((n_chans, self.n_features), dtype=np.float32)
        calibration[:, 0] = np.log(scale / self.scale)
        calibration[:, 1] = np.log1p(n_patches) / 5
        calibration[:, 2:] = power
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
        order: int = 24,
        prior_patches: float = 8.0,
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
        autocorrelation = np.mean([mean_autocorrelation(x, order) for x, _ in recordings], axis=0)
        identity = np.zeros((patch_size, N_HARMONICS, N_HARMONICS))
        blank = cls(patch_size, autocorrelation, 1.0, identity, np.ones(patch_size), prior_patches)
        energies, moments = [], []
        for x, positions in recordings:
            n_patches = (x.shape[-1] - order) // patch_size
            x = x[:, -(order + n_patches * patch_size) :]
            coefficients = blank._coefficients(x, blank._own_filter(x, n_patches))
            # patches beyond a few times the usual energy are artefacts: the population is fitted without them
            energy = (coefficients**2).mean(-1)
            energies.append(np.median(energy))
            typical = np.median(energy, axis=0)
            kept = coefficients[:, typical < 9 * np.median(typical)] / np.sqrt(energies[-1])
            moments.append((np.einsum("cnk,dnk->kcd", kept, kept) / kept.shape[1], positions))
        scale = np.exp(np.mean(np.log(energies)) / 2)
        return cls(patch_size, autocorrelation, scale, *fit_harmonics(moments), prior_patches)


def mean_autocorrelation(x: np.ndarray, order: int) -> np.ndarray:
    """Autocorrelation `1, r_1 .. r_order` of `(channels, times)`, channels weighted by power, artefacts bounded.

    The biased estimator, which is positive definite: whatever it is mixed with, the filter's inverse is stable.
    """
    variance = np.var(x, axis=-1, keepdims=True)
    # one artefact-laden channel is not to speak for all
    weight = 1.0 / np.maximum(variance, np.median(variance) * 9 + 1e-12)
    products = [np.sum(weight * x[:, : x.shape[-1] - lag] * x[:, lag:]) for lag in range(order + 1)]
    return np.array(products) / (products[0] + 1e-12)


def whitening_filter(autocorrelation: np.ndarray) -> np.ndarray:
    """`1, a_1 .. a_p` of the filter `e_t = x_t + a_1 x_(t-1) + .. + a_p x_(t-p)` (Yule-Walker)."""
    if len(autocorrelation) == 1:
        return np.ones(1)
    column = autocorrelation[:-1].copy()
    column[0] *= 1 + 1e-6
    return np.concatenate([[1.0], scipy.linalg.solve_toeplitz(column, -autocorrelation[1:])])


def log_response(ar_filter: np.ndarray, patch_size: int) -> np.ndarray:
    """Log power response `(patch_size,)` of a filter at the frequencies of the DCT coefficients."""
    _, response = scipy.signal.freqz(ar_filter, worN=np.pi * np.arange(patch_size) / patch_size)
    return np.log(np.abs(response) ** 2)


def general_covariance(whitened: np.ndarray) -> np.ndarray:
    """Covariance `(channels, channels)` that all coefficients `(channels, patches, patch_size)` share, shrunk to 1."""
    n_chans = len(whitened)
    flat = whitened.reshape(n_chans, -1)
    covariance = flat @ flat.T
    # of unit variance, as its scale is a matter of its own
    covariance *= n_chans / max(np.trace(covariance), 1e-12)
    weight = flat.shape[1] / (flat.shape[1] + 4 * n_chans)
    return weight * covariance + (1 - weight) * np.eye(n_chans)


def neighbourly_covariance(coefficients: np.ndarray) -> np.ndarray:
    """Covariances `(patch_size, channels, channels)` of coefficients `(channels, patches, patch_size)`.

    Variances are each coefficient's own, correlations the mean over `NEIGHBOURS` coefficients at either side: they
    change slowly with frequency, and a mean of several is known after as many times fewer patches.
    """
    n_coefficients = coefficients.shape[-1]
    covariance = np.einsum("cnk,dnk->kcd", coefficients, coefficients) / coefficients.shape[1]
    deviation = np.sqrt(np.einsum("kcc->kc", covariance)) + 1e-12
    correlation = covariance / deviation[:, :, None] / deviation[:, None, :]
    windows = [slice(max(0, k - NEIGHBOURS), k + NEIGHBOURS + 1) for k in range(n_coefficients)]
    smooth = np.stack([correlation[window].mean(axis=0) for window in windows])
    return smooth * deviation[:, :, None] * deviation[:, None, :]


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
            y = scipy.special.sph_harm_y(degree, abs(m), polar, azimuth)
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
