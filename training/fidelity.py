# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""How close generated EEG is to the EEG that really followed: every row of the fidelity table.

Arrays are `(items, channels, times)` in microvolts. Item `i` is one prompt: its real continuation and its
generated one are compared in ensemble (does the set look alike?), per prompt (does this continuation fit this
prompt?) and by classifiers told to separate short windows of the two. A figure means something only beside
the same figure for other real windows of the same recordings (the floor) and for classical baselines
(`get_hf.training.baselines`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy import signal as sps
from scipy.spatial.distance import cdist

from .two_sample import (
    BANDS,
    EPSILON,
    FAMILIES,
    cut_windows,
    hjorth,
    log_kurtosis,
    two_sample_auc,
    window_features,
)

ALPHA = BANDS["8-13 Hz"]
ACF_SECONDS = 1.0
POSTERIOR = ("P3", "Pz", "P4", "O1", "Oz", "O2")


# -------------------------------------------------------------------------------- descriptors of one item


def log_psd(x: np.ndarray, sampling_rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Welch's power spectral density from 1 to 45 Hz (Hann windows of 2 s, half overlapping).

    Args:
        x: Signal in microvolts, `(items, channels, times)`.
        sampling_rate: In Hz.

    Returns:
        Frequencies in Hz, `(freqs,)`, and the density in dB over 1 uV^2/Hz, `(items, channels, freqs)`.
    """
    freqs, power = sps.welch(x, sampling_rate, nperseg=min(int(2 * sampling_rate), x.shape[-1]), axis=-1)
    kept = (freqs >= 1) & (freqs <= 45)
    return freqs[kept], 10 * np.log10(power[..., kept] + EPSILON)


def coherence(x: np.ndarray, sampling_rate: float) -> np.ndarray:
    """Magnitude-squared coherence of all pairs of channels in each of `BANDS` (Welch, 1 s windows).

    Args:
        x: Signal in microvolts, `(items, channels, times)`.
        sampling_rate: In Hz.

    Returns:
        `(items, bands, pairs)`, between 0 and 1.
    """
    n = int(sampling_rate)
    starts = range(0, x.shape[-1] - n + 1, n // 2)
    windows = np.stack([x[..., s : s + n] for s in starts], axis=1)
    windows = windows - windows.mean(axis=-1, keepdims=True)
    spectra = np.fft.rfft(windows * np.hanning(n), axis=-1)
    freqs = np.fft.rfftfreq(n, 1 / sampling_rate)
    i, j = np.triu_indices(x.shape[1], 1)
    bands = []
    for low, high in BANDS.values():
        s = spectra[..., (freqs >= low) & (freqs < high)].transpose(0, 3, 2, 1)  # (items, freqs, channels, windows)
        cross = s @ s.conj().swapaxes(-1, -2)
        power = np.einsum("...cc->...c", cross).real + EPSILON
        squared = np.abs(cross) ** 2 / (power[..., :, None] * power[..., None, :])
        bands.append(squared.mean(axis=1)[:, i, j])
    return np.stack(bands, axis=1)


def covariance(x: np.ndarray) -> np.ndarray:
    """Covariance across channels in uV^2: `(items, channels, times)` -> `(items, channels, channels)`."""
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred @ centred.swapaxes(-1, -2) / x.shape[-1]


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


def describe(x: np.ndarray, sampling_rate: float, prompt: np.ndarray) -> dict[str, np.ndarray]:
    """Everything the rows need to know about a set of continuations, each entry `(items, ...)`."""
    activity, mobility, complexity = hjorth(x)
    cov = covariance(x)
    n_chans = x.shape[1]
    # so that a flat channel has a logarithm too
    ridge = 1e-3 * np.trace(cov, axis1=1, axis2=2) / n_chans + EPSILON
    values, vectors = np.linalg.eigh(cov + ridge[:, None, None] * np.eye(n_chans))
    seconds = cut_windows(x, int(sampling_rate)).reshape(len(x), -1, n_chans, int(sampling_rate))
    freqs, psd = log_psd(x, sampling_rate)
    return {
        "psd": psd,
        "alpha power": np.log((10 ** (psd[..., (freqs >= ALPHA[0]) & (freqs < ALPHA[1])] / 10)).mean(axis=-1)),
        "covariance": cov,
        "log covariance": np.einsum("nij,nj,nkj->nik", vectors, np.log(values), vectors),
        "coherence": coherence(x, sampling_rate),
        "Hjorth activity": np.log(activity),
        "Hjorth mobility": np.log(mobility),
        "Hjorth complexity": np.log(complexity),
        "kurtosis": log_kurtosis(x),
        "autocorrelation": autocorrelation(x, int(ACF_SECONDS * sampling_rate)),
        "second log RMS": 0.5 * np.log((seconds**2).mean(axis=-1) + EPSILON).mean(axis=2),  # (items, seconds)
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


def prompt_distances(
    real: dict[str, np.ndarray], generated: dict[str, np.ndarray], subjects: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How far each true continuation is from what its own and what other people's prompts gave.

    The distance is the mean absolute difference of log PSD plus the Frobenius distance of log covariances,
    each over its mean between real continuations of different people.

    Args:
        real: `describe` of the real continuations.
        generated: `describe` of the generated ones.
        subjects: `(items,)`.

    Returns:
        Distances to own and, on average, to swapped prompts, each `(items,)`.
    """
    subjects = np.asarray(subjects)
    other = subjects[:, None] != subjects[None, :]
    total = np.zeros(other.shape)
    for key, metric in (("psd", "cityblock"), ("log covariance", "euclidean")):
        a, b = (d[key].reshape(len(subjects), -1) for d in (real, generated))
        total += cdist(a, b, metric) / cdist(a, a, metric)[other].mean()
    return np.diag(total).copy(), (total * other).sum(axis=1) / other.sum(axis=1)


def evaluate_arrays(
    real_prompt: np.ndarray,
    real_continuation: np.ndarray,
    generated: np.ndarray,
    subjects: Sequence,
    sampling_rate: float,
    ch_names: Sequence[str] | None = None,
    conditions: Sequence[str] | None = None,
    classifiers: Sequence[str] = ("logistic", "boosting"),
    n_bootstrap: int = 200,
    seed: int = 0,
) -> dict[str, dict]:
    """Compares generated continuations with what really followed the same prompts.

    Args:
        real_prompt: In microvolts, `(items, channels, prompt times)`.
        real_continuation: What followed, in microvolts, `(items, channels, times)`.
        generated: What was generated instead, in microvolts, the same shape.
        subjects: Whose recording each item is, `(items,)`: what cross-validation and the bootstrap group by.
        sampling_rate: In Hz.
        ch_names: Channel names; with them the alpha ratio is taken over posterior channels instead of all.
        conditions: Per item; subjects with both "eyes_open" and "eyes_closed" give the alpha ratio.
        classifiers: Which of "logistic" (per family and on all features), "boosting" (on all) to train.
        n_bootstrap: Resamples of subjects behind each 95 % interval; 0 for none.
        seed: Of the bootstrap and the boosting.

    Returns:
        For each row, in the table's order: `group`, `value`, `interval` (low, high) or None, `unit` and
        `goal`, a pair such as ("times floor", 1.1), ("at most", 0.6), ("between", 0.9, 1.1), ("share of
        floor", 0.8) or None.

    Raises:
        ValueError: Shapes that contradict each other, samples that are not finite, or fewer than two
            subjects.
    """
    _check(real_prompt, real_continuation, generated, subjects)
    subjects = np.asarray(subjects)
    names = np.unique(subjects)
    real = describe(real_continuation, sampling_rate, real_prompt)
    fake = describe(generated, sampling_rate, real_prompt)
    rng = np.random.default_rng(seed)
    samples = [rng.choice(names, len(names)) for _ in range(n_bootstrap)]
    members = {name: np.flatnonzero(subjects == name) for name in names}
    rows: dict[str, dict] = {}

    def add(group: str, name: str, unit: str, goal: tuple | None, statistic: Callable) -> None:
        """`statistic` takes a sample of subjects and the items that are theirs."""

        def of(sample):
            return float(statistic(sample, np.concatenate([members[s] for s in sample])))

        value = of(names)
        resampled = np.array([of(sample) for sample in samples])
        resampled = resampled[np.isfinite(resampled)]
        interval = None
        if len(resampled):
            # recentred: doubled subjects inflate every absolute error of an average
            low, high = np.percentile(resampled, [2.5, 97.5]) - np.median(resampled) + value
            interval = (max(float(low), 0.0), float(high))
        rows[name] = {"group": group, "value": value, "interval": interval, "unit": unit, "goal": goal}

    def per_item(group: str, name: str, unit: str, goal: tuple | None, values: np.ndarray) -> None:
        add(group, name, unit, goal, lambda _, i: np.median(values[i]))

    def ratio(group: str, name: str, log_ratio: np.ndarray) -> None:
        add(group, name, "ratio", ("between", 0.9, 1.1), lambda _, i: np.exp(np.median(log_ratio[i])))

    floor11, floor12 = ("times floor", 1.1), ("times floor", 1.2)
    a, b = real["psd"], fake["psd"]
    add(
        "spectrum",
        "log PSD, ensemble",
        "dB",
        floor11,
        lambda _, i: np.abs(a[i].mean(0) - b[i].mean(0)).mean(),
    )
    per_item("spectrum", "log PSD, per prompt", "dB", floor11, np.abs(a - b).mean(axis=(1, 2)))

    ca, cb = real["covariance"], fake["covariance"]
    # every recording counts alike in the ensemble, however large its amplitude
    power = np.trace(ca, axis1=1, axis2=2)[:, None, None] + EPSILON
    na, nb = ca / power, cb / power
    add(
        "space", "covariance, ensemble", "relative", floor12,
        lambda _, i: _relative(na[i].mean(0)[None], nb[i].mean(0)[None])[0],
    )  # fmt: skip
    per_item("space", "covariance, per prompt", "relative", floor12, _relative(ca, cb))
    for k, band in enumerate(BANDS):
        ka, kb = real["coherence"][:, k], fake["coherence"][:, k]
        add("space", f"coherence {band}, ensemble", "relative", floor12,
            lambda _, i, ka=ka, kb=kb: _relative(ka[i].mean(0)[None], kb[i].mean(0)[None])[0])  # fmt: skip
    per_item("space", "coherence, per prompt", "relative", floor12, _relative(real["coherence"], fake["coherence"]))

    bursts = ("burst rate", "burst lifetime", "envelope variation")
    for key in ("Hjorth activity", "Hjorth mobility", "Hjorth complexity", "kurtosis", *bursts):
        name = f"alpha {key}" if key in bursts else key
        add("dynamics", name, "W1 / SD", floor12,
            lambda _, i, key=key: distribution_error(real[key][i], fake[key][i]))  # fmt: skip
    ra, rb = real["autocorrelation"], fake["autocorrelation"]
    add(
        "dynamics",
        "autocorrelation to 1 s",
        "abs",
        floor12,
        lambda _, i: np.abs(ra[i].mean(0) - rb[i].mean(0)).mean(),
    )
    tails = (fake["kurtosis"] - real["kurtosis"]).mean(axis=1)
    add("dynamics", "kurtosis, generated over real", "ratio", ("between", 0.9, 1.1),
        lambda _, i: np.exp(tails[i].mean()))  # fmt: skip

    _two_sample_rows(add, real_continuation, generated, subjects, sampling_rate, classifiers, seed)

    own, swapped = prompt_distances(real, fake, subjects)
    add("prompt", "nearer to own than to swapped prompt", "share of distance", ("share of floor", 0.8),
        lambda _, i: 1 - own[i].mean() / swapped[i].mean())  # fmt: skip
    add(
        "prompt",
        "own prompt wins",
        "share of items",
        ("share of floor", 0.8),
        lambda _, i: (own < swapped)[i].mean(),
    )
    add("prompt", "copied from the prompt", "correlation", ("times floor", 1.2),
        lambda _, i: np.mean(fake["copying"][i]))  # fmt: skip

    gain = fake["second log RMS"] - real["second log RMS"]
    middle = gain.shape[1] // 2
    ratio("stability", "RMS in the first 2 s", gain[:, :2].mean(axis=1))
    ratio("stability", f"RMS at {middle} s", gain[:, middle - 1 : middle + 1].mean(axis=1))
    ratio("stability", "RMS in the last 2 s", gain[:, -2:].mean(axis=1))
    ratio("stability", "RMS, last over first 2 s", gain[:, -2:].mean(axis=1) - gain[:, :2].mean(axis=1))
    ratio("stability", "step at the seam", fake["seam"] - real["seam"])

    _alpha_ratio_row(add, real["alpha power"], fake["alpha power"], members, ch_names, conditions)
    return rows


def _two_sample_rows(add, real, generated, subjects, sampling_rate, classifiers, seed) -> None:
    n = int(2 * sampling_rate)
    windows = [cut_windows(x, n) for x in (real, generated)]
    owner = np.repeat(subjects, len(windows[0]) // len(subjects))
    a, b = (window_features(w, sampling_rate) for w in windows)
    for features in (a, b):
        features["everything"] = np.concatenate([features[f] for f in FAMILIES], axis=1)
    jobs = [(family, "logistic") for family in (*FAMILIES, "everything")] + [("everything", "boosting")]
    for family, classifier in jobs:
        if classifier in classifiers:
            auc = two_sample_auc(a[family], b[family], owner, owner, classifier, seed=seed)
            name = f"AUC {family}" + (f", {classifier}" if family == "everything" else "")
            add("two-sample", name, "AUC", ("at most", 0.6),
                lambda sample, _, auc=auc: np.mean([auc[s] for s in sample]))  # fmt: skip


def _alpha_ratio_row(add, real, generated, members, ch_names, conditions) -> None:
    """Adds eyes closed over eyes open alpha power, generated over real, where some subject has both."""
    if conditions is None:
        return
    conditions = np.asarray(conditions)
    picks = [c for c, name in enumerate(ch_names or ()) if name in POSTERIOR] or list(range(real.shape[1]))
    effect = {}
    for subject, items in members.items():
        closed, opened = (items[conditions[items] == c] for c in ("eyes_closed", "eyes_open"))
        if len(closed) and len(opened):
            effect[subject] = [x[closed][:, picks].mean() - x[opened][:, picks].mean() for x in (generated, real)]
    if not effect:
        return

    def ratio(sample, _):
        found = [effect[s][0] - effect[s][1] for s in sample if s in effect]
        return np.exp(np.mean(found)) if found else np.nan

    add("conditions", "alpha eyes closed / open", "ratio", ("between", 0.9, 1.1), ratio)


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
