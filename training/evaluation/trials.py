# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Cued trials: the EEG before a cue, and the EEG after it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from get_hf.processing.equaliser_get import SECONDS_BEFORE_CUE

from .recordings import SAMPLING_RATE, Signal

#: Length of the EEG before and after a cue, in seconds; shorter trials are left out.
SECONDS = SECONDS_BEFORE_CUE
#: Condition with which cued conditions are compared.
REST = "rest"


@dataclass(frozen=True)
class Trials:
    """Changes from one condition to another.

    Attributes:
        prompt: EEG before the cues, `(trials, channels, prompt times)` in microvolts, at `SAMPLING_RATE`.
        trial: EEG after the cues, `(trials, channels, times)` in microvolts.
        subjects: Subject of each trial, `(trials,)`.
        conditions: Conditions before and after each cue.
        ch_names: Name of each channel.
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
        """Cued condition of each trial, `(trials,)`."""
        return np.array([after for _, after in self.conditions])


def cut_trials(
    signals: Iterable[Signal],
    ch_names: Sequence[str],
    changes: Container[tuple[str, str]],
    per_recording: int | None = None,
) -> Trials | None:
    """Cuts recordings at their cues.

    Args:
        signals: Signals from `recordings`.
        ch_names: Channels of the signals.
        changes: Changes to cut at, (condition before, condition after).
        per_recording: Maximum number of trials of each condition in a recording, evenly spread; None: all.

    Returns:
        The trials, recording by recording and condition by condition; None where there are none.
    """
    n = round(SECONDS * SAMPLING_RATE)
    prompts, trials, subjects, conditions = [], [], [], []
    for x, subject, _, spans, *_ in signals:
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
