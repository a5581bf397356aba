# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Pretrains a model by a recipe with the HF Trainer, and writes a folder that `from_pretrained` loads.

    from get_hf.training.pretraining.run import run
    run("training/recipes/pretrain_eegmmidb.yaml", data_dir="data", output_dir="out")

`torchrun --nproc_per_node 2` starts the training on several processes or machines. Each crop contains its own noise,
so the losses are the same as in one process with the same total batch. This does not hold for streamed corpora, which
are divided among the processes; see `get_hf.training.pretraining.streaming`.
"""

import dataclasses
import json
import logging
import math
import os
import time
from pathlib import Path
from typing import Any

from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments, set_seed

from get_hf.modeling.modeling_get import GETModel
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.training.data.provenance import machine, own_commit, versions
from get_hf.training.data.run_folder import check_settings, checkpoints, damage, last_whole, locked, write_checksums
from get_hf.training.data.sources import Source, open_sources
from get_hf.training.data.splits import people_of

from .averaging import FOLDER, AveragedWeights, gathered, without_bars
from .crops import Cropper, collate_crops
from .going_on import going_on_extractor, going_on_model
from .optimisers import MuonWithAdamW
from .population import fit_to_segments
from .recipe import Recipe, read_recipe
from .sources import fitting_segments, heard_conditions, random_crops
from .streaming import StreamedCrops, StreamLoader
from .throughput import Throughput

logger = logging.getLogger(__name__)

SUMMARY = "training_summary.json"
#: Seed of the validation crops. They are the same in every run, so that evaluation losses can be compared.
VALIDATION_SEED = 0


class PretrainingTrainer(Trainer):
    """A Trainer that evaluates averaged weights, saves them in every checkpoint, and can train on streams.

    Args:
        averaged: The averaged weights.
        throughput: Measures the speed, for the log.
        summary: Function that returns the summary of the run so far. The summary is saved beside each averaged model.
        checkpoint: Checkpoint from which a stream continues, or None.
        **kwargs: See `transformers.Trainer`.
    """

    def __init__(
        self, *, averaged: AveragedWeights, throughput: Throughput, summary, checkpoint: Path | None = None, **kwargs
    ):
        super().__init__(callbacks=[averaged, throughput], **kwargs)
        self.averaged = averaged
        self.throughput = throughput
        self.summary = summary
        self.checkpoint = checkpoint
        self.stream: StreamLoader | None = None

    def get_train_dataloader(self):
        """Returns the loader of training crops.

        The loader of a stream does not use accelerate, which would divide the stream again among the processes.
        """
        if not isinstance(self.train_dataset, StreamedCrops):
            return super().get_train_dataloader()
        self.stream = StreamLoader(
            self.train_dataset,
            batch_size=self.args.train_batch_size,
            num_workers=self.args.dataloader_num_workers,
            prefetch_factor=self.args.dataloader_prefetch_factor,
            pin_memory=self.args.dataloader_pin_memory,
        )
        if self.checkpoint is not None:
            self.stream.restore(self.checkpoint)
        return self.stream

    def training_step(self, model, inputs, *args, **kwargs):
        """Trains on a batch, and raises an error if training has diverged, which the Trainer would not report.

        Raises:
            FloatingPointError: The loss is not finite.
        """
        self.throughput.count(inputs)
        loss = super().training_step(model, inputs, *args, **kwargs)
        self._stop_if_diverged("loss", float(loss))
        return loss

    def evaluate(self, *args, **kwargs):
        """Evaluates the averaged weights."""
        with self.averaged.in_place():
            metrics = super().evaluate(*args, **kwargs)
        self._stop_if_diverged("validation loss", metrics["eval_loss"])
        return metrics

    def _stop_if_diverged(self, what: str, value: float) -> None:
        if not math.isfinite(value):
            raise FloatingPointError(
                f"Training has diverged, its {what} is {value} after {self.state.global_step} steps: lower "
                f"learning_rate ({self.args.learning_rate:g}) or lengthen warmup_steps, and go on from a checkpoint "
                f"in {self.args.output_dir}."
            )

    def log(self, logs, *args, **kwargs):
        """Adds the speed to the lines of training.

        The epoch of a resumed stream is set, because the Trainer would count epochs from the checkpoint.
        """
        if self.stream is not None:
            self.state.epoch = self.state.global_step / self.state.max_steps
        if "loss" in logs:
            logs |= self.throughput.figures()
        super().log(logs, *args, **kwargs)

    def save_model(self, output_dir=None, _internal_call=False):
        """Saves the whole weights, and beside them the averaged model."""
        averaged = self.averaged.gather()  # first, because weights that have diverged are not saved
        weights = gathered(self.model.state_dict())
        if output_dir is None or not self.args.should_save:
            return
        # weights are saved before the trainer state, because a checkpoint with this file counts as complete and older
        # checkpoints may be deleted
        with without_bars():
            self._save(output_dir, weights)
            self.model.save_pretrained(Path(output_dir) / FOLDER, state_dict=averaged)
        self.processing_class.save_pretrained(Path(output_dir) / FOLDER)
        _write_json(Path(output_dir) / FOLDER / SUMMARY, self.summary(self))

    def _save_checkpoint(self, model, trial):
        super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()  # each process writes its own files
        if self.args.should_save:
            write_checksums(Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}")

    def _save_rng_state(self, output_dir):
        # this is the only part of a checkpoint that every process writes
        super()._save_rng_state(output_dir)
        if self.stream is not None:
            self.stream.save(output_dir)
            self.accelerator.wait_for_everyone()  # before one process marks the checkpoint as complete


def run(recipe: str | Path, **overrides: Any) -> Path:
    """Pretrains a model by a recipe; `get-hf pretrain RECIPE.yaml` calls this function.

    Args:
        recipe: Path of a YAML file; see `get_hf.training.pretraining.recipe`.
        **overrides: Values that replace values of the recipe, such as `data_dir="data"` or `max_steps=100`. For a key
            inside the architecture, pass `**{"model.hidden_size": 128}`. Text, for example from a command line, is
            parsed as YAML.

    Returns:
        Folder of the result, `output_dir`.

    Raises:
        ValueError: The recipe, an override or the corpus is not valid; the message says why in one sentence.
    """
    return pretrain(read_recipe(recipe, overrides))


def pretrain(recipe: Recipe) -> Path:
    """Prepares the data, trains a model, and saves the averaged weights, the feature extractor and a summary.

    Args:
        recipe: A checked recipe. With `resume_from_checkpoint: true`, training continues from the last complete
            checkpoint in `output_dir`, or starts from the beginning if there is none. If `resume_from_checkpoint` is a
            path, training continues from this checkpoint.

    Returns:
        Folder of the result, `output_dir`. `from_pretrained` loads it, and also each `checkpoint-*/averaged` in it.

    Raises:
        ValueError: The corpus is not valid, or the recipe of the checkpoint differs in a setting that must not change.
        FloatingPointError: Training has diverged.
        OSError: Another process trains in `output_dir`, or the folder cannot be written to.
    """
    if recipe.training.process_index:  # the first process holds the lock for all processes
        return _pretrain(recipe)
    with locked(Path(recipe.training.output_dir), f"training in {recipe.training.output_dir}"):
        return _pretrain(recipe)


def _pretrain(recipe: Recipe) -> Path:
    args, output_dir = recipe.training, Path(recipe.training.output_dir)
    checkpoint = _checkpoint(args.resume_from_checkpoint, output_dir)
    with args.main_process_first(desc="preparing the data"):
        sources = _sources(recipe)
        extractor = _extractor(recipe, sources, checkpoint)

    set_seed(args.seed)
    config = recipe.config
    config.heard_conditions = extractor.heard_conditions
    base = recipe.model.init_from
    model = GETModel(config) if base is None else going_on_model(base, config)
    model.generation_config = recipe.generation_config
    averaged = AveragedWeights(model, recipe.model.average_decay)
    seconds_before = 0.0
    if checkpoint is not None:
        before = json.loads((checkpoint / FOLDER / SUMMARY).read_text(encoding="utf-8"))
        check_settings(checkpoint, before["recipe"], _without_folders(recipe, sources))
        averaged.restore(checkpoint)
        seconds_before = before["wall_seconds"]
    started = time.monotonic()

    seed = args.seed if args.data_seed is None else args.data_seed
    total_batch = args.train_batch_size * args.gradient_accumulation_steps * args.world_size
    crops = _training_crops(recipe, sources, extractor, args.max_steps * total_batch, seed)
    people = people_of(who for source in sources for who in source.people("train"))

    def summary(trainer: Trainer) -> dict[str, Any]:
        steps = trainer.state.global_step
        return {
            "steps": steps,
            "crops": steps * total_batch,
            "seconds_of_eeg": steps * total_batch * recipe.crops.crop_seconds,
            "wall_seconds": round(seconds_before + time.monotonic() - started, 1),
            "parameters": model.num_parameters(),
            "seed": args.seed,
            "data_seed": seed,
            "world_size": args.world_size,
            "training_subjects": len(people),
            "training_people": sorted(people),  # evaluation must not use these people
            "left_out": [
                [*problem, source.corpus]
                for source in sources
                for problem in source.problems
                if any(problem[0] in source.subjects.get(part, ()) for part in ("train", "validation"))
            ],
            "log": trainer.state.log_history,
            "recipe": _without_folders(recipe, sources),
            "machine": machine(),
            "versions": versions(),
            "commit": own_commit(),
        }

    trainer = PretrainingTrainer(
        model=model,
        args=args,
        data_collator=collate_crops,
        train_dataset=crops,
        eval_dataset=_validation_crops(recipe, sources, extractor),
        processing_class=extractor,
        averaged=averaged,
        throughput=Throughput(model.num_parameters(), config.sampling_rate, config.patch_size, args.world_size),
        summary=summary,
        checkpoint=checkpoint,
        optimizer_cls_and_kwargs=_muon(args) if recipe.model.muon else None,
    )
    trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    state = trainer.state
    judged = any("eval_loss" in entry and entry["step"] == state.global_step for entry in state.log_history)
    if trainer.eval_dataset is not None and not judged:
        trainer.evaluate()
    weights = averaged.gather()
    model.config.use_cache = recipe.config.use_cache  # Trainer switches it off
    if trainer.is_world_process_zero():
        with without_bars():
            model.save_pretrained(output_dir, state_dict=weights)
        extractor.save_pretrained(output_dir)
        _write_json(output_dir / SUMMARY, summary(trainer))
    # processes end together: if one process ends while another still writes, the other may fail
    trainer.accelerator.wait_for_everyone()
    # the model's wrapper must be freed before the process group. As the last owner of the group, it would hold
    # Python's lock while it waits for the threads of the group, and these threads may need the lock to end
    trainer.model_wrapped = model
    trainer.accelerator.free_memory()
    trainer.accelerator.end_training()
    return output_dir


def _muon(args: TrainingArguments) -> tuple[Any, dict[str, Any]]:
    """Returns what the Trainer needs: a function that returns the optimizer's class, and the optimizer's arguments."""
    options = {"lr": args.learning_rate, "weight_decay": args.weight_decay, "eps": args.adam_epsilon}
    return lambda: MuonWithAdamW, options | {"betas": (args.adam_beta1, args.adam_beta2)}


def _sources(recipe: Recipe) -> list[Source]:
    """Opens the corpora in the recipe."""
    data, config = recipe.data, recipe.config
    return open_sources(
        data.weights,
        data.streaming,
        data.data_dir or os.environ.get("GET_HF_DATA"),
        data.cache_dir,
        data.num_proc,
        config.sampling_rate,
        config.patch_size,
        recipe.own_conditions,
    )


def _extractor(recipe: Recipe, sources: list[Source], checkpoint: Path | None) -> GETFeatureExtractor:
    """Returns the feature extractor: the first process of each machine fits it, and then all others read it."""
    output_dir = Path(recipe.training.output_dir)
    if checkpoint is not None:
        return GETFeatureExtractor.from_pretrained(checkpoint)
    if recipe.training.local_process_index == 0:
        config, base = recipe.config, recipe.model.init_from
        has_labels = recipe.crops.condition_dropout < 1
        trained = heard_conditions(sources, recipe.crops.condition_weights, config.conditions) if has_labels else []
        if base is not None:
            going_on_extractor(base, config.conditions, trained).save_pretrained(output_dir)
            return GETFeatureExtractor.from_pretrained(output_dir)
        form: dict[str, Any] = {"sampling_rate": config.sampling_rate, "patch_size": config.patch_size}
        chosen = fitting_segments(sources, recipe.data.fit_segments, recipe.crops.equal_people)
        form |= {"conditions": config.conditions, "heard_conditions": trained}
        fit_to_segments(chosen, **form).save_pretrained(output_dir)
    return GETFeatureExtractor.from_pretrained(output_dir)


def _training_crops(
    recipe: Recipe, sources: list[Source], extractor: GETFeatureExtractor, n_crops: int, seed: int
) -> Dataset | StreamedCrops:
    """Returns the crops of the training split: `n_crops` crops, or an endless stream if the corpora are streamed."""
    args, data = recipe.training, recipe.data
    if not data.streaming:
        crops = random_crops(sources, "train", extractor, recipe.crops, n_crops, seed)
        logger.info("%d crops from %s", n_crops, ", ".join(data.weights))
        return crops
    args.ignore_data_skip = True  # a stream restores its own position
    return StreamedCrops(
        {source.name: source.splits["train"] for source in sources},
        [source.weight for source in sources],
        Cropper(extractor, recipe.crops, recipe.config.sampling_rate),
        seed,
        data.crops_per_segment,
        data.shuffled_segments,
        args.process_index,
        args.world_size,
    )


def _validation_crops(recipe: Recipe, sources: list[Source], extractor: GETFeatureExtractor) -> Dataset | None:
    """Returns validation crops as they were recorded, without dropout or noise. None: there is no evaluation."""
    if recipe.training.eval_strategy == "no":
        return None
    if not any("validation" in source.splits for source in sources):
        names = ", ".join(recipe.data.weights)
        raise ValueError(f"{names} has no recording of a validation subject: set eval_strategy to 'no'.")
    real = {"condition_dropout": 0.0, "context_noise": 0.0, "reference_probability": 0.0, "filter_probability": 0.0}
    config = dataclasses.replace(recipe.crops, **real, gain=1.0)
    n_crops = recipe.data.validation_crops
    return random_crops(sources, "validation", extractor, config, n_crops, VALIDATION_SEED)


def _without_folders(recipe: Recipe, sources: list[Source]) -> dict[str, Any]:
    """Returns the recipe without its folders, because folders do not affect the result and are private."""
    kept = {k: v for k, v in recipe.given.items() if not k.endswith("_dir") and k != "resume_from_checkpoint"}
    if any(Path(source.name).is_dir() for source in sources):
        named = ((source.corpus if Path(source.name).is_dir() else source.name, source.weight) for source in sources)
        kept["corpus"] = dict(named)
    return kept


def kept(output_dir: str | Path) -> str:
    """Returns a text that says what an interrupted run has kept, and how to continue."""
    found = checkpoints(Path(output_dir))
    if not found:
        return f"no checkpoint was written to {output_dir} yet: the same command starts again"
    return f"{found[0]} is kept: the same command with resume_from_checkpoint=true goes on from there"


def _checkpoint(wanted: str | bool | None, output_dir: Path) -> Path | None:
    """Returns the checkpoint to continue from, or None if training starts from the beginning."""
    if isinstance(wanted, str) and wanted.lower() not in ("true", "false"):
        if why := damage(Path(wanted)):
            raise ValueError(f"resume_from_checkpoint: {wanted} is not a complete checkpoint, {why}.")
        return Path(wanted)
    if wanted is not None and str(wanted).lower() == "true":
        return last_whole(output_dir)
    if found := checkpoints(output_dir):
        raise ValueError(
            f"{output_dir} holds {found[0].name} of another run: go on from it with resume_from_checkpoint=true, or "
            "choose another output_dir."
        )
    return None


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, default=str) + "\n", encoding="utf-8")
