# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Defines `get-hf demo` and `get-hf push-space`, which run the web page on this machine or as a Space on the Hub."""

from typing import Annotated

import typer
from transformers.utils import logging as transformers_logging

from get_hf.cli.checkpoint import Checkpoint
from get_hf.cli.console import require_extra, stderr, stdout
from get_hf.hub.spaces import PACKAGE, upload
from get_hf.pretrained import CHECKPOINT


def demo(
    port: Annotated[int | None, typer.Option(help="Port.", min=1, max=65535, show_default="7860, or the next")] = None,
    checkpoint: Checkpoint = str(CHECKPOINT),
    classifier: Annotated[
        str | None,
        typer.Option(help="Fine-tuned classifier to ask about recordings: folder, or owner/name[@revision]."),
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
) -> None:
    """Serve the page of the Space on this machine, for this machine."""
    require_extra("space")
    transformers_logging.disable_progress_bar()
    with stderr.status("Loading the page"):
        from get_hf.space import app
    app.launch(checkpoint, classifier, is_own=True, server_name="127.0.0.1", server_port=port, inbrowser=browser)


def push_space(
    repo: Annotated[str, typer.Argument(help="OWNER/NAME on the Hub; created if it does not exist.")],
    private: Annotated[bool, typer.Option("--private", help="Only you may see it.")] = False,
    package: Annotated[
        str,
        typer.Option(
            help='How the Space installs this package, such as "get-hf[space] @ git+https://host/repository".'
        ),
    ] = PACKAGE,
) -> None:
    """Publish the page as a Space, in one commit."""
    with stderr.status(f"Uploading to {repo}"):
        address = upload(repo, private, package)
    stdout.print(address, style="bold")
