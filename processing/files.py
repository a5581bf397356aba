# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Results on disk: there whole, or not at all."""

import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: Age in seconds of a temporary folder that no process works in any more.
ABANDONED_SECONDS = 24 * 3600


@contextmanager
def folder_beside(path: Path) -> Iterator[Path]:
    """Gives a folder of its own beside `path`, on the same disk, and removes it in the end.

    Its name is known before it is there: an interrupt between making a folder and hearing its name, as
    `tempfile.TemporaryDirectory` may have one, would leave it behind.
    """
    folder = path.absolute().parent / f".get-hf-{uuid.uuid4().hex[:12]}"
    for left in folder.parent.glob(".get-hf-" + 12 * "[0-9a-f]"):  # by a process that was killed
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(left)
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Gives a path beside `path` to write to, and moves what was written into place when all went well.

    The name stays the same and only the folder differs, because writers choose the format by the suffix and
    FIF splits what exceeds 2 GB into files that name one another.
    """
    with folder_beside(path) as folder:
        yield folder / path.name
        for part in folder.iterdir():
            part.replace(path.parent / part.name)
