# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Finds the events (heartbeats and blinks) of a recording.

Events are subtracted before the innovation transform, and added again after the inverse transform; see
`event_streams_get` for the events of the continuation.
"""

from dataclasses import dataclass, replace

import numpy as np

from .blinks_get import BlinkPopulation, Blinks, no_blinks
from .heartbeats_get import Heartbeats, find_heartbeats, no_heartbeats

#: Least correlation of the heartbeats of a recording with those of its reference.
LEAST_CORRELATION = 0.8


@dataclass(frozen=True)
class Events:
    """The heartbeats and blinks of one recording.

    Attributes:
        heartbeats: Heartbeats of the recording.
        blinks: Blinks of the recording.
        population: Parameters of the population's blinks. None: blinks are neither found nor generated.
    """

    heartbeats: Heartbeats
    blinks: Blinks
    population: BlinkPopulation | None

    @classmethod
    def find(
        cls, x: np.ndarray, positions: np.ndarray, population: BlinkPopulation | None, slow_covariance: np.ndarray
    ) -> "Events":
        """Finds the events of a recording.

        Args:
            x: Signal `(channels, times)` in microvolts at the model's sampling rate. It may have no samples, and then
                it has no events.
            positions: Positions `(channels, 6)` of the electrodes and of their references on the unit sphere.
            population: Parameters of the population's blinks. None: blinks are not searched.
            slow_covariance: Covariance `(channels, channels)` in square microvolts, as returned by
                `InnovationTransform.slow_covariance`.
        """
        heartbeats = find_heartbeats(x, positions) if x.size else no_heartbeats(*x.shape)
        if population is None:
            return cls(heartbeats, no_blinks(*x.shape), None)
        if not x.size:
            return cls(heartbeats, population.unprompted(positions, slow_covariance), population)
        return cls(heartbeats, population.find(x - heartbeats.signal, positions, slow_covariance), population)

    def alike(self, x: np.ndarray, positions: np.ndarray, slow_covariance: np.ndarray) -> "Events":
        """Finds only such events as this recording has in another recording of the same channels.

        Rhythmic discharges look like heartbeats or blinks to a search that knows nothing of the person. Where a
        reference has no such events, nothing is subtracted.

        Args:
            x: See `find`, also for the other arguments.
            positions: See `find`.
            slow_covariance: See `find`.
        """
        heartbeats, own = no_heartbeats(*x.shape), self.heartbeats.template
        if own.any():
            found = find_heartbeats(x, positions)
            scale = np.linalg.norm(own) * np.linalg.norm(found.template)
            if np.sum(own * found.template) > LEAST_CORRELATION * scale:
                heartbeats = found
        if self.population is None:
            return Events(heartbeats, no_blinks(*x.shape), None)
        blinks = self.population.find_alike(x - heartbeats.signal, self.blinks, slow_covariance)
        return Events(heartbeats, blinks, self.population)

    def of_channels(self, rows: np.ndarray) -> "Events":
        """The same events in some channels `(channels,)` only."""
        return replace(
            self,
            heartbeats=replace(self.heartbeats, template=self.heartbeats.template[rows]),
            blinks=replace(self.blinks, topographies=self.blinks.topographies[rows]),
        )

    @property
    def signal(self) -> np.ndarray:
        """The signal of all events in the recording, `(channels, times)` in microvolts."""
        return self.heartbeats.signal + self.blinks.signal
