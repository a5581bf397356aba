# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Data sets of MOABB in the files their owners publish, where MOABB's own readers look for them.

Each is written as its owners did: microvolts, MATLAB structures, events where the experiment had them.
"""

from pathlib import Path

import numpy as np
import pooch
from scipy.io import savemat

from synthetic import synthetic_eeg

ALPHA_WAVES_URL = "https://zenodo.org/record/2348892/files/subject_{:02d}.mat"
BNCI = "MNE-bnci-data/~bci/database"
CHO = "MNE-gigadb-data/gigadb-datasets/live/pub/10.5524/100001_101000/100295/mat_data"


def microvolts(seconds: float, rate: float, n_chans: int, seed: int) -> np.ndarray:
    return 1e6 * synthetic_eeg(seconds, rate, n_chans, seed)


def write_alpha_waves(root: Path, subject: int) -> Path:
    """One person of Rodrigues2017: from second 2 on, closed, open, closed and open for 10 s each, 2 s apart."""
    signal = microvolts(54, 512.0, 16, seed=subject)
    table = np.zeros((signal.shape[1], 19))  # time, 16 channels, onsets of eyes closed, onsets of eyes open
    table[:, 0] = np.arange(len(table)) / 512
    table[:, 1:17] = signal.T
    for index, column in enumerate([17, 18, 17, 18]):
        table[(2 + 12 * index) * 512, column] = 1
    url = ALPHA_WAVES_URL.format(subject)
    # MOABB has pooch make a folder of the file's name, and in it a file called as pooch likes
    folder = root / "MNE-alphawaves-data/record/2348892/files" / Path(url).name
    return _save(folder / pooch.utils.unique_file_name(url), {"SIGNAL": table})


def write_graz(root: Path, name: str, n_chans: int, classes: list[str], trials: list[list[int]]) -> Path:
    """One file of BCI Competition IV, 2a or 2b, such as `001-2014/A01T`.

    Each run has its trials, by number of class, every 8 s from second 1 on, where the fixation cross appears; a run
    without trials is one for the eyes, which MOABB leaves out. The last three channels are of the eyes.
    """
    runs = np.empty(len(trials), dtype=object)
    for index, numbers in enumerate(trials):
        seconds = 8 * len(numbers) + 4
        x = np.concatenate(
            [microvolts(seconds, 250.0, n_chans, seed=index), 10 * microvolts(seconds, 250.0, 3, seed=9)]
        )
        runs[index] = {
            "X": x.T,
            "trial": np.uint32(250 * (1 + 8 * np.arange(len(numbers))) + 1),  # MATLAB counts from 1
            "y": np.uint8(numbers),
            "fs": 250.0,
            "classes": np.array(classes, dtype=object),
            "artifacts": np.zeros(len(numbers)),
            "gender": "female",
            "age": 22.0,
        }
    return _save(root / BNCI / f"{name}.mat", {"data": runs})


def write_cho(root: Path, subject: int, n_trials: int) -> Path:
    """One person of Cho2017: trials of 7 s, each on a level of its own, one after the other; events 2 s in."""
    onsets = np.zeros(7 * 512 * n_trials)
    onsets[2 * 512 :: 7 * 512] = 1
    levels = np.repeat(500.0 * np.arange(n_trials), 7 * 512)
    hands = [microvolts(7 * n_trials, 512.0, 68, seed=hand) + levels for hand in (0, 1)]
    eeg = {
        "imagery_left": hands[0],
        "imagery_right": hands[1],
        "imagery_event": onsets,
        "n_imagery_trials": float(n_trials),
        "frame": np.array([-2000.0, 5000.0]),
        "srate": 512.0,
    }
    return _save(root / CHO / f"s{subject:02d}.mat", {"eeg": eeg})


def _save(path: Path, content: dict) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, content, do_compression=True, oned_as="column")
    return path
