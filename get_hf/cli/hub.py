# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Defines `get-hf push` and `get-hf pull`, which send checkpoints to the Hub and download them."""

import math
from pathlib import Path
from typing import Annotated

import typer
from huggingface_hub.utils import disable_progress_bars
from transformers.utils import logging as transformers_logging

from get_hf.cli.console import interruption, stderr, stdout
from get_hf.hub import models
from get_hf.hub.card import Provenance

app = typer.Typer()


@app.command()
def push(
    checkpoint: Annotated[Path, typer.Argument(help="Folder that save_pretrained wrote.")],
    repo: Annotated[str, typer.Argument(help="OWNER/NAME on the Hub; created if it does not exist.")],
    private: Annotated[bool, typer.Option("--private", help="Only you may see it.")] = False,
    create_pr: Annotated[bool, typer.Option("--create-pr", help="Propose it to the repository's owner.")] = False,
    remote_code: Annotated[
        bool, typer.Option(help="Send the code too, for people who have transformers without this package.")
    ] = True,
    card: Annotated[
        Path | None, typer.Option(help="Markdown for the model card.", show_default="its README.md, or a short one")
    ] = None,
    base_model: Annotated[str | None, typer.Option(help="What it was fine-tuned from: OWNER/NAME.")] = None,
    dataset: Annotated[str | None, typer.Option(help="What it was trained on: OWNER/NAME, or a corpus.")] = None,
    metric: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="A figure; may be repeated.")] = None,
    license_: Annotated[
        str | None, typer.Option("--license", help="Licence of the weights.", show_default="the card's")
    ] = None,
) -> None:
    """Publish a CHECKPOINT on the Hub, with code, card and figures, and load it back from there."""
    if not checkpoint.is_dir():
        raise FileNotFoundError(f"There is no checkpoint at {checkpoint}: give a folder that save_pretrained wrote.")
    provenance = Provenance(base_model, dataset, dict(map(_metric, metric or ())), license_)
    _hide_bars()
    with interruption("the Hub has all of it or nothing; push again to go on"):
        address = models.push(checkpoint, repo, private, create_pr, remote_code, card, provenance)
    stdout.print(address, style="bold")


@app.command()
def pull(
    repo: Annotated[str, typer.Argument(metavar="OWNER/NAME[@REVISION]", help="A model on the Hub.")],
    out: Annotated[Path | None, typer.Option(help="Folder to create.", show_default="NAME")] = None,
) -> None:
    """Fetch a checkpoint from the Hub into a folder."""
    _hide_bars()
    with interruption("nothing was written; pull again to go on"):
        folder = models.pull(repo, out)
    stdout.print(folder, style="bold")


def _metric(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not name or math.isnan(number):
        raise ValueError(f"--metric {text} is not NAME=VALUE, such as accuracy=0.81.")
    return name, number


def _hide_bars() -> None:
    """Hides the progress bars of transformers; if stderr is not a terminal, also hides those of transfers."""
    transformers_logging.disable_progress_bar()
    if not stderr.is_terminal:
        disable_progress_bars()
