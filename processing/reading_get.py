# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Checks the recordings that users pass (files, MNE objects, arrays, lists), and converts them to one format."""

import importlib
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from .stretches_get import is_bad, is_bad_channel, last_stretch
from .units_get import volts_per_unit

#: Bounds of plausible sampling rates in Hz. Rates in kilohertz and sampling intervals in seconds are outside.
PLAUSIBLE_HZ = (20.0, 100_000.0)
#: Length in seconds of the end of a file that is read, unless the model's context is longer. Filters, amplitudes and
#: blinks are estimated from everything that is read. Earlier samples would add little information about the end.
CALIBRATION_SECONDS = 600.0
#: Standard deviation in microvolts up to which a channel counts as flat.
FLAT_MICROVOLTS = 1e-2


@dataclass
class Trials:
    """The information on a set of epochs without their samples. All epochs of the set share it.

    Attributes:
        events: Events `(epochs, 3)` int, in MNE's format.
        event_id: Mapping from names of events to their codes.
        tmin: Begin of the epochs, in seconds from the event.
        metadata: Metadata of MNE with one row for each event, a `pandas.DataFrame`. None if there are none.
        annotations: `mne.Annotations` of the recording from which the epochs were cut. None if there are none.
        raw_sfreq: Sampling rate in Hz of the sample numbers in `events`. None if it is not known.
    """

    events: np.ndarray
    event_id: dict[str, int]
    tmin: float
    metadata: Any = None
    annotations: Any = None
    raw_sfreq: float | None = None


@dataclass
class Recording:
    """A recording (or a part of one) in the format of the feature extractor.

    Attributes:
        data: Samples `(channels, times)` float64 in microvolts.
        sampling_rate: Sampling rate in Hz.
        ch_names: Channel names as the user wrote them.
        bad: Whether each channel is marked as bad or is flat, bool `(channels,)`.
        digitised: Mapping from channel names to electrode positions, in metres in MNE's head frame. Empty if the
            positions are not known.
        spans: Onset, duration and description of each annotation, in seconds from the first sample.
        info: The `mne.Info` of the channels. None if there is none.
        span_channels: Channel names of each span. Empty if the span belongs to all channels.
        start: Time of the first sample, in seconds after the date of `info`.
        trials: The set of epochs to which the recording belongs. None if it is not an epoch.
        trial: Index of the recording in this set.
        edges: Samples at which the recording continues after an interruption.
        session: Index of the list item from which the recording was read. Recordings from one item (its epochs or
            rows) can share a calibration.
    """

    data: np.ndarray
    sampling_rate: float
    ch_names: list[str]
    bad: np.ndarray = field(default=None)
    digitised: dict[str, np.ndarray] = field(default_factory=dict)
    spans: list[tuple[float, float, str]] = field(default_factory=list)
    info: Any = None
    span_channels: list[tuple[str, ...]] = field(default_factory=list)
    start: float = 0.0
    trials: Trials | None = None
    trial: int = 0
    edges: list[int] = field(default_factory=list)
    session: int = 0


def read_recordings(
    recording: Any,
    sampling_rate: float | None,
    ch_names: Sequence[str] | None,
    unit: str | None,
    context_seconds: float | None = None,
) -> list[Recording]:
    """Returns a list of all recordings in the input: one for each `Raw`, epoch, or row of an array with three axes.

    If a part of a `Raw` is annotated as bad (`BAD_...`), only the last good part is returned. Interruptions are
    returned as `edges`.

    Args:
        recording: Path of a file, `mne.io.Raw`, `mne.Epochs`, an array `(channels, times)` or `(batch,
            channels, times)`, or a list of these.
        sampling_rate: Sampling rate of arrays in Hz.
        ch_names: Channel names of arrays. For a file, names of the channels to read.
        unit: Unit of arrays: "V", "mV", "uV" or "nV". For a file, the unit of its samples if the file contains no
            unit.
        context_seconds: Length of the model's context in seconds. The last `CALIBRATION_SECONDS` of a file are read,
            or this length if it is longer. None: everything is read.

    Raises:
        FileNotFoundError: There is no such file.
        ImportError: A file is passed, and get-hf is not installed.
        ValueError: The input cannot be EEG with the declared properties. The message states the contradiction.
    """
    if isinstance(recording, (str, Path)):
        recording, ch_names, unit = _loaded(recording, ch_names, unit, context_seconds), None, None
    mne = sys.modules.get("mne")  # unless MNE was imported, nothing can be an object of it
    if mne is not None and isinstance(recording, mne.io.BaseRaw):
        _check_declared(recording, sampling_rate, ch_names, unit)
        return [check_recording(_from_raw(recording))]
    if mne is not None and isinstance(recording, mne.BaseEpochs):
        _check_declared(recording, sampling_rate, ch_names, unit)
        return [check_recording(r) for r in _from_epochs(recording)]
    if isinstance(recording, (list, tuple)) and not recording:
        raise ValueError("The list of recordings is empty: give at least one recording.")
    if isinstance(recording, (list, tuple)) and not all(np.isscalar(row) for row in recording):
        rows = list(recording)
        if not all(isinstance(row, (list, tuple)) for row in rows):
            read = [read_recordings(row, sampling_rate, ch_names, unit, context_seconds) for row in rows]
            return [replace(one, session=number) for number, entry in enumerate(read) for one in entry]
    data = _to_array(recording)
    if data.ndim not in (2, 3):
        raise ValueError(
            f"An array of EEG is (channels, times) or (batch, channels, times), not {data.shape}: add "
            "the channel axis to a single channel, x[None]."
        )
    rows = data[None] if data.ndim == 2 else data
    if not len(rows):
        raise ValueError(f"The batch of shape {data.shape} holds no recording: give at least one.")
    return [check_recording(_from_array(row, sampling_rate, ch_names, unit)) for row in rows]


def _loaded(path: str | Path, ch_names: Sequence[str] | None, unit: str | None, context_seconds: float | None) -> Any:
    """Reads a file. This needs an installed get-hf, because its file reader is not saved with the weights."""
    try:
        loading = importlib.import_module("get_hf.processing.loading")
    except ImportError as error:
        raise ImportError(
            f"Reading {path} needs get-hf, which is not here: pip install get-hf, or give an mne object or an array."
        ) from error
    last_seconds = None if context_seconds is None else max(context_seconds, CALIBRATION_SECONDS)
    return loading.load_recording(path, channels=ch_names, unit=unit, last_seconds=last_seconds)


def _to_array(recording: Any) -> np.ndarray:
    if n_masked := _count_masked(recording):
        raise ValueError(
            f"{n_masked:,} samples of the array are masked, and hold no signal: crop or interpolate them, "
            "or leave their channels out."
        )
    try:
        if hasattr(recording, "detach"):
            recording = recording.detach().cpu()
            if recording.is_floating_point():
                recording = recording.double()  # NumPy has neither bfloat16 nor float8
            recording = recording.numpy()
        if np.asarray(recording).dtype.kind in "cmM":  # NumPy would drop the imaginary part of complex numbers
            raise TypeError
        return np.asarray(recording, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{type(recording).__name__} is not an EEG recording: give a file, an mne Raw or Epochs, an array "
            "(channels, times), or a list of those."
        ) from error


def _count_masked(recording: Any) -> int:
    """Returns the number of masked samples in an array, or in lists of arrays."""
    if isinstance(recording, (list, tuple)):
        return sum(_count_masked(row) for row in recording if isinstance(row, (list, tuple, np.ma.MaskedArray)))
    return int(np.ma.count_masked(recording)) if isinstance(recording, np.ma.MaskedArray) else 0


def _from_array(
    data: np.ndarray, sampling_rate: float | None, ch_names: Sequence[str] | None, unit: str | None
) -> Recording:
    check_ch_names(ch_names)
    if sampling_rate is None:
        raise ValueError("An array has no sampling rate of its own: pass sampling_rate= in Hz.")
    volts = volts_per_unit(unit) if isinstance(unit, str) else None
    if volts is None:
        raise ValueError(f"An array's unit must be declared as one of V, mV, uV, nV, not {unit!r}: pass unit=.")
    if ch_names is None:
        raise ValueError(f"An array has no names for its {len(data)} channels: pass ch_names=.")
    if len(ch_names) != len(data):
        raise ValueError(f"ch_names has {len(ch_names)} names, the array {len(data)} channels: give one name each.")
    return Recording(data * (1e6 * volts), check_rate(sampling_rate), [str(name) for name in ch_names])


def no_recording(sampling_rate: float, ch_names: Sequence[str] | None, unit: str | None) -> Recording:
    """Returns a recording without samples, with the channels that are generated from nothing.

    Raises:
        ValueError: There are no channels, the rate is impossible, or a unit is given although there are no samples.
    """
    check_ch_names(ch_names)
    if ch_names is None or not len(ch_names):
        raise ValueError("Generation from nothing needs the channels to generate: pass ch_names=.")
    if unit is not None:
        raise ValueError(f"unit={unit!r} describes an array, and no recording was given: leave unit out.")
    names = [str(name) for name in ch_names]
    return Recording(np.zeros((len(names), 0)), check_rate(sampling_rate), names, bad=np.zeros(len(names), dtype=bool))


def check_people(person: Any) -> list[int | None]:
    """Returns a list with the number of a virtual person for each item; None means the average person.

    Raises:
        ValueError: A number is not an integer from 0 up, or there are no numbers.
    """
    people = [person] if person is None or np.ndim(person) == 0 else list(person)
    for number in people:
        is_whole = isinstance(number, (int, np.integer)) and not isinstance(number, bool)
        if number is not None and not (is_whole and number >= 0):
            raise ValueError(f"person must be a whole number from 0 up, or several of them, not {number!r}.")
    if not people:
        raise ValueError("person holds no number: give one for each item, or leave it out for the average person.")
    return people


def check_ch_names(ch_names: Any) -> None:
    """Checks that channel names are not a single string, whose letters would be read as channels ("C" and "z").

    Raises:
        ValueError: The argument is a single string, or is not a list of names.
    """
    if ch_names is not None and not hasattr(ch_names, "__len__"):
        raise ValueError(f"ch_names must be a list of names, not {ch_names!r}.")
    if isinstance(ch_names, str):
        raise ValueError(f"ch_names is the one string {ch_names!r}: give a list of names, such as [{ch_names!r}].")


def _check_declared(recording: Any, sampling_rate: Any, ch_names: Any, unit: Any) -> None:
    """Checks that no argument contradicts an MNE object, which has its own rate, names and unit (volts)."""
    own_rate = recording.info["sfreq"]
    if sampling_rate is not None and not np.isclose(sampling_rate, own_rate):
        raise ValueError(
            f"sampling_rate={sampling_rate} Hz contradicts the recording's own {own_rate} Hz: leave sampling_rate out."
        )
    if unit not in (None, "V"):
        raise ValueError(f"unit={unit!r} contradicts MNE, which keeps EEG in volts: leave unit out.")
    if ch_names is not None:
        raise ValueError("ch_names= is for arrays; an MNE object has its own: use recording.pick(...) to choose.")


def eeg_info(info: Any, described: str) -> tuple[np.ndarray, Any, dict[str, np.ndarray], np.ndarray]:
    """The EEG channels of an MNE object: their numbers, info, digitised positions, and which are marked bad.

    Raises:
        ValueError: There is none.
    """
    mne = sys.modules["mne"]
    picks = mne.pick_types(info, meg=False, eeg=True, seeg=True, ecog=True, dbs=True, exclude=[])
    if not len(picks):
        kinds = sorted(set(info.get_channel_types()))
        raise ValueError(
            f"The {described} has no EEG channel, only {', '.join(kinds) or 'none at all'}: set the types "
            "with set_channel_types."
        )
    info = mne.pick_info(info, picks)
    located = {ch["ch_name"]: np.asarray(ch["loc"][:3], dtype=np.float64) for ch in info["chs"]}
    digitised = {name: xyz for name, xyz in located.items() if np.isfinite(xyz).all() and np.any(xyz)}
    bad = np.array([name in info["bads"] for name in info["ch_names"]])
    return picks, info, digitised, bad


def _from_raw(raw: Any) -> Recording:
    raw, edges = _last_stretch(raw)
    picks, info, digitised, bad = eeg_info(raw.info, "recording")
    names = list(info["ch_names"])
    spans, channels = [], []
    for annotation, about in zip(raw.annotations, raw.annotations.ch_names, strict=True):
        kept = tuple(name for name in about if name in names)
        if about and not kept:
            continue  # all its channels are not EEG
        # onsets count from the beginning of the measurement; a cropped recording begins later
        onset, text = float(annotation["onset"]) - raw.first_time, str(annotation["description"])
        if not about and is_bad(text) and not 0 < round(onset * info["sfreq"]) < raw.n_times:
            continue  # the remaining part of a cropped bad span would look like an interruption
        spans.append((onset, float(annotation["duration"]), text))
        channels.append(kept)
    for index, name in enumerate(names):
        own = zip(spans, channels, strict=True)
        bad_spans = [(onset, length) for (onset, length, text), about in own if name in about and is_bad(text)]
        bad[index] |= is_bad_channel(bad_spans, raw.n_times / info["sfreq"])
    data = raw.get_data(picks=picks)
    data *= 1e6
    return Recording(
        data, float(info["sfreq"]), names, bad, digitised, spans, info, channels, float(raw.first_time),
        edges=edges,
    )  # fmt: skip


def annotated_spans(raw: Any) -> list[tuple[float, float, str]]:
    """Returns onset, duration and description of each annotation of all channels, in seconds from the first sample."""
    notes = raw.annotations
    columns = zip(notes.onset - raw.first_time, notes.duration, notes.description, notes.ch_names, strict=True)
    return [(float(onset), float(length), str(text)) for onset, length, text, names in columns if not names]


def _last_stretch(raw: Any) -> tuple[Any, list[int]]:
    """Finds the last good part of a recording from its annotations; returns it and the interruptions in it."""
    rate = raw.info["sfreq"]
    spans = annotated_spans(raw)
    start, stop, edges = last_stretch(spans, raw.n_times, rate)
    if stop - start == raw.n_times:
        return raw, edges
    reasons = sorted({text for onset, length, text in spans if is_bad(text)})
    warnings.warn(
        f"Only {start / rate:.4g} to {stop / rate:.4g} s of {raw.n_times / rate:.4g} s are read: the rest is before, "
        f"in or after stretches annotated {_some(reasons)}.",
        stacklevel=2,
    )
    return raw.copy().crop(start / rate, (stop - 1) / rate), edges


def _from_epochs(epochs: Any) -> list[Recording]:
    picks, info, digitised, bad = eeg_info(epochs.info, "set of epochs")
    names = {code: name for name, code in epochs.event_id.items()}
    epochs = epochs.copy().drop_bad(verbose="error")
    if not len(epochs):
        raise ValueError("The set of epochs is empty: no epoch survived, see epochs.drop_log.")
    data = epochs.get_data(picks=picks) * 1e6
    rate, tmin = float(info["sfreq"]), float(epochs.tmin)
    length = data.shape[-1] / rate
    if tmin + length <= 0:
        warnings.warn(
            f"The epochs end {-tmin - length:.3f} s before their events, so those events label neither the epochs "
            "nor what follows: pass next_condition= to say what comes next.",
            stacklevel=4,
        )
    raw_sfreq = getattr(epochs, "_raw_sfreq", None)
    annotations = epochs.annotations if raw_sfreq and len(epochs.annotations or ()) else None
    trials = Trials(epochs.events, dict(epochs.event_id), tmin, epochs.metadata, annotations, raw_sfreq)
    around = [[]] * len(data) if annotations is None else epochs.get_annotations_per_epoch()
    return [
        Recording(
            row, rate, list(info["ch_names"]), bad.copy(), digitised,
            _labels(around[index], names[code], tmin, length), info, trials=trials, trial=index,
        )
        for index, (row, code) in enumerate(zip(data, epochs.events[:, 2], strict=True))
    ]  # fmt: skip


def _labels(
    annotations: list[tuple[float, float, str]], event: str, tmin: float, length: float
) -> list[tuple[float, float, str]]:
    """Returns the spans of an epoch in seconds from its first sample: its annotations and its event.

    The span of the event begins at the event. `annotations` (onset, duration, description) and `tmin` (begin of the
    epoch) are in seconds from the event. Spans are sorted by onset, because the last span counts where spans overlap.
    Of spans with equal onsets, the event is the last.
    """
    timed = sorted([*annotations, (0.0, np.inf, event)], key=lambda span: span[0])
    ends = [(max(0.0, onset - tmin), min(length, onset + lasts - tmin), name) for onset, lasts, name in timed]
    return [(onset, end - onset, name) for onset, end, name in ends if onset < length and onset <= end]


def check_rate(sampling_rate: float) -> float:
    """Returns the sampling rate in Hz if it is plausible.

    Raises:
        ValueError: It is not a number, or not a plausible sampling rate of EEG.
    """
    low, high = PLAUSIBLE_HZ
    if isinstance(sampling_rate, bool) or not isinstance(sampling_rate, Real) or not low <= sampling_rate <= high:
        raise ValueError(
            f"sampling_rate={sampling_rate!r} is not a rate of EEG, which is sampled at {low:g} to {high:g} "
            "Hz: give samples per second."
        )
    return float(sampling_rate)


def check_recording(recording: Recording) -> Recording:
    """Checks that a recording is a possible signal, and marks flat channels as bad.

    The samples of bad channels are not checked.

    Raises:
        ValueError: The rate is impossible; there are no samples; some samples are NaN or infinite; or all channels are
            bad or flat.
    """
    data, names = recording.data, recording.ch_names
    check_rate(recording.sampling_rate)
    if not data.size:
        raise ValueError(f"The recording is empty: {data.shape[0]} channels of {data.shape[-1]} samples.")
    if recording.bad is None:
        recording.bad = np.zeros(len(data), dtype=bool)
    if recording.bad.all():
        raise ValueError(f"All {len(names)} channels are marked bad: review info['bads'] of the recording.")
    good = np.flatnonzero(~recording.bad)
    names, data = [names[index] for index in good], [data[index] for index in good]
    broken = [name for name, row in zip(names, data, strict=True) if not np.isfinite(row).all()]
    if broken:
        raise ValueError(
            f"{len(broken)} of {len(names)} channels hold NaN or infinite samples ({_some(broken)}): drop "
            "the channels, or crop or interpolate the samples."
        )
    # an offset is not an error, because DC amplifiers have one
    if not any(np.ptp(row) > 0 for row in data):
        raise ValueError(
            f"All {len(names)} channels are flat: the recording holds no signal; check the file and the gain."
        )
    flat = np.array([np.std(row) <= FLAT_MICROVOLTS for row in data])
    if flat.all():  # then the unit is probably wrong, and only constant channels count as flat
        flat = np.array([np.ptp(row) == 0 for row in data])
    recording.bad[good[flat]] = True
    if recording.bad.any():
        masked = [name for name, bad in zip(recording.ch_names, recording.bad, strict=True) if bad]
        warnings.warn(f"Bad or flat channels are masked: {_some(masked)}.", stacklevel=2)
    return recording


def _some(names: Sequence[str]) -> str:
    """Returns the first few names for a message, and the number of the other names."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
