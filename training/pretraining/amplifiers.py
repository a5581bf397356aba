# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Changes recordings in the ways in which amplifiers differ: reference, band edges, notch filters and gain.

A corpus has one amplifier, and a model that was trained on it may take the properties of this amplifier for properties
of EEG. Changes that another amplifier could have made teach it that they are not.
"""

import numpy as np
import scipy

from get_hf.processing.montage_get import ELECTRODES

#: References, and pairs of electrodes of which one is on each side of the head.
REFERENCES = ("average", "ears", "Cz", "bipolar")
_EARS = (("A1", "A2"), ("M1", "M2"), ("TP9", "TP10"))
#: Largest distance between the two electrodes of a bipolar channel, on the unit sphere; electrodes of the 10-20 system
#: that are neighbours are at most 0.8 apart.
_NEIGHBOURS = 0.9
#: Electrodes at the same place are at most this far apart.
_SAME = 0.02

#: Ranges in Hz of the high-pass corner, of the low-pass corner and of the width of the notch, and its frequencies.
HIGH_PASS, LOW_PASS, NOTCH_WIDTH, NOTCHES = (0.5, 2.0), (25.0, 45.0), (1.0, 20.0), (50.0, 60.0)
#: Orders of the low-pass filter.
_ORDERS = (2, 4, 8)
#: Smallest gain of all filters together; real recordings contain noise below it.
_FLOOR = 0.01


def rereference(signal: np.ndarray, positions: np.ndarray, reference: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Changes the reference of a recording.

    Args:
        signal: Signal `(channels, times)` in microvolts.
        positions: Positions `(channels, 6)` of the electrodes and of their references on the unit sphere.
        reference: "average"; "ears": the mean of the two ear lobes, of the two mastoids or of TP9 and TP10; "Cz"; or
            "bipolar": differences of neighbouring electrodes.

    Returns:
        Signal `(new channels, times)` and positions `(new channels, 6)`, without the electrodes of the reference. None
        if the recording does not have these electrodes, or has bipolar channels already.
    """
    places = positions[:, :3]
    if np.any(positions[:, 3:]) or len(signal) < 2:
        return None
    if reference == "average":
        return signal - signal.mean(axis=0), positions
    if reference == "bipolar":
        return _bipolar(signal, places)
    pairs = _EARS if reference == "ears" else (("Cz",),)
    for names in pairs:
        found = [index for name in names if (index := _nearest(places, name)) is not None]
        rest = np.setdiff1d(np.arange(len(signal)), found)
        if len(found) == len(names) and len(rest):
            return signal[rest] - signal[found].mean(axis=0), positions[rest]
    return None


def _nearest(places: np.ndarray, name: str) -> int | None:
    """Returns the index of the channel at an electrode, or None if there is none."""
    distances = np.linalg.norm(places - np.array(ELECTRODES[name]), axis=-1)
    return int(distances.argmin()) if distances.min() < _SAME else None


def _bipolar(signal: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Subtracts from each channel its nearest neighbour behind it, or its nearest neighbour if none is behind it."""
    pairs: dict[frozenset[int], tuple[int, int]] = {}
    for index, place in enumerate(places):
        distances = np.linalg.norm(places - place, axis=-1)
        distances[index] = np.inf
        to_the_back, to_the_side = place[1] - places[:, 1], np.abs(place[0] - places[:, 0])
        behind = np.where(to_the_back > np.maximum(_SAME, 0.5 * to_the_side), distances, np.inf)
        chosen = behind if behind.min() < _NEIGHBOURS else distances
        other = int(chosen.argmin())
        if chosen[other] < _NEIGHBOURS:
            pairs.setdefault(frozenset((index, other)), (index, other))
    if not pairs:
        return None
    first, second = np.array(list(pairs.values())).T
    return signal[first] - signal[second], np.hstack([places[first], places[second]])


def random_response(freqs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draws the filters of an amplifier: a high-pass, a low-pass and a notch, each with a probability of a half.

    Args:
        freqs: Frequencies in Hz.
        rng: Random generator.

    Returns:
        Gain at each frequency, between `_FLOOR` and 1. The filters have zero phase.
    """
    gain = np.ones_like(freqs)
    has_high_pass, has_low_pass, has_notch = rng.random(3) < 0.5
    corner = np.exp(rng.uniform(*np.log(HIGH_PASS)))
    if has_high_pass:  # Butterworth, second order, forwards and backwards
        gain *= freqs**4 / (freqs**4 + corner**4)
    corner, order = rng.uniform(*LOW_PASS), rng.choice(_ORDERS)
    if has_low_pass:
        gain *= 1 / (1 + (freqs / corner) ** (2 * order))
    centre, width = rng.choice(NOTCHES), np.exp(rng.uniform(*np.log(NOTCH_WIDTH)))
    if has_notch:
        away = freqs**2 - centre**2
        gain *= np.abs(away) / np.hypot(away, freqs * width)
    return np.maximum(gain, _FLOOR)


def filter_as_amplifier(signal: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Filters a signal with `random_response`; its ends are mirrored.

    Args:
        signal: Signal `(channels, times)` in microvolts.
        rate: Sampling rate in Hz.
        rng: Random generator.
    """
    n_times = signal.shape[-1]
    margin = min(n_times - 1, round(rate / HIGH_PASS[0]))
    length = scipy.fft.next_fast_len(n_times + 2 * margin, real=True)
    padded = np.pad(signal, ((0, 0), (margin, margin)), mode="reflect")
    gain = random_response(np.fft.rfftfreq(length, 1 / rate), rng)
    return scipy.fft.irfft(gain * scipy.fft.rfft(padded, length), length)[:, margin : margin + n_times]
