# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The integer that gives each recording noise of its own."""

import hashlib
from collections import Counter
from collections.abc import Sequence

import numpy as np

#: Steps of microvolts that samples are counted in: what volts and microvolts differ by when rounded lies far below.
STEP = 0.01
#: Between two steps, but at no fraction that an amplifier's resolution comes to.
_OFFSET = 0.3183098861837907


def seed_of_samples(data: np.ndarray) -> int:
    """A hash of the samples of a recording.

    The same samples give the same integer as volts in an MNE object, as microvolts, or as any other declared unit in
    double precision. Half the precision gives other samples, hence another integer.

    Args:
        data: `(channels, times)`, microvolts, finite.
    """
    digest = hashlib.blake2b(digest_size=8)
    for channel in data:  # one at a time: a recording of hours is not to be in memory once more
        digest.update(np.floor(channel / STEP + _OFFSET).astype("<i8").tobytes())
    return _positive(digest)


def seeds_of_people(people: Sequence[int | None]) -> list[int]:
    """The same from nothing, for the number of each imagined person, None being the average one.

    Who is asked for several times is another recording each time.
    """
    seeds, so_far = [], Counter()
    for person in people:
        seeds.append(_positive(hashlib.blake2b(f"{person} {so_far[person]}".encode(), digest_size=8)))
        so_far[person] += 1
    return seeds


def _positive(digest) -> int:
    """The first 63 bits of a digest."""
    return int.from_bytes(digest.digest(), "little") >> 1
