# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Whether a result can be written where it is wanted: told before the work, not at its end."""

import json
from collections.abc import Sequence
from pathlib import Path

from get_hf.processing.files import folder_beside

#: Suffixes of recordings that can be written.
SUFFIXES = (".edf", ".fif", ".npz")
#: Suffixes of the files beside which a JSON file tells what was generated; `.npz` holds it.
WITH_JSON = (".edf", ".fif")
#: Who made a JSON file, as it says itself.
MAKER = "GET-HF"
#: Characters of a channel's name that EDF's header has room for.
EDF_NAME = 16


def check_output(path: str | Path, suffixes: Sequence[str] = SUFFIXES, ch_names: Sequence[str] = ()) -> Path:
    """Tells before any work whether what is generated can be written to `path`.

    Args:
        path: The file that will be written.
        suffixes: The suffixes that can be written.
        ch_names: The channels that it will hold, as far as they are known.

    Returns:
        `path` as a `Path`.

    Raises:
        ValueError: When the suffix is none of `suffixes`, or the format cannot hold a name of `ch_names`.
        FileNotFoundError: When its folder does not exist.
        FileExistsError: When the JSON file that is written beside it would replace one that is not GET's.
        IsADirectoryError: When it is a folder.
        OSError: When its folder cannot be written to.
    """
    path = check_file(path, suffixes, ch_names)
    beside = path.with_suffix(".json")
    if path.suffix.lower() in WITH_JSON and beside.exists() and not _is_ours(beside):
        raise FileExistsError(
            f"Cannot write {path}: what is generated is told in {beside.name} beside it, which is there and not "
            "GET's; choose another name."
        )
    return path


def check_file(path: str | Path, suffixes: Sequence[str] = SUFFIXES, ch_names: Sequence[str] = ()) -> Path:
    """The same of a file that has no JSON file beside it."""
    path = Path(path)
    if path.suffix.lower() not in suffixes:
        raise ValueError(f"Cannot write {path}: its name must end in {', '.join(suffixes)}.")
    if path.is_dir():
        raise IsADirectoryError(f"Cannot write {path}: it is a folder.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"Cannot write {path}: the folder {path.parent} does not exist.")
    _check_writable(path)
    _check_names(path.suffix.lower(), ch_names)
    return path


def check_folder(path: str | Path) -> None:
    """Tells before any work whether results can be written into a folder, which need not be there.

    Raises:
        NotADirectoryError: When it, or what it would lie in, is a file.
        OSError: When it cannot be written to, or made.
    """
    there = Path(path).absolute()
    while not there.exists():
        there = there.parent
    if not there.is_dir():
        raise NotADirectoryError(f"Cannot write to {path}: {there} is a file.")
    _check_writable(there / "inside")


def _check_writable(path: Path) -> None:
    try:
        with folder_beside(path):  # as writing will begin
            pass
    except OSError as error:
        raise OSError(f"Cannot write {path}: {error.strerror} in the folder {path.parent}.") from error


def _check_names(suffix: str, ch_names: Sequence[str]) -> None:
    """Refuses names that a file would hold in part, as something else, or not at all."""
    kind = suffix[1:].upper()
    if suffix in WITH_JSON and (odd := [name for name in ch_names if not (name.isascii() and name.strip())]):
        raise ValueError(
            f"{kind} holds names in ASCII characters, not {', '.join(map(repr, odd))}: write .npz, or rename the "
            "channels."
        )
    if suffix == ".edf" and (long := [name for name in ch_names if len(name) > EDF_NAME]):
        raise ValueError(
            f"EDF holds names of up to {EDF_NAME} characters, not {', '.join(long)}: write .fif or .npz, or rename "
            "the channels."
        )
    if suffix == ".edf" and (odd := [n for n in ch_names if n.strip() == "EDF Annotations" or not n.isprintable()]):
        raise ValueError(f"EDF cannot hold a channel called {odd[0]!r}: write .fif or .npz, or rename it.")


def _is_ours(path: Path) -> bool:
    try:
        return json.loads(path.read_text(encoding="utf-8"))["generated_by"] == MAKER
    except (OSError, ValueError, TypeError, KeyError):
        return False
