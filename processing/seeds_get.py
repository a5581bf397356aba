# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Computes a seed (an integer) for each recording, so that each continuation has different noise."""

import hashlib
from collections import Counter
from collections.abc import Sequence

import numpy as np

#: Rounding step of samples in microvolts. It is much larger than the numerical differences between samples that were
#: stored in volts and in microvolts.
STEP = 0.01
#: Offset of the rounding as a share of a step. It differs from all fractions that the resolution of an amplifier can
#: lead to.
_OFFSET = 0.3183098861837907


def seed_of_samples(data: np.ndarray) -> int:
    """Computes a hash of the samples of a recording.

    The hash does not depend on the unit in which the samples were given (volts in an MNE object, microvolts, or any
    other declared unit), if they were in double precision. Single precision changes the samples, hence the hash.

    Args:
        data: Samples `(channels, times)` in microvolts. All must be finite.
    """
    digest = hashlib.blake2b(digest_size=8)
    for channel in data:  # one at a time, because a second copy of a long recording would not fit into memory
        digest.update(np.floor(channel / STEP + _OFFSET).astype("<i8").tobytes())
    return _positive(digest)


def seeds_of_people(people: Sequence[int | None]) -> list[int]:
    """Computes a seed for each virtual person for generation from nothing; None means the average person.

    If a person is repeated, each repetition has a different seed.
    """
    seeds, so_far = [], Counter()
    for person in people:
        seeds.append(_positive(hashlib.blake2b(f"{person} {so_far[person]}".encode(), digest_size=8)))
        so_far[person] += 1
    return seeds


def _positive(digest) -> int:
    """Converts a digest of 8 bytes to a non-negative integer of 63 bits."""
    return int.from_bytes(digest.digest(), "little") >> 1
