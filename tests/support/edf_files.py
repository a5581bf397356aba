# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""EDF files as recorders write them: any label, labels twice, several rates, a clock, no annotations."""

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from edfio import Edf, EdfAnnotation, EdfSignal, Recording

from synthetic import synthetic_eeg


def write_edf(
    path: Path,
    labels: Sequence[str],
    seconds: int = 20,
    rate: float = 256.0,
    rates: Mapping[str, float] | None = None,
    clock: str = "12.00.00",
    annotations: Sequence[tuple[float, float, str]] | None = None,
) -> Path:
    """Writes `seconds` of synthetic EEG, records of one second; `rates` are of single labels, in Hz."""
    signals = []
    for row, label in enumerate(labels):
        own = (rates or {}).get(label, rate)
        # nothing slower than EEG can be made of it, but cut from it
        microvolts = 1e6 * synthetic_eeg(seconds, max(own, 20.0), 1, seed=row)[0, : round(seconds * own)]
        limit = float(np.ceil(np.abs(microvolts).max()))
        signals.append(
            EdfSignal(microvolts, own, label=label, physical_dimension="uV", physical_range=(-limit, limit))
        )
    edf = Edf(
        signals,
        recording=Recording(startdate=datetime.date(2016, 1, 1)),
        starttime=datetime.time(*map(int, clock.split("."))),
        data_record_duration=1.0,
        annotations=None if annotations is None else [EdfAnnotation(*each) for each in annotations],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    edf.write(path)
    return path


def cut_off(path: Path, n_bytes: int = 1000) -> Path:
    """Takes the last bytes of a file away, as an interrupted copy does."""
    path.write_bytes(path.read_bytes()[:-n_bytes])
    return path
