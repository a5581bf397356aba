# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Files: recordings of whatever format MNE reads, and results that are there whole or not at all."""

import re
import shutil
import time
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

# MNE types every channel of an EDF file as EEG, these included
_NOT_EEG = re.compile(
    r"([HV]?EOG|ECG|EKG|EMG|VNS|GSR|RESP|PULSE|SPO2|TEMP|STI|STATUS|TRIG|EVENT|MARKER)", re.IGNORECASE
)

#: Seconds without a change in any channel from which on the end of a file is padding, not signal.
SHORTEST_PADDING = 0.05
#: Age of a temporary folder that no process works in any more.
ABANDONED_SECONDS = 24 * 3600


def load_recording(path: str | Path) -> Any:
    """Reads the EEG channels of a recording into an `mne.io.Raw`.

    Args:
        path: A file of any format MNE reads (EDF, BDF, GDF, FIF, BrainVision, EEGLAB, ...).

    Returns:
        The recording in memory, in volts, without stimulus, EOG, EMG and other channels that are not EEG, and
        without padding at its end.

    Raises:
        FileNotFoundError: When there is nothing at `path`.
        ImportError: Without MNE.
        ValueError: When MNE cannot read it, it holds no samples, or no EEG channels.
    """
    try:
        import mne
    except ImportError as error:
        raise ImportError("Reading a file of EEG needs MNE: pip install mne, or give an array.") from error

    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no recording at {path}.")
    try:
        raw = mne.io.read_raw(path, preload=True, verbose="ERROR")
    except Exception as error:  # each of MNE's readers fails in its own way on a file it does not understand
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ValueError(f"{path} is not a recording that MNE can read: {reason}") from error
    if raw.n_times == 0:
        raise ValueError(f"{path} holds no samples.")

    eeg = [raw.ch_names[pick] for pick in mne.pick_types(raw.info, meg=False, eeg=True, exclude=())]
    eeg = [name for name in eeg if not _NOT_EEG.match(name.strip())]
    if not eeg:
        raise ValueError(f"{path} has no EEG channels, only {', '.join(raw.ch_names) or 'none at all'}.")
    if dropped := [name for name in raw.ch_names if name not in eeg]:
        warnings.warn(f"{path.name}: left out what is not EEG: {', '.join(dropped)}.", stacklevel=2)
    return _without_padding(raw.pick(eeg), path.name)


def _without_padding(raw: Any, name: str) -> Any:
    """Leaves out an end at which no channel moves: EDF fills its last record up, and no brain goes on from there."""
    data = raw.get_data()
    moving = np.flatnonzero((np.diff(data, axis=-1) != 0).any(axis=0))
    n_still = raw.n_times - 2 - moving[-1] if len(moving) else 0
    rate = raw.info["sfreq"]
    if n_still < SHORTEST_PADDING * rate:
        return raw
    warnings.warn(f"{name}: left out the last {n_still / rate:.2f} s, in which no channel moves.", stacklevel=3)
    return raw.crop(tmax=(raw.n_times - n_still - 1) / rate)


@contextmanager
def folder_beside(path: Path) -> Iterator[Path]:
    """Gives a folder of its own beside `path`, on the same disk, and removes it in the end.

    Its name is known before it is there: an interrupt between making a folder and hearing its name, as
    `tempfile.TemporaryDirectory` may have one, would leave it behind.
    """
    folder = path.absolute().parent / f".get-hf-{uuid.uuid4().hex[:12]}"
    for left in folder.parent.glob(".get-hf-" + 12 * "[0-9a-f]"):  # by a process that was killed
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(left)
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Gives a path beside `path` to write to, and moves what was written into place when all went well.

    The name stays the same and only the folder differs, because writers choose the format by the suffix and
    FIF splits what exceeds 2 GB into files that name one another.
    """
    with folder_beside(path) as folder:
        yield folder / path.name
        for part in folder.iterdir():
            part.replace(path.parent / part.name)
