# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The last step of decoding: from microvolts back to MNE objects."""

from typing import Any

import numpy as np

from .reading_get import Recording

#: Description of the annotation over what GET made.
GENERATED = "GET generated"
#: Below what share of the band's lower edge drift is taken out of what was generated. The transform's filters sum
#: innovations up, and are too short to see where the high-pass begins: there what they make is as strong as above. The
#: shapes of events have passed it, and lack only what it does beyond their ends.
DRIFT, DRIFT_OF_EVENTS = 0.92, 0.7
#: Radius of the sphere on which channels without digitised positions are drawn, in metres; MNE's own default.
HEAD_RADIUS = 0.095


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
