# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The bars: what a checkpoint must reach before it is shipped. Goals are higher; see the rows of the table."""

from __future__ import annotations

import math

from .rows import FLOOR, number
from .two_sample import BANDS, CLASSIFIERS

POOLED_VAR, PROMPT_VAR, IAAFT = "pooled VAR(12)", "prompt VAR", "IAAFT"
_SPACE = (
    "covariance, ensemble",
    "covariance, per prompt",
    *(f"coherence {band}, ensemble" for band in BANDS),
    "coherence, per prompt",
)

#: By row: kind of limit, and the limit; beside "below", of which columns.
BARS: dict[str, list[tuple]] = {
    "log PSD, ensemble": [("times floor", 1.3)],
    "log PSD, per prompt": [("times floor", 1.3)],
    **{name: [("times floor", 1.5), ("below", POOLED_VAR)] for name in _SPACE},
    **{name: [("at most", 0.75), ("below", POOLED_VAR, PROMPT_VAR, IAAFT)] for name in CLASSIFIERS},
    "nearer to own than to swapped prompt": [("share of floor", 0.6)],
    "own against swapped prompt, Wilcoxon": [("at most", 1e-4)],
    "alpha eyes closed / open": [("between", 0.75, 1.25)],
    "median over people and a minute inside, worst measure": [("at least", 1.0)],
    "distance to the nearest training window": [("at least", 0.95)],
    "smallest distance to one": [("at least", 0.5)],
}


def check_bars(rows: dict[str, dict[str, dict]], column: str) -> list[dict]:
    """Holds a column against the bars.

    Args:
        rows: By column, its rows, as in `Comparison.rows`.
        column: Which to judge.

    Returns:
        For each bar whose row was measured: "bar", "value", "limit" (text) and "holds" (None where the column that
        sets the limit is missing).
    """
    found = []
    for name, limits in BARS.items():
        if name not in rows[column]:
            continue
        value = rows[column][name]["value"]
        for kind, *given in limits:
            text, holds = _limit(rows, name, value, kind, given)
            if not math.isfinite(value):
                holds = None
            found.append({"bar": name, "value": value, "limit": text, "holds": holds})
    return found


def _limit(rows, name, value, kind, given) -> tuple[str, bool | None]:
    """A limit in words, and whether the value keeps to it."""
    if kind == "below":
        others = {column: rows[column][name]["value"] for column in given if name in rows.get(column, ())}
        text = "below " + ", ".join(f"{column} ({other:.3f})" for column, other in others.items())
        return (text, value < min(others.values())) if others else ("below " + ", ".join(given), None)
    if kind == "between":
        return "{:g} to {:g}".format(*given), given[0] <= value <= given[1]
    limit, text = given[0], f"{given[0]:g}"
    if kind in ("times floor", "share of floor"):
        floor = rows.get(FLOOR, {}).get(name)
        text = f"{limit:g}x real"
        if floor is None:
            return text, None
        limit *= floor["value"]
        text += f" ({limit:.3f})"
    if kind in ("times floor", "at most"):
        return f"<= {text}", value <= limit
    return f">= {text}", value >= limit


def bars_table(bars: list[dict]) -> str:
    """The bars in Markdown."""
    lines = ["| bar | value | limit | holds |", "| --- | --- | --- | --- |"]
    answers = {True: "yes", False: "no", None: "unknown"}
    lines += [f"| {b['bar']} | {number(b['value'])} | {b['limit']} | {answers[b['holds']]} |" for b in bars]
    return "\n".join(lines)
