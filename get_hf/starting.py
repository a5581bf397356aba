# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Handles Ctrl-C in the first seconds of the command, during the import of torch and transformers.

`get_hf/__init__.py` imports this module first, as it takes no time. Until `main` handles interruptions itself, an
interruption prints one sentence. Any other program that imports the package keeps its own handling.
"""

import os
import signal
import sys
import threading
from pathlib import PurePath

#: Exit status of a command that Ctrl-C ended.
INTERRUPTED = 130


def _is_command() -> bool:
    """Whether this process is `get-hf` or `python -m get_hf` itself, and not a child of it."""
    # multiprocessing gives a child the argv of its parent, but `sys.orig_argv` shows how the child was called
    called = sys.orig_argv[1:]
    if sys.argv[:1] == ["-m"]:  # as long as the package of the module is imported
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
