# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The main part of the evaluation: prompts, and what continues them for some seconds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from .fidelity import evaluate_arrays
from .memorisation import memorisation_rows, nearest_distances, pick_windows
from .rows import Rows
from .segments import Segments


class Continuations:
    """Prompts to continue, and the rows of what continues them.

    Args:
        segments: Prompts and the truth.
        train: Recordings `(channels, times)` in which memorised windows are looked for; none: they are not.
        classifiers: Of the two-sample test.
        windows_per_item: Of each continuation, to look for among the training windows.
    """

    def __init__(
        self, segments: Segments, train: Sequence[np.ndarray], classifiers: Sequence[str], windows_per_item: int
    ):
        self.segments, self.train, self.classifiers = segments, train, classifiers
        self.windows_per_item = windows_per_item
        self.prompt, self.ch_names = segments.prompt, segments.ch_names
        self.n_times, self.conditions = segments.n_times, segments.unchanged_conditions

    def rows(self, made: np.ndarray, n_bootstrap: int = 200, seed: int = 0) -> dict[str, dict]:
        """The rows of continuations `(items, channels, n_times)` in microvolts; see `evaluate_arrays`."""
        of = self.segments
        table = evaluate_arrays(
            of.prompt, of.continuation, made, of.subjects, of.sampling_rate, of.ch_names, of.conditions,
            self.classifiers, n_bootstrap, seed, of.recordings,
        )  # fmt: skip
        if not self.train:
            return table
        rows = Rows(of.subjects, n_bootstrap, seed)
        memorisation_rows(rows, self._held_out_distances, self._distances(made))
        return table | rows.table

    @cached_property
    def _held_out_distances(self) -> np.ndarray:
        return self._distances(self.segments.continuation)

    def _distances(self, x: np.ndarray) -> np.ndarray:
        windows = pick_windows(x, self.segments.sampling_rate, self.windows_per_item)
        return nearest_distances(windows, self.train)
