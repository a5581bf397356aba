# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Filters generated EEG so that its spectrum has the effects of a condition, a cue or a virtual person.

A condition that lasts, such as closed eyes, has a table of gains. A cue to move a fist, or to imagine the movement,
causes event-related desynchronisation: it weakens the rhythms that a person has at rest, and more so on the opposite
side of the head (Pfurtscheller and Lopes da Silva, Clinical Neurophysiology 110, 1999). A person without a mu rhythm
has no rhythm that could become weaker. So the log gain of a cue is the product of a function of the place on the head
(nine parameters) and the square of the rhythm's height above the aperiodic component. The square is empirical: in the
training data, weak rhythms change less than in proportion to their height.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import scipy

from .features_get import Prompt
from .montage_get import USUAL_CHANNELS, channel_positions
from .population_get import quadratic_in_position
from .rhythms_get import prominence

#: Log gains `(frequencies, 9)` at equally spaced frequencies from 0 to half the sampling rate. The nine values are the
#: weights of the functions of `quadratic_in_position`.
Table = Sequence[Sequence[float]]
#: Largest log gain after a prompt. Larger changes did not occur in training.
LARGEST_LOG_GAIN = 0.35
#: Largest log gain for generation from nothing, where the effects of condition and person come only from the gains.
LARGEST_LOG_GAIN_FROM_NOTHING = 2.0
#: Largest log gain of a cue: it halves the amplitude of a rhythm.
LARGEST_LOG_GAIN_AFTER_CUE = 0.7
#: Length in seconds of the prompts with which the effects of cues were measured. Spectra of shorter prompts are less
#: precise.
SECONDS_BEFORE_CUE = 4.0
#: Number of traits by which virtual persons differ.
N_TRAITS = 12


@dataclass(frozen=True)
class Equaliser:
    """A set of filters that multiply amplitudes by the gains of each condition.

    The filters have minimum phase, so an output sample does not depend on later input samples.

    Attributes:
        tables: Mapping from conditions to tables `(frequencies, 9)`; see `Table`.
        others: Condition whose table is used for conditions without a table.
        largest: Bound of the absolute value of the log gains.
        loudness: Factor for the amplitude of events, which are not filtered. It is the mean gain of the person,
            because a head conducts events and rhythms equally well.
        cues: Mapping from conditions to weights `(9,)` of the functions of `quadratic_in_position`. Their weighted sum
            is added to the log gain of a rhythm whose power is one nat above the background.
        prominence: Height `(channels, frequencies)` of the power of the EEG to filter above the background; see
            `rhythms_get`. None if there are no cues.
    """

    tables: Mapping[str, Table]
    others: str
    largest: float = LARGEST_LOG_GAIN
    loudness: float = 1.0
    cues: Mapping[str, Sequence[float]] = field(default_factory=dict)
    prominence: np.ndarray | None = None

    def log_gains(self, condition: str, positions: np.ndarray) -> np.ndarray:
        """Computes the log gains `(channels, frequencies)` of a condition at `positions` `(channels, 6)`."""
        table = self.tables.get(condition, self.tables[self.others])
        # the gains are bounded, because at some places they are extrapolated from the electrodes of the corpus
        places = quadratic_in_position(positions)
        log_gains = np.clip(places @ np.transpose(table), -self.largest, self.largest)
        if condition not in self.cues:
            return log_gains
        of_cue = (places @ self.cues[condition])[:, None] * self.prominence**2  # type: ignore[operator]
        return log_gains + np.clip(of_cue, -LARGEST_LOG_GAIN_AFTER_CUE, LARGEST_LOG_GAIN_AFTER_CUE)

    def filters(self, condition: str, positions: np.ndarray) -> np.ndarray:
        """Designs the filters `(channels, taps)` of a condition for channels at `positions` `(channels, 6)`."""
        return np.stack([_minimum_phase(tuple(row)) for row in self.log_gains(condition, positions)])


@dataclass(frozen=True)
class Gains:
    """All gains of the filters for generated EEG; see `GETFeatureExtractor`.

    Attributes:
        generated: Mapping from conditions to the tables for continuations of a prompt.
        unprompted: Mapping from conditions to the tables of the average person, for generation from nothing.
        of_traits: Mapping from conditions to tables `(N_TRAITS, frequencies, 9)`. Each table is the effect of one
            standard deviation of a trait.
        of_cues: Mapping from conditions to weights `(9,)`, which describe the effect of a cue for this condition on
            the rhythms of rest; see `Equaliser.cues`.
        others: Condition whose tables are used for conditions without tables.
        sampling_rate: Sampling rate in Hz.
    """

    generated: Mapping[str, Table]
    unprompted: Mapping[str, Table]
    of_traits: Mapping[str, Sequence[Table]]
    of_cues: Mapping[str, Sequence[float]]
    others: str
    sampling_rate: float

    def equaliser(self, prompt: Prompt, conditions: Sequence[str], last: str | None = None) -> Equaliser:
        """Returns the equaliser for the continuation of a prompt, or for generation from nothing.

        A cue weakens the rhythms in the prompt. If the prompt ends in the condition of the same cue, its rhythms are
        already weak. Then this cue has no effect, even if a plan returns to it later.

        Args:
            prompt: The prompt.
            conditions: Names of the conditions of the continuation.
            last: Name of the last condition of the prompt. None: generation from nothing.
        """
        lasting = self._lasting(prompt)
        cues = {name: gains for name, gains in self.of_cues.items() if name != last}
        if cues.keys().isdisjoint(conditions):
            return lasting
        return replace(lasting, cues=cues, prominence=self.prominence(prompt))

    def prominence(self, prompt: Prompt) -> np.ndarray:
        """Computes the height `(good channels, frequencies)` of the continuation's rhythms above their background."""
        log_gains = self._lasting(prompt).log_gains(self.others, prompt.positions[prompt.good])
        found = prominence(prompt.innovation.log_spectrum(log_gains.shape[-1]) + 2 * log_gains, self.sampling_rate)
        seconds = prompt.n_times / prompt.recording.sampling_rate
        return found * min(1.0, seconds / SECONDS_BEFORE_CUE) if prompt.n_times else found

    def _lasting(self, prompt: Prompt) -> Equaliser:
        """Returns the equaliser without cues."""
        return self.after_prompt if prompt.n_times else self.of_person(prompt.person)

    @property
    def after_prompt(self) -> Equaliser:
        """Equaliser without cues for the continuation of a prompt."""
        return Equaliser(self.generated, self.others)

    def of_person(self, person: int | None) -> Equaliser:
        """Returns the equaliser for generation from nothing.

        The log spectra of people are assumed to have a joint Gaussian distribution over frequencies, places and
        conditions. For example, people who have more alpha with closed eyes also have more alpha with open eyes.

        Args:
            person: Number of a virtual person, which is the seed of the person's traits. None: the average person.
        """
        if person is None:
            return Equaliser(self.unprompted, self.others, LARGEST_LOG_GAIN_FROM_NOTHING)
        traits = np.random.default_rng(person).standard_normal(N_TRAITS)
        known = {name: np.tensordot(traits, tables, axes=1) for name, tables in self.of_traits.items()}
        own = {name: known.get(name, known[self.others]) for name in self.unprompted}
        tables = {name: table + own[name] for name, table in self.unprompted.items()}
        cap = quadratic_in_position(channel_positions(USUAL_CHANNELS)).mean(axis=0)
        loudness = np.mean([(table @ cap).mean() for table in own.values()])
        return Equaliser(tables, self.others, LARGEST_LOG_GAIN_FROM_NOTHING, float(np.exp(loudness)))


@lru_cache(maxsize=1024)  # without cues, the rows of a batch and later calls share a few filters
def _minimum_phase(log_gains: tuple[float, ...]) -> np.ndarray:
    """Designs a causal filter from log gains at equally spaced frequencies from 0 to half the sampling rate."""
    n_taps = 4 * (len(log_gains) - 1) + 1  # twice the period of the distance between frequencies
    if not any(log_gains):
        return np.eye(1, n_taps)[0]
    # half=False, because by default SciPy returns a filter with the square root of the magnitude
    symmetric = scipy.signal.firwin2(n_taps, np.linspace(0, 1, len(log_gains)), np.exp(log_gains))
    return scipy.signal.minimum_phase(symmetric, n_fft=8 * n_taps, half=False)


class EqualiserStream:
    """Filters generated EEG with the gains of its conditions, any number of samples at a time.

    Args:
        equaliser_of: Function that returns the equaliser for a condition.
        conditions: Names of all conditions. The index of a name is its id.
        positions: Positions `(channels, 6)` on the unit sphere.
    """

    def __init__(self, equaliser_of: Callable[[str], Equaliser], conditions: Sequence[str], positions: np.ndarray):
        self._equaliser_of, self._names, self._positions = equaliser_of, conditions, positions
        self._filters: dict[int, np.ndarray] = {}
        # the samples, with their condition ids, on which later samples depend
        self._past, self._ids_of_past = np.zeros((len(positions), 0)), np.zeros(0, np.int64)

    def push(self, x: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """Filters the next samples.

        Args:
            x: Next samples `(channels, times)`.
            ids: Condition id of each sample, `(times,)`.

        Returns:
            Filtered samples of the same shape as `x`.
        """
        x, ids = np.concatenate([self._past, x], axis=-1), np.concatenate([self._ids_of_past, ids])
        n_before, n_taps = self._past.shape[-1], 1
        out = np.zeros((len(x), x.shape[-1] - n_before))
        for index in np.unique(ids).tolist():
            filters = self._filters_of(index)
            n_taps = max(n_taps, filters.shape[-1])
            out += scipy.signal.oaconvolve(x * (ids == index), filters, axes=-1)[:, n_before : x.shape[-1]]
        n_old = max(0, x.shape[-1] - n_taps + 1)
        self._past, self._ids_of_past = x[:, n_old:].copy(), ids[n_old:].copy()
        return out

    def _filters_of(self, index: int) -> np.ndarray:
        """Returns the filters `(channels, taps)` of a condition, which are designed when it first comes."""
        if index not in self._filters:
            name = self._names[index]
            self._filters[index] = self._equaliser_of(name).filters(name, self._positions)
        return self._filters[index]
