# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Seeds: an integer for each recording, so that each has different noise."""

import hashlib
from collections import Counter
from collections.abc import Sequence

import numpy as np

#: Rounding step of samples in microvolts, far above the rounding differences between volts and microvolts.
STEP = 0.01
#: Offset as a share of a step, different from any fraction that an amplifier's resolution leads to.
_OFFSET = 0.3183098861837907


def seed_of_samples(data: np.ndarray) -> int:
    """A hash of the samples of a recording.

    The same samples give the same integer as volts in an MNE object, as microvolts, or as any other declared unit in
    double precision. Half the precision gives other samples, hence another integer.

    Args:
        data: `(channels, times)`, microvolts, finite.
    """
    digest = hashlib.blake2b(digest_size=8)
    for channel in data:  # one at a time: a second copy of a recording of hours would not fit into memory
        digest.update(np.floor(channel / STEP + _OFFSET).astype("<i8").tobytes())
    return _positive(digest)


def seeds_of_people(people: Sequence[int | None]) -> list[int]:
    """Seeds for generation from nothing, one for each number of a virtual person; None is the average person.

    A repeated person has another seed each time.
    """
    seeds, so_far = [], Counter()
    for person in people:
        seeds.append(_positive(hashlib.blake2b(f"{person} {so_far[person]}".encode(), digest_size=8)))
        so_far[person] += 1
    return seeds


def _positive(digest) -> int:
    """The first 63 bits of a digest."""
    return int.from_bytes(digest.digest(), "little") >> 1
