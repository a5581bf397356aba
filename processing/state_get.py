# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Saves and loads the fitted parameters of a feature extractor.

They are stored in `population.safetensors`, in the same folder as `preprocessor_config.json`. `Population` was fitted
to a training corpus before pretraining. `Corrections` were measured after pretraining.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from safetensors.numpy import load_file, save

from .blinks_get import BlinkPopulation
from .equaliser_get import N_TRAITS
from .innovation_get import InnovationTransform
from .population_get import N_HARMONICS, N_QUADRATIC, generic_covariance, pack, unpack

#: Name of the file of fitted parameters.
STATE = "population.safetensors"
#: Largest allowed size of the file in bytes. The published file has less than one megabyte.
MOST_BYTES = 64 << 20
#: Parameters of blinks in files of earlier versions, which are not used any more.
RETIRED = ("share_cleaned", "frontal_evidence")
#: Largest number of values in an autocorrelation. It is limited because the eigenvalues of its matrix are computed.
MOST_LAGS = 1000


@dataclass(frozen=True, eq=False)
class Population:
    """The statistics of a training corpus; see `InnovationTransform` for their meaning.

    Attributes:
        autocorrelation: Autocorrelation `(lags + 1,)`, which is 1 at lag 0.
        scale: Standard deviation of the innovations, in microvolts.
        channel_variance: Variance of a channel that is not shared with others, for each DCT coefficient,
            `(patch_size,)`.
        harmonic_covariance: Shared covariance for each DCT coefficient, as a covariance between spherical harmonics,
            `(patch_size, 36, 36)`.
        blinks: Parameters of blinks. None: blinks are neither removed nor generated.
    """

    autocorrelation: np.ndarray
    scale: float
    channel_variance: np.ndarray
    harmonic_covariance: np.ndarray
    blinks: BlinkPopulation | None = None

    @classmethod
    def generic(cls, patch_size: int) -> "Population":
        """Returns the population of a 1/f signal on a generic head, for use without a fitted population."""
        return cls(np.array([1.0, 0.95]), 10.0, np.full(patch_size, 0.03), generic_covariance(patch_size))

    def transform(
        self, patch_size: int, prior_patches: float = 0.1, unprompted_shifts: np.ndarray | None = None
    ) -> InnovationTransform:
        """Returns the innovation transform of this population. The arguments are as for `InnovationTransform`."""
        fitted = self.autocorrelation, self.scale, self.harmonic_covariance, self.channel_variance
        return InnovationTransform(patch_size, *fitted, prior_patches, unprompted_shifts)

    def check(self, patch_size: int, n_conditions: int) -> None:
        """Checks that the statistics are consistent with the settings of the feature extractor.

        Raises:
            ValueError: A value has a wrong shape, is not finite, or is impossible.
        """
        autocorrelation = np.asarray(self.autocorrelation)
        if autocorrelation.ndim != 1 or not 1 <= len(autocorrelation) <= MOST_LAGS:
            shape = autocorrelation.shape
            raise ValueError(f"autocorrelation of the population must be 1 to {MOST_LAGS} numbers, not {shape}.")
        _check_array("autocorrelation of the population", autocorrelation, autocorrelation.shape)
        if np.linalg.eigvalsh(scipy.linalg.toeplitz(autocorrelation))[0] <= 0:  # its filter would not be stable
            raise ValueError(
                "autocorrelation of the population must be 1, r_1, r_2, .. of some signal: take it from the "
                "checkpoint as it was published."
            )
        if not 0 < self.scale < np.inf:
            raise ValueError(f"scale of the population must be a positive number of microvolts, not {self.scale!r}.")
        shapes = {
            "channel_variance": (patch_size,),
            "harmonic_covariance": (patch_size, N_HARMONICS, N_HARMONICS),
        }
        for name, shape in shapes.items():
            _check_array(f"{name} of the population", getattr(self, name), shape)
        if self.blinks is not None:
            self.blinks.check(n_conditions)


@dataclass(frozen=True, eq=False)
class Corrections:
    """The corrections for differences between generated and real EEG, which `get-hf calibrate` measures.

    An empty attribute corrects nothing. Log gains are the natural logarithms of factors that multiply amplitudes, at
    equally spaced frequencies from 0 to half the sampling rate. They are functions of the place of an electrode; see
    `quadratic_in_position`. Each mapping contains tables by condition. Conditions without a table use the table of the
    first condition.

    Attributes:
        generated_log_gains: Log gains for continuations of a recording. Each table has the shape
            `(4 * patch_size + 1, 9)`.
        unprompted_log_gains: Tables of the same shape for EEG that is generated without a recording, for the average
            person.
        trait_log_gains: Log gains that are added for each trait of a virtual person. Each table has the shape
            `(12, 4 * patch_size + 1, 9)`.
        cue_log_gains: Log gains `(9,)` of a cue for a rhythm whose power is one nat above the background. The log gain
            is proportional to the square of this height.
        unprompted_coherence_shifts: Bias of the squared coherence at each DCT coefficient without a recording,
            `(patch_size, 5)`. None: no bias is subtracted.
    """

    generated_log_gains: Mapping[str, np.ndarray] = field(default_factory=dict)
    unprompted_log_gains: Mapping[str, np.ndarray] = field(default_factory=dict)
    trait_log_gains: Mapping[str, np.ndarray] = field(default_factory=dict)
    cue_log_gains: Mapping[str, np.ndarray] = field(default_factory=dict)
    unprompted_coherence_shifts: np.ndarray | None = None

    def check(self, patch_size: int, conditions: list[str]) -> None:
        """Checks that the corrections are consistent with the settings of the feature extractor.

        Raises:
            ValueError: A table has a wrong shape, is not finite, or does not belong to a condition; or the first
                condition has no table.
        """
        of_gains = (4 * patch_size + 1, N_QUADRATIC)
        shapes = {
            "generated_log_gains": of_gains,
            "unprompted_log_gains": of_gains,
            "trait_log_gains": (N_TRAITS, *of_gains),
            "cue_log_gains": (N_QUADRATIC,),
        }
        for name, shape in shapes.items():
            given = getattr(self, name)
            is_complete = name == "cue_log_gains" or not given or conditions[0] in given
            if not isinstance(given, Mapping) or not set(given) <= set(conditions) or not is_complete:
                raise ValueError(
                    f"{name} of the corrections must hold a table for {conditions[0]!r}, and may hold tables for "
                    f"{', '.join(conditions[1:])} alone: leave it out, and measure it with get-hf calibrate."
                )
            for condition, values in given.items():
                _check_array(f"{name} of the corrections for {condition}", values, shape)
        if self.unprompted_coherence_shifts is not None:
            name = "unprompted_coherence_shifts of the corrections"
            _check_array(name, self.unprompted_coherence_shifts, (patch_size, 5))


def _check_array(name: str, values: Any, shape: tuple[int, ...]) -> None:
    """Checks that an array contains finite numbers and has the given shape; raises a ValueError otherwise."""
    found = np.asarray(values)
    if found.dtype.kind not in "fiu" or found.shape != shape or not np.isfinite(found).all():
        raise ValueError(f"{name} must be finite numbers of shape {shape}, not {found.dtype} of {found.shape}.")


def save_state(population: Population, corrections: Corrections, folder: Path) -> None:
    """Writes the file of fitted parameters, either completely or not at all."""
    arrays = {f"population.{name}": value for name, value in vars(population).items() if name != "blinks"}
    arrays["population.harmonic_covariance"] = pack(population.harmonic_covariance)
    if population.blinks is not None:
        names = (each.name for each in fields(BlinkPopulation))
        arrays |= {f"population.blinks.{name}": getattr(population.blinks, name) for name in names}
    for name, value in vars(corrections).items():
        if isinstance(value, Mapping):
            arrays |= {f"corrections.{name}.{condition}": table for condition, table in value.items()}
        elif value is not None:
            arrays[f"corrections.{name}"] = value
    beside = folder / f".{STATE}"
    beside.write_bytes(save({name: np.array(value, order="C") for name, value in arrays.items()}))
    os.replace(beside, folder / STATE)


def load_state(file: str | os.PathLike) -> tuple[Population, Corrections]:
    """Reads the file of fitted parameters.

    Raises:
        ValueError: The file has another format, or is incomplete.
    """
    if os.path.getsize(file) > MOST_BYTES:
        raise ValueError(f"{STATE} has more than {MOST_BYTES:,} bytes: it is not a file of GET; fetch it again.")
    try:
        arrays = load_file(file)
    except Exception as error:  # safetensors raises its own type of exception
        raise ValueError(f"{STATE} cannot be read: {error}; fetch it again.") from error
    found: dict[str, dict[str, Any]] = {"population": {}, "corrections": {}}
    try:
        for name, array in arrays.items():
            part, _, rest = name.partition(".")
            key, _, inner = rest.partition(".")
            if inner:
                found[part].setdefault(key, {})[inner] = array
            else:
                found[part][key] = array
        own = found["population"]
        own["scale"] = float(own["scale"])
        own["harmonic_covariance"] = unpack(own["harmonic_covariance"])
        if "blinks" in own:
            own["blinks"] = BlinkPopulation(**{n: a for n, a in own["blinks"].items() if n not in RETIRED})
        return Population(**own), Corrections(**found["corrections"])
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        names = ", ".join(each.name for each in (*fields(Population), *fields(Corrections)))
        raise ValueError(
            f"{STATE} must hold tensors named after {names}, and does not ({error}): it is of another version of "
            "GET-HF, or damaged; fetch it again."
        ) from error


def digest(file: str | os.PathLike) -> str:
    """Returns the SHA-256 hash of a file in hexadecimal digits."""
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
