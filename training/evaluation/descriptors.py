# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Descriptors of EEG (spectra, coherence, covariance, complexity, bursts) and the features of classifiers.

Arrays are `(items, channels, times)` in microvolts. The command and the page take spectra and alpha from here too, so
that this module imports only numpy and scipy.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import signal as sps

BANDS = {
    "1-8 Hz": (1.0, 8.0),
    "8-13 Hz": (8.0, 13.0),
    "13-20 Hz": (13.0, 20.0),
    "20-30 Hz": (20.0, 30.0),
    "30-45 Hz": (30.0, 45.0),
}
ALPHA = BANDS["8-13 Hz"]
#: Longest lag of the autocorrelation in seconds.
ACF_SECONDS = 1.0
#: Groups of features, each with a classifier of its own.
FAMILIES = (*BANDS, "complexity", "channel correlations", "kurtosis")
#: Electrodes above the eyes.
FRONTAL = ("Fp1", "Fp2", "AF7", "AF8", "AF3", "AF4")
#: A blink: height in microvolts and in robust deviations, limits of its width and smallest distance in seconds.
BLINK_MICROVOLTS, BLINK_DEVIATIONS, BLINK_SECONDS, BLINK_DISTANCE = 50.0, 5.0, (0.08, 0.5), 0.4
#: Power in square microvolts, far below any EEG, that keeps the logarithm of a flat channel finite.
EPSILON = 1e-6


def power_spectrum(x: np.ndarray, sampling_rate: float, seconds: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Welch's power spectral density (Hann windows, half overlapping).

    Args:
        x: Signal in microvolts, `(..., times)`.
        sampling_rate: Sampling rate in Hz.
        seconds: Length of a window; a shorter signal is one window.

    Returns:
        Frequencies in Hz, `(freqs,)`, and the density in uV^2/Hz, `(..., freqs)`.
    """
    return sps.welch(x, sampling_rate, nperseg=min(round(seconds * sampling_rate), x.shape[-1]), axis=-1)


def band_power(x: np.ndarray, sampling_rate: float, band: tuple[float, float]) -> np.ndarray:
    """Integrates the power spectrum over a band.

    Args:
        x: Signal in microvolts, `(..., times)`.
        sampling_rate: Sampling rate in Hz.
        band: Lowest and highest frequency in Hz, both included.

    Returns:
        Power in uV^2, `(...)`.
    """
    freqs, density = power_spectrum(x, sampling_rate)
    return density[..., (freqs >= band[0]) & (freqs <= band[1])].sum(axis=-1) * (freqs[1] - freqs[0])


def alpha_peak(x: np.ndarray, sampling_rate: float) -> float | None:
    """Finds the frequency between 7 and 14 Hz with the highest peak above the 1/f slope.

    Args:
        x: Signal in microvolts, `(channels, times)`.
        sampling_rate: Sampling rate in Hz.

    Returns:
        The peak of frequency times density, averaged over channels, in Hz; `None` if there is no local maximum.
    """
    freqs, density = power_spectrum(x, sampling_rate)
    height = freqs * density.mean(axis=0)
    middle = np.arange(1, len(height) - 1)
    is_peak = (height[middle] > height[middle - 1]) & (height[middle] >= height[middle + 1])
    peaks = middle[is_peak & (freqs[middle] >= 7) & (freqs[middle] <= 14)]
    return float(freqs[peaks[height[peaks].argmax()]]) if len(peaks) else None


def log_psd(
    x: np.ndarray, sampling_rate: float, seconds: float = 2.0, lowest: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Power spectral density up to 45 Hz in decibels; see `power_spectrum`.

    Args:
        x: Signal in microvolts, `(items, channels, times)`.
        sampling_rate: Sampling rate in Hz.
        seconds: Length of a window.
        lowest: Lowest frequency in Hz.

    Returns:
        Frequencies in Hz, `(freqs,)`, and the density in dB over 1 uV^2/Hz, `(items, channels, freqs)`.
    """
    freqs, power = power_spectrum(x, sampling_rate, seconds)
    kept = (freqs >= lowest) & (freqs <= 45)
    return freqs[kept], 10 * np.log10(power[..., kept] + EPSILON)


def log_alpha_power(x: np.ndarray, sampling_rate: float) -> np.ndarray:
    """Logarithm of the mean density at 8-13 Hz in uV^2/Hz: `(items, channels, times)` -> `(items, channels)`."""
    freqs, psd = log_psd(x, sampling_rate)
    return np.log((10 ** (psd[..., (freqs >= ALPHA[0]) & (freqs < ALPHA[1])] / 10)).mean(axis=-1))


def log_rms(x: np.ndarray) -> np.ndarray:
    """Logarithm of the root mean square in uV: `(..., times)` to `(...)`."""
    return 0.5 * np.log((x**2).mean(axis=-1) + EPSILON)


def coherence_spectrum(x: np.ndarray, sampling_rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Magnitude-squared coherence of all pairs of channels (Welch, 1 s windows).

    Args:
        x: Signal in microvolts, `(items, channels, times)`.
        sampling_rate: Sampling rate in Hz.

    Returns:
        Frequencies in steps of 1 Hz, and the coherence `(items, freqs, pairs)`, between 0 and 1.
    """
    n = int(sampling_rate)
    starts = range(0, x.shape[-1] - n + 1, n // 2)
    windows = np.stack([x[..., s : s + n] for s in starts], axis=1)
    windows = windows - windows.mean(axis=-1, keepdims=True)
    spectra = np.fft.rfft(windows * np.hanning(n), axis=-1).transpose(0, 3, 2, 1)  # (items, freqs, channels, windows)
    cross = spectra @ spectra.conj().swapaxes(-1, -2)
    power = np.einsum("...cc->...c", cross).real + EPSILON
    squared = np.abs(cross) ** 2 / (power[..., :, None] * power[..., None, :])
    i, j = np.triu_indices(x.shape[1], 1)
    return np.fft.rfftfreq(n, 1 / sampling_rate), squared[..., i, j]


def coherence(x: np.ndarray, sampling_rate: float) -> np.ndarray:
    """Coherence in each of `BANDS`, `(items, bands, pairs)`; see `coherence_spectrum`."""
    freqs, squared = coherence_spectrum(x, sampling_rate)
    return np.stack([squared[:, (freqs >= low) & (freqs < high)].mean(axis=1) for low, high in BANDS.values()], axis=1)


def covariance(x: np.ndarray) -> np.ndarray:
    """Covariance across channels in uV^2: `(items, channels, times)` -> `(items, channels, channels)`."""
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred @ centred.swapaxes(-1, -2) / x.shape[-1]


def log_matrix(covariances: np.ndarray) -> np.ndarray:
    """Matrix logarithm of covariances `(..., channels, channels)`; a ridge keeps it finite for a flat channel."""
    n_chans = covariances.shape[-1]
    ridge = 1e-3 * np.trace(covariances, axis1=-2, axis2=-1) / n_chans + EPSILON
    values, vectors = np.linalg.eigh(covariances + ridge[..., None, None] * np.eye(n_chans))
    return (vectors * np.log(values)[..., None, :]) @ vectors.swapaxes(-1, -2)


def autocorrelation(x: np.ndarray, n_lags: int) -> np.ndarray:
    """Autocorrelation at lags 1 to `n_lags`: `(items, channels, times)` -> `(items, channels, n_lags)`."""
    centred = x - x.mean(axis=-1, keepdims=True)
    n = x.shape[-1]
    power = np.abs(np.fft.rfft(centred, 2 * n, axis=-1)) ** 2
    acf = np.fft.irfft(power, axis=-1)[..., : n_lags + 1]
    return acf[..., 1:] / (acf[..., :1] + EPSILON)


def alpha_bursts(x: np.ndarray, sampling_rate: float) -> dict[str, np.ndarray]:
    """Bursts of alpha: the envelope above 1.5 times the channel's own median for at least 0.1 s.

    Args:
        x: Signal in microvolts, `(items, channels, times)`.
        sampling_rate: Sampling rate in Hz.

    Returns:
        Arrays `(items, channels)`: "burst rate" per second, "burst lifetime" in seconds (0 without a burst) and
        "envelope variation" (standard deviation over mean).
    """
    sos = sps.butter(4, ALPHA, "bandpass", fs=sampling_rate, output="sos")
    envelope = np.abs(sps.hilbert(sps.sosfiltfilt(sos, x, axis=-1), axis=-1))
    edge = int(0.5 * sampling_rate)  # filter and Hilbert transform are unreliable there
    envelope = envelope[..., edge:-edge] + EPSILON
    above = envelope > 1.5 * np.median(envelope, axis=-1, keepdims=True)
    flat = np.pad(above.reshape(-1, above.shape[-1]).astype(np.int8), ((0, 0), (1, 1)))
    change = np.diff(flat, axis=1)
    starts, stops = (
        np.argwhere(change == 1),
        np.argwhere(change == -1),
    )  # row-major: the k-th start has the k-th stop
    length = stops[:, 1] - starts[:, 1]
    row = starts[length >= 0.1 * sampling_rate, 0]
    length = length[length >= 0.1 * sampling_rate]
    count = np.bincount(row, minlength=len(flat))
    total = np.bincount(row, weights=length, minlength=len(flat)) / sampling_rate
    shape = x.shape[:2]
    return {
        "burst rate": (count / (envelope.shape[-1] / sampling_rate)).reshape(shape),
        "burst lifetime": (total / np.maximum(count, 1)).reshape(shape),
        "envelope variation": envelope.std(axis=-1) / envelope.mean(axis=-1),
    }


def hjorth(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Activity, mobility and complexity (Hjorth, "EEG analysis based on time domain properties", 1970).

    Args:
        x: Signal in microvolts, `(..., times)`.

    Returns:
        Activity in uV^2, mobility and complexity (dimensionless, per sample), each `(...)`.
    """
    first = np.diff(x, axis=-1)
    v0, v1, v2 = (y.var(axis=-1) + EPSILON for y in (x, first, np.diff(first, axis=-1)))
    mobility = np.sqrt(v1 / v0)
    return v0, mobility, np.sqrt(v2 / v1) / mobility


def log_kurtosis(x: np.ndarray) -> np.ndarray:
    """Logarithm of the kurtosis (3 for a Gaussian; a flat channel counts as 1): `(..., times)` -> `(...)`."""
    centred = x - x.mean(axis=-1, keepdims=True)
    second = (centred**2).mean(axis=-1) + EPSILON
    return np.log(np.maximum((centred**4).mean(axis=-1) / second**2, 1.0))


def permutation_entropy(x: np.ndarray) -> np.ndarray:
    """Entropy of the order patterns of 4 successive samples (Bandt and Pompe, Phys. Rev. Lett. 88, 2002).

    Args:
        x: Signal, `(..., times)`.

    Returns:
        Entropy over its maximum, between 0 and 1, `(...)`.
    """
    order, n = 4, x.shape[-1] - 3
    code = np.zeros((*x.shape[:-1], n), dtype=np.int64)
    bit = 0
    # the 6 comparisons among 4 samples identify the pattern: 24 of the 64 combinations can occur
    for i in range(order):
        for j in range(i + 1, order):
            code |= (x[..., i : i + n] < x[..., j : j + n]).astype(np.int64) << bit
            bit += 1
    flat = code.reshape(-1, n) + 64 * np.arange(code[..., 0].size)[:, None]
    p = np.bincount(flat.ravel(), minlength=64 * len(flat)).reshape(-1, 64) / n
    entropy = -(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=1) / np.log(24)
    return entropy.reshape(x.shape[:-1])


def blinks_per_minute(x: np.ndarray, ch_names: Sequence[str], sampling_rate: float) -> np.ndarray | None:
    """Counts blinks: high positive waves of the mean of the frontal channels, between 80 and 500 ms wide.

    Args:
        x: Recordings `(items, channels, times)` in microvolts.
        ch_names: Name of each channel.
        sampling_rate: Sampling rate in Hz.

    Returns:
        Blinks per minute `(items,)`; None without frontal channels.
    """
    picks = [index for index, name in enumerate(ch_names) if name in FRONTAL]
    if not picks:
        return None
    sos = sps.butter(2, (0.7, 8.0), "bandpass", fs=sampling_rate, output="sos")
    courses = sps.sosfiltfilt(sos, x[:, picks].mean(axis=1), axis=-1)
    counts = []
    for course in courses:
        deviation = np.median(np.abs(course - np.median(course))) / 0.6745
        peaks, _ = sps.find_peaks(
            course,
            height=max(BLINK_MICROVOLTS, BLINK_DEVIATIONS * deviation),
            width=tuple(seconds * sampling_rate for seconds in BLINK_SECONDS),
            distance=BLINK_DISTANCE * sampling_rate,
        )
        counts.append(len(peaks))
    return np.array(counts) * 60 * sampling_rate / x.shape[-1]


def copying(prompt: np.ndarray, continuation: np.ndarray, sampling_rate: float) -> np.ndarray:
    """Measures how much of the continuation is a copy of the prompt.

    The measure is the largest correlation of a 2 s window of the continuation with any stretch of the prompt, all
    channels together. Signals are differenced, because slow waves correlate with each other anyway.

    Args:
        prompt: Prompts in microvolts, `(items, channels, times)`, at least 2 s.
        continuation: Continuations in microvolts, `(items, channels, times')`.
        sampling_rate: Sampling rate in Hz.

    Returns:
        Correlations `(items,)`: 1 where a window of the prompt is repeated.
    """
    n = int(2 * sampling_rate)
    largest = np.zeros(len(prompt))
    for item in range(len(prompt)):
        past = np.lib.stride_tricks.sliding_window_view(np.diff(prompt[item], axis=-1), n - 1, axis=-1)
        past = past.transpose(1, 0, 2).reshape(past.shape[1], -1)
        now = np.diff(cut_windows(continuation[item : item + 1], n), axis=-1).reshape(-1, past.shape[1])
        norm = np.linalg.norm(past, axis=1)[:, None] * np.linalg.norm(now, axis=1)[None] + EPSILON
        largest[item] = np.abs(past @ now.T / norm).max()
    return largest


def describe_spectrum_and_space(x: np.ndarray, sampling_rate: float) -> dict[str, np.ndarray]:
    """Descriptors for `spectrum_rows` and `space_rows` of a set of continuations, each entry `(items, ...)`."""
    return {
        "psd": log_psd(x, sampling_rate)[1],
        "covariance": covariance(x),
        "coherence": coherence(x, sampling_rate),
    }


def describe(x: np.ndarray, sampling_rate: float, prompt: np.ndarray) -> dict[str, np.ndarray]:
    """All descriptors that the rows need of a set of continuations, each entry `(items, ...)`."""
    activity, mobility, complexity = hjorth(x)
    means = describe_spectrum_and_space(x, sampling_rate)
    seconds = cut_windows(x, int(sampling_rate)).reshape(len(x), -1, x.shape[1], int(sampling_rate))
    return {
        **means,
        "log covariance": log_matrix(means["covariance"]),
        "Hjorth activity": np.log(activity),
        "Hjorth mobility": np.log(mobility),
        "Hjorth complexity": np.log(complexity),
        "kurtosis": log_kurtosis(x),
        "autocorrelation": autocorrelation(x, int(ACF_SECONDS * sampling_rate)),
        "second log RMS": log_rms(seconds).mean(axis=2),  # (items, seconds)
        "seam": np.log(np.abs(x[..., 0] - prompt[..., -1]).mean(axis=1) + EPSILON),
        "copying": copying(prompt, x, sampling_rate),
        **alpha_bursts(x, sampling_rate),
    }


def cut_windows(x: np.ndarray, n_times: int) -> np.ndarray:
    """Cuts `(items, channels, times)` into `(items * windows, channels, n_times)`, without the remainder."""
    n = x.shape[-1] // n_times
    cut = x[..., : n * n_times].reshape(*x.shape[:2], n, n_times)
    return cut.transpose(0, 2, 1, 3).reshape(-1, x.shape[1], n_times)


def window_features(windows: np.ndarray, sampling_rate: float) -> dict[str, np.ndarray]:
    """Features of short windows, by family.

    Args:
        windows: Signal in microvolts, `(windows, channels, times)`.
        sampling_rate: Sampling rate in Hz.

    Returns:
        For each of `FAMILIES`, `(windows, features)`: log band power of each channel and its spread across
        channels; Hjorth mobility and complexity, spectral and permutation entropy of each channel; Fisher's z of
        every pair of channels; log kurtosis of each channel.
    """
    n_times = windows.shape[-1]
    taper = np.hanning(n_times)
    centred = windows - windows.mean(axis=-1, keepdims=True)
    power = np.abs(np.fft.rfft(centred * taper, axis=-1)) ** 2 / (sampling_rate * (taper**2).sum())
    freqs = np.fft.rfftfreq(n_times, 1 / sampling_rate)
    features = {}
    for name, (low, high) in BANDS.items():
        band = np.log10(power[..., (freqs >= low) & (freqs < high)].mean(axis=-1) + EPSILON)
        features[name] = np.concatenate([band, band.std(axis=1, keepdims=True)], axis=1)
    share = power[..., (freqs >= 1) & (freqs < 45)] + EPSILON
    share = share / share.sum(axis=-1, keepdims=True)
    spectral_entropy = -(share * np.log(share)).sum(axis=-1) / np.log(share.shape[-1])
    _, mobility, complexity = hjorth(windows)
    features["complexity"] = np.concatenate(
        [np.log(mobility), np.log(complexity), spectral_entropy, permutation_entropy(windows)], axis=1
    )
    scale = np.sqrt((centred**2).sum(axis=-1)) + EPSILON
    correlation = np.einsum("nct,ndt->ncd", centred, centred) / (scale[:, :, None] * scale[:, None, :])
    pairs = np.triu_indices(windows.shape[1], 1)
    features["channel correlations"] = np.arctanh(np.clip(correlation[:, pairs[0], pairs[1]], -0.999, 0.999))
    features["kurtosis"] = log_kurtosis(windows)
    return features
