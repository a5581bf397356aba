# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Defines what all commands share: output streams, tables, progress bars, and messages about errors and Ctrl-C."""

import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, requires, version
from typing import NoReturn

from packaging.requirements import Requirement
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from get_hf.starting import INTERRUPTED

#: Results go to stdout; progress, notes and errors go to stderr.
stdout = Console(highlight=False, soft_wrap=True)
stderr = Console(stderr=True, highlight=False, soft_wrap=True)
#: Environment variable that shows tracebacks.
DEBUG = "GET_HF_DEBUG"
_OUT_OF_MEMORY = re.compile(r"out of memory|can't allocate memory|not enough memory", re.IGNORECASE)


def tell(message: str) -> None:
    """Prints an error message in one line on stderr."""
    stderr.print("get-hf:", " ".join(message.split()), markup=False)


def fail(message: str) -> NoReturn:
    """Prints an error message in one line, and ends the command with exit code 2."""
    tell(message)
    sys.exit(2)


def in_one_sentence(error: Exception) -> str:
    """Returns the message of an error in one sentence.

    If the error is unexpected, the sentence says so, and names the environment variable that shows the traceback.
    """
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}."
    if isinstance(error, (ValueError, OSError, ImportError, ArithmeticError)) and str(error).strip():
        return str(error)
    if isinstance(error, MemoryError) or _OUT_OF_MEMORY.search(str(error)):
        return "There is not enough memory for this: ask for fewer seconds, channels or prompts."
    first = str(error).strip().partition("\n")[0][:300].rstrip(".")
    return f"{type(error).__name__}{first and ': '}{first}, which should not happen: {DEBUG}=1 shows where it did."


def show_traceback() -> None:
    """Prints the traceback of the present error, if the environment variable `DEBUG` is set."""
    if os.environ.get(DEBUG, "0") not in ("", "0"):
        traceback.print_exc()


def show_note(message: Warning | str, *_) -> None:
    """Prints a warning in one line; the arguments are those of `warnings.showwarning`."""
    stderr.print("note:", " ".join(str(message).split()), markup=False)


@contextmanager
def interruption(outcome: str | Callable[[], str]) -> Iterator[None]:
    """Context that, after Ctrl-C, prints which results are kept and how to continue, and ends the command.

    Args:
        outcome: End of the sentence "interrupted, ...", or a function that returns it after Ctrl-C.

    Raises:
        SystemExit: The command was interrupted; the exit code is 130.
    """
    try:
        yield
    except SystemExit:  # the message has been printed already
        raise
    except BaseException as error:
        if not _is_interruption(error):
            raise
        stop(outcome if isinstance(outcome, str) else outcome())


def stop(outcome: str) -> NoReturn:
    """Prints the outcome of an interrupted command, and ends the command."""
    stderr.print(f"get-hf: interrupted, {outcome}.", markup=False)
    raise SystemExit(INTERRUPTED) from None


def _is_interruption(error: BaseException | None) -> bool:
    """Whether Ctrl-C was the first cause of an error; after Ctrl-C, parallel processes raise other errors."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def require_extra(extra: str) -> None:
    """Checks, before any work, that all packages of an optional extra of this package are installed.

    Raises:
        ValueError: A package of the extra is not installed.
    """
    for requirement in map(Requirement, requires("get-hf")):
        if requirement.marker and requirement.marker.evaluate({"extra": extra}):
            try:
                version(requirement.name)
            except PackageNotFoundError:
                raise ValueError(f'{requirement.name} is not installed: pip install "get-hf[{extra}]"') from None


def columns(*names: str, right: Iterable[str] = ()) -> Table:
    """Returns an empty table with the given columns, to be printed by `print_folded`."""
    headings = (Column(name, justify="right" if name in right else "left") for name in names)
    return Table(*headings, box=None, pad_edge=False, padding=(0, 2, 0, 0))


def figures(first: str, names: Iterable[str], title: str | None = None) -> Table:
    """Returns an empty table of numbers; its first column, `first`, names what a row describes."""
    others = (Column(name, justify="right") for name in names)
    return Table(first, *others, box=None, pad_edge=False, padding=(0, 1, 0, 0), title=title)


def print_folded(table: Table) -> None:
    """Prints a table in the width of the terminal; long cells continue on the next line."""
    stdout.print(table, soft_wrap=False, markup=False)


@contextmanager
def bar(verb: str, things: str) -> Iterator[Callable[[int, int], None]]:
    """Context that shows a progress bar on stderr; yields a function of (done, total) that moves the bar."""
    parts = TextColumn(verb), BarColumn(), MofNCompleteColumn(), TextColumn(things), TimeRemainingColumn()
    with Progress(*parts, console=stderr, transient=True, disable=not stderr.is_terminal) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
