# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The family `bids:<folder>`: any data set in the BIDS layout, read by MNE-BIDS.

Bad channels and channel types are read from channels.tsv, positions from electrodes.tsv, and events from events.tsv.
If the `trial_type` of an event is the name of a condition, this condition holds for the event's `duration`. A task
named after the eyes ("eyesclosed", "restEyesOpen") has one condition from beginning to end. A task whose name contains
"rest" has the condition rest if it has no events. BIDS requires an events.tsv for every other task. If this file is
missing, the recording is listed as a problem; otherwise its conditions would be lost without any message.

Seizures may also be marked in SzCORE's column `eventType`, where the name of every kind of seizure begins with "sz"
(Dan et al. 2024, Epilepsia, https://doi.org/10.1111/epi.18113).
"""

import csv
import json
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import mne

from get_hf.modeling.configuration_get import CONDITIONS
from get_hf.processing.edf import SUFFIXES, check_whole

from .corpus import Corpus, CorpusUnavailableError, Recording
from .seizures import SEIZURE, mark_seizures
from .vocabulary import allows_sharing, condition_of

#: Condition of each event name in an opened recording.
_CONDITIONS = {name: name for name in CONDITIONS[1:]}

#: BIDS's file formats for EEG.
_FORMATS = [".edf", ".EDF", ".bdf", ".vhdr", ".set"]


def bids_corpus(folder: str) -> Corpus:
    """Returns the EEG of a BIDS data set as a corpus.

    The subjects are those of the data set. A session is the part of a file's name after the subject. Licence and
    citation are read from `dataset_description.json`. If the folder is relative to a `data_dir`, this file is not
    found here, because only `Corpus.recordings` knows the `data_dir`; then the licence is unknown.

    Raises:
        ValueError: `dataset_description.json` is not JSON.
    """
    about = _description(Path(folder).expanduser())
    licence = str(about.get("License") or "unknown").strip()
    doi = str(about.get("DatasetDOI") or "").removeprefix("doi:").removeprefix("https://doi.org/")
    cite = [about.get("HowToAcknowledge"), *_texts(about.get("ReferencesAndLinks")), doi and f"doi:{doi}"]
    return Corpus(
        name=f"bids:{folder}",
        description=f"{str(about.get('Name') or 'Data set').strip()}, in BIDS layout in {folder}.",
        licence=licence,
        citation=" ".join(str(part).strip() for part in cite if part),
        homepage=f"https://doi.org/{doi}" if doi else "",
        may_redistribute=allows_sharing(licence),
        obtain="The files are yours.",
        find=partial(_find, folder),
        conditions={"an event of events.tsv, or a task, called like a condition": "that condition"} | SEIZURE,
    )


def _find(folder: str, data_dir: Path | None) -> list[Recording]:
    root = Path(data_dir or "", Path(folder).expanduser())
    if not (root / "dataset_description.json").is_file():
        raise CorpusUnavailableError(
            f"there is no BIDS data set in {root}: name the folder that holds dataset_description.json and sub-..."
        )
    try:
        from mne_bids import find_matching_paths
    except ImportError as error:
        raise CorpusUnavailableError(
            f'MNE-BIDS, which reads {root}, cannot be imported ({error}): pip install "get-hf[train]".'
        ) from error
    paths = find_matching_paths(root, datatypes="eeg", suffixes="eeg", extensions=_FORMATS, ignore_nosub=True)
    if not paths:
        raise CorpusUnavailableError(f"the BIDS data set in {root} has no EEG: no sub-.../eeg/..._eeg{_FORMATS[0]}.")
    return [_recording(path) for path in sorted(paths, key=lambda path: path.fpath)]


def _recording(path: Any) -> Recording:
    """Returns the recording at a `mne_bids.BIDSPath`."""
    stem = path.basename.removesuffix(f"_{path.suffix}{path.extension}")
    task = (path.task or "").lower()
    eyes = next((state for state in ("eyesopen", "eyesclosed") if state in task), None)
    events = path.find_matching_sidecar(suffix="events", extension=".tsv", on_error="ignore")
    whole = condition_of(eyes) if eyes else "rest" if "rest" in task and events is None else None
    files = {*path.fpath.parent.glob(f"{stem}_*"), *path.fpath.parent.glob("*_electrodes.tsv")}
    return Recording(
        subject=path.subject,
        session=stem.removeprefix(f"sub-{path.subject}").removeprefix("_") or "eeg",
        opener=partial(_open, path, events, whole is not None),
        condition=whole,
        annotation_conditions=_CONDITIONS,
        files=tuple(sorted(files | ({events} if events else set()))),
    )


def _open(path: Any, events: Path | None, known: bool) -> mne.io.BaseRaw:
    """Opens a recording and renames its events to the names of their conditions.

    Args:
        path: The recording's `mne_bids.BIDSPath`.
        events: Path of the recording's events.tsv, or None.
        known: Whether the condition of the recording follows from the name of its task.

    Raises:
        ValueError: The recording is cut off, or its events are missing.
    """
    from mne_bids import read_raw_bids

    if events is None and not known:
        raise ValueError(
            f"{path.basename} has no events.tsv, which BIDS asks for in every task but rest: fetch it, or write one "
            "that is only a header if there were no events"
        )
    if path.extension.lower() in SUFFIXES:
        check_whole(path.fpath)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raw = read_raw_bids(path, verbose="ERROR")
    seconds, promised = raw.n_times / raw.info["sfreq"], _promised_seconds(path.fpath.with_suffix(".json"))
    if seconds < min(promised - 1.0, 0.99 * promised):
        raise ValueError(
            f"{path.basename} is cut off: its json says RecordingDuration {promised:g} s and it has {seconds:g} s; "
            "fetch or copy it again, or correct the json"
        )
    # if an event name has several values, MNE-BIDS appends the value to the name: "left_hand/769"
    conditions = {name: condition_of(name.partition("/")[0]) for name in set(raw.annotations.description)}
    raw.annotations.rename({name: condition for name, condition in conditions.items() if condition})
    return raw if events is None else mark_seizures(raw, _szcore_seizures(events), events.name)


def _szcore_seizures(events: Path) -> list[tuple[float, float]]:
    """Returns begin and end in seconds of each seizure in the column `eventType` of an events.tsv."""
    with open(events, encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if (row.get("eventType") or "").startswith("sz")]
    return [(float(row["onset"]), float(row["onset"]) + float(row["duration"])) for row in rows]


def _promised_seconds(sidecar: Path) -> float:
    """Returns the RecordingDuration in the json file of a recording, or 0 if it is not given."""
    promised = json.loads(sidecar.read_text(encoding="utf-8")).get("RecordingDuration") if sidecar.is_file() else None
    return float(promised) if isinstance(promised, (int, float)) else 0.0


def _description(root: Path) -> dict[str, Any]:
    path = root / "dataset_description.json"
    if not path.is_file():
        return {}
    try:
        about = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON ({error}): correct it or fetch it again.") from error
    return about if isinstance(about, dict) else {}


def _texts(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
