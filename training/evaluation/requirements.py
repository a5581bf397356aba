# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Requirements that a checkpoint must meet before release. The goals of the table's rows are stricter.

Rows of `ONLY_REPORT` are in no requirement, because nothing may be chosen by them. They say what the judges that did
choose have missed.
"""

from __future__ import annotations

import math

from get_hf.training.evaluation.rows.two_sample import CLASSIFIERS

from .descriptors import BANDS
from .goals import goal_text, meets
from .table import FLOOR, number

POOLED_VAR, PROMPT_VAR, IAAFT = "pooled VAR(12)", "prompt VAR", "IAAFT"
#: GET without its network, see `get_hf.training.evaluation.innovations.baselines`.
WHITE, PLAYBACK, REPLAY = "white", "playback", "replay"
#: Rows that never choose anything, neither a setting nor a checkpoint: log covariance, the rows relative to the
#: prompt, and the independent evaluation.
ONLY_REPORT = (
    "AUC log covariance",
    "AUC independent, logistic",
    "AUC independent, boosting",
    "AUC relative to the prompt, logistic",
    "AUC relative to the prompt, boosting",
    "AUC log covariance relative to the prompt",
)
_SPACE = (
    "covariance, ensemble",
    "covariance, per prompt",
    *(f"coherence {band}, ensemble" for band in BANDS),
    "coherence, per prompt",
)

#: Limits of each row: goals (see `goals`), or ("below", names of columns).
REQUIREMENTS: dict[str, list[tuple]] = {
    "log PSD, ensemble": [("times floor", 1.3)],
    "log PSD, per prompt": [("times floor", 1.3)],
    **{name: [("times floor", 1.5), ("below", POOLED_VAR)] for name in _SPACE},
    **{name: [("at most", 0.75), ("below", POOLED_VAR, PROMPT_VAR, IAAFT, WHITE, PLAYBACK)] for name in CLASSIFIERS},
    "nearer to own than to swapped prompt": [("share of floor", 0.6)],
    "own against swapped prompt, Wilcoxon": [("at most", 1e-4)],
    "alpha eyes closed / open": [("between", 0.75, 1.25)],
    "median over people and a minute inside, worst measure": [("at least", 1.0)],
    "distance to the nearest training window": [("at least", 0.95)],
    "smallest distance to one": [("at least", 0.5)],
}


def check_requirements(rows: dict[str, dict[str, dict]], column: str) -> list[dict]:
    """Compares a column with the requirements.

    Args:
        rows: Rows of each column, as in `Comparison.rows`.
        column: Column to judge.

    Returns:
        For each requirement whose row was measured: "row", "value", "limit" (text) and "holds" (None where the column
        that sets the limit is missing).
    """
    found = []
    for name, limits in REQUIREMENTS.items():
        if name not in rows[column]:
            continue
        value = rows[column][name]["value"]
        floor = rows.get(FLOOR, {}).get(name, {}).get("value")
        for limit in limits:
            if limit[0] == "below":
                others = {other: rows[other][name]["value"] for other in limit[1:] if name in rows.get(other, ())}
                figures = ", ".join(
                    f"{other} ({others[other]:.3f})" if other in others else other for other in limit[1:]
                )
                text, holds = f"below {figures}", value < min(others.values()) if others else None
                holds = holds if math.isfinite(value) else None
            else:
                text, holds = goal_text(limit, floor), meets(limit, value, floor)
            found.append({"row": name, "value": value, "limit": text, "holds": holds})
    return found


def requirements_table(found: list[dict]) -> str:
    """Formats the result of `check_requirements` as a Markdown table."""
    answers = {True: "yes", False: "no", None: "unknown"}
    rows = [(each["row"], number(each["value"]), each["limit"], answers[each["holds"]]) for each in found]
    header = ["| requirement | value | limit | holds |", "| --- | --- | --- | --- |"]
    return "\n".join([*header, *(f"| {' | '.join(row)} |" for row in rows)])
