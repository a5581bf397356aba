# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Heartbeats: spikes of the heart's field at the reference electrode, hence in all channels, about once a second.

Against an earlobe or a mastoid, one person in three has an R wave of 50 to 100 uV in every channel. It is no noise:
its shape is constant, and its intervals vary by a few percent. So heartbeats are subtracted from a recording before
any other step, and the continuation has heartbeats of the same pace and shape.

    x = brain + sum_i A_i template(t - t_i)

A spatial filter (see `spatial_filter`) keeps the signal that all channels share. Its output is correlated with
the shape of a QRS complex. Dynamic programming then finds the train of beats at a steady pace that has the largest
correlations (as for beats of music, Ellis, J. New Music Res. 36, 2007). The train counts as a heart if noise would not
reach such correlations. The template has a time course for each channel. It is the average over the recording's
beats, of rank 3, because the heart's dipole has three directions. The method needs no statistics of the population.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from .event_shapes_get import LEAST_PATCH, covariance_between_peaks, robust_deviation, spatial_filter, uniforms

#: Band of the search for beats, and lower edge of the band of their average, as shares of half the sampling rate:
#: 8 to 40 and 3 Hz at 100 Hz.
SOUGHT, LOW = (0.16, 0.8), 0.06
#: Samples of the shape before and after the R wave: .2 s at 100 Hz.
N_AROUND = 20
#: Number of points per sample that splines interpolate.
FINER = 4
#: Approximate number of samples of all channels that splines interpolate at once.
SPLINED_AT_ONCE = 100_000
#: Directions of the heart's dipole. A template of rank 1 loses a hundredth or two of coherence at 20 to 30 Hz.
N_DIRECTIONS = 3
#: Intervals of a steady pace, in samples: 120 to 44 beats a minute at 100 Hz.
PACES = np.exp(np.linspace(np.log(50), np.log(135), 20))
#: Ratios of an interval to the pace in the search, and the cost of a squared log ratio.
RATIOS, STRICTNESS = np.linspace(0.82, 1.22, 17), 60.0
#: Least and largest score of a beat, in deviations of the correlation: peaks of noise reach the first.
LEAST_SCORE, LARGEST_SCORE = 2.2, 8.0
#: Criteria of a heart: excess over the least score of all beats and of the mean beat, share of beats with an excess,
#: and share of the recording that the train covers.
LEAST_TOTAL, LEAST_EACH, LEAST_HEARD, LEAST_SHARE = 8.0, 0.6, 0.75, 0.6
#: Number of last intervals that determine the pace of the continuation.
N_RECENT = 30
#: Bounds of the deviation of log intervals.
LEAST_VARIATION, LARGEST_VARIATION = 0.02, 0.08
#: Coefficients of a patch that determine the time and the strength of the next heartbeat.
DICE = slice(LEAST_PATCH - 2, LEAST_PATCH)


@dataclass(frozen=True)
class Heartbeats:
    """The heartbeats of one recording.

    Attributes:
        template: `(channels, 2 N_AROUND + 1)`: one heartbeat in microvolts; all 0 where none are found.
        times: `(beats,)`: times of R waves in samples, not always whole numbers.
        amplitudes: `(beats,)`: amplitude of each beat, over the template's.
        n_times: Number of samples of the recording.
    """

    template: np.ndarray
    times: np.ndarray
    amplitudes: np.ndarray
    n_times: int

    @property
    def signal(self) -> np.ndarray:
        """The recording's heartbeats as a signal, `(channels, times)` in microvolts."""
        return self._beats(self.times, self.amplitudes, 0, self.n_times)

    def continued(self, patches: np.ndarray) -> np.ndarray:
        """The continuation's heartbeats as a signal, `(channels, patches * patch_size)` in microvolts.

        Args:
            patches: `(channels, patches, patch_size)`: the continuation in the innovation space. It determines the
                random properties of heartbeats, see `uniforms`.
        """
        n_chans, n_patches, size = patches.shape
        stop = self.n_times + n_patches * size
        if len(self.times) < 2:
            return np.zeros((n_chans, n_patches * size))
        log_intervals = np.log(np.diff(self.times)[-N_RECENT:])
        # a missed beat does not mean a slow heart
        usual = log_intervals[np.abs(log_intervals - np.median(log_intervals)) < 0.3]
        variation = np.clip(usual.std(), LEAST_VARIATION, LARGEST_VARIATION)
        scores = scipy.stats.norm.ppf(np.clip(uniforms(patches, DICE), 0.01, 0.99))
        times, amplitudes = [self.times[-1]], [self.amplitudes[-1]]
        while times[-1] < stop + N_AROUND:
            # the patch before the last beat decides, because the next beat begins before its R wave
            patch = int((times[-1] - N_AROUND - self.n_times) // size)
            pace, strength = scores[patch] if 0 <= patch < n_patches else (0.0, 0.0)
            times.append(times[-1] + np.exp(usual.mean() + variation * pace))
            amplitudes.append(1.0 + self.amplitudes.std() * strength)
        return self._beats(times, amplitudes, self.n_times, stop)

    def _beats(self, times: Sequence[float], amplitudes: Sequence[float], start: int, stop: int) -> np.ndarray:
        """Beats at given times, from sample `start` up to `stop`: `(channels, stop - start)`."""
        signal = np.zeros((len(self.template), stop - start))
        template = _interpolated(self.template)
        for time, amplitude in zip(times, amplitudes, strict=True):
            first = int(np.ceil(time)) - N_AROUND
            samples = np.arange(max(first, start), min(first + 2 * N_AROUND, stop))
            signal[:, samples - start] += amplitude * template(samples - time + N_AROUND)
        return signal


def no_heartbeats(n_chans: int, n_times: int) -> Heartbeats:
    """The result for a recording without visible heartbeats."""
    return Heartbeats(np.zeros((n_chans, 2 * N_AROUND + 1)), np.zeros(0), np.zeros(0), n_times)


def find_heartbeats(x: np.ndarray, positions: np.ndarray) -> Heartbeats:
    """Finds the heartbeats of a recording.

    Args:
        x: `(channels, times)` in microvolts at the model's sampling rate.
        positions: `(channels, 6)` unit-sphere positions of the electrodes and of their references.
    """
    n_chans, n_times = x.shape
    # a bipolar channel's reference picks up the heart like its electrode
    usual = (np.linalg.norm(positions[:, 3:], axis=-1) == 0).astype(float)
    if n_times < 4 * PACES[-1] or not usual.any():
        return no_heartbeats(n_chans, n_times)
    sought = _filtered(x, SOUGHT, "bandpass")
    course = _weights(usual, sought) @ sought
    times = _find_train(_correlation(course, _filtered(_first_shape()[None], SOUGHT, "bandpass")[0]))
    if times is None:
        return no_heartbeats(n_chans, n_times)
    fast, topography = _filtered(x, LOW, "highpass"), usual
    for _ in range(2):
        course = _weights(topography, fast) @ fast
        shape = _average(course, times)
        times = _aligned(_correlation(course, shape), times)
        template = _average(fast, times)
        topography = template @ shape / (shape @ shape)
    return Heartbeats(_as_a_dipole(template), times, _amplitudes(course, shape, times), n_times)


def _filtered(x: np.ndarray, edges: float | tuple[float, float], kind: str) -> np.ndarray:
    """Filters `(rows, times)` to a band, with zero phase."""
    sos = scipy.signal.butter(2, edges, kind, output="sos")
    return scipy.signal.sosfiltfilt(sos, x, axis=-1, padlen=min(50, x.shape[-1] - 1))


def _weights(topography: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The spatial filter `(channels,)` for a topography in `(channels, times)`."""
    return spatial_filter(topography, covariance_between_peaks(x, topography))[0]


def _first_shape() -> np.ndarray:
    """An R wave between smaller Q and S waves, with margins for the ringing of filters."""
    t = np.arange(-75.0, 76.0)
    bumps = ((1.0, 0.0, 1.4), (-0.35, 3.5, 1.8), (-0.15, -3.5, 1.5))
    return np.sum([size * np.exp(-0.5 * ((t - peak) / width) ** 2) for size, peak, width in bumps], axis=0)


def _correlation(course: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Correlation of `(times,)` with a shape, at each sample, in deviations of the correlation."""
    found = scipy.signal.oaconvolve(course, shape[::-1], mode="same")
    return found / robust_deviation(found)


def _find_train(correlation: np.ndarray) -> np.ndarray | None:
    """The samples of heartbeats, found in correlations `(times,)`; None: no heart."""
    gains = np.clip(correlation, -LARGEST_SCORE, LARGEST_SCORE) - LEAST_SCORE
    lags = np.round(PACES[:, None] * RATIOS).astype(int)
    costs = STRICTNESS * np.log(lags / PACES[:, None]) ** 2
    n_times, n_before, paces = len(gains), lags.max(), np.arange(len(PACES))
    # the best score of a train of each pace that ends at a sample, and the sample of its previous beat
    most = np.zeros((len(PACES), n_before + n_times))
    before = np.full((len(PACES), n_times), -1)
    for start in range(0, n_times, lags.min()):  # no two beats are in one block
        t = np.arange(start, min(start + lags.min(), n_times))
        totals = most[paces[:, None, None], n_before + t - lags[:, :, None]] - costs[:, :, None]
        best = totals.argmax(axis=1)
        total = totals.max(axis=1)
        most[:, n_before + t] = gains[t] + np.maximum(total, 0.0)
        before[:, t] = np.where(total > 0, t - lags[paces[:, None], best], -1)
    pace, t = np.unravel_index(most[:, n_before:].argmax(), before.shape)
    total, train = most[pace, n_before + t], []
    while t >= 0:
        train.append(t)
        t = before[pace, t]
    is_heart = (
        total >= max(LEAST_TOTAL, LEAST_EACH * len(train))
        and np.mean(gains[train] > 0) >= LEAST_HEARD
        and train[0] - train[-1] >= LEAST_SHARE * n_times
    )
    return np.array(train[::-1], dtype=float) if is_heart else None


def _aligned(correlation: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The peaks of the correlation next to given times, interpolated between samples."""
    found = []
    for time in np.round(times).astype(int):
        near = np.arange(max(time - 3, 1), min(time + 4, len(correlation) - 1))
        peak = near[correlation[near].argmax()]
        left, middle, right = correlation[peak - 1 : peak + 2]
        bend = left - 2 * middle + right
        found.append(peak + (np.clip(0.5 * (left - right) / bend, -0.5, 0.5) if bend < 0 else 0.0))
    return np.array(found)


def _interpolated(course: np.ndarray) -> scipy.interpolate.CubicSpline:
    """Interpolates `(..., times)`: a function of time in samples."""
    # splines through the original samples would remove a sixth of the power at 35 Hz each time
    fine = scipy.signal.resample_poly(course, FINER, 1, axis=-1)
    return scipy.interpolate.CubicSpline(np.arange(fine.shape[-1]) / FINER, fine, axis=-1)


def _average(course: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The mean of `(..., times)` around complete beats, which begins and ends at 0."""
    around = np.arange(-N_AROUND, N_AROUND + 1)
    whole = times[(times >= N_AROUND) & (times < course.shape[-1] - N_AROUND - 1)]
    rows = np.atleast_2d(course)
    # some channels at a time: splines through all of a long recording would take gigabytes
    groups = np.array_split(rows, min(len(rows), 1 + rows.size // SPLINED_AT_ONCE))
    mean = np.concatenate([_interpolated(group)(whole[:, None] + around).mean(axis=1) for group in groups])
    mean = mean.reshape(*course.shape[:-1], len(around))
    return mean * np.interp(np.abs(around), [N_AROUND / 2, N_AROUND], [1.0, 0.0])


def _as_a_dipole(template: np.ndarray) -> np.ndarray:
    """Reduces a template `(channels, times)` to rank `N_DIRECTIONS`, the rank of a dipole's field."""
    left, values, right = np.linalg.svd(template, full_matrices=False)
    return left[:, :N_DIRECTIONS] * values[:N_DIRECTIONS] @ right[:N_DIRECTIONS]


def _amplitudes(course: np.ndarray, shape: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Strength of each beat of `(times,)`, over the shape, shrunk by the part of its variance that noise explains."""
    around, at = np.arange(-N_AROUND, N_AROUND + 1), _interpolated(np.pad(course, N_AROUND + 1))
    energy = shape @ shape
    seen = np.array([shape @ at(time + around + N_AROUND + 1) for time in times]) / energy
    noise = robust_deviation(course) ** 2 / energy
    weight = max(0.0, 1.0 - noise / max(np.var(seen), 1e-9))
    return np.clip(1.0 + weight * (seen - np.mean(seen)), 0.3, 2.0)
