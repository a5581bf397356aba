# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Equaliser of generated EEG: how a condition, a cue or a virtual person changes the spectrum.

A condition that lasts, such as closed eyes, has a table of gains. A cue to move a fist, or to imagine the movement,
causes event-related desynchronisation: it weakens the rhythms that a person has at rest, more on the opposite side of
the head (Pfurtscheller and Lopes da Silva, Clinical Neurophysiology 110, 1999). A person without a mu rhythm has
nothing to weaken. So the log gains of a cue are nine numbers for the place on the head, times the square of the
rhythm's height above the aperiodic component. The square is empirical: in the training people, weak rhythms react less
than in proportion.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import scipy

from .features_get import Prompt
from .montage_get import USUAL_CHANNELS, channel_positions
from .population_get import quadratic_in_position
from .rhythms_get import prominence

#: Log gains at equally spaced frequencies from 0 to half the rate, as `quadratic_in_position`, `(frequencies, 9)`.
Table = Sequence[Sequence[float]]
#: Largest log gain after a prompt; training did not cover larger changes.
LARGEST_LOG_GAIN = 0.35
#: Largest log gain from nothing, where only the gains give the spectrum its condition and person.
LARGEST_LOG_GAIN_FROM_NOTHING = 2.0
#: Largest log gain of a cue: it halves the amplitude of a rhythm.
LARGEST_LOG_GAIN_AFTER_CUE = 0.7
#: Seconds of the prompts with which the effects of cues were measured. In shorter prompts, estimates vary more.
SECONDS_BEFORE_CUE = 4.0
#: Number of traits by which virtual persons differ.
N_TRAITS = 12


@dataclass(frozen=True)
class Equaliser:
    """Filters that multiply amplitudes by the gains of each condition.

    The filters have minimum phase, so later samples do not change earlier ones.

    Attributes:
        tables: By condition, `(frequencies, 9)`; see `Table`.
        others: Condition whose table is used for conditions without a table.
        largest: Bound of log gains.
        loudness: Factor for events, which are not filtered. A head conducts events and rhythms with one gain.
        cues: By condition, `(9,)` as `quadratic_in_position`: added to log gains of a rhythm whose power is one
            nat above the background.
        prominence: `(channels, frequencies)`: how far the power of the filtered EEG is above the background, see
            `rhythms_get`; None without cues.
    """

    tables: Mapping[str, Table]
    others: str
    largest: float = LARGEST_LOG_GAIN
    loudness: float = 1.0
    cues: Mapping[str, Sequence[float]] = field(default_factory=dict)
    prominence: np.ndarray | None = None

    def log_gains(self, condition: str, positions: np.ndarray) -> np.ndarray:
        """Log gains of a condition at `positions` `(channels, 6)`: `(channels, frequencies)`."""
        table = self.tables.get(condition, self.tables[self.others])
        # the fit extrapolates to places without electrodes, so its gains are bounded
        places = quadratic_in_position(positions)
        log_gains = np.clip(places @ np.transpose(table), -self.largest, self.largest)
        if condition not in self.cues:
            return log_gains
        of_cue = (places @ self.cues[condition])[:, None] * self.prominence**2  # type: ignore[operator]
        return log_gains + np.clip(of_cue, -LARGEST_LOG_GAIN_AFTER_CUE, LARGEST_LOG_GAIN_AFTER_CUE)

    def __call__(self, x: np.ndarray, conditions: Sequence[str], positions: np.ndarray) -> np.ndarray:
        """Filters generated EEG.

        Args:
            x: `(channels, times)`: whole patches.
            conditions: Condition of each patch.
            positions: `(channels, 6)` unit-sphere positions.

        Returns:
            Same shape.
        """
        if not len(conditions):
            return x
        names = np.array([name if name in self.tables or name in self.cues else self.others for name in conditions])
        of_samples, out = np.repeat(names, x.shape[-1] // len(names)), np.zeros_like(x)
        for name in np.unique(names):
            filters = np.stack([_minimum_phase(tuple(row)) for row in self.log_gains(str(name), positions)])
            out += scipy.signal.oaconvolve(x * (of_samples == name), filters, axes=-1)[:, : x.shape[-1]]
        return out


@dataclass(frozen=True)
class Gains:
    """All gains that filter generated EEG; see `GETFeatureExtractor`.

    Attributes:
        generated: By condition, tables for continuations of a prompt.
        unprompted: By condition, tables of the average person from nothing.
        of_traits: By condition, `(N_TRAITS, frequencies, 9)`: effect of one standard deviation of each trait.
        of_cues: By condition, `(9,)`: how a cue for it changes the rhythms of rest, see `Equaliser`.
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
        """Equaliser for the continuation of a prompt, or for generation from nothing.

        A cue weakens the rhythms that a prompt shows. If the prompt ended in the same cue, its rhythms are already
        weak, and the cue changes nothing, even where a plan returns to it.

        Args:
            prompt: The prompt.
            conditions: Conditions of the continuation.
            last: Last condition of the prompt; None from nothing.
        """
        lasting = self._lasting(prompt)
        cues = {name: gains for name, gains in self.of_cues.items() if name != last}
        if cues.keys().isdisjoint(conditions):
            return lasting
        return replace(lasting, cues=cues, prominence=self.prominence(prompt))

    def prominence(self, prompt: Prompt) -> np.ndarray:
        """Height of the rhythms above their background in a continuation, `(good channels, frequencies)`."""
        log_gains = self._lasting(prompt).log_gains(self.others, prompt.positions[prompt.good])
        found = prominence(prompt.innovation.log_spectrum(log_gains.shape[-1]) + 2 * log_gains, self.sampling_rate)
        seconds = prompt.n_times / prompt.recording.sampling_rate
        return found * min(1.0, seconds / SECONDS_BEFORE_CUE) if prompt.n_times else found

    def _lasting(self, prompt: Prompt) -> Equaliser:
        """Equaliser for conditions that last."""
        return self.after_prompt if prompt.n_times else self.of_person(prompt.person)

    @property
    def after_prompt(self) -> Equaliser:
        """Equaliser for the continuation of a prompt."""
        return Equaliser(self.generated, self.others)

    def of_person(self, person: int | None) -> Equaliser:
        """Equaliser for generation from nothing.

        People's log spectra are assumed to be jointly Gaussian over frequencies, places and conditions: people with
        more alpha with closed eyes also have more alpha with open eyes.

        Args:
            person: Number of a virtual person, the seed of the traits; None: the average person.
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


@lru_cache(maxsize=1024)  # except after cues, the rows of a batch and the calls of a stream share a few filters
def _minimum_phase(log_gains: tuple[float, ...]) -> np.ndarray:
    """A causal filter with log gains `(frequencies,)` at equally spaced frequencies from 0 to half the rate."""
    n_taps = 4 * (len(log_gains) - 1) + 1  # twice the period of the distance between frequencies
    if not any(log_gains):
        return np.eye(1, n_taps)[0]
    # by default, SciPy takes the square root of the magnitude
    symmetric = scipy.signal.firwin2(n_taps, np.linspace(0, 1, len(log_gains)), np.exp(log_gains))
    return scipy.signal.minimum_phase(symmetric, n_fft=8 * n_taps, half=False)
