# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Reads recipes of fine-tuning: flat YAML files that define the windows, the classifier and the training.

Every key is an argument of `FinetuningData`, `FinetuningModel` or transformers' `TrainingArguments`.
"""

import dataclasses
import math
from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments

from get_hf.modeling.configuration_get import POOLING
from get_hf.training.data.recipe_files import errors_of, read_parts

from .protocols import PROTOCOLS
from .windows import CALIBRATIONS, EPOCHS, condition_classes

METHODS = ("full", "head", "lora")


@dataclasses.dataclass
class FinetuningData:
    """Settings of the labelled windows of a run.

    Attributes:
        corpus: Name in the registry of corpora (such as `moabb:NAME` or `files:PATTERN`), folder that
            `get-hf corpus prepare` wrote, owner/name on the Hub, or `epochs:FOLDER` for a folder with files of
            `mne.Epochs`.
        classes: Conditions of each class, such as `{left: left_fist, other: [right_fist, feet]}`. For `epochs:`, names
            of events of each class, or None if each event is a class.
        window_seconds: Length of a window in seconds. It is not used for `epochs:`, where each epoch is a window.
        stride_seconds: Time in seconds from the start of a window to the start of the next window in the same trial.
            None: `window_seconds`.
        calibrations: What the transform of a training window is estimated from: "session", "person", or both; see
            `get_hf.training.finetuning.windows.cut_windows`.
        protocol: "cross-subject", "within-subject" or "few-shot"; see `get_hf.training.finetuning.protocols`.
        n_people: Number of training people. None: all people.
        trials_per_class: Number of training trials of each class and person. None: all trials.
        n_folds: Number of folds, for corpora without fixed splits.
        split_seed: Seed of the random choice of people, trials and folds.
        test: Whether to evaluate on the test split too. Do this only once, at the end.
        data_dir: Folder with the corpora of the registry. None: the environment variable GET_HF_DATA.
        cache_dir: Folder for prepared segments. None: the cache of `datasets`.
        num_proc: Number of processes that prepare the windows.
    """

    corpus: str = "eegmmidb"
    classes: dict | None = None
    window_seconds: float = 4.0
    stride_seconds: float | None = None
    calibrations: list[str] = dataclasses.field(default_factory=lambda: ["session"])
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
        if not self.calibrations or not set(self.calibrations) <= set(CALIBRATIONS):
            raise ValueError(f"calibrations must be some of {', '.join(CALIBRATIONS)}, not {self.calibrations}.")
        if len(self.calibrations) > 1 and self.protocol != "cross-subject":
            raise ValueError(
                f"with several calibrations each window occurs twice, and {self.protocol} could test on windows that "
                "it trained on: give one calibration."
            )
        if self.protocol not in PROTOCOLS:
            raise ValueError(f"protocol must be one of {', '.join(PROTOCOLS)}, not {self.protocol!r}.")
        for name in ("n_people", "trials_per_class", "n_folds", "num_proc"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}.")
        for name in ("window_seconds", "stride_seconds"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"{name} must be positive, not {value}.")


@dataclasses.dataclass
class FinetuningModel:
    """Settings of the classifier of a run.

    Attributes:
        init_from: Checkpoint to start from: a generator or a classifier, in a folder or as owner/name on the Hub.
            None: the generator that is part of this package.
        random_weights: Whether to start from random weights with the architecture of `init_from`. The comparison with
            such a classifier shows the effect of pretraining.
        method: "full" trains all weights. "head" trains only the linear layer. "lora" trains low-rank changes of the
            backbone (Hu et al. 2022) and the linear layer.
        lora_rank: Rank of the low-rank changes.
        adapter_base: For "lora": name of the checkpoint that the run starts from, which is owner/name on the Hub or a
            folder relative to the result. Then the result contains only the low-rank changes and this name. None: the
            result is a complete checkpoint.
        pooling: "position" or "mean"; see `GETConfig.classifier_pooling`.
        dropout: Dropout probability of the pooled features.
        channels_per_window: Number of random channels of each training window. None: all channels.
        probe: Whether the linear layer starts as a logistic regression on the features of the backbone before
            fine-tuning. This disturbs the pretrained weights less (Kumar et al. 2022). If `init_from` is a classifier
            with the same number of classes, its own linear layer is kept.
        probe_strength: Inverse strength of the regularisation of this regression.
        class_weights: Whether all classes have the same total weight in the loss and in the probe, whatever their
            number of windows.
        layer_decay: Ratio of the learning rate of a block to the learning rate of the next block.
        head_learning_rate: Learning rate of the linear layer. None: `learning_rate`.
        early_stopping_patience: Number of epochs without a better validation accuracy after which training stops; then
            the best epoch is kept. None: all epochs are trained, and the last epoch is kept.
        compile: Whether to compile the training step (`torch.compile`). This takes a few minutes at the start; then
            training is two to three times as fast on CPUs.
        allow_seen_people: Whether the classifier may be evaluated on people that its checkpoint was pretrained on.
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
        for name in ("lora_rank", "channels_per_window", "early_stopping_patience"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), not at {self.dropout}.")
        if self.adapter_base is not None and self.method != "lora":
            raise ValueError(f"adapter_base is for the method lora, not for {self.method}: leave one of the two out.")
        if not 0 < self.layer_decay <= 1:
            raise ValueError(f"layer_decay must lie in (0, 1], not at {self.layer_decay}.")
        for name in ("probe_strength", "head_learning_rate"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"{name} must be positive, not {value}.")


@dataclasses.dataclass
class FinetuningArguments(TrainingArguments):
    """Arguments of transformers, with defaults that suit classifiers."""

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
    """A checked recipe, divided into parts; `given` holds the keys and values of the file and the overrides."""

    data: FinetuningData
    model: FinetuningModel
    training: FinetuningArguments
    given: dict[str, Any]


def read_recipe(path: str | Path, overrides: dict[str, Any] | None = None) -> FinetuningRecipe:
    """Reads and checks a recipe; see `get_hf.training.data.recipe_files.read_parts`."""
    parts, given = read_parts(path, overrides, (FinetuningData, FinetuningModel, FinetuningArguments))
    data, model, training = parts
    recipe = FinetuningRecipe(data, model, training, given)
    with errors_of(path):
        if not given.get("output_dir"):
            raise ValueError("output_dir must be given.")
        if recipe.model.early_stopping_patience is not None and recipe.training.eval_strategy == "no":
            raise ValueError("early_stopping_patience needs an evaluation of each epoch: leave eval_strategy out.")
    return recipe
