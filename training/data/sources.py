# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Opens the corpora that a recipe names in `corpus`: one corpus, or several corpora with weights.

    sources = open_sources({"eegmmidb": 3, "prepared/alpha-waves": 1}, data_dir="data")

A name is first looked up in the registry of corpora. If it is not there, it is the folder of a prepared corpus, which
`get-hf corpus prepare` wrote. Otherwise it is owner/name on the Hub. Corpora with any montage and any sampling rate
can be mixed: all segments have the model's sampling rate, and the model identifies channels by position.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import datasets
import numpy as np

from get_hf.modeling.configuration_get import CONDITIONS
from get_hf.training.corpora import CORPORA, FAMILIES, get_corpus

from .prepared import Prepared, is_on_hub, load_prepared
from .segments import prepare_segments, problems
from .splits import check_disjoint


@dataclass(frozen=True)
class Source:
    """One corpus of a mixture.

    Attributes:
        name: Name in the recipe.
        weight: Weight of the corpus. The probability that a crop comes from a corpus is proportional to its weight.
        corpus: Name in the registry of corpora.
        splits: Segments of each split, as a `datasets.Dataset`, or an `IterableDataset` if they are streamed.
        subjects: Subjects of each split.
        conditions: Names of the conditions that occur in the training segments.
        problems: (subject, session, problem) of each recording that could not be used completely.
    """

    name: str
    weight: float
    corpus: str
    splits: Mapping[str, datasets.Dataset | datasets.IterableDataset]
    subjects: Mapping[str, Sequence[str]]
    conditions: Sequence[str]
    problems: Sequence[tuple[str, str, str]]

    def people(self, split: str) -> list[tuple[str, str]]:
        """Returns (corpus, subject) of each subject in a split."""
        return [(self.corpus, subject) for subject in self.subjects.get(split, ())]


def open_sources(
    weights: Mapping[str, float],
    streaming: bool = False,
    data_dir: str | Path | None = None,
    cache_dir: str | Path | None = None,
    num_proc: int | None = None,
    sampling_rate: float = 100.0,
    patch_size: int = 25,
    own_conditions: Sequence[str] = (),
) -> list[Source]:
    """Opens corpora, and builds the segments of corpora of the registry.

    Args:
        weights: Weight of each corpus. A key is the corpus's name in the registry, its prepared folder or its name on
            the Hub.
        streaming: Whether to read the data of prepared corpora only when they are needed, without a copy on the disk.
        data_dir: Folder with the recordings of corpora of the registry.
        cache_dir: Folder for built segments and memory-mapped copies. None: the cache of `datasets`.
        num_proc: Number of processes that build segments.
        sampling_rate: The model's sampling rate in Hz.
        patch_size: The model's number of samples per patch.
        own_conditions: Names of additional conditions that annotations may have in corpora of the registry; their ids
            follow the usual ones.

    Raises:
        CorpusUnavailableError: A corpus cannot be found.
        ValueError: A name is unknown. Or a corpus was prepared for another model, has no training subject, or should
            be streamed but is not prepared. Or a person is in the training split of one corpus and in the validation
            split of another.
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
            built = prepare_segments(
                name, data_dir, cache_dir, sampling_rate, patch_size, num_proc=num_proc, own_conditions=own_conditions
            )
            subjects = {split: sorted(set(dataset["subject"])) for split, dataset in built.items()}
            found = [problem for dataset in built.values() for problem in problems(dataset)]
            sources.append(
                Source(
                    name,
                    weight,
                    name,
                    built,
                    subjects,
                    _conditions(built.get("train"), [*CONDITIONS, *own_conditions]),
                    found,
                )
            )
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


def _conditions(segments: datasets.Dataset | None, names: Sequence[str]) -> list[str]:
    """Returns the names of the conditions that occur in segments; `names` holds all names, ordered by id."""
    rows = [] if segments is None else segments.select_columns(["conditions"]).with_format("numpy")[:]["conditions"]
    return [names[index] for index in np.unique(np.concatenate([*rows, []])).astype(int)]


def _is_prepared(name: str) -> bool:
    """Whether a name is the name of a prepared corpus, on this machine or on the Hub.

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
