# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Guinea-Bissau: rest with eyes closed and open, of people with and without epilepsy, with an Emotiv EPOC.

`EEGs_Guinea-Bissau/signal-16.csv.gz` is a table with one row per sample. Its columns are 14 channels in microvolts on
an offset of about 4200, the packet counter of the headset, and the quality of each contact from 0 (none) to 4 (good).
`metadata_guineabissau.csv` says for each person whether the eyes were closed for three minutes and then open for two,
or the reverse, and how many seconds were recorded. It holds remarks on people for whom this was different; `_CHANGES`
and `_UNCLEAR` follow them. No time of the change was recorded, so `_MARGIN` seconds around it have no condition. No
seizure is marked in the people with epilepsy.
"""

import csv
import re
from functools import partial
from pathlib import Path

import mne
import numpy as np

from .artefacts import mark_artefacts
from .corpus import Corpus, CorpusUnavailableError, Recording
from .reading import local_files

CHANNELS = ("AF3", "AF4", "F3", "F4", "F7", "F8", "FC5", "FC6", "O1", "O2", "P7", "P8", "T7", "T8")
RATE = 128.0
METADATA = "metadata_guineabissau.csv"
_FOLDERS = ("guinea-bissau", "epilepsy-detection-using-ML")
_PATTERN = "EEGs_Guinea-Bissau/signal-*.csv.gz"
_OBTAIN = (
    f"fetch EEGs_Guinea-Bissau.zip and {METADATA} from https://zenodo.org/records/1252141, unpack the archive in a "
    "folder guinea-bissau and put the table beside its folder EEGs_Guinea-Bissau"
)
#: The sensors that all channels are measured against; without their contact, no channel is good.
_COMMON = ("CQ_CMS", "CQ_DRL")
#: Values of the packet counter, which counts from 0 to 128.
_COUNTS = 129
#: The lowest quality of a contact that counts as good: 3 is fair, 4 is good.
_FAIR = 3
#: Largest amplitude in microvolts. Most of what is larger are sensors that slip; only the strongest blinks are, too.
_LIMIT = 150.0
#: Conditions before and after the change, by the column `Eyes.condition`.
_ORDERS = {
    "closed-3min-then-open-2min": ("eyes_closed", "eyes_open"),
    "open-3min-then-closed-2min": ("eyes_open", "eyes_closed"),
}
#: Earliest and latest second of the change, and its values for people whose remarks name another time.
_CHANGE = (180.0, 180.0)
_CHANGES = {
    **dict.fromkeys((13, 29, 40, 58, 67), (180.0, 210.0)),
    44: (180.0, 240.0),
    61: (180.0, 300.0),
}
#: People without conditions: 25 was recorded for seven minutes without a remark, and the remark on 37 contradicts the
#: column and names three states.
_UNCLEAR = (25, 37)
#: Number of seconds after the change for which the second state lasts, and of seconds without a condition at a change.
_SECOND, _MARGIN = 120.0, 15.0


def _find(data_dir: Path | None) -> list[Recording]:
    folder, files = local_files("guinea-bissau", data_dir, _FOLDERS, _PATTERN, _OBTAIN)
    table = _metadata(folder / METADATA)
    by_number = {int(found[1]): file for file in files if (found := re.search(r"-(\d+)\.csv\.gz$", file.name))}
    return [_recording(number, by_number[number], folder / METADATA, table) for number in sorted(by_number)]


def _recording(number: int, file: Path, metadata: Path, table: dict[int, tuple[str, float]]) -> Recording:
    opener = partial(_open, file, number, table.get(number))
    return Recording(f"signal-{number}", "rest", opener, None, None, (file, metadata))


def _metadata(path: Path) -> dict[int, tuple[str, float]]:
    """Reads the value of `Eyes.condition` and the number of recorded seconds, by the number of the person.

    Raises:
        CorpusUnavailableError: The table is missing or is another one.
    """
    if not path.is_file():
        raise CorpusUnavailableError(f"guinea-bissau has recordings but no {path}: {_OBTAIN}.")
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        return {int(row["subject.id"]): (row["Eyes.condition"], float(row["recordedPeriod"])) for row in rows}
    except (KeyError, TypeError, ValueError) as error:
        raise CorpusUnavailableError(
            f"{path} is not the table of the corpus ({type(error).__name__}: {error}): {_OBTAIN}."
        ) from error


def _open(file: Path, number: int, about: tuple[str, float] | None) -> mne.io.BaseRaw:
    if about is None:
        raise ValueError(f"{METADATA} has no row for {file}: fetch it again.")
    order, seconds = about
    if order not in _ORDERS:
        raise ValueError(f"{METADATA} says {order!r} of {file}, which is none of {', '.join(_ORDERS)}.")
    microvolts, contact, lost = _read(file)
    n_times = microvolts.shape[-1]
    if abs(n_times / RATE - seconds) > 1:
        raise ValueError(
            f"{file} is cut off or is another file: it has {n_times / RATE:g} s and {METADATA} says {seconds:g} s."
        )
    info = mne.create_info(list(CHANNELS), RATE, "eeg")
    info["line_freq"] = 50.0
    centred = microvolts - np.median(microvolts, axis=-1, keepdims=True)
    raw = mne.io.RawArray(1e-6 * centred, info, verbose="ERROR")
    for sample in lost:
        raw.annotations.append(sample / RATE, 0.0, "BAD boundary")
    for begin, end, condition in _states(number, order, n_times / RATE):
        raw.annotations.append(begin, end - begin, condition)
    return mark_artefacts(raw, contact, _LIMIT)


def _read(file: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reads a table.

    Returns:
        Samples `(channels, times)` in microvolts with their offset; whether each contact was good `(channels, times)`;
        and the samples before which packets were lost.

    Raises:
        ValueError: The file is damaged or is another table.
    """
    import pandas  # comes with datasets, and takes a moment

    quality = [f"CQ_{name}" for name in CHANNELS]
    columns = [*CHANNELS, "COUNTER", *quality, *_COMMON]
    try:
        table = pandas.read_csv(file, usecols=columns, dtype=np.float64, compression="gzip")
    except (OSError, EOFError, ValueError) as error:  # zlib errors come as OSError
        reason = str(error).strip().partition("\n")[0]
        raise ValueError(f"{file} is damaged or is no table of an EPOC ({reason}): fetch it again.") from error
    if table.empty or not np.isfinite(table.to_numpy()).all():
        raise ValueError(f"{file} has {len(table):,} rows, and some or all values are missing: fetch it again.")
    steps = np.diff(table["COUNTER"].to_numpy()) % _COUNTS
    contact = (table[quality].to_numpy().T >= _FAIR) & (table[list(_COMMON)].to_numpy().min(axis=1) >= _FAIR)
    return table[list(CHANNELS)].to_numpy().T, contact, 1 + np.flatnonzero(steps != 1)


def _states(number: int, order: str, seconds: float) -> list[tuple[float, float, str]]:
    """Returns begin and end in seconds of each state with the eyes open or closed, and its condition."""
    if number in _UNCLEAR:
        return []
    before, after = _CHANGES.get(number, _CHANGE)
    first, second = _ORDERS[order]
    end = min(seconds, after + _SECOND)
    states = [(0.0, before - _MARGIN, first), (after + _MARGIN, end - _MARGIN, second)]
    return [state for state in states if state[1] > state[0]]


def _signals(first: int, last: int) -> tuple[str, ...]:
    return tuple(f"signal-{number}" for number in range(first, last + 1))


GUINEA_BISSAU = Corpus(
    name="guinea-bissau",
    description="Rest with eyes closed and open, 51 of 97 people with epilepsy, with a headset of saline sensors.",
    licence="CC BY 4.0",
    citation="van Hees et al. (2018), recordings in Guinea-Bissau, Zenodo, doi:10.5281/zenodo.1252141.",
    homepage="https://zenodo.org/records/1252141",
    may_redistribute=True,
    obtain=f"{_OBTAIN[0].upper()}{_OBTAIN[1:]}, and name the folder that guinea-bissau lies in.",
    find=_find,
    conditions={"closed in Eyes.condition": "eyes_closed", "open in Eyes.condition": "eyes_open"},
    size="97 people, 97 recordings, 8.3 hours, 150 MB",
    n_chans=len(CHANNELS),
    sampling_rate=RATE,
    reference="the CMS sensor of the headset, whose place the owners do not name",
    splits={"train": _signals(28, 97), "validation": _signals(16, 27), "test": _signals(1, 15)},
)
