# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Files of corpora, opened by the reader that everybody uses."""

import warnings
from pathlib import Path

import mne

from get_hf.processing.loading import load_recording


def open_recording(path: Path, ignore: str | None = None, known: str | None = None) -> mne.io.BaseRaw:
    """Opens the EEG channels of a file that is whole, without the notes that one person gets about one file.

    Args:
        path: The file.
        ignore: Matches, from their beginning, labels that a corpus is known to give to what is no EEG.
        known: Matches labels that it is known to give to EEG, though they tell no place as they stand.

    Returns:
        The recording in volts, in memory, with the annotations of the file.

    Raises:
        ValueError: The file is cut off, cannot be read, or has no EEG channels.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return load_recording(path, ignore=ignore, known=known)
