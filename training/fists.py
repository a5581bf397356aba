# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Cued trials: does EEG generated for a left and a right fist differ as real EEG of the two does?

The prompt is the rest before a cue, and the condition from the cue on is told: what was cued is generated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import signal as sps

from .fidelity import covariance
from .rows import Rows
from .segments import SAMPLING_RATE, Signal
from .transfer import CommonSpatialPatterns, aligned, transfer_accuracy

LEFT, RIGHT = "left_fist", "right_fist"
REST = "rest"
BAND = (8.0, 30.0)  # mu and beta, which movement and its imagery desynchronise
SETTLED = 0.5  # seconds after the cue before the rhythms follow it


@dataclass(frozen=True)
class Fists:
    """Trials of the left and of the right fist, after the rest before their cues.

    Attributes:
        prompt: `(trials, channels, prompt times)` in microvolts, at `SAMPLING_RATE`.
        trial: `(trials, channels, times)`: what followed the cue, in microvolts.
        subjects: `(trials,)`.
        labels: `(trials,)`: `LEFT` or `RIGHT`.
        ch_names: Per channel.
    """

    prompt: np.ndarray
    trial: np.ndarray
    subjects: np.ndarray
    labels: np.ndarray
    ch_names: list[str]

    @property
    def n_times(self) -> int:
        """Samples to generate after each prompt."""
        return self.trial.shape[-1]

    @property
    def conditions(self) -> list[tuple[str, str]]:
        """What each prompt holds, and what is to follow."""
        return [(REST, str(label)) for label in self.labels]

    def rows(self, made: np.ndarray | None, n_bootstrap: int = 200, seed: int = 0) -> dict[str, dict]:
        """The rows of what was generated, or, without it, of real trials.

        Lateralisation is the power at C3 over that at C4, in dB, left fist less right: the hemisphere opposite to the
        fist loses power, so that it is positive. The decoder is `CommonSpatialPatterns` of aligned covariances.

        Args:
            made: `(trials, channels, times)` in microvolts.
            n_bootstrap: Resamples of subjects behind each interval.
            seed: Of the bootstrap.
        """
        rows = Rows(self.subjects, n_bootstrap, seed)
        real, made = (_mu_beta(x) for x in (self.trial, self.trial if made is None else made))
        is_left = self.labels == LEFT
        if {"C3", "C4"} <= set(self.ch_names):
            c3, c4 = (10 * np.log10(made[:, self.ch_names.index(name)].var(axis=-1) + 1e-6) for name in ("C3", "C4"))

            def lateralisation(sample, _):
                own = (rows.members[subject] for subject in sample)
                return np.mean([_contrast((c3 - c4)[items], is_left[items]) for items in own])

            goal = ("between times floor", 0.9, 1.1)
            rows.add("conditions", "8-30 Hz at C3 over C4, left less right fist", "dB", goal, lateralisation)
        covariances = (aligned(covariance(x), self.subjects) for x in (made, real))
        correct = transfer_accuracy(CommonSpatialPatterns, *covariances, self.labels, self.subjects)
        name = "left or right fist: trained on it, right on real"
        rows.mean("conditions", name, "share of trials", ("floor less", 0.05), correct)
        return rows.table


def _mu_beta(x: np.ndarray) -> np.ndarray:
    """`(trials, channels, times)` in the band of interest, without the first half second."""
    sos = sps.butter(4, BAND, "bandpass", fs=SAMPLING_RATE, output="sos")
    return sps.sosfiltfilt(sos, x, axis=-1)[..., round(SETTLED * SAMPLING_RATE) :]


def _contrast(values: np.ndarray, is_left: np.ndarray) -> float:
    """Mean of the left less that of the right; 0 for a person who lacks one of them."""
    return values[is_left].mean() - values[~is_left].mean() if 0 < is_left.sum() < len(is_left) else 0.0


def cut_fists(
    signals: Iterable[Signal],
    ch_names: Sequence[str],
    prompt_seconds: float = 4.0,
    trial_seconds: float = 4.0,
    trials_per_recording: int | None = None,
) -> Fists | None:
    """Cuts trials of one fist that follow rest.

    Args:
        signals: What `recordings` yields.
        ch_names: Of its channels.
        prompt_seconds: Of rest before the cue; trials with less are left out.
        trial_seconds: After the cue.
        trials_per_recording: At most so many, the first ones, as many of either fist as possible; None: all.

    Returns:
        The trials; None where there are none of both fists.
    """
    n_prompt, n_trial = (round(seconds * SAMPLING_RATE) for seconds in (prompt_seconds, trial_seconds))
    prompts, trials, subjects, labels = [], [], [], []
    for x, subject, _, spans in signals:
        cues = {LEFT: [], RIGHT: []}
        for (begin, end, before), (onset, _, after) in pairwise(spans):
            cue = round(onset * SAMPLING_RATE)
            rested = before == REST and abs(end - onset) < 0.1 and onset - begin > prompt_seconds - 0.1
            if after in cues and rested and cue >= n_prompt and cue + n_trial <= x.shape[-1]:
                cues[after].append(cue)
        half = None if trials_per_recording is None else max(1, trials_per_recording // 2)
        for label, onsets in cues.items():
            for cue in onsets[:half]:
                prompts.append(x[:, cue - n_prompt : cue])
                trials.append(x[:, cue : cue + n_trial])
                subjects.append(subject)
                labels.append(label)
    if len(set(labels)) < 2:
        return None
    return Fists(np.stack(prompts), np.stack(trials), np.array(subjects), np.array(labels), list(ch_names))
