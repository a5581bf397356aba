# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Rows of a table of figures: a value, its interval over people, the goal, and whether the goal is met.

    rows = Rows(subjects, n_bootstrap=200)
    rows.per_item("spectrum", "log PSD, per prompt", "dB", ("times floor", 1.1), errors)
    rows.table["log PSD, per prompt"]["interval"]

A goal is None or one of ("times floor", 1.1), ("at most", 0.6), ("at least", 0.9), ("between", 0.9, 1.1),
("share of floor", 0.8), ("between times floor", 0.9, 1.1), ("floor less", 0.05). The floor is the same figure of real
EEG.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

#: The column of real EEG, other stretches of the same recordings: what every goal is relative to.
FLOOR = "real"
#: Groups of rows, in the table's order.
GROUPS = (
    *("spectrum", "space", "dynamics", "two-sample", "prompt", "stability", "rollout"),
    *("longer prompts", "few channels", "from nothing", "conditions", "memorisation"),
)
_TEXTS = {
    "times floor": "<= {:g}x real",
    "at most": "<= {:g}",
    "at least": ">= {:g}",
    "between": "{:g} to {:g}",
    "share of floor": ">= {:g}x real",
    "between times floor": "{:g} to {:g}x real",
    "floor less": ">= real - {:g}",
}


class Rows:
    """Collects rows; each figure gets an interval from resampled subjects.

    Args:
        subjects: Whose each item is, `(items,)`.
        n_bootstrap: Resamples of subjects behind each 95 % interval; 0 for none.
        seed: Of the bootstrap.
    """

    def __init__(self, subjects: Sequence, n_bootstrap: int = 200, seed: int = 0):
        self.subjects = np.asarray(subjects)
        self.names = np.unique(self.subjects)
        rng = np.random.default_rng(seed)
        self._samples = [rng.choice(self.names, len(self.names)) for _ in range(n_bootstrap)]
        self.members = {name: np.flatnonzero(self.subjects == name) for name in self.names}
        self.table: dict[str, dict] = {}

    def add(
        self,
        group: str,
        name: str,
        unit: str,
        goal: tuple | None,
        statistic: Callable,
        is_error: bool = False,
        **more,
    ) -> None:
        """Adds a row.

        Args:
            group: One of `GROUPS`.
            name: Of the row, unique.
            unit: Of its value.
            goal: See the head of this module.
            statistic: Of a sample of subjects and the items `(n,)` that are theirs; NaN where the sample cannot tell.
            is_error: Whether it is the size of an average's error, which people who are drawn twice inflate: then its
                interval is moved to where the value is.
            more: Kept with the row as it is.
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

    def fact(self, group: str, name: str, unit: str, goal: tuple | None, value: float) -> None:
        """Adds a figure of everybody together, such as a p-value, that has no interval."""
        self.table[name] = {"group": group, "value": float(value), "interval": None, "unit": unit, "goal": goal}

    def per_item(self, group: str, name: str, unit: str, goal: tuple | None, values: np.ndarray) -> None:
        """Adds the median over items of `values` `(items,)`."""
        self.add(group, name, unit, goal, lambda _, items: np.median(values[items]))

    def mean(self, group: str, name: str, unit: str, goal: tuple | None, values: np.ndarray) -> None:
        """Adds the mean over items of `values` `(items,)`, of those that are not NaN."""
        self.add(group, name, unit, goal, lambda _, items: nan_mean(values[items]))

    def ratio(self, group: str, name: str, log_ratio: np.ndarray) -> None:
        """Adds the median ratio over items, to be within 10 % of 1; `log_ratio` is `(items,)`."""
        self.add(group, name, "ratio", ("between", 0.9, 1.1), lambda _, items: np.exp(np.median(log_ratio[items])))

    def mean_ratio(
        self, group: str, name: str, log_ratio: np.ndarray, goal: tuple | None = ("between", 0.9, 1.1)
    ) -> None:
        """Adds the ratio whose logarithm is the mean over items of `log_ratio` `(items,)`."""
        self.add(group, name, "ratio", goal, lambda _, items: np.exp(log_ratio[items].mean()))


def nan_mean(values: np.ndarray) -> float:
    """The mean of what is not NaN, or NaN, without a warning, where that is nothing."""
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else math.nan


def goal_text(goal: tuple | None) -> str:
    """A goal as the table shows it."""
    return "" if goal is None else _TEXTS[goal[0]].format(*goal[1:])


def meets(row: dict, floor: dict | None) -> bool | None:
    """Whether a row meets its goal, given the floor's row; None where there is no goal, value or floor to tell by."""
    value = row["value"]
    if row["goal"] is None or not math.isfinite(value):
        return None
    kind, *limits = row["goal"]
    if kind == "at most":
        return value <= limits[0]
    if kind == "at least":
        return value >= limits[0]
    if kind == "between":
        return limits[0] <= value <= limits[1]
    if floor is None:
        return None
    real = floor["value"]
    if kind == "floor less":
        return value >= real - limits[0]
    if kind == "between times floor":
        low, high = sorted(limit * real for limit in limits)  # the floor may be negative
        return low <= value <= high
    return value <= limits[0] * real if kind == "times floor" else value >= limits[0] * real


def number(value: float) -> str:
    """A figure with as many digits as say something."""
    if value and abs(value) < 1e-3:
        return f"{value:.1e}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
