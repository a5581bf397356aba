# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Finds, subtracts and generates blinks: events with a fixed shape, which filtered noise cannot produce.

A blink is a bump of 100 to 500 uV at the forehead. It lasts a sixth of a second, and an undershoot of the amplifier
follows it. Its amplitude decreases with the distance from the eyes. Blinks cause most of the heavy tails of the
amplitude distribution of EEG. So blinks are subtracted from a recording before any other step, and new blinks are
added to the continuation. The new blinks have the rate, amplitude, width and topography of the blinks in the prompt.
Each of these values is shrunk towards the usual value in the population and in the condition. The condition matters
because closed eyes produce different and smaller waves. A prompt without blinks is continued without blinks: it may
have been cleaned of them, and the population's blinks are as large as the amplifiers and electrodes of its corpus
show them. The differences between single blinks and a person's usual blink are sampled from recorded blinks: most
blinks differ little, and a few are far smaller. A Gaussian distribution does not describe this.

    x = brain + sum_i A_i (topography * shape((t - t_i) / w_i) + late_topography * late_shape((t - t_i) / w_i))

The second term is small, and largest far from the eyes. The eyelid and the eye under it do not move at the same
moment, so a blink reaches the vertex a few hundredths of a second after the forehead. Without this delay, a classifier
could distinguish generated EEG, in which all blinks have a single topography, from real EEG.

Blinks are found as peaks in the output of a spatial filter (see `spatial_filter`) for the population's topography.
Their time courses are fitted by least squares. The topography of the recording is a regression of the channels on the
courses of both terms, as in Gratton et al., Electroenceph. clin. Neurophysiol. 55, 1983. The product of topography and
courses is subtracted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import scipy

from .event_shapes_get import (
    add_event,
    covariance_between_peaks,
    liveliness,
    low_pass,
    robust_deviation,
    spatial_filter,
)
from .population_get import N_HARMONICS, harmonics

#: Smallest amplitude of a blink: in standard deviations of the signal around it, and in microvolts.
LEAST_SCORE, LEAST_AMPLITUDE = 4.0, 40.0
#: Largest noise in the output of the spatial filter, in microvolts at the forehead. With more noise, the montage
#: cannot show blinks.
LARGEST_NOISE = 60.0
#: Number of samples of the shape before and after its peak: 0.4 and 1.2 s at 100 Hz.
N_BEFORE, N_AFTER = 40, 120
#: Number of samples added before and after a shape for the ringing of the low-pass filter.
MARGIN = 20
#: Widths that the fit of a blink tries, relative to the width of the shape.
WIDTHS = np.exp(np.linspace(np.log(0.65), np.log(2.0), 10))
#: Bounds of the undershoot, relative to the undershoot of the shape.
LEAST_UNDERSHOOT, LARGEST_UNDERSHOOT = -0.5, 2.5
#: Smallest number of samples from one blink to the next: 0.3 s at 100 Hz.
SHORTEST_INTERVAL = 30
#: Number of samples in which blinks are not found, at both ends of a recording together.
EDGE = 100
#: The part of the residual around a blink that exceeds this number of standard deviations is added to the blink.
LARGEST_REST = 1.0
#: Number of blinks in a recording at which its own topography and the population's topography have equal weights.
TOPOGRAPHY_PRIOR = 0.5
#: Largest amplitude of a blink over the largest of the reference, and samples before and after a blink in which there
#: are no more blinks than in the reference: 1.5 s at 100 Hz.
LARGEST_RATIO, N_CROWD = 1.5, 150
#: Coefficients of a patch that determine whether it has a blink, and the time and form of this blink; see `uniforms`.
DICE = slice(8, 11)


@dataclass(frozen=True)
class Blinks:
    """The blinks of one recording.

    Attributes:
        topographies: Amplitude of a blink at each channel, relative to the forehead, and amplitude of its late part,
            `(channels, 2)`. All values are 0 if the montage does not show blinks.
        courses: Time courses of the blinks and of their late parts in microvolts, `(2, times + tail)`. The tail
            contains the end of blinks that begin just before the end of the recording.
        n_times: Number of samples of the recording.
        events: One row for each blink, `(blinks, 4)`: the sample of its peak, its amplitude in microvolts, and its
            width and undershoot relative to the shape.
        background: Standard deviation of the spatial filter's output between blinks, in microvolts.
    """

    topographies: np.ndarray
    courses: np.ndarray
    n_times: int
    events: np.ndarray
    background: float

    @property
    def signal(self) -> np.ndarray:
        """The signal of all blinks in the recording, `(channels, times)` in microvolts."""
        return self.topographies @ self.courses[:, : self.n_times]


@dataclass(frozen=True, eq=False)
class BlinkPopulation:
    """The parameters of the blinks of a population.

    Attributes:
        topography: Weights `(36,)` of spherical harmonics (see `harmonics`). Their sum is 1 halfway from Fp1 to Fp2.
        shape: Time course of a blink `(N_BEFORE + N_AFTER,)`, which is 1 at its peak.
        late_topography: Weights `(36,)` of spherical harmonics for the late part of a blink.
        late_shape: Time course of the late part `(N_BEFORE + N_AFTER,)`, which is at most 1.
        rates: Mean number of blinks per patch in each condition.
        concentrations: Shape parameter of the gamma distribution of people's rates, for each condition. A large value
            means that people have similar rates.
        traits: Three traits of a usual blink in each condition, `(conditions, 3)`: log amplitude (in microvolts, for a
            background of 1 uV), log width, and undershoot.
        slopes: Increase of each trait if the log background increases by 1, `(3,)`.
        between: Standard deviation of each trait between recordings, `(3,)`.
        within: Traits of single blinks minus the traits of the usual blink of their recording, `(blinks, 3)`. The rows
            are sorted by amplitude, small blinks first.
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

    def check(self, n_conditions: int) -> None:
        """Checks the shapes and ranges of the parameters.

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

    def __getstate__(self) -> dict[str, Any]:
        # caches would change the fingerprint of `dataset.map` as soon as they are computed
        return {name: value for name, value in vars(self).items() if name != "_bases"}

    @cached_property
    def _bases(self) -> list[tuple[float, np.ndarray, np.ndarray]]:
        """A list with one entry for each width: the width, bump and undershoot `(2, times)`, and their slow part.

        Bump and undershoot have margins before and after them.
        """
        bases = [np.pad(self._basis(width), ((0, 0), (MARGIN, MARGIN))) for width in WIDTHS]
        return [(width, basis, low_pass(basis)) for width, basis in zip(WIDTHS, bases, strict=True)]

    def _basis(self, width: float) -> np.ndarray:
        """Returns the bump and the undershoot `(2, times)` of a blink with the given width."""
        shape = _stretched(self.shape, width)
        after = np.arange(len(shape)) > round(N_BEFORE * width)
        undershoot = after & (np.cumsum(after & (shape < 0)) > 0)
        return np.stack([np.where(undershoot, 0.0, shape), np.where(undershoot, shape, 0.0)])

    def unprompted(self, positions: np.ndarray, noise: np.ndarray) -> Blinks:
        """Returns an empty set of blinks for channels at `positions` `(channels, 6)`; `noise` is as for `find`."""
        topographies = self._topographies(positions)
        _, background = spatial_filter(topographies[:, 0], noise)
        if background > LARGEST_NOISE:
            return no_blinks(len(positions), 0)
        return Blinks(topographies, np.zeros((2, 0)), 0, np.zeros((0, 4)), background)

    def _topographies(self, positions: np.ndarray) -> np.ndarray:
        """Computes both topographies of the population `(channels, 2)` at `positions` `(channels, 6)`."""
        return harmonics(positions) @ np.stack([self.topography, self.late_topography], axis=-1)

    def find(self, x: np.ndarray, positions: np.ndarray, noise: np.ndarray | None = None) -> Blinks:
        """Finds the blinks of a recording.

        Args:
            x: Signal `(channels, times)` in microvolts at the model's sampling rate.
            positions: Positions `(channels, 6)` of the electrodes and of their references on the unit sphere.
            noise: Covariance `(channels, channels)` of slow EEG without blinks in the population, in square
                microvolts. None: the covariance is estimated from the recording, which must be long enough.
        """
        n_times = x.shape[-1]
        usual, slow = self._topographies(positions), low_pass(x)
        if noise is None:
            noise = covariance_between_peaks(slow, usual[:, 0])
        else:
            usual *= liveliness(x, noise)[:, None]
        weights, deviation = spatial_filter(usual[:, 0], noise)
        if deviation > LARGEST_NOISE:
            return no_blinks(*x.shape)
        course, rest, events = self._fit_events(weights @ slow)
        background = robust_deviation(rest)
        if not len(events):
            return Blinks(usual, np.zeros((2, len(course))), n_times, events, background)
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
        return Blinks(weight * own + (1 - weight) * usual, courses, n_times, events, background)

    def find_alike(self, x: np.ndarray, reference: Blinks, noise: np.ndarray) -> Blinks:
        """Finds only such blinks as a reference has: of its topography, no larger, and no more at a time.

        So a discharge that looks like a blink, but comes three times a second, stays in the signal. `reference`
        are the blinks of another recording of the same channels; the other arguments are as for `find`.
        """
        if not len(reference.events):
            return no_blinks(*x.shape)
        weights, _ = spatial_filter(reference.topographies[:, 0], noise)
        *_, found = self._fit_events(weights @ low_pass(x))
        fits = found[:, 1] <= LARGEST_RATIO * reference.events[:, 1].max()
        events = found[fits & (_crowds(found) <= _crowds(reference.events).max())]
        courses = np.zeros((2, x.shape[-1] + round(WIDTHS[-1] * N_AFTER)))
        for peak, amplitude, width, undershoot in events:
            self.add_blink(courses, int(peak) - round(N_BEFORE * width), amplitude, width, undershoot)
        return replace(reference, courses=courses, n_times=x.shape[-1], events=events)

    def _fit_events(self, filtered: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Fits blinks to the low-passed output of a spatial filter `(times,)`.

        Returns:
            The time course of the blinks with its tail; the output minus the blinks; and the events (see `Blinks`).
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
                # a fit that is so near a larger blink only corrects the shape of the larger blink
                if all(abs(peak - other) >= SHORTEST_INTERVAL for other, *_ in events):
                    events.append((peak, amplitude, width, undershoot))
        return course, rest, np.array(sorted(events)).reshape(-1, 4)

    def _fit_event(self, rest: np.ndarray, peak: int) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Finds the blink that best explains the signal around a peak.

        Returns:
            Amplitude, width and undershoot of the blink; its bump and undershoot; and the slow part of these. None if
            no blink has a sufficient amplitude.
        """
        best, most = None, 0.0
        for width, basis, slow_basis in self._bases:
            start = peak - round(N_BEFORE * width) - MARGIN
            inside = slice(max(0, -start), min(basis.shape[1], len(rest) - start))
            wanted, seen = rest[max(0, start) : start + basis.shape[1]], slow_basis[:, inside]
            # this pulls the undershoot to the usual one if the recording ends before the undershoot does
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
        """Computes the expected number of blinks in each patch of a continuation.

        The rate is estimated from the number of blinks in the recording and a gamma prior. It is 0 after a recording
        without blinks.

        Args:
            blinks: Blinks of the recording.
            before: Condition ids of all or some patches of the recording. Empty: the conditions are unknown, and the
                conditions in `after` are used.
            after: Condition ids of the patches of the continuation.
            patch_size: Number of samples in a patch.
            person: Number of a virtual person, who has an own rate and usual blink. None: these are estimated from the
                recording, or are the usual ones of the population if there is no recording.
        """
        rates, shapes = np.asarray(self.rates), np.asarray(self.concentrations)
        if person is not None:
            # a person who blinks often in one condition blinks often in all conditions
            often = scipy.stats.norm.cdf(_scores(person)[0])
            return (scipy.stats.gamma.ppf(often, shapes) / shapes * rates)[list(after)]
        if blinks.n_times and not len(blinks.events):
            return np.zeros(len(after))
        known = list(before) or list(after)
        expected = rates[known].mean() * max(blinks.n_times - EDGE, 0) / patch_size
        concentration = shapes[known].mean()
        factor = (concentration + len(blinks.events)) / (concentration + expected)
        return factor * rates[list(after)]

    def add_blink(self, courses: np.ndarray, start: int, amplitude: float, width: float, undershoot: float) -> None:
        """Adds a blink to time courses `(2, times)` in place, from sample `start` on; see `Blinks.events`."""
        bump, depth = self._basis(width)
        add_event(courses[0], start, amplitude * (bump + undershoot * depth))
        add_event(courses[1], start, amplitude * _stretched(self.late_shape, width))

    def traits_of(
        self, blinks: Blinks, before: Sequence[int], after: Sequence[int], person: int | None = None
    ) -> np.ndarray:
        """Estimates the traits `(patches, 3)` of a usual blink in each patch of a continuation.

        The traits are log amplitude, log width and undershoot. They are estimated from a normal prior and the median
        of the recording's blinks, which a few small blinks hardly change. The arguments are as for `rates_of`.
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
    """Returns standard normal scores `(4,)` for the blinks of a virtual person: the rate, then the three traits.

    The scores are 0 if `person` is None.
    """
    # the second seed makes this sequence independent of the person's spectrum
    return np.zeros(4) if person is None else np.random.default_rng([person, 1]).standard_normal(4)


def _crowds(events: np.ndarray) -> np.ndarray:
    """The number of blinks around each of `(blinks, 4)`, itself counted."""
    return (np.abs(events[:, :1] - events[:, 0]) <= N_CROWD).sum(axis=1)


def no_blinks(n_chans: int, n_times: int) -> Blinks:
    """Returns the blinks of a recording in which no blinks were searched or found: none."""
    return Blinks(np.zeros((n_chans, 2)), np.zeros((2, n_times)), n_times, np.zeros((0, 4)), 0.0)


def _stretched(shape: Sequence[float], width: float) -> np.ndarray:
    """Stretches a shape in time by the factor `width`, and returns all its samples from beginning to end."""
    times = np.arange(-round(N_BEFORE * width), round(N_AFTER * width)) / width + N_BEFORE
    return np.interp(times, np.arange(len(shape)), shape, left=0.0, right=0.0)
