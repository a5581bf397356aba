# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Defines `get-hf calibrate`."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from get_hf import GETFeatureExtractor
from get_hf.cli.checkpoint import load
from get_hf.cli.console import figures, interruption, require_extra, stderr, stdout
from get_hf.processing.coherence_get import shapes_of_shifts
from get_hf.processing.equaliser_get import Equaliser
from get_hf.processing.montage_get import channel_positions
from get_hf.processing.population_get import linear_in_position, quadratic_in_position


def calibrate(
    checkpoint: Annotated[Path, typer.Argument(help="Folder with a trained model.")],
    data: Annotated[Path, typer.Option(help="Folder that holds eegmmidb/.")],
    step: Annotated[
        list[str] | None,
        typer.Option(
            help="Run only this step: gains, unprompted or cues; may be repeated. Each builds on the steps before."
        ),
    ] = None,
) -> None:
    """Measure and correct the bias of a trained model's coherence and spectrum, on people of its training set.

    Measured with the options of its generation config: set them first. Each step is written when it is done.
    """
    for folder in (data, checkpoint):
        if not folder.is_dir():
            raise FileNotFoundError(f"There is no folder {folder}.")
    require_extra("train")
    load(str(checkpoint))  # an error of the checkpoint is shown now, not after minutes of reading
    from get_hf.training.calibration.run import STEPS
    from get_hf.training.calibration.run import calibrate as measure

    with interruption(f"steps that were done are in {checkpoint}, and --step measures those that were not"):
        steps = step or tuple(STEPS)
        measured = measure(checkpoint, data, steps=steps, progress=stderr.print)
    extractor = GETFeatureExtractor.from_pretrained(checkpoint)
    if "generated_log_gains" in measured:
        stdout.print(_corrections("after a prompt", {}, extractor.gains.after_prompt, extractor))
    if "unprompted_log_gains" in measured:
        shifts = {"loses": extractor.corrections.unprompted_coherence_shifts}
        stdout.print(_corrections("from nothing", shifts, extractor.gains.of_person(None), extractor))
    if measured.get("cue_log_gains"):
        places = ["C3", "Cz", "C4"]
        table = figures("cue", places, "After rest: a rhythm of e times the background's power is multiplied by")
        for name, cue in measured["cue_log_gains"].items():
            gains = np.exp(quadratic_in_position(channel_positions(places)) @ cue)
            table.add_row(name, *(f"{gain:.3f}" for gain in gains))
        stdout.print(table)


def _corrections(
    what: str, shifts: dict[str, list[list[float]] | None], equaliser: Equaliser, extractor: GETFeatureExtractor
) -> Table:
    """Returns a table of coherence losses and amplitude gains at Cz, at the frequency of each coefficient."""
    vertex, size = channel_positions(["Cz"]), extractor.patch_size
    weights = shapes_of_shifts(np.array(0.2), linear_in_position(vertex)[0])
    losses = np.zeros((len(shifts), size))
    for index, rows in enumerate(shifts.values()):
        losses[index] = 0.0 if rows is None else np.array(rows) @ weights
    names = list(equaliser.tables)
    lost = "what a squared coherence of .2 loses, and " if shifts else ""
    table = figures("Hz", [*shifts, *names], f"At Cz {what}: {lost}gains")
    # every fourth gain is at the frequency of a coefficient
    gains = np.exp([equaliser.log_gains(name, vertex)[0, :-1:4] for name in names])
    for k, (losing, row) in enumerate(zip(losses.T, gains.T, strict=True)):
        cells = (*(f"{loss:+.3f}" for loss in losing), *(f"{gain:.3f}" for gain in row))
        table.add_row(f"{k * extractor.sampling_rate / 2 / size:g}", *cells)
    return table
