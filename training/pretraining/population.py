# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Fits a feature extractor to a population: filter, scale, covariance and blinks."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import datasets
import numpy as np
import scipy

from get_hf.processing.autoregression_get import mean_autocorrelation
from get_hf.processing.event_shapes_get import LEAST_PATCH, check_rate
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.processing.heartbeats_get import find_heartbeats
from get_hf.processing.population_get import pack, unpack
from get_hf.processing.stages_get import SharedFilter
from get_hf.processing.state_get import Population

from .blinks import fit_blinks
from .harmonics import fit_harmonics


def fit_to_segments(segments: datasets.Dataset, **kwargs: Any) -> GETFeatureExtractor:
    """Fits a feature extractor to prepared segments.

    Args:
        segments: Prepared segments, see `get_hf.training.data.segments`. All segments are used.
        **kwargs: Arguments of `GETFeatureExtractor`.

    Raises:
        ValueError: See `fit_feature_extractor`.
    """
    return fit_feature_extractor(list(_recordings(segments)), **kwargs)


def _recordings(segments: datasets.Dataset) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    arrow = segments.with_format("arrow")
    for index in range(len(arrow)):
        row = arrow[index]
        n_chans = row["n_chans"][0].as_py()
        signal, positions, conditions = (
            row[name].chunk(0).flatten().to_numpy() for name in ("signal", "channel_positions", "conditions")
        )
        yield signal.reshape(n_chans, -1), positions.reshape(n_chans, -1), conditions


def fit_feature_extractor(recordings: Sequence[tuple[np.ndarray, ...]], **kwargs: Any) -> GETFeatureExtractor:
    """Returns a feature extractor whose innovation transform is fitted to a training corpus.

    Args:
        recordings: `(signal, positions)` or `(signal, positions, conditions)` of each recording, see `fit_population`.
            The signals must be results of `GETFeatureExtractor.clean`.
        **kwargs: Other arguments of `GETFeatureExtractor`.

    Raises:
        ValueError: There are no recordings, or a transform cannot be fitted for this sampling rate or patch size.
    """
    extractor = GETFeatureExtractor(**kwargs)
    check_form(extractor.sampling_rate, extractor.patch_size)
    population = fit_population(recordings, extractor.patch_size, n_conditions=len(extractor.conditions))
    return GETFeatureExtractor(population=population, **kwargs)


def check_form(sampling_rate: float, patch_size: int) -> None:
    """Checks that heartbeats and blinks can be found and generated with a sampling rate and a patch size.

    Args:
        sampling_rate: Sampling rate in Hz.
        patch_size: Number of samples per patch.

    Raises:
        ValueError: The rate is not supported, see `check_rate`, or patches are shorter than `LEAST_PATCH`.
    """
    check_rate(sampling_rate)
    if patch_size < LEAST_PATCH:
        raise ValueError(
            f"patch_size is {patch_size}, but the noise of heartbeats and blinks is estimated from the first "
            f"{LEAST_PATCH} coefficients of a patch: choose at least {LEAST_PATCH}."
        )


def fit_population(
    recordings: Iterable[tuple[np.ndarray, ...]],
    patch_size: int = 25,
    order: int = 50,
    n_conditions: int = 1,
) -> Population:
    """Fits filter, scale, covariance and blinks of a population to a training corpus.

    Args:
        recordings: `(signal, positions)` or `(signal, positions, conditions)` of each recording: the signal
            `(channels, times)` in microvolts at the model's rate, the positions `(channels, 6)`, and the condition ids
            `(patches,)`, which are 0 by default. Recordings with different channels may be mixed.
        patch_size: Number of samples per patch.
        order: Order of the autoregressive filter that all channels share.
        n_conditions: Number of conditions.

    Raises:
        ValueError: No recording was given, or a recording has fewer than `order + patch_size` samples.
    """
    recordings = list(recordings)
    if not recordings:
        raise ValueError("the innovation transform is fitted to recordings, and none was given")
    shortest = min(x.shape[-1] for x, *_ in recordings)
    if shortest < order + patch_size:
        raise ValueError(
            f"a recording to fit has {shortest} samples, filter and patch need {order + patch_size}: leave it out"
        )
    labelled = [
        (x, positions, *(conditions or [np.zeros(x.shape[-1] // patch_size, dtype=int)]))
        for x, positions, *conditions in recordings
    ]
    labelled = [(x - find_heartbeats(x, positions).signal, positions, ids) for x, positions, ids in labelled]
    blinks = fit_blinks(labelled, n_conditions, patch_size)
    recordings = [
        (x if blinks is None else x - blinks.find(x, positions).signal, positions) for x, positions, _ in labelled
    ]
    autocorrelation = np.mean([mean_autocorrelation(x, order) for x, _ in recordings], axis=0)
    energies, moments = [], []
    for x, positions in recordings:
        n_patches = (x.shape[-1] - order) // patch_size
        x = x[:, -(order + n_patches * patch_size) :]
        residual = SharedFilter.estimate(x, n_patches, autocorrelation).forward(x)
        coefficients = scipy.fft.dct(residual.reshape(len(x), -1, patch_size), norm="ortho", axis=-1)
        # patches with several times the usual energy are artefacts, and are not used for the fit
        energy = (coefficients**2).mean(-1)
        energies.append(np.median(energy))
        typical = np.median(energy, axis=0)
        kept = coefficients[:, typical < 9 * np.median(typical)] / np.sqrt(energies[-1])
        moments.append((np.einsum("cnk,dnk->kcd", kept, kept) / kept.shape[1], positions))
    scale = np.exp(np.mean(np.log(energies)) / 2)
    covariance, channel_variance = fit_harmonics(moments)
    covariance = unpack(pack(covariance))  # rounded to the precision of a saved covariance
    return Population(autocorrelation, float(scale), channel_variance, covariance, blinks)
