# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""How close generated EEG is to the EEG that really followed: every row of the fidelity table.

Arrays are `(items, channels, times)` in microvolts. Item `i` is one prompt: its real continuation and its
generated one are compared in ensemble (does the set look alike?), per prompt (does this continuation fit this
prompt?) and by classifiers told to separate short windows of the two. A figure means something only beside
the same figure for other real windows of the same recordings (the floor) and for classical baselines
(`get_hf.training.baselines`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import signal as sps

from .conditions import alpha_rows, eyes_rows
from .log_covariance import log_covariance_row
from .prompt_specificity import prompt_rows
from .rows import Rows
from .two_sample import BANDS, EPSILON, cut_windows, hjorth, log_kurtosis, two_sample_rows

ALPHA = BANDS["8-13 Hz"]
ACF_SECONDS = 1.0
FLOOR11, FLOOR12 = ("times floor", 1.1), ("times floor", 1.2)


# -------------------------------------------------------------------------------- descriptors of one item


def log_psd(
    x: np.ndarray, sampling_rate: float, seconds: float = 2.0, lowest: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Welch's power spectral density up to 45 Hz (Hann windows, half overlapping).

    Args:
        x: Signal in microvolts, `(items, channels, times)`.
        sampling_rate: In Hz.
        seconds: How long windows are.
        lowest: Frequency in Hz from which on it is wanted.

    Returns:
        Frequencies in Hz, `(freqs,)`, and the density in dB over 1 uV^2/Hz, `(items, channels, freqs)`.
    """
    freqs, power = sps.welch(x, sampling_rate, nperseg=min(int(seconds * sampling_rate), x.shape[-1]), axis=-1)
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
        sampling_rate: In Hz.

    Returns:
        Frequencies in Hz, 1 apart, and `(items, freqs, pairs)`, between 0 and 1.
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
    """Matrix logarithm of covariances `(..., channels, channels)`, with a ridge so that a flat channel has one too."""
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
        sampling_rate: In Hz.

    Returns:
        Each `(items, channels)`: "burst rate" per second, "burst lifetime" in seconds (0 without a burst) and
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


def copying(prompt: np.ndarray, continuation: np.ndarray, sampling_rate: float) -> np.ndarray:
    """How much of the continuation is cut out of the prompt.

    The largest correlation of its 2 s windows with any stretch of the prompt, all channels together, on
    differenced signals (or slow waves alone would correlate).

    Args:
        prompt: In microvolts, `(items, channels, times)`, at least 2 s.
        continuation: In microvolts, `(items, channels, times')`.
        sampling_rate: In Hz.

    Returns:
        `(items,)`: 1 where a window of the prompt comes back.
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
    """What `spectrum_rows` and `space_rows` need to know about a set of continuations, each entry `(items, ...)`."""
    return {
        "psd": log_psd(x, sampling_rate)[1],
        "covariance": covariance(x),
        "coherence": coherence(x, sampling_rate),
    }


def describe(x: np.ndarray, sampling_rate: float, prompt: np.ndarray) -> dict[str, np.ndarray]:
    """Everything the rows need to know about a set of continuations, each entry `(items, ...)`."""
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


# -------------------------------------------------------------------------------------- the table's rows


def distribution_error(real: np.ndarray, generated: np.ndarray) -> float:
    """Wasserstein-1 distance of two equally large samples over the real one's standard deviation.

    Args:
        real: `(items, channels)`.
        generated: `(items, channels)`.

    Returns:
        The mean over channels, in standard deviations: mean, spread and tails all count.
    """
    distance = np.abs(np.sort(real, axis=0) - np.sort(generated, axis=0)).mean(axis=0)
    return float((distance / (real.std(axis=0) + EPSILON)).mean())


def _relative(real: np.ndarray, generated: np.ndarray) -> np.ndarray:
    """Relative Frobenius error per item, `(items, ...)` -> `(items,)`."""
    axes = tuple(range(1, real.ndim))
    return np.sqrt(((generated - real) ** 2).sum(axes)) / (np.sqrt((real**2).sum(axes)) + EPSILON)


def evaluate_arrays(
    real_prompt: np.ndarray,
    real_continuation: np.ndarray,
    generated: np.ndarray,
    subjects: Sequence,
    sampling_rate: float,
    ch_names: Sequence[str] | None = None,
    conditions: Sequence[str] | None = None,
    classifiers: Sequence[str] = ("logistic", "boosting", "convolutional"),
    n_bootstrap: int = 200,
    seed: int = 0,
    recordings: Sequence | None = None,
) -> dict[str, dict]:
    """Compares generated continuations with what really followed the same prompts.

    Args:
        real_prompt: In microvolts, `(items, channels, prompt times)`.
        real_continuation: What followed, in microvolts, `(items, channels, times)`.
        generated: What was generated instead, in microvolts, the same shape.
        subjects: Whose recording each item is, `(items,)`: what cross-validation and the bootstrap group by.
        sampling_rate: In Hz.
        ch_names: Channel names; with them the alpha ratio is taken over posterior channels instead of all.
        conditions: Per item; prompts are swapped among items of one condition, and subjects with both "eyes_open"
            and "eyes_closed" give the rows about conditions.
        classifiers: Which of "logistic" (per family and on all features), "boosting" (on all features) and
            "convolutional" (on the signal) to train.
        n_bootstrap: Resamples of subjects behind each 95 % interval; 0 for none.
        seed: Of the bootstrap, the boosting and the network.
        recordings: Which recording each item was cut from; None: each from one of its own.

    Returns:
        For each row, in the table's order: `group`, `value`, `interval` (low, high) or None, `unit` and `goal`, see
        `get_hf.training.rows`.

    Raises:
        ValueError: Shapes that contradict each other, samples that are not finite, or fewer than two
            subjects.
    """
    _check(real_prompt, real_continuation, generated, subjects)
    rows = Rows(subjects, n_bootstrap, seed)
    real = describe(real_continuation, sampling_rate, real_prompt)
    fake = describe(generated, sampling_rate, real_prompt)
    spectrum_rows(rows, real, fake)
    space_rows(rows, real, fake, covariance(real_prompt))
    _dynamics_rows(rows, real, fake)
    two_sample_rows(rows, real_continuation, generated, sampling_rate, classifiers, seed)
    log_covariance_row(rows, real_continuation, generated, sampling_rate)
    prompt_rows(rows, real, fake, conditions, recordings)
    rows.mean("prompt", "copied from the prompt", "correlation", ("times floor", 1.2), fake["copying"])
    _stability_rows(rows, real, fake)
    if conditions is not None:
        # the prompt is of the same condition: with it the real ratio is known better
        longer = np.concatenate([real_prompt, real_continuation], axis=-1)
        alphas = (log_alpha_power(x, sampling_rate) for x in (longer, generated))
        alpha_rows(rows, *alphas, conditions, ch_names)
        eyes_rows(rows, real_continuation, generated, conditions, sampling_rate)
    return rows.table


def spectrum_rows(rows: Rows, real: dict[str, np.ndarray], fake: dict[str, np.ndarray]) -> None:
    """Adds the rows of group "spectrum", see `describe_spectrum_and_space`."""
    a, b = real["psd"], fake["psd"]

    def ensemble(_, items):
        return np.abs(a[items].mean(0) - b[items].mean(0)).mean()

    rows.add("spectrum", "log PSD, ensemble", "dB", FLOOR11, ensemble, is_error=True)
    rows.per_item("spectrum", "log PSD, per prompt", "dB", FLOOR11, np.abs(a - b).mean(axis=(1, 2)))


def space_rows(
    rows: Rows, real: dict[str, np.ndarray], fake: dict[str, np.ndarray], prompt_covariance: np.ndarray
) -> None:
    """Adds the rows of group "space", given the `covariance` of prompts too."""
    a, b = real["covariance"], fake["covariance"]
    # Every recording counts alike in the ensemble, however large its amplitude: in units of its prompt's power, which
    # is what both have in common. Over the real continuation's own power real ones would all have a trace of exactly
    # 1, and others the mean of a ratio of two random powers, which is above 1 for whoever does not know the future.
    power = np.trace(prompt_covariance, axis1=1, axis2=2)[:, None, None] + EPSILON

    def ensemble(name: str, a: np.ndarray, b: np.ndarray) -> None:
        def error(_, items):
            return _relative(a[items].mean(0)[None], b[items].mean(0)[None])[0]

        rows.add("space", f"{name}, ensemble", "relative", FLOOR12, error, is_error=True)

    ensemble("covariance", a / power, b / power)
    rows.per_item("space", "covariance, per prompt", "relative", FLOOR12, _relative(a, b))
    a, b = real["coherence"], fake["coherence"]
    for k, band in enumerate(BANDS):
        ensemble(f"coherence {band}", a[:, k], b[:, k])
    rows.per_item("space", "coherence, per prompt", "relative", FLOOR12, _relative(a, b))


def _dynamics_rows(rows: Rows, real: dict[str, np.ndarray], fake: dict[str, np.ndarray]) -> None:
    bursts = ("burst rate", "burst lifetime", "envelope variation")
    for key in ("Hjorth activity", "Hjorth mobility", "Hjorth complexity", "kurtosis", *bursts):

        def distance(_, items, key=key):
            return distribution_error(real[key][items], fake[key][items])

        rows.add("dynamics", f"alpha {key}" if key in bursts else key, "W1 / SD", FLOOR12, distance, is_error=True)
    a, b = real["autocorrelation"], fake["autocorrelation"]

    def ensemble(_, items):
        return np.abs(a[items].mean(0) - b[items].mean(0)).mean()

    rows.add("dynamics", "autocorrelation to 1 s", "abs", FLOOR12, ensemble, is_error=True)
    tails = (fake["kurtosis"] - real["kurtosis"]).mean(axis=1)
    rows.mean_ratio("dynamics", "kurtosis, generated over real", tails)


def _stability_rows(rows: Rows, real: dict[str, np.ndarray], fake: dict[str, np.ndarray]) -> None:
    gain = fake["second log RMS"] - real["second log RMS"]
    middle = gain.shape[1] // 2
    rows.ratio("stability", "RMS in the first 2 s", gain[:, :2].mean(axis=1))
    rows.ratio("stability", f"RMS at {middle} s", gain[:, middle - 1 : middle + 1].mean(axis=1))
    rows.ratio("stability", "RMS in the last 2 s", gain[:, -2:].mean(axis=1))
    rows.ratio("stability", "RMS, last over first 2 s", gain[:, -2:].mean(axis=1) - gain[:, :2].mean(axis=1))
    rows.ratio("stability", "step at the seam", fake["seam"] - real["seam"])


def _check(prompt, real, generated, subjects) -> None:
    if real.shape != generated.shape:
        raise ValueError(
            f"Real continuations are {real.shape} but generated ones {generated.shape}: both must be the "
            "same (items, channels, times). Generate as many seconds as were cut from the recordings."
        )
    if prompt.shape[:2] != real.shape[:2] or len(subjects) != len(real):
        raise ValueError(
            f"{prompt.shape[:2]} prompts (items, channels) and {len(subjects)} subjects for {real.shape[:2]} "
            "continuations: give one prompt and one subject per continuation."
        )
    for name, x in (("real_prompt", prompt), ("real_continuation", real), ("generated", generated)):
        if not np.isfinite(x).all():
            bad = np.flatnonzero(~np.isfinite(x).all(axis=(1, 2)))
            raise ValueError(f"{name} has samples that are NaN or infinite in items {bad[:8].tolist()}.")
