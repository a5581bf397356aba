# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Does generated EEG have the waveform of real EEG, and do its amplitudes rise and fall together as real ones do?

Noise with the right cross spectrum has none of this. Its frequencies are independent of each other, it looks the same
when time runs backwards, and its amplitudes in two bands, or at two places, are independent (but for the coherence).

- Bicoherence of alpha with its harmonic (Kim and Powers, IEEE Trans. Plasma Sci. 7, 1979): are the phases at 2 f tied
  to those at f? A rhythm that is no sine, such as the arches of mu, has such a tie.
- Asymmetry in time: skewness of the slope. It changes its sign when time is reversed.
- Skewness: are the crests sharper than the troughs?
- Amplitude coupling: correlation over time of the log power of two bands, or of two channels. For two channels, the
  part of one that is in phase with the other is removed before (Hipp et al., Nat. Neurosci. 15, 2012), because the
  skull carries every source to many electrodes.
- Transients: the loudest tenths of a second above 10 Hz, over the median.

Arrays are `(items, channels, times)` in microvolts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import signal as sps

from get_hf.training.evaluation.descriptors import ALPHA, EPSILON
from get_hf.training.evaluation.table import Rows

#: Band in Hz of the waveform of alpha, with its first harmonics.
WAVEFORM_BAND = (6.0, 30.0)
BETA, GAMMA = (13.0, 30.0), (30.0, 44.0)
#: Pairs of bands whose amplitudes are compared.
BAND_PAIRS = {"alpha with beta": (ALPHA, BETA), "beta with 30-44 Hz": (BETA, GAMMA)}
#: Bands whose amplitudes are compared between channels.
SCALP_BANDS = {"alpha": ALPHA, "beta": BETA}
#: Length in seconds of the stretches whose power is compared, and of a transient.
STRETCH_SECONDS, TRANSIENT_SECONDS = 0.25, 0.1
#: Seconds at each end where filters and Hilbert transform are unreliable.
EDGE_SECONDS = 0.5
HALF_WAY = ("of the way from white", 0.5)


def bicoherence(x: np.ndarray, sampling_rate: float, frequency: int) -> tuple[np.ndarray, int]:
    """Bicoherence of a frequency with its double, over windows of 1 s that overlap by half.

    Args:
        x: Recordings `(items, channels, times)` in microvolts.
        sampling_rate: Sampling rate in Hz.
        frequency: Frequency in Hz.

    Returns:
        Complex numbers `(channels,)`: their size is 1 where the phase at twice the frequency follows from the phase at
        the frequency, and their angle is how it follows; and the number of windows n. Without a tie, the mean of the
        squared size is 1 / n.
    """
    n = round(sampling_rate)
    windows = np.lib.stride_tricks.sliding_window_view(x, n, axis=-1)[..., :: n // 2, :]
    spectra = np.fft.rfft((windows - windows.mean(axis=-1, keepdims=True)) * np.hanning(n), axis=-1)
    square, double = spectra[..., frequency] ** 2, spectra[..., 2 * frequency]
    size = np.sqrt((np.abs(square) ** 2).mean(axis=(0, 2)) * (np.abs(double) ** 2).mean(axis=(0, 2)))
    return (square * double.conj()).mean(axis=(0, 2)) / (size + EPSILON), windows.shape[0] * windows.shape[2]


def squared_bicoherence(x: np.ndarray, sampling_rate: float, frequency: int) -> np.ndarray:
    """Squared size of `bicoherence` `(channels,)`, without its bias: 0 on average where there is no tie."""
    tie, n = bicoherence(x, sampling_rate, frequency)
    return (np.abs(tie) ** 2 - 1 / n) / (1 - 1 / n)


def alpha_frequency(x: np.ndarray, sampling_rate: float) -> int:
    """The whole frequency in Hz between 8 and 13 with the highest power times frequency, over items and channels."""
    n = round(sampling_rate)
    _, power = sps.welch(x, sampling_rate, nperseg=n, axis=-1)
    own = np.arange(int(ALPHA[0]), int(ALPHA[1]) + 1)
    return int(own[(own * power[..., own].mean(axis=(0, 1))).argmax()])


def skewness(x: np.ndarray) -> np.ndarray:
    """Third moment over the cube of the deviation, over items and times: `(items, channels, times)` to `(channels,)`.

    A flat channel has 0.
    """
    centred = x - x.mean(axis=-1, keepdims=True)
    return (centred**3).mean(axis=(0, 2)) / ((centred**2).mean(axis=(0, 2)) + EPSILON) ** 1.5


def time_asymmetry(x: np.ndarray) -> np.ndarray:
    """Skewness of the slope, `(items, channels, times)` to `(channels,)`: above 0 if it rises faster than it falls."""
    return skewness(np.diff(x, axis=-1))


def amplitude_coupling(x: np.ndarray, sampling_rate: float) -> dict[str, np.ndarray]:
    """Correlations over time of log power, in each pair of `BAND_PAIRS` and over the scalp in each of `SCALP_BANDS`.

    Args:
        x: Recordings `(items, channels, times)` in microvolts.
        sampling_rate: Sampling rate in Hz.

    Returns:
        For each pair of bands, and for "alpha over the scalp" and "beta over the scalp" (0 with a single channel), the
        mean over channels or pairs of channels `(items,)`.
    """
    bands = dict.fromkeys([band for pair in BAND_PAIRS.values() for band in pair])
    analytic = {band: _analytic(x, sampling_rate, band) for band in bands}
    n = round(STRETCH_SECONDS * sampling_rate)
    found = {}
    for name, (low, high) in BAND_PAIRS.items():
        pair = (_log_power(analytic[band], n) for band in (low, high))
        found[name] = correlation(*pair).mean(axis=1)
    step = n // 5
    for name, band in SCALP_BANDS.items():
        found[f"{name} over the scalp"] = np.array([_over_scalp(item[:, ::step], 5) for item in analytic[band]])
    return found


def _analytic(x: np.ndarray, sampling_rate: float, band: tuple[float, float]) -> np.ndarray:
    """Analytic signal of a band, without the ends."""
    sos = sps.butter(4, band, "bandpass", fs=sampling_rate, output="sos")
    edge = round(EDGE_SECONDS * sampling_rate)
    return sps.hilbert(sps.sosfiltfilt(sos, x, axis=-1), axis=-1)[..., edge:-edge]


def _log_power(analytic: np.ndarray, n: int) -> np.ndarray:
    """Log power of stretches of n samples, `(..., times)` to `(..., stretches)`."""
    whole = analytic[..., : analytic.shape[-1] // n * n]
    return np.log((np.abs(whole) ** 2).reshape(*whole.shape[:-1], -1, n).mean(axis=-1) + EPSILON)


def correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Pearson's correlation along the last axis; 0 where one of the two does not change."""
    a, b = (each - each.mean(axis=-1, keepdims=True) for each in (a, b))
    return (a * b).sum(axis=-1) / (np.sqrt((a**2).sum(axis=-1) * (b**2).sum(axis=-1)) + EPSILON)


def _over_scalp(analytic: np.ndarray, n: int) -> float:
    """Mean correlation of the log power of channel pairs, of an analytic signal `(channels, times)`."""
    n_chans = len(analytic)
    if n_chans < 2:
        return 0.0
    unit = analytic / (np.abs(analytic) + EPSILON)
    quadrature = (analytic[None] * unit.conj()[:, None]).imag  # of the second channel to the first
    found = correlation(_log_power(analytic, n)[:, None], _log_power(quadrature, n))
    return float(found[~np.eye(n_chans, dtype=bool)].mean())


def transients(x: np.ndarray, sampling_rate: float) -> np.ndarray:
    """Log of the 99th percentile over the median of the RMS above 10 Hz in tenths of a second, `(items,)`."""
    sos = sps.butter(4, 10.0, "highpass", fs=sampling_rate, output="sos")
    n = round(TRANSIENT_SECONDS * sampling_rate)
    levels = _log_power(sps.sosfiltfilt(sos, x, axis=-1), n) / 2
    return (np.percentile(levels, 99, axis=-1) - np.median(levels, axis=-1)).mean(axis=1)


def waveform_rows(rows: Rows, real: np.ndarray, generated: np.ndarray, sampling_rate: float) -> None:
    """Adds the rows of the groups "waveform" and "coupling".

    Sizes are those of the column itself, and the column of real EEG shows what they should be. Errors compare the
    channels of a person with the same channels of the real continuations.

    Args:
        rows: Table that gets the rows.
        real: Real continuations, `(items, channels, times)` in microvolts.
        generated: Generated continuations, of the same shape.
        sampling_rate: Sampling rate in Hz.
    """
    frequencies = {name: alpha_frequency(real[items], sampling_rate) for name, items in rows.members.items()}
    ties = [_by_person(rows, x, lambda own, name: bicoherence(own, sampling_rate, frequencies[name])[0])
            for x in (real, generated)]  # fmt: skip
    sizes = _by_person(rows, generated, lambda own, name: squared_bicoherence(own, sampling_rate, frequencies[name]))
    name = "bicoherence of alpha with its harmonic"
    _mean_over_people(rows, name, "squared", sizes)
    _mean_over_people(rows, f"{name}, error", "abs", {s: np.abs(ties[0][s] - ties[1][s]) for s in sizes})
    sos = sps.butter(2, WAVEFORM_BAND, "bandpass", fs=sampling_rate, output="sos")
    filtered = [sps.sosfiltfilt(sos, x, axis=-1) for x in (real, generated)]
    for name, measure in {"asymmetry in time": time_asymmetry, "skewness": skewness}.items():
        true, made = (_by_person(rows, x, lambda own, _, measure=measure: measure(own)) for x in filtered)
        # the product of two halves is as large as the square of a measure without noise
        products = _by_person(rows, filtered[1], lambda own, _, measure=measure: _product_of_halves(own, measure))
        _mean_over_people(rows, f"{name} of alpha", "root mean square", products, root=True)
        _mean_over_people(rows, f"{name} of alpha, error", "abs", {s: np.abs(true[s] - made[s]) for s in true})
    louder = transients(generated, sampling_rate) - transients(real, sampling_rate)
    rows.mean_ratio("waveform", "transients under 100 ms, over real", louder)
    for name, values in amplitude_coupling(generated, sampling_rate).items():
        if real.shape[1] > 1 or "scalp" not in name:
            rows.mean("coupling", f"amplitude coupling, {name}", "correlation", HALF_WAY, values)


def _by_person(rows: Rows, x: np.ndarray, measure) -> dict[object, np.ndarray]:
    """A measure `(channels,)` of the items of each person."""
    return {name: measure(x[items], name) for name, items in rows.members.items()}


def _product_of_halves(x: np.ndarray, measure) -> np.ndarray:
    """Product of a measure `(channels,)` of every other second and of the seconds between."""
    n = min(100, x.shape[-1] // 2)
    seconds = x[..., : x.shape[-1] // n * n].reshape(*x.shape[:2], -1, n).transpose(0, 2, 1, 3)
    first, second = (seconds[:, start::2].reshape(-1, x.shape[1], n) for start in (0, 1))
    return measure(first) * measure(second)


def _mean_over_people(
    rows: Rows, name: str, unit: str, of_person: dict[object, np.ndarray], root: bool = False
) -> None:
    """Adds the mean over people and channels, or the root of it (0 below 0)."""

    def statistic(sample: Sequence, _) -> float:
        mean = float(np.mean([of_person[subject].mean() for subject in sample]))
        return np.sqrt(max(mean, 0.0)) if root else mean

    rows.add("waveform", name, unit, HALF_WAY, statistic)
