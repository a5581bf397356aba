# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""EEGMAT: EEG of students at rest and during mental subtraction.

`Subject00_1.edf` holds three minutes of rest, and `Subject00_2.edf` holds one minute of serial subtraction. The
protocol (Zyma et al. 2019) says that the eyes were closed at rest, but does not say this for the task. GET has no
condition for arithmetic, so the task has no condition. Artefacts were removed from the recordings before publication.
"""

from functools import partial
from pathlib import Path, PurePosixPath

import mne

from .corpus import Corpus, Recording
from .download import LocalFiles, PhysioNetFiles, Project
from .reading import open_recording

_PROJECT = Project("eegmat", "eegmat/1.0.0", "Subject*_[12].edf")
_SESSIONS = {"1": "rest", "2": "arithmetic"}


def _find(data_dir: Path | None) -> list[Recording]:
    files, names = _PROJECT.find(data_dir)
    found = []
    for name in names:
        subject, _, part = PurePosixPath(name).stem.partition("_")
        opener = partial(_open, files, name)
        condition = "eyes_closed" if part == "1" else None
        found.append(Recording(subject, _SESSIONS[part], opener, condition, {}, files.known(name)))
    return found


def _open(files: LocalFiles | PhysioNetFiles, name: str) -> mne.io.BaseRaw:
    return open_recording(files.path(name))


EEGMAT = Corpus(
    name="eegmat",
    description="Rest with eyes closed, then mental arithmetic; freed of artefacts by its owners.",
    licence="ODC-By 1.0",
    citation=(
        "Zyma et al. (2019), Electroencephalograms during mental arithmetic task performance, Data 4(1), 14; "
        "Goldberger et al. (2000), PhysioBank, PhysioToolkit, and PhysioNet, Circulation 101(23)."
    ),
    homepage="https://physionet.org/content/eegmat/1.0.0/",
    may_redistribute=True,
    obtain=(
        "Downloaded from PhysioNet recording by recording, or put the files of the homepage in a folder eegmat and "
        "name the folder it lies in."
    ),
    find=_find,
    conditions={"Subject.._1, background": "eyes_closed"},
    size="36 people, 72 recordings, 2.4 hours, 0.2 GB",
    n_chans=19,
    sampling_rate=500.0,
    reference="linked earlobes",
)
