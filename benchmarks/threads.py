# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Whether the number of threads that `generate()` chooses is near the best one, alone and beside a busy process.

    python benchmarks/threads.py --json threads.json

Each way of choosing generates the same seconds of 20 channels in turn, several times; a figure is the median of its
speed over the median of the best fixed number of threads, in one run. It must be at least `LEAST`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import torch
from transformers.utils import logging

from get_hf import load_pretrained
from get_hf.modeling.threads_get import MeasuredThreads

#: What must hold: share of the speed of the best fixed number.
LEAST = 0.9
CHANNELS = [
    "Fp1",
    "Fp2",
    "F7",
    "F3",
    "Fz",
    "F4",
    "F8",
    "T7",
    "C3",
    "Cz",
    "C4",
    "T8",
    "P7",
    "P3",
    "Pz",
    "P4",
    "P8",
    "O1",
    "Oz",
    "O2",
]
ROWS = (1, 8)


def main() -> None:
    """Measures, prints a table, and writes JSON where it is asked to."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="seconds of EEG to generate each time")
    parser.add_argument("--repeats", type=int, default=5, help="how often each way is timed")
    parser.add_argument("--json", type=Path, help="file to write")
    args = parser.parse_args()
    logging.disable_progress_bar()

    results = []
    for load, beside in (("alone", nothing), ("beside a busy process", busy_process)):
        for rows in ROWS:
            with beside():
                speeds = measure(rows, args.seconds, args.repeats)
            share = speeds["default"] / max(speed for way, speed in speeds.items() if way != "default")
            results.append({"load": load, "rows": rows, "share": share, **speeds})
            print(f"{load}, {rows} streams: {share:.2f} of the best fixed number of threads {speeds}", flush=True)
    if args.json is not None:
        args.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    if min(result["share"] for result in results) < LEAST:
        sys.exit(f"The chosen number of threads reaches less than {LEAST:g} of the best speed.")


def measure(rows: int, seconds: float, repeats: int) -> dict[str, float]:
    """Median speed of each way of choosing threads, in seconds of EEG per second of time."""
    model, extractor = load_pretrained()
    features = extractor(ch_names=CHANNELS, condition="eyes_open", person=range(rows))
    n_cores = os.cpu_count() or 1
    ways: dict[str, list[float]] = {"default": [], "1 thread": [], f"{n_cores} threads": []}
    for repeat in range(repeats):
        for way, speeds in ways.items():
            with fixed(None if way == "default" else int(way.split()[0])):
                begin = time.perf_counter()
                model.generate(**features, seconds=seconds, generator=torch.Generator().manual_seed(repeat))
                speeds.append(rows * seconds / (time.perf_counter() - begin))
    return {way: round(statistics.median(speeds), 2) for way, speeds in ways.items()}


@contextmanager
def fixed(n_threads: int | None) -> Iterator[None]:
    """Keeps a number of threads throughout; None leaves the choice to `generate()`."""
    before = torch.get_num_threads()
    if n_threads is None:
        yield
        return
    torch.set_num_threads(n_threads)
    with mock.patch.object(MeasuredThreads, "update"):
        yield
    torch.set_num_threads(before)


@contextmanager
def nothing() -> Iterator[None]:
    """Leaves the machine as it is."""
    yield


@contextmanager
def busy_process() -> Iterator[None]:
    """Keeps one core busy."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
