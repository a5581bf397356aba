# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Defines the EEG from which an innovation transform is estimated: the recording itself, its session or a reference.

If the transform of each trial is estimated from this trial alone, it hides the differences between trials. So trials
that are classified share the transform of their session (compare the alignment of He and Wu, IEEE Trans. Biomed.
Eng. 67, 2020). A score compares a recording with a reference recording. The reference must not contain the effect that
the score has to detect.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .events_get import Events
from .innovation_get import Fit, InnovationTransform
from .reading_get import Recording

#: Policies of `calibrate_on=`. "each": each recording, epoch or row has its own transform. "all": all epochs, or all
#: rows, of one object share a transform.
POLICIES = ("each", "all")


@dataclass
class CleanedRecording:
    """A recording at the model's sampling rate, with the positions and the state of its channels.

    Attributes:
        recording: The recording as it was read, without its data.
        n_times: Number of samples of the recording at its own sampling rate.
        positions: Positions `(channels, 6)` on the unit sphere.
        data: Samples `(good channels, times)` in microvolts at the model's sampling rate.
        step: Rounding step of the data in microvolts; see `constraints_get`.
        noise_seed: See `Prompt`.
    """

    recording: Recording
    n_times: int
    positions: np.ndarray
    data: np.ndarray
    step: float
    noise_seed: int

    def keep(self, good: np.ndarray) -> None:
        """Marks all channels as bad where `good` `(channels,)` is False, and removes their data."""
        self.data = self.data[good[~self.recording.bad]]
        self.recording.bad |= ~good


@dataclass(frozen=True)
class Calibration:
    """The EEG from which the transform of other recordings is estimated; see `GETFeatureExtractor.calibrate`.

    Attributes:
        ch_names: Names of the channels, good and bad.
        positions: `(channels, 6)` unit-sphere positions.
        good: `(channels,)` bool: usable channels.
        signal: `(good channels, times)` in microvolts at the model's sampling rate, without events.
        is_own: Whether the transformed recordings are parts of `signal`. A filter leaves a smaller residual of the
            signal to which it was fitted than of other signals.
        events: Heartbeats and blinks of the signal, if only such events may be subtracted from the transformed
            recordings. None: events are found in each recording by itself.
    """

    ch_names: Sequence[str]
    positions: np.ndarray
    good: np.ndarray
    signal: np.ndarray
    is_own: bool = False
    events: Events | None = None
    _fits: dict[bytes, Fit] = field(default_factory=dict, repr=False, compare=False)

    def fit(self, transform: InnovationTransform, good: np.ndarray) -> Fit:
        """Estimates the transform of the channels where `good` `(channels,)` is True.

        These channels must be good in the calibration too.
        """
        key = good.tobytes()
        if key not in self._fits:
            rows = good[self.good]
            self._fits[key] = transform.fit(self.signal[rows], self.positions[good], self.is_own)
        return self._fits[key]

    def events_of(self, good: np.ndarray) -> Events | None:
        """The events in those good channels `(channels,)` that are also good in the calibration."""
        return None if self.events is None else self.events.of_channels(good[self.good])

    def __getstate__(self) -> dict[str, Any]:
        # caches would change the fingerprint of `dataset.map` as soon as they are computed
        return vars(self) | {"_fits": {}}


def check_policy(policy: Any) -> str:
    """Returns a policy of `calibrate_on=` after a check.

    Raises:
        ValueError: The policy is neither "each" nor "all".
    """
    if policy not in POLICIES:
        raise ValueError(f'calibrate_on must be "each", "all" or a recording, not {policy!r}.')
    return policy


def check_same_channels(ours: Sequence[str], theirs: Sequence[str]) -> None:
    """Checks that two recordings have the same channels in the same order.

    Args:
        ours: Names of the channels of the recording from which the transform is estimated.
        theirs: Names of the channels of the recording that is transformed.

    Raises:
        ValueError: The channels differ.
    """
    if list(ours) == list(theirs):
        return
    missing = [name for name in ours if name not in theirs]
    further = [name for name in theirs if name not in ours]
    differences = [f"lacks {_some(missing)}"] if missing else []
    differences += [f"has also {_some(further)}"] if further else []
    raise ValueError(
        f"The recording {' and '.join(differences) or 'has its channels in another order'} compared with the "
        "recording to calibrate on: give both the same channels in the same order."
    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
