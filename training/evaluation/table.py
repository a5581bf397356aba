# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Rows of a table of figures: a value, its interval over people, and the goal.

rows = Rows(subjects, n_bootstrap=200)
rows.per_item("spectrum", "log PSD, per prompt", "dB", ("times floor", 1.1), errors)
rows.table["log PSD, per prompt"]["interval"]
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from .goals import Goal

#: The column of real EEG (other stretches of the same recordings), to which relative goals refer.
FLOOR = "real"
#: Groups of rows, in the table's order.
GROUPS = (
    *("spectrum", "space", "dynamics", "waveform", "coupling", "two-sample", "independent", "relative"),
    *("prompt", "stability", "rollout", "longer prompts", "few channels", "references", "cleaned"),
    *("from nothing", "conditions", "memorisation"),
)


class Rows:
    """Collects rows; resampled subjects give each figure its interval.

    Args:
        subjects: Subject of each item, `(items,)`.
        n_bootstrap: Resamples of subjects for each 95 % interval; 0 for no intervals.
        seed: Seed of the bootstrap.
        recordings: Recording of each item, `(items,)`; None: unknown.

    Attributes:
        groups: What classifiers are trained on and judged on by turns, `(items,)`: the subject of each item. If there
            is only one subject, it is the recording of each item, and no figure has an interval.
    """

    def __init__(self, subjects: Sequence, n_bootstrap: int = 200, seed: int = 0, recordings: Sequence | None = None):
        self.subjects = np.asarray(subjects)
        self.names = np.unique(self.subjects)
        several = len(self.names) > 1
        self.groups = self.subjects if several or recordings is None else np.asarray(recordings)
        rng = np.random.default_rng(seed)
        self._samples = [rng.choice(self.names, len(self.names)) for _ in range(n_bootstrap if several else 0)]
        self.members = {name: np.flatnonzero(self.subjects == name) for name in self.names}
        self.table: dict[str, dict] = {}

    def add(
        self,
        group: str,
        name: str,
        unit: str,
        goal: Goal | None,
        statistic: Callable,
        is_error: bool = False,
        **more,
    ) -> None:
        """Adds a row.

        Args:
            group: One of `GROUPS`.
            name: Unique name of the row.
            unit: Unit of the value.
            goal: See `get_hf.training.evaluation.goals`.
            statistic: Function of a sample of subjects and of their items `(n,)`; NaN where it is undefined.
            is_error: Whether the value is the size of an average's error. Resamples in which people occur twice
                inflate such an error, so the interval is shifted: the median of the resamples moves to the value.
            more: Further entries of the row, unchanged.
        """

        def of(sample):
            return float(statistic(sample, np.concatenate([self.members[s] for s in sample])))

        value = of(self.names)
        resampled = np.array([of(sample) for sample in self._samples])
        resampled = resampled[np.isfinite(resampled)]
        interval = None
        if len(resampled):
            low, high = np.percentile(resampled, [2.5, 97.5])
            if is_error:
                shift = value - np.median(resampled)
                low, high = max(low + shift, 0.0), high + shift
            interval = (float(low), float(high))
        self.table[name] = {"group": group, "value": value, "interval": interval, "unit": unit, "goal": goal, **more}

    def fact(self, group: str, name: str, unit: str, goal: Goal | None, value: float) -> None:
        """Adds a figure over all subjects that has no interval, such as a p-value."""
        self.table[name] = {"group": group, "value": float(value), "interval": None, "unit": unit, "goal": goal}

    def per_item(self, group: str, name: str, unit: str, goal: Goal | None, values: np.ndarray) -> None:
        """Adds the median over items of `values` `(items,)`."""
        self.add(group, name, unit, goal, lambda _, items: np.median(values[items]))

    def mean(self, group: str, name: str, unit: str, goal: Goal | None, values: np.ndarray) -> None:
        """Adds the mean over items of `values` `(items,)`, ignoring NaN."""
        self.add(group, name, unit, goal, lambda _, items: nan_mean(values[items]))

    def ratio(self, group: str, name: str, log_ratio: np.ndarray) -> None:
        """Adds the median ratio over items, with a goal of 10 % around 1; `log_ratio` is `(items,)`."""
        self.add(group, name, "ratio", ("between", 0.9, 1.1), lambda _, items: np.exp(np.median(log_ratio[items])))

    def mean_ratio(
        self, group: str, name: str, log_ratio: np.ndarray, goal: Goal | None = ("between", 0.9, 1.1)
    ) -> None:
        """Adds the ratio whose logarithm is the mean over items of `log_ratio` `(items,)`."""
        self.add(group, name, "ratio", goal, lambda _, items: np.exp(log_ratio[items].mean()))


def nan_mean(values: np.ndarray) -> float:
    """Mean of the finite values; NaN, without a warning, where there are none."""
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else math.nan


def number(value: float) -> str:
    """Formats a figure with its meaningful digits."""
    if value and abs(value) < 1e-3:
        return f"{value:.1e}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
