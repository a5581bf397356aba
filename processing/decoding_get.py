# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The last steps of decoding: an equaliser of what was generated, and from microvolts back to MNE objects."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import scipy

from .population_get import linear_in_position
from .reading_get import Recording

#: Description of the annotation over what GET made.
GENERATED = "GET generated"
#: Largest change of an amplitude: what is further off was not trained.
LARGEST_LOG_GAIN = 0.35
#: The same of what was generated from nothing, where gains are all that a condition does to the spectrum.
LARGEST_LOG_GAIN_FROM_NOTHING = 0.8
#: Below what share of the band's lower edge drift is taken out of what was generated. The transform's filters sum
#: innovations up, and are too short to see where the high-pass begins: there what they make is as strong as above. The
#: shapes of events have passed it, and lack only what it does beyond their ends.
DRIFT, DRIFT_OF_EVENTS = 0.92, 0.7
#: Radius of the sphere on which channels without digitised positions are drawn, in metres; MNE's own default.
HEAD_RADIUS = 0.095


def equaliser_gains(
    table: Sequence[Sequence[float]], positions: np.ndarray, largest: float = LARGEST_LOG_GAIN
) -> np.ndarray:
    """Log gains `(channels, frequencies)` that a table `(frequencies, 4)` linear in place has at `positions`."""
    # a line goes on where no electrode was when it was fitted
    return np.clip(linear_in_position(positions) @ np.transpose(table), -largest, largest)


def equalise(
    x: np.ndarray,
    tables: Mapping[str, Sequence[Sequence[float]]],
    others: str,
    conditions: Sequence[str],
    positions: np.ndarray,
    largest: float = LARGEST_LOG_GAIN,
) -> np.ndarray:
    """Filters what was generated, each patch by the gains of its condition.

    The filters have minimum phase: what comes later changes nothing before it.

    Args:
        x: `(channels, times)`: whole patches.
        tables: By condition, log gains at equally spaced frequencies from 0 to half the rate, linear in position,
            `(frequencies, 4)`.
        others: Whose table is for conditions that have none.
        conditions: Of each patch.
        positions: `(channels, 6)` unit-sphere positions.
        largest: Bound of log gains.

    Returns:
        Same shape.
    """
    if not len(conditions):
        return x
    names = np.array([name if name in tables else others for name in conditions])
    of_samples, out = np.repeat(names, x.shape[-1] // len(names)), np.zeros_like(x)
    for name in np.unique(names):
        gains = equaliser_gains(tables[str(name)], positions, largest)
        filters = np.stack([_minimum_phase(tuple(row)) for row in gains])
        out += scipy.signal.oaconvolve(x * (of_samples == name), filters, axes=-1)[:, : x.shape[-1]]
    return out


@lru_cache(maxsize=1024)  # all rows of a batch, and all calls of a stream, have the same few
def _minimum_phase(log_gains: tuple[float, ...]) -> np.ndarray:
    """A causal filter with log gains `(frequencies,)` at equally spaced frequencies from 0 to half the rate."""
    if not any(log_gains):
        return np.ones(1)
    n_taps = 4 * (len(log_gains) - 1) + 1  # twice the period of the distance between frequencies
    # SciPy takes the square root of the magnitude unless told to keep it
    symmetric = scipy.signal.firwin2(n_taps, np.linspace(0, 1, len(log_gains)), np.exp(log_gains))
    return scipy.signal.minimum_phase(symmetric, n_fft=8 * n_taps, half=False)


def to_raw(signal: np.ndarray, recording: Recording, positions: np.ndarray, n_before: int) -> Any:
    """An `mne.io.RawArray` of prompt and continuation.

    Args:
        signal: `(channels, times)`, microvolts, at the recording's rate.
        recording: Gives names, rate, info and annotations.
        positions: `(channels, 6)` unit-sphere positions.
        n_before: Samples before generation begins.
    """
    mne, info = _mne(), _info(recording, positions)
    raw = mne.io.RawArray(signal * 1e-6, info, verbose="error")
    rate = recording.sampling_rate
    onsets, durations, descriptions = [], [], []
    if n_before:
        for onset, duration, description in recording.spans:
            onsets.append(onset)
            durations.append(duration)
            descriptions.append(description)
    onsets.append(n_before / rate)
    durations.append((signal.shape[-1] - n_before) / rate)
    descriptions.append(GENERATED)
    # without an origin the onsets count from the first sample; rounding may put an end past the last one
    raw.set_annotations(mne.Annotations(onsets, durations, descriptions), emit_warning=False)
    return raw


def to_epochs(signals: np.ndarray, recording: Recording, positions: np.ndarray, n_before: int) -> Any:
    """An `mne.EpochsArray` `(rows, channels, times)`, generation beginning at 0 s; see `to_raw`."""
    mne, info = _mne(), _info(recording, positions)
    events = np.stack([np.arange(len(signals)), np.zeros(len(signals)), np.ones(len(signals))], axis=-1).astype(int)
    return mne.EpochsArray(
        signals * 1e-6,
        info,
        events=events,
        event_id={GENERATED: 1},
        tmin=-n_before / recording.sampling_rate,
        verbose="error",
    )


def _info(recording: Recording, positions: np.ndarray) -> Any:
    """The recording's own info, with positions from the names where it has none."""
    mne = _mne()
    if recording.info is not None:
        info = recording.info.copy()
    else:
        info = mne.create_info(recording.ch_names, recording.sampling_rate, "eeg")
    # what was found flat is silent now; names by the info, because MNE numbers those that repeat
    info["bads"] = [name for name, bad in zip(info["ch_names"], recording.bad, strict=True) if bad]
    if not recording.digitised:
        # a bipolar channel is drawn between its two electrodes
        midpoints = positions[:, :3] + positions[:, 3:]
        midpoints = midpoints / np.maximum(np.linalg.norm(midpoints, axis=-1, keepdims=True), 1e-6)
        ch_pos = dict(zip(info["ch_names"], HEAD_RADIUS * midpoints, strict=True))
        info.set_montage(mne.channels.make_dig_montage(ch_pos, coord_frame="head"))
    return info


def _mne() -> Any:
    """MNE, which takes long to import and may be absent: output="array" does without."""
    try:
        import mne
    except ImportError as error:
        raise ImportError(
            "decode() needs MNE for 'raw' and 'epochs': pip install mne, or ask for output='array'."
        ) from error
    return mne
