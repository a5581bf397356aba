# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Defines `get-hf listen`."""

import math
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.live import Live

from get_hf.cli.checkpoint import Checkpoint, Device, load
from get_hf.cli.console import require_extra, stderr, stdout, stop
from get_hf.cli.recordings import at_most_a_week, named_channels, up_to, voltage
from get_hf.live.hearing import FileSource, Source
from get_hf.live.listener import EVERY_SECONDS, LOOKAHEAD_SECONDS, REFERENCE_SECONDS, Finding, Listener
from get_hf.live.running import Forecasts, hear
from get_hf.live.view import View, plain
from get_hf.live.writing import csv_file
from get_hf.outputs import check_file
from get_hf.pretrained import CHECKPOINT, find_checkpoint, load_classifier
from get_hf.processing.calibration_get import check_same_channels
from get_hf.processing.loading import load_recording
from get_hf.processing.reading_get import eeg_info
from get_hf.scoring import EVENT_SUFFIXES, LEAST_PATCHES, THRESHOLD, fit_reference, save_scores

if TYPE_CHECKING:
    from get_hf import GETFeatureExtractor, GETForSequenceClassification

#: Seconds by which samples may be read late before it is said.
LATE = 1.0
#: Shortest and longest lookahead in seconds.
LEAST_LOOKAHEAD, MOST_LOOKAHEAD = 0.25, 10.0
#: Fewest seconds of a reference.
LEAST_REFERENCE = LEAST_PATCHES * 0.25


def _speed(speed: float) -> float:
    """Checks the speed of a replay; infinity is 0."""
    if not speed >= 0 or 0 < speed < 0.01:
        raise typer.BadParameter(f"{speed:g} is no speed: give 1 for that of the clock, 0 for as fast as it goes.")
    return 0.0 if math.isinf(speed) else speed


def _between(least: float, most: float, what: str) -> Callable[[float], float]:
    """Checks that an option lies between two numbers of seconds."""

    def check(value: float) -> float:
        if not least <= value <= most:
            raise typer.BadParameter(f"{value:g} is no {what} from {least:g} to {most:g} s.")
        return value

    return check


def listen(
    lsl: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the LSL stream to listen to.")] = None,
    file: Annotated[
        Path | None, typer.Option(metavar="RECORDING", help="Recording to replay as if it came from an amplifier.")
    ] = None,
    brainflow: Annotated[
        str | None, typer.Option(metavar="ID", help="Number or name of a board of BrainFlow, such as synthetic.")
    ] = None,
    board_parameter: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Parameter of the board, such as serial_port=/dev/ttyUSB0."),
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(
            help="Speed of --file: 2 is twice as fast, 0 as fast as it goes.",
            callback=lambda value: None if value is None else _speed(value),
            show_default="1",
        ),
    ] = None,
    classifier: Annotated[
        str | None,
        typer.Option(help="fists or eyes, the shipped classifiers; a folder; or owner/name[@revision] on the Hub."),
    ] = None,
    every: Annotated[
        float,
        typer.Option(
            help="Seconds from one classified window to the next.",
            callback=_between(0.25, 3600, "step"),
        ),
    ] = EVERY_SECONDS,
    forecast: Annotated[
        float | None,
        typer.Option(
            help="Seconds to forecast, for the view in the terminal.",
            callback=up_to(30, "so long a forecast is older than what it forecasts"),
        ),
    ] = None,
    reference: Annotated[
        Path | None, typer.Option(help="Recording of the same channels that shows what is usual.")
    ] = None,
    reference_seconds: Annotated[
        float | None,
        typer.Option(
            help="Seconds of the stream that show what is usual, without --reference.",
            callback=lambda value: None if value is None else _between(LEAST_REFERENCE, 3600, "length")(value),
            show_default=f"{REFERENCE_SECONDS:g}",
        ),
    ] = None,
    threshold: Annotated[
        float,
        typer.Option(
            help="Deviations of the reference above which a moment is unusual.",
            callback=up_to(1e6, "nothing is that unusual"),
        ),
    ] = THRESHOLD,
    lookahead: Annotated[
        float,
        typer.Option(
            help="Seconds of later EEG that a patch waits for: fewer come sooner, more are more exact.",
            callback=_between(LEAST_LOOKAHEAD, MOST_LOOKAHEAD, "lookahead"),
        ),
    ] = LOOKAHEAD_SECONDS,
    csv: Annotated[Path | None, typer.Option(help="Table to write, a row for each patch.")] = None,
    annotations: Annotated[
        Path | None, typer.Option(help="Unusual moments to write: .csv, .json, .fif or .tsv (SzCORE).")
    ] = None,
    to_lsl: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of an LSL stream to send findings to.")
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            help="Seconds to listen.",
            callback=at_most_a_week,
            show_default="until Ctrl-C",
        ),
    ] = None,
    channels: Annotated[
        str | None, typer.Option(help="Channels to listen to, with commas between.", show_default="all EEG")
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option(help="Unit of the samples, where the source names none: V, mV, uV or nV.", callback=voltage),
    ] = None,
    checkpoint: Checkpoint = str(CHECKPOINT),
    device: Device = "cpu",
) -> None:
    """Listen to EEG while it is recorded: how unusual each moment is, and which class it has.

    Each quarter of a second gets a score, as from `get-hf score`, relative to the first minute or to
    --reference, and comes --lookahead seconds later. With --classifier, each second gets the
    probabilities of its classes. Artefacts are unusual, too: this makes no diagnosis.

    Gaps, late samples, restarts of the amplifier and channels that die are told and survived.
    """
    _check_source(lsl, file, brainflow, board_parameter, speed)
    if reference is not None and reference_seconds is not None:
        raise ValueError(
            f"--reference {reference} and --reference-seconds {reference_seconds:g} both say what is usual: give one."
        )
    if to_lsl is not None and not to_lsl.strip():
        raise ValueError("--to-lsl is the name of a stream to send, and it is empty: give one, as --to-lsl SCORE.")
    if to_lsl is not None and to_lsl == lsl:
        raise ValueError(f"--to-lsl {to_lsl} is the name of the stream that is heard: choose another one.")
    _check_outputs(csv, annotations, file, reference)
    named = named_channels(channels)
    usual = None if reference is None else load_recording(reference, channels=named, unit=unit, preload=False)
    if classifier is not None:
        find_checkpoint(classifier)
    if lsl is not None or to_lsl is not None:
        require_extra("live")
    if brainflow is not None:
        require_extra("brainflow")
    with ExitStack() as stack:
        source: Source = _source(lsl, file, brainflow, board_parameter or [], speed, named, unit)
        stack.callback(source.close)
        needed = reference_seconds or REFERENCE_SECONDS
        if isinstance(source, FileSource) and usual is None and source.seconds <= needed:
            raise ValueError(
                f"{file} is {source.seconds:.4g} s long, and its first {needed:g} s show what is usual: give "
                "--reference-seconds or --reference."
            )
        if usual is not None:
            check_same_channels(eeg_info(usual.info, "reference")[1]["ch_names"], source.info["ch_names"])
        model, extractor = load(checkpoint, device)
        pair = None if classifier is None else _load_classifier(classifier, device)
        if usual is not None:
            with stderr.status("Learning what is usual"):
                fitted = fit_reference(usual, model, extractor)
        listener = Listener(
            model,
            extractor,
            source.info,
            None if usual is None else fitted,
            needed,
            pair,
            every,
            lookahead,
            threshold,
        )
        takers: list[Callable[[Finding], None]] = []
        if csv is not None:
            takers.append(stack.enter_context(csv_file(csv, listener.ch_names, listener.classes)))
        if to_lsl is not None:
            from get_hf.live.lsl import FindingsOutlet

            outlet = FindingsOutlet(to_lsl, listener.classes, listener.patch_seconds, now=lsl is None)
            takers.append(outlet.take)
            stack.callback(outlet.close)
        began = datetime.now(UTC)
        is_interrupted = _run(source, listener, takers, seconds, forecast)
        if isinstance(source, FileSource):
            began = source.raw.info["meas_date"]
        if annotations is not None:
            save_scores(listener.scores(), annotations, began)
    for path in (csv, annotations):
        if path is not None:
            stdout.print(path, style="bold")
    _summarise(listener)
    if is_interrupted:
        stop("and all that was heard is written" if csv or annotations else f"after {listener.seconds:.4g} s")


def _check_source(
    lsl: str | None, file: Path | None, brainflow: str | None, parameters: list[str] | None, speed: float | None
) -> None:
    """Checks that there is one source, and no option of another one."""
    given = [
        name for name, value in (("--lsl", lsl), ("--file", file), ("--brainflow", brainflow)) if value is not None
    ]
    if len(given) != 1:
        both = " and ".join(given) or "none"
        raise ValueError(f"Give one of --lsl NAME, --file RECORDING and --brainflow ID to listen to, not {both}.")
    if lsl is not None and not lsl.strip():
        raise ValueError("--lsl is the name of the stream to listen to, and it is empty: give one, such as --lsl GET.")
    if speed is not None and file is None:
        raise ValueError(f"--speed {speed:g} is for --file, and {given[0]} has the speed of the clock: leave it out.")
    if parameters and brainflow is None:
        raise ValueError(f"--board-parameter {parameters[0]} is for --brainflow, not for {given[0]}: leave it out.")


def _check_outputs(csv: Path | None, annotations: Path | None, file: Path | None, reference: Path | None) -> None:
    """Checks that what is to be written can be written, and replaces no recording."""
    for option, path, suffixes in (("--csv", csv, (".csv",)), ("--annotations", annotations, EVENT_SUFFIXES)):
        if path is None:
            continue
        check_file(path, suffixes)
        for recording in (file, reference):
            if recording is not None and recording.exists() and path.exists() and recording.samefile(path):
                raise ValueError(f"{option} {path} would replace the recording itself: choose another name.")
    if csv is not None and annotations is not None and csv.absolute() == annotations.absolute():
        raise ValueError(f"--csv and --annotations are both {csv}: choose two names.")


def _source(
    lsl: str | None,
    file: Path | None,
    brainflow: str | None,
    parameters: list[str],
    speed: float | None,
    channels: list[str] | None,
    unit: str | None,
) -> Source:
    """Opens what is heard."""
    if file is not None:
        return FileSource(file, 1.0 if speed is None else speed, channels, unit)
    if lsl is not None:
        from get_hf.live.lsl import LSLSource

        with stderr.status(f"Looking for the stream {lsl}"):
            return LSLSource(lsl, channels, unit)
    from get_hf.live.boards import BoardSource

    assert brainflow is not None
    return BoardSource(brainflow, parameters, channels)


def _load_classifier(
    classifier: str, device: str | None
) -> "tuple[GETForSequenceClassification, GETFeatureExtractor]":
    with stderr.status("Loading the classifier"):
        model, extractor = load_classifier(classifier)
        return model.to(device or "cpu"), extractor


def _run(
    source: Source,
    listener: Listener,
    takers: list[Callable[[Finding], None]],
    seconds: float | None,
    forecast: float | None,
) -> bool:
    """Listens until the source ends, or for some seconds; returns whether Ctrl-C has ended it."""
    view, lines = View(listener, source.name), _Lines(listener)
    takers = [*takers, view.take if stdout.is_terminal else lines.take]
    with ExitStack() as stack:
        is_stopped, forecasts = stack.enter_context(_ctrl_c()), None
        if forecast is not None and stdout.is_terminal:
            forecasts = Forecasts(listener, forecast, partial(setattr, view, "forecast"))
            stack.callback(forecasts.close)
        if stdout.is_terminal:
            live: Any = stack.enter_context(Live(view, console=stdout, refresh_per_second=4))
        for heard in hear(source, listener, is_stopped.is_set, seconds):
            view.behind = source.behind
            for finding in heard.findings:
                for take in takers:
                    take(finding)
            if forecasts is not None:
                forecasts.begin()
        if stdout.is_terminal:
            live.refresh()
    if source.behind > LATE:
        stderr.print(
            f"note: at the end, samples were read {source.behind:.0f} s late, because this computer is too slow: "
            "listen to fewer channels.",
            markup=False,
        )
    return is_stopped.is_set()


class _Lines:
    """Prints a line for each second, where there is no terminal."""

    def __init__(self, listener: Listener):
        self._listener, self._n_patches = listener, 0
        self._probabilities: np.ndarray | None = None

    def take(self, finding: Finding) -> None:
        """Takes the next finding."""
        if finding.probabilities is not None:
            self._probabilities = finding.probabilities
        if finding.note:
            stderr.print(f"note: at {finding.seconds:.2f} s: {finding.note}", markup=False)
        self._n_patches += 1
        if self._n_patches % round(1 / self._listener.patch_seconds) == 0:
            stdout.print(plain(finding, self._listener, self._probabilities), markup=False)


@contextmanager
def _ctrl_c() -> Iterator[threading.Event]:
    """Context in which Ctrl-C sets an event, so that nothing is cut off; a second one ends the command at once."""
    is_stopped = threading.Event()
    before = signal.getsignal(signal.SIGINT)

    def take(*_: Any) -> None:
        is_stopped.set()
        signal.signal(signal.SIGINT, before)

    is_main = threading.current_thread() is threading.main_thread()
    if is_main:
        signal.signal(signal.SIGINT, take)
    try:
        yield is_stopped
    finally:
        if is_main:
            signal.signal(signal.SIGINT, before)


def _summarise(listener: Listener) -> None:
    """Prints how much was heard, and how much of it is unusual."""
    if listener.reference is None:
        heard, needed = listener.usual_seconds
        stdout.print(f"{listener.seconds:.4g} s heard; what is usual was not known yet ({heard:.4g} of {needed:g} s)")
        return
    scores = listener.scores()
    unusual = sum(duration for _, duration, _ in scores.events)
    stdout.print(f"{listener.seconds:.4g} s heard; {len(scores.events)} unusual moments, {unusual:.4g} s")
