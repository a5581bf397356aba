# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Measures of a recording for the command and the picture: begin of generation, amplitude, spectrum."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import mne

ALPHA = (8.0, 13.0)  # Hz


def split_at_seam(raw: "mne.io.BaseRaw") -> tuple[np.ndarray, np.ndarray]:
    """Splits a decoded recording at the begin of its annotation "GET generated".

    Args:
        raw: Result of `GETFeatureExtractor.decode`.

    Returns:
        Prompt and continuation in microvolts, each `(channels, times)`; the prompt has no samples if the recording
        was generated from nothing.

    Raises:
        ValueError: `raw` has no such annotation.
    """
    onsets = raw.annotations.onset[raw.annotations.description == "GET generated"]
    if len(onsets) == 0:
        raise ValueError('The recording has no annotation "GET generated": it is not what GET\'s decode returned.')
    # the last one: the prompt may itself have been generated
    seam = round((onsets.max() - raw.first_time) * raw.info["sfreq"])
    before, after = np.split(raw.get_data(units="uV"), [seam], axis=1)
    return before, after


def rms(signal: np.ndarray) -> np.ndarray:
    """Root mean square of each channel around its mean: `(channels, times)` to `(channels,)`, same unit."""
    return signal.std(axis=-1)


def power_spectrum(signal: np.ndarray, sampling_rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Estimates power spectral density by Welch's method.

    The windows last 2 s and overlap by half. In signals shorter than 4 s, each window lasts half of the signal.

    Args:
        signal: Microvolts, `(channels, times)`.
        sampling_rate: Its rate in Hz.

    Returns:
        Frequencies in Hz `(frequencies,)`, and density in uV^2/Hz `(channels, frequencies)`.
    """
    from scipy.signal import welch

    return welch(signal, fs=sampling_rate, nperseg=min(round(2 * sampling_rate), signal.shape[-1] // 2))


def band_power(signal: np.ndarray, sampling_rate: float, band: tuple[float, float]) -> np.ndarray:
    """Integrates the spectrum of each channel over a band.

    Args:
        signal: Microvolts, `(channels, times)`.
        sampling_rate: Its rate in Hz.
        band: Lowest and highest frequency in Hz.

    Returns:
        Power in uV^2, `(channels,)`.
    """
    frequencies, density = power_spectrum(signal, sampling_rate)
    inside = (frequencies >= band[0]) & (frequencies <= band[1])
    return density[:, inside].sum(axis=-1) * (frequencies[1] - frequencies[0])


def alpha_peak(signal: np.ndarray, sampling_rate: float) -> float | None:
    """Finds the frequency between 7 and 14 Hz with the highest peak above the 1/f slope.

    Args:
        signal: Microvolts, `(channels, times)`.
        sampling_rate: Its rate in Hz.

    Returns:
        The peak of frequency times density, averaged over channels, in Hz; `None` if there is no local
        maximum.
    """
    frequencies, density = power_spectrum(signal, sampling_rate)
    height = frequencies * density.mean(axis=0)
    middle = np.arange(1, len(height) - 1)
    is_peak = (height[middle] > height[middle - 1]) & (height[middle] >= height[middle + 1])
    peaks = middle[is_peak & (frequencies[middle] >= 7) & (frequencies[middle] <= 14)]
    return float(frequencies[peaks[height[peaks].argmax()]]) if len(peaks) else None
