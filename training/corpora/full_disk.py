# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Reports a full disk in one sentence, whichever library or process raises the error."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def full_disk_in_one_sentence(folder: str | Path) -> Iterator[None]:
    """Converts the error for a full disk, from any library and any process, into an error of one sentence.

    Raises:
        OSError: The disk that holds `folder` is full.
    """
    try:
        yield
    except Exception as error:
        if not is_full_disk(error):
            raise
        raise OSError(f"the disk is full: nothing was kept in {folder}; make room and start again.") from error


def is_full_disk(error: BaseException | None) -> bool:
    """Whether an error or one of its causes is a full disk.

    The text is checked too, because an error from another process keeps only its text.
    """
    while error is not None:
        if getattr(error, "errno", None) == errno.ENOSPC or os.strerror(errno.ENOSPC) in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
