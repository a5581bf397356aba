# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Classical simulation of EEG: vector autoregression and phase-randomised surrogates.

Each baseline is a callable `(prompts (items, channels, times), ch_names, n_times, conditions) -> (items, channels,
n_times)` in microvolts, as `compare` takes any generator. Baselines ignore conditions.

`VAR.fit` exists because statsmodels cannot fit several recordings at once, one channel, or with a ridge. A test
compares the two on one recording without a ridge.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Samples after which a simulation no longer depends on its silent start.
SETTLING = 1000


@dataclass(frozen=True)
class VAR:
    """Vector autoregression `x_t = sum_k A_k x_(t-k) + e_t`, `e_t ~ N(0, S)` (Luetkepohl, 2005).

    Attributes:
        coefficients: `(order, channels, channels)`: `A_1 .. A_p`.
        noise_root: `(channels, channels)`: a root of `S`, in the unit of the fitted signal.
    """

    coefficients: np.ndarray
    noise_root: np.ndarray

    @classmethod
    def fit(cls, signals: Iterable[np.ndarray], order: int = 12, ridge: float = 1e-6) -> VAR:
        """Fits by least squares, pooled over recordings, and makes the result stable.

        Args:
            signals: Recordings `(channels, times)`, all with the same channels, in one unit.
            order: Number of lags.
            ridge: Added to the diagonal of the lags' covariance, as a share of its mean. The nearly collinear
                channels of EEG need it, and so do prompts with fewer samples than parameters.

        Raises:
            ValueError: No recording is longer than `order`.
        """
        sums: list[Any] = [0.0, 0.0, 0.0]
        n = 0
        for x in signals:
            if x.shape[-1] <= order:
                continue
            lagged = np.concatenate([x[:, order - k : x.shape[-1] - k] for k in range(1, order + 1)])
            now = x[:, order:]
            parts = lagged @ lagged.T, lagged @ now.T, now @ now.T
            sums = [total + part for total, part in zip(sums, parts, strict=True)]
            n += now.shape[-1]
        if not n:
            raise ValueError(f"A VAR of order {order} needs a recording of more than {order} samples, and got none.")
        xx, xy, yy = sums
        c = yy.shape[0]
        b = np.linalg.solve(xx + ridge * np.trace(xx) / len(xx) * np.eye(len(xx)), xy)  # (order * channels, channels)
        residual = (yy - xy.T @ b - b.T @ xy + b.T @ xx @ b) / max(n - len(b), n // 4)
        values, vectors = np.linalg.eigh(residual)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        return cls(_stabilise(b.T.reshape(c, order, c).transpose(1, 0, 2)), root)

    def simulate(self, past: np.ndarray, n_times: int, rng: np.random.Generator) -> np.ndarray:
        """Continues `past`.

        Args:
            past: Signal to continue, `(items, channels, at least order)`.
            n_times: Samples to generate.
            rng: Source of the noise.

        Returns:
            `(items, channels, n_times)`.
        """
        order, c = self.coefficients.shape[:2]
        wide = self.coefficients.transpose(1, 0, 2).reshape(c, order * c).T  # lag 1 first
        lags = past[..., : -order - 1 : -1].transpose(0, 2, 1).reshape(len(past), order * c)
        noise = rng.standard_normal((n_times, len(past), c)) @ self.noise_root.T
        out = np.empty((n_times, len(past), c))
        for t in range(n_times):
            out[t] = lags @ wide + noise[t]
            lags = np.concatenate([out[t], lags[:, :-c]], axis=1)
        return out.transpose(1, 2, 0)


def _stabilise(coefficients: np.ndarray, radius: float = 0.998) -> np.ndarray:
    """Multiplies `A_k` by `g^k`, which scales every root by `g`, so that the largest is within `radius`."""
    order, c = coefficients.shape[:2]
    companion = np.eye(order * c, k=-c)
    companion[:c] = coefficients.transpose(1, 0, 2).reshape(c, order * c)
    largest = np.abs(np.linalg.eigvals(companion)).max()
    gain = min(1.0, radius / largest)
    return coefficients * gain ** np.arange(1, order + 1)[:, None, None]


class PooledVAR:
    """One VAR for all people, scaled to the prompt's amplitude.

    Args:
        signals: Training recordings `(channels, times)` in microvolts.
        ch_names: Channels of the recordings, which include the channels of the prompts.
        order: Number of lags.
        seed: Seed of the noise.
    """

    def __init__(self, signals: Iterable[np.ndarray], ch_names: Sequence[str], order: int = 12, seed: int = 0):
        signals = list(signals)
        scales = [_amplitude(x) for x in signals]
        # each recording in units of its own amplitude; otherwise the loudest few would dominate the fit
        self.signals = [x / scale for x, scale in zip(signals, scales, strict=True)]
        self.scale = float(np.exp(np.mean(np.log(scales))))
        self.ch_names, self.order, self.seed = list(ch_names), order, seed
        self._fitted: dict[tuple[str, ...], VAR] = {}
        self._fit(ch_names)  # now, so that its time does not count as generation

    def __call__(
        self, prompts: np.ndarray, ch_names: Sequence[str], n_times: int, conditions: Sequence | None = None
    ) -> np.ndarray:
        """Continues prompts `(items, channels, times)` in microvolts by `(items, channels, n_times)`."""
        scale = np.array([_amplitude(x) for x in prompts])[:, None, None]
        var = self._fit(ch_names)
        return scale * var.simulate(prompts / scale, n_times, np.random.default_rng(self.seed))

    def from_nothing(
        self, ch_names: Sequence[str], n_times: int, conditions: Sequence[str], people: Sequence[int]
    ) -> np.ndarray:
        """Generates `(items, channels, n_times)` in microvolts of the average person, one item for each condition."""
        silence = np.zeros((len(conditions), len(ch_names), self.order))
        simulated = self._fit(ch_names).simulate(silence, SETTLING + n_times, np.random.default_rng(self.seed))
        return self.scale * simulated[..., SETTLING:]

    def _fit(self, ch_names: Sequence[str]) -> VAR:
        """The VAR of some of the channels, fitted once."""
        names = tuple(ch_names)
        if names not in self._fitted:
            picks = [self.ch_names.index(name) for name in names]
            self._fitted[names] = VAR.fit((x[picks] for x in self.signals), self.order)
        return self._fitted[names]


class PromptVAR:
    """A VAR fitted on each prompt alone.

    Args:
        order: Number of lags; fewer than for the pooled VAR, because 8 s hold few samples for each parameter.
        ridge: See `VAR.fit`.
        seed: Seed of the noise.
    """

    def __init__(self, order: int = 6, ridge: float = 1e-5, seed: int = 0):
        self.order, self.ridge, self.seed = order, ridge, seed

    def __call__(
        self, prompts: np.ndarray, ch_names: Sequence[str], n_times: int, conditions: Sequence | None = None
    ) -> np.ndarray:
        """Continues prompts `(items, channels, times)` in microvolts by `(items, channels, n_times)`."""
        rng = np.random.default_rng(self.seed)
        fitted = (VAR.fit([x], self.order, self.ridge) for x in prompts)
        return np.concatenate([var.simulate(x[None], n_times, rng) for var, x in zip(fitted, prompts, strict=True)])


class IAAFTSurrogate:
    """Phase-randomised surrogates of the prompt, joined one after the other.

    Args:
        n_iterations: Iterations of the amplitude adjustment.
        seed: Seed of the random phases.
    """

    def __init__(self, n_iterations: int = 20, seed: int = 0):
        self.n_iterations, self.seed = n_iterations, seed

    def __call__(
        self, prompts: np.ndarray, ch_names: Sequence[str], n_times: int, conditions: Sequence | None = None
    ) -> np.ndarray:
        """Continues prompts `(items, channels, times)` in microvolts by `(items, channels, n_times)`."""
        rng = np.random.default_rng(self.seed)
        return np.stack([self._one(x, n_times, rng) for x in prompts])

    def _one(self, prompt: np.ndarray, n_times: int, rng: np.random.Generator) -> np.ndarray:
        overlap = min(25, prompt.shape[-1] // 4)
        fade = np.sin(np.linspace(0, np.pi / 2, overlap))  # equal power: the pieces are independent
        step = prompt.shape[-1] - overlap
        n_pieces = 1 + max(0, -(-(n_times - prompt.shape[-1]) // step))
        out = np.empty((len(prompt), prompt.shape[-1] + (n_pieces - 1) * step))
        for start in range(0, n_pieces * step, step):
            piece = iaaft(prompt, rng, self.n_iterations)
            if start:
                piece[:, :overlap] = out[:, start : start + overlap] * fade[::-1] + piece[:, :overlap] * fade
            out[:, start : start + prompt.shape[-1]] = piece
        return out[:, :n_times]


def iaaft(x: np.ndarray, rng: np.random.Generator, n_iterations: int = 20) -> np.ndarray:
    """Multivariate iterative amplitude-adjusted surrogate (Schreiber and Schmitz, Physica D 142, 2000).

    The surrogate keeps each channel's values, (nearly) its periodogram and the phases between channels (section 4.3 of
    the paper). Everything else is random.

    Args:
        x: Signal, `(channels, times)`, any unit.
        rng: Source of the initial shuffle.
        n_iterations: Alternations between spectrum and values.

    Returns:
        `(channels, times)`.
    """
    spectrum = np.fft.rfft(x, axis=-1)
    magnitude, phase = np.abs(spectrum), np.angle(spectrum)
    values = np.sort(x, axis=-1)
    surrogate = x[:, rng.permutation(x.shape[-1])]  # the same shuffle for all channels
    for _ in range(n_iterations):
        current = np.angle(np.fft.rfft(surrogate, axis=-1))
        # one rotation for each frequency, which brings the phases of all channels nearest to the current phases
        common = np.angle(np.exp(1j * (current - phase)).sum(axis=0))
        target = np.fft.irfft(magnitude * np.exp(1j * (phase + common)), x.shape[-1], axis=-1)
        ranks = target.argsort(axis=-1).argsort(axis=-1)
        surrogate = np.take_along_axis(values, ranks, axis=-1)
    return surrogate


def _amplitude(x: np.ndarray) -> float:
    """Root mean square over channels and times; 1 for a flat signal."""
    return float(np.sqrt((x**2).mean())) or 1.0
