# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Continuations of other prompts than in the main part: longer prompts, and prompts on few channels.

Does the model use the information in a longer prompt? Does it continue the few electrodes of a
headset as well as a whole cap?
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from get_hf.training.evaluation.descriptors import (
    EPSILON,
    covariance,
    cut_windows,
    describe_spectrum_and_space,
    log_rms,
)
from get_hf.training.evaluation.recordings import Segments, Signal, cut_segments
from get_hf.training.evaluation.table import Rows

from .continuations import space_rows, spectrum_rows

#: Longest prompt in seconds: two stretches of 12 s can follow it in a resting recording of a minute.
LONGER_SECONDS = 24.0
#: Channels on both sides, at the front and at the back; and a single channel.
FEW_CHANNELS = ("Fp2", "Fz", "T7", "Oz")
ONE_CHANNEL = ("Cz",)
#: Length in seconds of the windows that measure how the amplitude varies.
WINDOW_SECONDS = 0.5


class OtherPrompts:
    """Prompts to continue, and a few rows of their continuations.

    Args:
        segments: Prompts and their real continuations.
        group: Group of the rows.
        label: End of each row's name.
    """

    def __init__(self, segments: Segments, group: str, label: str):
        self.segments, self.group, self.label = segments, group, label
        self.prompt, self.ch_names = segments.prompt, segments.ch_names
        self.n_times, self.conditions = segments.n_times, segments.unchanged_conditions

    def rows(self, generated: np.ndarray | None, n_bootstrap: int = 200, seed: int = 0) -> dict[str, dict]:
        """Rows of generated EEG, or of other stretches of the same recordings.

        A single channel has no rows of space.

        Args:
            generated: Generated EEG `(items, channels, n_times)` in microvolts; None: other stretches.
            n_bootstrap: Resamples of subjects for each interval.
            seed: Seed of the bootstrap.
        """
        of = self.segments
        rows = Rows(of.subjects, n_bootstrap, seed)
        fake = _describe(of.other if generated is None else generated, of.sampling_rate)
        spectrum_rows(rows, self._real, fake)
        if len(of.ch_names) > 1:
            space_rows(rows, self._real, fake, covariance(of.prompt))
        rows.ratio("stability", "RMS over real", fake["log RMS"] - self._real["log RMS"])
        varied = fake["variation"] - self._real["variation"]
        rows.mean_ratio("stability", "variation of half-second RMS, over real", varied)
        return {f"{name}, {self.label}": row | {"group": self.group} for name, row in rows.table.items()}

    @cached_property
    def _real(self) -> dict[str, np.ndarray]:
        return _describe(self.segments.continuation, self.segments.sampling_rate)


def _describe(x: np.ndarray, sampling_rate: float) -> dict[str, np.ndarray]:
    """Descriptors of `(items, channels, times)` for the rows, each entry `(items, ...)`."""
    n = round(WINDOW_SECONDS * sampling_rate)
    windows = cut_windows(x, n).reshape(len(x), -1, x.shape[1], n)
    return describe_spectrum_and_space(x, sampling_rate) | {
        "log RMS": log_rms(x).mean(axis=1),
        "variation": np.log(log_rms(windows).std(axis=1) + EPSILON).mean(axis=1),
    }


def cut_longer_prompts(
    signals: Sequence[Signal],
    ch_names: Sequence[str],
    items_per_recording: int | None = None,
    n_items: int | None = None,
) -> OtherPrompts | None:
    """Cuts longer prompts, see `cut_segments`; None where no recording is long enough."""
    try:
        segments = cut_segments(
            signals, ch_names, LONGER_SECONDS, items_per_recording=items_per_recording, n_items=n_items
        )
    except ValueError:
        return None
    return OtherPrompts(segments, "longer prompts", f"after {LONGER_SECONDS:g} s")


def on_few_channels(segments: Segments, ch_names: Sequence[str]) -> OtherPrompts | None:
    """The same prompts on some of their channels; None where one of these is missing, or no other is left."""
    if not set(ch_names) < set(segments.ch_names):
        return None
    label = f"on {ch_names[0]} alone" if len(ch_names) == 1 else f"on {len(ch_names)} channels"
    return OtherPrompts(segments.pick(ch_names), "few channels", label)
