# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The `get-hf` command. Results go to stdout; progress, notes and errors go to stderr."""

import math
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import torch
import typer
from huggingface_hub.utils import logging as hub_logging
from packaging.requirements import Requirement
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from transformers.generation.streamers import BaseStreamer
from transformers.utils import logging as transformers_logging
from typer.exceptions import TyperException

from get_hf import GETFeatureExtractor, GETModel, corpus_cli, hub_cli, space_cli
from get_hf.measures import ALPHA, alpha_peak, band_power, rms, split_at_seam
from get_hf.pretrained import CHECKPOINT, load_pretrained
from get_hf.processing.coherence_get import shapes_of_shifts
from get_hf.processing.equaliser_get import Equaliser
from get_hf.processing.files import written_whole
from get_hf.processing.loading import load_recording
from get_hf.processing.montage_get import USUAL_CHANNELS, channel_positions
from get_hf.processing.population_get import linear_in_position, quadratic_in_position
from get_hf.processing.reading_get import CALIBRATION_SECONDS
from get_hf.recordings import check_output, save_recording

if TYPE_CHECKING:
    import mne

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)
app.add_typer(corpus_cli.app, name="corpus")
app.add_typer(hub_cli.app)
app.command("demo")(space_cli.demo)
app.command("push-space")(space_cli.push_space)
stdout = Console(highlight=False, soft_wrap=True)
stderr = Console(stderr=True, highlight=False, soft_wrap=True)


def _positive(value: float | None) -> float | None:
    if value is not None and not 0 < value < math.inf:
        raise typer.BadParameter(f"{value:g} is not a positive number.")
    return value


@app.callback()
def _get_hf() -> None:
    """GET, a Generative EEG Transformer: continue an EEG recording, or make one from nothing."""


@app.command()
def generate(
    seconds: Annotated[float, typer.Option(help="Seconds to generate.", callback=_positive)],
    out: Annotated[Path, typer.Option(help="File to write: .edf, .fif or .npz.")],
    recording: Annotated[
        Path | None,
        typer.Argument(help="EEG to continue, in any format MNE reads; without it, from nothing."),
    ] = None,
    condition: Annotated[
        str | None, typer.Option(help="What the person does, such as eyes_closed; `get-hf info` lists them.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Picture to write: .png, .pdf or .svg.")] = None,
    checkpoint: Annotated[
        str, typer.Option(help="Folder, or owner/name[@revision] on the Hub.", show_default="shipped")
    ] = str(CHECKPOINT),
    channels: Annotated[
        str | None,
        typer.Option(
            help="Channels of the recording, or electrodes to generate from nothing, with commas between.",
            show_default="all EEG, or 20 of the 10-20 system",
        ),
    ] = None,
    unit: Annotated[
        Literal["V", "mV", "uV", "nV"] | None,
        typer.Option(help="Of the numbers in the recording, where the file does not say.", show_default="the file's"),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(help="Standard deviation of the noise.", callback=_positive, show_default="the checkpoint's"),
    ] = None,
    guidance: Annotated[
        float | None,
        typer.Option(
            help="How far to exaggerate the condition; 1 is not at all.",
            callback=_positive,
            show_default="the checkpoint's",
        ),
    ] = None,
    num_flow_steps: Annotated[
        int | None,
        typer.Option(
            help="Steps per patch: more are slower, and may let long EEG grow too loud.",
            min=1,
            show_default="the checkpoint's",
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            help="The same seed gives the same samples, from nothing of the same person.", min=0, max=2**63 - 1
        ),
    ] = 0,
) -> None:
    """Continue a RECORDING, or generate EEG from nothing.

    The file holds the recording, its last ten minutes at most, in the band of the model, 0.5 to 45 Hz,
    then the continuation, which the annotation "GET generated" marks.
    """
    _check_files(recording, out, plot)
    if unit is not None and not recording:
        raise ValueError(f"--unit {unit} is of a recording, and none was given: leave it out.")
    if guidance is not None and condition is None:
        raise ValueError("--guidance exaggerates a condition: name one with --condition.")
    named = [name.strip() for name in channels.split(",")] if channels else None
    prompt = None
    if recording:
        prompt = load_recording(recording, last_seconds=CALIBRATION_SECONDS, channels=named, unit=unit)
    model, extractor = _load(checkpoint)
    of_whom = {} if recording else {"ch_names": named or USUAL_CHANNELS, "person": seed}
    features = extractor(prompt, condition=condition, context_seconds=model.config.context_seconds, **of_whom)
    options = {"temperature": temperature, "guidance_scale": guidance, "num_flow_steps": num_flow_steps}
    with _progress(seconds, model.config.sampling_rate) as streamer:
        generated = model.generate(
            **features,
            seconds=seconds,
            generator=torch.Generator().manual_seed(seed),
            streamer=streamer,
            **{name: value for name, value in options.items() if value is not None},
        )
    raw = extractor.decode(generated, features)[0]
    _write(raw, out, plot)
    _summarise(raw)


def _check_files(recording: Path | None, out: Path, plot: Path | None) -> None:
    """Refuses, before any work, what could not be written at its end."""
    check_output(out)
    if plot is not None:
        check_output(plot, (".png", ".pdf", ".svg"))
    if recording and recording.exists() and out.exists() and recording.samefile(out):
        raise ValueError(f"--out {out} would replace the recording itself: choose another name.")


def _write(raw: "mne.io.BaseRaw", out: Path, plot: Path | None) -> None:
    """Writes the file and the picture, both or neither."""
    with ExitStack() as stack:
        if plot is not None:
            from get_hf.plotting import plot_generation

            plot_generation(raw).savefig(stack.enter_context(written_whole(plot)))
        save_recording(raw, out)
    for path in filter(None, (out, plot)):
        stdout.print(path, style="bold")


def _summarise(raw: "mne.io.BaseRaw") -> None:
    """Prints what prompt and continuation have in common, and what not."""
    rate = raw.info["sfreq"]
    measures = {
        "seconds": lambda signal: f"{signal.shape[1] / rate:.2f}",
        "RMS (µV, median over channels)": lambda signal: f"{np.median(rms(signal)):.1f}",
        "8-13 Hz power (µV², median)": lambda signal: f"{np.median(band_power(signal, rate, ALPHA)):.1f}",
        "alpha peak (Hz)": lambda signal: f"{alpha_peak(signal, rate) or '-'}",
    }
    parts = dict(zip(("prompt", "generated"), split_at_seam(raw), strict=True))
    # a spectrum needs about a second
    parts = {name: signal for name, signal in parts.items() if signal.shape[1] >= rate}
    table = Table("", *(Column(name, justify="right") for name in parts), box=None, pad_edge=False)
    for label, measure in measures.items():
        table.add_row(label, *map(measure, parts.values()))
    stdout.print(table)


@app.command()
def pretrain(
    recipe: Annotated[Path, typer.Argument(help="Recipe in YAML; training/recipes has some.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Replaces keys of the recipe.")
    ] = None,
) -> None:
    """Train a model as a recipe says."""
    pairs = [override.partition("=") for override in overrides or ()]
    if wrong := ["".join(pair) for pair in pairs if not (pair[0] and pair[1])]:
        raise ValueError(f"{wrong[0]!r} is not KEY=VALUE, such as max_steps=1000.")
    _require_extra("train")
    from get_hf.training import pretraining

    folder = pretraining.run(recipe, **{key: value for key, _, value in pairs})
    stdout.print(folder, style="bold")


@app.command()
def calibrate(
    checkpoint: Annotated[Path, typer.Argument(help="Folder with a trained model.")],
    data: Annotated[Path, typer.Option(help="Folder that holds eegmmidb/.")],
    step: Annotated[
        list[str] | None,
        typer.Option(
            help="Only coherence, gains, nothing or cues; may be repeated. Each goes by what those before found."
        ),
    ] = None,
) -> None:
    """Mend the last few percent of a trained model's coherence and spectrum, on people it was trained on.

    Measured with the options of its generation config: set them first. Each step is written when it is done.
    """
    for folder in (data, checkpoint):
        if not folder.is_dir():
            raise FileNotFoundError(f"There is no folder {folder}.")
    _require_extra("train")
    _load(str(checkpoint))  # what is wrong with it shows now, not after minutes of reading
    from get_hf.training import calibration

    measured = calibration.calibrate(checkpoint, data, steps=step or tuple(calibration.STEPS), progress=stderr.print)
    extractor = GETFeatureExtractor.from_pretrained(checkpoint)
    if not measured.keys().isdisjoint(["coherence_shifts", "generated_log_gains"]):
        always, after_8_s = extractor.coherence_shifts or (None, None)
        shifts = {"loses": always, "after 8 s": after_8_s}
        stdout.print(_corrections("after a prompt", shifts, extractor.gains.after_prompt, extractor))
    if "unprompted_log_gains" in measured:
        shifts = {"loses": extractor.unprompted_coherence_shifts}
        stdout.print(_corrections("from nothing", shifts, extractor.gains.of_person(None), extractor))
    if measured.get("cue_log_gains"):
        places = ["C3", "Cz", "C4"]
        table = _figures("cue", places, "After rest: a rhythm of e times the background's power is multiplied by")
        for name, cue in measured["cue_log_gains"].items():
            gains = np.exp(quadratic_in_position(channel_positions(places)) @ cue)
            table.add_row(name, *(f"{gain:.3f}" for gain in gains))
        stdout.print(table)


def _figures(first: str, columns: list[str], title: str) -> Table:
    """An empty table of figures."""
    others = (Column(name, justify="right") for name in columns)
    return Table(first, *others, box=None, pad_edge=False, padding=(0, 1, 0, 0), title=title)


def _corrections(
    what: str, shifts: dict[str, list[list[float]] | None], equaliser: Equaliser, extractor: GETFeatureExtractor
) -> Table:
    """What coherence loses at Cz, and what amplitudes are multiplied by, at the frequency of each coefficient."""
    vertex, size = channel_positions(["Cz"]), extractor.patch_size
    weights = shapes_of_shifts(np.array(0.2), linear_in_position(vertex)[0])
    losses = np.stack([np.zeros(size) if rows is None else np.array(rows) @ weights for rows in shifts.values()])
    names = list(equaliser.tables)
    table = _figures("Hz", [*shifts, *names], f"At Cz {what}: what a squared coherence of .2 loses, and gains")
    # every fourth is at the frequency of a coefficient
    gains = np.exp([equaliser.log_gains(name, vertex)[0, :-1:4] for name in names])
    for k, (lost, row) in enumerate(zip(losses.T, gains.T, strict=True)):
        cells = (*(f"{loss:+.3f}" for loss in lost), *(f"{gain:.3f}" for gain in row))
        table.add_row(f"{k * extractor.sampling_rate / 2 / size:g}", *cells)
    return table


@app.command()
def evaluate(
    checkpoint: Annotated[str, typer.Argument(help="Folder, or owner/name on the Hub.")],
    data: Annotated[Path, typer.Option(help="Folder that holds eegmmidb/.")],
    out: Annotated[Path, typer.Option(help="Folder for tables and plots.")],
    split: Annotated[
        Literal["validation", "test"], typer.Option(help="On whom; test is for figures to publish.")
    ] = "validation",
    preset: Annotated[Literal["fast", "full"], typer.Option(help="How much.")] = "fast",
    card: Annotated[
        list[Path] | None, typer.Option(help="Markdown file whose figures to fill in; may be repeated.")
    ] = None,
) -> None:
    """Measure a checkpoint beside real EEG and classical baselines, on people it never saw."""
    if not data.is_dir():
        raise FileNotFoundError(f"There is no folder {data}.")
    cards = card or []
    if missing := [path for path in cards if not path.is_file()]:
        raise FileNotFoundError(f"There is no model card at {missing[0]}.")
    _require_extra("train")
    _load(checkpoint)  # what is wrong with it shows now, not after minutes of baselines
    from get_hf.training import evaluation
    from get_hf.training.bars import bars_table

    report = evaluation.run(checkpoint, data, out, split, preset, cards, progress=stderr.print)
    stdout.print(report.table(), markup=False)
    for bars in report.bars.values():
        stdout.print(f"\n{bars_table(bars)}", markup=False)
    stdout.print(out, style="bold")


@app.command()
def info() -> None:
    """Show the shipped checkpoint, the corpora with their licences, and versions."""
    from get_hf.training.corpora import CORPORA

    model, extractor = _load(str(CHECKPOINT))
    config = model.config
    table = Table.grid(padding=(0, 2))
    table.add_row("checkpoint", str(CHECKPOINT))
    table.add_row("parameters", f"{model.num_parameters() / 1e6:.2f} million")
    table.add_row(
        "signal", f"{config.sampling_rate:g} Hz in patches of {config.patch_size / config.sampling_rate:g} s"
    )
    table.add_row("conditions", ", ".join(extractor.conditions))
    table.add_row("licence", "Apache-2.0, code and weights; generated EEG is not for medical use")
    for corpus in CORPORA.values():
        table.add_row(f"corpus {corpus.name}", f"{corpus.licence}, {corpus.homepage}")
        table.add_row("", corpus.citation)
    packages = ("get-hf", "torch", "transformers", "mne", "numpy", "scipy")
    table.add_row("versions", ", ".join(f"{package} {version(package)}" for package in packages))
    stdout.print(table)


def _load(checkpoint: str) -> tuple[GETModel, GETFeatureExtractor]:
    transformers_logging.disable_progress_bar()
    with stderr.status("Loading the model"):
        return load_pretrained(checkpoint)


def _require_extra(extra: str) -> None:
    """Names what is missing of an extra before work begins that would end without it."""
    for requirement in map(Requirement, requires("get-hf")):
        if requirement.marker and requirement.marker.evaluate({"extra": extra}):
            try:
                version(requirement.name)
            except PackageNotFoundError:
                raise ValueError(f'{requirement.name} is not installed: pip install "get-hf[{extra}]"') from None


@contextmanager
def _progress(seconds: float, sampling_rate: float) -> Iterator["PatchProgress"]:
    columns = TextColumn("Generating"), BarColumn(), TextColumn("{task.completed:.0f} of {task.total:g} s")
    with Progress(
        *columns, TimeRemainingColumn(), console=stderr, transient=True, disable=not stderr.is_terminal
    ) as progress:
        yield PatchProgress(progress, seconds, sampling_rate)


class PatchProgress(BaseStreamer):
    """Moves a bar by what `generate` hands over: the prompt, then patches `(batch, channels, times)`."""

    def __init__(self, progress: Progress, seconds: float, sampling_rate: float):
        self.progress = progress
        self.sampling_rate = sampling_rate
        self.task = progress.add_task("", total=seconds)
        self.is_prompt = True

    def put(self, value: torch.Tensor) -> None:
        """Counts a patch."""
        if not self.is_prompt:
            self.progress.advance(self.task, value.shape[-1] / self.sampling_rate)
        self.is_prompt = False

    def end(self) -> None:
        """Has nothing left to do: the bar is removed with its context."""


def main() -> None:
    """Runs the command; what a user can get wrong ends in one sentence and exit code 2."""
    warnings.showwarning = _show_note
    warnings.simplefilter("ignore", FutureWarning)
    transformers_logging.set_verbosity_error()
    hub_logging.set_verbosity_error()
    try:
        sys.exit(app(prog_name="get-hf", standalone_mode=False))
    except (ValueError, OSError) as error:
        _fail(str(error))
    except TyperException as error:  # an unknown option, a missing argument; nothing at all, which showed the help
        _fail(error.format_message() or f"Say what to do: {', '.join(error.ctx.command.list_commands(error.ctx))}.")


def _fail(message: str) -> None:
    stderr.print("get-hf:", " ".join(message.split()), markup=False)
    sys.exit(2)


def _show_note(message: Warning | str, *_) -> None:
    stderr.print("note:", " ".join(str(message).split()), markup=False)
