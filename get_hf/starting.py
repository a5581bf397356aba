# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Handles Ctrl-C in the first seconds of the command, during the import of torch and transformers.

`get_hf/__init__.py` imports this module first, because it is imported very fast. Until `main` handles Ctrl-C itself,
Ctrl-C prints one sentence and ends the command. In any other program that imports the package, the handling of Ctrl-C
does not change.
"""

import os
import signal
import sys
import threading
from pathlib import PurePath

#: Exit code of a command that was ended by Ctrl-C.
INTERRUPTED = 130


def _is_command() -> bool:
    """Whether this process is `get-hf` or `python -m get_hf`, and not a child process of this command."""
    # with multiprocessing, a child has the argv of its parent, but `sys.orig_argv` shows how the child was called
    called = sys.orig_argv[1:]
    if sys.argv[:1] == ["-m"]:  # while Python imports the package of the module
        return "get_hf" in called
    return PurePath(sys.argv[0]).stem.lower() == "get-hf" and sys.argv[0] in called


def _leave(*_) -> None:
    # no `raise`: half-imported modules could catch the exception
    os.write(2, b"get-hf: interrupted while it was starting, nothing was begun: start it again.\n")
    os._exit(INTERRUPTED)


def started() -> None:
    """Restores Python's handling of Ctrl-C, which raises KeyboardInterrupt."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


if (
    _is_command()
    and threading.current_thread() is threading.main_thread()
    and signal.getsignal(signal.SIGINT) is signal.default_int_handler
):
    signal.signal(signal.SIGINT, _leave)
