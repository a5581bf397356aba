# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Which part of a recording is continued: bad annotations and interruptions divide it."""

from collections.abc import Sequence
from itertools import pairwise

#: Seconds that the stretch which is continued has at least, where any is as long.
LEAST_SECONDS = 4.0
#: Seconds before the end in which a channel that is annotated bad cannot be continued, and the share of a recording
#: from which on it cannot be learnt from.
LAST_SECONDS, MOST_BAD = 1.0, 0.2


def is_bad(description: str) -> bool:
    """Whether an annotation calls what it spans bad, or tells of a seam, by MNE's conventions."""
    return description.strip().lower().startswith(("bad", "edge"))


def good_stretches(
    spans: Sequence[tuple[float, float, str]], n_times: int, rate: float
) -> tuple[list[tuple[int, int]], list[int]]:
    """Divides a recording by what its annotations call bad.

    Args:
        spans: (onset, duration, description) of annotations of all channels, seconds from the first sample.
        n_times: Samples of the recording.
        rate: Hz.

    Returns:
        First and last sample (exclusive) of each stretch between bad spans; and the interruptions, spans of no
        length, at whose sample a recording goes on that stopped before: both sides are good.

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
            f"All of the recording is annotated {', '.join(names)}: review its annotations, or give one that is good "
            "somewhere."
        )
    return good, sorted(cuts)


def last_stretch(spans: Sequence[tuple[float, float, str]], n_times: int, rate: float) -> tuple[int, int, list[int]]:
    """Finds what is continued: the last good stretch that is not too short, after what came before it.

    A bad span divides what is learnt from; an interruption only what is continued from what is learnt from.

    Args:
        spans: As `good_stretches` has them, as are the following.
        n_times: Samples of the recording.
        rate: Hz.

    Returns:
        First and last sample (exclusive) of what is learnt from, whose last stretch is continued, and the
        interruptions in it in samples from the first one.

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
    """Whether a channel cannot be used that is annotated bad from and for some seconds, of so many in all."""
    lengths = [min(begin + length, seconds) - max(begin, 0.0) for begin, length in spans]
    at_the_end = any(begin < seconds and begin + length > seconds - LAST_SECONDS for begin, length in spans)
    return at_the_end or sum(max(0.0, length) for length in lengths) > MOST_BAD * seconds
