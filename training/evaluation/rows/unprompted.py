# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""EEG without a prompt: does it fit its condition, and do virtual people differ as real people do?

There is no prompt to compare with, so only sets are compared. The model does not know the judged people. Even a
perfect generator would differ from them as other people do, so the floor, stretches of the same people, is out of
reach.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from get_hf.training.evaluation.descriptors import EPSILON, describe_spectrum_and_space, log_alpha_power, log_rms
from get_hf.training.evaluation.recordings import Segments, Signal, cut_segments
from get_hf.training.evaluation.table import Rows

from .conditions import CLOSED, OPEN, alpha_rows
from .continuations import space_rows

#: Length of the real stretches in seconds: two of them fit into a recording of a minute.
REAL_SECONDS = 24.0
#: Length of the generated EEG in seconds; only its end is judged, because drift is slow.
SECONDS = 60.0


class Unprompted:
    """People and conditions to generate EEG for, and a few rows of the result.

    Args:
        segments: Stretches of known people and conditions, without prompts.

    Attributes:
        people: Number of each item's person, `(items,)`; the same person has the same number.
    """

    def __init__(self, segments: Segments):
        self.segments = segments
        self.ch_names, self.conditions = segments.ch_names, segments.conditions
        self.n_times = round(SECONDS * segments.sampling_rate)
        self.people = np.unique(segments.subjects, return_inverse=True)[1]

    def rows(self, generated: np.ndarray | None, n_bootstrap: int = 200, seed: int = 0) -> dict[str, dict]:
        """Rows of generated EEG, or of other stretches of the same recordings.

        Args:
            generated: Generated EEG `(items, channels, n_times)` in microvolts; None: other stretches.
            n_bootstrap: Resamples of subjects for each interval.
            seed: Seed of the bootstrap.
        """
        of = self.segments
        n_real = of.n_times
        begin, end = (
            (of.continuation, of.other) if generated is None else (generated[..., :n_real], generated[..., -n_real:])
        )
        rows = Rows(of.subjects, n_bootstrap, seed)
        real, fake = (_describe(x, of.sampling_rate) for x in (of.continuation, end))
        _spectrum_rows(rows, real, fake, np.asarray(of.conditions))
        no_prompt = np.broadcast_to(np.eye(len(of.ch_names)) / len(of.ch_names), real["covariance"].shape)
        space_rows(rows, real, fake, no_prompt)
        real_alpha, made_alpha = (log_alpha_power(x, of.sampling_rate) for x in (of.continuation, end))
        alpha_rows(rows, real_alpha, made_alpha, of.conditions, of.ch_names)
        rows.ratio("stability", "RMS, last over first 24 s", (log_rms(end) - log_rms(begin)).mean(axis=1))
        # a floor that is out of reach sets no goal, and rows for each prompt do not apply without prompts
        return {
            f"{name}, from nothing": row
            | {"group": "from nothing", "goal": None if row["goal"] and "floor" in row["goal"][0] else row["goal"]}
            for name, row in rows.table.items()
            if "per prompt" not in name
        }


def _describe(x: np.ndarray, sampling_rate: float) -> dict[str, np.ndarray]:
    """Descriptors for the rows, each entry `(items, ...)`; covariances in units of their own power."""
    found = describe_spectrum_and_space(x, sampling_rate) | {"log RMS": log_rms(x).mean(axis=1)}
    power = np.trace(found["covariance"], axis1=1, axis2=2)[:, None, None] + EPSILON
    return found | {"covariance": found["covariance"] / power}


def _spectrum_rows(
    rows: Rows, real: dict[str, np.ndarray], fake: dict[str, np.ndarray], conditions: np.ndarray
) -> None:
    a, b = real["psd"], fake["psd"]
    for condition in (OPEN, CLOSED):
        if condition not in conditions:
            continue

        def error(_, items, condition=condition):
            chosen = items[conditions[items] == condition]
            return np.abs(a[chosen].mean(0) - b[chosen].mean(0)).mean() if len(chosen) else np.nan

        rows.add("spectrum", f"log PSD, {condition.replace('_', ' ')}", "dB", None, error, is_error=True)

    def spread(psd: np.ndarray, sample) -> float:
        means = np.stack([psd[rows.members[subject]].mean(axis=0) for subject in sample])
        return means.std(axis=0).mean()

    name = "differences between people in log PSD, over real"
    goal = ("between", 0.75, 1.25)
    rows.add("spectrum", name, "ratio", goal, lambda sample, _: spread(b, sample) / (spread(a, sample) + EPSILON))
    louder = fake["log RMS"] - real["log RMS"]
    rows.mean_ratio("spectrum", "RMS over real, mean of logarithms", louder, ("between", 0.8, 1.25))


def cut_unprompted(signals: Sequence[Signal], ch_names: Sequence[str]) -> Unprompted | None:
    """Takes a stretch of each recording; None where none is long enough."""
    try:
        return Unprompted(cut_segments(signals, ch_names, 0.0, REAL_SECONDS, items_per_recording=1))
    except ValueError:
        return None
