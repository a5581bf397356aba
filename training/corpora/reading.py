# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Opens the files of corpora with the reader that all corpora share."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import mne

from get_hf.processing.loading import load_recording

from .corpus import CorpusUnavailableError


def open_recording(
    path: Path, ignore: str | None = None, known: str | None = None, unit: str | None = None
) -> mne.io.BaseRaw:
    """Opens the EEG channels of a complete file, without the usual warnings about its contents.

    Args:
        path: Path of the file.
        ignore: Regular expression for labels of channels that are known not to be EEG; it is matched from the start.
        known: Regular expression for labels of channels that are known to be EEG, although the label has no position.
        unit: Unit of the samples, if the file names no unit or a wrong one.

    Returns:
        The recording in volts, loaded in memory, with the annotations of the file.

    Raises:
        ValueError: The file is cut off, cannot be read, or has no EEG channels.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return load_recording(path, ignore=ignore, known=known, unit=unit)


def local_files(
    corpus: str, data_dir: Path | None, folders: Sequence[str], pattern: str, obtain: str
) -> tuple[Path, list[Path]]:
    """Finds the files of a corpus that get-hf cannot download.

    Args:
        corpus: Name of the corpus.
        data_dir: Folder that is searched, or None.
        folders: Names of folders in `data_dir` that may hold the corpus; `data_dir` itself is searched first.
        pattern: Pattern of the files in the folder.
        obtain: Text that says what to fetch and where to put it; it begins in lower case and has no full stop.

    Returns:
        The first folder that holds such files, and the files.

    Raises:
        CorpusUnavailableError: There are no such files.
    """
    if data_dir is not None:
        for folder in (data_dir, *(data_dir / name for name in folders)):
            if files := sorted(folder.glob(pattern)):
                return folder, files
    raise CorpusUnavailableError(
        f"{corpus} {f'is not in {data_dir}' if data_dir else 'needs a folder'}, and get-hf cannot download it: "
        f"{obtain}, and pass the folder that this folder lies in as data_dir."
    )
