# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Writes what a listener finds, while it finds it."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from get_hf.live.listener import Finding
from get_hf.processing.files import written_whole


@contextmanager
def csv_file(path: Path, ch_names: Sequence[str], classes: Sequence[str]) -> Iterator[Callable[[Finding], None]]:
    """Context that yields a function, which writes a finding as a row of a table; the table is complete at the end.

    Columns: `seconds` (begin of the patch), `time` (time stamp of its end), `surprise`, the probability of each class
    where a window ends, the deviations of each channel, and `note`. Unknown numbers are empty.

    Args:
        path: File to write; an existing file is replaced.
        ch_names: Names of the channels.
        classes: Names of the classes.
    """
    with written_whole(path) as partial, open(partial, "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["seconds", "time", "surprise", *(f"p({name})" for name in classes), *ch_names, "note"])

        def take(finding: Finding) -> None:
            probabilities = [np.nan] * len(classes) if finding.probabilities is None else finding.probabilities
            numbers = [finding.surprise, *probabilities, *finding.channels]
            rows.writerow([f"{finding.seconds:.3f}", f"{finding.time:.6f}", *map(_number, numbers), finding.note])
            file.flush()

        yield take


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.6g}"
