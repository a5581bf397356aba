# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Muse-sequence: a memory task, in trials of about 12 seconds, with the four sensors of a Muse headband.

`EEG_DATA/fold_0/train/success/12_1_19.npz` is round 19 of session 1 of person 12. The ten folds hold the same trials,
divided into training and test in ten ways; only the first is read, and its division is not used. The array `raw` is in
microvolts on an offset of about 850. The array `h_eeg` says for each sample and sensor whether the contact was good
(1), fair (2) or bad (4). The person saw and repeated sequences with open eyes. GET has no condition for such a task,
so the trials have none.
"""

import re
import zipfile
from functools import partial
from pathlib import Path

import mne
import numpy as np

from .artefacts import mark_artefacts
from .corpus import Corpus, Recording
from .reading import local_files

CHANNELS = ("TP9", "AF7", "AF8", "TP10")
RATE = 220.0
_FOLDERS = ("muse-sequence", "EEG-Dataset--Sequence-Learning")
_PATTERN = "EEG_DATA/fold_0/*/*/*.npz"
_OBTAIN = "clone https://github.com/MikeMpapa/EEG-Dataset--Sequence-Learning as a folder muse-sequence"
#: The worst value of the headband that counts as contact.
_FAIR = 2
_PEOPLE = tuple(str(number) for number in range(1, 70))


def _find(data_dir: Path | None) -> list[Recording]:
    _, files = local_files("muse-sequence", data_dir, _FOLDERS, _PATTERN, _OBTAIN)
    named = {tuple(map(int, file.stem.split("_"))): file for file in files if re.fullmatch(r"\d+_\d+_\d+", file.stem)}
    return [
        Recording(str(key[0]), f"{key[1]}_{key[2]:02d}", partial(_open, named[key]), None, {}, (named[key],))
        for key in sorted(named)
    ]


def _open(file: Path) -> mne.io.BaseRaw:
    microvolts, quality = _read(file)
    centred = microvolts - np.median(microvolts, axis=-1, keepdims=True)
    info = mne.create_info(list(CHANNELS), RATE, "eeg")
    info["line_freq"] = 60.0  # where the headband has its notch
    raw = mne.io.RawArray(1e-6 * centred, info, verbose="ERROR")
    return mark_artefacts(raw, quality <= _FAIR)


def _read(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Reads the samples in microvolts with their offset, and the contact of each sample, both `(channels, times)`.

    Raises:
        ValueError: The file is damaged or holds other arrays.
    """
    try:
        with np.load(file, allow_pickle=False) as held:
            arrays = [held[name].astype(np.float64) for name in ("raw", "h_eeg")]
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        reason = str(error).strip("'\n ").partition("\n")[0] or type(error).__name__
        raise ValueError(f"{file} is damaged or is no trial of a Muse ({reason}): fetch it again.") from error
    signal, quality = arrays
    if signal.ndim != 2 or signal.shape[1] != len(CHANNELS) or signal.shape != quality.shape or not len(signal):
        raise ValueError(
            f"{file} has raw of shape {signal.shape} and h_eeg of shape {quality.shape}, and both should have samples "
            f"of {len(CHANNELS)} sensors: fetch it again."
        )
    if not np.isfinite(signal).all():
        raise ValueError(f"{file} has samples that are no numbers: fetch it again.")
    return signal.T, quality.T


MUSE_SEQUENCE = Corpus(
    name="muse-sequence",
    description="Trials of a memory task with open eyes, four dry sensors on the forehead and behind the ears.",
    licence="MIT",
    citation=(
        "Papakostas et al. (2017), Towards predicting task performance from EEG signals, IEEE International "
        "Conference on Big Data, 4423-4425."
    ),
    homepage="https://github.com/MikeMpapa/EEG-Dataset--Sequence-Learning",
    may_redistribute=True,
    obtain=f"{_OBTAIN[0].upper()}{_OBTAIN[1:]}, and name the folder it lies in.",
    find=_find,
    size="69 people, 1,914 recordings, 6.3 hours, 1.0 GB",
    n_chans=len(CHANNELS),
    sampling_rate=RATE,
    reference="Fpz",
    splits={
        "train": tuple(person for person in _PEOPLE if person[-1] not in "37"),
        "validation": tuple(person for person in _PEOPLE if person[-1] == "3"),
        "test": tuple(person for person in _PEOPLE if person[-1] == "7"),
    },
)
