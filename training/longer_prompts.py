# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Spectrum and space of what continues prompts longer than those of the main table: is what more is known used?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from .fidelity import covariance, describe_spectrum_and_space, space_rows, spectrum_rows
from .rows import Rows
from .segments import Segments, Signal, cut_segments

#: The longest that two stretches of 12 s follow in a minute, as resting recordings are long.
PROMPT_SECONDS = 24.0


class LongerPrompts:
    """Prompts to continue, and a few rows of what continues them.

    Args:
        segments: Prompts and the truth.
    """

    def __init__(self, segments: Segments):
        self.segments = segments
        self.prompt, self.ch_names = segments.prompt, segments.ch_names
        self.n_times, self.conditions = segments.n_times, segments.unchanged_conditions

    def rows(self, made: np.ndarray | None, n_bootstrap: int = 200, seed: int = 0) -> dict[str, dict]:
        """The rows of what was generated, or, without it, of other stretches of the same recordings.

        Args:
            made: `(items, channels, n_times)` in microvolts.
            n_bootstrap: Resamples of subjects behind each interval.
            seed: Of the bootstrap.
        """
        of = self.segments
        rows = Rows(of.subjects, n_bootstrap, seed)
        fake = describe_spectrum_and_space(of.other if made is None else made, of.sampling_rate)
        spectrum_rows(rows, self._real, fake)
        space_rows(rows, self._real, fake, covariance(of.prompt))
        seconds = of.prompt.shape[-1] / of.sampling_rate
        return {f"{name}, after {seconds:g} s": row | {"group": "longer prompts"} for name, row in rows.table.items()}

    @cached_property
    def _real(self) -> dict[str, np.ndarray]:
        return describe_spectrum_and_space(self.segments.continuation, self.segments.sampling_rate)


def cut_longer_prompts(
    signals: Sequence[Signal], ch_names: Sequence[str], items_per_recording: int | None = None
) -> LongerPrompts | None:
    """Cuts recordings; None where none is long enough. See `cut_segments`."""
    try:
        return LongerPrompts(cut_segments(signals, ch_names, PROMPT_SECONDS, items_per_recording=items_per_recording))
    except ValueError:
        return None
