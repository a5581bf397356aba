# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Draws crops from the corpora in a recipe, and chooses the segments that the innovation transform is fitted to.

sources = open_sources({"eegmmidb": 3, "prepared/alpha-waves": 1}, data_dir="data")
crops = random_crops(sources, "train", extractor, CropConfig(), n_crops=1000, seed=1)
"""

from collections.abc import Mapping, Sequence

import datasets
import numpy as np
import pyarrow as pa

from get_hf.processing.conditions_get import Vocabulary
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.training.data.segments import FEATURES, problems
from get_hf.training.data.sources import Source

from .crops import CropConfig, MixedCrops, RandomCrops


def heard_conditions(sources: Sequence[Source], weights: Mapping[str, float], conditions: Sequence[str]) -> list[str]:
    """Returns the names of the conditions that occur in the training segments of the corpora.

    Args:
        sources: The corpora.
        weights: `CropConfig.condition_weights`; conditions with weight 0 are left out.
        conditions: Names of all conditions, ordered by id.
    """
    spelt = Vocabulary(conditions, conditions[1:])
    weight_of = {spelt.find(name): weight for name, weight in weights.items()}
    held = {name for source in sources for name in source.conditions}
    return [name for name in conditions[1:] if name in held and weight_of.get(name, 1.0) > 0]


def random_crops(
    sources: Sequence[Source],
    split: str,
    extractor: GETFeatureExtractor,
    config: CropConfig,
    n_crops: int,
    seed: int,
) -> RandomCrops | MixedCrops:
    """Returns random crops of one split of the corpora.

    Args:
        sources: The corpora. Corpora without this split are left out. From streamed corpora, only the `first_segments`
            are used.
        split: "train" or "validation".
        extractor: Feature extractor that converts microvolts to the innovation space.
        config: Settings for drawing crops.
        n_crops: Number of crops.
        seed: Seed of the random numbers; each seed gives other crops.

    Raises:
        ValueError: See `RandomCrops`.
    """
    having = [source for source in sources if split in source.splits]
    lists = []
    for source in having:
        segments = source.splits[split]
        if isinstance(segments, datasets.IterableDataset):
            segments = first_segments(segments, n_crops)
        lists.append(RandomCrops(segments, extractor, config, n_crops, seed))
    return lists[0] if len(lists) == 1 else MixedCrops(lists, [source.weight for source in having])


def fitting_segments(sources: Sequence[Source], n_segments: int, equal_people: bool = False) -> datasets.Dataset:
    """Returns the training segments that the innovation transform is fitted to.

    The number of segments of each corpus is proportional to its weight, or with `equal_people` to its weight times the
    number of its people. For a corpus on the disk, they are spread
    evenly over the usable segments. For a streamed corpus, they are the first segments of its shards, which are spread
    almost as evenly.

    Raises:
        ValueError: A corpus has no usable segment.
    """
    weights = [source.weight * (len(source.subjects["train"]) if equal_people else 1) for source in sources]
    parts = []
    for source, weight in zip(sources, weights, strict=True):
        n_own = max(1, round(n_segments * weight / sum(weights)))
        segments = source.splits["train"]
        if isinstance(segments, datasets.IterableDataset):
            parts.append(first_segments(segments, n_own))
            continue
        usable = np.flatnonzero(np.asarray(segments["n_times"]) > 0)
        if not len(usable):
            raise ValueError(f"none of the {len(segments)} training recordings can be used: {problems(segments)[:3]}")
        chosen = usable[np.unique(np.linspace(0, len(usable) - 1, n_own).round().astype(int))]
        parts.append(segments.select(chosen))
    return parts[0] if len(parts) == 1 else datasets.concatenate_datasets(parts)


def first_segments(stream: datasets.IterableDataset, n_segments: int) -> datasets.Dataset:
    """Returns the first usable segments of each shard of a stream, about `n_segments` in total; they are in memory.

    Raises:
        ValueError: There is no usable segment.
    """
    n_shards = min(stream.num_shards, n_segments)
    tables: list[pa.Table] = []
    for index in np.linspace(0, stream.num_shards - 1, n_shards).round().astype(int):
        shard = stream.shard(stream.num_shards, int(index)).with_format("arrow")
        found = 0
        for row in shard.iter(batch_size=1):
            if row["n_times"][0].as_py() > 0:
                tables.append(row)
                found += 1
            if found == -(-n_segments // n_shards):
                break
    if not tables:
        raise ValueError(f"none of the recordings in the first {n_shards} shards can be used.")
    return datasets.Dataset(pa.concat_tables(tables).select(list(FEATURES)).cast(FEATURES.arrow_schema))
