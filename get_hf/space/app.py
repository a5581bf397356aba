# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Starts the web page. A Space runs this file, and on your own machine `get-hf demo` calls `launch`.

On a Space, other weights can be set by the environment variables GET_CHECKPOINT and GET_CLASSIFIER, as `owner/name` or
as a folder.
"""

import os
import signal
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from starlette.middleware import Middleware

from get_hf import CHECKPOINT
from get_hf.space import looks
from get_hf.space.disk import MAX_MEGABYTES, Disk
from get_hf.space.gate import Gate
from get_hf.space.layout import build
from get_hf.space.page import USERS_AT_ONCE, USERS_WAITING, Page

if TYPE_CHECKING:
    import gradio as gr


def serve(page: Page, **options) -> "gr.Blocks":
    """Serves a page; in the background, continues the built-in example that new visitors see.

    Args:
        page: The page to serve.
        options: Options of `gradio.Blocks.launch`.

    Returns:
        The running Gradio app.
    """
    os.environ["GRADIO_TEMP_DIR"] = str(page.disk.files)  # gradio reads this while the page is built
    threading.Thread(target=page.continue_example, daemon=True).start()
    blocks = build(page)
    blocks.launch(
        theme=looks.THEME,
        css=looks.CSS,
        max_file_size=f"{MAX_MEGABYTES}mb",
        app_kwargs={"middleware": [Middleware(Gate, disk=page.disk)]},
        num_workers=0,  # uploads to gradio's workers would not pass the gate
        max_threads=4 * (USERS_AT_ONCE + USERS_WAITING),
        ssr_mode=False,
        run_history=False,
        footer_links=[],
        **options,
    )
    return blocks


def launch(
    checkpoint: str | Path = CHECKPOINT, classifier: str | Path | None = None, is_own: bool = False, **options
) -> None:
    """Serves the page until it is interrupted, and then deletes all uploads and results.

    Args:
        checkpoint: See `Page`.
        classifier: See `Page`.
        is_own: See `Page`.
        options: Options of `gradio.Blocks.launch`.

    Raises:
        ValueError: See `Page`.
    """
    # all runs together use no more threads than there are cores: threads that wait for a core would slow them down
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // USERS_AT_ONCE))
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the page also deletes its files when it is terminated
    with Disk() as disk:
        # processes that the page starts use this folder, too
        tempfile.tempdir = os.environ["TMPDIR"] = str(disk.temporary)
        serve(Page(checkpoint, classifier, disk, is_own), **options)


if __name__ == "__main__":
    launch(os.environ.get("GET_CHECKPOINT", CHECKPOINT), os.environ.get("GET_CLASSIFIER"))
