# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Reads data sets with MOABB, one person at a time, from one folder, without MOABB's messages.

MOABB downloads the files of a person when the person is requested, and knows the sessions and runs only after reading
these files. So each person must be read once to list a data set. The list is stored beside the data, in
`get-hf-listings`, and is valid as long as the sizes and times of the person's files do not change. If this folder
cannot be written, or MOABB does not name the files that it reads, the person is read again for each listing.

In some data sets, trials were cut out and joined again. But an opened recording must be continuous. So runs are
divided where MOABB put zeros between trials. If trials were joined without zeros, the trial around each event is cut
out.
"""

import json
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mne
import numpy as np

from .corpus import CorpusUnavailableError

#: At least this number of consecutive samples that are zero in every EEG channel are a gap, not EEG.
_GAP = 5
#: If all trials of a run are shorter than this (in seconds), one problem is reported for the run, not one per trial.
_SHORTEST = 4.0


@dataclass(frozen=True)
class Person:
    """One person of a data set; MOABB reads one person at a time.

    Attributes:
        dataset: Name of the class in `moabb.datasets`.
        subject: Number or name of the person in MOABB.
        root: Folder in which MOABB finds and downloads the files; None: MNE's configured folder.
    """

    dataset: str
    subject: int | str
    root: Path | None

    def fetch(self) -> tuple[Path, ...]:
        """Downloads the files that are not on this machine yet.

        Returns:
            Paths of the person's files, as far as MOABB names them.

        Raises:
            CorpusUnavailableError: The files cannot be downloaded.
        """
        with moabb_in(self.root):
            dataset = moabb_dataset(self.dataset)
            try:
                found = dataset.data_path(self.subject)
            except Exception as error:  # may come from requests, pooch, zipfile or the data set's own code
                place = self.root or "the folder that MNE's setting MNE_DATA names"
                raise CorpusUnavailableError(
                    f"subject {self.subject} of MOABB's {self.dataset} could not be downloaded ({_reason(error)}): "
                    f'run python -c "from moabb.datasets import {self.dataset}; {self.dataset}().download()" where '
                    f"there is a network, and copy the folders MNE-...-data that it fills to {place}."
                ) from error
        return tuple(sorted(_paths(found)))

    def read(self) -> dict[str, dict[str, mne.io.BaseRaw]]:
        """Reads all sessions and runs of the person with MOABB.

        The signals are in volts. Events are annotations with durations.

        Raises:
            ValueError: MOABB cannot read the person's files.
        """
        with moabb_in(self.root):
            dataset = moabb_dataset(self.dataset)
            try:
                return dataset.get_data([self.subject])[self.subject]
            except Exception as error:  # each data set has its own reader
                raise ValueError(
                    f"MOABB cannot read subject {self.subject} of {self.dataset} ({_reason(error)}): if a file was "
                    "cut off, delete it and start again."
                ) from error


@dataclass(frozen=True)
class Stretch:
    """Samples `start` to `stop` of a run, recorded without a break; empty if all trials of the run are too short."""

    session: str
    run: str
    start: int
    stop: int


def stretches_of(person: Person, trial: tuple[float, float] | None = None) -> tuple[list[Stretch], tuple[Path, ...]]:
    """Lists the continuous stretches of a person; the person's files are read only if there is no valid listing.

    Args:
        person: The person.
        trial: Begin and end of a trial in seconds, relative to its event. Pass it only if the runs consist of trials
            that were joined without a gap.

    Returns:
        The stretches in MOABB's order, and the paths of the person's files as far as MOABB names them.

    Raises:
        CorpusUnavailableError: The person's files cannot be downloaded.
        ValueError: MOABB cannot read the person's files.
    """
    data = person.root or Path(mne.get_config("MNE_DATA") or "~/mne_data").expanduser()
    listing = data / "get-hf-listings" / f"{person.dataset}-moabb{version('moabb')}" / f"{person.subject}.json"
    with suppress(OSError, ValueError, KeyError, TypeError):  # there is no complete listing
        known = json.loads(listing.read_text(encoding="utf-8"))
        if all(_stamp(Path(path)) == stamp for path, stamp in known["files"].items()):
            return [Stretch(*entry) for entry in known["stretches"]], tuple(map(Path, known["files"]))

    files = person.fetch()
    interval = moabb_dataset(person.dataset).interval
    stretches = [
        Stretch(session, run, start, stop)
        for session, runs in person.read().items()
        for run, raw in runs.items()
        for start, stop in (_around_events(raw, trial, interval[0]) if trial else _between_zeros(raw))
    ]
    if files:
        entries = [[s.session, s.run, s.start, s.stop] for s in stretches]
        text = json.dumps({"files": {str(path): _stamp(path) for path in files}, "stretches": entries})
        with suppress(OSError):  # the folder may be read-only
            listing.parent.mkdir(parents=True, exist_ok=True)
            beside = listing.with_suffix(f".{os.getpid()}")
            beside.write_text(text, encoding="utf-8")
            beside.replace(listing)
    return stretches, files


def open_stretch(person: Person, stretch: Stretch, renamed: dict[str, str]) -> mne.io.BaseRaw:
    """Opens one stretch. The person's files are read, except if they are the last files that this process read.

    Args:
        person: The person.
        stretch: The stretch of a run to open.
        renamed: Dictionary from wrong channel names of MOABB to the correct names.

    Returns:
        The stretch in volts. Events are annotations with durations, which are cut at the ends of the stretch.

    Raises:
        ValueError: MOABB cannot read the person, or there is nothing to open.
    """
    if stretch.stop == stretch.start:
        raise ValueError(f"it is trials shorter than {_SHORTEST:g} s with zeros put between them")
    raw = _read_last(person)[stretch.session][stretch.run]
    rate = raw.info["sfreq"]
    seconds = (stretch.stop - stretch.start) / rate
    begin = raw.annotations.onset - raw.first_time - stretch.start / rate
    end = np.minimum(begin + raw.annotations.duration, seconds)
    begin = np.maximum(begin, 0.0)
    inside = (begin < seconds) & (end >= begin)
    piece = mne.io.RawArray(raw.get_data(start=stretch.start, stop=stretch.stop), raw.info, verbose="ERROR")
    piece.set_annotations(
        mne.Annotations(begin[inside], (end - begin)[inside], raw.annotations.description[inside]), verbose="ERROR"
    )
    return piece.rename_channels(renamed, verbose="ERROR") if renamed else piece


@lru_cache(maxsize=1)
def _read_last(person: Person) -> dict[str, dict[str, mne.io.BaseRaw]]:
    return person.read()


def moabb_dataset(name: str) -> Any:
    """Returns the data set of MOABB with a name.

    Raises:
        CorpusUnavailableError: MOABB is not installed.
        ValueError: MOABB has no data set of that name.
    """
    with moabb_in(None):
        try:
            import moabb.datasets
            from moabb.datasets.base import BaseDataset
        except ImportError as error:
            raise CorpusUnavailableError(
                f'MOABB, which reads {name}, cannot be imported ({error}): pip install "get-hf[train]".'
            ) from error
        classes = {
            key: value
            for key, value in vars(moabb.datasets).items()
            if isinstance(value, type) and issubclass(value, BaseDataset)
        }
        if name not in classes:
            near = get_close_matches(name, classes, cutoff=0.4) or sorted(classes)
            raise ValueError(
                f"MOABB {version('moabb')} has no data set {name!r}; the nearest names are {', '.join(near)}."
            )
        return classes[name]()


@contextmanager
def moabb_in(root: Path | None) -> Iterator[None]:
    """Suppresses MOABB's messages inside the context, and sets `root` as the folder of its data.

    Few of MOABB's readers accept a path. All of them use MNE's configuration, and the first use of a data set stores
    the data set's folder there permanently. So the configuration is replaced inside the context and restored at the
    end.

    Args:
        root: Folder that holds MOABB's folders `MNE-...-data`. None: MNE's configured folder.
    """
    before = logging.root.manager.disable
    with warnings.catch_warnings(), redirect_stdout(sys.stderr), _configured(root):
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)


@contextmanager
def _configured(root: Path | None) -> Iterator[None]:
    if root is None:
        yield
        return
    before = {name: os.environ.pop(name) for name in list(os.environ) if _is_place(name)}
    try:
        with tempfile.TemporaryDirectory() as home:
            os.environ |= {"_MNE_FAKE_HOME_DIR": home, "MNE_DATA": str(root)}
            yield
    finally:
        for name in list(os.environ):
            if _is_place(name):  # MNE sets one variable for each data set
                del os.environ[name]
        os.environ |= before


def _is_place(variable: str) -> bool:
    return variable in ("_MNE_FAKE_HOME_DIR", "MNE_DATA") or variable.startswith("MNE_DATASETS_")


def _between_zeros(raw: mne.io.BaseRaw) -> list[tuple[int, int]]:
    """Returns (start, stop) in samples of each stretch between gaps, where every EEG channel is zero."""
    alive = np.zeros(raw.n_times, dtype=bool)
    for pick in mne.pick_types(raw.info, eeg=True, exclude=()):
        alive |= raw.get_data(picks=[pick])[0] != 0
        if alive.all():
            break
    if not alive.any():
        return [(0, raw.n_times)]
    edges = np.flatnonzero(np.diff(alive.astype(np.int8), prepend=0, append=0))
    starts, stops = edges[::2], edges[1::2]
    gaps = starts[1:] - stops[:-1] >= _GAP
    starts = starts[np.concatenate([[True], gaps])]
    stops = stops[np.concatenate([gaps, [True]])]
    if len(starts) > 1 and (stops - starts).max() < _SHORTEST * raw.info["sfreq"]:
        return [(0, 0)]
    return [(int(start), int(stop)) for start, stop in zip(starts, stops, strict=True)]


def _around_events(raw: mne.io.BaseRaw, trial: tuple[float, float], offset: float) -> list[tuple[int, int]]:
    """Returns (start, stop) in samples of the trial around each event.

    Annotations begin `offset` seconds after their event.
    """
    rate = raw.info["sfreq"]
    events = raw.annotations.onset - raw.first_time - offset
    starts = np.maximum(0, np.round((events + trial[0]) * rate)).astype(int)
    stops = np.minimum(raw.n_times, np.round((events + trial[1]) * rate)).astype(int)
    return [(int(start), int(stop)) for start, stop in zip(starts, stops, strict=True)]


def _paths(found: Any) -> list[Path]:
    """Returns all paths in the result of a data set's `data_path`: a path, a list, or a dictionary of lists."""
    if isinstance(found, (str, os.PathLike)):
        return [Path(found)] if Path(found).exists() else []
    if isinstance(found, dict):
        found = list(found.values())
    return [path for part in found for path in _paths(part)] if isinstance(found, (list, tuple)) else []


def _stamp(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns]


def _reason(error: Exception) -> str:
    """Returns the class of an error and the beginning of its message, in one line."""
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:100]}".rstrip(": .")
