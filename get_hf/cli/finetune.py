# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Defines `get-hf finetune`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from get_hf.cli.console import interruption, require_extra, stdout
from get_hf.cli.pretrain import key_values


def finetune(
    recipe: Annotated[Path, typer.Argument(help="Recipe in YAML; training/recipes has some.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Replaces keys of the recipe.")
    ] = None,
) -> None:
    """Fine-tune a classifier on labelled EEG by a recipe."""
    changes = key_values(overrides)
    require_extra("train")
    from get_hf.pretrained import CHECKPOINT, find_checkpoint
    from get_hf.training.finetuning.card import FIGURES
    from get_hf.training.finetuning.figures import in_words
    from get_hf.training.finetuning.recipe import read_recipe
    from get_hf.training.finetuning.run import finetune as train

    read = read_recipe(recipe, changes)
    checkpoint = CHECKPOINT if read.model.init_from is None else find_checkpoint(read.model.init_from)
    kept = f"complete epochs are kept in {read.training.output_dir}: the same command goes on from the last one"
    with interruption(lambda: kept):
        folder = train(read, checkpoint)
    stdout.print(in_words(json.loads((folder / FIGURES).read_text(encoding="utf-8"))))
    stdout.print(folder, style="bold")
