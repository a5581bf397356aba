# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Chooses the part (stretch) of a recording to continue.

Bad annotations and interruptions divide a recording into stretches.
"""

from collections.abc import Sequence
from itertools import pairwise

#: Smallest length in seconds of the stretch to continue, if there is a stretch of this length.
LEAST_SECONDS = 4.0
#: A channel is unusable if it is annotated bad within `LAST_SECONDS` before the end, or for more than the share
#: `MOST_BAD` of the recording.
LAST_SECONDS, MOST_BAD = 1.0, 0.2


def is_bad(description: str) -> bool:
    """Whether an annotation marks a bad span or an interruption, according to MNE's conventions."""
    return description.strip().lower().startswith(("bad", "edge"))


def good_stretches(
    spans: Sequence[tuple[float, float, str]], n_times: int, rate: float
) -> tuple[list[tuple[int, int]], list[int]]:
    """Divides a recording at the spans that are annotated as bad.

    Args:
        spans: Onset, duration and description of each annotation of all channels, in seconds from the first sample.
        n_times: Number of samples of the recording.
        rate: Sampling rate in Hz.

    Returns:
        First and last sample (exclusive) of each stretch between bad spans; and the samples of the interruptions. An
        interruption is a bad span of length 0, at the sample where a stopped recording continues. The EEG on both
        sides of an interruption is good.

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
    """Finds the stretch to continue, and the samples from which the transform is estimated (calibration samples).

    The stretch to continue is the last good stretch that is not too short. It contains neither bad spans nor
    interruptions. The calibration samples contain no bad spans, but may contain interruptions.

    Args:
        spans: See `good_stretches`.
        n_times: Number of samples of the recording.
        rate: Sampling rate in Hz.

    Returns:
        First and last sample (exclusive) of the calibration samples, whose last stretch is continued; and the
        interruptions in them, in samples from the first calibration sample.

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
    """Whether a channel is unusable, according to its bad spans (onset, duration) in a recording of `seconds`."""
    lengths = [min(begin + length, seconds) - max(begin, 0.0) for begin, length in spans]
    at_the_end = any(begin < seconds and begin + length > seconds - LAST_SECONDS for begin, length in spans)
    return at_the_end or sum(max(0.0, length) for length in lengths) > MOST_BAD * seconds
