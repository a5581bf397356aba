# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Goals for figures, given the same figure of real EEG.

A goal is one of ("times floor", 1.1), ("at most", 0.6), ("at least", 0.9), ("between", 0.9, 1.1), ("share of floor",
0.8), ("between times floor", 0.9, 1.1), ("floor less", 0.05), ("of the way from white", 0.5). The floor is the same
figure of real EEG. White is the same figure of noise in place of the network.

A goal says how good a figure is. It does not say that the figure may be used to choose: `requirements.ONLY_REPORT`
names the rows that never choose anything.
"""

from __future__ import annotations

import math

#: Kind of a goal, and its limits.
Goal = tuple[str, *tuple[float, ...]]
_TEXTS = {
    "times floor": "<= {:g}x real",
    "at most": "<= {:g}",
    "at least": ">= {:g}",
    "between": "{:g} to {:g}",
    "share of floor": ">= {:g}x real",
    "between times floor": "{:g} to {:g}x real",
    "floor less": ">= real - {:g}",
    "of the way from white": ">= {:g} of white to real",
}


def goal_text(goal: Goal | None, floor: float | None = None) -> str:
    """Formats a goal for a table; given the floor's value, the text also has the resulting limit."""
    if goal is None:
        return ""
    kind, *limits = goal
    text = _TEXTS[kind].format(*limits)
    if floor is None or kind not in ("times floor", "share of floor"):
        return text
    return f"{text} ({limits[0] * floor:.3f})"


def meets(goal: Goal | None, value: float, floor: float | None, white: float | None = None) -> bool | None:
    """Whether a value meets a goal, given the floor's and white's values; None where what it needs is missing."""
    if goal is None or not math.isfinite(value):
        return None
    kind, *limits = goal
    if kind == "at most":
        return value <= limits[0]
    if kind == "at least":
        return value >= limits[0]
    if kind == "between":
        return limits[0] <= value <= limits[1]
    if floor is None:
        return None
    if kind == "of the way from white":
        return None if white is None or white == floor else (value - white) / (floor - white) >= limits[0]
    if kind == "floor less":
        return value >= floor - limits[0]
    if kind == "between times floor":
        low, high = sorted(limit * floor for limit in limits)  # the floor may be negative
        return low <= value <= high
    return value <= limits[0] * floor if kind == "times floor" else value >= limits[0] * floor
