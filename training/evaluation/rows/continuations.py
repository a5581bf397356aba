# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Rows that compare generated EEG with the EEG that really followed a prompt.

Arrays are `(items, channels, times)` in microvolts. Item `i` is one prompt. Its real and its generated continuation
are compared as ensembles (do the sets have the same means?), per prompt (does this continuation fit this prompt?), and
by classifiers that separate short windows of the two. A figure can only be judged beside the same figure of other real
windows of the same recordings (the floor) and of classical baselines (`get_hf.training.evaluation.baselines`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from get_hf.training.evaluation.descriptors import (
    BANDS,
    EPSILON,
    blinks_per_minute,
    covariance,
    describe,
    log_alpha_power,
)
from get_hf.training.evaluation.goals import Goal
from get_hf.training.evaluation.recordings import Segments
from get_hf.training.evaluation.table import Rows

from .conditions import alpha_rows, eyes_rows
from .memorisation import memorisation_rows, nearest_distances, pick_windows
from .only_report.independent import independent_rows
from .only_report.log_covariance import log_covariance_row
from .only_report.relative import relative_rows
from .prompt_specificity import prompt_rows
from .two_sample import two_sample_rows
from .waveform import waveform_rows

FLOOR11, FLOOR12 = ("times floor", 1.1), ("times floor", 1.2)


def distribution_error(real: np.ndarray, generated: np.ndarray) -> float:
    """Wasserstein-1 distance of two equally large samples, over the standard deviation of the real sample.

    Args:
        real: Real sample `(items, channels)`.
        generated: Generated sample `(items, channels)`.

    Returns:
        The mean over channels, in standard deviations. Differences of mean, spread and tails all count.
    """
    distance = np.abs(np.sort(real, axis=0) - np.sort(generated, axis=0)).mean(axis=0)
    return float((distance / (real.std(axis=0) + EPSILON)).mean())


def _relative(real: np.ndarray, generated: np.ndarray) -> np.ndarray:
    """Relative Frobenius error of each item, `(items, ...)` -> `(items,)`."""
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
    """Compares generated continuations with the real continuations of the same prompts.

    Args:
        real_prompt: Prompts in microvolts, `(items, channels, prompt times)`.
        real_continuation: Real continuations in microvolts, `(items, channels, times)`.
        generated: Generated continuations in microvolts, the same shape.
        subjects: Subject of each item, `(items,)`; cross-validation and the bootstrap group items by subject.
        sampling_rate: Sampling rate in Hz.
        ch_names: Channel names; with them the alpha ratio is taken over posterior channels instead of all.
        conditions: Condition of each item. Prompts are swapped among items of one condition. Subjects with both
            "eyes_open" and "eyes_closed" give the rows about conditions.
        classifiers: Classifiers to train, among "logistic" (on each family and on all features), "boosting" (on all
            features) and "convolutional" (on the signal).
        n_bootstrap: Resamples of subjects for each 95 % interval; 0 for no intervals.
        seed: Seed of the bootstrap, the boosting and the network.
        recordings: Recording of each item; None: every item has a recording of its own. With a single subject,
            classifiers are trained on some recordings and judged on the others.

    Returns:
        For each row, in the table's order: `group`, `value`, `interval` (low, high) or None, `unit` and `goal`, see
        `get_hf.training.evaluation.table`.

    Raises:
        ValueError: Shapes contradict each other, samples are not finite, or there is one subject without `recordings`.
    """
    _check(real_prompt, real_continuation, generated, subjects)
    rows = Rows(subjects, n_bootstrap, seed, recordings)
    real = describe(real_continuation, sampling_rate, real_prompt)
    fake = describe(generated, sampling_rate, real_prompt)
    spectrum_rows(rows, real, fake)
    if real_prompt.shape[1] > 1:
        space_rows(rows, real, fake, covariance(real_prompt))
    _dynamics_rows(rows, real, fake)
    if ch_names is not None:
        blink_row(rows, generated, ch_names, sampling_rate, ("between times floor", 0.8, 1.25))
    waveform_rows(rows, real_continuation, generated, sampling_rate)
    two_sample_rows(rows, real_continuation, generated, sampling_rate, classifiers, seed)
    log_covariance_row(rows, real_continuation, generated, sampling_rate)
    independent_rows(rows, real_continuation, generated, sampling_rate, classifiers, seed)
    relative_rows(rows, real_prompt, real_continuation, generated, sampling_rate, classifiers, seed)
    if len(rows.names) > 1:
        prompt_rows(rows, real, fake, conditions, recordings)
    rows.mean("prompt", "copied from the prompt", "correlation", ("times floor", 1.2), fake["copying"])
    _stability_rows(rows, real, fake)
    if conditions is not None:
        # the prompt has the same condition, and makes the estimate of the real ratio more precise
        longer = np.concatenate([real_prompt, real_continuation], axis=-1)
        real_alpha, generated_alpha = (log_alpha_power(x, sampling_rate) for x in (longer, generated))
        alpha_rows(rows, real_alpha, generated_alpha, conditions, ch_names)
        eyes_rows(rows, real_continuation, generated, conditions, sampling_rate)
    return rows.table


def spectrum_rows(rows: Rows, real: dict[str, np.ndarray], fake: dict[str, np.ndarray]) -> None:
    """Adds the rows of group "spectrum"; see `describe_spectrum_and_space`."""
    a, b = real["psd"], fake["psd"]

    def ensemble(_, items):
        return np.abs(a[items].mean(0) - b[items].mean(0)).mean()

    rows.add("spectrum", "log PSD, ensemble", "dB", FLOOR11, ensemble, is_error=True)
    rows.per_item("spectrum", "log PSD, per prompt", "dB", FLOOR11, np.abs(a - b).mean(axis=(1, 2)))


def space_rows(
    rows: Rows, real: dict[str, np.ndarray], fake: dict[str, np.ndarray], prompt_covariance: np.ndarray
) -> None:
    """Adds the rows of group "space"; `prompt_covariance` is the `covariance` of the prompts."""
    a, b = real["covariance"], fake["covariance"]
    # In units of the prompt's power, which both sides share, every recording has the same weight in the ensemble. In
    # units of the real continuation's power, every real trace would be exactly 1. Generated traces would be ratios of
    # two random powers, whose mean is above 1 for every generator that does not know the future.
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


def blink_row(rows: Rows, x: np.ndarray, ch_names: Sequence[str], sampling_rate: float, goal: Goal) -> None:
    """Adds the number of blinks per minute in recordings `(items, channels, times)`, if there are frontal channels."""
    found = blinks_per_minute(x, ch_names, sampling_rate)
    if found is not None:
        rows.mean("dynamics", "blinks", "per minute", goal, found)


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


class Continuations:
    """Prompts to continue, and the rows of their continuations.

    Args:
        segments: Prompts and their real continuations.
        train: Recordings `(channels, times)` to search for memorised windows; empty: no search.
        classifiers: Classifiers of the two-sample test.
        windows_per_item: Windows of each continuation to compare with the training windows.
    """

    def __init__(
        self, segments: Segments, train: Sequence[np.ndarray], classifiers: Sequence[str], windows_per_item: int
    ):
        self.segments, self.train, self.classifiers = segments, train, classifiers
        self.windows_per_item = windows_per_item
        self.prompt, self.ch_names = segments.prompt, segments.ch_names
        self.n_times, self.conditions = segments.n_times, segments.unchanged_conditions

    def rows(self, generated: np.ndarray, n_bootstrap: int = 200, seed: int = 0) -> dict[str, dict]:
        """The rows of continuations `(items, channels, n_times)` in microvolts; see `evaluate_arrays`."""
        of = self.segments
        table = evaluate_arrays(
            of.prompt, of.continuation, generated, of.subjects, of.sampling_rate, of.ch_names, of.conditions,
            self.classifiers, n_bootstrap, seed, of.recordings,
        )  # fmt: skip
        if not self.train:
            return table
        rows = Rows(of.subjects, n_bootstrap, seed)
        memorisation_rows(rows, self._held_out_distances, self._distances(generated))
        return table | rows.table

    @cached_property
    def _held_out_distances(self) -> np.ndarray:
        return self._distances(self.segments.continuation)

    def _distances(self, x: np.ndarray) -> np.ndarray:
        windows = pick_windows(x, self.segments.sampling_rate, self.windows_per_item)
        return nearest_distances(windows, self.train)
