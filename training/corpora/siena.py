# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Siena: scalp EEG of adults with epilepsy, in which every seizure is marked with its clock time.

Each patient has a folder, `PN00` to `PN17`. It holds recordings of several hours and one handwritten text file:

    Seizure n 1
    File name: PN00-1.edf
    Registration start time: 19.39.33
    Registration end time:  20.22.58
    Seizure start time: 19.58.36
    Seizure end time: 19.59.46

Times are written with dots, colons or both. The word "Seizure" before "start time" may be missing. The name of the
file may be missing if a patient has only one file. `PNO6` is written with the letter O. The start of a recording is
the clock time in the header of the EDF file, which is the time of its first sample. The registration time in the list
is not used, because it is missing once and mistyped more than once (PN10-7.8.9, PN14-3). If a list gives two times for
one event, as for two events of PN10, the first time is used.
"""

import re
from functools import partial
from pathlib import Path, PurePosixPath

import mne

from .corpus import Corpus
from .download import LocalFiles, PhysioNetFiles, Project
from .reading import open_recording
from .seizures import find_with_lists, mark_seizures

_PROJECT = Project("siena", "siena-scalp-eeg/1.0.0", "PN*/PN*.edf")
_DAY = 24 * 3600

_LINE = re.compile(r"\s*([A-Za-z][A-Za-z ]*?)\s*:\s*(.*?)\s*")
_CLOCK = re.compile(r"(\d{1,2})[.:](\d{2})[.:](\d{2})")

#: According to the list, this seizure ends half an hour after the end of the recording. The hour is mistyped; the
#: owner corrected it in a later edition (Dan and Detti, BIDS Siena Scalp EEG Database, doi:10.5281/zenodo.10640762).
_MISTYPED = {("pn00-3", "19.29.29"): "18.29.29"}


def _open(files: LocalFiles | PhysioNetFiles, name: str, seizures: str) -> mne.io.BaseRaw:
    source, path = files.path(seizures), PurePosixPath(name)
    clocks = read_seizure_list(source).get(path.stem.lower())
    if not clocks:  # every recording of this corpus contains a seizure
        raise ValueError(f"{source.name} lists no seizure of {path.name}, which has at least one: fetch it again.")
    raw = open_recording(files.path(name))
    started = raw.info["meas_date"]
    if started is None:
        raise ValueError(f"{path.name} does not say when it starts, and {source.name} gives times of the clock.")
    first = 3600 * started.hour + 60 * started.minute + started.second
    spans = [((begin - first) % _DAY, (begin - first) % _DAY + (end - begin) % _DAY) for begin, end in clocks]
    return mark_seizures(raw, spans, source.name)


def read_seizure_list(path: Path) -> dict[str, list[tuple[int, int]]]:
    """Reads the text file that lists the seizures of a patient.

    Returns:
        Begin and end of each seizure, in seconds since midnight. The keys are the file names of the listed recordings,
        in lower case and without suffix.

    Raises:
        ValueError: A line that should contain a time contains none, or a seizure has no begin or no end.
    """
    recording, begin = _recording("", path), None
    seizures: dict[str, list[tuple[int, int]]] = {}
    for line in path.read_text(encoding="latin-1").splitlines():
        words, value = _key_and_value(line)
        if "file" in words:
            recording = _recording(value, path)
        elif "time" not in words or any(word.startswith("reg") for word in words):
            continue
        elif "start" in words and begin is None:
            begin = _clock(value, recording, line, path)
        elif "end" in words and begin is not None:
            seizures.setdefault(recording, []).append((begin, _clock(value, recording, line, path)))
            begin = None
        else:
            raise ValueError(f"{path.name}: {line.strip()!r} comes without the other end of its seizure.")
    if begin is not None:
        raise ValueError(f"{path.name} ends before the last seizure does: fetch it again.")
    return seizures


def _key_and_value(line: str) -> tuple[list[str], str]:
    found = _LINE.fullmatch(line)
    return (found[1].lower().split(), found[2]) if found else ([], "")


def _recording(name: str, path: Path) -> str:
    """Returns the recording that a list names `PN06-1.edf` or `PNO6-1.edf`.

    If a patient has only one recording, the list may also name it `PN11-.edf` or give no name.
    """
    stem = name.lower().removesuffix(".edf").replace("o", "0").rstrip("-")
    patient = path.stem.rpartition("-")[2].lower()
    return f"{patient}-1" if stem in ("", patient) else stem


def _clock(value: str, recording: str, line: str, path: Path) -> int:
    """Returns the first clock time in a text, in seconds since midnight."""
    found = _CLOCK.search(_MISTYPED.get((recording, value), value))
    if found is None or int(found[1]) > 24 or int(found[2]) > 59 or int(found[3]) > 59:
        raise ValueError(f"{path.name}: {line.strip()!r} holds no time such as 19.58.36.")
    return 3600 * int(found[1]) + 60 * int(found[2]) + int(found[3])


SIENA = Corpus(
    name="siena",
    description="Adults with epilepsy, monitored in bed, awake and asleep, every seizure marked.",
    licence="CC BY 4.0",
    citation=(
        "Detti (2020), Siena Scalp EEG Database, PhysioNet, doi:10.13026/5d4a-j060; Detti, Vatti and Zabalo "
        "Manrique de Lara (2020), EEG synchronization analysis for seizure prediction, Processes 8(7), 846; "
        "Goldberger et al. (2000), PhysioBank, PhysioToolkit, and PhysioNet, Circulation 101(23)."
    ),
    homepage="https://physionet.org/content/siena-scalp-eeg/1.0.0/",
    may_redistribute=True,
    obtain=(
        "Downloaded from PhysioNet recording by recording, or put the folders PN00 to PN17 of the homepage in a "
        "folder siena and name the folder it lies in."
    ),
    find=partial(find_with_lists, _PROJECT, "Seizures-list-{}.txt", _open),
    conditions={"seizure listed in Seizures-list-PNxx.txt": "seizure"},
    size="14 people, 41 recordings, 47 seizures, about 140 hours, 20 GB",
    n_chans=29,
    sampling_rate=512.0,
    reference="one common electrode, which the owners do not name",
)
