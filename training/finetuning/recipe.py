# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Recipes of fine-tuning: the windows, the classifier and the training, in one flat YAML file.

Every key is an argument of `FinetuningData`, `FinetuningModel` or transformers' `TrainingArguments`.
"""

import dataclasses
from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments

from get_hf.modeling.configuration_get import POOLING
from get_hf.training.data.recipe_files import errors_of, read_parts

from .protocols import PROTOCOLS
from .windows import EPOCHS, condition_classes

METHODS = ("full", "head", "lora")


@dataclasses.dataclass
class FinetuningData:
    """The labelled windows of a run.

    Attributes:
        corpus: Name in the registry of corpora (`moabb:NAME` and folders of files included), folder that
            `get-hf corpus prepare` wrote, owner/name on the Hub, or `epochs:FOLDER` with files of `mne.Epochs`.
        classes: Conditions of each class, such as `{left: left_fist, other: [right_fist, feet]}`. For `epochs:`, names
            of events; None: each event is a class.
        window_seconds: Length of a window; for `epochs:`, epochs are windows.
        stride_seconds: Distance of windows within a trial. None: `window_seconds`.
        protocol: "cross-subject", "within-subject" or "few-shot"; see `get_hf.training.finetuning.protocols`.
        n_people: Number of training people. None: all.
        trials_per_class: Training trials of each class and person. None: all.
        n_folds: Folds of people, for corpora without fixed splits.
        split_seed: Seed of people, trials and folds.
        test: Whether to judge on the test split too. Look at it once, at the end.
        data_dir: Folder with the corpora of the registry; None: the environment variable GET_HF_DATA.
        cache_dir: Folder for prepared segments; None: the cache of `datasets`.
        num_proc: Processes that prepare the windows.
    """

    corpus: str = "eegmmidb"
    classes: dict | None = None
    window_seconds: float = 4.0
    stride_seconds: float | None = None
    protocol: str = "cross-subject"
    n_people: int | None = None
    trials_per_class: int | None = None
    n_folds: int = 5
    split_seed: int = 0
    test: bool = False
    data_dir: str | None = None
    cache_dir: str | None = None
    num_proc: int | None = None

    def __post_init__(self):
        if self.classes is not None:
            self.classes = {
                str(name): [own] if isinstance(own, str) else [str(one) for one in own]
                for name, own in self.classes.items()
            }
            if len(self.classes) < 2:
                raise ValueError(f"classes must be at least two, not {len(self.classes)}.")
        if not self.corpus.startswith(EPOCHS):
            if self.classes is None:
                raise ValueError("classes must be given, such as {left: [left_fist], right: [right_fist]}.")
            condition_classes(self.classes)
        if self.protocol not in PROTOCOLS:
            raise ValueError(f"protocol must be one of {', '.join(PROTOCOLS)}, not {self.protocol!r}.")
        for name in ("n_people", "trials_per_class", "n_folds"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}.")
        if not self.window_seconds > 0:
            raise ValueError(f"window_seconds must be positive, not {self.window_seconds}.")


@dataclasses.dataclass
class FinetuningModel:
    """The classifier of a run.

    Attributes:
        init_from: Checkpoint to start from: a generator or a classifier, a folder or owner/name on the Hub. None: the
            shipped generator.
        random_weights: Whether to start from random weights with the architecture of `init_from`: a control that
            shows what pretraining is worth.
        method: "full" trains all weights, "head" only the linear layer, "lora" low-rank changes of the backbone
            (Hu et al. 2022) and the linear layer.
        lora_rank: Rank of these changes.
        adapter_base: For "lora": name of the checkpoint that the run starts from, an owner/name on the Hub or a folder
            relative to the result. The result then holds only the low-rank changes and this name. None: a whole
            checkpoint.
        pooling: "position" or "mean"; see `GETConfig.classifier_pooling`.
        dropout: Dropout of the pooled features.
        channels_per_window: Random channels of each training window. None: all.
        probe: Whether to start from a logistic regression on the features of the untrained backbone, which disturbs
            pretrained weights less (Kumar et al. 2022). A classifier in `init_from` keeps its own linear layer.
        probe_strength: Inverse strength of the regularisation of this regression.
        class_weights: Whether classes weigh equally in the loss, however many windows they have.
        layer_decay: Factor of the learning rate from each block to the block before it.
        head_learning_rate: Learning rate of the linear layer. None: `learning_rate`.
        early_stopping_patience: Epochs without a better validation accuracy before training stops, and the best epoch
            is kept. None: all epochs are trained, and the last one is kept.
        compile: Whether to compile the training step (`torch.compile`): a few minutes at the start, then two to three
            times as fast on CPUs.
        allow_seen_people: Whether the classifier may be judged on people that its checkpoint was pretrained on.
    """

    init_from: str | None = None
    random_weights: bool = False
    method: str = "full"
    lora_rank: int = 8
    adapter_base: str | None = None
    pooling: str = "position"
    dropout: float = 0.0
    channels_per_window: int | None = None
    probe: bool = True
    probe_strength: float = 1e-3
    class_weights: bool = False
    layer_decay: float = 1.0
    head_learning_rate: float | None = None
    early_stopping_patience: int | None = None
    compile: bool = False
    allow_seen_people: bool = False

    def __post_init__(self):
        if self.method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(METHODS)}, not {self.method!r}.")
        if self.pooling not in POOLING:
            raise ValueError(f"pooling must be {' or '.join(POOLING)}, not {self.pooling!r}.")
        if self.lora_rank < 1:
            raise ValueError(f"lora_rank must be at least 1, not {self.lora_rank}.")
        if self.adapter_base is not None and self.method != "lora":
            raise ValueError(f"adapter_base is for the method lora, not for {self.method}: leave one of the two out.")
        if not 0 < self.layer_decay <= 1:
            raise ValueError(f"layer_decay must lie in (0, 1], not at {self.layer_decay}.")
        if not self.probe_strength > 0:
            raise ValueError(f"probe_strength must be positive, not {self.probe_strength}.")


@dataclasses.dataclass
class FinetuningArguments(TrainingArguments):
    """Arguments of transformers with defaults for classifiers."""

    num_train_epochs: float = 3
    per_device_train_batch_size: int = 16
    per_device_eval_batch_size: int = 16
    learning_rate: float = 2e-4
    lr_scheduler_type: str = "cosine"
    warmup_steps: float = 0.1
    weight_decay: float = 0.01
    adam_beta2: float = 0.98
    max_grad_norm: float = 1.0
    eval_strategy: str = "epoch"
    save_strategy: str = "epoch"
    save_total_limit: int | None = 1
    remove_unused_columns: bool = False
    use_cpu: bool = dataclasses.field(default_factory=lambda: not torch.accelerator.is_available())
    dataloader_pin_memory: bool = dataclasses.field(default_factory=torch.accelerator.is_available)


@dataclasses.dataclass
class FinetuningRecipe:
    """A checked recipe, by parts; `given` holds the keys of the file and the overrides."""

    data: FinetuningData
    model: FinetuningModel
    training: FinetuningArguments
    given: dict[str, Any]


def read_recipe(path: str | Path, overrides: dict[str, Any] | None = None) -> FinetuningRecipe:
    """Reads and checks a recipe; see `get_hf.training.data.recipe_files.read_parts`."""
    parts, given = read_parts(path, overrides, (FinetuningData, FinetuningModel, FinetuningArguments))
    recipe = FinetuningRecipe(*parts, given)
    with errors_of(path):
        if not given.get("output_dir"):
            raise ValueError("output_dir must be given.")
        if recipe.model.early_stopping_patience is not None and recipe.training.eval_strategy == "no":
            raise ValueError("early_stopping_patience needs an evaluation of each epoch: leave eval_strategy out.")
    return recipe
