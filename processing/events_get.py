# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Events of a recording, which are subtracted before the innovation transform and added again after its inverse."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .blinks_get import BlinkPopulation, Blinks, no_blinks
from .heartbeats_get import Heartbeats, find_heartbeats, no_heartbeats


@dataclass(frozen=True)
class Events:
    """Heartbeats and blinks of one recording.

    Attributes:
        heartbeats: The heartbeats.
        blinks: The blinks.
        population: Parameters of people's blinks; None: blinks are neither found nor generated.
    """

    heartbeats: Heartbeats
    blinks: Blinks
    population: BlinkPopulation | None

    @classmethod
    def find(
        cls, x: np.ndarray, positions: np.ndarray, population: BlinkPopulation | None, slow_covariance: np.ndarray
    ) -> "Events":
        """Finds the events of a recording, which may have no samples.

        Args:
            x: `(channels, times)` in microvolts at the model's sampling rate; without samples there are no events yet.
            positions: `(channels, 6)` unit-sphere positions of the electrodes and of their references.
            population: Parameters of people's blinks.
            slow_covariance: `(channels, channels)` square microvolts: see `InnovationTransform.slow_covariance`.
        """
        heartbeats = find_heartbeats(x, positions) if x.size else no_heartbeats(*x.shape)
        if population is None:
            return cls(heartbeats, no_blinks(*x.shape), None)
        if not x.size:
            return cls(heartbeats, population.unprompted(positions, slow_covariance), population)
        return cls(heartbeats, population.find(x - heartbeats.signal, positions, slow_covariance), population)

    @property
    def signal(self) -> np.ndarray:
        """Events in the recording, `(channels, times)` in microvolts."""
        return self.heartbeats.signal + self.blinks.signal

    def continued(
        self, patches: np.ndarray, before: Sequence[int], after: Sequence[int], person: int | None = None
    ) -> np.ndarray:
        """Events of the continuation.

        Args:
            patches: `(channels, patches, patch_size)` in the innovation space; they decide when events are.
            before: Condition ids of (some) patches of the recording.
            after: Condition ids of the patches that follow: people blink differently in different conditions.
            person: Number of a virtual person with their own blinks; None: as in the recording, or as is usual.

        Returns:
            `(channels, patches * patch_size)` in microvolts.
        """
        added = self.heartbeats.continued(patches)
        if self.population is not None:
            courses = self.population.continue_courses(self.blinks, patches, before, after, person)
            added += self.blinks.topographies @ courses
        return added
