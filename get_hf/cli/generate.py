# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Defines `get-hf generate`."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import torch
import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from transformers.generation.streamers import BaseStreamer

from get_hf.cli.checkpoint import Checkpoint, Device, load
from get_hf.cli.console import stderr, stdout
from get_hf.cli.recordings import (
    PICTURES,
    Electrodes,
    PromptCondition,
    Unit,
    check_one_file,
    each,
    files_in,
    named_channels,
    up_to,
)
from get_hf.live.commands import parse_plan
from get_hf.outputs import check_output
from get_hf.pretrained import CHECKPOINT
from get_hf.processing.files import written_whole
from get_hf.processing.loading import load_recording
from get_hf.processing.montage_get import USUAL_CHANNELS
from get_hf.processing.reading_get import CALIBRATION_SECONDS
from get_hf.recordings import save_recording, split_at_seam

if TYPE_CHECKING:
    import mne


#: Longest continuation in seconds. It is kept in memory, and 64 channels of this length need 4 GB.
LONGEST_SECONDS = 86_400.0


def generate(
    seconds: Annotated[
        float,
        typer.Option(
            help="Seconds to generate.",
            callback=up_to(LONGEST_SECONDS, "all of it is held in memory, so go on from the file, a part at a time"),
        ),
    ],
    recordings: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="RECORDING", help="EEG to continue, in any format MNE reads; without any, from nothing."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="File to write, of one recording or from nothing: .edf, .fif or .npz.")
    ] = None,
    out_dir: Annotated[
        Path | None,
        typer.Option(help="Folder to write a file for each RECORDING to, under its name: EDF for EDF, else FIF."),
    ] = None,
    condition: Annotated[
        str | None,
        typer.Option(help="Condition to generate, such as eyes_closed; `get-hf info` lists the conditions."),
    ] = None,
    prompt_condition: PromptCondition = None,
    plan: Annotated[
        str | None,
        typer.Option(help="Conditions to generate and their seconds, such as eyes_open:10,left_fist:4."),
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Picture to write: .png, .pdf or .svg.")] = None,
    checkpoint: Checkpoint = str(CHECKPOINT),
    channels: Electrodes = None,
    unit: Unit = None,
    temperature: Annotated[
        float | None,
        typer.Option(
            help="Standard deviation of the noise.",
            callback=up_to(10, "noise that is so much louder than in training makes no EEG"),
            show_default="the checkpoint's",
        ),
    ] = None,
    guidance: Annotated[
        float | None,
        typer.Option(
            help="How much to exaggerate the condition; 1 leaves it as it is.",
            callback=up_to(20, "so far beyond the condition the signal only grows"),
            show_default="the checkpoint's",
        ),
    ] = None,
    num_flow_steps: Annotated[
        int | None,
        typer.Option(
            help="Steps per patch: more are slower, and may let long EEG grow too loud.",
            min=1,
            max=1000,
            show_default="the checkpoint's",
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            help="The same seed gives the same samples; from nothing, also the same person.", min=0, max=2**63 - 1
        ),
    ] = 0,
    device: Device = "cpu",
    keep_identity: Annotated[
        bool, typer.Option("--keep-identity", help="Keep who was recorded, when and by whom; left out by default.")
    ] = False,
) -> None:
    """Continue RECORDINGs, or generate EEG from nothing.

    If a recording cannot be continued, a message says why, and the others go on; the exit code is then 2.

    The file holds the recording, its last ten minutes at most, in the band of the model, 0.5 to 45 Hz,
    then the continuation, which the annotation "GET generated" marks. A JSON file beside an .edf or
    .fif tells how it was generated.
    """
    recordings = recordings or []
    files = outputs(recordings, out, out_dir, plot)
    if unit is not None and not recordings:
        raise ValueError(f"--unit {unit} is the unit of a recording, and none was given: leave it out.")
    if guidance is not None and not (condition or plan or prompt_condition):
        raise ValueError("--guidance exaggerates a condition: name one with --condition.")
    conditions = _conditions(bool(recordings), condition, prompt_condition, plan)
    named = named_channels(channels)
    options = {"temperature": temperature, "guidance_scale": guidance, "num_flow_steps": num_flow_steps}
    options = {name: value for name, value in options.items() if value is not None}
    load_once = cache(load)

    def make(recording: Path | None, path: Path) -> None:
        prompt = None
        if recording:
            prompt = load_recording(recording, last_seconds=CALIBRATION_SECONDS, channels=named, unit=unit)
            path.parent.mkdir(parents=True, exist_ok=True)
        check_output(path, ch_names=prompt.ch_names if prompt else named or USUAL_CHANNELS)
        model, extractor = load_once(checkpoint, device)
        of_whom = {} if recording else {"ch_names": named or USUAL_CHANNELS, "person": seed}
        features = extractor(prompt, context_seconds=model.config.context_seconds, **conditions, **of_whom)
        with _progress(seconds, model.config.sampling_rate) as streamer:
            generated = model.generate(
                **features.to(device),
                seconds=seconds,
                generator=torch.Generator().manual_seed(seed),
                streamer=streamer,
                **options,
            )
        raw = extractor.decode(generated, features, keep_identity=keep_identity)[0]
        _write(raw, path, plot, model=model, seed=seed, condition=conditions.get("next_condition", condition))
        _summarise(raw)

    if out_dir is None:
        return make(*files[0])
    # an error that concerns all recordings is printed only once
    _, extractor = load_once(checkpoint, device)
    for name in filter(None, (condition, prompt_condition, *(name for name, _ in _plan(plan)))):
        extractor.condition_id(name)
    each(files, make, "continued")


def _conditions(
    is_continued: bool, condition: str | None, prompt_condition: str | None, plan: str | None
) -> dict[str, str | list[tuple[str, float]] | None]:
    """Converts the options about conditions to arguments of the feature extractor."""
    if plan is not None and condition is not None:
        raise ValueError(f"--condition {condition} and --plan {plan} both say what comes next: give one.")
    if prompt_condition is not None and not is_continued:
        raise ValueError(
            f"--prompt-condition {prompt_condition} is about a recording, and none was given: --condition says what "
            "is generated."
        )
    entries = _plan(plan)
    if not is_continued and not entries:
        return {"condition": condition}
    return {"condition": prompt_condition, "next_condition": entries or condition}


def _plan(plan: str | None) -> list[tuple[str, float]]:
    """Reads the conditions and their seconds from the text of `--plan`."""
    return [] if plan is None else parse_plan(plan)


def outputs(
    recordings: list[Path], out: Path | None, out_dir: Path | None, plot: Path | None
) -> list[tuple[Path | None, Path]]:
    """Returns pairs of a recording (or None) and its output file; refuses, before any work, files it cannot write."""
    if (out is None) == (out_dir is None):
        given = "neither was given" if out is None else f"{out} and {out_dir} were given"
        raise ValueError(f"--out names the file to write, --out-dir the folder for files of recordings, and {given}.")
    if out is not None:
        check_one_file(recordings, out)
        check_output(out)
        if plot is not None:
            check_output(plot, PICTURES)
        return [(recordings[0] if recordings else None, out)]
    if not recordings:
        raise ValueError(f"--out-dir {out_dir} is for files of recordings, and none was given: use --out.")
    if plot is not None:
        raise ValueError(f"--plot {plot} is one picture, and --out-dir is for many files: leave one of them out.")
    return [*files_in(out_dir, recordings, _name_beside, lambda path: [path.with_suffix(".json")])]


def _name_beside(recording: str) -> str:
    """Returns the name of the continuation of a recording: EDF for EDF, else FIF."""
    return str(Path(recording).with_suffix(".edf" if recording.lower().endswith(".edf") else ".fif"))


def _write(raw: "mne.io.BaseRaw", out: Path, plot: Path | None, **made_with) -> None:
    """Writes the recording and the picture, either both or none of them."""
    if not np.isfinite(raw.get_data()).all():
        raise ArithmeticError("What was generated is not finite: lower --temperature or --guidance.")
    with ExitStack() as stack:
        if plot is not None:
            from get_hf.plotting import plot_generation

            plot_generation(raw).savefig(stack.enter_context(written_whole(plot)))
        save_recording(raw, out, **made_with)
    for path in filter(None, (out, plot)):
        stdout.print(path, style="bold")


def _summarise(raw: "mne.io.BaseRaw") -> None:
    """Prints a table that compares prompt and continuation."""
    from get_hf.training.evaluation.descriptors import ALPHA, alpha_peak, band_power

    rate = raw.info["sfreq"]
    measures = {
        "seconds": lambda signal: f"{signal.shape[1] / rate:.2f}",
        "RMS (µV, median over channels)": lambda signal: f"{np.median(signal.std(axis=1)):.1f}",
        "8-13 Hz power (µV², median)": lambda signal: f"{np.median(band_power(signal, rate, ALPHA)):.1f}",
        "alpha peak (Hz)": lambda signal: f"{alpha_peak(signal, rate) or '-'}",
    }
    parts = dict(zip(("prompt", "generated"), split_at_seam(raw), strict=True))
    # a spectrum can be computed from about a second of signal
    parts = {name: signal for name, signal in parts.items() if signal.shape[1] >= rate}
    table = Table("", *(Column(name, justify="right") for name in parts), box=None, pad_edge=False)
    for label, measure in measures.items():
        table.add_row(label, *map(measure, parts.values()))
    stdout.print(table)


@contextmanager
def _progress(seconds: float, sampling_rate: float) -> Iterator["PatchProgress"]:
    columns = TextColumn("Generating"), BarColumn(), TextColumn("{task.completed:.0f} of {task.total:g} s")
    with Progress(
        *columns, TimeRemainingColumn(), console=stderr, transient=True, disable=not stderr.is_terminal
    ) as progress:
        yield PatchProgress(progress, seconds, sampling_rate)


class PatchProgress(BaseStreamer):
    """Streamer that moves a progress bar; it receives the prompt and then patches `(batch, channels, times)`."""

    def __init__(self, progress: Progress, seconds: float, sampling_rate: float):
        self.progress = progress
        self.sampling_rate = sampling_rate
        self.task = progress.add_task("", total=seconds)
        self.is_prompt = True

    def put(self, value: torch.Tensor) -> None:
        """Moves the bar by one patch; the first call brings the prompt, which does not count."""
        if not self.is_prompt:
            self.progress.advance(self.task, value.shape[-1] / self.sampling_rate)
        self.is_prompt = False

    def end(self) -> None:
        """Does nothing, because the bar is removed at the end of its context."""
