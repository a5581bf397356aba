# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Sleep-EDF, expanded: whole nights, and the days around them, with two bipolar channels.

`SC4ssNE0-PSG.edf` is night N of person ss at home. `ST7ssNJ0-PSG.edf` is night N of person ss in the hospital, after
temazepam or placebo. The two studies have no person in common. Each recording has a file with its sleep stages, and
the name of this file includes the scorer: `SC4001E0-PSG.edf` and `SC4001EC-Hypnogram.edf`. The stages become
annotations. No stage is a condition: GET has no conditions for sleep, and stage W is any activity while awake from the
afternoon on, with eyes open or closed.
"""

import re
from functools import partial
from pathlib import Path, PurePosixPath

import mne

from get_hf.processing.edf import check_whole

from .corpus import Corpus, Recording
from .download import LocalFiles, PhysioNetFiles, Project
from .reading import open_recording

_PROJECT = Project("sleep-edf", "sleep-edfx/1.0.0", "sleep-*/S[CT]*-PSG.edf")
_NAME = re.compile(r"(S[CT]\d)(\d\d)(\d)[A-Z]\d-PSG\.edf")


def _find(data_dir: Path | None) -> list[Recording]:
    files, names = _PROJECT.find(data_dir)
    hypnograms = {_night(name): name for name in files.names("sleep-*/S[CT]*-Hypnogram.edf")}
    found = []
    for name in names:
        parts = _NAME.fullmatch(PurePosixPath(name).name)
        if parts is not None:
            hypnogram = hypnograms.get(_night(name))
            opener = partial(_open, files, name, hypnogram)
            known = files.known(*filter(None, (name, hypnogram)))
            found.append(Recording(parts[1] + parts[2], f"night{parts[3]}", opener, None, {}, known))
    return found


def _night(name: str) -> str:
    """Returns the part that the names of a recording and of its stages share: study, person, night and recorder."""
    return PurePosixPath(name).name[:7]


def _open(files: LocalFiles | PhysioNetFiles, name: str, hypnogram: str | None) -> mne.io.BaseRaw:
    if hypnogram is None:
        raise FileNotFoundError(
            f"{PurePosixPath(name).name} has no {_night(name)}?-Hypnogram.edf beside it: fetch it from {files.url}/."
        )
    stages = files.path(hypnogram)
    check_whole(stages)
    raw = open_recording(files.path(name))
    # the last stage ends at the end of the day, which is after the end of the recording
    return raw.set_annotations(mne.read_annotations(stages), emit_warning=False, verbose="ERROR")


SLEEP_EDF = Corpus(
    name="sleep-edf",
    description="Nights and the days around them, at home and in hospital, with sleep stages as annotations.",
    licence="ODC-By 1.0",
    citation=(
        "Kemp et al. (2000), Analysis of a sleep-dependent neuronal feedback loop: the slow-wave microcontinuity "
        "of the EEG, IEEE Transactions on Biomedical Engineering 47(9); Goldberger et al. (2000), PhysioBank, "
        "PhysioToolkit, and PhysioNet, Circulation 101(23)."
    ),
    homepage="https://physionet.org/content/sleep-edfx/1.0.0/",
    may_redistribute=True,
    obtain=(
        "Downloaded from PhysioNet recording by recording, or put the folders sleep-cassette and sleep-telemetry of "
        "the homepage in a folder sleep-edf and name the folder it lies in."
    ),
    find=_find,
    size="100 people, 197 recordings, about 3,800 hours, 8 GB",
    n_chans=2,
    sampling_rate=100.0,
    reference="bipolar: Fpz-Cz and Pz-Oz",
)
