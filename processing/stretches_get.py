# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Chooses the part of a recording to continue: bad annotations and interruptions divide the recording."""

from collections.abc import Sequence
from itertools import pairwise

#: Least length in seconds of the continued stretch, if any stretch is as long.
LEAST_SECONDS = 4.0
#: A channel is unusable if it is annotated bad within `LAST_SECONDS` before the end, or for more than the share
#: `MOST_BAD` of the recording.
LAST_SECONDS, MOST_BAD = 1.0, 0.2


def is_bad(description: str) -> bool:
    """Whether an annotation marks a bad span or a seam, by MNE's conventions."""
    return description.strip().lower().startswith(("bad", "edge"))


def good_stretches(
    spans: Sequence[tuple[float, float, str]], n_times: int, rate: float
) -> tuple[list[tuple[int, int]], list[int]]:
    """Divides a recording at the spans that its annotations call bad.

    Args:
        spans: (onset, duration, description) of annotations of all channels, seconds from the first sample.
        n_times: Samples of the recording.
        rate: Hz.

    Returns:
        First and last sample (exclusive) of each stretch between bad spans; and the interruptions. An interruption is
        a bad span without length, at the sample where a stopped recording continues: both sides are good.

    Raises:
        ValueError: All of the recording is bad.
    """
    cuts, bad = set(), []
    for onset, duration, description in spans:
        if is_bad(description):
            begin, end = (min(max(round(time * rate), 0), n_times) for time in (onset, onset + duration))
            if end > begin:
                bad.append((begin, end))
            elif 0 < begin < n_times:
                cuts.add(begin)
    good, at = [], 0
    for begin, end in [*sorted(bad), (n_times, n_times)]:
        if begin > at:
            good.append((at, begin))
        at = max(at, end)
    if not good:
        names = sorted({description for *_, description in spans if is_bad(description)})
        raise ValueError(
            f"The whole recording is annotated {', '.join(names)}: review its annotations, or give a recording with a "
            "good stretch."
        )
    return good, sorted(cuts)


def last_stretch(spans: Sequence[tuple[float, float, str]], n_times: int, rate: float) -> tuple[int, int, list[int]]:
    """Finds the stretch to continue, the last good one that is not too short, and the samples to calibrate on.

    Bad spans bound the samples to calibrate on. Interruptions only bound the stretch to continue.

    Args:
        spans: Arguments as for `good_stretches`.
        n_times: Samples of the recording.
        rate: Hz.

    Returns:
        First and last sample (exclusive) of the samples to calibrate on, whose last stretch is continued, and the
        interruptions in them, in samples from the first one.

    Raises:
        ValueError: All of the recording is bad.
    """
    good, cuts = good_stretches(spans, n_times, rate)
    whole = [
        (first, begin, end)
        for first, last in good
        for begin, end in pairwise([first, *(cut for cut in cuts if first < cut < last), last])
    ]
    long = [each for each in whole if each[2] - each[1] >= LEAST_SECONDS * rate]
    first, _, stop = long[-1] if long else max(whole, key=lambda each: (each[2] - each[1], each[2]))
    return first, stop, [cut - first for cut in cuts if first < cut < stop]


def is_bad_channel(spans: Sequence[tuple[float, float]], seconds: float) -> bool:
    """Whether a channel is unusable, by its bad spans (onset, duration) in a recording of some seconds."""
    lengths = [min(begin + length, seconds) - max(begin, 0.0) for begin, length in spans]
    at_the_end = any(begin < seconds and begin + length > seconds - LAST_SECONDS for begin, length in spans)
    return at_the_end or sum(max(0.0, length) for length in lengths) > MOST_BAD * seconds
