# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Files that are there whole or not at all, whatever interrupts the writing."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Gives a file beside `path` to write to, which takes its place when all went well and is gone when not."""
    beside = path.with_name(f".{path.name}.part")
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
