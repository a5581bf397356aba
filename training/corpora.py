# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Where EEG to learn from comes from: corpora, each with its licence, its splits and its conditions.

    corpus = get_corpus("eegmmidb")
    for recording in corpus.recordings(data_dir, split="train"):
        raw = recording.open()                                    # mne.io.Raw, samples still on disk
        spans = recording.condition_spans(raw)                    # [(onset s, end s, "left_fist"), ...]

A corpus is found in a local folder first; only without one is anything downloaded. A new corpus is one
`Corpus` entry and a function that lists its recordings; a family of corpora (`files:<glob>`) is one function
in `FAMILIES`.
"""

import glob
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import mne
import numpy as np

from get_hf.modeling.configuration_get import CONDITIONS


class CorpusUnavailableError(ValueError):
    """A corpus is neither here nor within reach; the message says what to fetch and where to put it."""


@dataclass(frozen=True)
class Recording:
    """One recording of a corpus, cheap to hold and to send to another process: nothing is read before `open`.

    Attributes:
        subject: Whose brain it is; splits never divide a subject.
        session: Name of the session and run, unique within the subject.
        opener: Opens the recording, samples lazily.
        condition: What the subject did from beginning to end, if it was one thing.
        annotation_conditions: Condition of each annotation description that means one.
    """

    subject: str
    session: str
    opener: Callable[[], mne.io.BaseRaw]
    condition: str | None = None
    annotation_conditions: Mapping[str, str] = field(default_factory=dict)

    def open(self) -> mne.io.BaseRaw:
        """Opens the recording: all channels of the file in volts, at the file's own rate, samples lazily."""
        return self.opener()

    def condition_spans(self, raw: mne.io.BaseRaw) -> list[tuple[float, float, str]]:
        """What the subject did when: (onset, end, condition), seconds from the first sample of `raw`."""
        if self.condition is not None:
            return [(0.0, raw.n_times / raw.info["sfreq"], self.condition)]
        onsets = raw.annotations.onset - raw.first_time
        return [
            (float(onset), float(onset + duration), self.annotation_conditions[description])
            for onset, duration, description in zip(
                onsets, raw.annotations.duration, raw.annotations.description, strict=True
            )
            if description in self.annotation_conditions
        ]


@dataclass(frozen=True)
class Corpus:
    """A body of recordings under one licence.

    Attributes:
        name: What `get_corpus` calls it.
        licence: Licence of the recordings, as its owners name it.
        citation: What to cite.
        homepage: Where it is described.
        may_redistribute: Whether the licence allows publishing what is derived from the recordings.
        find: Lists all recordings, given the folder where the data may lie (or None), in a fixed order.
        splits: Subjects of each split, or None where everything is for training. Subjects in no split are
            left out.
    """

    name: str
    licence: str
    citation: str
    homepage: str
    may_redistribute: bool
    find: Callable[[Path | None], list[Recording]]
    splits: Mapping[str, tuple[str, ...]] | None = None

    def recordings(self, data_dir: str | Path | None = None, split: str | None = None) -> Iterator[Recording]:
        """Iterates over the recordings of one split, or of all splits, in a fixed order.

        Args:
            data_dir: Folder that holds the corpus or a folder of its name. None: where MNE keeps its data
                sets, and downloaded to there if need be.
            split: "train", "validation" or "test".

        Raises:
            CorpusUnavailableError: The corpus is not in `data_dir`, or could not be downloaded.
        """
        for recording in self.find(None if data_dir is None else Path(data_dir).expanduser()):
            own = self.split_of(recording.subject)
            if own is not None and split in (None, own):
                yield recording

    def split_of(self, subject: str) -> str | None:
        """Split of a subject, or None for one that no split uses."""
        if self.splits is None:
            return "train"
        return next((split for split, subjects in self.splits.items() if subject in subjects), None)


# ------------------------------------------------------------------------------------------------------------
# EEG Motor Movement/Imagery

_EEGMMIDB_SUBJECTS = tuple(f"S{number:03d}" for number in range(1, 110))
_EEGMMIDB_RUNS = tuple(range(1, 15))
_EEGMMIDB_ODD = ("S088", "S092", "S100")  # recorded at 128 Hz with other trial lengths
_ONE_FIST = {"T0": "rest", "T1": "left_fist", "T2": "right_fist"}
_BOTH = {"T0": "rest", "T1": "both_fists", "T2": "feet"}


def _eegmmidb_range(first: int, last: int) -> tuple[str, ...]:
    return tuple(s for s in _EEGMMIDB_SUBJECTS[first - 1 : last] if s not in _EEGMMIDB_ODD)


def _find_eegmmidb(data_dir: Path | None) -> list[Recording]:
    if data_dir is None:
        return [_eegmmidb_recording(subject, run, None) for subject, run in _fetch_eegmmidb()]
    places = [data_dir, data_dir / "eegmmidb", data_dir / "MNE-eegbci-data/files/eegmmidb/1.0.0"]
    for folder in places:
        files = sorted(folder.glob("S[0-9][0-9][0-9]/S[0-9][0-9][0-9]R[0-9][0-9].edf"))
        if files:
            return [_eegmmidb_recording(file.parent.name, int(file.stem[-2:]), file) for file in files]
    raise CorpusUnavailableError(
        f"eegmmidb is not in {data_dir}: put the folders S001 to S109 of "
        f"https://physionet.org/content/eegmmidb/1.0.0/ in {data_dir / 'eegmmidb'} (as S001/S001R01.edf)."
    )


def _eegmmidb_recording(subject: str, run: int, file: Path | None) -> Recording:
    opener = partial(_open_eegmmidb, file) if file else partial(_open_fetched_eegmmidb, subject, run)
    whole = {1: "eyes_open", 2: "eyes_closed"}.get(run)
    codes = {} if whole else _ONE_FIST if run in (3, 4, 7, 8, 11, 12) else _BOTH
    return Recording(subject, f"R{run:02d}", opener, whole, codes)


def _open_eegmmidb(file: Path) -> mne.io.BaseRaw:
    """Opens a run without the zeros that fill its last second: up to 0.9 s that no amplifier recorded."""
    raw = mne.io.read_raw_edf(file, preload=False, verbose="ERROR")
    tail = raw.get_data(start=max(0, raw.n_times - round(2 * raw.info["sfreq"])))
    alive = np.flatnonzero(np.ptp(tail, axis=0) > 0)
    n_filled = tail.shape[-1] - 1 - (alive[-1] if len(alive) else -1)
    if 0 < n_filled < tail.shape[-1]:
        raw.crop(tmax=(raw.n_times - n_filled - 1) / raw.info["sfreq"], verbose="ERROR")
    return _without_skew(raw)


def _without_skew(raw: mne.io.BaseRaw) -> mne.io.BaseRaw:
    """Delays each channel by as much as the multiplexer sampled it late.

    One converter went round the 64 channels within each sampling interval, which shows in the recordings as a phase
    between channels that grows with frequency and with their distance in the file: 98 us per channel, up to a quarter
    of a cycle at 40 Hz.
    """
    raw.load_data(verbose="ERROR")
    x = raw.get_data()
    margin = min(raw.n_times - 1, round(raw.info["sfreq"]))  # of mirrored signal, so that the ends do not meet
    padded = np.pad(x, ((0, 0), (margin, margin)), mode="reflect")
    lateness = np.arange(len(x)) / len(x)  # in samples
    turns = np.fft.rfftfreq(padded.shape[-1]) * lateness[:, None]
    shifted = np.fft.irfft(np.fft.rfft(padded) * np.exp(-2j * np.pi * turns), padded.shape[-1])
    raw._data[:] = shifted[:, margin : margin + raw.n_times]
    return raw


def _open_fetched_eegmmidb(subject: str, run: int) -> mne.io.BaseRaw:
    return _open_eegmmidb(Path(_load_eegbci(subject, run)))


def _fetch_eegmmidb() -> list[tuple[str, int]]:
    """All runs of all subjects that a split uses; the first of them is fetched now, to fail early."""
    _load_eegbci(_EEGMMIDB_SUBJECTS[0], 1)
    subjects = [subject for subject in _EEGMMIDB_SUBJECTS if subject not in _EEGMMIDB_ODD]
    return [(subject, run) for subject in subjects for run in _EEGMMIDB_RUNS]


def _load_eegbci(subject: str, run: int) -> str:
    try:
        return mne.datasets.eegbci.load_data(int(subject[1:]), run, update_path=False, verbose="ERROR")[0]
    except (OSError, ValueError, RuntimeError) as error:  # requests' and pooch's errors are among these
        raise CorpusUnavailableError(
            f"eegmmidb could not be downloaded ({type(error).__name__}): fetch the folders S001 to S109 of "
            "https://physionet.org/content/eegmmidb/1.0.0/ elsewhere, put them in a folder named eegmmidb, "
            "and pass the folder it lies in as data_dir."
        ) from error


# ------------------------------------------------------------------------------------------------------------
# Whatever MNE reads


def _files_corpus(pattern: str) -> Corpus:
    """Local files that match a glob pattern: the subject is a file's folder, the session its name."""
    return Corpus(
        name=f"files:{pattern}",
        licence="unknown",
        citation="",
        homepage="",
        may_redistribute=False,
        find=partial(_find_files, pattern),
    )


def _find_files(pattern: str, data_dir: Path | None) -> list[Recording]:
    root = "" if data_dir is None else str(data_dir)
    paths = sorted(Path(root, path) for path in glob.glob(str(Path(root, pattern).expanduser()), recursive=True))
    if not paths:
        raise CorpusUnavailableError(f"no file matches {Path(root, pattern)}.")
    same = {name: name for name in CONDITIONS}  # an annotation spelt like a condition means it
    return [Recording(p.parent.name, p.name, partial(_open_file, p), None, same) for p in paths]


def _open_file(path: Path) -> mne.io.BaseRaw:
    return mne.io.read_raw(path, preload=False, verbose="ERROR")


CORPORA: dict[str, Corpus] = {
    corpus.name: corpus
    for corpus in [
        Corpus(
            name="eegmmidb",
            licence="ODC-By 1.0",
            citation=(
                "Schalk et al. (2004), BCI2000: a general-purpose brain-computer interface system, IEEE "
                "Transactions on Biomedical Engineering 51(6); Goldberger et al. (2000), PhysioBank, "
                "PhysioToolkit, and PhysioNet, Circulation 101(23)."
            ),
            homepage="https://physionet.org/content/eegmmidb/1.0.0/",
            may_redistribute=True,
            find=_find_eegmmidb,
            splits={
                "train": _eegmmidb_range(1, 79),
                "validation": _eegmmidb_range(80, 89),
                "test": _eegmmidb_range(90, 109),
            },
        ),
    ]
}

#: Corpora that are made from what follows the colon.
FAMILIES: dict[str, Callable[[str], Corpus]] = {"files": _files_corpus}


def get_corpus(spec: str) -> Corpus:
    """Looks up a corpus by name, or makes one of a family such as `files:/data/*.edf`.

    Raises:
        ValueError: No corpus has that name; the message lists those that there are.
    """
    family, colon, argument = spec.partition(":")
    if colon and argument and family in FAMILIES:
        return FAMILIES[family](argument)
    if spec in CORPORA:
        return CORPORA[spec]
    known = [*sorted(CORPORA), *(f"{name}:<...>" for name in sorted(FAMILIES))]
    raise ValueError(f"There is no corpus {spec!r}; there are {', '.join(known)}.")
