# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Ctrl-C in the first seconds of the command, while torch and transformers are still imported.

The first import of `get_hf/__init__.py`, and one that costs nothing: until `main` is ready to answer itself, an
interruption is one sentence here. Any other program that imports the package keeps its own handling.
"""

import os
import signal
import sys
import threading
from pathlib import PurePath

#: What a command ends with that Ctrl-C ended.
INTERRUPTED = 130


def _is_command() -> bool:
    """Whether this process is `get-hf` or `python -m get_hf`, and no child of it."""
    # multiprocessing gives a child the argv of its parent, but cannot hide how the child was called
    called = sys.orig_argv[1:]
    if sys.argv[:1] == ["-m"]:  # as long as the package of the module is imported
        return "get_hf" in called
    return PurePath(sys.argv[0]).stem.lower() == "get-hf" and sys.argv[0] in called


def _leave(*_) -> None:
    # no `raise`: half-imported modules, which catch what they please, would be on its way
    os.write(2, b"get-hf: interrupted while it was starting, nothing was begun: start it again.\n")
    os._exit(INTERRUPTED)


def started() -> None:
    """Hands Ctrl-C back to Python, which raises KeyboardInterrupt where the program is."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


if (
    _is_command()
    and threading.current_thread() is threading.main_thread()
    and signal.getsignal(signal.SIGINT) is signal.default_int_handler
):
    signal.signal(signal.SIGINT, _leave)
