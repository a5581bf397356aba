# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Prepares recordings: cleans them, finds events, estimates the transform, and maps them to the innovation space."""

import warnings
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np

from .calibration_get import Calibration, CleanedRecording, check_same_channels
from .constraints_get import null_space, rounding_step
from .events_get import Events
from .features_get import Prompt
from .innovation_get import InnovationTransform
from .montage_get import channel_positions, find_electrodes, locate_channels, shared_regions
from .plausibility_get import usable_channels
from .reading_get import Recording, read_recordings
from .seeds_get import seed_of_samples
from .settings_get import SavedFeatureExtractor
from .signal_get import band_limit, level
from .state_get import Corrections, Population

#: Share of the regions of the scalp that a recording should have in common with a classifier's training channels.
LEAST_SHARED = 0.5
#: Samples of all channels that are filtered at once.
SAMPLES_AT_ONCE = 100_000


class PreparingFeatureExtractor(SavedFeatureExtractor):
    """The base class of `GETFeatureExtractor` that converts samples to innovations."""

    sampling_rate: float
    patch_size: int
    band: list[float]
    prior_patches: float
    population: Population
    corrections: Corrections

    @cached_property
    def transform(self) -> InnovationTransform:
        """Innovation transform with the parameters of this feature extractor."""
        shifts = self.corrections.unprompted_coherence_shifts
        return self.population.transform(self.patch_size, self.prior_patches, shifts)

    def clean(self, signal: np.ndarray, sampling_rate: float) -> np.ndarray:
        """Filters a signal to the band of the model and resamples it to the model's rate, without any other step.

        Args:
            signal: Signal `(channels, times)` in microvolts.
            sampling_rate: Sampling rate of the signal, in Hz.

        Returns:
            Signal `(channels, about times * model rate / sampling_rate)` float64 in microvolts.
        """
        rows = np.asarray(signal, np.float64)
        # in blocks: filters need several times the memory of a signal, and their design takes longer than a short one
        size = max(1, SAMPLES_AT_ONCE // max(1, rows.shape[-1]))
        blocks = [rows[start : start + size] for start in range(0, len(rows), size)]
        return np.concatenate([band_limit(block, sampling_rate, self.sampling_rate, *self.band) for block in blocks])

    def calibrate(
        self,
        recording: Any,
        sampling_rate: float | None = None,
        ch_names: Sequence[str] | None = None,
        unit: str | None = None,
        band_limited: bool = False,
    ) -> Calibration:
        """Prepares a recording from which the transform of other recordings is estimated, for use as `calibrate_on=`.

        Only such heartbeats and blinks are subtracted from the other recordings as the reference has: all else that
        differs from the reference stays in the innovations, which are in units of the reference.

        Args:
            recording: Recording as for `__call__`. It should be at least a few seconds long; a minute is better. The
                epochs of an `mne.Epochs`, or the items of a list, are joined.
            sampling_rate: See `__call__`.
            ch_names: See `__call__`.
            unit: See `__call__`.
            band_limited: See `__call__`.

        Raises:
            UnknownChannelError: A channel name has no known position.
            ValueError: The input cannot be read as EEG (see `__call__`), or its items have different channels.
        """
        items = read_recordings(recording, sampling_rate, ch_names, unit)
        first, good, signal = self._joined([self._cleaned(item, band_limited) for item in items])
        events = self._events(signal, first.positions[good])
        return Calibration(first.recording.ch_names, first.positions, good, signal - events.signal, events=events)

    def _prepare(self, items: list[Recording], band_limited: bool, calibrate_on: str | Calibration) -> list[Prompt]:
        """Cleans recordings, and transforms their good channels to the innovation space."""
        if calibrate_on == "each":
            return [self._transformed(self._cleaned(item, band_limited)) for item in items]
        cleaned = [self._cleaned(item, band_limited) for item in items]
        if isinstance(calibrate_on, Calibration):
            return [self._transformed(each, calibrate_on) for each in cleaned]
        prompts = []
        for _, session in groupby(cleaned, key=lambda each: each.recording.session):
            of_session = list(session)
            if len(of_session) == 1:  # its own transform, without a second search for events
                prompts.append(self._transformed(of_session[0]))
                continue
            first, good, signal = self._joined(of_session, self.without_events)
            shared = Calibration(first.recording.ch_names, first.positions, good, signal, is_own=True)
            prompts += [self._transformed(each, shared) for each in of_session]
        return prompts

    def _cleaned(self, recording: Recording, band_limited: bool) -> CleanedRecording:
        """Locates the channels of a recording, and cleans the good ones."""
        positions = locate_channels(recording.ch_names, recording.digitised)
        n_times, seconds = recording.data.shape[-1], self.patch_size / self.sampling_rate
        if n_times / recording.sampling_rate < seconds:
            raise ValueError(
                f"The recording is {n_times / recording.sampling_rate:.3g} s long, shorter than one "
                f"patch of {seconds:g} s: give a longer one, or none to generate from nothing."
            )
        good, data = np.flatnonzero(~recording.bad), recording.data
        recording.data = np.zeros((len(data), 0))
        data = data[good] if len(good) < len(data) else data
        noise_seed, step = seed_of_samples(data), rounding_step(data)
        if not band_limited:
            data = self.clean(level(data, recording.edges), recording.sampling_rate)
        elif recording.sampling_rate != self.sampling_rate:
            raise ValueError(
                f"The recording is at {recording.sampling_rate:g} Hz, and band_limited is for output of clean(), "
                f"at {self.sampling_rate:g} Hz: leave band_limited out."
            )
        usable = usable_channels(data, [recording.ch_names[index] for index in good])
        recording.bad[good[~usable]] = True
        step *= min(1.0, 2 * self.band[1] / recording.sampling_rate) ** 0.5
        return CleanedRecording(recording, n_times, positions, data[usable], step, noise_seed)

    def _joined(
        self,
        session: list[CleanedRecording],
        change: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda data, positions: data,
    ) -> tuple[CleanedRecording, np.ndarray, np.ndarray]:
        """Joins the recordings of a session on the channels that are good in all of them.

        Returns:
            The first recording, the good channels `(channels,)`, and the joined signal `(good channels, times)`, each
            recording changed as by `without_events`.
        """
        first = session[0]
        for each in session[1:]:
            check_same_channels(first.recording.ch_names, each.recording.ch_names)
        good = np.all([~each.recording.bad for each in session], axis=0)
        if not good.any():
            raise ValueError("No channel is good in all recordings of the session: calibrate on fewer of them.")
        for each in session:
            each.keep(good)
        return first, good, np.concatenate([change(each.data, each.positions[good]) for each in session], axis=-1)

    def _transformed(self, cleaned: CleanedRecording, calibration: Calibration | None = None) -> Prompt:
        """Transforms a cleaned recording to the innovation space."""
        fit = reference = None
        if calibration is not None:
            check_same_channels(calibration.ch_names, cleaned.recording.ch_names)
            cleaned.keep(calibration.good)
            fit = calibration.fit(self.transform, ~cleaned.recording.bad)
            reference = calibration.events_of(~cleaned.recording.bad)
        good, data = ~cleaned.recording.bad, cleaned.data
        positions = cleaned.positions[good]
        if reference is None:
            events = self._events(data, positions)
        else:
            events = reference.alike(data, positions, self.transform.slow_covariance(positions))
        innovation = self.transform.forward(data - events.signal, positions, fit=fit)
        constraints = null_space(data, cleaned.step)
        return Prompt(
            cleaned.recording,
            cleaned.n_times,
            cleaned.positions,
            good,
            events,
            innovation,
            constraints,
            cleaned.noise_seed,
        )

    def _unprompted(self, recording: Recording) -> Prompt:
        """Returns the prompt for a recording without samples."""
        positions = locate_channels(recording.ch_names, recording.digitised)
        good = ~recording.bad
        events = self._events(np.zeros((int(good.sum()), 0)), positions[good])
        innovation = self.transform.unprompted(positions[good])
        return Prompt(recording, 0, positions, good, events, innovation, np.zeros((len(innovation.values), 0)), 0)

    def _events(self, x: np.ndarray, positions: np.ndarray) -> Events:
        """Finds heartbeats and blinks in `x` `(channels, times)`, in microvolts at the model's sampling rate."""
        return Events.find(x, positions, self.population.blinks, self.transform.slow_covariance(positions))

    def without_events(self, x: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """Subtracts heartbeats and blinks.

        Args:
            x: Signal `(channels, times)` in microvolts, as returned by `clean`.
            positions: Positions `(channels, 6)` of the electrodes and of their references on the unit sphere.

        Returns:
            Signal of the same shape without events.
        """
        return x - self._events(x, positions).signal

    def check_montage(self, training_channels: Sequence[str] | None, positions: np.ndarray) -> None:
        """Warns if a recording covers other regions of the scalp than the training channels of a classifier.

        Args:
            training_channels: `config.training_channels` of the classifier. Names of unknown places are left out.
                None: unknown.
            positions: `channel_positions` `(channels, 6)` of the recording's good channels, in any order.
        """
        known = [name for name in training_channels or () if find_electrodes(name) is not None]
        if not known or not len(positions):
            return
        shared = shared_regions(channel_positions(known), np.asarray(positions))
        if shared < LEAST_SHARED:
            warnings.warn(
                f"The classifier was trained on {len(known)} channels that share only {shared:.0%} of their regions "
                "of the scalp with this recording, so its probabilities may be wrong: record these regions, or "
                "fine-tune on such channels.",
                stacklevel=3,
            )
