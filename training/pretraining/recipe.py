# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Reads recipes of pretraining: flat YAML files that define the data, the model and the training.

Every key is an argument of `PretrainingData`, `CropConfig`, `PretrainingModel` or transformers' `TrainingArguments`.
The key `model` contains the arguments of `GETConfig`, and the key `generation` contains new defaults for
`GETModel.generate`. A mistake in a recipe raises an error of one sentence, before any data are read or written.
"""

import dataclasses
import math
from pathlib import Path
from typing import Any

import torch
from transformers import GenerationConfig, TrainingArguments

from get_hf.modeling.configuration_get import CONDITIONS, GETConfig
from get_hf.modeling.options_get import OWN_OPTIONS, SUPPORTED_OPTIONS, generation_config
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.training.data.recipe_files import errors_of, read_parts

from .crops import CropConfig
from .going_on import going_on_config
from .population import check_form


@dataclasses.dataclass
class PretrainingData:
    """Settings of the data of a training run.

    Attributes:
        corpus: Name in the registry of corpora, folder that `get-hf corpus prepare` wrote, or owner/name on the Hub.
            For several corpora, a dictionary with the weight of each, such as `{eegmmidb: 3, alpha-waves: 1}`.
        data_dir: Folder with the corpora of the registry. None: the environment variable GET_HF_DATA, or if it is not
            set, see `Corpus.recordings`.
        cache_dir: Folder for prepared segments. None: the cache of `datasets`.
        num_proc: Number of processes that prepare the segments.
        streaming: Whether to read the data of prepared corpora only when they are needed, without a copy on the disk;
            see `get_hf.training.pretraining.streaming`.
        crops_per_segment: For streaming: average number of crops that are cut from each segment.
        shuffled_segments: For streaming: number of segments that each loader worker holds at a time. The crops of
            these segments are in random order. 1: no shuffling.
        fit_segments: Number of training segments that the innovation transform is fitted to. They are spread evenly
            over the corpus; with streaming, they are the first segments of each shard.
        validation_crops: Number of crops of the validation split. The evaluation loss is the mean of their losses.
    """

    corpus: str | dict = "eegmmidb"
    data_dir: str | None = None
    cache_dir: str | None = None
    num_proc: int | None = None
    streaming: bool = False
    crops_per_segment: int = 4
    shuffled_segments: int = 16
    fit_segments: int = 200
    validation_crops: int = 64

    def __post_init__(self):
        for name in ("crops_per_segment", "shuffled_segments", "fit_segments", "validation_crops"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}.")
        if not self.weights:
            raise ValueError("corpus must name at least one corpus.")
        for name, weight in self.weights.items():
            if not isinstance(name, str):
                raise ValueError(f"corpus must name corpora by text, not by {name!r}.")
            if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < math.inf:
                raise ValueError(f"the weight of corpus {name!r} must be a positive number, not {weight!r}.")

    @property
    def weights(self) -> dict[str, float]:
        """Returns the weight of each corpus, to which the probability of drawing a crop from it is proportional."""
        return self.corpus if isinstance(self.corpus, dict) else {self.corpus: 1.0}


@dataclasses.dataclass
class PretrainingModel:
    """Settings of the model of a training run.

    Attributes:
        model: Arguments of `GETConfig`.
        generation: Generation options that are saved with the result, such as `num_flow_steps`; see
            `GETModel.generate`.
        average_decay: Decay per step of the averaged weights. The evaluation and the result use the averaged weights.
        init_from: Checkpoint from which pretraining continues: a folder, or owner/name on the Hub. In this case,
            `model` may only add conditions. None: training starts from random weights.
        muon: Whether Muon trains the matrices inside blocks. AdamW, as set in `optim`, trains all other parameters.
            See `get_hf.training.pretraining.optimisers`.
    """

    model: dict = dataclasses.field(default_factory=dict)
    generation: dict = dataclasses.field(default_factory=dict)
    average_decay: float = 0.999
    init_from: str | None = None
    muon: bool = False


@dataclasses.dataclass
class PretrainingArguments(TrainingArguments):
    """Arguments of transformers with defaults for crops: order and keys are kept, and only the loss is evaluated."""

    train_sampling_strategy: str = "sequential"
    remove_unused_columns: bool = False
    prediction_loss_only: bool = True
    fsdp: bool = False  # transformers declares a text, which is its old form
    ddp_find_unused_parameters: bool | None = False  # every parameter is used in every step
    # without use_cpu, processes that torchrun starts on a machine without an accelerator never connect
    use_cpu: bool = dataclasses.field(default_factory=lambda: not torch.accelerator.is_available())
    dataloader_pin_memory: bool = dataclasses.field(default_factory=torch.accelerator.is_available)


@dataclasses.dataclass
class Recipe:
    """A checked recipe, divided into parts; `given` holds the keys and values of the file and the overrides."""

    data: PretrainingData
    crops: CropConfig
    model: PretrainingModel
    training: PretrainingArguments
    given: dict[str, Any]

    @property
    def config(self) -> GETConfig:
        """Returns the configuration of the model in the recipe."""
        if self.model.init_from is not None:
            return going_on_config(self.model.init_from, self.model.model)
        return GETConfig(**self.model.model)

    @property
    def own_conditions(self) -> list[str]:
        """Returns the names of the additional conditions, whose ids follow the usual ones."""
        return list(self.config.conditions[len(CONDITIONS) :])

    @property
    def generation_config(self) -> GenerationConfig:
        """Returns the default generation options that are saved with the result."""
        return generation_config(**self.model.generation)


_PARTS = (PretrainingData, CropConfig, PretrainingModel, PretrainingArguments)


def read_recipe(path: str | Path, overrides: dict[str, Any] | None = None) -> Recipe:
    """Reads and checks a recipe; see `read_parts`."""
    parts, given = read_parts(path, overrides, _PARTS)
    data, crops, model, training = parts
    recipe = Recipe(data, crops, model, training, given)
    with errors_of(path):
        recipe.crops.noise_size = recipe.config.noise_size
        _check(recipe)
    return recipe


def _check(recipe: Recipe) -> None:
    """Raises an error for mistakes that a check of single keys cannot find."""
    training = recipe.training
    if training.max_steps <= 0:
        raise ValueError("max_steps must be given: it says how many crops a run draws.")
    if training.train_sampling_strategy != "sequential":
        raise ValueError("train_sampling_strategy must be 'sequential': crops are random already, by their index.")
    if training.remove_unused_columns:
        raise ValueError("remove_unused_columns must be false: crops have no columns.")
    if recipe.model.muon and training.optim not in ("adamw_torch", "adamw_torch_fused"):
        raise ValueError(f"muon leaves the rest to AdamW: optim must be adamw_torch, not {training.optim.value}.")
    if recipe.model.muon and training.fsdp:
        raise ValueError("muon needs whole matrices, which fsdp divides among the processes: leave one of them out.")
    if training.fsdp and training.world_size == 1:
        raise ValueError("fsdp divides the weights among processes: start several with torchrun, or leave fsdp out.")
    if unknown := sorted(set(recipe.model.generation) - SUPPORTED_OPTIONS - set(OWN_OPTIONS)):
        known = ", ".join(sorted(SUPPORTED_OPTIONS | set(OWN_OPTIONS)))
        raise ValueError(f"generation has unknown options, {', '.join(unknown)}: it knows {known}.")
    generation_config(**recipe.model.generation)
    if not 0 <= recipe.model.average_decay < 1:
        raise ValueError(f"average_decay must be in [0, 1), not {recipe.model.average_decay}.")
    if not training.output_dir:
        raise ValueError("output_dir must be given.")
    config = recipe.config
    check_form(config.sampling_rate, config.patch_size)
    n_features = GETFeatureExtractor(config.sampling_rate, config.patch_size).transform.n_features
    if config.num_calibration_features != n_features:
        raise ValueError(
            f"num_calibration_features is {config.num_calibration_features}, but with patches of {config.patch_size} "
            f"samples a feature extractor gives {n_features}: set model.num_calibration_features to that."
        )
    if config.conditions[: len(CONDITIONS)] != list(CONDITIONS):
        raise ValueError(
            f"model.conditions must begin with {', '.join(CONDITIONS)}: corpora number their "
            "conditions in this order. Leave conditions out, or add others at the end."
        )
    if config.heard_conditions is not None:
        raise ValueError("model.heard_conditions is read from the corpora: leave it out.")
    recipe.crops.weight_of_each(config.conditions)
    if recipe.crops.equal_people and recipe.data.streaming:
        raise ValueError("equal_people needs all segments of a person at once: leave streaming or equal_people out.")
    if recipe.crops.crop_seconds * config.sampling_rate < 2 * config.patch_size:
        raise ValueError(f"crop_seconds ({recipe.crops.crop_seconds}) must hold at least two patches.")
