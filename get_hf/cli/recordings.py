# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What commands that take recordings share: checks of their options, and the loop over files."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from get_hf.cli.console import in_one_sentence, interruption, show_traceback, tell
from get_hf.outputs import check_folder
from get_hf.processing.units_get import volts_per_unit


def up_to(most: float, why: str) -> Callable[[float | None], float | None]:
    """Checks that an option is a positive number, and no larger than makes sense."""

    def check(value: float | None) -> float | None:
        if value is not None and not 0 < value < math.inf:
            raise typer.BadParameter(f"{value:g} is not a positive number.")
        if value is not None and value > most:
            raise typer.BadParameter(f"{value:g} is more than {most:g}: {why}.")
        return value

    return check


#: Checks the seconds of something that otherwise has no end.
at_most_a_week = up_to(604_800, "that is a week, so leave it out")


def voltage(unit: str | None) -> str | None:
    """Checks that an option is a unit of voltage, in any spelling."""
    if unit is not None and volts_per_unit(unit) is None:
        raise typer.BadParameter(f"{unit!r} is no unit of voltage: give V, mV, uV or nV.")
    return unit


Unit = Annotated[
    str | None,
    typer.Option(
        help="Unit of the numbers in the recording (V, mV, uV or nV), where the file names none.",
        callback=voltage,
        show_default="the file's",
    ),
]
Electrodes = Annotated[
    str | None,
    typer.Option(
        help="Channels of the recording, or electrodes to generate from nothing, with commas between.",
        show_default="all EEG, or 20 of the 10-20 system",
    ),
]
PromptCondition = Annotated[str | None, typer.Option(help="Condition of RECORDING, where its annotations name none.")]
#: Suffixes of pictures.
PICTURES = (".png", ".pdf", ".svg")


def named_channels(channels: str | None) -> list[str] | None:
    """The channels that an option names, with commas between them."""
    return None if channels is None else [name.strip() for name in channels.split(",")]


def check_one_file(recordings: Sequence[Path], out: Path) -> None:
    """Checks that `--out` is for one recording at most, and is not this recording.

    Raises:
        ValueError: There are several recordings, or the file would replace the recording.
    """
    if len(recordings) > 1:
        raise ValueError(f"--out {out} is one file, and {len(recordings)} recordings were given: use --out-dir.")
    if recordings and recordings[0].exists() and out.exists() and recordings[0].samefile(out):
        raise ValueError(f"--out {out} would replace the recording itself: choose another name.")


def files_in(
    folder: Path,
    recordings: Sequence[Path],
    name_of: Callable[[str], str],
    beside: Callable[[Path], Sequence[Path]] = lambda path: (),
) -> list[tuple[Path, Path]]:
    """Returns each recording and its file in the folder `--out-dir`; no file may exist yet.

    Args:
        folder: The folder.
        recordings: The recordings.
        name_of: Name of the file, from the name of the recording without `.gz`.
        beside: Other files that are written with a file.

    Raises:
        ValueError: Two recordings would have the same file.
        OSError: A file exists already, or nothing can be written into the folder.
    """
    outputs: list[tuple[Path, Path]] = []
    by_stem: dict[str, tuple[Path, Path]] = {}
    for recording in recordings:
        path = folder / name_of(recording.name.removesuffix(".gz"))
        other, others = by_stem.setdefault(path.stem.lower(), (recording, path))  # files beside them share the stem
        if other is not recording:
            name = path.name if others.name == path.name else path.stem
            raise ValueError(f"{other} and {recording} would both be written as {name}: give them one at a time.")
        outputs.append((recording, path))
    there = [path for _, output in outputs for path in (output, *beside(output)) if path.exists()]
    if there:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise FileExistsError(
            f"{there[0]}{more} would be replaced: choose another --out-dir, or remove what is there."
        )
    check_folder(folder)
    return outputs


def each(outputs: Sequence[tuple[Path, Path | None]], make: Callable[[Path, Path | None], None], verb: str) -> None:
    """Makes one file after another, and tells which could not be made.

    Args:
        outputs: Each recording, and the file to write, if any.
        make: Makes a file.
        verb: What is done to recordings, such as "continued".

    Raises:
        typer.Exit: With the exit code 2, where one could not.
    """
    n_failed = 0
    with interruption(
        lambda: f"{sum(bool(path and path.exists()) for _, path in outputs)} of {len(outputs)} files were written"
    ):
        for recording, path in outputs:
            try:
                make(recording, path)
            except Exception as error:  # a damaged file fails in whichever library reads it
                show_traceback()
                sentence = in_one_sentence(error)
                tell(sentence if str(recording) in sentence else f"{recording}: {sentence}")
                n_failed += 1
    if n_failed:
        tell(f"{n_failed} of {len(outputs)} recordings could not be {verb}.")
        raise typer.Exit(2)
