# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Defines `get-hf pretrain`."""

from pathlib import Path
from typing import Annotated

import typer

from get_hf.cli.console import interruption, require_extra, stdout


def pretrain(
    recipe: Annotated[Path, typer.Argument(help="Recipe in YAML; training/recipes has some.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Replaces keys of the recipe.")
    ] = None,
) -> None:
    """Pretrain a model by a recipe."""
    changes = key_values(overrides)
    require_extra("train")
    from get_hf.training.pretraining.recipe import read_recipe
    from get_hf.training.pretraining.run import kept
    from get_hf.training.pretraining.run import pretrain as train

    read = read_recipe(recipe, changes)
    with interruption(lambda: kept(read.training.output_dir)):
        folder = train(read)
    stdout.print(folder, style="bold")


def key_values(overrides: list[str] | None) -> dict[str, str]:
    """Converts arguments KEY=VALUE to a dictionary from keys of a recipe to their new values.

    Raises:
        ValueError: An argument has another form.
    """
    pairs = [override.partition("=") for override in overrides or ()]
    if wrong := ["".join(pair) for pair in pairs if not (pair[0] and pair[1])]:
        raise ValueError(f"{wrong[0]!r} is not KEY=VALUE, such as max_steps=1000.")
    return {key: value for key, _, value in pairs}
