# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Cued trials: what a person did before a cue, and after it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from get_hf.processing.equaliser_get import SECONDS_BEFORE_CUE

from .recordings import SAMPLING_RATE, Signal

#: Before and after a cue, in seconds; trials with less of either are left out.
SECONDS = SECONDS_BEFORE_CUE
#: What conditions that are cued are held against.
REST = "rest"


@dataclass(frozen=True)
class Trials:
    """Changes from one condition to another.

    Attributes:
        prompt: `(trials, channels, prompt times)` in microvolts, at `SAMPLING_RATE`: before the cues.
        trial: `(trials, channels, times)`: what followed them, in microvolts.
        subjects: `(trials,)`.
        conditions: Of each, that of the prompt and that of the trial.
        ch_names: Per channel.
    """

    prompt: np.ndarray
    trial: np.ndarray
    subjects: np.ndarray
    conditions: list[tuple[str, str]]
    ch_names: list[str]

    @property
    def n_times(self) -> int:
        """Samples to generate after each prompt."""
        return self.trial.shape[-1]

    @property
    def labels(self) -> np.ndarray:
        """What was cued, `(trials,)`."""
        return np.array([after for _, after in self.conditions])


def cut_trials(
    signals: Iterable[Signal],
    ch_names: Sequence[str],
    changes: Container[tuple[str, str]],
    per_recording: int | None = None,
) -> Trials | None:
    """Cuts recordings at their cues.

    Args:
        signals: What `recordings` yields.
        ch_names: Of its channels.
        changes: Which to cut at, (condition before, condition after).
        per_recording: At most so many trials of each condition in a recording, evenly spread; None: all.

    Returns:
        The trials, recording by recording and condition by condition; None where there are none.
    """
    n = round(SECONDS * SAMPLING_RATE)
    prompts, trials, subjects, conditions = [], [], [], []
    for x, subject, _, spans in signals:
        cues: dict[str, list[tuple[int, str]]] = {}
        for (begin, end, before), (onset, stop, after) in pairwise(sorted(spans)):
            cue = round(onset * SAMPLING_RATE)
            is_wanted = (before, after) in changes
            is_whole = abs(end - onset) < 0.1 and min(onset - begin, stop - onset) > SECONDS - 0.1
            if is_wanted and is_whole and n <= cue <= x.shape[-1] - n:
                cues.setdefault(after, []).append((cue, before))
        for after, found in sorted(cues.items()):
            count = min(len(found), per_recording or len(found))
            for k in np.linspace(0, len(found) - 1, count).round().astype(int):
                cue, before = found[k]
                prompts.append(x[:, cue - n : cue])
                trials.append(x[:, cue : cue + n])
                subjects.append(subject)
                conditions.append((before, after))
    if not prompts:
        return None
    return Trials(np.stack(prompts), np.stack(trials), np.array(subjects), conditions, list(ch_names))
