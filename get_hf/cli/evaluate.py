# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Defines `get-hf evaluate`."""

import math
from pathlib import Path
from typing import Annotated, Literal

import typer

from get_hf.cli.checkpoint import Device, load
from get_hf.cli.console import require_extra, stderr, stdout
from get_hf.outputs import check_folder
from get_hf.pretrained import find_checkpoint


def evaluate(
    checkpoint: Annotated[str, typer.Argument(help="Folder, or owner/name[@revision] on the Hub.")],
    data: Annotated[Path, typer.Option(help="Folder that holds the corpora, such as eegmmidb/.")],
    out: Annotated[Path, typer.Option(help="Folder for tables and plots.")],
    corpus: Annotated[
        list[str] | None,
        typer.Option(
            help="Corpus to measure on: a name that get-hf corpus list shows, or the folder of a prepared corpus; "
            "eegmmidb by default. Repeated, it gives a table with a column for each corpus."
        ),
    ] = None,
    split: Annotated[
        Literal["validation", "test", "left-out"],
        typer.Option(
            help="People to measure on; test is for figures to publish, left-out is everybody but the test people, of "
            "a corpus that no training has seen."
        ),
    ] = "validation",
    preset: Annotated[
        Literal["fast", "full"], typer.Option(help="Amount of EEG: minutes or the better part of an hour.")
    ] = "fast",
    prompt_seconds: Annotated[
        float | None, typer.Option(help="Length of the prompts; by default what fits the recordings.", min=1, max=600)
    ] = None,
    continuation_seconds: Annotated[
        float | None, typer.Option(help="Length of the continuations; given with the other length.", min=2, max=600)
    ] = None,
    innovations: Annotated[
        bool, typer.Option("--innovations", help="Take the real innovations apart, instead of the usual table.")
    ] = False,
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
    if innovations and cards:
        raise ValueError("--innovations writes a table of its own, which no card has a place for: leave --card out.")
    lengths = [seconds for seconds in (prompt_seconds, continuation_seconds) if seconds is not None]
    if len(lengths) == 1:
        raise ValueError("--prompt-seconds and --continuation-seconds belong together: give both or neither.")
    if not all(map(math.isfinite, lengths)):
        raise ValueError("--prompt-seconds and --continuation-seconds are numbers of seconds: give finite ones.")
    check_folder(out)
    require_extra("train")
    folder = find_checkpoint(checkpoint)
    load(str(folder), device)  # an error of the checkpoint is shown now, not after minutes of baselines
    from get_hf.training.evaluation.corpora.across import across_table, headline_table, run_all, take_all_apart
    from get_hf.training.evaluation.recordings import Cut
    from get_hf.training.evaluation.requirements import requirements_table
    from get_hf.training.evaluation.run import run

    corpora = corpus or ["eegmmidb"]
    cut = Cut(*lengths) if lengths else None
    if innovations:
        text = take_all_apart(folder, data, out, corpora, split, preset, progress=stderr.print, cut=cut, device=device)
        stdout.print(text, markup=False)
    elif len(corpora) > 1:
        found = run_all(
            folder, data, out, corpora, split, preset, cards, progress=stderr.print, cut=cut, device=device
        )
        stdout.print(f"{across_table(found)}\n{headline_table(found)}", markup=False)
    else:
        report = run(
            folder, data, out, split, preset, cards,
            device=device, progress=stderr.print, corpus=corpora[0], cut=cut,
        )  # fmt: skip
        stdout.print(report.table(), markup=False)
        for requirements in report.requirements.values():
            stdout.print(f"\n{requirements_table(requirements)}", markup=False)
    stdout.print(out, style="bold")
