# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""CHB-MIT: days of scalp EEG of children with epilepsy, in which every seizure is marked.

Each case has a folder, `chb01` to `chb24`. The folder holds recordings, most of them one hour long, and one text file
that lists the number and the times of the seizures of each recording:

    File Name: chb12_06.edf
    File Start Time: 22:44:34
    File End Time: 23:44:40
    Number of Seizures in File: 2
    Seizure 1 Start Time: 1665 seconds
    Seizure 1 End Time:  1726 seconds
    ...

The numbers after "Seizure" and the times of the file are sometimes missing. Ten recordings of `chb24` are not in the
list. It is unknown whether they contain seizures, so these recordings are refused; they do not count as seizure-free.
"""

import re
from functools import partial
from pathlib import Path, PurePosixPath

import mne

from .corpus import Corpus
from .download import LocalFiles, PhysioNetFiles, Project
from .reading import open_recording
from .seizures import find_with_lists, mark_seizures

_PROJECT = Project("chb-mit", "chbmit/1.0.0", "chb*/chb*.edf")

_FILE = re.compile(r"File Name:\s*(\S+)", re.IGNORECASE)
_COUNT = re.compile(r"Number of Seizures in File:\s*(\d+)", re.IGNORECASE)
_EDGE = re.compile(r"Seizure(?:\s+\d+)?\s+(Start|End) Time:\s*(\d+)", re.IGNORECASE)

#: Label of a sensor on the arms, which is not EEG.
_SENSORS = "LUE-RAE"
#: Labels that `_spelt` corrects.
_MISSPELT = r"01|\w+-CS2"
#: Number that MNE appends to repeated labels: most files contain `T8-P8` twice.
_REPEATED = re.compile(r"-(\d+)$")


def _open(files: LocalFiles | PhysioNetFiles, name: str, summary: str) -> mne.io.BaseRaw:
    source = files.path(summary)
    seizures = read_summary(source)
    file = PurePosixPath(name).name
    if file not in seizures:
        raise ValueError(f"{source.name} does not say whether {file} holds seizures, so it cannot be used.")
    raw = open_recording(files.path(name), _SENSORS, _MISSPELT)
    raw.drop_channels([ch_name for ch_name in raw.ch_names if (n := _REPEATED.search(ch_name)) and n[1] != "0"])
    raw.rename_channels(_spelt)
    return mark_seizures(raw, seizures[file], source.name)


def _spelt(label: str) -> str:
    """Returns the correct label of a channel.

    MNE's number is removed. In chb12, `01` (with a zero) means O1, and CS2 is a common reference at the neck.
    """
    label = _REPEATED.sub("", label)
    return "O1" if label == "01" else re.sub("-CS2$", "-REF", label)


def read_summary(path: Path) -> dict[str, list[tuple[float, float]]]:
    """Reads the text file that lists the seizures of a case.

    Returns:
        Begin and end of each seizure in seconds. The keys are the file names of the listed recordings.

    Raises:
        ValueError: The number of listed seizures differs from the number that the text states, or a seizure has no
            valid start and end.
    """
    blocks = _FILE.split(path.read_text(encoding="latin-1"))
    seizures = {}
    for name, block in zip(blocks[1::2], blocks[2::2], strict=True):
        count = _COUNT.search(block)
        edges = _EDGE.findall(block)
        spans = [(float(b), float(e)) for (_, b), (_, e) in zip(edges[::2], edges[1::2], strict=False)]
        alternate = [kind.lower() for kind, _ in edges] == ["start", "end"] * len(spans)
        if count is None or int(count[1]) != len(spans) or not alternate or any(b >= e for b, e in spans):
            said = f"{count[1]} seizures" if count else "no number of seizures"
            raise ValueError(
                f"{path.name} gives {said} for {name} and {len(edges)} times, which do not match as pairs of start "
                "and end: fetch it again."
            )
        seizures[name] = spans
    return seizures


def _person(subject: str) -> str:
    """Returns the person of a case: chb21 is the same girl as chb01, recorded one and a half years later."""
    return f"chb-mit/{'chb01' if subject == 'chb21' else subject}"


CHB_MIT = Corpus(
    name="chb-mit",
    description="Children and young adults with epilepsy, monitored for days, every seizure marked.",
    licence="ODC-By 1.0",
    citation=(
        "Guttag (2010), CHB-MIT Scalp EEG Database, PhysioNet, doi:10.13026/C2K01R; Shoeb (2009), Application of "
        "machine learning to epileptic seizure onset detection and treatment, PhD thesis, MIT; Goldberger et al. "
        "(2000), PhysioBank, PhysioToolkit, and PhysioNet, Circulation 101(23)."
    ),
    homepage="https://physionet.org/content/chbmit/1.0.0/",
    may_redistribute=True,
    obtain=(
        "Downloaded from PhysioNet recording by recording, or put the folders chb01 to chb24 of the homepage in a "
        "folder chb-mit and name the folder it lies in."
    ),
    find=partial(find_with_lists, _PROJECT, "{}-summary.txt", _open),
    conditions={"seizure listed in chbNN-summary.txt": "seizure"},
    size="23 people (24 cases, of which chb01 and chb21 are one girl), 686 recordings, 198 seizures, about 980 "
    "hours, 46 GB",
    sampling_rate=256.0,
    reference="bipolar: each channel against its neighbour, 18 to 23 of them (three recordings of chb12 against one "
    "electrode)",
    person=_person,
)
