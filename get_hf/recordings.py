# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Recordings written to disk: as `.edf`, `.fif` or `.npz`, whole or not at all."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from get_hf.processing.files import written_whole

if TYPE_CHECKING:
    import mne


def check_output(path: str | Path, suffixes: tuple[str, ...] = (".edf", ".fif", ".npz")) -> Path:
    """Tells before any work whether a result can be written to `path`.

    Args:
        path: The file that will be written.
        suffixes: The suffixes that can be written.

    Returns:
        `path` as a `Path`.

    Raises:
        ValueError: When the suffix is none of `suffixes`.
        FileNotFoundError: When its folder does not exist.
        IsADirectoryError: When it is a folder.
    """
    path = Path(path)
    if path.suffix.lower() not in suffixes:
        raise ValueError(f"Cannot write {path}: its name must end in {', '.join(suffixes)}.")
    if path.is_dir():
        raise IsADirectoryError(f"Cannot write {path}: it is a folder.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"Cannot write {path}: the folder {path.parent} does not exist.")
    return path


def save_recording(raw: "mne.io.BaseRaw", path: str | Path) -> None:
    """Writes a recording with its annotations, in the format its suffix names.

    `.edf` holds 16 bits per sample over the range of each channel (for an EEG of 200 microvolts, steps of
    0.006) and names of up to 16 characters; `.fif` holds everything MNE knows, in single precision; `.npz`
    holds `data` (channels, times) in microvolts, `sampling_rate` in Hz, `ch_names`, and the annotations'
    `onset` and `duration` in seconds and `description`.

    Args:
        raw: The recording.
        path: Where to write; a file already there is replaced, in one step, when the new one is complete.

    Raises:
        ValueError: When the suffix or, in EDF, a channel name cannot be written.
        OSError: When the folder does not exist or cannot be written to.
    """
    path = check_output(path)
    write = {".edf": _write_edf, ".fif": _write_fif, ".npz": _write_npz}[path.suffix.lower()]
    with written_whole(path) as partial:
        write(raw, partial)


def _write_edf(raw: "mne.io.BaseRaw", path: Path) -> None:
    from edfio import Edf, EdfAnnotation, EdfSignal, Recording

    if long := [name for name in raw.ch_names if len(name) > 16]:
        raise ValueError(f"EDF holds names of up to 16 characters, not {', '.join(long)}: write .fif or .npz.")
    microvolts = raw.get_data(units="uV")
    samples, seconds = _edf_record(raw.n_times, raw.info["sfreq"])
    microvolts = np.pad(microvolts, ((0, 0), (0, -raw.n_times % samples)), mode="edge")
    signals = []
    for name, channel in zip(raw.ch_names, microvolts, strict=True):
        # a whole number, because the header's fields hold 8 characters
        limit = max(1, math.ceil(np.abs(channel).max()))
        signals.append(
            EdfSignal(
                channel,
                samples / seconds,
                label=name,
                physical_dimension="uV",
                physical_range=(-limit, limit),
                digital_range=(-32767, 32767),  # symmetric, so that 0 stays 0
            )
        )
    annotations = [
        EdfAnnotation(onset - raw.first_time, duration, description)
        for onset, duration, description in zip(
            raw.annotations.onset, raw.annotations.duration, raw.annotations.description, strict=True
        )
    ]
    # neither the patient's name nor the date: what is generated was never recorded
    edf = Edf(signals, recording=Recording(), data_record_duration=seconds, annotations=annotations)
    edf.write(path)


def _edf_record(n_times: int, rate: float) -> tuple[int, float]:
    """Chooses the length of EDF's data records, of which a file holds a whole number.

    Looks between 1/4 and 10 seconds for the length that is written exactly in the header's 8 characters,
    needs the fewest samples of padding (nearly always none) and is nearest to the customary second.

    Returns:
        Samples per record, and its duration in seconds.
    """
    shortest, longest = max(1, int(rate / 4)), max(1, min(int(10 * rate), n_times))
    samples = min(
        range(min(shortest, longest), longest + 1),
        key=lambda length: (len(repr(length / rate)) > 8, -n_times % length, abs(length - rate)),
    )
    return samples, float(repr(samples / rate)[:8])


def _write_fif(raw: "mne.io.BaseRaw", path: Path) -> None:
    raw.save(path, verbose="ERROR")  # without the notice that MNE prefers names in _raw.fif


def _write_npz(raw: "mne.io.BaseRaw", path: Path) -> None:
    np.savez_compressed(
        path,
        data=raw.get_data(units="uV").astype(np.float32),
        sampling_rate=raw.info["sfreq"],
        ch_names=np.array(raw.ch_names),
        onset=raw.annotations.onset - raw.first_time,
        duration=raw.annotations.duration,
        description=np.array(raw.annotations.description.tolist(), dtype=str),
    )
