# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Blinks: events of one shape, which filtered noise never produces, even if a network shapes the noise.

A blink is a bump of 100 to 500 uV at the forehead. It lasts a sixth of a second, an undershoot of the amplifier
follows it, and it fades over the scalp with distance. Blinks carry most of the heavy tails of EEG. So they are
subtracted from a recording before any other step, and the continuation gets blinks of its own. They are as frequent,
as strong and as wide as in the prompt, and have the same topography. Each of these is shrunk towards the usual value
in the population and in the condition: eyes behind closed lids produce different and smaller waves. Single blinks
differ from a person's usual blink as recorded blinks do: most differ little, and a few are far smaller. No Gaussian
describes this.

    x = brain + sum_i A_i (topography * shape((t - t_i) / w_i) + late_topography * late_shape((t - t_i) / w_i))

The second term is small, and largest away from the eyes. The lid and the eye under it do not move at the same moment,
so a blink reaches the vertex a few hundredths of a second after the forehead. By that delay, a classifier
distinguishes real EEG from EEG whose blinks have a single topography.

Blinks are found as peaks in the output of a spatial filter (see `spatial_filter`) for the population's topography.
They are fitted by least squares, and subtracted along the recording's own topography: a regression on the courses of
both terms, as in Gratton et al., Electroenceph. clin. Neurophysiol. 55, 1983.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import numpy as np
import scipy

from .event_shapes_get import add_event, covariance_between_peaks, loaded, robust_deviation, spatial_filter, uniforms
from .population_get import N_HARMONICS, harmonics

#: Corner of the low-pass filter for the detection of blinks, as a share of half the rate: 6 Hz at 100 Hz.
CORNER = 0.12
#: A blink has at least this many deviations of the signal around it, and at least this many microvolts.
LEAST_SCORE, LEAST_AMPLITUDE = 4.0, 40.0
#: Largest noise of a spatial filter with which a montage can show blinks, in microvolts at the forehead.
LARGEST_NOISE = 60.0
#: Samples of the shape before and after its peak: 0.4 and 1.2 s at 100 Hz.
N_BEFORE, N_AFTER = 40, 120
#: Samples in which the slow part of a shape rings.
MARGIN = 20
#: Widths that the fit of a blink tries, relative to the shape.
WIDTHS = np.exp(np.linspace(np.log(0.65), np.log(2.0), 10))
#: Bounds of the undershoot, relative to the undershoot of the shape.
LEAST_UNDERSHOOT, LARGEST_UNDERSHOOT = -0.5, 2.5
#: Least number of samples from one blink to the next: 0.3 s at 100 Hz.
SHORTEST_INTERVAL = 30
#: Samples in which blinks are missed, at both ends of a recording together.
EDGE = 100
#: The residual around a blink counts as part of it where it exceeds this many deviations of the other residual.
LARGEST_REST = 1.0
#: Number of blinks whose own topography weighs as much as the topography of the population.
TOPOGRAPHY_PRIOR = 0.5
#: Largest amplitude of a blink over the largest of the reference, and samples before and after a blink in which there
#: are no more blinks than in the reference: 1.5 s at 100 Hz.
LARGEST_RATIO, N_CROWD = 1.5, 150
#: Bound of the evidence for or against cleaning, in nats: cleaning may be partial, and people differ.
LARGEST_EVIDENCE = 2.0
#: Coefficients of a patch whose sums over channels decide whether, when and how to blink; see `uniforms`.
DICE = slice(8, 11)


@dataclass(frozen=True)
class Blinks:
    """Blinks of one recording.

    Attributes:
        topographies: `(channels, 2)`: strength of a blink at each channel, 1 at the forehead, and of its late part;
            all 0 where the montage does not show blinks.
        courses: `(2, times + tail)` microvolts: courses in the recording, and the end of its last blinks.
        n_times: Samples of the recording.
        events: `(blinks, 4)`: sample of the peak, amplitude in microvolts, width and undershoot relative to the
            shape.
        background: Deviation of the spatial filter's output between blinks, in microvolts.
        frontal: See `_frontal_activity`.
    """

    topographies: np.ndarray
    courses: np.ndarray
    n_times: int
    events: np.ndarray
    background: float
    frontal: float = 0.0

    @property
    def signal(self) -> np.ndarray:
        """Blinks in the recording, `(channels, times)` in microvolts."""
        return self.topographies @ self.courses[:, : self.n_times]


@dataclass(frozen=True, eq=False)
class BlinkPopulation:
    """Parameters of the blinks of a population.

    Attributes:
        topography: `(36,)`: weights of spherical harmonics, see `harmonics`; 1 midway between Fp1 and Fp2.
        shape: `(N_BEFORE + N_AFTER,)`: a blink's course, 1 at its peak.
        late_topography: `(36,)`: the same for the late part of a blink.
        late_shape: `(N_BEFORE + N_AFTER,)`: course of the late part, at most 1.
        rates: Blinks per patch in each condition.
        concentrations: Shape parameters of the gamma distributions of people's rates, one for each condition. Large
            values: similar rates.
        traits: `(conditions, 3)`: log amplitude (microvolts) where the background is 1 uV, log width and undershoot
            of a usual blink in each condition.
        slopes: `(3,)`: what one nat of background adds to each trait.
        between: `(3,)`: standard deviation of the traits between recordings.
        within: `(blinks, 3)`: differences of blinks from the usual blink of their recording, small blinks first.
        share_cleaned: Prior probability that a recording was cleaned of blinks.
        frontal_evidence: `(3,)`: evidence against cleaning in `Blinks.frontal`, because cleaning also removes slow
            frontal activity: the value with no evidence, the log odds per unit in long recordings, and the samples of
            a recording in which the log odds are half as large.
    """

    topography: Sequence[float]
    shape: Sequence[float]
    late_topography: Sequence[float]
    late_shape: Sequence[float]
    rates: Sequence[float]
    concentrations: Sequence[float]
    traits: Sequence[Sequence[float]]
    slopes: Sequence[float]
    between: Sequence[float]
    within: Sequence[Sequence[float]]
    share_cleaned: float
    frontal_evidence: Sequence[float]

    def check(self, n_conditions: int) -> None:
        """Checks the shapes and ranges of the numbers.

        Raises:
            ValueError: An attribute has a wrong shape or range. The message names it.
        """
        sizes: dict[str, tuple[int, ...]] = {
            "topography": (N_HARMONICS,),
            "shape": (N_BEFORE + N_AFTER,),
            "late_topography": (N_HARMONICS,),
            "late_shape": (N_BEFORE + N_AFTER,),
            "rates": (n_conditions,),
            "concentrations": (n_conditions,),
            "traits": (n_conditions, 3),
            "slopes": (3,),
            "between": (3,),
            "within": (max(len(np.atleast_1d(self.within)), 1), 3),
            "share_cleaned": (),
            "frontal_evidence": (3,),
        }
        for name, size in sizes.items():
            values = np.asarray(getattr(self, name))
            if values.dtype.kind not in "fiu" or values.shape != size or not np.isfinite(values).all():
                raise ValueError(
                    f"{name} of blinks must be finite numbers of shape {size}, with {n_conditions} conditions, not "
                    f"{values.dtype} of {values.shape}."
                )
        if min(self.rates) < 0 or min(*self.concentrations, *self.between) <= 0:
            raise ValueError("blinks must have rates that are not negative, and positive concentrations and between.")
        if not 0 < self.share_cleaned < 1 or self.frontal_evidence[2] <= 0:
            raise ValueError("blinks must have a share_cleaned between 0 and 1 and a positive number of samples.")

    def __getstate__(self) -> dict[str, Any]:
        # caches would change the fingerprint of `dataset.map` as soon as they are computed
        return {name: value for name, value in vars(self).items() if name != "_bases"}

    @cached_property
    def _bases(self) -> list[tuple[float, np.ndarray, np.ndarray]]:
        """For each width: bump and undershoot `(2, times)`, and their slow part, with margins before and after."""
        bases = [np.pad(self._basis(width), ((0, 0), (MARGIN, MARGIN))) for width in WIDTHS]
        return [(width, basis, low_pass(basis)) for width, basis in zip(WIDTHS, bases, strict=True)]

    def _basis(self, width: float) -> np.ndarray:
        """Bump and undershoot `(2, times)` of a blink of width `width`."""
        shape = _stretched(self.shape, width)
        after = np.arange(len(shape)) > round(N_BEFORE * width)
        undershoot = after & (np.cumsum(after & (shape < 0)) > 0)
        return np.stack([np.where(undershoot, 0.0, shape), np.where(undershoot, shape, 0.0)])

    def unprompted(self, positions: np.ndarray, noise: np.ndarray) -> Blinks:
        """An empty set of blinks for channels at `positions` `(channels, 6)`; `noise` as for `find`."""
        topographies = self._topographies(positions)
        _, background = spatial_filter(topographies[:, 0], noise)
        if background > LARGEST_NOISE:
            return no_blinks(len(positions), 0)
        return Blinks(topographies, np.zeros((2, 0)), 0, np.zeros((0, 4)), background)

    def _topographies(self, positions: np.ndarray) -> np.ndarray:
        """Topographies of the population at `positions` `(channels, 6)`."""
        return harmonics(positions) @ np.stack([self.topography, self.late_topography], axis=-1)

    def find(self, x: np.ndarray, positions: np.ndarray, noise: np.ndarray | None = None) -> Blinks:
        """Finds the blinks of a recording.

        Args:
            x: `(channels, times)` in microvolts at the model's sampling rate.
            positions: `(channels, 6)` unit-sphere positions of the electrodes and of their references.
            noise: `(channels, channels)` square microvolts: covariance of slow EEG without blinks in the population.
                None: estimated from the recording, which must be long enough.
        """
        n_times = x.shape[-1]
        usual, slow = self._topographies(positions), low_pass(x)
        is_own = noise is None
        if is_own:
            noise = covariance_between_peaks(slow, usual[:, 0])
        frontal = _frontal_activity(slow, usual[:, 0], noise)
        if not is_own:
            usual *= _liveliness(x, noise)[:, None]
        weights, deviation = spatial_filter(usual[:, 0], noise)
        if deviation > LARGEST_NOISE:
            return no_blinks(*x.shape)
        course, rest, events = self._fit_events(weights @ slow)
        background = robust_deviation(rest)
        if not len(events):
            return Blinks(usual, np.zeros((2, len(course))), n_times, events, background, frontal)
        around = np.zeros(n_times)
        for peak, _, width, _ in events:
            around[max(0, int(peak - 20 * width)) : int(peak + 60 * width)] = 1.0
        around = np.convolve(around, np.ones(21) / 21, mode="same")[:n_times]
        course[:n_times] += around * (rest - np.clip(rest, -LARGEST_REST * background, LARGEST_REST * background))
        courses = np.stack([course, np.zeros(len(course))])
        for peak, amplitude, width, _ in events:
            add_event(courses[1], int(peak) - round(N_BEFORE * width), amplitude * _stretched(self.late_shape, width))
        seen = low_pass(courses)[:, :n_times]
        own = np.linalg.lstsq((seen - seen.mean(axis=-1, keepdims=True)).T, x.T, rcond=1e-6)[0].T
        weight = len(events) / (len(events) + TOPOGRAPHY_PRIOR)
        return Blinks(weight * own + (1 - weight) * usual, courses, n_times, events, background, frontal)

    def find_alike(self, x: np.ndarray, reference: Blinks, noise: np.ndarray) -> Blinks:
        """Finds only such blinks as a reference has: of its topography, no larger, and no more at a time.

        So a discharge that looks like a blink, but comes three times a second, stays in the signal. The blinks of the
        `reference` are of the same channels; the other arguments are as for `find`.
        """
        if not len(reference.events):
            return no_blinks(*x.shape)
        weights, _ = spatial_filter(reference.topographies[:, 0], noise)
        *_, found = self._fit_events(weights @ low_pass(x))
        fits = found[:, 1] <= LARGEST_RATIO * reference.events[:, 1].max()
        events = found[fits & (_crowds(found) <= _crowds(reference.events).max())]
        courses = np.zeros((2, x.shape[-1] + round(WIDTHS[-1] * N_AFTER)))
        for peak, amplitude, width, undershoot in events:
            self._add_blink(courses, int(peak) - round(N_BEFORE * width), amplitude, width, undershoot)
        return replace(reference, courses=courses, n_times=x.shape[-1], events=events)

    def _fit_events(self, filtered: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Fits blinks to the slow output of a spatial filter `(times,)`.

        Returns:
            Course of the blinks with its tail, residual of the output, and events.
        """
        rest = filtered - np.median(filtered)
        course = np.zeros(len(filtered) + round(WIDTHS[-1] * N_AFTER))
        events = []
        for _ in range(3):  # blinks may overlap
            least = max(LEAST_SCORE * robust_deviation(rest), LEAST_AMPLITUDE)
            peaks, found = scipy.signal.find_peaks(rest, height=least, prominence=0.7 * least, width=(5, 60))
            for peak in peaks[np.argsort(-found["peak_heights"])]:
                fitted = self._fit_event(rest, peak)
                if fitted is None:
                    continue
                (amplitude, width, undershoot), basis, slow_basis = fitted
                start, sizes = peak - round(N_BEFORE * width) - MARGIN, [amplitude, amplitude * undershoot]
                add_event(course, start, sizes @ basis)
                add_event(rest, start, -(sizes @ slow_basis))
                # a fit so near a larger blink is a part of the shape of that blink
                if all(abs(peak - other) >= SHORTEST_INTERVAL for other, *_ in events):
                    events.append((peak, amplitude, width, undershoot))
        return course, rest, np.array(sorted(events)).reshape(-1, 4)

    def _fit_event(self, rest: np.ndarray, peak: int) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """The blink that best explains the signal around a peak: amplitude, width and undershoot, and its bases."""
        best, most = None, 0.0
        for width, basis, slow_basis in self._bases:
            start = peak - round(N_BEFORE * width) - MARGIN
            inside = slice(max(0, -start), min(basis.shape[1], len(rest) - start))
            wanted, seen = rest[max(0, start) : start + basis.shape[1]], slow_basis[:, inside]
            # this pulls an undershoot that is cut off to the usual one
            pull = 0.02 * np.sum(slow_basis[1] ** 2)
            gram = seen @ seen.T + np.diag([1e-9, pull])
            amplitude, depth = np.linalg.solve(gram, seen @ wanted + [0.0, pull * rest[peak]])
            explained = np.sum(wanted**2) - np.sum((wanted - amplitude * seen[0] - depth * seen[1]) ** 2)
            if amplitude >= LEAST_AMPLITUDE and explained > most:
                undershoot = np.clip(depth / amplitude, LEAST_UNDERSHOOT, LARGEST_UNDERSHOOT)
                best, most = (np.array([amplitude, width, undershoot]), basis, slow_basis), explained
        return best

    def rates_of(
        self,
        blinks: Blinks,
        before: Sequence[int],
        after: Sequence[int],
        patch_size: int,
        person: int | None = None,
    ) -> np.ndarray:
        """Blinks per patch of a continuation: a gamma prior is combined with a count.

        A recording without blinks may be a cleaned one. If that is more probable than not, no blinks follow.

        Args:
            blinks: Blinks of the recording.
            before: Condition ids of (some of) its patches. Empty: unknown, and assumed to be those in `after`.
            after: Condition ids of the patches that follow.
            patch_size: Samples in a patch.
            person: Number of an imagined person with their own rate and usual blink. None: as in the recording, or as
                is usual.
        """
        rates, shapes = np.asarray(self.rates), np.asarray(self.concentrations)
        if person is not None:
            # a person who blinks often in one condition does so in others
            often = scipy.stats.norm.cdf(_scores(person)[0])
            return (scipy.stats.gamma.ppf(often, shapes) / shapes * rates)[list(after)]
        known = list(before) or list(after)
        expected = rates[known].mean() * max(blinks.n_times - EDGE, 0) / patch_size
        concentration = shapes[known].mean()
        if not len(blinks.events) and self._is_cleaned(blinks, expected, concentration):
            return np.zeros(len(after))
        factor = (concentration + len(blinks.events)) / (concentration + expected)
        return factor * rates[list(after)]

    def _is_cleaned(self, blinks: Blinks, expected: float, concentration: float) -> bool:
        """Whether a recording without blinks, where `expected` blinks were expected, was more probably cleaned."""
        # the gamma distribution of rates makes counts negative binomial
        log_odds = np.log(1 / self.share_cleaned - 1) - concentration * np.log1p(expected / concentration)
        middle, slope, n_half = self.frontal_evidence
        slope *= blinks.n_times / (blinks.n_times + n_half)
        evidence = np.clip(slope * (blinks.frontal - middle), -LARGEST_EVIDENCE, LARGEST_EVIDENCE)
        return bool(log_odds + evidence < 0)

    def continue_courses(
        self,
        blinks: Blinks,
        patches: np.ndarray,
        before: Sequence[int],
        after: Sequence[int],
        person: int | None = None,
    ) -> np.ndarray:
        """Courses of the blinks that follow a recording.

        Args:
            blinks: Blinks of the recording.
            patches: `(channels, patches, patch_size)` in the innovation space.
            before: See `rates_of`.
            after: See `rates_of`.
            person: See `rates_of`.

        Returns:
            `(2, patches * patch_size)` microvolts, like `Blinks.courses`.
        """
        n_patches, size = patches.shape[1:]
        courses = np.zeros((2, n_patches * size))
        for course, recorded in zip(courses, blinks.courses, strict=True):
            add_event(course, 0, recorded[blinks.n_times :])
        if not blinks.topographies.any():
            return courses
        rates = self.rates_of(blinks, before, after, size, person)
        traits = self.traits_of(blinks, before, after, person)
        last = blinks.events[-1, 0] - N_BEFORE - blinks.n_times if len(blinks.events) else -np.inf
        for patch, (dice, rate, usual) in enumerate(zip(uniforms(patches, DICE), rates, traits, strict=True)):
            start = int((patch + dice[1]) * size)
            # a higher chance compensates for the time after a blink, which has none
            chance = rate / max(1.0 - rate * SHORTEST_INTERVAL / size, 0.5)
            if dice[0] <= 1.0 - chance or start < last + SHORTEST_INTERVAL:
                continue
            last = start
            log_amplitude, log_width, undershoot = usual + self.within[int(dice[2] * len(self.within))]
            width = float(np.clip(np.exp(log_width), WIDTHS[0], WIDTHS[-1]))
            undershoot = np.clip(undershoot, LEAST_UNDERSHOOT, LARGEST_UNDERSHOOT)
            self._add_blink(courses, start, np.exp(log_amplitude), width, undershoot)
        return courses

    def _add_blink(self, courses: np.ndarray, start: int, amplitude: float, width: float, undershoot: float) -> None:
        bump, depth = self._basis(width)
        add_event(courses[0], start, amplitude * (bump + undershoot * depth))
        add_event(courses[1], start, amplitude * _stretched(self.late_shape, width))

    def traits_of(
        self, blinks: Blinks, before: Sequence[int], after: Sequence[int], person: int | None = None
    ) -> np.ndarray:
        """Log amplitude, log width and undershoot of a usual blink in each patch that follows, `(patches, 3)`.

        A normal prior is combined with the median of the recording, which small blinks do not change. Arguments as for
        `rates_of`.
        """
        traits = self.traits + np.log(max(blinks.background, 1e-3)) * np.asarray(self.slopes)
        usual = traits[list(after)] + _scores(person)[1:] * self.between
        if not len(blinks.events):
            return usual
        amplitudes, widths, undershoots = blinks.events[:, 1:].T
        seen = np.median([np.log(amplitudes), np.log(widths), undershoots], axis=1)
        doubt = (np.std(self.within, axis=0) / self.between) ** 2 / len(blinks.events)
        return usual + (seen - traits[list(before) or list(after)].mean(axis=0)) / (1 + doubt)


def _scores(person: int | None) -> np.ndarray:
    """Standard normal scores `(4,)` of an imagined person's blinks: rate, then traits; 0 without a person."""
    # another random sequence than for the person's spectrum
    return np.zeros(4) if person is None else np.random.default_rng([person, 1]).standard_normal(4)


def _crowds(events: np.ndarray) -> np.ndarray:
    """The number of blinks around each of `(blinks, 4)`, itself counted."""
    return (np.abs(events[:, :1] - events[:, 0]) <= N_CROWD).sum(axis=1)


def no_blinks(n_chans: int, n_times: int) -> Blinks:
    """Blinks of a recording without a search for blinks."""
    return Blinks(np.zeros((n_chans, 2)), np.zeros((2, n_times)), n_times, np.zeros((0, 4)), 0.0)


@cache
def _low_pass_sections() -> np.ndarray:
    """Second-order sections of the low-pass, designed at the first call, as importing scipy.signal takes long."""
    return scipy.signal.butter(2, CORNER, output="sos")


def low_pass(x: np.ndarray) -> np.ndarray:
    """Slow part of `(rows, times)`, filtered with zero phase."""
    return scipy.signal.sosfiltfilt(_low_pass_sections(), x, axis=-1, padlen=min(50, x.shape[-1] - 1))


def _frontal_activity(slow: np.ndarray, topography: np.ndarray, noise: np.ndarray) -> float:
    """Logarithm of the slow activity at the forehead, relative to the value expected from the other channels.

    Args:
        slow: `(channels, times)` microvolts: the slow part of a recording.
        topography: `(channels,)`: topography of blinks in the population.
        noise: `(channels, channels)`: see `BlinkPopulation.find`.
    """
    weights, deviation = spatial_filter(topography, noise)
    loudness = np.sqrt(np.median(np.var(slow, axis=-1) / np.diag(noise)))
    return float(np.log((robust_deviation(weights @ slow) + 1e-9) / (deviation * loudness + 1e-9)))


def _liveliness(x: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Regression of each channel of `(channels, times)` on its prediction from the others, relative to the median.

    An electrode that hardly records the brain hardly records the eyes. An electrode with inverted polarity, such as
    one beside the reference, records both inverted. Values are between -1 and 1.
    """
    if len(noise) == 1:
        return np.ones(1)
    precision = np.linalg.inv(loaded(noise))
    predicted = x - (precision @ x) / np.diag(precision)[:, None]
    shares = np.sum(x * predicted, axis=-1) / (np.sum(predicted**2, axis=-1) + 1e-9)
    return np.clip(shares / max(np.median(shares), 1e-3), -1.0, 1.0)


def _stretched(shape: Sequence[float], width: float) -> np.ndarray:
    """The shape stretched to a width, from its beginning before the peak to its end."""
    times = np.arange(-round(N_BEFORE * width), round(N_AFTER * width)) / width + N_BEFORE
    return np.interp(times, np.arange(len(shape)), shape, left=0.0, right=0.0)
