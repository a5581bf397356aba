# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Fits functions of electrode position, as weights of spherical harmonics."""

from typing import Any

import numpy as np

from get_hf.processing.population_get import DEGREE, harmonics


def project_on_harmonics(values: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Weights `(36, ...)` of the harmonics that fit values `(channels, ...)`.

    The fit is a ridge regression that damps high degrees (Perrin et al. 1989 weight a spline's degrees similarly).
    """
    degrees = np.repeat(np.arange(DEGREE + 1), 2 * np.arange(DEGREE + 1) + 1)
    penalty = np.diag(1e-3 * (1.0 + degrees * (degrees + 1.0)) ** 2)
    basis = harmonics(positions)
    return np.linalg.solve(basis.T @ basis + penalty, basis.T @ values)


def fit_harmonics(moments: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Expresses average covariances `(patch_size, channels, channels)` as functions of position.

    Each recording's covariance is projected on the harmonics, and the projections are averaged. The residual on the
    diagonal is the channels' own variance.
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
    # medians, because the noise of a loose electrode does not describe the population
    floor = 1e-3 * np.einsum("kii->k", projected) / (DEGREE + 1) ** 2
    return projected, np.maximum(np.median(own, axis=0), floor)
