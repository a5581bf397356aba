# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""`get-hf impute`."""

from functools import cache
from pathlib import Path
from typing import Annotated

import typer

from get_hf.cli.checkpoint import Checkpoint, load
from get_hf.cli.console import stdout
from get_hf.cli.generate import outputs
from get_hf.cli.recordings import Unit, each, named_channels
from get_hf.imputation import MOST_DRAWS
from get_hf.imputation import impute as impute_channels
from get_hf.outputs import check_output
from get_hf.pretrained import CHECKPOINT
from get_hf.processing.loading import load_recording
from get_hf.recordings import save_recording


def impute(
    recordings: Annotated[list[Path], typer.Argument(metavar="RECORDING", help="EEG, in any format MNE reads.")],
    channels: Annotated[
        str | None,
        typer.Option(help="Channels to replace, or electrodes to add, with commas between."),
    ] = None,
    bads: Annotated[
        bool,
        typer.Option("--bads", help="Replace the channels that the file marks as bad, and flat or far too loud ones."),
    ] = False,
    out: Annotated[Path | None, typer.Option(help="File to write, of one recording: .edf, .fif or .npz.")] = None,
    out_dir: Annotated[
        Path | None,
        typer.Option(help="Folder to write a file for each RECORDING to, under its name: EDF for EDF, else FIF."),
    ] = None,
    draws: Annotated[
        int,
        typer.Option(
            help="Number of draws; several go to FILE_1, FILE_2 and so on. 0: the mean, which has the least error, "
            "but too little power.",
            min=0,
            max=MOST_DRAWS,
        ),
    ] = 1,
    unit: Unit = None,
    checkpoint: Checkpoint = str(CHECKPOINT),
    seed: Annotated[int, typer.Option(help="The same seed gives the same samples.", min=0, max=2**63 - 1)] = 0,
) -> None:
    """Draw missing or bad channels given the others.

    If a recording cannot be imputed, a message says why, and the others go on; the exit code is then 2.

    The file holds the EEG channels of the recording, of which only the imputed ones are changed; the
    annotation "GET imputed" names them, and so does a JSON file beside an .edf or .fif.
    """
    if (channels is None) != bads:
        given = f"--channels {channels} and --bads were" if bads else "neither was"
        raise ValueError(f"--channels names the channels to impute, --bads finds them, and {given} given: give one.")
    named = named_channels(channels)
    if named is not None and not all(named):
        raise ValueError(f"--channels {channels!r} has an empty name: write it as T7,Cz.")
    files = outputs(recordings, out, out_dir, None)
    if draws > 1:
        _check_draws([draw for _, path in files for draw in _of_draws(path, draws)], recordings, out is not None)
    load_once = cache(load)

    def make(recording: Path, path: Path) -> None:
        raw = load_recording(recording, unit=unit)
        path.parent.mkdir(parents=True, exist_ok=True)
        check_output(path, ch_names=[*raw.ch_names, *(named or ())])
        model, extractor = load_once(checkpoint)
        made = impute_channels(raw, named, extractor, draws=draws, seed=seed)
        for one, file in zip(made, _of_draws(path, draws), strict=True):
            save_recording(one, file, model=model, seed=seed if draws else None)
            stdout.print(file, style="bold")

    if out_dir is None:
        return make(*files[0])
    load_once(checkpoint)  # what is wrong with every recording is told once
    each(files, make, "imputed")


def _check_draws(files: list[Path], recordings: list[Path], may_replace: bool) -> None:
    """Checks the files of several draws, before any work, as `outputs` checks a single file."""
    for file in files:
        if file.exists() and (not may_replace or any(own.exists() and own.samefile(file) for own in recordings)):
            raise FileExistsError(f"{file} would be replaced: choose another name, or remove what is there.")
        if may_replace:
            check_output(file)


def _of_draws(path: Path, draws: int) -> list[Path]:
    """The file of each draw."""
    return [path] if draws < 2 else [path.with_stem(f"{path.stem}_{number}") for number in range(1, draws + 1)]
