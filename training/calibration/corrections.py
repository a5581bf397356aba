# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Estimates of the corrections that remove the difference between generated and real EEG.

The functions take real and generated EEG, or a function that generates it, but no model. They estimate shifts of
coherence (see `coherence_get`), gains of lasting conditions, traits of people and effects of cues (see
`equaliser_get`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from get_hf.processing.coherence_get import places_of_pairs, shapes_of_shifts
from get_hf.processing.equaliser_get import LARGEST_LOG_GAIN, N_TRAITS
from get_hf.processing.population_get import quadratic_in_position
from get_hf.training.evaluation.descriptors import coherence_spectrum, log_psd

#: Number of rounds for shifts and for gains. Shifts meet bounds, so they converge slowly.
N_SHIFT_ROUNDS, N_GAIN_ROUNDS = 5, 3
#: Largest shift of squared coherence, without a unit.
LARGEST_SHIFT = 1.0
#: Least prompts in a condition for gains of its own: with fewer, the gains of all others are the better estimate.
LEAST_PROMPTS = 60
#: Five numbers for each coefficient, as `correct_coherence` takes them.
Shifts = np.ndarray
#: Log gains of each condition as `GETFeatureExtractor` takes them, `(4 * patch_size + 1, 9)`.
LogGains = dict[str, np.ndarray]


def spectral_errors(real: np.ndarray, generated: np.ndarray, sampling_rate: float, n_frequencies: int) -> np.ndarray:
    """Log power of real EEG less log power of generated EEG at equally spaced frequencies, mean over items.

    Args:
        real: Real EEG `(items, channels, times)` in microvolts.
        generated: Generated EEG of the same shape.
        sampling_rate: Sampling rate in Hz.
        n_frequencies: Number of frequencies from 0 to half the sampling rate.

    Returns:
        `(channels, n_frequencies)`; values beyond the band of the signals are the values at its ends.
    """
    (freqs, ours), (_, theirs) = (_log_psd(x, sampling_rate) for x in (real, generated))
    difference = (ours - theirs).mean(axis=0) * np.log(10) / 10
    return _at_equal_distances(freqs, difference, sampling_rate, n_frequencies)


def _log_psd(x: np.ndarray, sampling_rate: float) -> tuple[np.ndarray, np.ndarray]:
    # windows of four seconds: below 1 Hz, where the high-pass begins, spectra are steep
    return log_psd(x, sampling_rate, seconds=4.0, lowest=0.25)


def _at_equal_distances(freqs: np.ndarray, values: np.ndarray, sampling_rate: float, n_frequencies: int) -> np.ndarray:
    """Values `(..., freqs)` at equal distances from 0 to half the sampling rate; beyond `freqs` as at its ends."""
    wanted = np.linspace(0, sampling_rate / 2, n_frequencies)
    within = max(wanted[1], freqs[1] - freqs[0]) / 2
    near = np.abs(freqs - np.clip(wanted, freqs[0], freqs[-1])[:, None]) <= within + 1e-9
    return values @ (near / near.sum(axis=1, keepdims=True)).T


def find_gains(
    make: Callable[[LogGains], np.ndarray],
    real: np.ndarray,
    conditions: Sequence[str],
    positions: np.ndarray,
    sampling_rate: float,
    patch_size: int,
    others: str = "none",
    largest: float = LARGEST_LOG_GAIN,
) -> LogGains:
    """Finds the gains with which generated EEG has the mean log spectrum of real EEG.

    Args:
        make: Function that generates continuations, of the shape of `real`, with given gains.
        real: Real continuations `(items, channels, times)` in microvolts.
        conditions: Condition of each item.
        positions: `(channels, 6)` positions of the channels.
        sampling_rate: Sampling rate in Hz.
        patch_size: Samples in a patch: gains are at four times as many frequencies as it has coefficients.
        others: Name for all conditions without gains of their own; see `groups_of`.
        largest: Bound of log gains.

    Returns:
        The gains of `others` and of conditions with at least `LEAST_PROMPTS` prompts.
    """
    places, groups = quadratic_in_position(positions), groups_of(conditions, others)
    n_frequencies = 4 * patch_size + 1
    gains = {name: np.zeros((n_frequencies, places.shape[1])) for name in groups}
    for _ in range(N_GAIN_ROUNDS):
        generated = make(gains)
        for name, items in groups.items():
            # log power is twice log amplitude
            errors = spectral_errors(real[items], generated[items], sampling_rate, n_frequencies) / 2
            bounded = np.clip(places @ np.transpose(gains[name]) + errors, -largest, largest)
            gains[name] = np.linalg.lstsq(places, bounded, rcond=None)[0].T.round(4)
    return gains


def groups_of(conditions: Sequence[str], others: str) -> dict[str, np.ndarray]:
    """Items `(items,)` that gains are fitted to, for each condition with enough prompts and for `others`.

    `others` is fitted to the remaining items, or to all items where fewer than `LEAST_PROMPTS` remain.
    """
    labels = np.array(conditions)
    groups = {name: labels == name for name in _often(labels) if name != others}
    rest = ~np.isin(labels, list(groups))
    groups[others] = rest if rest.sum() >= LEAST_PROMPTS else np.ones_like(rest)
    return groups


def _often(labels: np.ndarray) -> list[str]:
    """Conditions with at least `LEAST_PROMPTS` prompts."""
    return [str(name) for name, n in zip(*np.unique(labels, return_counts=True), strict=True) if n >= LEAST_PROMPTS]


def find_traits(
    real: np.ndarray,
    subjects: Sequence[str],
    conditions: Sequence[str],
    positions: np.ndarray,
    sampling_rate: float,
    patch_size: int,
    others: str = "none",
) -> dict[str, np.ndarray]:
    """Finds principal components of the differences between people's log spectra, all conditions together.

    Args:
        real: Real EEG `(items, channels, times)` in microvolts.
        subjects: Subject of each item.
        conditions: Condition of each item.
        positions: `(channels, 6)` positions of the channels.
        sampling_rate: Sampling rate in Hz.
        patch_size: Samples in a patch.
        others: See `find_gains`, which has the same conditions.

    Returns:
        For each condition, log gains `(N_TRAITS, 4 * patch_size + 1, 9)` for one standard deviation of each component.
        Components beyond the number that the people allow are 0.
    """
    n_frequencies, places = 4 * patch_size + 1, quadratic_in_position(positions)
    freqs, decibels = _log_psd(real, sampling_rate)
    groups, of_subject = groups_of(conditions, others), np.asarray(subjects)
    people = [
        [decibels[items & (of_subject == subject)].mean(axis=0) for items in groups.values()]
        for subject in np.unique(of_subject)
        if all((items & (of_subject == subject)).any() for items in groups.values())
    ]
    traits = np.zeros((N_TRAITS, len(groups), n_frequencies, places.shape[1]))
    if len(people) > 1:
        log_amplitudes = np.stack(people) * np.log(10) / 20
        spectra = _at_equal_distances(freqs, log_amplitudes, sampling_rate, n_frequencies)
        tables = np.linalg.pinv(places) @ (spectra - spectra.mean(axis=0))  # (people, groups, 9, frequencies)
        # components are chosen by their effect at the electrodes; tables are functions of position
        scores = np.linalg.svd((places @ tables).reshape(len(people), -1), full_matrices=False)[0][:, :N_TRAITS]
        found = np.tensordot(scores.T, tables, axes=1) / np.sqrt(len(people) - 1)
        traits[: len(found)] = found.swapaxes(-1, -2)
    return {name: traits[:, index].round(4) for index, name in enumerate(groups)}


def find_cues(
    real: np.ndarray,
    generated: np.ndarray,
    prominences: np.ndarray,
    subjects: Sequence[str],
    conditions: Sequence[str],
    positions: np.ndarray,
    sampling_rate: float,
) -> dict[str, np.ndarray]:
    """Estimates the effect of cues on people's rhythms; see `Equaliser`.

    Power is averaged over all trials of a person before the logarithm is taken, because the logarithm of single
    seconds depends more on the EEG between bursts. The fit is least squares over people, channels and frequencies.

    Args:
        real: Real trials `(items, channels, times)` in microvolts.
        generated: Trials of the same shape, generated without an effect of the cue.
        prominences: `(items, channels, frequencies)`: height of rhythms above the background before the cue, in nats.
        subjects: Subject of each item.
        conditions: Cued condition of each item.
        positions: `(channels, 6)` positions of the channels.
        sampling_rate: Sampling rate in Hz.

    Returns:
        For each condition with enough prompts, coefficients `(9,)` as `quadratic_in_position`.
    """
    n_frequencies, places = prominences.shape[-1], quadratic_in_position(positions)
    freqs = log_psd(real[:1], sampling_rate)[0]
    powers = [10 ** (log_psd(x, sampling_rate)[1] / 10) for x in (real, generated)]
    labels, of_subject, cues = np.asarray(conditions), np.asarray(subjects), {}
    for name in _often(labels):
        people = [(labels == name) & (of_subject == subject) for subject in np.unique(of_subject[labels == name])]
        # log power is twice log amplitude
        wanted = np.stack([np.subtract(*(np.log(power[items].mean(axis=0)) for power in powers)) for items in people])
        wanted = _at_equal_distances(freqs, wanted / 2, sampling_rate, n_frequencies)
        squares = np.stack([(prominences[items] ** 2).mean(axis=0) for items in people])
        weights = (squares**2).sum(axis=(0, 2))  # one for each channel
        normal = (places.T * weights) @ places
        found = np.linalg.lstsq(normal, places.T @ (squares * wanted).sum(axis=(0, 2)), rcond=None)[0]
        cues[name] = found.round(4)
    return cues


def find_coherence_shifts(
    make: Callable[[Shifts], np.ndarray],
    real: np.ndarray,
    positions: np.ndarray,
    sampling_rate: float,
    patch_size: int,
) -> Shifts:
    """Finds the shifts with which generated EEG has the mean coherence of real EEG at each frequency.

    Args:
        make: Function that generates continuations, of the shape of `real`, with given shifts.
        real: Real continuations `(items, channels, times)` in microvolts.
        positions: `(channels, 6)` positions of the channels.
        sampling_rate: Sampling rate in Hz.
        patch_size: Samples in a patch, which is the number of coefficients.

    Returns:
        Five shifts for each coefficient, see `correct_coherence`, by least squares over pairs of channels.
    """
    pairs = places_of_pairs(positions)[np.triu_indices(len(positions), 1)]
    shifts, wanted = np.zeros((patch_size, 5)), mean_coherence(real, sampling_rate, patch_size)
    shapes = None
    for _ in range(N_SHIFT_ROUNDS):
        found = mean_coherence(make(shifts.copy()), sampling_rate, patch_size)
        if shapes is None:  # shapes depend on the coherence before any shift
            shapes = [shapes_of_shifts(have, pairs) for have in found]
        for k, (shape, have, want) in enumerate(zip(shapes, found, wanted, strict=True)):
            shifts[k] += np.linalg.lstsq(shape, have - want, rcond=1e-3)[0]
        shifts = np.clip(shifts, -LARGEST_SHIFT, LARGEST_SHIFT).round(4)
    return shifts


def mean_coherence(x: np.ndarray, sampling_rate: float, patch_size: int) -> np.ndarray:
    """Squared coherence at the frequency of each coefficient, mean over items: `(patch_size, pairs)`."""
    batches = [coherence_spectrum(x[start : start + 20], sampling_rate) for start in range(0, len(x), 20)]
    freqs = batches[0][0]
    mean = np.concatenate([squared for _, squared in batches]).mean(axis=0)
    spacing = sampling_rate / 2 / patch_size
    near = np.abs(freqs - spacing * np.arange(patch_size)[:, None]) <= 0.75 * spacing
    return near @ mean / near.sum(axis=1, keepdims=True)
