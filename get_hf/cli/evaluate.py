# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Defines `get-hf evaluate`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from get_hf.cli.checkpoint import Device, load
from get_hf.cli.console import require_extra, stderr, stdout
from get_hf.outputs import check_folder
from get_hf.pretrained import find_checkpoint


def evaluate(
    checkpoint: Annotated[str, typer.Argument(help="Folder, or owner/name[@revision] on the Hub.")],
    data: Annotated[Path, typer.Option(help="Folder that holds eegmmidb/.")],
    out: Annotated[Path, typer.Option(help="Folder for tables and plots.")],
    split: Annotated[
        Literal["validation", "test"], typer.Option(help="People to measure on; test is for figures to publish.")
    ] = "validation",
    preset: Annotated[
        Literal["fast", "full"], typer.Option(help="Amount of EEG: minutes or the better part of an hour.")
    ] = "fast",
    card: Annotated[
        list[Path] | None, typer.Option(help="Markdown file whose figures to fill in; may be repeated.")
    ] = None,
    device: Device = None,
) -> None:
    """Measure a checkpoint beside real EEG and classical baselines, on people it never saw."""
    if not data.is_dir():
        raise FileNotFoundError(f"There is no folder {data}.")
    cards = card or []
    if missing := [path for path in cards if not path.is_file()]:
        raise FileNotFoundError(f"There is no model card at {missing[0]}.")
    check_folder(out)
    require_extra("train")
    folder = find_checkpoint(checkpoint)
    load(str(folder), device)  # an error of the checkpoint is shown now, not after minutes of baselines
    from get_hf.training.evaluation.requirements import requirements_table
    from get_hf.training.evaluation.run import run

    report = run(folder, data, out, split, preset, cards, device=device, progress=stderr.print)
    stdout.print(report.table(), markup=False)
    for found in report.requirements.values():
        stdout.print(f"\n{requirements_table(found)}", markup=False)
    stdout.print(out, style="bold")
