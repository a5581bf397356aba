# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Is generated EEG nearer to the training recordings than real EEG of people outside the training set?

The distance of a window of 1 s to a recording is 1 minus the largest absolute correlation with any stretch of it, all
channels together. Every lag counts, so a copy is found wherever it begins. Signals are differenced, because slow waves
correlate with each other anyway. Absolute correlation ignores amplitude and sign, so a scaled or inverted copy counts
as a copy.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy import fft

from get_hf.training.evaluation.table import Rows

#: Length in seconds of a window that is compared with the training recordings.
WINDOW_SECONDS = 1.0
#: Number of samples in one Fourier transform.
BLOCK = 4096


def nearest_distances(windows: np.ndarray, recordings: Iterable[np.ndarray]) -> np.ndarray:
    """Distance of windows to the nearest stretch of any recording.

    Args:
        windows: Windows `(windows, channels, times)`, any unit.
        recordings: Recordings `(channels, times')` with the same channels and sampling rate; recordings shorter than a
            window are skipped.

    Returns:
        `(windows,)`: 0 for a copy, 1 where nothing correlates, also for a flat window.
    """
    queries = np.diff(windows, axis=-1)
    queries = queries / (np.sqrt((queries**2).sum(axis=(1, 2), keepdims=True)) + 1e-9)
    n = queries.shape[-1]
    n_lags = BLOCK - n + 1
    # correlating is multiplying with the conjugate, (freqs, windows, channels)
    spectra = fft.rfft(queries.astype(np.float32), BLOCK, axis=-1).conj().transpose(2, 0, 1).copy()
    largest = np.zeros(len(windows))
    for recording in recordings:
        x = np.diff(np.asarray(recording, np.float32), axis=-1)
        last = x.shape[-1] - n  # lag
        if last < 0:
            continue
        starts = range(0, last + 1, n_lags)
        padded = np.pad(x, ((0, 0), (0, starts[-1] + BLOCK - x.shape[-1])))
        blocks = np.stack([padded[:, start : start + BLOCK] for start in starts])  # (blocks, channels, BLOCK)
        # all blocks at once: reading the windows' spectra takes longer than multiplying them
        product = np.matmul(spectra, fft.rfft(blocks, axis=-1).transpose(2, 1, 0))  # (freqs, windows, blocks)
        energy = np.pad(np.cumsum((blocks.astype(float) ** 2).sum(axis=1), axis=1), ((0, 0), (1, 0)))
        energy = energy[:, n:] - energy[:, :-n]
        # stretches without signal do not count
        size = np.sqrt(np.where(energy > 1e-6 * energy.max() + 1e-12, energy, np.inf))
        for index, start in enumerate(starts):
            lags = min(n_lags, last + 1 - start)
            correlation = fft.irfft(product[..., index], BLOCK, axis=0)[:lags]
            largest = np.maximum(largest, (np.abs(correlation) / size[index, :lags, None]).max(axis=0))
    return 1 - np.minimum(largest, 1.0)


def pick_windows(x: np.ndarray, sampling_rate: float, windows_per_item: int, seed: int = 0) -> np.ndarray:
    """Cuts 1 s windows at random places of `(items, channels, times)`: `(items * windows_per_item, channels, 1 s)`."""
    n = round(WINDOW_SECONDS * sampling_rate)
    starts = np.random.default_rng(seed).integers(0, x.shape[-1] - n + 1, (len(x), windows_per_item))
    return np.stack([item[:, a : a + n] for item, own in zip(x, starts, strict=True) for a in own])


def memorisation_rows(rows: Rows, held_out: np.ndarray, generated: np.ndarray) -> None:
    """Adds distances of generated windows to the training recordings, over distances of held-out real windows.

    Args:
        rows: Table that gets the rows.
        held_out: `nearest_distances` of windows of the real continuations, the same number for each item.
        generated: `nearest_distances` of windows of the generated continuations.
    """
    n_items = len(rows.subjects)
    real, generated = (d.reshape(n_items, -1) for d in (held_out, generated))
    rows.add(
        "memorisation", "distance to the nearest training window", "over held-out", ("at least", 0.95),
        lambda _, items: generated[items].mean() / real[items].mean(),
    )  # fmt: skip
    # one copy among many windows does not move the mean
    smallest = (generated.min() + 1e-6) / (real.min() + 1e-6)
    rows.fact("memorisation", "smallest distance to one", "over held-out", ("at least", 0.5), smallest)
