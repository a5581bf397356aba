# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Crops of corpora too large for the disk: segments are streamed, and a few crops are cut from each.

Every loader worker of every process is one reader. Each reader has its own share of each corpus
(`datasets.distributed.split_dataset_by_node`: whole shards where they divide evenly, else every n-th segment), so
that all readers together see every segment exactly once per pass. A reader goes through its share pass after pass.
The corpus of its next segment is drawn by weight, so a small corpus is repeated more often than a large one, and no
reader ever waits for another to finish.

What is exact, and what is not:

- The crops of a reader are a pure function of (seed, number of readers, reader) and of the corpora: they do not
  depend on the speed of any reader. With another number of processes or workers, batches hold other segments.
- A checkpoint holds the position of each reader of each process, before the first crop that training has not used
  yet. A resumed run continues with exactly the crops that an uninterrupted run would have had, without reading
  earlier segments. Resuming with another number of processes or workers is refused.
- A reader holds `shuffled_segments` segments at a time, and their crops come in random order. After the first pass,
  the order of shards also changes from pass to pass. A checkpoint holds the position where such a block begins and
  the number of its used crops, and resuming reads the block again: shuffled or not, resuming is exact. The shuffle
  of `datasets` is not used, because resuming loses the contents of its buffer.

By default, accelerate divides the Trainer's data among the processes: the shards of a `datasets.IterableDataset`. Any
other stream is read by one process and sent to all, or read by each process and mostly thrown away. A stream that is
already divided must not be divided again, so `PretrainingTrainer` uses `StreamLoader` unchanged.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import fsspec.asyn
import numpy as np
import pyarrow as pa
import torch
from datasets.distributed import split_dataset_by_node
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from .crops import Cropper, collate_crops


class Passes:
    """One reader's share of one corpus, repeated without end.

    Args:
        name: Name of the corpus, for messages.
        stream: The reader's share of the corpus's segments.
        cropper: Decides which segments can be cropped; others are skipped.
        shuffle_seed: Changes the order of shards from pass to pass; None: the stored order.
        state: Position to continue from, as returned by `state`.
    """

    def __init__(
        self,
        name: str,
        stream: datasets.IterableDataset,
        cropper: Cropper,
        shuffle_seed: int | None = None,
        state: Sequence[Any] | None = None,
    ):
        self.name = name
        self.stream = stream.with_format("arrow")
        self.cropper = cropper
        self.shuffle_seed = shuffle_seed
        self.number, self.within = (0, None) if state is None else state

    def __iter__(self) -> Iterator[pa.Table]:
        """Yields segments, one row each, without end.

        Raises:
            ValueError: Three passes in a row had no segment that can be cropped.
        """
        n_empty = 0
        while n_empty < 3:  # in one pass of a small, shuffled corpus, a reader may have no segment
            if self.shuffle_seed is not None:  # datasets does not shuffle epoch 0
                self.stream.set_epoch(1 + (self.shuffle_seed + self.number) % 2**62)
            n_empty += self.within is None
            self.stream.load_state_dict(self.within)
            for row in self.stream.iter(batch_size=1):
                self.within = self.stream.state_dict()
                if row["n_times"][0].as_py() >= self.cropper.n_times and self.cropper.weight(_ids(row)) > 0:
                    n_empty = 0
                    yield row
            self.number, self.within = self.number + 1, None
        raise ValueError(
            f"{self.name} has no segment to crop for one of the readers: shorten crop_seconds, give some condition a "
            "weight, or use fewer processes and dataloader_num_workers than it has segments."
        )

    def state(self) -> list[Any]:
        """Number of the pass and position in it, in a form that JSON can hold."""
        return [self.number, self.within]


def _ids(row: pa.Table) -> np.ndarray:
    return row["conditions"].chunk(0).flatten().to_numpy()


class StreamedCrops(IterableDataset):
    """Crops of streamed segments, without end.

    Args:
        streams: The training segments of each corpus, by name, not yet divided among readers.
        weights: How often a segment comes from each corpus, relative to the others.
        cropper: Cuts the crops.
        seed: Each seed gives other crops.
        crops_per_segment: Average number of crops from a segment; `condition_weights` raise or lower it.
        shuffled_segments: Segments that are held at a time, their crops in random order; 1: no shuffling.
        process: Index of this process.
        n_processes: Number of processes.
    """

    def __init__(
        self,
        streams: Mapping[str, datasets.IterableDataset],
        weights: Sequence[float],
        cropper: Cropper,
        seed: int,
        crops_per_segment: int = 4,
        shuffled_segments: int = 16,
        process: int = 0,
        n_processes: int = 1,
    ):
        self.streams = dict(streams)
        self.weights = np.asarray(weights) / np.sum(weights)
        self.cropper = cropper
        self.seed = seed
        self.crops_per_segment = crops_per_segment
        self.shuffled_segments = shuffled_segments
        self.process = process
        self.n_processes = n_processes
        #: Number of batches used before, and the position of each reader of this process after its last batch.
        self.n_batches = 0
        self.places: dict[int, dict[str, Any]] = {}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yields results of `Cropper.crop`, each with `place`, the position of its reader after the crop."""
        info = get_worker_info()
        worker, n_workers = (0, 1) if info is None else (info.id, info.num_workers)
        if info is not None:
            fsspec.asyn.reset_lock()  # as datasets does in its workers: a lock held at the fork stays locked
        # the loader asks its workers in turn and begins with the first, whatever the turn in the previous run
        own = (worker + self.n_batches) % n_workers
        reader, n_readers = self.process * n_workers + own, self.n_processes * n_workers
        place = self.places.get(own, {"block": 0, "n_before": 0, "used": 0, "passes": [None] * len(self.streams)})
        shuffle_seed = self.seed << 32 if self.shuffled_segments > 1 else None
        passes = [
            Passes(name, split_dataset_by_node(stream, reader, n_readers), self.cropper, shuffle_seed, state)
            for (name, stream), state in zip(self.streams.items(), place["passes"], strict=True)
        ]
        segments = [iter(each) for each in passes]
        block, n_crops, used = place["block"], place["n_before"], place["used"]
        while True:
            place = {"reader": own, "block": block, "n_before": n_crops, "passes": [each.state() for each in passes]}
            rng = np.random.default_rng([self.seed, reader, block, 3])
            chosen = rng.choice(len(segments), size=self.shuffled_segments, p=self.weights)
            rows = [next(segments[index]) for index in chosen]
            for index in self._order(rows, rng):
                if used:  # by the run that this one continues
                    used -= 1
                else:
                    group = n_crops // self.cropper.config.same_montage_size
                    crop = self.cropper.crop(
                        rows[index],
                        np.random.default_rng([self.seed, reader, n_crops, 4]),
                        np.random.default_rng([self.seed, reader, group, 5]),
                    )
                    yield crop | {"place": place | {"used": n_crops + 1 - place["n_before"]}}
                n_crops += 1
            block += 1

    def _order(self, rows: Sequence[pa.Table], rng: np.random.Generator) -> np.ndarray:
        """Index of the segment for each crop of a block."""
        wanted = [self.crops_per_segment * self.cropper.weight(_ids(row)) for row in rows]
        of_each = np.floor(wanted + rng.random(len(rows))).astype(int)
        order = np.repeat(np.arange(len(rows)), of_each)
        return rng.permutation(order) if self.shuffled_segments > 1 else order


def collate_streamed(crops: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Stacks crops into a batch, as `collate_crops` does, with the position of the reader after the last crop."""
    place = crops[-1]["place"]
    batch = collate_crops([{key: value for key, value in crop.items() if key != "place"} for crop in crops])
    return batch | {"place": place}


class StreamLoader:
    """Loads batches of streamed crops, and knows the position of each reader after its last batch.

    Args:
        crops: The crops of this process.
        **kwargs: Arguments of torch's DataLoader.
    """

    def __init__(self, crops: StreamedCrops, **kwargs: Any):
        self.crops = crops
        self.loader = DataLoader(crops, collate_fn=collate_streamed, **kwargs)
        self.n_batches = crops.n_batches
        self.places = dict(crops.places)

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        """Yields batches without end."""
        for batch in self.loader:
            place = batch.pop("place")
            self.places[place["reader"]] = place
            self.n_batches += 1
            yield batch

    def save(self, folder: str | Path) -> None:
        """Writes the positions of the readers of this process into a checkpoint."""
        content = {"readers": self._readers(), "n_batches": self.n_batches, "places": list(self.places.values())}
        _file(folder, self.crops.process).write_text(json.dumps(content) + "\n", encoding="utf-8")

    def restore(self, folder: str | Path) -> None:
        """Continues from the positions in a checkpoint.

        Raises:
            ValueError: The checkpoint comes from a run without streaming, or from other readers.
        """
        path = _file(folder, self.crops.process)
        if not path.is_file():
            raise ValueError(
                f"{folder} does not say where process {self.crops.process} was in its stream: resume it with the same "
                "number of processes and the same streaming as the run that wrote it."
            )
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["readers"] != self._readers():
            raise ValueError(
                f"{folder} was written with {content['readers']} and this run has {self._readers()}: resume it with "
                "the same, or begin a new run in another output_dir."
            )
        self.n_batches = self.crops.n_batches = content["n_batches"]
        self.crops.places = {place["reader"]: place for place in content["places"]}
        self.places = dict(self.crops.places)

    def _readers(self) -> dict[str, Any]:
        """Settings without which positions in a stream have no meaning."""
        crops = self.crops
        return {
            "corpora": list(crops.streams),
            "processes": crops.n_processes,
            "workers": self.loader.num_workers,
            "batch": self.loader.batch_size,
            "crops_per_segment": crops.crops_per_segment,
            "shuffled_segments": crops.shuffled_segments,
        }


def _file(folder: str | Path, process: int) -> Path:
    return Path(folder) / f"stream_{process}.json"
