# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Converts the patches of a continuation to microvolts, any number of patches at a time.

Each step is causal, or waits for a fixed number of later samples. So the result does not depend on how many patches
come at a time, and the work and memory for a patch do not grow.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .constraints_get import satisfy
from .equaliser_get import EqualiserStream, Gains
from .event_streams_get import EventStream
from .features_get import Prompt
from .innovation_get import InnovationTransform
from .signal_get import DriftFilter, Resampler

#: Corner of the high-pass that removes drift from generated EEG and from events, as a share of the band's lower edge.
#: The inverse filters of the transform are too short to resolve this edge, so their output is as strong below the edge
#: as above it. The shapes of events were measured after the high-pass filter, and lack only its response before their
#: beginning and after their end.
DRIFT, DRIFT_OF_EVENTS = 0.92, 0.7


class ContinuationDecoder:
    """Decodes the continuation of one recording.

    The steps are the inverse of the innovation transform, the removal of drift, the gains of the conditions, the
    addition of events, the constraints of the recording, and resampling to the output rate.

    Args:
        prompt: The recording, or the prompt from nothing.
        before: Condition ids of the patches of the recording.
        transform: The transform of the feature extractor.
        gains: Gains of the feature extractor.
        conditions: Names of all conditions. The index of a name is its id.
        sampling_rate: Sampling rate of the model in Hz.
        low: Lower edge of the band in Hz.
        with_prompt: Whether the result begins with the recording.
        output_rate: Sampling rate of the result in Hz. None: that of the recording.

    Attributes:
        n_ahead: Number of later samples at the model's rate that a sample waits for.
    """

    def __init__(
        self,
        prompt: Prompt,
        before: Sequence[int],
        transform: InnovationTransform,
        gains: Gains,
        conditions: Sequence[str],
        sampling_rate: float,
        low: float,
        with_prompt: bool = False,
        output_rate: float | None = None,
    ):
        innovation = prompt.innovation
        shared, matrix, whitening = innovation.stages
        self._prompt, self._size, self._rate = prompt, transform.patch_size, sampling_rate
        self._inverse = transform.inverse
        # the continuation was not used to estimate the transform
        self._innovation = replace(innovation, stages=(shared, matrix, replace(whitening, n_known=0)))
        recorded = transform.inverse(innovation.values, replace(innovation, n_padding=0))
        self._remember(recorded)
        recorded = recorded[:, innovation.n_padding :]
        self._events = EventStream(prompt.events, before, prompt.person)
        past = prompt.events.signal
        self._drift = DriftFilter(recorded, sampling_rate, DRIFT * low)
        self._drift_of_events = DriftFilter(past, sampling_rate, DRIFT_OF_EVENTS * low)
        last = conditions[before[-1]] if len(before) else None
        self._loudness = gains.equaliser(prompt, (), last).loudness
        self._equaliser = EqualiserStream(
            lambda name: gains.equaliser(prompt, (name,), last), conditions, prompt.positions[prompt.good]
        )
        self._output_rate = prompt.recording.sampling_rate if output_rate is None else output_rate
        self._n_before = int(prompt.n_times * self._output_rate / prompt.recording.sampling_rate)
        signal = recorded + self._loudness * past
        self._resampler = Resampler(sampling_rate, self._output_rate, signal, 0 if with_prompt else self._n_before)
        self._ids = np.zeros(0, np.int64)  # of the samples that wait for later samples
        self._n_new = 0
        self.n_ahead = self._drift.n_ahead + self._resampler.n_ahead

    def n_times(self, n_patches: int) -> int:
        """Returns the length of a continuation of `n_patches` patches, in samples of the result."""
        return round(n_patches * self._size * self._output_rate / self._rate)

    def push(self, patches: np.ndarray, conditions: Sequence[int]) -> np.ndarray:
        """Takes the next patches.

        Args:
            patches: Next patches `(channels, patches * patch_size)` in the innovation space. Masked channels are not
                read.
            conditions: Condition id of each patch.

        Returns:
            The samples that are complete, `(channels, times)` in microvolts at the output rate. Masked channels
            are zero.
        """
        if not len(conditions):
            return self._all_channels(np.zeros((int(self._prompt.good.sum()), 0)))
        good = self._prompt.good
        made = np.asarray(patches[: len(good)][good], dtype=np.float64)
        continued = self._inverse(made, self._innovation)
        self._remember(continued)
        signal = self._drift.push(continued[:, -made.shape[-1] :])
        events = self._events.push(made.reshape(len(made), -1, self._size), conditions)
        self._ids = np.concatenate([self._ids, np.repeat(conditions, self._size)])
        self._n_new += len(conditions)
        return self._all_channels(self._resampled(signal, self._drift_of_events.push(events)))

    def finish(self) -> np.ndarray:
        """Returns the last samples, `(channels, times)` in microvolts. After them, no patch may follow."""
        rest = self._resampled(self._drift.finish(), self._drift_of_events.finish())
        end = self._resampler.finish(self._n_before + self.n_times(self._n_new))
        return self._all_channels(np.concatenate([rest, end], axis=-1))

    def _remember(self, signal: np.ndarray) -> None:
        """Keeps the last samples of a signal `(channels, times)` without events as the memory of the filters."""
        memory = signal[:, signal.shape[-1] - self._innovation.memory.shape[-1] :].copy()
        self._innovation = replace(self._innovation, memory=memory, n_padding=0)

    def _resampled(self, signal: np.ndarray, events: np.ndarray) -> np.ndarray:
        """Converts the next samples without drift, and their events, to samples of the result."""
        ids, self._ids = np.split(self._ids, [signal.shape[-1]])
        signal = self._equaliser.push(signal, ids) + self._loudness * events
        return self._resampler.push(satisfy(signal, self._prompt.constraints))

    def _all_channels(self, signal: np.ndarray) -> np.ndarray:
        """Adds the masked channels to the good channels of a signal."""
        out = np.zeros((len(self._prompt.good), signal.shape[-1]))
        out[self._prompt.good] = signal
        return out
