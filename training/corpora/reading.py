# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Opens the files of corpora with the reader that all corpora share."""

import warnings
from pathlib import Path

import mne

from get_hf.processing.loading import load_recording


def open_recording(path: Path, ignore: str | None = None, known: str | None = None) -> mne.io.BaseRaw:
    """Opens the EEG channels of a complete file, without the usual warnings about its contents.

    Args:
        path: Path of the file.
        ignore: Regular expression for labels of channels that are known not to be EEG; it is matched from the start.
        known: Regular expression for labels of channels that are known to be EEG, although the label has no position.

    Returns:
        The recording in volts, loaded in memory, with the annotations of the file.

    Raises:
        ValueError: The file is cut off, cannot be read, or has no EEG channels.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return load_recording(path, ignore=ignore, known=known)
