# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The electric field of the scalp as a Gaussian process, from which missing channels are drawn given the others.

At each frequency f, the channels are a smooth field and a noise of their own:

    x = H h + n        h ~ N(0, s C),  n_c ~ N(0, d_c)

`H` holds spherical harmonics at the electrodes, minus those at the references. `C` is their covariance in the
population (see `InnovationTransform.population_covariance`); a checkpoint holds it for 25 frequencies. The scale `s`
is that of the median channel. The noise `d_c` of each channel is estimated from the recording by
expectation-maximisation (compare factor analysis; Rubin and Thayer, Psychometrika 47, 1982), so that a loose
electrode loses its influence on its neighbours. The known channels then give a missing one its distribution:

    mean  W x,  W = s C_mk (s C_kk + D)^-1        covariance  s C_mm + d_m - W s C_km

This is kriging. Spherical splines (Perrin et al., Electroencephalogr. Clin. Neurophysiol. 72, 1989) are the special
case of one fixed covariance for all frequencies and people, without noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy

from get_hf.processing.innovation_get import InnovationTransform
from get_hf.processing.population_get import harmonics, symmetric_roots

#: Seconds of the windows in which spectra are estimated.
WINDOW_SECONDS = 2.0
#: Bound of a window's energy over the typical energy, so that artefacts do not dominate the estimate.
LARGEST_ENERGY = 3.0
#: Number of samples that weigh as much as the population's noise, and number of steps of the estimate.
PRIOR_SAMPLES, N_STEPS = 4.0, 20
#: Seconds that are filtered at once, and seconds around them that the filters see.
BLOCK_SECONDS, MARGIN_SECONDS = 8.0, 2.0


@dataclass(frozen=True)
class Spectra:
    """Spectra of some channels.

    Attributes:
        frequencies: `(frequencies,)` in Hz, up to half the sampling rate.
        power: `(frequencies,)`: power of the median channel, in square microvolts at each sample (white noise of unit
            variance has power 1).
        grid: `(bands,)`: centres of the bands in Hz.
        covariance: `(bands, channels, channels)`: real part of the cross-spectra, relative to `power`.
        n_samples: Number of independent samples in a band.
    """

    frequencies: np.ndarray
    power: np.ndarray
    grid: np.ndarray
    covariance: np.ndarray
    n_samples: float

    @classmethod
    def estimate(cls, stretches: Sequence[np.ndarray], rate: float, grid: np.ndarray) -> "Spectra":
        """Estimates spectra in overlapping windows (Welch).

        Args:
            stretches: `(channels, times)` each, in microvolts; windows are as long as the longest, at most 2 s.
            rate: Sampling rate in Hz.
            grid: Equally spaced centres of bands, from 0 to less than half the rate, in Hz.
        """
        n = min(round(WINDOW_SECONDS * rate), max(each.shape[-1] for each in stretches))
        taper = scipy.signal.windows.hann(n, sym=False)
        taper /= np.sqrt((taper**2).sum())
        starts = [(each, at) for each in stretches for at in range(0, each.shape[-1] - n + 1, max(1, n // 2))]
        frequencies = scipy.fft.rfftfreq(n, 1 / rate)

        def transformed(window: tuple[np.ndarray, int]) -> np.ndarray:
            x = window[0][:, window[1] : window[1] + n]
            return scipy.fft.rfft((x - x.mean(axis=-1, keepdims=True)) * taper)

        power = np.median(sum(np.abs(transformed(each)) ** 2 for each in starts), axis=0) / len(starts)
        power = np.maximum(power, 1e-12 * power.max())
        power[0] = power[1]  # the offset was subtracted
        width = max(grid[1], 1.01 * frequencies[1])
        weights = np.maximum(0.0, 1 - np.abs(frequencies - grid[:, None]) / width)
        weights[:, 0] = 0.0
        weights /= weights.sum(axis=1, keepdims=True)
        seen = weights.any(axis=0)
        energy = np.array([cls._energy(transformed(each)[:, seen], power[seen]) for each in starts])
        bound = LARGEST_ENERGY * np.median(energy)
        shares = np.minimum(1.0, bound / np.maximum(energy, 1e-12))
        covariance = np.zeros((len(grid), len(stretches[0]), len(stretches[0])))
        for window, share in zip(starts, shares / shares.sum(), strict=True):
            z = transformed(window)[:, seen] / np.sqrt(power[seen])
            for band, weight in enumerate(weights[:, seen]):
                own = z[:, weight > 0]
                covariance[band] += share * ((own * weight[weight > 0]) @ own.conj().T).real
        return cls(frequencies, power, grid, covariance, 2 * width * len(starts) * n / rate / 2)

    @staticmethod
    def _energy(values: np.ndarray, power: np.ndarray) -> float:
        return float(np.median((np.abs(values) ** 2 / power).mean(axis=-1)))


@dataclass(frozen=True)
class Field:
    """The distribution of missing channels given known ones.

    Attributes:
        spectra: Spectra of the known channels.
        smooth: `(bands, channels, channels)`: covariance of the smooth field at the known and then the missing
            channels, relative to the power of the spectra.
        noise: `(bands, channels)`: variance of each channel's own noise; a missing channel has the median of the
            known channels.
        n_known: Number of known channels, which come first.
    """

    spectra: Spectra
    smooth: np.ndarray
    noise: np.ndarray
    n_known: int

    @classmethod
    def estimate(
        cls,
        stretches: Sequence[np.ndarray],
        rate: float,
        known: np.ndarray,
        missing: np.ndarray,
        transform: InnovationTransform,
        model_rate: float,
    ) -> "Field":
        """Adapts the population's field to a recording.

        Args:
            stretches: `(known channels, times)` each, in microvolts.
            rate: Sampling rate in Hz.
            known: `(known channels, 6)` unit-sphere positions of electrodes and references.
            missing: `(missing channels, 6)`.
            transform: The transform that holds the population's covariance.
            model_rate: Sampling rate of the transform, in Hz.
        """
        size = transform.patch_size
        grid = np.arange(size) * model_rate / (2 * size)
        n_bands = max(2, np.count_nonzero(grid < rate / 2))
        spectra = Spectra.estimate(stretches, rate, grid[:n_bands])
        basis = harmonics(np.concatenate([known, missing]))
        smooth = basis @ transform.harmonic_covariance[:n_bands] @ basis.T
        own = transform.channel_variance[:n_bands, None]
        n, observed = len(known), spectra.covariance
        # the median channel decides, as a loose electrode may be a thousand times as strong
        ratios = np.einsum("bcc->bc", observed) / (np.einsum("bcc->bc", smooth[:, :n, :n]) + own)
        scale = np.median(ratios, axis=1)[:, None]
        prior = np.repeat(scale * own, n, axis=1)
        smooth, noise = scale[:, :, None] * smooth, prior
        for _ in range(N_STEPS):
            precision = np.linalg.inv(smooth[:, :n, :n] + _diagonal(noise))
            diagonal = np.einsum("bcc->bc", precision)
            seen = np.einsum("bcd,bde,bec->bc", precision, observed, precision, optimize=True)
            expected = np.maximum(0.0, noise + noise**2 * (seen - diagonal))
            noise = (spectra.n_samples * expected + PRIOR_SAMPLES * prior) / (spectra.n_samples + PRIOR_SAMPLES)
        unseen = np.repeat(np.median(noise, axis=1, keepdims=True), len(missing), axis=1)
        return cls(spectra, smooth, np.concatenate([noise, unseen], axis=1), n)

    @cached_property
    def weights(self) -> np.ndarray:
        """`W`, `(bands, missing channels, known channels)`: the mean of missing channels is `W` times the known."""
        n = self.n_known
        covariance = self.smooth[:, :n, :n] + _diagonal(self.noise[:, :n])
        return np.swapaxes(np.linalg.solve(covariance, self.smooth[:, :n, n:]), 1, 2)

    @cached_property
    def conditional_covariance(self) -> np.ndarray:
        """`(bands, missing channels, missing channels)`, relative to the power of the spectra."""
        n = self.n_known
        own = self.smooth[:, n:, n:] + _diagonal(self.noise[:, n:])
        return own - self.weights @ self.smooth[:, :n, n:]

    def mean(self, x: np.ndarray, rate: float) -> np.ndarray:
        """Conditional mean `(missing channels, times)` given the known channels `(known channels, times)`."""
        return filtered(x, self.weights, self.spectra.grid, rate)

    def residual(self, n_times: int, rate: float, rng: np.random.Generator) -> np.ndarray:
        """Draws what the known channels do not tell: `(missing channels, n_times)` in microvolts."""
        frequencies, grid = self.spectra.frequencies, self.spectra.grid
        root = _interpolated(symmetric_roots(self.conditional_covariance)[0], grid, frequencies)
        root *= np.sqrt(self.spectra.power)[:, None, None]
        return filtered(rng.standard_normal((root.shape[1], n_times)), root, frequencies, rate)


def filtered(x: np.ndarray, response: np.ndarray, grid: np.ndarray, rate: float) -> np.ndarray:
    """Filters channels into others with zero phase, block by block.

    Args:
        x: `(channels, times)`. Its ends are mirrored.
        response: `(frequencies, outputs, channels)`: real, linear between its frequencies and constant beyond them.
        grid: `(frequencies,)`: equally spaced frequencies of the response, in Hz.
        rate: Sampling rate in Hz.

    Returns:
        `(outputs, times)`.
    """
    n, margin, step = x.shape[-1], round(MARGIN_SECONDS * rate), round(BLOCK_SECONDS * rate)
    x = np.pad(x, ((0, 0), (margin, margin)), mode="symmetric")
    size = scipy.fft.next_fast_len(min(step, n) + 2 * margin, real=True)
    gains = _interpolated(response, grid, scipy.fft.rfftfreq(size, 1 / rate))
    out = np.empty((response.shape[1], n))
    for begin in range(0, n, step):
        end = min(begin + step, n)
        spectrum = scipy.fft.rfft(x[:, begin : end + 2 * margin], size)
        block = scipy.fft.irfft((gains @ spectrum.T[:, :, None])[:, :, 0].T, size)
        out[:, begin:end] = block[:, margin : margin + end - begin]
    return out


def _interpolated(values: np.ndarray, grid: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
    """Values at equally spaced frequencies, between them and beyond them: `(frequencies, ...)`."""
    places = np.clip(frequencies / grid[1], 0, len(grid) - 1)
    lower = np.minimum(places.astype(int), len(grid) - 2)
    share = (places - lower).reshape(-1, *[1] * (values.ndim - 1))
    return (1 - share) * values[lower] + share * values[lower + 1]


def _diagonal(variances: np.ndarray) -> np.ndarray:
    """`(bands, channels)` to diagonal matrices `(bands, channels, channels)`."""
    return variances[:, :, None] * np.eye(variances.shape[-1])
