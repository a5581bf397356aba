# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Writes results to disk either completely or not at all."""

import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: Age in seconds at which a temporary folder counts as abandoned.
ABANDONED_SECONDS = 24 * 3600


@contextmanager
def folder_beside(path: Path) -> Iterator[Path]:
    """Creates a temporary folder beside `path`, on the same disk, yields it, and removes it at the end.

    The name is chosen before the folder is created. So the folder is removed even if an interrupt comes just after its
    creation. `tempfile.TemporaryDirectory` leaves the folder behind if an interrupt comes after the folder is created
    and before its name is returned.
    """
    folder = path.absolute().parent / f".get-hf-{uuid.uuid4().hex[:12]}"
    for left in folder.parent.glob(".get-hf-" + 12 * "[0-9a-f]"):  # left by a process that was killed
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
    """Yields a temporary path to write to, and moves the written files to the folder of `path` on success.

    The temporary path has the same file name as `path`, in another folder. The name must not change, because writers
    choose the format by the suffix, and because FIF splits data over 2 GB into several files that contain the names of
    one another.
    """
    with folder_beside(path) as folder:
        yield folder / path.name
        for part in folder.iterdir():
            part.replace(path.parent / part.name)
