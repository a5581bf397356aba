# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Finds, subtracts and generates heartbeats: spikes of the heart's electric field, about one per second.

The reference electrode records the field, so the spikes are in all channels. If the reference is an earlobe or a
mastoid, one person in three has an R wave of 50 to 100 uV in every channel. Heartbeats are not random: their shape is
constant, and their intervals vary by a few percent. So heartbeats are subtracted from a recording before any other
step, and heartbeats with the same rate and shape are added to the continuation.

    x = brain + sum_i A_i template(t - t_i)

A spatial filter (see `spatial_filter`) keeps the signal that all channels share. The output of the filter is
correlated with the shape of a QRS complex. Dynamic programming then finds the sequence of beats with a steady interval
that has the largest correlations (as for beats of music, Ellis, J. New Music Res. 36, 2007). The sequence is accepted
as heartbeats if noise would not reach such correlations. The template has a time course for each channel. It is the
average over the recording's beats, reduced to rank 3, because the heart's dipole has three directions. The method
needs no statistics of the population.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from .event_shapes_get import LEAST_PATCH, covariance_between_peaks, robust_deviation, spatial_filter

#: Frequency band in which beats are searched, and lower edge of the band in which they are averaged, as shares of half
#: the sampling rate: 8 to 40 Hz and 3 Hz at 100 Hz.
SOUGHT, LOW = (0.16, 0.8), 0.06
#: Number of samples of the shape before and after the R wave: 0.2 s at 100 Hz.
N_AROUND = 20
#: Number of points per sample after upsampling; splines interpolate between these points.
FINER = 4
#: Approximate number of samples of all channels that splines interpolate at once.
SPLINED_AT_ONCE = 100_000
#: Number of directions of the heart's dipole. With a template of rank 1, coherence at 20 to 30 Hz is lower by 0.01 to
#: 0.02.
N_DIRECTIONS = 3
#: Mean intervals between beats that are tried, in samples: 120 to 44 beats per minute at 100 Hz.
PACES = np.exp(np.linspace(np.log(50), np.log(135), 20))
#: Allowed ratios of a single interval to the mean interval, and the cost of a squared log ratio.
RATIOS, STRICTNESS = np.linspace(0.82, 1.22, 17), 60.0
#: Smallest and largest score of a beat, in standard deviations of the correlation. Peaks of noise reach the smallest
#: score.
LEAST_SCORE, LARGEST_SCORE = 2.2, 8.0
#: Criteria for heartbeats: total excess of all beats over the smallest score, mean excess per beat, share of beats
#: with an excess, and share of the recording that the beats cover.
LEAST_TOTAL, LEAST_EACH, LEAST_HEARD, LEAST_SHARE = 8.0, 0.6, 0.75, 0.6
#: Number of intervals at the end of the recording that determine the intervals of the continuation.
N_RECENT = 30
#: Bounds of the standard deviation of log intervals.
LEAST_VARIATION, LARGEST_VARIATION = 0.02, 0.08
#: Coefficients of a patch that determine the time and the strength of the next heartbeat.
DICE = slice(LEAST_PATCH - 2, LEAST_PATCH)


@dataclass(frozen=True)
class Heartbeats:
    """The heartbeats of one recording.

    Attributes:
        template: Signal of one heartbeat in microvolts, `(channels, 2 N_AROUND + 1)`. All values are 0 if no
            heartbeats were found.
        times: Time of each R wave in samples, `(beats,)`. Times need not be whole numbers.
        amplitudes: Amplitude of each beat, divided by the amplitude of the template, `(beats,)`.
        n_times: Number of samples of the recording.
    """

    template: np.ndarray
    times: np.ndarray
    amplitudes: np.ndarray
    n_times: int

    @property
    def signal(self) -> np.ndarray:
        """The signal of the recording's heartbeats, `(channels, times)` in microvolts."""
        template = interpolated(self.template)
        return sum_of_beats(template, len(self.template), self.times, self.amplitudes, 0, self.n_times)


def sum_of_beats(
    template: scipy.interpolate.CubicSpline,
    n_chans: int,
    times: Sequence[float],
    amplitudes: Sequence[float],
    start: int,
    stop: int,
) -> np.ndarray:
    """Returns the signal `(n_chans, stop - start)` of beats, for samples `start` to `stop`.

    Args:
        template: Function of time in samples, as returned by `interpolated`.
        n_chans: Number of channels.
        times: Time of each R wave in samples.
        amplitudes: Amplitude of each beat, relative to the template.
        start: First sample.
        stop: Sample after the last one.
    """
    signal = np.zeros((n_chans, stop - start))
    for time, amplitude in zip(times, amplitudes, strict=True):
        first = int(np.ceil(time)) - N_AROUND
        samples = np.arange(max(first, start), min(first + 2 * N_AROUND, stop))
        if len(samples):
            signal[:, samples - start] += amplitude * template(samples - time + N_AROUND)
    return signal


def no_heartbeats(n_chans: int, n_times: int) -> Heartbeats:
    """Returns the result for a recording in which no heartbeats were found."""
    return Heartbeats(np.zeros((n_chans, 2 * N_AROUND + 1)), np.zeros(0), np.zeros(0), n_times)


def find_heartbeats(x: np.ndarray, positions: np.ndarray) -> Heartbeats:
    """Finds the heartbeats of a recording.

    Args:
        x: Signal `(channels, times)` in microvolts at the model's sampling rate.
        positions: Positions `(channels, 6)` of the electrodes and of their references on the unit sphere.
    """
    n_chans, n_times = x.shape
    # bipolar channels get the weight 0, because their reference records the same heartbeats as their electrode
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
    """Filters signals `(signals, times)` with zero phase."""
    sos = scipy.signal.butter(2, edges, kind, output="sos")
    return scipy.signal.sosfiltfilt(sos, x, axis=-1, padlen=min(50, x.shape[-1] - 1))


def _weights(topography: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Returns the weights `(channels,)` of the spatial filter for a topography in a signal `(channels, times)`."""
    return spatial_filter(topography, covariance_between_peaks(x, topography))[0]


def _first_shape() -> np.ndarray:
    """Returns the shape of an R wave between smaller Q and S waves, with margins for the ringing of filters."""
    t = np.arange(-75.0, 76.0)
    bumps = ((1.0, 0.0, 1.4), (-0.35, 3.5, 1.8), (-0.15, -3.5, 1.5))
    return np.sum([size * np.exp(-0.5 * ((t - peak) / width) ** 2) for size, peak, width in bumps], axis=0)


def _correlation(course: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Correlates a signal `(times,)` with a shape at each sample; the result is divided by its standard deviation."""
    found = scipy.signal.oaconvolve(course, shape[::-1], mode="same")
    return found / robust_deviation(found)


def _find_train(correlation: np.ndarray) -> np.ndarray | None:
    """Finds the samples of heartbeats from correlations `(times,)`; returns None if there are no heartbeats."""
    gains = np.clip(correlation, -LARGEST_SCORE, LARGEST_SCORE) - LEAST_SCORE
    lags = np.round(PACES[:, None] * RATIOS).astype(int)
    costs = STRICTNESS * np.log(lags / PACES[:, None]) ** 2
    n_times, n_before, paces = len(gains), lags.max(), np.arange(len(PACES))
    # for each mean interval and each sample: the best score of a sequence of beats that ends at this sample, and the
    # sample of the previous beat in this sequence
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
    """Finds the peaks of the correlation next to given times, and interpolates the peaks between samples."""
    found = []
    for time in np.round(times).astype(int):
        near = np.arange(max(time - 3, 1), min(time + 4, len(correlation) - 1))
        peak = near[correlation[near].argmax()]
        left, middle, right = correlation[peak - 1 : peak + 2]
        bend = left - 2 * middle + right
        found.append(peak + (np.clip(0.5 * (left - right) / bend, -0.5, 0.5) if bend < 0 else 0.0))
    return np.array(found)


def interpolated(course: np.ndarray) -> scipy.interpolate.CubicSpline:
    """Returns a function of time (in samples) that interpolates a signal `(..., times)`."""
    # splines through the original samples would remove a sixth of the power at 35 Hz with each interpolation
    fine = scipy.signal.resample_poly(course, FINER, 1, axis=-1)
    return scipy.interpolate.CubicSpline(np.arange(fine.shape[-1]) / FINER, fine, axis=-1)


def _average(course: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Computes the mean of a signal `(..., times)` around all complete beats; a window lets it begin and end at 0."""
    around = np.arange(-N_AROUND, N_AROUND + 1)
    whole = times[(times >= N_AROUND) & (times < course.shape[-1] - N_AROUND - 1)]
    rows = np.atleast_2d(course)
    # only some channels at a time, because splines through all channels of a long recording would need gigabytes
    groups = np.array_split(rows, min(len(rows), 1 + rows.size // SPLINED_AT_ONCE))
    mean = np.concatenate([interpolated(group)(whole[:, None] + around).mean(axis=1) for group in groups])
    mean = mean.reshape(*course.shape[:-1], len(around))
    return mean * np.interp(np.abs(around), [N_AROUND / 2, N_AROUND], [1.0, 0.0])


def _as_a_dipole(template: np.ndarray) -> np.ndarray:
    """Reduces a template `(channels, times)` to rank `N_DIRECTIONS`, the rank of a dipole's field."""
    left, values, right = np.linalg.svd(template, full_matrices=False)
    return left[:, :N_DIRECTIONS] * values[:N_DIRECTIONS] @ right[:N_DIRECTIONS]


def _amplitudes(course: np.ndarray, shape: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Estimates the amplitude of each beat in a signal `(times,)`, divided by the amplitude of the shape.

    Amplitudes are shrunk towards 1 by the share of their variance that noise explains.
    """
    around, at = np.arange(-N_AROUND, N_AROUND + 1), interpolated(np.pad(course, N_AROUND + 1))
    energy = shape @ shape
    seen = np.array([shape @ at(time + around + N_AROUND + 1) for time in times]) / energy
    noise = robust_deviation(course) ** 2 / energy
    weight = max(0.0, 1.0 - noise / max(np.var(seen), 1e-9))
    return np.clip(1.0 + weight * (seen - np.mean(seen)), 0.3, 2.0)
