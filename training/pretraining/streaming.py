# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Crops of corpora too large for the disk: segments pass by, and a few crops are cut of each.

Every loader worker of every process is one reader. Of each corpus it has its own share
(`datasets.distributed.split_dataset_by_node`: whole shards where they divide evenly, else every n-th segment), so
that all readers together see every segment exactly once per pass. A reader goes through its share pass after pass;
which corpus its next segment is of is drawn by weight, so a small corpus is passed more often than a large one,
and no reader ever waits for another to finish.

What is exact, and what is not:

- The crops of a reader are a pure function of (seed, number of readers, reader) and of the corpora: nothing depends
  on how fast anybody is. With another number of processes or workers other segments meet in a batch.
- A checkpoint holds where each reader of each process is, before the first crop that training has not used yet.
  Resumed, a run goes on with the very crops it would have had, without reading what lies before; with another
  number of processes or workers it is refused.
- `shuffled_segments` many segments are held at a time and their crops come in random order; beyond the first pass
  also the order of shards changes from pass to pass. A checkpoint holds where such a block begins and how many of
  its crops were used, and resuming reads the block again: shuffled or not, resuming is exact. The shuffle of
  `datasets` is not used, because what its buffer holds is lost when it is resumed.

The Trainer would have accelerate give each process a part of what it is given: of a `datasets.IterableDataset` some
shards, of any other stream what one process reads and sends to all, or what each reads and mostly throws away. A
stream that is shared out already must not be shared out again, so `PretrainingTrainer` takes `StreamLoader` as is.
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
    """One reader's share of one corpus, again and again.

    Args:
        name: Of the corpus, for messages.
        stream: The corpus's segments, shared out already.
        cropper: Tells which segments can be cropped; others are passed over.
        shuffle_seed: Changes the order of shards from pass to pass; None: the order they are stored in.
        state: Where to go on, as `state` returned it.
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
            ValueError: Three passes in a row had none that can be cropped.
        """
        n_empty = 0
        while n_empty < 3:  # of a small corpus, shuffled, a reader may have nothing for once
            if self.shuffle_seed is not None:  # datasets keeps epoch 0 in order
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
        """Pass and place in it, of what JSON can hold."""
        return [self.number, self.within]


def _ids(row: pa.Table) -> np.ndarray:
    return row["conditions"].chunk(0).flatten().to_numpy()


class StreamedCrops(IterableDataset):
    """Crops without end, of segments that pass by.

    Args:
        streams: The training segments of each corpus, by name, not shared out.
        weights: How often a segment is of each corpus, relative to the others.
        cropper: Cuts the crops.
        seed: Another seed, other crops.
        crops_per_segment: Crops of each segment, on average, of which `condition_weights` make more or fewer.
        shuffled_segments: Segments that are held at a time, their crops in random order; 1: no shuffling.
        process: Number of this process.
        n_processes: How many there are.
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
        #: Batches that were used before, and where each reader of this process that made one was after its last.
        self.n_batches = 0
        self.places: dict[int, dict[str, Any]] = {}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yields crops as `Cropper.crop` makes them, with the `place` of their reader after them."""
        info = get_worker_info()
        worker, n_workers = (0, 1) if info is None else (info.id, info.num_workers)
        if info is not None:
            fsspec.asyn.reset_lock()  # as datasets does in its own workers: what was forked locked stays locked
        # the loader asks its workers in turn, beginning with the first, wherever the turn was in the run before
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
                if used:  # by the run that this one goes on from
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
        """Of which segment of a block each of its crops is cut."""
        wanted = [self.crops_per_segment * self.cropper.weight(_ids(row)) for row in rows]
        of_each = np.floor(wanted + rng.random(len(rows))).astype(int)
        order = np.repeat(np.arange(len(rows)), of_each)
        return rng.permutation(order) if self.shuffled_segments > 1 else order


def collate_streamed(crops: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Stacks crops into a batch, as `collate_crops` does, with the place of the reader after the last of them."""
    place = crops[-1]["place"]
    batch = collate_crops([{key: value for key, value in crop.items() if key != "place"} for crop in crops])
    return batch | {"place": place}


class StreamLoader:
    """Loads batches of streamed crops, and knows where the readers are that made those handed out.

    Args:
        crops: The crops of this process.
        **kwargs: Of torch's DataLoader.
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
        """Writes where the readers of this process are into a checkpoint."""
        content = {"readers": self._readers(), "n_batches": self.n_batches, "places": list(self.places.values())}
        _file(folder, self.crops.process).write_text(json.dumps(content) + "\n", encoding="utf-8")

    def restore(self, folder: str | Path) -> None:
        """Goes on where a checkpoint was written.

        Raises:
            ValueError: It was written by a run that did not stream, or by other readers.
        """
        path = _file(folder, self.crops.process)
        if not path.is_file():
            raise ValueError(
                f"{folder} does not tell where process {self.crops.process} was in its stream: resume it with as many "
                "processes as wrote it, and with streaming as it was."
            )
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["readers"] != self._readers():
            raise ValueError(
                f"{folder} was written with {content['readers']} and this run has {self._readers()}: resume it with "
                "the same, or train anew in another output_dir."
            )
        self.n_batches = self.crops.n_batches = content["n_batches"]
        self.crops.places = {place["reader"]: place for place in content["places"]}
        self.places = dict(self.crops.places)

    def _readers(self) -> dict[str, Any]:
        """What places in a stream only mean something with."""
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
