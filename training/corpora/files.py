# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Local files in any format that MNE reads, by a glob pattern."""

import glob
from functools import partial
from pathlib import Path

from .corpus import Corpus, CorpusUnavailableError, Recording
from .reading import open_recording


def files_corpus(pattern: str) -> Corpus:
    """Local files that match a glob pattern; a file's folder is the subject, its name is the session."""
    return Corpus(
        name=f"files:{pattern}",
        description=f"Local files {pattern}.",
        licence="unknown",
        citation="",
        homepage="",
        may_redistribute=False,
        obtain="The files are yours.",
        find=partial(_find_files, pattern),
    )


def _find_files(pattern: str, data_dir: Path | None) -> list[Recording]:
    root = "" if data_dir is None else str(data_dir)
    paths = sorted(Path(root, path) for path in glob.glob(str(Path(root, pattern).expanduser()), recursive=True))
    if not paths:
        raise CorpusUnavailableError(f"no file matches {Path(root, pattern)}.")
    return [Recording(p.parent.name, p.name, partial(open_recording, p), None, None, (p,)) for p in paths]
