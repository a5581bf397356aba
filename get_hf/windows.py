# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Where the windows of a recording lie, counted in patches."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from get_hf.modeling.modeling_get import GETForSequenceClassification


@dataclass(frozen=True)
class WindowSettings:
    """Lengths of windows and pieces in patches.

    Attributes:
        n_window: Patches of a window.
        n_stride: Patches from the start of a window to the start of the next.
        n_piece: Most patches of the windows that are prepared at once.
        patch_seconds: Length of a patch.
        patch_size: Samples of a patch.
    """

    n_window: int
    n_stride: int
    n_piece: int
    patch_seconds: float
    patch_size: int

    @classmethod
    def of(
        cls,
        model: GETForSequenceClassification,
        window_seconds: float | None,
        stride_seconds: float | None,
        piece_seconds: float,
    ) -> "WindowSettings":
        """Settings of a model, changed where an argument is given."""
        config = model.config
        if config.problem_type not in (None, "single_label_classification") or config.num_labels < 2:
            raise ValueError(
                f"classify() is for at least two classes that exclude each other, and this checkpoint has "
                f'{config.num_labels} of {config.problem_type or "a regression"}: use pipeline("eeg-classification").'
            )
        patch = config.patch_size / config.sampling_rate
        window = config.window_seconds if window_seconds is None else window_seconds
        if window is None:
            raise ValueError("The checkpoint names no length of windows: give window_seconds= (--window).")
        stride = config.stride_seconds if stride_seconds is None else stride_seconds
        lengths = {"window_seconds": window, "stride_seconds": window if stride is None else stride}
        for name, seconds in (lengths | {"piece_seconds": piece_seconds}).items():
            if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not patch <= seconds < np.inf:
                raise ValueError(f"{name} must be at least one patch, {patch:g} s, not {seconds!r}.")
        size, step, piece = (max(1, round(seconds / patch)) for seconds in (*lengths.values(), piece_seconds))
        return cls(size, step, piece, patch, config.patch_size)

    def starts(self, n_patches: int) -> list[int]:
        """First patches of the windows of a stretch; none if it is shorter than a window."""
        if n_patches < self.n_window:
            return []
        return [*range(0, n_patches - self.n_window, self.n_stride), n_patches - self.n_window]

    def pieces(self, starts: list[int]) -> Iterator[list[int]]:
        """Divides the windows of a stretch into groups that are prepared at once."""
        group: list[int] = []
        for start in starts:
            if group and start + self.n_window - group[0] > self.n_piece:
                yield group
                group = []
            group.append(start)
        if group:
            yield group

    def frequencies(self, rate: float) -> np.ndarray:
        """Frequencies of the spectrum of a window in Hz, for a sampling rate of `rate` Hz."""
        return np.fft.rfftfreq(min(self.n_window * self.patch_size, round(rate)), 1 / rate)
