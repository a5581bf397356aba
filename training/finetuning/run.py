# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Fine-tunes a classifier on labelled windows with the HF Trainer; `from_pretrained` loads the result.

from get_hf.training.finetuning.run import finetune
finetune(read_recipe("training/recipes/finetune_fists.yaml", {"data_dir": "data", "output_dir": "out"}))
"""

import csv
import json
import logging
import os
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
from torch import nn
from transformers import EarlyStoppingCallback, Trainer, set_seed
from transformers.utils import CONFIG_NAME

from get_hf.modeling.card_get import CARD
from get_hf.modeling.configuration_get import GETConfig
from get_hf.modeling.modeling_get import GETForSequenceClassification
from get_hf.modeling.pretrained_get import ADAPTER
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.processing.montage_get import find_electrodes
from get_hf.training.data.provenance import machine, own_commit, versions
from get_hf.training.data.run_folder import locked
from get_hf.training.data.sources import open_sources
from get_hf.training.data.splits import check_unseen, people_of

from .batches import WindowCollator
from .card import FIGURES, SUMMARY, classifier_card
from .figures import figures, interval, mean_of_trials, trial_numbers
from .probe import fit_linear, standardise
from .protocols import Fold, folds
from .recipe import FinetuningRecipe
from .windows import EPOCHS, cut_windows, windows_of_epochs

logger = logging.getLogger(__name__)

PREDICTIONS = "predictions.csv"
SPLITS = ("train", "validation", "test")
#: Columns that protocols use to divide windows.
COLUMNS = ("corpus", "subject", "session", "trial", "labels", "split")


class FinetuningTrainer(Trainer):
    """A Trainer that uses random channels in training, and all channels in evaluation.

    Args:
        train_collator: Collator for training batches.
        compiled: The compiled model, which is used for training steps. None: the model itself is used.
        **kwargs: See `transformers.Trainer`.
    """

    def __init__(self, *, train_collator: WindowCollator, compiled: Any = None, **kwargs):
        super().__init__(**kwargs)
        self.train_collator = train_collator
        self.compiled = compiled

    def get_train_dataloader(self):
        """Returns the loader of training windows; if there are enough windows, all batches have the same shape."""
        everything, self.data_collator = self.data_collator, self.train_collator
        self.args.dataloader_drop_last = len(self.train_dataset) >= self.args.train_batch_size
        try:
            return super().get_train_dataloader()
        finally:
            self.data_collator, self.args.dataloader_drop_last = everything, False

    def compute_loss(self, model, inputs, *args, **kwargs):
        """Computes the loss; uses the compiled model in training, because all training batches have one shape."""
        step = self.compiled if self.compiled is not None and model.training else model
        return super().compute_loss(step, inputs, *args, **kwargs)


def finetune(recipe: FinetuningRecipe, checkpoint: str | Path) -> Path:
    """Fine-tunes and evaluates a classifier on each fold of a protocol.

    Folds that are already complete are not trained again.

    Args:
        recipe: A checked recipe.
        checkpoint: Folder of the checkpoint to start from, which is a generator or a classifier.

    Returns:
        Folder of the result, `output_dir`. With one fold, it is the checkpoint of the classifier. With several folds,
        it has a subfolder with a checkpoint for each fold. `figures.json` contains the accuracy and related measures.
        `predictions.csv` in the folder of each checkpoint contains the predicted probabilities of each window, and the
        class that the windows of its trial vote for.

    Raises:
        ValueError: The corpus, its people or its classes do not fit the recipe, or a person would be both in training
            and in evaluation.
        OSError: Another process trains in `output_dir`, or the folder cannot be written to.
    """
    checkpoint, output_dir = Path(checkpoint), Path(recipe.training.output_dir)
    with locked(output_dir, f"fine-tuning in {output_dir}"):
        extractor = GETFeatureExtractor.from_pretrained(checkpoint).but(calibrate_on="all")
        windows, classes = labelled_windows(recipe, extractor)
        columns = {name: np.array(windows[name]) for name in COLUMNS}
        data = recipe.data
        made = folds(columns, data.protocol, data.n_people, data.trials_per_class, data.n_folds, data.split_seed)
        judged = ["validation", "test"] if data.test or data.protocol != "cross-subject" else ["validation"]
        if any(fold.name for fold in made):
            judged = ["test"]
        if not recipe.model.allow_seen_people:
            people = {
                (columns["corpus"][index], columns["subject"][index])
                for fold in made for part in judged for index in getattr(fold, part)
            }  # fmt: skip
            check_unseen(checkpoint / SUMMARY, sorted(people))
        found = {}
        for fold in made:
            folder = output_dir / fold.name if fold.name else output_dir
            if not (folder / FIGURES).is_file():
                _finetune_fold(recipe, checkpoint, extractor, windows, classes, fold, judged, folder)
            found[fold.name] = json.loads((folder / FIGURES).read_text(encoding="utf-8"))
        if len(made) > 1:
            _write_json(output_dir / FIGURES, summary_of_folds(found))
    return output_dir


def labelled_windows(recipe: FinetuningRecipe, extractor: GETFeatureExtractor) -> tuple[datasets.Dataset, list[str]]:
    """Returns the windows of all splits that are needed, with a column `split`, and the names of the classes."""
    data = recipe.data
    if data.corpus.startswith(EPOCHS):
        windows, classes = windows_of_epochs(data.corpus.removeprefix(EPOCHS), extractor, data.classes)
        return windows.add_column("split", ["train"] * len(windows)), classes
    classes = data.classes or {}
    [source] = open_sources(
        {data.corpus: 1.0},
        data_dir=data.data_dir or os.environ.get("GET_HF_DATA"),
        cache_dir=data.cache_dir,
        num_proc=data.num_proc,
        sampling_rate=extractor.sampling_rate,
        patch_size=extractor.patch_size,
    )
    wanted = SPLITS if data.test or data.protocol != "cross-subject" else SPLITS[:2]
    parts = []
    for split in wanted:
        if split in source.splits:
            lengths = data.window_seconds, data.stride_seconds
            cut = cut_windows(source.splits[split], extractor, classes, *lengths, data.num_proc, data.calibrations)
            parts.append(cut.add_column("split", [split] * len(cut)))
    return datasets.concatenate_datasets(parts), list(classes)


def _finetune_fold(
    recipe: FinetuningRecipe,
    checkpoint: Path,
    extractor: GETFeatureExtractor,
    windows: datasets.Dataset,
    classes: list[str],
    fold: Fold,
    judged: list[str],
    folder: Path,
) -> None:
    """Trains, evaluates and saves the classifier of one fold."""
    started = time.monotonic()
    set_seed(recipe.training.seed)
    rows = windows.with_format("numpy")
    train = rows.select(fold.train)
    model = new_classifier(recipe, checkpoint, classes, train, extractor)
    collator = WindowCollator(extractor.patch_size)
    # for features of training batches, which have random channels
    seen = WindowCollator(extractor.patch_size, recipe.model.channels_per_window)
    if recipe.model.probe and not _has_own_head(checkpoint, len(classes)):
        features = standardise(model, embed(model, train, seen, recipe.training.per_device_eval_batch_size))
        labels, balanced = np.array(train["labels"]), recipe.model.class_weights
        fit_linear(model, features, labels, recipe.model.probe_strength, balanced)
    else:
        some = train.select(range(0, len(train), max(1, len(train) // 500)))
        standardise(model, embed(model, some, seen, recipe.training.per_device_eval_batch_size))
    history: list[dict[str, Any]] = []
    if recipe.model.method != "head" or not recipe.model.probe:
        history = _train(recipe, model, train, rows.select(fold.validation), collator, folder)
    found: dict[str, Any] = {}
    predictions = []
    for part in judged:
        own = rows.select(getattr(fold, part))
        if not len(own):
            continue
        probabilities = predict(model, own, collator, recipe.training.per_device_eval_batch_size)
        trials = trial_numbers(own)
        found[part] = figures(probabilities, np.array(own["labels"]), np.array(own["subject"]), trials)
        votes = mean_of_trials(probabilities, trials).argmax(1)[trials]
        predictions += [
            [part, *key, *np.round(row, 5)]
            for *key, row in zip(*(own[name] for name in ("subject", "session", "trial", "start", "labels")),
                                 votes, probabilities, strict=True)
        ]  # fmt: skip
    if recipe.model.adapter_base is None:
        model.save_pretrained(folder)
    else:
        model.config.architectures = [type(model).__name__]
        model.config.to_json_file(folder / CONFIG_NAME)
    extractor.save_pretrained(folder)
    with (folder / PREDICTIONS).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["split", "subject", "session", "trial", "start", "label", "vote", *classes])
        writer.writerows(predictions)
    people = people_of(zip(train["corpus"], train["subject"], strict=True))
    summary = {
        "base_model": recipe.model.init_from,
        "dataset": recipe.data.corpus,
        "metrics": {f"{part} accuracy": round(of_part["accuracy"], 4) for part, of_part in found.items()},
        "classes": classes,
        "training_windows": len(train),
        "training_subjects": len(people),
        "training_people": sorted(people),
        "wall_seconds": round(time.monotonic() - started, 1),
        "seed": recipe.training.seed,
        "recipe": {name: value for name, value in recipe.given.items() if not name.endswith("_dir")},
        "log": history,
        "machine": machine(),
        "versions": versions(),
        "commit": own_commit(),
    }
    _write_json(folder / SUMMARY, summary)
    (folder / CARD).write_text(classifier_card(folder.name, model.config, summary, found), encoding="utf-8")
    _write_json(folder / FIGURES, found)  # last: it marks the fold as complete
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)


def new_classifier(
    recipe: FinetuningRecipe,
    checkpoint: Path,
    classes: list[str],
    train: datasets.Dataset,
    extractor: GETFeatureExtractor,
) -> GETForSequenceClassification:
    """Returns the classifier before training."""
    seconds = len(train[0]["input_values"]) / train[0]["n_chans"] / extractor.sampling_rate
    changes = {
        "id2label": dict(enumerate(classes)),
        "label2id": {name: label for label, name in enumerate(classes)},
        "classifier_pooling": recipe.model.pooling,
        "classifier_dropout": recipe.model.dropout,
        "window_seconds": float(seconds),
        "stride_seconds": recipe.data.stride_seconds,
        "training_channels": common_channels(train["ch_names"]),
    }
    if recipe.model.random_weights:
        config = GETConfig.from_pretrained(checkpoint, **changes)
        config._attn_implementation = "eager"
        return GETForSequenceClassification(config)
    return GETForSequenceClassification.from_pretrained(
        checkpoint, attn_implementation="eager", ignore_mismatched_sizes=True, **changes
    )


def common_channels(ch_names: Iterable[Sequence[str]]) -> list[str] | None:
    """Returns the channels that all windows have, in the order of the first window; None if there are none.

    Args:
        ch_names: Names of the channels of each window, in any spelling. They are returned in that of the 10-05 system.
    """
    montages = [[_canonical(str(name)) for name in names] for names in dict.fromkeys(map(tuple, ch_names))]
    return [name for name in montages[0] if all(name in montage for montage in montages)] or None


def _canonical(name: str) -> str:
    """Returns a channel name in the spelling of the 10-05 system, if it has the channel."""
    electrode, reference = find_electrodes(name) or (name, None)
    return electrode if reference is None else f"{electrode}-{reference}"


def _has_own_head(checkpoint: Path, n_classes: int) -> bool:
    """Whether a checkpoint is a classifier with `n_classes` classes, so that its linear layer is kept."""
    config = GETConfig.from_pretrained(checkpoint)
    is_classifier = config.architectures == [GETForSequenceClassification.__name__]
    return is_classifier and config.num_labels == n_classes


def _train(
    recipe: FinetuningRecipe,
    model: GETForSequenceClassification,
    train: datasets.Dataset,
    validation: datasets.Dataset,
    collator: WindowCollator,
    folder: Path,
) -> list[dict[str, Any]]:
    """Trains a classifier in place, and returns the Trainer's log."""
    args, settings = recipe.training, recipe.model
    args.output_dir = str(folder / "checkpoints")
    if not len(validation):
        args.eval_strategy = "no"
    callbacks = []
    if settings.early_stopping_patience is not None and len(validation):
        args.load_best_model_at_end, args.metric_for_best_model, args.greater_is_better = True, "accuracy", True
        callbacks.append(EarlyStoppingCallback(settings.early_stopping_patience))
    trained: Any = model
    if settings.method == "lora":
        trained = with_lora(model, settings.lora_rank)
    elif settings.method == "head":
        model.backbone.requires_grad_(False)
    loss: Any = None
    if settings.class_weights:
        counts = np.bincount(train["labels"], minlength=model.config.num_labels)
        weights = torch.tensor(len(train) / len(counts) / np.maximum(counts, 1), dtype=torch.float32)
        criterion = nn.CrossEntropyLoss(weights)

        def loss(outputs, labels, num_items_in_batch=None):  # type: ignore[no-redef]
            return criterion(outputs.logits.float(), labels)

    groups = rates(trained, args.learning_rate, settings.head_learning_rate, settings.layer_decay)
    optimizer = {"params": groups, "lr": args.learning_rate, "betas": (args.adam_beta1, args.adam_beta2)}
    trainer = FinetuningTrainer(
        model=trained,
        args=args,
        data_collator=collator,
        train_collator=WindowCollator(collator.patch_size, settings.channels_per_window),
        compiled=torch.compile(trained) if settings.compile else None,
        train_dataset=train,
        eval_dataset=validation if len(validation) else None,
        compute_loss_func=loss,
        compute_metrics=lambda output: {"accuracy": float((output.predictions.argmax(-1) == output.label_ids).mean())},
        callbacks=callbacks,
        optimizer_cls_and_kwargs=(torch.optim.AdamW, optimizer | {"weight_decay": args.weight_decay}),
    )
    trainer.train(resume_from_checkpoint=_last_checkpoint(Path(args.output_dir)))
    if settings.method == "lora":
        save_adapter(trained, folder / ADAPTER, settings.adapter_base)
        trained.merge_and_unload()  # in place: `model` then has no adapters, and its weights include the changes
    model.requires_grad_(True)
    return trainer.state.log_history


def save_adapter(trained: Any, folder: Path, base: str | None) -> None:
    """Saves low-rank changes with the name `base` of their base checkpoint, not with its folder on this machine."""
    trained.peft_config["default"].base_model_name_or_path = base
    trained.save_pretrained(folder, save_embedding_layers=False)
    for file in (*folder.glob("*.py"), folder / CARD):  # a template of peft, and code that lies beside the weights
        file.unlink(missing_ok=True)


def _last_checkpoint(folder: Path) -> str | None:
    found = sorted(folder.glob("checkpoint-*/trainer_state.json"), key=lambda path: path.stat().st_mtime)
    return str(found[-1].parent) if found else None


def rates(model: Any, rate: float, head_rate: float | None, decay: float) -> list[dict[str, Any]]:
    """Returns groups of parameters with their learning rates, in the form that torch's optimizers need.

    Args:
        model: The classifier, which may have low-rank changes.
        rate: Learning rate of the last block.
        head_rate: Learning rate of the linear layer. None: `rate`.
        decay: Ratio of the learning rate of a block to the learning rate of the next block. The embeddings have
            `decay` times the learning rate of the first block.
    """
    n_layers = model.config.num_hidden_layers
    by_rate: dict[float, list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        if "classifier" in name:
            own = rate if head_rate is None else head_rate
        elif ".layers." in name:
            own = rate * decay ** (n_layers - 1 - int(name.partition(".layers.")[2].partition(".")[0]))
        else:
            own = rate * decay ** (0 if name.endswith("backbone.norm.weight") else n_layers)
        by_rate.setdefault(own, []).append(parameter)
    return [{"params": parameters, "lr": own} for own, parameters in by_rate.items()]


def with_lora(model: GETForSequenceClassification, rank: int) -> Any:
    """Adds low-rank changes to all matrices of the backbone's blocks (Hu et al., ICLR 2022).

    Besides these changes, only the classifier's linear layer is trained. All other weights are frozen.
    """
    from peft import LoraConfig, get_peft_model

    targets = [
        name for name, module in model.backbone.named_modules() if isinstance(module, nn.Linear) and "layers." in name
    ]
    config = LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        target_modules=[f"backbone.{name}" for name in targets],
        modules_to_save=["classifier", "pooling"],
    )
    return get_peft_model(model, config)


@torch.no_grad()
def embed(
    model: GETForSequenceClassification, windows: datasets.Dataset, collator: WindowCollator, batch_size: int
) -> torch.Tensor:
    """Computes the features of windows, `(windows, n_features)`."""
    model.eval()
    found = []
    for start in range(0, len(windows), batch_size):
        batch = collator([windows[index] for index in range(start, min(start + batch_size, len(windows)))])
        batch.pop("labels")
        found.append(model.embed(**{name: value.to(model.device) for name, value in batch.items()}).float().cpu())
    return torch.cat(found)


def predict(
    model: GETForSequenceClassification, windows: datasets.Dataset, collator: WindowCollator, batch_size: int
) -> np.ndarray:
    """Computes the probabilities of the classes, `(windows, classes)`."""
    features = embed(model, windows, collator, batch_size)
    with torch.no_grad():
        logits = model.classifier(features.to(model.device))
    return logits.float().softmax(-1).cpu().numpy()


def summary_of_folds(found: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Computes the accuracy over the people of all folds, who all have the same weight."""
    by_person = {person: value for fold in found.values() for person, value in fold["test"]["by_person"].items()}
    values = list(by_person.values())
    tests = [fold["test"] for fold in found.values()]
    n_people = [len(own["by_person"]) for own in tests]
    of_windows = np.average([own["window_accuracy"] for own in tests], weights=n_people)
    whole = {
        "accuracy": float(np.mean(values)),
        "interval": interval(values),
        "by_person": by_person,
        "window_accuracy": float(of_windows),
    }
    return {"test": whole, "folds": dict(found)}


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2, default=str) + "\n", encoding="utf-8")
