# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""`get-hf classify`."""

from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from transformers.utils import logging as transformers_logging

from get_hf.cli.checkpoint import Device
from get_hf.cli.console import bar, figures, print_folded, stderr, stdout
from get_hf.cli.recordings import Unit, check_one_file, each, files_in, named_channels, up_to
from get_hf.modeling.configuration_get import MOST_SECONDS
from get_hf.outputs import check_file
from get_hf.pretrained import load_classifier
from get_hf.processing.calibration_get import POLICIES
from get_hf.processing.files import written_whole

if TYPE_CHECKING:
    from get_hf import GETFeatureExtractor, GETForSequenceClassification
    from get_hf.classification import Classification
    from get_hf.processing.calibration_get import Calibration

Format = Literal["annotations", "csv", "json"]
#: What the name of a file of each format ends in; the first is for files in a folder.
SUFFIXES: dict[Format, tuple[str, ...]] = {
    "annotations": ("-annot.fif", "_annot.fif", ".csv", ".txt"),
    "csv": (".csv",),
    "json": (".json",),
}
_SECONDS = up_to(MOST_SECONDS, "no window is that long")


def classify(
    recordings: Annotated[
        list[Path], typer.Argument(metavar="RECORDING...", help="EEG to classify, in any format MNE reads.")
    ],
    checkpoint: Annotated[
        str,
        typer.Option(
            help="fists or eyes, the shipped classifiers; a folder; or owner/name[@revision] on the Hub.",
        ),
    ] = "fists",
    out: Annotated[
        Path | None, typer.Option(help="File to write, of one recording: NAME-annot.fif, .txt, .csv or .json.")
    ] = None,
    out_dir: Annotated[Path | None, typer.Option(help="Folder to write a file for each RECORDING to.")] = None,
    format_: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="annotations (MNE's), csv or json (a row or entry for each window).",
            show_default="as the name of --out says, annotations for --out-dir",
        ),
    ] = None,
    picture: Annotated[
        bool | None,
        typer.Option(
            "--picture/--no-picture",
            help="Write a picture (.png) beside each file.",
            show_default="--picture, where a file is written",
        ),
    ] = None,
    window: Annotated[
        float | None,
        typer.Option(help="Seconds of a window.", callback=_SECONDS, show_default="the checkpoint's"),
    ] = None,
    stride: Annotated[
        float | None,
        typer.Option(
            help="Seconds from the start of a window to the start of the next.",
            callback=_SECONDS,
            show_default="the checkpoint's",
        ),
    ] = None,
    calibrate_on: Annotated[
        str,
        typer.Option(
            metavar="each|all|FILE",
            help="What amplitudes and spectra are compared with: each recording by itself; all of them together, as "
            "runs of one session; or another recording of the same channels.",
        ),
    ] = "each",
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Least probability of a class; other windows are undecided.",
            callback=up_to(1, "a probability is at most 1"),
        ),
    ] = None,
    channels: Annotated[
        str | None,
        typer.Option(help="Channels of the recordings, with commas between.", show_default="all EEG"),
    ] = None,
    unit: Unit = None,
    device: Device = "cpu",
) -> None:
    """Classify the windows of RECORDINGs, of any length.

    The table shows the mean probability of each class, and how many windows it has. If a recording
    cannot be classified, a message says why, and the others go on; the exit code is then 2.

    Parts annotated BAD_ have no windows, and no window reaches across an interruption.
    """
    outputs = _outputs(recordings, out, out_dir, format_, picture)
    named = named_channels(channels)
    if calibrate_on not in POLICIES and not Path(calibrate_on).exists():
        raise FileNotFoundError(f"--calibrate-on is each, all or a recording, and there is none at {calibrate_on}.")
    load_once = cache(_load)
    calibrate_once = cache(
        lambda: _calibration(calibrate_on, recordings, load_once(checkpoint, device)[1], named, unit)
    )

    def make(recording: Path, path: Path | None) -> None:
        from get_hf.classification import classify as classified

        if not recording.exists():  # before the model is loaded
            raise FileNotFoundError(f"There is no recording at {recording}.")
        model, extractor = load_once(checkpoint, device)
        with bar("Classifying", "s") as progress:
            found = classified(
                recording,
                model,
                extractor,
                window_seconds=window,
                stride_seconds=stride,
                calibrate_on=calibrate_once() or calibrate_on,
                threshold=threshold,
                channels=named,
                unit=unit,
                progress=progress,
            )
        found.settings["calibrate_on"] = calibrate_on if calibrate_on in POLICIES else Path(calibrate_on).name
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(found, path, _format(path, format_), picture is not False)
        _summarise(recording, found)

    if len(recordings) == 1:
        return make(*outputs[0])
    if calibrate_on != "each":  # what is wrong with every recording is told once
        calibrate_once()
    each(outputs, make, "classified")


def _load(checkpoint: str, device: str | None) -> "tuple[GETForSequenceClassification, GETFeatureExtractor]":
    transformers_logging.disable_progress_bar()
    with stderr.status("Loading the model"):
        model, extractor = load_classifier(checkpoint)
        return model.to(device or "cpu"), extractor


def _calibration(
    calibrate_on: str,
    recordings: list[Path],
    extractor: "GETFeatureExtractor",
    channels: list[str] | None,
    unit: str | None,
) -> "Calibration | None":
    """The calibration that all recordings share; None where each has its own."""
    from get_hf.long_recordings import LongRecording, calibrate

    if calibrate_on == "each":
        return None
    session = recordings if calibrate_on == "all" else [Path(calibrate_on)]
    with stderr.status("Calibrating"):
        return calibrate([LongRecording(each, extractor, channels, unit) for each in session], calibrate_on == "all")


def _format(path: Path, format_: Format | None) -> Format:
    """The format of a file, by its name where it is not given."""
    return format_ or {".json": "json", ".csv": "csv"}.get(path.suffix.lower(), "annotations")  # type: ignore[return-value]


def _picture_beside(path: Path) -> Path:
    name = path.name
    for suffix in SUFFIXES["annotations"][:2]:
        name = name.removesuffix(suffix)
    return path.with_name(name).with_suffix(".png") if name == path.name else path.with_name(f"{name}.png")


def _outputs(
    recordings: list[Path], out: Path | None, out_dir: Path | None, format_: Format | None, picture: bool | None
) -> list[tuple[Path, Path | None]]:
    """Each recording, and the file to write; what could not be written is refused before any work."""
    if out is not None and out_dir is not None:
        raise ValueError(f"--out {out} is one file and --out-dir {out_dir} a folder for files: give one of them.")
    if out is None and out_dir is None:
        for option, value in (("--format", format_), ("--picture", picture)):
            if value:
                raise ValueError(f"{option} is about a file to write, and none was named: add --out or --out-dir.")
        return [(recording, None) for recording in recordings]
    if out is not None:
        check_one_file(recordings, out)
        return [(recordings[0], _checked(out, format_, picture))]
    suffix = SUFFIXES[format_ or "annotations"][0]
    with_picture = (lambda path: ()) if picture is False else (lambda path: [_picture_beside(path)])
    return [*files_in(out_dir, recordings, lambda name: f"{Path(name).stem}{suffix}", with_picture)]


def _checked(out: Path, format_: Format | None, picture: bool | None) -> Path:
    """The file to write for one recording, if it can be written."""
    wanted = SUFFIXES[format_] if format_ else tuple(dict.fromkeys(s for group in SUFFIXES.values() for s in group))
    if not out.name.lower().endswith(wanted) or out.name.lower() in wanted:
        raise ValueError(f"Cannot write {out}: its name must end in {', '.join(wanted)}.")
    check_file(out, (out.suffix.lower(),))
    beside = _picture_beside(out)
    if picture is not False:
        check_file(beside, (".png",))
        if beside.exists() and not out.exists():  # then it is not the picture of an earlier {out}
            raise FileExistsError(f"{beside} would be replaced by the picture: choose another --out, or --no-picture.")
    return out


def _write(found: "Classification", path: Path, format_: Format, with_picture: bool) -> None:
    """Writes the file and the picture, both or neither."""
    write = {"annotations": found.to_annotations, "csv": found.to_csv, "json": found.to_json}[format_]
    beside = _picture_beside(path)
    with ExitStack() as stack:
        if with_picture:
            found.plot().savefig(stack.enter_context(written_whole(beside)))
        write(path)
    for written in (path, *([beside] if with_picture else [])):
        stdout.print(written, style="bold")


def _summarise(recording: Path, found: "Classification") -> None:
    """Prints the vote and how the windows divide."""
    vote, counts = found.vote, found.counts
    seconds = found.settings["window_seconds"]
    windows = f"{len(found.scores)} windows" if len(found.scores) > 1 else "one window"
    stdout.print(f"{recording}: {next(iter(vote))}, by {windows} of {seconds:g} s", markup=False)
    table = figures("", ("mean probability", "windows"))
    for name, score in vote.items():
        table.add_row(name, f"{score:.3f}", str(counts[name]))
    if found.threshold is not None:
        table.add_row("undecided", "", str(counts[""]))
    print_folded(table)
