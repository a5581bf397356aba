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
    units: str = "uV",
) -> Path:
    """Writes `seconds` of synthetic EEG, records of one second; `rates` are of single labels, in Hz."""
    signals = []
    for row, label in enumerate(labels):
        own = (rates or {}).get(label, rate)
        # nothing slower than EEG can be made of it, but cut from it
        microvolts = 1e6 * synthetic_eeg(seconds, max(own, 20.0), 1, seed=row)[0, : round(seconds * own)]
        limit = float(np.ceil(np.abs(microvolts).max()))
        signals.append(
            EdfSignal(microvolts, own, label=label, physical_dimension=units, physical_range=(-limit, limit))
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


def write_bdf(path: Path, labels: Sequence[str], signals: Sequence[np.ndarray], rate: int) -> Path:
    """Writes BioSemi's 24 bits as they are, a digital step being a microvolt, in records of one second."""
    n = len(labels)
    columns = [
        (16, [label.encode() for label in labels]), (80, [b""] * n), (8, [b"uV"] * n), (8, [b"-8388608"] * n),
        (8, [b"8388607"] * n), (8, [b"-8388608"] * n), (8, [b"8388607"] * n), (80, [b""] * n), (8, [b"%d" % rate] * n),
        (32, [b""] * n),
    ]  # fmt: skip
    records = len(signals[0]) // rate
    fixed = [(80, b""), (80, b""), (8, b"01.01.20"), (8, b"10.00.00"), (8, b"%d" % (256 * (n + 1))), (44, b"24BIT")]
    fixed += [(8, b"%d" % records), (8, b"1"), (4, b"%d" % n)]
    content = b"\xffBIOSEMI" + b"".join(value.ljust(width) for width, value in fixed)
    content += b"".join(value.ljust(width) for width, values in columns for value in values)
    for record in range(records):
        for signal in signals:
            digital = np.round(signal[record * rate : (record + 1) * rate]).astype("<i4")
            content += digital.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    path.write_bytes(content)
    return path
