# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The equaliser of what was generated: what a condition, and from nothing a person, does to the spectrum."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy

from .montage_get import USUAL_CHANNELS, channel_positions
from .population_get import quadratic_in_position

#: Log gains at equally spaced frequencies from 0 to half the rate, as `quadratic_in_position`, `(frequencies, 9)`.
Table = Sequence[Sequence[float]]
#: Largest change of an amplitude: what is further off was not trained.
LARGEST_LOG_GAIN = 0.35
#: The same of what was generated from nothing: gains are all that a condition, and who it is, do to the spectrum.
LARGEST_LOG_GAIN_FROM_NOTHING = 2.0
#: How many numbers tell one imagined person from another.
N_TRAITS = 12


@dataclass(frozen=True)
class Equaliser:
    """Filters that multiply amplitudes by gains, each condition its own.

    The filters have minimum phase: what comes later changes nothing before it.

    Attributes:
        tables: By condition, `(frequencies, 9)`; see `Table`.
        others: Whose table is for conditions that have none.
        largest: Bound of log gains.
        loudness: What events, which are not filtered, are multiplied by: how well a head conducts is one thing for
            all that comes out of it.
    """

    tables: Mapping[str, Table]
    others: str
    largest: float = LARGEST_LOG_GAIN
    loudness: float = 1.0

    @classmethod
    def of_person(
        cls, average: Mapping[str, Table], of_traits: Mapping[str, Sequence[Table]], person: int | None, others: str
    ) -> "Equaliser":
        """That of what is generated from nothing.

        People's log spectra are taken to be jointly Gaussian over frequencies, places and conditions: who has more
        alpha with closed eyes has more with open eyes too.

        Args:
            average: Tables of the average person.
            of_traits: By condition, `(N_TRAITS, frequencies, 9)`: what one deviation of each trait adds.
            person: Number of an imagined person, which draws the traits; None: the average.
            others: Whose tables are for conditions that have none.
        """
        if person is None:
            return cls(average, others, LARGEST_LOG_GAIN_FROM_NOTHING)
        traits = np.random.default_rng(person).standard_normal(N_TRAITS)
        known = {name: np.tensordot(traits, tables, axes=1) for name, tables in of_traits.items()}
        own = {name: known.get(name, known[others]) for name in average}
        tables = {name: table + own[name] for name, table in average.items()}
        cap = quadratic_in_position(channel_positions(USUAL_CHANNELS)).mean(axis=0)
        loudness = np.mean([(table @ cap).mean() for table in own.values()])
        return cls(tables, others, LARGEST_LOG_GAIN_FROM_NOTHING, float(np.exp(loudness)))

    def log_gains(self, condition: str, positions: np.ndarray) -> np.ndarray:
        """Those of a condition at `positions` `(channels, 6)`: `(channels, frequencies)`."""
        table = self.tables.get(condition, self.tables[self.others])
        # what was fitted goes on where no electrode was
        return np.clip(quadratic_in_position(positions) @ np.transpose(table), -self.largest, self.largest)

    def __call__(self, x: np.ndarray, conditions: Sequence[str], positions: np.ndarray) -> np.ndarray:
        """Filters what was generated.

        Args:
            x: `(channels, times)`: whole patches.
            conditions: Of each patch.
            positions: `(channels, 6)` unit-sphere positions.

        Returns:
            Same shape.
        """
        if not len(conditions):
            return x
        names = np.array([name if name in self.tables else self.others for name in conditions])
        of_samples, out = np.repeat(names, x.shape[-1] // len(names)), np.zeros_like(x)
        for name in np.unique(names):
            filters = np.stack([_minimum_phase(tuple(row)) for row in self.log_gains(str(name), positions)])
            out += scipy.signal.oaconvolve(x * (of_samples == name), filters, axes=-1)[:, : x.shape[-1]]
        return out


@lru_cache(maxsize=1024)  # all rows of a batch, and all calls of a stream, have the same few
def _minimum_phase(log_gains: tuple[float, ...]) -> np.ndarray:
    """A causal filter with log gains `(frequencies,)` at equally spaced frequencies from 0 to half the rate."""
    n_taps = 4 * (len(log_gains) - 1) + 1  # twice the period of the distance between frequencies
    if not any(log_gains):
        return np.eye(1, n_taps)[0]
    # SciPy takes the square root of the magnitude unless told to keep it
    symmetric = scipy.signal.firwin2(n_taps, np.linspace(0, 1, len(log_gains)), np.exp(log_gains))
    return scipy.signal.minimum_phase(symmetric, n_fft=8 * n_taps, half=False)
