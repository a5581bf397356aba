# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Converts generated signals in microvolts to MNE objects, which is the last step of decoding."""

import copy
import itertools
import warnings
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import scipy

from .features_get import Prompt
from .reading_get import Recording, Trials

#: Description of the annotation that marks generated EEG.
GENERATED = "GET generated"
#: Radius in metres of the sphere on which channels without digitised positions are placed; MNE has the same default.
HEAD_RADIUS = 0.095
#: Fields of `mne.Info` that describe the signal. The other fields contain the person, the date, the experimenter and
#: the device.
OF_THE_SIGNAL = ("bads", "chs", "custom_ref_applied", "highpass", "line_freq", "lowpass", "projs")
#: FIFF numbers of the kinds of digitised points that are kept: fiducials and electrodes.
DIGITISED = (1, 3)


def to_output(
    signals: Sequence[np.ndarray],
    prompts: Sequence[Prompt],
    output: str,
    include_prompt: bool,
    band: Sequence[float],
    keep_identity: bool,
) -> list[Any]:
    """Converts signals `(channels, times)` in microvolts to the output of `decode`; each signal has its prompt."""
    signals = [keep_projected(signal, prompt.recording) for signal, prompt in zip(signals, prompts, strict=True)]
    if output == "array":
        return signals

    def form(prompt: Prompt) -> tuple:
        n_before = prompt.n_times if include_prompt else 0
        return prompt.positions, n_before, prompt.n_times - n_before, band, keep_identity

    pairs = list(zip(signals, prompts, strict=True))
    if output == "raw":
        return [to_raw(signal, prompt.recording, *form(prompt)) for signal, prompt in pairs]
    # all epochs of one set go to one MNE object
    sets = itertools.groupby(pairs, key=lambda pair: id(pair[1].recording.trials or pair[1]))
    rows = [list(rows) for _, rows in sets]
    return [
        to_epochs(np.stack([signal for signal, _ in each]), [p.recording for _, p in each], *form(each[0][1]))
        for each in rows
    ]


def to_raw(
    signal: np.ndarray,
    recording: Recording,
    positions: np.ndarray,
    n_before: int,
    n_left_out: int = 0,
    band: Sequence[float] = (0.0, np.inf),
    keep_identity: bool = False,
) -> Any:
    """Creates an `mne.io.RawArray` of prompt and continuation.

    Args:
        signal: Signal `(channels, times)` in microvolts at the recording's sampling rate.
        recording: The recording, from which names, sampling rate, info and annotations are copied.
        positions: Positions `(channels, 6)` on the unit sphere.
        n_before: Number of samples of `signal` before the first generated sample.
        n_left_out: Number of samples of the recording before the first sample of `signal`.
        band: Lowest and highest frequency of the signal, in Hz.
        keep_identity: Whether to copy the information on the person, the date and the experimenter.
    """
    rate = recording.sampling_rate
    spans = [
        (*span, channels)
        for span, channels in itertools.zip_longest(recording.spans, recording.span_channels, fillvalue=())
        if n_before
    ]
    spans.append((n_before / rate, (signal.shape[-1] - n_before) / rate, GENERATED, ()))
    # the end of the recording may have been generated earlier
    start = min(onset for onset, _, description, _ in spans if description == GENERATED)
    began = recording.start + n_left_out / rate
    mne, info = _mne(), _info(recording, positions, start, band, keep_identity, began)
    raw = mne.io.RawArray(signal * 1e-6, info, verbose="error")
    # onsets count from the first sample, because the annotations have no origin; due to rounding, an annotation may
    # end after the last sample
    onsets, durations, descriptions, channels = zip(*spans, strict=True)
    raw.set_annotations(mne.Annotations(onsets, durations, descriptions, ch_names=channels), emit_warning=False)
    return raw


def to_epochs(
    signals: np.ndarray,
    recordings: Sequence[Recording],
    positions: np.ndarray,
    n_before: int,
    n_left_out: int = 0,
    band: Sequence[float] = (0.0, np.inf),
    keep_identity: bool = False,
) -> Any:
    """Creates an `mne.EpochsArray` from the epochs of one set, or from one recording; see `to_raw`.

    Epochs keep their times, events and metadata. If the recording is not an epoch, the event is the start of
    generation, at 0 s. The metadata of each row contain the start of generation (`generated_from`, in seconds on the
    time axis of the row) and the number of the sample among all samples from the same recording (`generated_draw`,
    from 0 up).

    `signals` has the shape `(rows, channels, times)` and is in microvolts. Row i continues `recordings[i]`. The
    recordings are epochs of one set, or all are the same recording. The other arguments are as for `to_raw`.
    """
    mne, rate = _mne(), recordings[0].sampling_rate
    trials = recordings[0].trials
    if trials is None:
        trials = Trials(np.array([[0, 0, 1]]), {GENERATED: 1}, -(n_left_out + n_before) / rate)
    rows = np.array([recording.trial for recording in recordings])
    draws = np.array([np.count_nonzero(rows[:index] == row) for index, row in enumerate(rows)])
    events = trials.events[rows]
    events[:, 0] = _one_each(events[:, 0])
    seam = trials.tmin + (n_left_out + n_before) / rate
    metadata, start = _metadata(trials.metadata, rows, draws, seam)
    # all epochs share one list of bad channels, so a channel that is zero in one epoch is bad in all epochs
    bad = np.any([recording.bad for recording in recordings], axis=0)
    epochs = mne.EpochsArray(
        signals * 1e-6,
        _info(replace(recordings[0], bad=bad), positions, start, band, keep_identity),
        events=events,
        event_id=trials.event_id,
        tmin=trials.tmin + n_left_out / rate,
        proj=False,  # projectors that were not applied before are not applied here
        metadata=metadata,
        raw_sfreq=trials.raw_sfreq,
        on_missing="ignore",  # an event may have no epochs, because all were dropped
        verbose="error",
    )
    if trials.annotations is not None:
        annotations = trials.annotations.copy()
        if not keep_identity:
            annotations = mne.Annotations(
                annotations.onset, annotations.duration, annotations.description, ch_names=annotations.ch_names
            )
        epochs.set_annotations(annotations, on_missing="ignore")
    return epochs


def _one_each(samples: np.ndarray) -> np.ndarray:
    """Moves each repeated sample number of an event to the next free one, because MNE needs different numbers."""
    moved, last = samples.copy(), -1
    for index in np.argsort(samples, kind="stable"):
        last = moved[index] = max(samples[index], last + 1)
    return moved


def _metadata(source: Any, rows: np.ndarray, draws: np.ndarray, seam: float) -> tuple[Any, float]:
    """Returns the metadata of EEG that was generated from `rows` of `source`.

    The second value is the earliest start of generation in seconds.
    """
    try:
        import pandas as pd
    except ImportError:  # then MNE accepts dictionaries
        old = [dict(source[row]) if source is not None else {} for row in rows]
        for row, draw in zip(old, draws.tolist(), strict=True):
            row |= {"generated_from": min(seam, row.get("generated_from", seam)), "generated_draw": draw}
        return old, min(row["generated_from"] for row in old)
    frame = pd.DataFrame(index=range(len(rows))) if source is None else source.iloc[rows].reset_index(drop=True)
    # the end of an epoch may have been generated earlier
    before = pd.to_numeric(frame["generated_from"], errors="coerce") if "generated_from" in frame else seam
    frame = frame.assign(generated_from=np.fmin(before, seam), generated_draw=draws)
    return frame, float(frame["generated_from"].min())


def keep_projected(signal: np.ndarray, recording: Recording) -> np.ndarray:
    """Applies to a signal `(channels, times)` the same projectors that were applied to the recording."""
    vectors = [
        vector
        for projector in _applied(recording)
        for vector in _weights(projector, recording)
        if set(projector["data"]["col_names"]) <= set(recording.info["ch_names"]) and not vector[recording.bad].any()
    ]
    if not vectors:
        return signal
    basis = scipy.linalg.orth(np.stack(vectors, axis=-1))
    return signal - basis @ (basis.T @ signal)


def _applied(recording: Recording) -> list[Any]:
    return [] if recording.info is None else [p for p in recording.info["projs"] if p["active"]]


def _weights(projector: Any, recording: Recording) -> np.ndarray:
    """Returns the vectors of a projector as weights of the recording's channels, `(vectors, channels)`."""
    data = projector["data"]
    columns = {name: index for index, name in enumerate(data["col_names"])}
    weights = np.zeros((len(data["data"]), len(recording.info["ch_names"])))
    for place, name in enumerate(recording.info["ch_names"]):
        if name in columns:
            weights[:, place] = data["data"][:, columns[name]]
    return weights


def _info(
    recording: Recording,
    positions: np.ndarray,
    start: float,
    band: Sequence[float],
    keep_identity: bool,
    began: float = 0.0,
) -> Any:
    """Creates the `mne.Info` of the signal from the info of the recording; adds positions if it has none."""
    mne, source = _mne(), recording.info
    names = recording.ch_names if source is None else source["ch_names"]
    info = mne.create_info(names, recording.sampling_rate, "eeg") if source is None or not keep_identity else None
    info = source.copy() if info is None else info
    said = f"{GENERATED} from {start:.3f} s on"
    with info._unlock():
        if source is not None and not keep_identity:
            info.update({key: copy.deepcopy(source[key]) for key in OF_THE_SIGNAL})
            # the shape of a head can identify a person
            info["dig"] = [point for point in source["dig"] or () if int(point["kind"]) in DIGITISED] or None
        elif info["meas_date"] is not None:
            info["meas_date"] += timedelta(seconds=began)
        info["lowpass"] = min(info["lowpass"], band[1])
        info["highpass"] = max(info["highpass"], band[0])
        info["description"] = "; ".join(filter(None, [info["description"], said]))
        broken = [p["desc"] for p in _applied(recording) if _weights(p, recording)[:, recording.bad].any()]
        if broken:
            warnings.warn(
                "Applied projectors that mix masked channels no longer hold, so they are left out: "
                f"{', '.join(broken)}.",
                stacklevel=2,
            )
            info["projs"] = [p for p in info["projs"] if not (p["active"] and p["desc"] in broken)]
    # flat channels are zero in the signal; names are read from the info, because MNE adds numbers to repeated names
    info["bads"] = [name for name, bad in zip(info["ch_names"], recording.bad, strict=True) if bad]
    if not recording.digitised:
        # a bipolar channel is placed between its two electrodes
        midpoints = positions[:, :3] + positions[:, 3:]
        midpoints = midpoints / np.maximum(np.linalg.norm(midpoints, axis=-1, keepdims=True), 1e-6)
        ch_pos = dict(zip(info["ch_names"], HEAD_RADIUS * midpoints, strict=True))
        info.set_montage(mne.channels.make_dig_montage(ch_pos, coord_frame="head"))
    return info


def _mne() -> Any:
    """Imports MNE only when it is needed, because it is slow to import, and output="array" works without it."""
    try:
        import mne
    except ImportError as error:
        raise ImportError(
            "decode() needs MNE for 'raw' and 'epochs': pip install mne, or ask for output='array'."
        ) from error
    return mne
