# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""How fast prepared segments are read, and what part of a pretraining step waits for data.

    python benchmarks/reading.py --data-dir DATA --recipe training/recipes/pretrain_eegmmidb.yaml --json reading.json

Both are ratios measured in one run: random windows per second against a plain memory map of the same samples, read
in turn, and the time the Trainer waits for batches over the time of its steps.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa

from get_hf.training.data.segments import prepare_segments
from get_hf.training.pretraining import run as pretraining
from get_hf.training.pretraining.crops import COLUMNS

#: What must hold: times as slow as a memory map in batches of 64, and share of a step.
SLOWEST, LARGEST_SHARE = 4.0, 0.03
BATCH = 64
WINDOW_SECONDS = 16.0
#: Channels of a window, in random order; None: all.
CHANNELS = (None, 8, 1)
#: Steps before the loader has filled its queue.
WARM_UP = 3


def main() -> None:
    """Measures, prints a table, and writes JSON where it is asked to."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, help="folder that holds the corpus")
    parser.add_argument("--corpus", default="eegmmidb")
    parser.add_argument("--cache-dir", type=Path, help="where its segments are built")
    parser.add_argument("--recipe", type=Path, help="whose steps to measure; without it, only reading is")
    parser.add_argument("--steps", type=int, default=12, help="of each way of loading")
    parser.add_argument("--seconds", type=float, default=2.0, help="of reading in each way")
    parser.add_argument("--json", type=Path, help="file to write")
    args = parser.parse_args()
    datasets.disable_progress_bars()

    segments = prepare_segments(args.corpus, args.data_dir, args.cache_dir)["train"]
    results = {"windows": measure_windows(segments, args.seconds)}
    if args.recipe is not None:
        results["loading"] = [
            measure_loading(args.recipe, args.data_dir, args.cache_dir, args.steps, n_workers) for n_workers in (1, 0)
        ]
    print(table(results))
    if args.json is not None:
        args.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def measure_windows(segments: datasets.Dataset, seconds: float) -> list[dict]:
    """Random windows per second of each way of reading, and how many times as slow it is as a memory map."""
    arrow = segments.select_columns(COLUMNS).with_format("arrow")
    signals = [_signal(arrow, index) for index in range(len(arrow))]
    n_times = round(WINDOW_SECONDS * segments[0]["sampling_rate"])
    signals = {index: signal for index, signal in enumerate(signals) if signal.shape[1] > n_times}
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(prefix="get-hf-", ignore_cleanup_errors=True) as folder:
        readers = {
            "memory map": _memory_map(signals, Path(folder)),
            "prepared segments": lambda windows: _at_once(arrow, windows),
            "prepared segments, one by one": lambda windows: _one_by_one(arrow, windows),
            "lists of one fixed length": _fixed_length(signals, Path(folder)),
        }
        results = []
        for n_channels in CHANNELS:
            spent: dict[str, list[float]] = {name: [] for name in readers}
            began = time.perf_counter()
            while time.perf_counter() - began < len(readers) * seconds:
                windows = [_window(signals, n_times, n_channels, rng) for _ in range(BATCH)]
                for name, read in readers.items():
                    start = time.perf_counter()
                    read(windows)
                    spent[name].append(time.perf_counter() - start)
            fastest = statistics.median(spent["memory map"])
            results += [
                {
                    "channels": n_channels or "all",
                    "reader": name,
                    "windows_per_second": round(BATCH / statistics.median(times)),
                    "times_as_slow": round(statistics.median(times) / fastest, 2),
                }
                for name, times in spent.items()
            ]
    return results


def _signal(arrow: datasets.Dataset, index: int) -> np.ndarray:
    """A segment `(channels, times)` as training reads it: a view."""
    row = arrow[index]
    flat = row["signal"].chunk(0).flatten().to_numpy()
    return flat.reshape(row["n_chans"][0].as_py(), row["n_times"][0].as_py())


def _one_by_one(arrow: datasets.Dataset, windows: Sequence[tuple]) -> list[np.ndarray]:
    return [np.array(_signal(arrow, index)[channels, times]) for index, channels, times in windows]


def _at_once(arrow: datasets.Dataset, windows: Sequence[tuple]) -> list[np.ndarray]:
    """Windows of as many segments, found by one look-up."""
    rows = arrow[[index for index, _, _ in windows]]
    counts, lengths = (rows[name].to_numpy() for name in ("n_chans", "n_times"))
    read = []
    for part in rows["signal"].chunks:
        samples, starts = part.values.to_numpy(), part.offsets.to_numpy()
        for start in starts[:-1]:
            (_, channels, times), shape = windows[len(read)], (counts[len(read)], lengths[len(read)])
            read.append(np.array(samples[start : start + shape[0] * shape[1]].reshape(shape)[channels, times]))
    return read


def _window(signals: dict[int, np.ndarray], n_times: int, n_channels: int | None, rng: np.random.Generator) -> tuple:
    """Segment, channels and times of a random window."""
    index = list(signals)[rng.integers(len(signals))]
    start = rng.integers(signals[index].shape[1] - n_times)
    channels = slice(None) if n_channels is None else rng.permutation(len(signals[index]))[:n_channels]
    return index, channels, slice(start, start + n_times)


def _memory_map(signals: dict[int, np.ndarray], folder: Path) -> Callable[[Sequence[tuple]], list[np.ndarray]]:
    """Reads from a file of nothing but samples."""
    sizes = [signal.size for signal in signals.values()]
    with open(folder / "samples", "wb") as file:
        for signal in signals.values():
            signal.tofile(file)
    samples = np.memmap(folder / "samples", np.float32, "r")
    starts = dict(zip(signals, np.cumsum([0, *sizes[:-1]]), strict=True))
    shapes = {index: signal.shape for index, signal in signals.items()}

    def read(windows):
        windows = ((shapes[index], starts[index], channels, times) for index, channels, times in windows)
        return [
            np.array(samples[start : start + shape[0] * shape[1]].reshape(shape)[channels, times])
            for shape, start, channels, times in windows
        ]

    return read


def _fixed_length(signals: dict[int, np.ndarray], folder: Path) -> Callable[[Sequence[tuple]], list[np.ndarray]]:
    """Reads, all at once, from lists padded to the longest."""
    longest = max(signal.size for signal in signals.values())
    padded = np.concatenate([np.pad(signal.ravel(), (0, longest - signal.size)) for signal in signals.values()])
    column = pa.FixedSizeListArray.from_arrays(pa.array(padded), longest)
    datasets.Dataset(pa.table([column], ["signal"])).save_to_disk(folder / "fixed")
    arrow = datasets.load_from_disk(folder / "fixed").with_format("arrow")
    places = {index: place for place, index in enumerate(signals)}
    shapes = {index: signal.shape for index, signal in signals.items()}

    def read(windows):
        parts = arrow[[places[index] for index, _, _ in windows]]["signal"].chunks
        rows = np.concatenate([np.arange(len(part)) for part in parts])
        of_row = [samples for part in parts for samples in [part.flatten().to_numpy()] * len(part)]
        read = []
        for (index, channels, times), row, samples in zip(windows, rows, of_row, strict=True):
            shape = shapes[index]
            start = row * longest
            read.append(np.array(samples[start : start + shape[0] * shape[1]].reshape(shape)[channels, times]))
        return read

    return read


def measure_loading(
    recipe: Path, data_dir: Path | None, cache_dir: Path | None, n_steps: int, n_workers: int
) -> dict[str, float]:
    """The part of its steps that training waits for batches."""
    waits, ends = [], []

    class Timed(pretraining.PretrainingTrainer):
        def get_batch_samples(self, *args, **kwargs):
            start = time.perf_counter()
            ends.append(start)
            batches = super().get_batch_samples(*args, **kwargs)
            waits.append(time.perf_counter() - start)
            return batches

    original, pretraining.PretrainingTrainer = pretraining.PretrainingTrainer, Timed
    try:
        with tempfile.TemporaryDirectory(prefix="get-hf-") as folder:
            pretraining.run(
                recipe,
                data_dir=None if data_dir is None else str(data_dir),
                cache_dir=None if cache_dir is None else str(cache_dir),
                output_dir=folder,
                max_steps=n_steps,
                dataloader_num_workers=n_workers,
                eval_strategy="no",
                save_strategy="no",
                report_to="none",
                disable_tqdm=True,
                lr_scheduler_type="constant",
                lr_scheduler_kwargs=None,
            )
    finally:
        pretraining.PretrainingTrainer = original
    spent = ends[-1] - ends[WARM_UP]
    return {
        "workers": n_workers,
        "steps": n_steps - 1 - WARM_UP,
        "seconds_per_step": round(spent / (n_steps - 1 - WARM_UP), 3),
        "share_waiting": round(sum(waits[WARM_UP:-1]) / spent, 4),
    }


def table(results: dict) -> str:
    """The results for people."""
    lines = [f"windows of {WINDOW_SECONDS:g} s in batches of {BATCH}; at most {SLOWEST:g} times as slow wanted"]
    lines += _aligned(
        [
            ("channels", "reader", "per second", "times as slow"),
            *(
                (str(r["channels"]), r["reader"], f"{r['windows_per_second']:,}", f"{r['times_as_slow']:.2f}")
                for r in results["windows"]
            ),
        ]
    )
    if "loading" in results:
        lines += ["", f"waiting for batches; at most {LARGEST_SHARE:.0%} of a step wanted, with a worker"]
        lines += _aligned(
            [
                ("workers", "s per step", "share waiting"),
                *(
                    (str(r["workers"]), f"{r['seconds_per_step']:.2f}", f"{r['share_waiting']:.1%}")
                    for r in results["loading"]
                ),
            ]
        )
    return "\n".join(lines)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


if __name__ == "__main__":
    sys.exit(main())
