# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Streams the segments of corpora that are too large for the disk, and cuts a few crops from each segment.

Every loader worker of every process is one reader. Each reader has its own share of each corpus, as
`datasets.distributed.split_dataset_by_node` divides it: whole shards if the number of shards is a multiple of the
number of readers, otherwise every n-th segment. So in one pass, all readers together read every segment exactly once.
A reader repeats its share without end. The corpus of its next segment is drawn with a probability proportional to the
corpus's weight. So a small corpus is repeated more often than a large corpus, and no reader waits for another reader.

Reproducibility:

- The crops of a reader depend only on the corpora and on (seed, number of readers, index of the reader), not on the
  speed of any reader. With another number of processes or workers, batches contain other segments.
- A checkpoint stores the position of each reader of each process, just before the first crop that was not used yet. A
  resumed run continues with exactly the same crops as an uninterrupted run, and does not read earlier segments. If the
  number of processes or workers has changed, resuming raises an error.
- A reader holds a block of `shuffled_segments` segments at a time, and the crops of a block are in random order. After
  the first pass, the order of shards also changes in every pass. A checkpoint stores the position where the block
  begins and the number of crops that were used from it. Resuming reads the block again, so it is exact with and
  without shuffling. The shuffle of `datasets` is not used, because resuming loses the contents of its buffer.

By default, accelerate divides the Trainer's data among the processes. It divides a `datasets.IterableDataset` by its
shards. Any other stream is read by one process and sent to all processes, or each process reads all of it and discards
most of it. `StreamedCrops` is divided already and must not be divided again. So `PretrainingTrainer` uses
`StreamLoader` without accelerate.
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
    """The share of one corpus that one reader reads, repeated without end.

    Args:
        name: Name of the corpus, for error messages.
        stream: Segments of the corpus that this reader reads.
        cropper: Cropper of these segments. Segments from which it cannot cut crops are skipped.
        shuffle_seed: Seed of the order of shards, which changes in every pass. None: the stored order.
        state: Position to continue from, as the method `state` returns it.
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
        """Yields segments without end, each as a table with one row.

        Raises:
            ValueError: Three consecutive passes had no segment from which a crop can be cut.
        """
        n_empty = 0
        while n_empty < 3:  # in one pass of a small, shuffled corpus, a reader may have no segment
            if self.shuffle_seed is not None:  # datasets does not shuffle in epoch 0
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
        """Returns the number of the pass and the position in the pass, in a form that can be written as JSON."""
        return [self.number, self.within]


def _ids(row: pa.Table) -> np.ndarray:
    return row["conditions"].chunk(0).flatten().to_numpy()


class StreamedCrops(IterableDataset):
    """An endless stream of crops from streamed segments.

    Args:
        streams: Training segments of each corpus; keys are names of corpora. They are not yet divided among readers.
        weights: Weight of each corpus. The probability that a segment comes from a corpus is proportional to its
            weight.
        cropper: Cropper that cuts the crops.
        seed: Seed of the random numbers; each seed gives other crops.
        crops_per_segment: Average number of crops from a segment. It is multiplied by the segment's weight, which
            follows from `condition_weights`.
        shuffled_segments: Number of segments that a reader holds at a time; their crops are in random order. 1: no
            shuffling.
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
        #: Number of batches that were used before, and position of each reader of this process after its last batch.
        self.n_batches = 0
        self.places: dict[int, dict[str, Any]] = {}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yields crops as `Cropper.crop` returns them; `place` is the position of the reader after the crop."""
        info = get_worker_info()
        worker, n_workers = (0, 1) if info is None else (info.id, info.num_workers)
        if info is not None:
            fsspec.asyn.reset_lock()  # as in the workers of datasets: a lock that is held at the fork stays locked
        # the loader asks its workers one after the other, and always starts with the first, even in a resumed run
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
                if used:  # this crop was used by the run that this run continues
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
        """Returns the index of the segment for each crop of a block."""
        wanted = [self.crops_per_segment * self.cropper.weight(_ids(row)) for row in rows]
        of_each = np.floor(wanted + rng.random(len(rows))).astype(int)
        order = np.repeat(np.arange(len(rows)), of_each)
        return rng.permutation(order) if self.shuffled_segments > 1 else order


def collate_streamed(crops: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Stacks crops into a batch with `collate_crops`, and adds the position of the reader after the last crop."""
    place = crops[-1]["place"]
    batch = collate_crops([{key: value for key, value in crop.items() if key != "place"} for crop in crops])
    return batch | {"place": place}


class StreamLoader:
    """Loader of batches of streamed crops, which stores the position of each reader after its last batch.

    Args:
        crops: Stream of the crops of this process.
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
        """Writes the positions of this process's readers to a file in a checkpoint."""
        content = {"readers": self._readers(), "n_batches": self.n_batches, "places": list(self.places.values())}
        _file(folder, self.crops.process).write_text(json.dumps(content) + "\n", encoding="utf-8")

    def restore(self, folder: str | Path) -> None:
        """Continues from the positions in a checkpoint.

        Raises:
            ValueError: The checkpoint comes from a run without streaming, or from a run with other readers.
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
        """Returns the settings that must be the same when positions in a stream are restored."""
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
