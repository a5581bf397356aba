# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""TUH EEG: a local copy of the Temple University Hospital corpus, or of one of its parts.

The owners give access to individual people, so nothing is downloaded here. The file names have the same form in all
parts, but the folders differ:

    edf/000/aaaaaaaa/s001_2015/01_tcp_ar/aaaaaaaa_s001_t000.edf              TUEG
    edf/train/aaaaaaac/s001_2002/02_tcp_le/aaaaaaac_s001_t000.edf, .csv_bi   TUSZ, with seizures
    edf/eval/normal/01_tcp_ar/aaaaamye_s001_t000.edf                         TUAB

The folders train, dev and eval are the owners' splits. A file `.csv_bi` beside a recording lists the seizures of the
recording. If some recordings have such a list, recordings without a list are refused.
"""

import csv
import re
from functools import partial
from pathlib import Path

import mne

from .corpus import Corpus, CorpusUnavailableError, Recording
from .reading import open_recording
from .seizures import SEIZURE, mark_seizures

_NAME = re.compile(r"([a-z0-9]{8})_(s\d{3}_t\d{3})\.edf")
#: The owners' splits, ordered from training to test: a subject that is in two splits belongs to the later split.
_SPLITS = {"train": "train", "dev": "validation", "eval": "test"}
#: Labels of inputs without an electrode on the head, and of channels that the software added.
_SPARE = r"(EEG\s+)?\d+-(REF|LE)|IBI|BURSTS|SUPPR"


def tuh_corpus(folder: str) -> Corpus:
    """Returns a local copy of TUH EEG, TUSZ, TUAB and so on as a corpus, such as `tuh:/data/tusz`."""
    root = Path(folder).expanduser()
    return Corpus(
        name=f"tuh:{folder}",
        description=f"Clinical EEG of the Temple University Hospital in {folder}.",
        licence="by agreement with its owners; not to be passed on",
        citation=(
            "Obeid and Picone (2016), The Temple University Hospital EEG Data Corpus, Frontiers in Neuroscience 10, "
            "196; for TUSZ also Shah et al. (2018), The Temple University Hospital Seizure Detection Corpus, "
            "Frontiers in Neuroinformatics 12, 83."
        ),
        homepage="https://isip.piconepress.com/projects/nedc/html/tuh_eeg/",
        may_redistribute=False,
        obtain="Ask its owners for access on the homepage, and name the folder of your copy: tuh:<folder>.",
        find=partial(_find, root),
        conditions={"seiz in .csv_bi": "seizure"},
        size="as much of it as you have",
        reference="one electrode (REF) or linked ears (LE), as the channels say",
        splits=_splits(root),
        person=_person,
    )


def _recordings(root: Path) -> list[tuple[Path, str, str]]:
    """Returns file, subject and session of each recording, sorted by file."""
    matches = ((path, _NAME.fullmatch(path.name)) for path in sorted(root.rglob("*.edf")))
    return [(path, match[1], match[2]) for path, match in matches if match]


def _find(root: Path, data_dir: Path | None) -> list[Recording]:
    if data_dir is not None:
        raise ValueError(f"tuh:{root} names its own folder: leave {data_dir} out.")
    found = _recordings(root)
    if not found:
        raise CorpusUnavailableError(
            f"no recording of TUH EEG such as aaaaaaaa_s001_t000.edf is in {root}: ask for access at "
            "https://isip.piconepress.com/projects/nedc/html/tuh_eeg/ and name the folder of your copy."
        )
    events = {path: path.with_suffix(".csv_bi") for path, _, _ in found}
    lists = {path: (events[path],) if events[path].is_file() else () for path in events}
    annotated = any(lists.values())
    return [
        Recording(subject, session, partial(_open, path, annotated), None, SEIZURE, (path, *lists[path]))
        for path, subject, session in found
    ]


def _splits(root: Path) -> dict[str, tuple[str, ...]] | None:
    folders = [(subject, (root.name, *path.relative_to(root).parts)) for path, subject, _ in _recordings(root)]
    own = {subject: split for folder, split in _SPLITS.items() for subject, parts in folders if folder in parts}
    if not own:
        return None
    return {split: tuple(sorted(s for s in own if own[s] == split)) for split in _SPLITS.values()}


def _open(path: Path, annotated: bool) -> mne.io.BaseRaw:
    events = path.with_suffix(".csv_bi")
    if annotated and not events.is_file():
        raise FileNotFoundError(f"{events} is missing, which says whether {path.name} holds seizures: fetch it again.")
    raw = open_recording(path, _SPARE)
    return mark_seizures(raw, read_csv_bi(events), events.name) if annotated else raw


def read_csv_bi(path: Path) -> list[tuple[float, float]]:
    """Reads the seizures of a recording.

    Returns:
        Begin and end of each seizure in seconds.

    Raises:
        ValueError: The file is not a list of events, or is cut off.
    """
    lines = [line for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
    try:
        events = [(row["label"], float(row["start_time"]), float(row["stop_time"])) for row in csv.DictReader(lines)]
    except (KeyError, TypeError, ValueError):
        events = []
    if not events or not all(label for label, _, _ in events):  # a file without seizures lists background
        raise ValueError(f"{path} is cut off or no list of events: a row needs a start_time, a stop_time and a label.")
    return [(begin, end) for label, begin, end in events if label != "bckg"]


def _person(subject: str) -> str:
    """Returns the person of a subject; a subject has the same name in TUEG and in all its parts."""
    return f"tuh/{subject}"
