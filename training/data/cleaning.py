# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Cleans the recordings of a corpus one by one.

Each cleaned recording is saved immediately, so that an interrupted run can continue. The segments of a recording are
stored in one file in Arrow's stream format. The name of this file is a hash of the person, the session, and the size
and the time of the last change of the recording's files.
"""

import itertools
import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
from datasets.arrow_writer import ArrowWriter

from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.training.corpora import Recording

from .segments import FEATURES, EEGSegmentsConfig, is_incomplete, segment_table, size_and_time


def clean_recordings(
    corpus: str,
    recordings: Sequence[Recording],
    folder: Path,
    segment_seconds: float,
    num_proc: int | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> list[Path]:
    """Cleans the recordings whose segments are not in a folder yet.

    Args:
        corpus: Name of the corpus.
        recordings: Recordings of the corpus.
        folder: Folder for the segments.
        segment_seconds: Approximate length of a segment in seconds.
        num_proc: Number of processes. The result does not depend on it.
        progress: Function that is called with the number of cleaned recordings and the number of all recordings.

    Returns:
        Path of the file of each recording, in the order of the recordings. `read_segments` reads these files.

    Raises:
        OSError: The disk is full.
    """
    folder.mkdir(exist_ok=True)
    for half_written in folder.glob("*.part"):
        half_written.unlink()
    paths = [folder / name for name in _names(recordings)]
    missing = [job for job in zip(recordings, paths, strict=True) if not _is_kept(job[1])]
    jobs = [(recording, corpus, segment_seconds, path) for recording, path in missing]
    n_kept = len(paths) - len(missing)
    for n_done, _ in enumerate(itertools.chain([None], _worked_off(jobs, num_proc)), start=n_kept):
        if progress is not None:
            progress(n_done, len(paths))
    return paths


def read_segments(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Reads the segments of one recording as a memory map; reads only some columns if `columns` is given."""
    with pa.memory_map(str(path)) as file:
        table = pa.ipc.open_stream(file).read_all()
    return table if columns is None else table.select(columns)


def _names(recordings: Sequence[Recording]) -> list[str]:
    """Returns a file name for each recording; recordings with the same hash get different numbers."""
    counts: Counter[str] = Counter()
    names = []
    for recording in recordings:
        known = [recording.subject, recording.session, [size_and_time(path) for path in recording.files]]
        name = datasets.fingerprint.Hasher.hash(known)
        names.append(f"{name}-{counts[name]}.arrow")
        counts[name] += 1
    return names


def _is_kept(path: Path) -> bool:
    """Whether a recording need not be cleaned again; a recording that could not be downloaded is tried again."""
    try:
        rows = read_segments(path, ["subject", "session", "problem"]).to_pylist()
    except (OSError, pa.ArrowInvalid):
        return False
    return not is_incomplete([(row["subject"], row["session"], row["problem"]) for row in rows])


def _worked_off(jobs: list[tuple], num_proc: int | None) -> Iterator[None]:
    """Cleans the recordings in this process or in several processes, and yields after each recording."""
    if num_proc is None or num_proc == 1 or len(jobs) < 2:
        for job in jobs:
            _clean(*job)
            yield
        return
    # Ctrl-C reaches all processes; workers ignore it, because each would print a traceback, and this process ends them
    ignore: dict[str, Any] = {"initializer": signal.signal, "initargs": (signal.SIGINT, signal.SIG_IGN)}
    with ProcessPoolExecutor(min(num_proc, len(jobs)), **ignore) as pool:
        try:
            for future in as_completed([pool.submit(_clean, *job) for job in jobs]):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def _clean(recording: Recording, corpus: str, segment_seconds: float, path: Path) -> None:
    """Cleans one recording and writes its segments to a file; the file is written completely or not at all."""
    table = segment_table(recording, corpus, segment_seconds, _extractor())
    part = path.with_suffix(".part")
    with ArrowWriter(path=str(part), features=FEATURES) as writer:
        writer.write_table(table)
        writer.finalize()
    os.replace(part, path)


@cache
def _extractor() -> GETFeatureExtractor:
    """Returns the feature extractor that cleans recordings in this process."""
    return GETFeatureExtractor(EEGSegmentsConfig.sampling_rate, EEGSegmentsConfig.patch_size)
