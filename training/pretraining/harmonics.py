# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Fits functions of the electrode position, which are represented by weights of spherical harmonics."""

from typing import Any

import numpy as np

from get_hf.processing.population_get import DEGREE, harmonics


def project_on_harmonics(values: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Computes the weights `(36, ...)` of the harmonics that fit values `(channels, ...)`.

    The fit is a ridge regression that damps high degrees. Perrin et al. (1989) weight the degrees of a spline in a
    similar way.
    """
    degrees = np.repeat(np.arange(DEGREE + 1), 2 * np.arange(DEGREE + 1) + 1)
    penalty = np.diag(1e-3 * (1.0 + degrees * (degrees + 1.0)) ** 2)
    basis = harmonics(positions)
    return np.linalg.solve(basis.T @ basis + penalty, basis.T @ values)


def fit_harmonics(moments: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Fits functions of position to the covariances of recordings.

    The covariance of each recording is projected on the harmonics, and the projections are averaged. The variance of
    single channels is the median of the residuals on the diagonals.

    Args:
        moments: Covariance `(patch_size, channels, channels)` and positions `(channels, 6)` of each recording.

    Returns:
        Covariance of the harmonics' weights `(patch_size, 36, 36)`, and the variance of single channels
        `(patch_size,)`.
    """
    projected: Any = 0.0
    own = []
    for covariance, positions in moments:
        basis = harmonics(positions)
        projector = project_on_harmonics(np.eye(len(positions)), positions)
        projection = projector @ covariance @ projector.T
        residual = np.einsum("kcc->kc", covariance - basis @ projection @ basis.T)
        projected = projected + projection / len(moments)
        own.append(np.median(residual, axis=-1))
    # the median is used, because the noise of a loose electrode is not typical of the population
    floor = 1e-3 * np.einsum("kii->k", projected) / (DEGREE + 1) ** 2
    return projected, np.maximum(np.median(own, axis=0), floor)
