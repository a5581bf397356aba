# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Cued trials: do continuations for a left and a right fist differ as real trials do?

The prompt is the rest before a cue. The model gets the condition after the cue, and generates the trial.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from scipy import signal as sps

from get_hf.training.evaluation.descriptors import covariance
from get_hf.training.evaluation.recordings import SAMPLING_RATE, Signal
from get_hf.training.evaluation.table import Rows
from get_hf.training.evaluation.trials import REST, Trials, cut_trials

from .transfer import CommonSpatialPatterns, aligned, transfer_accuracy

LEFT, RIGHT = "left_fist", "right_fist"
BAND = (8.0, 30.0)  # Hz: mu and beta, which movement and its imagery desynchronise
SETTLED = 0.5  # seconds from the cue until the rhythms follow it


class Fists(Trials):
    """Trials of the left and of the right fist, after the rest before their cues."""

    def rows(self, generated: np.ndarray | None, n_bootstrap: int = 200, seed: int = 0) -> dict[str, dict]:
        """Rows of generated trials, or of real trials.

        Lateralisation is the power at C3 over the power at C4, in dB, left fist less right fist. The hemisphere
        opposite to the fist loses power, so lateralisation is positive. The decoder is `CommonSpatialPatterns` on
        aligned covariances.

        Args:
            generated: Generated trials `(trials, channels, times)` in microvolts; None: real trials.
            n_bootstrap: Resamples of subjects for each interval.
            seed: Seed of the bootstrap.
        """
        rows = Rows(self.subjects, n_bootstrap, seed)
        real, generated = (_mu_beta(x) for x in (self.trial, self.trial if generated is None else generated))
        is_left = self.labels == LEFT
        if {"C3", "C4"} <= set(self.ch_names):
            c3, c4 = (
                10 * np.log10(generated[:, self.ch_names.index(name)].var(axis=-1) + 1e-6) for name in ("C3", "C4")
            )

            def lateralisation(sample, _):
                own = (rows.members[subject] for subject in sample)
                return np.mean([_contrast((c3 - c4)[items], is_left[items]) for items in own])

            goal = ("between times floor", 0.9, 1.1)
            rows.add("conditions", "8-30 Hz at C3 over C4, left less right fist", "dB", goal, lateralisation)
        generated, tested = (aligned(covariance(x), self.subjects) for x in (generated, real))
        correct = transfer_accuracy(CommonSpatialPatterns, generated, tested, self.labels, self.subjects)
        name = "left or right fist: trained on it, right on real"
        rows.mean("conditions", name, "share of trials", ("floor less", 0.05), correct)
        return rows.table


def _mu_beta(x: np.ndarray) -> np.ndarray:
    """Filters `(trials, channels, times)` to `BAND`, and removes the first half second."""
    sos = sps.butter(4, BAND, "bandpass", fs=SAMPLING_RATE, output="sos")
    return sps.sosfiltfilt(sos, x, axis=-1)[..., round(SETTLED * SAMPLING_RATE) :]


def _contrast(values: np.ndarray, is_left: np.ndarray) -> float:
    """Mean of the left less mean of the right trials; 0 for a person who lacks one of them."""
    return values[is_left].mean() - values[~is_left].mean() if 0 < is_left.sum() < len(is_left) else 0.0


def cut_fists(
    signals: Iterable[Signal], ch_names: Sequence[str], trials_per_recording: int | None = None
) -> Fists | None:
    """Cuts trials of one fist that follow rest, see `cut_trials`.

    Args:
        signals: Signals from `recordings`.
        ch_names: Channels of the signals.
        trials_per_recording: Maximum number of trials, half of them for each fist; None: all.

    Returns:
        The trials; None where the trials of one fist are missing.
    """
    half = None if trials_per_recording is None else max(1, trials_per_recording // 2)
    trials = cut_trials(signals, ch_names, [(REST, LEFT), (REST, RIGHT)], per_recording=half)
    return None if trials is None or len(set(trials.labels)) < 2 else Fists(**vars(trials))
