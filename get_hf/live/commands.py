# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Reads commands: lines that say which condition comes next."""

import os
import select
import threading
from collections.abc import Callable
from typing import Any

#: Seconds after which it is checked whether to stop.
WAIT = 0.2
#: Lines that end the stream.
QUIT = ("quit", "exit", "q")


def parse_plan(text: str) -> list[tuple[str, float]]:
    """Reads conditions and their seconds from a text such as `eyes_open:10,left_fist:4`.

    Raises:
        ValueError: An entry is not a condition and a number.
    """
    entries = []
    for entry in text.split(","):
        name, _, seconds = entry.partition(":")
        try:
            entries.append((name.strip(), float(seconds)))
        except ValueError:
            raise ValueError(
                f"The plan has {entry!r}, which is not CONDITION:SECONDS: write it as eyes_open:10,left_fist:4."
            ) from None
    return entries


class Commands:
    """Carries out commands: a condition such as `eyes_closed`, a plan such as `eyes_open:10,left_fist:4`, or `quit`.

    Args:
        change: Function that changes the condition.
        quit_: Function that ends the stream.
        tell: Function that gets a sentence about a command that is refused.
    """

    def __init__(self, change: Callable[[Any], None], quit_: Callable[[], None], tell: Callable[[str], Any]):
        self._change, self._quit, self._tell = change, quit_, tell

    def take(self, line: str) -> None:
        """Carries out one command. An empty line does nothing."""
        text = line.strip()
        if not text:
            return
        if text.lower() in QUIT:
            return self._quit()
        try:
            self._change(parse_plan(text) if ":" in text else text)
        except ValueError as error:
            self._tell(str(error))


def read_lines(file: int, take: Callable[[str], Any], stopped: threading.Event) -> None:
    """Passes the lines of a file descriptor to a function until the file ends or `stopped` is set.

    It never waits inside a read: a thread that waits for the standard input would keep Python from ending.
    """
    rest = b""
    while not stopped.is_set():
        if not select.select([file], [], [], WAIT)[0]:
            continue
        read = os.read(file, 4096)
        *lines, rest = (rest + read).split(b"\n")
        for line in lines + ([] if read else [rest]):
            take(line.decode(errors="replace"))
        if not read:
            return
