# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Adds seizures, which corpora list in different formats, to recordings as annotations."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path, PurePosixPath

import mne

from .corpus import Recording
from .download import LocalFiles, PhysioNetFiles, Project

#: Dictionary from the description of the annotation to GET's condition.
SEIZURE = {"seizure": "seizure"}

#: A seizure may end this number of seconds after the last sample, because the lists are rounded to whole seconds.
ROUNDING = 1.0


def find_with_lists(
    project: Project,
    listing: str,
    opener: Callable[[LocalFiles | PhysioNetFiles, str, str], mne.io.BaseRaw],
    data_dir: Path | None,
) -> list[Recording]:
    """Lists the recordings of a project in which each subject has a folder with one text file that lists seizures.

    Args:
        project: The project.
        listing: Name of the text file, with `{}` in place of the subject.
        opener: Function that opens a recording. Its arguments are the project's files, the name of the recording and
            the name of the text file.
        data_dir: Folder that holds the project, or None.

    Raises:
        CorpusUnavailableError: The project is neither local nor downloadable.
    """
    files, names = project.find(data_dir)
    found = []
    for name in names:
        path = PurePosixPath(name)
        subject = path.parent.name
        text = str(path.with_name(listing.format(subject)))
        found.append(
            Recording(subject, path.stem, partial(opener, files, name, text), None, SEIZURE, files.known(name, text))
        )
    return found


def mark_seizures(raw: mne.io.BaseRaw, spans: Iterable[tuple[float, float]], source: str) -> mne.io.BaseRaw:
    """Adds seizures to the annotations of a recording.

    Args:
        raw: The recording, which is changed in place.
        spans: Begin and end of each seizure, in seconds from the first sample.
        source: Name of the list of seizures, for the error message.

    Returns:
        The recording.

    Raises:
        ValueError: A seizure lies outside the recording, so the list or the recording is wrong.
    """
    seconds = raw.n_times / raw.info["sfreq"]
    for begin, end in spans:
        if not 0 <= begin <= end <= seconds + ROUNDING:
            raise ValueError(
                f"{source} has a seizure from {begin:g} to {end:g} s, but the recording is {seconds:g} s long."
            )
        raw.annotations.append(begin + raw.first_time, end - begin, "seizure")
    return raw
