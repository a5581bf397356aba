# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Checks that a result can be written to its path; the check is done before the work, not at its end."""

import json
from collections.abc import Sequence
from pathlib import Path

from get_hf.processing.files import folder_beside

#: Suffixes of the formats in which recordings can be written.
SUFFIXES = (".edf", ".fif", ".npz")
#: Suffixes of files that get a second file, in JSON, which describes the generation. `.npz` includes the description.
WITH_JSON = (".edf", ".fif")
#: Name of this program in the JSON file.
MAKER = "GET-HF"
#: Annotation of imputed channels.
IMPUTED = "GET imputed"
#: Largest number of characters of a channel's name in EDF's header.
EDF_NAME = 16


def check_output(path: str | Path, suffixes: Sequence[str] = SUFFIXES, ch_names: Sequence[str] = ()) -> Path:
    """Checks before any work that a generated recording can be written to `path`.

    Args:
        path: Path of the file to write.
        suffixes: Suffixes that are allowed.
        ch_names: Names of the channels in the file, as far as they are known.

    Returns:
        `path` as a `Path`.

    Raises:
        ValueError: The suffix is none of `suffixes`, or the format cannot store a name of `ch_names`.
        FileNotFoundError: The folder of the file does not exist.
        FileExistsError: The JSON file that belongs to the recording would replace a file that GET-HF did not write.
        IsADirectoryError: `path` is a folder.
        OSError: The folder cannot be written to.
    """
    path = check_file(path, suffixes, ch_names)
    beside = path.with_suffix(".json")
    if path.suffix.lower() in WITH_JSON and beside.exists() and not _is_ours(beside):
        raise FileExistsError(
            f"Cannot write {path}: {beside.name} beside it would have to say what is generated, but get-hf did not "
            "write that file; choose another name."
        )
    return path


def check_file(path: str | Path, suffixes: Sequence[str] = SUFFIXES, ch_names: Sequence[str] = ()) -> Path:
    """Does the same check as `check_output`, for a file to which no JSON file belongs."""
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
    """Checks before any work that results can be written into a folder, which may not exist yet.

    Raises:
        NotADirectoryError: The folder, or a folder above it, is a file.
        OSError: The folder cannot be created, or files cannot be written into it.
    """
    there = Path(path).absolute()
    while not there.exists():
        there = there.parent
    if not there.is_dir():
        raise NotADirectoryError(f"Cannot write to {path}: {there} is a file.")
    _check_writable(there / "inside")


def _check_writable(path: Path) -> None:
    try:
        with folder_beside(path):  # the first step of writing
            pass
    except OSError as error:
        raise OSError(f"Cannot write {path}: {error.strerror} in the folder {path.parent}.") from error


def _check_names(suffix: str, ch_names: Sequence[str]) -> None:
    """Refuses channel names that a file format would cut, change, or not store at all."""
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
