# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Computes covariances across channels, such as the population's covariance as a function of electrode positions."""

import numpy as np
import scipy

#: Largest degree of the spherical harmonics in the population's covariance.
DEGREE = 5
#: Number of spherical harmonics up to this degree: (5 + 1)^2 = 36.
N_HARMONICS = (DEGREE + 1) ** 2
#: Number of functions of `quadratic_in_position`.
N_QUADRATIC = 9


def linear_in_position(positions: np.ndarray) -> np.ndarray:
    """Returns the functions 1, x, y, z `(channels, 4)` of the places of electrodes at `positions` `(channels, 6)`."""
    return np.pad(np.asarray(positions, dtype=np.float64)[:, :3], ((0, 0), (1, 0)), constant_values=1.0)


def quadratic_in_position(positions: np.ndarray) -> np.ndarray:
    """Returns nine quadratic functions `(channels, 9)` of the places of electrodes at `positions` `(channels, 6)`.

    These are the functions of `linear_in_position`, and then xy, yz, zx, x^2 - y^2 and 3 z^2 - 1, which are harmonics
    of degree 2.
    """
    linear = linear_in_position(positions)
    x, y, z = linear[:, 1:].T
    return np.column_stack([linear, x * y, y * z, z * x, x**2 - y**2, 3 * z**2 - 1])


def harmonics(positions: np.ndarray) -> np.ndarray:
    """Computes the real spherical harmonics of electrodes minus the harmonics of their references.

    Args:
        positions: Positions `(channels, 6)` of electrodes and references. If a reference is at the origin (common or
            unknown), nothing is subtracted.

    Returns:
        Harmonics `(channels, 36)`, sorted by degree.
    """
    positions = np.asarray(positions, dtype=np.float64)
    has_reference = np.linalg.norm(positions[:, 3:], axis=-1, keepdims=True) > 0
    return _real_harmonics(positions[:, :3]) - has_reference * _real_harmonics(positions[:, 3:])


def _real_harmonics(xyz: np.ndarray) -> np.ndarray:
    polar = np.arccos(np.clip(xyz[:, 2], -1, 1))
    azimuth = np.arctan2(xyz[:, 1], xyz[:, 0])
    columns = []
    for degree in range(DEGREE + 1):
        for m in range(-degree, degree + 1):
            y = scipy.special.sph_harm_y(degree, abs(m), polar, azimuth)
            columns.append(y.real if m == 0 else np.sqrt(2) * (y.real if m > 0 else y.imag))
    return np.stack(columns, axis=-1)


def pack(covariance: np.ndarray) -> np.ndarray:
    """Returns the upper triangles `(patch_size, 666)` float32 of symmetric matrices `(patch_size, 36, 36)`."""
    return np.asarray(covariance)[:, *np.triu_indices(N_HARMONICS)].astype(np.float32)


def unpack(upper: np.ndarray) -> np.ndarray:
    """Returns the symmetric matrices `(patch_size, 36, 36)` float64; this is the inverse of `pack`."""
    covariance = np.zeros((len(upper), N_HARMONICS, N_HARMONICS))
    covariance[:, *np.triu_indices(N_HARMONICS)] = upper
    return covariance + np.swapaxes(np.triu(covariance, 1), -1, -2)


def generic_covariance(patch_size: int) -> np.ndarray:
    """Returns the covariance of independent harmonics; low degrees are stronger, due to volume conduction."""
    degrees = np.repeat(np.arange(DEGREE + 1), 2 * np.arange(DEGREE + 1) + 1)
    return np.tile(np.diag(10.0 * np.exp(-degrees.astype(float))), (patch_size, 1, 1))


def general_covariance(whitened: np.ndarray) -> np.ndarray:
    """Computes the covariance of `(channels, times)`, scaled to unit variance and shrunk towards the identity."""
    n_chans, n_times = whitened.shape
    covariance = whitened @ whitened.T
    # the mean variance is set to 1, because the scale is estimated separately
    covariance *= n_chans / max(np.trace(covariance), 1e-12)
    weight = n_times / (n_times + 4 * n_chans)
    return weight * covariance + (1 - weight) * np.eye(n_chans)


def symmetric_roots(covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Computes the symmetric square root of each covariance `(..., channels, channels)`, and the root's inverse."""
    eigenvalues, vectors = np.linalg.eigh(covariance)
    eigenvalues = np.maximum(eigenvalues, 1e-9 * eigenvalues[..., -1:])
    root = (vectors * np.sqrt(eigenvalues)[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    inverse = (vectors / np.sqrt(eigenvalues)[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    return root, inverse
