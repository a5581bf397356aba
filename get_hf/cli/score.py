# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""`get-hf score`."""

import math
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from get_hf.cli.checkpoint import Checkpoint, Device, load
from get_hf.cli.console import bar, stdout
from get_hf.cli.recordings import PICTURES, Unit, check_one_file, each, files_in, named_channels
from get_hf.outputs import check_file
from get_hf.pretrained import CHECKPOINT
from get_hf.processing.files import written_whole
from get_hf.processing.loading import load_recording
from get_hf.scoring import EVENT_SUFFIXES, THRESHOLD, Scores, fit_reference, save_scores, score_recording

if TYPE_CHECKING:
    import mne


class Format(StrEnum):
    """What is written, and with which suffix."""

    csv = "csv"
    json = "json"
    fif = "fif"
    szcore = "szcore"

    @property
    def suffix(self) -> str:
        """The suffix of the file."""
        return ".tsv" if self is Format.szcore else f".{self.value}"


def _positive(value: float) -> float:
    if not 0 < value < math.inf:
        raise typer.BadParameter(f"{value:g} is not a positive number.")
    return value


def score(
    recordings: Annotated[
        list[Path], typer.Argument(metavar="RECORDING", help="EEG to score, in any format MNE reads.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="File to write, of one recording: .csv, .json, .fif or .tsv (SzCORE).")
    ] = None,
    out_dir: Annotated[
        Path | None, typer.Option(help="Folder to write a file for each RECORDING to, under its name.")
    ] = None,
    format: Annotated[  # noqa: A002  the name of the option
        Format | None,
        typer.Option(help="What is written.", show_default="by the suffix of --out; csv in --out-dir"),
    ] = None,
    reference: Annotated[
        Path | None, typer.Option(help="Recording of the same channels that shows what is usual.")
    ] = None,
    reference_span: Annotated[
        str | None,
        typer.Option(
            metavar="START:STOP",
            help="Seconds of each RECORDING that show what is usual.",
            show_default="its first ten minutes",
        ),
    ] = None,
    threshold: Annotated[
        float, typer.Option(help="Deviations of the reference above which a moment is unusual.", callback=_positive)
    ] = THRESHOLD,
    plot: Annotated[Path | None, typer.Option(help="Picture to write, of one recording: .png, .pdf or .svg.")] = None,
    checkpoint: Checkpoint = str(CHECKPOINT),
    channels: Annotated[
        str | None, typer.Option(help="Channels to read, with commas between.", show_default="all EEG")
    ] = None,
    unit: Unit = None,
    device: Device = "cpu",
) -> None:
    """Find moments of RECORDINGs that are unusual compared with a reference.

    Artefacts are unusual, too: this makes no diagnosis. If a recording cannot be scored, a message says why, and the
    others go on; the exit code is then 2.
    """
    outputs = _outputs(recordings, out, out_dir, format, plot)
    if reference is not None and reference_span is not None:
        raise ValueError(
            f"--reference {reference} and --reference-span {reference_span} both say what is usual: give one."
        )
    span = None if reference_span is None else _span(reference_span)
    named = named_channels(channels)

    def read(path: Path) -> "mne.io.BaseRaw":
        return load_recording(path, channels=named, unit=unit, preload=False)

    usual = None if reference is None else read(reference)
    if len(outputs) == 1:
        first = read(outputs[0][0])  # what is wrong with it costs no loading of the model
    model, extractor = load(checkpoint, device)
    fitted = None if usual is None else fit_reference(usual, model, extractor)

    def make(recording: Path, path: Path) -> None:
        raw = first if len(outputs) == 1 else read(recording)
        own = fitted if span is None else fit_reference(raw, model, extractor, _inside(raw, span))
        with bar("Scoring", "s") as progress:
            scores = score_recording(raw, model, extractor, own, threshold, progress)
        _write(scores, raw, path, plot)

    if out_dir is None:
        return make(*outputs[0])
    out_dir.mkdir(parents=True, exist_ok=True)
    each(outputs, make, "scored")


def _outputs(
    recordings: list[Path], out: Path | None, out_dir: Path | None, form: Format | None, plot: Path | None
) -> list[tuple[Path, Path]]:
    """Each recording and its file; what could not be written is refused before any work."""
    if (out is None) == (out_dir is None):
        given = "neither was given" if out is None else f"{out} and {out_dir} were given"
        raise ValueError(f"--out names the file to write, --out-dir the folder for files of recordings, and {given}.")
    if out is not None:
        check_one_file(recordings, out)
        check_file(out, EVENT_SUFFIXES)
        if form is not None and out.suffix.lower() != form.suffix:
            raise ValueError(f"--format {form.value} writes {form.suffix}, and --out is {out}: give one of them only.")
        if plot is not None:
            check_file(plot, PICTURES)
        return [(recordings[0], out)]
    if plot is not None:
        raise ValueError(f"--plot {plot} is one picture, and --out-dir is for many files: leave one of them out.")
    suffix = (form or Format.csv).suffix
    return files_in(out_dir, recordings, lambda name: str(Path(name).with_suffix(suffix)))


def _span(text: str) -> tuple[float, float]:
    """The seconds that `--reference-span` names."""
    first, _, last = text.partition(":")
    try:
        start, stop = float(first), float(last)
    except ValueError:
        raise ValueError(f"--reference-span {text!r} is not START:STOP in seconds: write it as 0:300.") from None
    if not 0 <= start < stop < math.inf:
        raise ValueError(f"--reference-span {text!r} does not go from an earlier to a later second: write 0:300.")
    return start, stop


def _inside(raw: "mne.io.BaseRaw", span: tuple[float, float]) -> tuple[float, float]:
    seconds = raw.n_times / raw.info["sfreq"]
    if span[1] > seconds:
        raise ValueError(
            f"--reference-span ends at {span[1]:g} s, and the recording at {seconds:.4g} s: name seconds inside it."
        )
    return span


def _write(scores: Scores, raw: "mne.io.BaseRaw", path: Path, plot: Path | None) -> None:
    """Writes the events and the picture, and tells how many there are."""
    if plot is not None:
        from get_hf.plotting_findings import plot_scores

        with written_whole(plot) as file:
            plot_scores(scores).savefig(file)
        stdout.print(plot, style="bold")
    save_scores(scores, path, raw.info["meas_date"])
    stdout.print(path, style="bold")
    share = sum(duration for _, duration, _ in scores.events) / scores.seconds
    stdout.print(f"{len(scores.events)} unusual moments, {share:.1%} of {scores.seconds:.4g} s")
