# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Defines `get-hf convert`."""

from pathlib import Path
from typing import Annotated

import typer

from get_hf.cli.console import stdout
from get_hf.conversion import convert as write


def convert(
    checkpoint: Annotated[Path, typer.Argument(help="Folder of a checkpoint of an older version.")],
    out: Annotated[Path, typer.Option(help="Folder to create.")],
) -> None:
    """Bring a CHECKPOINT of an older version to the format that this version reads."""
    stdout.print(write(checkpoint, out), style="bold")
