# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Fits a model of the blinks of a population to its EEG recordings; neither EOG nor labels are needed."""

from collections.abc import Iterable, Sequence

import numpy as np
import scipy

from get_hf.processing.blinks_get import N_AFTER, N_BEFORE, BlinkPopulation
from get_hf.processing.event_shapes_get import covariance_between_peaks, low_pass
from get_hf.processing.population_get import N_HARMONICS, harmonics

from .harmonics import fit_harmonics, project_on_harmonics

#: Minimum number of blinks in the population, and in a recording whose usual blink is used.
LEAST_BLINKS, LEAST_BLINKS_OF_ONE = 30, 3
#: Weight of the usual values in the estimate of a condition's rate (in patches) and traits (in recordings).
RATE_PRIOR, TRAIT_PRIOR = 40, 3
#: Minimum number of recordings for an estimate of how people differ in a condition.
LEAST_RECORDINGS = 8
#: Number of blinks whose deviations from the usual blink of their recording are stored.
N_KEPT = 100


def fit_blinks(
    recordings: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]], n_conditions: int, patch_size: int
) -> BlinkPopulation | None:
    """Fits the parameters of a population's blinks.

    Args:
        recordings: Signal `(channels, times)` in microvolts at the model's rate, positions `(channels, 6)`, and
            condition ids `(patches,)` of each recording.
        n_conditions: Number of conditions.
        patch_size: Number of samples per patch.

    Returns:
        The parameters, or None if fewer than `LEAST_BLINKS` blinks, or blinks in too few recordings, are found.
    """
    recordings = [(x, positions, np.asarray(ids)) for x, positions, ids in recordings]
    # initial values: a topography that decreases with the distance from the forehead, and a bump as shape
    late = np.zeros(N_HARMONICS), np.zeros(N_BEFORE + N_AFTER)
    rates = np.zeros(n_conditions), np.ones(n_conditions)
    traits = np.zeros((n_conditions, 3)), np.zeros(3), np.ones(3), np.zeros((1, 3))
    found = BlinkPopulation(_first_topography(), _first_shape(), *late, *rates, *traits)
    noise = _fit_noise(recordings, found)
    for _ in range(3):
        found = _refit(found, noise, recordings, n_conditions, patch_size)
        if found is None:
            return None
    return found


def _fit_noise(recordings: Sequence[tuple], population: BlinkPopulation) -> tuple[np.ndarray, np.ndarray]:
    """Estimates the covariance of slow EEG between blinks, in the form that `fit_harmonics` returns.

    One covariance is estimated for the whole population: prompts are too short for an estimate of their own, and
    blinks must be found in the same way in prompts and in recordings.
    """
    moments = []
    for x, positions, _ in recordings:
        topography = harmonics(positions) @ population.topography
        moments.append((covariance_between_peaks(low_pass(x), topography)[None], positions))
    return fit_harmonics(moments)


def _refit(
    population: BlinkPopulation,
    noise: tuple[np.ndarray, np.ndarray],
    recordings: Sequence[tuple],
    n_conditions: int,
    patch_size: int,
) -> BlinkPopulation | None:
    """Finds blinks with the current parameters, then fits the parameters again to these blinks.

    Returns:
        The new parameters, or None if there are too few blinks.
    """
    topographies, shapes, late, traits, counts = [], [], [], [], []
    for x, positions, ids in recordings:
        basis = harmonics(positions)
        blinks = population.find(x, positions, basis @ noise[0][0] @ basis.T + noise[1][0] * np.eye(len(x)))
        if not blinks.topographies.any():
            continue
        events = blinks.events
        conditions = ids[np.minimum((events[:, 0] / patch_size).astype(int), len(ids) - 1)]
        counts.append([np.bincount(each, minlength=n_conditions) for each in (conditions, ids)])
        numbers = np.stack([np.log(events[:, 1]), np.log(events[:, 2]), events[:, 3]], axis=1)
        traits.append((np.log(blinks.background), numbers, conditions))
        if len(events) < LEAST_BLINKS_OF_ONE:
            continue
        topography = blinks.topographies[:, 0]
        topographies.append(project_on_harmonics(topography, positions))
        early = x - np.outer(blinks.topographies[:, 1], blinks.courses[1, : blinks.n_times])
        projected = topography @ early / np.sum(topography**2)
        shapes += [each[0] / each[0, N_BEFORE] for each, _ in _stretches(projected[None], events)]
        rest = x - np.outer(topography, blinks.courses[0, : blinks.n_times])
        rests = [each / amplitude for each, amplitude in _stretches(rest, events)]
        if rests:
            late.append(project_on_harmonics(np.mean(rests, axis=0), positions))
    if len(shapes) < LEAST_BLINKS or len(topographies) < 3:
        return None
    topography = np.mean(topographies, axis=0)
    topography /= _FOREHEAD @ topography
    n_blinks, n_patches = np.array(counts).transpose(1, 0, 2)
    usual, *variation = _fit_traits(traits, n_blinks.sum(axis=0))
    # the usual blink must have width 1
    width = np.median(np.concatenate([numbers[:, 1] for _, numbers, _ in traits]))
    usual[:, 1] -= width
    times = np.arange(-N_BEFORE, N_AFTER) / np.exp(width) + N_BEFORE
    shape = np.interp(times, np.arange(len(times)), np.median(shapes, axis=0), left=0.0, right=0.0)
    fading = np.interp(np.arange(len(shape)), [0, 15, 20, 110, len(shape) - 1], [0, 0, 1, 1, 0])
    shape *= fading
    late_topographies, strengths, late_shapes = np.linalg.svd(np.mean(late, axis=0) * fading, full_matrices=False)
    largest = late_shapes[0, np.abs(late_shapes[0]).argmax()]
    late_part = late_topographies[:, 0] * strengths[0] * largest, late_shapes[0] / largest
    rates, concentrations = _fit_rates(n_blinks, n_patches)
    return BlinkPopulation(topography, shape / shape.max(), *late_part, rates, concentrations, usual, *variation)


def _stretches(x: np.ndarray, events: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Returns the stretch of `x` `(rows, times)` around each blink that has no other blink near, and its amplitude.

    The time axis of each stretch is scaled so that the blink has width 1.
    """
    times = np.arange(x.shape[-1])
    intervals = np.diff(events[:, 0], prepend=-np.inf, append=np.inf)
    stretches = []
    for (peak, amplitude, width, _), before, after in zip(events, intervals[:-1], intervals[1:], strict=True):
        around = peak + np.arange(-N_BEFORE, N_AFTER) * width
        is_alone = before > 2 * N_BEFORE * width and after > 0.8 * N_AFTER * width
        if is_alone and around[0] >= 0 and around[-1] < len(times):
            stretches.append((np.stack([np.interp(around, times, row) for row in x]), amplitude))
    return stretches


def _fit_traits(
    recordings: Sequence[tuple[float, np.ndarray, np.ndarray]], n_blinks: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Fits `traits`, `slopes`, `between` and `within` of `BlinkPopulation`.

    Args:
        recordings: Three values for each recording: the logarithm of its background; log amplitude, log width and
            undershoot of its blinks `(blinks, 3)`; and the condition id of each blink `(blinks,)`.
        n_blinks: Number of blinks in each condition.
    """
    n_conditions = len(n_blinks)
    rows, medians, weights = [], [], []
    for background, numbers, conditions in recordings:
        for condition in np.unique(conditions):
            chosen = numbers[conditions == condition]
            rows.append(np.append(np.eye(n_conditions)[condition], [1.0, background]))
            medians.append(np.median(chosen, axis=0))
            weights.append(len(chosen) / (len(chosen) + 1))  # a few blinks determine a recording's usual blink
    rows, medians, weights = np.array(rows), np.array(medians), np.array(weights)[:, None]
    # ridge regression on each condition, a constant (the usual value over all conditions) and the log background
    penalty = np.diag([float(TRAIT_PRIOR)] * n_conditions + [1e-6, 1e-6])
    fitted = np.linalg.solve(rows.T @ (weights * rows) + penalty, rows.T @ (weights * medians))
    between = np.sqrt(np.average((medians - rows @ fitted) ** 2, axis=0, weights=weights[:, 0]))
    within = np.concatenate(
        [numbers - np.median(numbers, axis=0) for _, numbers, _ in recordings if len(numbers) >= LEAST_BLINKS_OF_ONE]
    )
    within = within[np.argsort(within[:, 0])]
    within = within[((np.arange(N_KEPT) + 0.5) / N_KEPT * len(within)).astype(int)]
    # a condition without blinks gets the average over conditions, weighted by the number of blinks in each
    usual = (
        np.where(n_blinks[:, None] > 0, fitted[:-2], np.average(fitted[:-2], axis=0, weights=n_blinks)) + fitted[-2]
    )
    return usual, fitted[-1], np.maximum(between, 0.05), within


def _fit_rates(n_blinks: np.ndarray, n_patches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fits `rates` and `concentrations` of `BlinkPopulation`.

    A condition with few recordings gets the concentration that is fitted over all conditions, where the rates of
    people differ most.

    Args:
        n_blinks: Number of blinks `(recordings, conditions)`.
        n_patches: Number of patches `(recordings, conditions)`.
    """
    overall = n_blinks.sum() / n_patches.sum()
    # a rate that is estimated from few patches is inaccurate, so it is shrunk towards the overall rate
    rates = (n_blinks.sum(axis=0) + RATE_PRIOR * overall) / (n_patches.sum(axis=0) + RATE_PRIOR)
    concentrations = np.full(len(rates), _fit_concentration(n_blinks.sum(axis=1), overall * n_patches.sum(axis=1)))
    for condition, seen in enumerate((n_patches > 0).T):
        if seen.sum() >= LEAST_RECORDINGS:
            expected = rates[condition] * n_patches[seen, condition]
            concentrations[condition] = _fit_concentration(n_blinks[seen, condition], expected)
    return rates, concentrations


def _fit_concentration(counts: np.ndarray, expected: np.ndarray) -> float:
    """Fits the concentration of the gamma distribution of people's rates by maximum likelihood.

    The number of blinks of a recording has a negative binomial distribution with mean `expected`.
    """
    tried = np.exp(np.linspace(np.log(0.1), np.log(10), 36))
    expected = np.maximum(expected, 1e-6)
    return float(max(tried, key=lambda k: scipy.stats.nbinom.logpmf(counts, k, k / (k + expected)).sum()))


def _first_shape() -> np.ndarray:
    times = np.arange(-N_BEFORE, N_AFTER)
    bump = np.exp(-0.5 * (times / 7.0) ** 2)
    return bump - 0.35 * np.exp(-np.maximum(times, 0) / 30.0) * (1 - np.exp(-np.maximum(times, 0) / 8.0))


def _first_topography() -> np.ndarray:
    """Returns the weights of a topography that decreases away from the forehead, as with volume conduction."""
    angles = np.arange(400) * np.pi * (3 - np.sqrt(5))  # golden angle, which spreads points evenly on a sphere
    z = np.linspace(-0.4, 1, 400)
    sphere = np.stack([np.sqrt(1 - z**2) * np.cos(angles), np.sqrt(1 - z**2) * np.sin(angles), z], axis=1)
    distance = np.arccos(np.clip(sphere @ np.array([0.0, 0.995, -0.1]), -1, 1))
    weights = project_on_harmonics(np.exp(-distance / 0.7), np.pad(sphere, ((0, 0), (0, 3))))
    return weights / (_FOREHEAD @ weights)


#: Values of the harmonics at the point midway between Fp1 and Fp2.
_FOREHEAD = harmonics(np.array([[0.0, 1.0, 0.0, 0.0, 0.0, 0.0]]))[0]
