# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The family `files:<glob>`: local files that match a glob pattern, in any format that MNE reads."""

import glob
from functools import partial
from pathlib import Path

from .corpus import Corpus, CorpusUnavailableError, Recording
from .reading import open_recording


def files_corpus(pattern: str) -> Corpus:
    """Returns the local files that match a glob pattern as a corpus.

    The subject is the name of a file's folder, and the session is the name of the file.
    """
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
