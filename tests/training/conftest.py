# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""A corpus that no one recorded, in the very layout, spelling and annotations of EEGMMIDB."""

import os
from pathlib import Path

import datasets
import mne
import numpy as np
import pytest

from get_hf import save_recording
from get_hf.training.builder import prepare_segments
from synthetic import CH_NAMES, make_raw

RATE = 160.0
SECONDS = 24.0
#: Zeros that fill the last second of a run.
FILLED = 0.5
TRIALS = [(0.0, 4.2, "T0"), (4.2, 4.1, "T1"), (8.3, 4.2, "T0"), (12.5, 4.1, "T2"), (16.6, 4.2, "T0")]
#: S003 is broken on purpose; S088 is in no split.
RUNS = {
    "S001": (1, 2, 4, 6),
    "S002": (1, 2, 4),
    "S003": (1, 2),
    "S080": (1, 2, 4),
    "S088": (1,),
    "S090": (2,),
}


def write_run(folder: Path, subject: str, run: int, flat: tuple[str, ...] = ()) -> Path:
    """Writes one run of 24 s on 8 channels; `flat` channels carry nothing."""
    raw = make_raw(SECONDS, RATE, seed=100 * int(subject[1:]) + run)
    raw.apply_function(lambda x: np.where(np.arange(len(x)) < (SECONDS - FILLED) * RATE, x, 0.0))
    if flat:
        raw.apply_function(lambda x: 0 * x, picks=list(flat))
    trials = [(0.0, SECONDS, "T0")] if run < 3 else TRIALS
    raw.set_annotations(mne.Annotations(*zip(*trials, strict=True)))
    path = folder / subject / f"{subject}R{run:02d}.edf"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_recording(raw, path)
    return path


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory) -> Path:
    """The folder that holds `eegmmidb/`."""
    folder = tmp_path_factory.mktemp("data")
    for subject, runs in RUNS.items():
        for run in runs:
            write_run(folder / "eegmmidb", subject, run, flat=(CH_NAMES[2],) if subject == "S003" else ())
    broken = folder / "eegmmidb/S003/S003R01.edf"
    broken.write_bytes(broken.read_bytes()[:300])
    return folder


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def prepared(data_dir, cache_dir) -> datasets.DatasetDict:
    return prepare_segments("eegmmidb", data_dir, cache_dir)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real recordings, where there is one."""
    data = Path(os.environ.get("GET_HF_DATA", Path(__file__).parents[3] / "shared" / "data"))
    if not (data / "eegmmidb" / "S001").is_dir():
        pytest.skip(f"no real EEG at {data}: set GET_HF_DATA to the folder that holds eegmmidb/")
    return data
