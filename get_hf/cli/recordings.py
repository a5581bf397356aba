# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What commands that take recordings share: checks of their options, and the loop over files."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import typer

from get_hf.cli.console import in_one_sentence, interruption, show_traceback, tell
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


def voltage(unit: str | None) -> str | None:
    """Checks that an option is a unit of voltage, in any spelling."""
    if unit is not None and volts_per_unit(unit) is None:
        raise typer.BadParameter(f"{unit!r} is no unit of voltage: give V, mV, uV or nV.")
    return unit


def named_channels(channels: str | None) -> list[str] | None:
    """The channels that an option names, with commas between them."""
    return None if channels is None else [name.strip() for name in channels.split(",")]


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
