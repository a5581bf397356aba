# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Loads the checkpoint of a command, and checks the device on which the command runs."""

from typing import Annotated

import torch
import typer
from transformers.utils import logging as transformers_logging

from get_hf import GETFeatureExtractor, GETModel
from get_hf.cli.console import stderr
from get_hf.pretrained import load_pretrained


def _present(device: str | None) -> str | None:
    """Returns the name of a device if this machine has it and torch can use it; otherwise raises an error."""
    if device is None:
        return None
    kind, _, index = device.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (index and not (kind == "cuda" and index.isdecimal())):
        raise typer.BadParameter(
            f"{device!r} is not a device: choose cpu, cuda, a numbered one such as cuda:1, or mps."
        )
    if kind == "cuda" and not torch.cuda.is_available():
        raise typer.BadParameter(f"torch {torch.__version__} finds no CUDA GPU on this machine: choose cpu.")
    if kind == "cuda" and index and int(index) >= torch.cuda.device_count():
        raise typer.BadParameter(
            f"there is no {device}: choose one of the {torch.cuda.device_count()} GPUs from cuda:0 up."
        )
    if kind == "mps" and not torch.backends.mps.is_available():
        raise typer.BadParameter("mps is the GPU of Apple's own chips, and torch finds none here: choose cpu.")
    return device


Checkpoint = Annotated[str, typer.Option(help="Folder, or owner/name[@revision] on the Hub.", show_default="shipped")]
Device = Annotated[str | None, typer.Option(help="cpu, cuda (or cuda:1 and so on) or mps.", callback=_present)]


def load(checkpoint: str, device: str | None = "cpu") -> tuple[GETModel, GETFeatureExtractor]:
    """Loads a checkpoint from a folder or from the Hub, and shows a status on stderr meanwhile."""
    transformers_logging.disable_progress_bar()
    with stderr.status("Loading the model"):
        model, extractor = load_pretrained(checkpoint)
        return model.to(device or "cpu"), extractor
