# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What all commands share: their streams, tables and bars, and how errors, notes and interruptions are told."""

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
    """Tells an error in one line."""
    stderr.print("get-hf:", " ".join(message.split()), markup=False)


def fail(message: str) -> NoReturn:
    """Tells an error in one line, and ends the command with exit code 2."""
    tell(message)
    sys.exit(2)


def in_one_sentence(error: Exception) -> str:
    """What an error says; of one that nobody foresaw also that, and what would show where it came from."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}."
    if isinstance(error, (ValueError, OSError, ImportError, ArithmeticError)) and str(error).strip():
        return str(error)
    if isinstance(error, MemoryError) or _OUT_OF_MEMORY.search(str(error)):
        return "There is not enough memory for this: ask for fewer seconds, channels or prompts."
    first = str(error).strip().partition("\n")[0][:300].rstrip(".")
    return f"{type(error).__name__}{first and ': '}{first}, which should not happen: {DEBUG}=1 shows where it did."


def show_traceback() -> None:
    """Shows where the present error came from, if the environment asks for that."""
    if os.environ.get(DEBUG, "0") not in ("", "0"):
        traceback.print_exc()


def show_note(message: Warning | str, *_) -> None:
    """Tells a warning in one line; takes what `warnings.showwarning` takes."""
    stderr.print("note:", " ".join(str(message).split()), markup=False)


@contextmanager
def interruption(outcome: str | Callable[[], str]) -> Iterator[None]:
    """Tells, where Ctrl-C ends what runs inside, what is kept and how to go on.

    Args:
        outcome: Ends "interrupted, ..."; or gives what does, when it is known.

    Raises:
        SystemExit: With the exit code 130.
    """
    try:
        yield
    except SystemExit:  # told already
        raise
    except BaseException as error:
        if not _is_interruption(error):
            raise
        stop(outcome if isinstance(outcome, str) else outcome())


def stop(outcome: str) -> NoReturn:
    """Tells what came of a command that was interrupted, and ends it."""
    stderr.print(f"get-hf: interrupted, {outcome}.", markup=False)
    raise SystemExit(INTERRUPTED) from None


def _is_interruption(error: BaseException | None) -> bool:
    """Whether Ctrl-C is what came first: processes that work together fail in other ways on the way out."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def require_extra(extra: str) -> None:
    """Names what is missing of an extra before work begins that would end without it.

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
    """An empty table, to print with `print_folded`."""
    headings = (Column(name, justify="right" if name in right else "left") for name in names)
    return Table(*headings, box=None, pad_edge=False, padding=(0, 2, 0, 0))


def figures(first: str, names: Iterable[str], title: str | None = None) -> Table:
    """An empty table of figures, whose first column says what of."""
    others = (Column(name, justify="right") for name in names)
    return Table(first, *others, box=None, pad_edge=False, padding=(0, 1, 0, 0), title=title)


def print_folded(table: Table) -> None:
    """Prints a table in the width there is, folding what does not fit."""
    stdout.print(table, soft_wrap=False, markup=False)


@contextmanager
def bar(verb: str, things: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr that goes away; moved by (done, total)."""
    parts = TextColumn(verb), BarColumn(), MofNCompleteColumn(), TextColumn(things), TimeRemainingColumn()
    with Progress(*parts, console=stderr, transient=True, disable=not stderr.is_terminal) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
