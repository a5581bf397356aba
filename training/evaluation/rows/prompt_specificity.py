# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Does a continuation fit its own prompt? Distances to the real continuation, with own and with swapped prompts.

Swapping needs no second generation: the continuation of prompt j is compared with the real continuation of prompt i.
All pairs of items are compared, so a swap is the mean over all other items instead of one random partner.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial.distance import cdist
from scipy.stats import wilcoxon

from get_hf.training.evaluation.table import Rows


def pair_distances(real: dict[str, np.ndarray], generated: dict[str, np.ndarray], subjects: np.ndarray) -> np.ndarray:
    """Distance between each real continuation and the EEG generated from each prompt.

    The distance is the mean absolute difference of log PSD plus the Frobenius distance of log covariances. Each of
    the two is divided by its mean between real continuations of different people.

    Args:
        real: `describe` of the real continuations.
        generated: `describe` of the generated continuations.
        subjects: Subject of each item, `(items,)`.

    Returns:
        `(items, items)`: real continuation i, prompt j.
    """
    subjects = np.asarray(subjects)
    other = subjects[:, None] != subjects[None, :]
    total = np.zeros(other.shape)
    for key, metric in (("psd", "cityblock"), ("log covariance", "euclidean")):
        a, b = (d[key].reshape(len(subjects), -1) for d in (real, generated))
        total += cdist(a, b, metric) / cdist(a, a, metric)[other].mean()
    return total


def _mean_where(distances: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Mean of each row's distances where `mask` is true; NaN for a row without any."""
    count = mask.sum(axis=1)
    return np.where(count > 0, (distances * mask).sum(axis=1) / np.maximum(count, 1), np.nan)


def prompt_rows(
    rows: Rows,
    real: dict[str, np.ndarray],
    generated: dict[str, np.ndarray],
    conditions: Sequence[str] | None = None,
    recordings: Sequence | None = None,
) -> None:
    """Adds how much nearer to the real continuation the own prompt leads than other prompts.

    The p-value comes from the one-sided paired Wilcoxon test over prompts. Prompts of one person are not independent,
    so the intervals of the other rows, over people, are the more careful statement.

    Args:
        rows: Table that gets the rows.
        real: `describe` of the real continuations.
        generated: `describe` of the generated continuations.
        conditions: Condition of each item. Swaps stay within one condition, so only the person differs.
        recordings: Recording of each item; None: every item has a recording of its own.
    """
    subjects = rows.subjects
    distances = pair_distances(real, generated, subjects)
    same_condition = np.asarray(["none"] * len(subjects) if conditions is None else conditions)
    same_condition = same_condition[:, None] == same_condition[None, :]
    recordings = np.arange(len(subjects)) if recordings is None else np.asarray(recordings)
    person = subjects[:, None] == subjects[None, :]
    own = np.diag(distances).copy()
    swapped_prompt = _mean_where(distances, same_condition & ~person)
    swapped_target = _mean_where(distances.T, same_condition & ~person)
    another = _mean_where(distances, same_condition & person & (recordings[:, None] != recordings[None, :]))

    def nearer(name: str, than: np.ndarray, goal: tuple | None) -> None:
        rows.mean("prompt", name, "share of distance", goal, 1 - own / than)

    nearer("nearer to own than to swapped prompt", swapped_prompt, ("share of floor", 0.8))
    nearer("nearer to own than to swapped target", swapped_target, ("share of floor", 0.8))
    if np.isfinite(another).any():
        nearer("nearer to own than to own other recording", another, None)
    known = np.isfinite(swapped_prompt)
    wins = np.where(known, own < swapped_prompt, np.nan)
    rows.mean("prompt", "own prompt wins", "share of items", ("share of floor", 0.8), wins)
    p_value = wilcoxon(own[known], swapped_prompt[known], alternative="less").pvalue if known.any() else np.nan
    rows.fact("prompt", "own against swapped prompt, Wilcoxon", "p", ("at most", 1e-4), p_value)
