# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Marks channels and spans without usable EEG in recordings of consumer amplifiers.

Such amplifiers have dry or saline electrodes, which move with the head, and radio links, which lose samples. A span of
a channel is bad if its electrode has no contact, if its samples do not change, or if its amplitude is above a limit.
Segments need all their channels at the same time, so a span that is bad in one channel is lost for all. Therefore a
channel is left out if more signal is kept without it: the product of the number of channels and the good time.
"""

import mne
import numpy as np
import scipy

from get_hf.processing.signal_get import band_limit
from get_hf.processing.stretches_get import LEAST_SECONDS

#: Limit of the absolute amplitude in microvolts, in `BAND`. Blinks far from the reference reach 200 microvolts.
LIMIT = 250.0
#: Band and sampling rate in Hz of the signal that is compared with the limit, so that neither drift nor hum counts.
BAND, RATE = (0.5, 44.0), 100.0
#: A channel is still if its samples do not change for this number of seconds.
STILL_SECONDS = 0.5
#: Seconds of a window that is judged as a whole, and number of windows on both sides of a bad one that are bad too.
WINDOW_SECONDS, MARGIN = 0.25, 2
#: Causes, as the annotations name them; a window that has several causes gets the first.
CAUSES = ("contact", "still", "amplitude")


def mark_artefacts(raw: mne.io.BaseRaw, contact: np.ndarray | None = None, limit: float = LIMIT) -> mne.io.BaseRaw:
    """Marks bad channels in `raw.info["bads"]`, and annotates bad spans of the others as BAD_ and their cause.

    Args:
        raw: The recording in volts, with EEG channels alone; it is changed in place.
        contact: Whether each electrode had good contact at each sample, bool `(channels, times)`. None: the amplifier
            does not tell.
        limit: Largest absolute amplitude of EEG in microvolts; it should be above the blinks of this amplifier.

    Returns:
        The recording.
    """
    microvolts, rate = 1e6 * raw.get_data(), raw.info["sfreq"]
    centred = microvolts - np.median(microvolts, axis=-1, keepdims=True)
    loud = np.abs(band_limit(centred, rate, RATE, *BAND)) > limit
    still = _still(microvolts, round(STILL_SECONDS * rate))
    lost = np.zeros_like(still) if contact is None else ~contact
    n_windows = int(np.ceil(raw.n_times / rate / WINDOW_SECONDS))
    of_cause = [_windows(each, own, n_windows) for each, own in ((lost, rate), (still, rate), (loud, RATE))]
    bad = np.any(of_cause, axis=0)
    wide = scipy.ndimage.binary_dilation(bad, np.ones((1, 2 * MARGIN + 1)))
    kept = _channels_to_keep(wide)
    raw.info["bads"] = [name for name, keep in zip(raw.ch_names, kept, strict=True) if not keep]

    unmarked = wide[kept].any(axis=0)
    causes = [each[kept].any(axis=0) for each in of_cause]
    for begin, end in _runs(unmarked):
        name = next(name for name, own in zip(CAUSES, causes, strict=True) if own[begin:end].any())
        seconds = min(end * WINDOW_SECONDS, raw.n_times / rate) - begin * WINDOW_SECONDS
        raw.annotations.append(raw.first_time + begin * WINDOW_SECONDS, seconds, f"BAD_{name}")
    return raw


def _still(x: np.ndarray, length: int) -> np.ndarray:
    """Returns for each sample of `x` `(channels, times)` whether it is in a run of at least `length` equal samples."""
    still = np.zeros(x.shape, dtype=bool)
    for row, out in zip(x, still, strict=True):
        for begin, end in _runs(np.diff(row) == 0):
            if end - begin + 1 >= length:
                out[begin : end + 1] = True
    return still


def _windows(bad: np.ndarray, rate: float, n_windows: int) -> np.ndarray:
    """Returns for each window whether any of its samples is bad, `(channels, windows)`."""
    numbers = np.minimum((np.arange(bad.shape[-1]) / rate / WINDOW_SECONDS).astype(int), n_windows - 1)
    found = np.zeros((len(bad), n_windows), dtype=bool)
    for row, out in zip(bad, found, strict=True):
        out[numbers[row]] = True
    return found


def _runs(x: np.ndarray) -> list[tuple[int, int]]:
    """Returns the first and last index (exclusive) of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], x.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _channels_to_keep(bad: np.ndarray) -> np.ndarray:
    """Chooses channels, one after the other, so that they keep the largest amount of signal together.

    Args:
        bad: Whether each window of each channel is bad, `(channels, windows)`.

    Returns:
        Whether each channel is kept, `(channels,)`; at least one is.
    """
    kept = np.ones(len(bad), dtype=bool)
    while kept.sum() > 1:
        without: list[tuple[int, int, int]] = []
        for channel in np.flatnonzero(kept).tolist():
            fewer = kept.copy()
            fewer[channel] = False
            without.append((_amount(bad[fewer]), int(bad[channel].sum()), channel))
        amount, _, channel = max(without)
        now = _amount(bad[kept])
        if amount <= now and now > 0:
            break
        kept[channel] = False
    return kept


def _amount(bad: np.ndarray) -> int:
    """Returns the number of windows in stretches long enough for training, times the number of channels."""
    shortest = LEAST_SECONDS / WINDOW_SECONDS
    lengths = [end - begin for begin, end in _runs(~bad.any(axis=0))]
    return len(bad) * sum(length for length in lengths if length >= shortest)
