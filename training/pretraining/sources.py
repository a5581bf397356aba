# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The corpora in a recipe's `corpus`: one, or several with weights, each built, prepared or on the Hub.

    sources = open_sources({"eegmmidb": 3, "prepared/alpha-waves": 1}, data_dir="data")
    crops = random_crops(sources, "train", extractor, CropConfig(), n_crops=1000, seed=1)

A name is looked up in the registry of corpora, then among folders that `get-hf corpus prepare` wrote, then, as
owner/name, on the Hub. Corpora of any montage and any sampling rate can be mixed: prepared corpora have the model's
rate, and the model identifies channels by position.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa

from get_hf.modeling.configuration_get import CONDITIONS
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.training.corpora import CORPORA, FAMILIES, get_corpus
from get_hf.training.data.prepared import Prepared, is_on_hub, load_prepared
from get_hf.training.data.segments import FEATURES, prepare_segments, problems
from get_hf.training.data.splits import check_disjoint

from .crops import CropConfig, MixedCrops, RandomCrops


@dataclass(frozen=True)
class Source:
    """One corpus of a mixture.

    Attributes:
        name: Name in the recipe.
        weight: How often a crop comes from this corpus, relative to the others.
        corpus: Name in the registry of corpora.
        splits: Segments of each split: `datasets.Dataset`, or `IterableDataset` if they are streamed.
        subjects: Subjects of each split.
        conditions: Names of the conditions in the training segments.
        problems: (subject, session, problem) of each recording that could not be used, or not wholly.
    """

    name: str
    weight: float
    corpus: str
    splits: Mapping[str, datasets.Dataset | datasets.IterableDataset]
    subjects: Mapping[str, Sequence[str]]
    conditions: Sequence[str]
    problems: Sequence[tuple[str, str, str]]

    def people(self, split: str) -> list[tuple[str, str]]:
        """(corpus, subject) of each subject in a split."""
        return [(self.corpus, subject) for subject in self.subjects.get(split, ())]


def open_sources(
    weights: Mapping[str, float],
    streaming: bool = False,
    data_dir: str | Path | None = None,
    cache_dir: str | Path | None = None,
    num_proc: int | None = None,
    sampling_rate: float = 100.0,
    patch_size: int = 25,
) -> list[Source]:
    """Opens corpora, and builds segments for corpora of the registry.

    Args:
        weights: Weight of each corpus, by its name in the registry, its prepared folder or its name on the Hub.
        streaming: Whether to read prepared corpora when they are needed, without a copy on the disk.
        data_dir: Folder with the recordings of corpora of the registry.
        cache_dir: Folder for built segments and memory-mapped copies; None: the cache of `datasets`.
        num_proc: Processes that build segments.
        sampling_rate: The model's sampling rate in Hz.
        patch_size: The model's samples per patch.

    Raises:
        CorpusUnavailableError: A corpus cannot be found.
        ValueError: A name is unknown; a corpus was prepared for another model, has no training subject, or
            should be streamed but is not prepared; a person is in the training split of one corpus and in the
            validation split of another.
        OSError: The disk is full, or the Hub cannot be reached.
    """
    sources = []
    for name, weight in weights.items():
        if not _is_prepared(name):
            if streaming:
                raise ValueError(
                    f"streaming needs prepared corpora, and {name} is not one: get-hf corpus prepare {name} --out "
                    "FOLDER makes it one, then name the folder."
                )
            built = prepare_segments(name, data_dir, cache_dir, sampling_rate, patch_size, num_proc=num_proc)
            subjects = {split: sorted(set(dataset["subject"])) for split, dataset in built.items()}
            found = [problem for dataset in built.values() for problem in problems(dataset)]
            sources.append(Source(name, weight, name, built, subjects, _conditions(built.get("train")), found))
        else:
            prepared = Prepared.read(name)
            _check_fits(prepared, sampling_rate, patch_size)
            splits = load_prepared(name, streaming=streaming, cache_dir=cache_dir)
            held = list(prepared.statistics.get("train", {}).get("hours_of_condition", ()))
            sources.append(Source(name, weight, prepared.corpus, splits, prepared.subjects, held, prepared.problems))
        if "train" not in sources[-1].splits:
            raise ValueError(f"{name} has no recording of a training subject.")
    check_disjoint(
        {split: [who for source in sources for who in source.people(split)] for split in ("train", "validation")}
    )
    return sources


def _conditions(segments: datasets.Dataset | None) -> list[str]:
    """Names of the conditions in segments."""
    rows = [] if segments is None else segments.select_columns(["conditions"]).with_format("numpy")[:]["conditions"]
    return [CONDITIONS[index] for index in np.unique(np.concatenate([*rows, []])).astype(int)]


def heard_conditions(sources: Sequence[Source], weights: Mapping[str, float]) -> list[str]:
    """The conditions in the training segments of these corpora.

    Args:
        sources: The corpora.
        weights: `CropConfig.condition_weights`: conditions of weight 0 are left out.
    """
    held = {name for source in sources for name in source.conditions}
    return [name for name in CONDITIONS[1:] if name in held and weights.get(name, 1.0) > 0]


def _is_prepared(name: str) -> bool:
    """Whether a name means a prepared corpus, on this machine or on the Hub.

    Raises:
        ValueError: The name is unknown.
    """
    if name in CORPORA or name.partition(":")[0] in FAMILIES:
        return False
    if name and (Path(name).expanduser().is_dir() or is_on_hub(name)):
        return True
    if "/" in name:
        raise ValueError(f"there is no folder {name}: get-hf corpus prepare makes one.")
    get_corpus(name)  # raises an error that lists the known names
    return False


def _check_fits(prepared: Prepared, sampling_rate: float, patch_size: int) -> None:
    """Refuses a corpus that was prepared for another model."""
    form = (prepared.sampling_rate, prepared.patch_size)
    if form != (sampling_rate, patch_size):
        raise ValueError(
            f"{prepared.folder} was prepared at {form[0]:g} Hz for patches of {form[1]} samples, and the model is of "
            f"{sampling_rate:g} Hz and patches of {patch_size}: name the corpus itself, {prepared.corpus}."
        )
    if prepared.conditions != list(CONDITIONS[: len(prepared.conditions)]):
        raise ValueError(f"{prepared.folder} numbers its conditions in another way than the model: prepare it again.")


def random_crops(
    sources: Sequence[Source],
    split: str,
    extractor: GETFeatureExtractor,
    config: CropConfig,
    n_crops: int,
    seed: int,
) -> RandomCrops | MixedCrops:
    """Random crops of the corpora that have a split.

    Args:
        sources: The corpora; from streamed corpora only the `first_segments` are used.
        split: "train" or "validation".
        extractor: Converts microvolts to the innovation space.
        config: How crops are drawn.
        n_crops: Number of crops.
        seed: Each seed gives other crops.

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


def fitting_segments(sources: Sequence[Source], n_segments: int) -> datasets.Dataset:
    """Training segments to fit the innovation transform to, from each corpus in proportion to its weight.

    For a corpus on the disk, they are spread evenly over the usable segments. For a streamed corpus, they are the
    first segments of its shards, which are spread about as evenly.

    Raises:
        ValueError: A corpus has no usable segment.
    """
    total = sum(source.weight for source in sources)
    parts = []
    for source in sources:
        n_own = max(1, round(n_segments * source.weight / total))
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
    """The first usable segments of a stream's shards, in memory, about `n_segments` in total.

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
