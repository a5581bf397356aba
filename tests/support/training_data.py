# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""A corpus that no one recorded, in the very layout, spelling and annotations of EEGMMIDB."""

import os
from pathlib import Path

import datasets
import mne
import numpy as np
import pytest

from get_hf import save_recording
from get_hf.training.data.prepared import prepare
from get_hf.training.data.segments import prepare_segments
from get_hf.training.evaluation.recordings import CHANNELS
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
def people(tmp_path_factory) -> Path:
    """The folder that holds `eegmmidb/` with runs of 51 s on the channels of the evaluation."""
    folder = tmp_path_factory.mktemp("people")
    trials = [(4.1 * k, 4.1, ("T0", "T1", "T0", "T2")[k % 4]) for k in range(10)]
    for number, subject in enumerate(("S001", "S002", "S080", "S081", "S090")):
        for run in (1, 2, 4):
            raw = make_raw(51.0, RATE, [f"{name:.<4}" for name in CHANNELS], seed=100 * number + run)
            spans = trials if run == 4 else [(0.0, 51.0, "T0")]
            raw.set_annotations(mne.Annotations(*zip(*spans, strict=True)))
            path = folder / "eegmmidb" / subject / f"{subject}R{run:02d}.edf"
            path.parent.mkdir(parents=True, exist_ok=True)
            save_recording(raw, path)
    return folder


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def prepared(data_dir, cache_dir) -> datasets.DatasetDict:
    return prepare_segments("eegmmidb", data_dir, cache_dir)


#: Another corpus: people by length of their recordings in seconds; 3 channels, one of them bipolar, at 256 Hz.
OTHERS = {"anna": (13.0, 7.0), "bert": (9.0,), "cleo": (20.0, 8.0, 3.0)}


@pytest.fixture(scope="session")
def other_corpus(tmp_path_factory) -> str:
    """Name of a corpus of files with another montage and rate; the 3 s of cleo are too short to be used."""
    folder = tmp_path_factory.mktemp("other")
    for number, (person, lengths) in enumerate(OTHERS.items()):
        (folder / person).mkdir()
        for session, seconds in enumerate(lengths):
            raw = make_raw(seconds, 256.0, ("Fp2-F8", "Oz", "T7"), seed=1000 + 10 * number + session)
            raw.set_annotations(mne.Annotations(2.0, min(4.0, seconds - 2.0), "eyes_closed"))
            save_recording(raw, folder / person / f"{session}.edf")
    return f"files:{folder}/*/*.edf"


@pytest.fixture(scope="session")
def prepared_folder(data_dir, tmp_path_factory) -> Path:
    """The EEGMMIDB-like corpus as `get-hf corpus prepare` leaves it, in segments of about 6 s."""
    out = tmp_path_factory.mktemp("prepared") / "eegmmidb"
    return prepare("eegmmidb", out, data_dir, segment_seconds=6.0).folder


@pytest.fixture(scope="session")
def other_folder(other_corpus, tmp_path_factory) -> Path:
    """The other corpus in the same way."""
    out = tmp_path_factory.mktemp("prepared") / "other"
    return prepare(other_corpus, out, segment_seconds=6.0).folder


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real recordings, where there is one."""
    data = Path(os.environ.get("GET_HF_DATA", Path(__file__).parents[3] / "shared" / "data"))
    if not (data / "eegmmidb" / "S001").is_dir():
        pytest.skip(f"no real EEG at {data}: set GET_HF_DATA to the folder that holds eegmmidb/")
    return data
