# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Protects the folder of a long task: only one process works in it, checkpoints are complete, and settings agree."""

import ctypes
import json
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from get_hf.processing.state_get import digest

#: Lock file in the folder of a task. A folder is locked while the operating system locks this file, which ends with
#: the process; the existence of the file has no meaning.
LOCK = ".get-hf-lock"
#: File that is written last in a checkpoint of the Trainer: a dictionary from file names to SHA-256 sums.
CHECKSUMS = "checksums.json"
#: Recipe keys that begin with one of these texts do not affect training.
WITHOUT_EFFECT = (
    *("logging_", "save_", "eval_", "dataloader_", "hub_", "push_to_hub", "disable_tqdm", "report_to", "num_proc"),
    *("use_cpu", "model.attn_implementation"),
)
#: Recipe keys that must stay the same to continue from a checkpoint.
FIXED = ("model", "muon", "optim")


@contextmanager
def locked(folder: Path, work: str) -> Iterator[None]:
    """Locks a folder inside the context, so that no other process works in it; creates the folder if necessary.

    Args:
        folder: The folder.
        work: Description of the work, for the error message.

    Raises:
        NotADirectoryError: `folder` is a file.
        OSError: Another process works in the folder, or it cannot be written to.
    """
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"Cannot write to {folder}: it is a file, choose another folder.")
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise OSError(f"Another process is {work} already: wait for its end, or choose another folder.") from None
    try:
        yield
    finally:
        with suppress(OSError):  # Windows cannot remove an open file, and there the file may stay
            (folder / LOCK).unlink()
        lock.release()
        with suppress(OSError):  # the folder is removed only if it is empty, so if the work had no result
            if is_new:
                folder.rmdir()


def put_in_place(new: Path, place: Path, aside: Path) -> None:
    """Renames a folder and replaces an existing folder of the new name.

    This is one step if the system can exchange two names. On other systems, the old folder is first renamed to
    `aside`, and a crash can occur between the two steps.

    Args:
        new: The folder to rename.
        place: New name of the folder, on the same disk.
        aside: New name of an old folder at `place`. It is not used if the two names were exchanged.
    """
    if not place.exists():
        new.rename(place)
    elif not _exchanged(new, place):
        place.rename(aside)
        try:
            new.rename(place)
        except OSError:
            aside.rename(place)
            raise


def _exchanged(one: Path, other: Path) -> bool:
    """Exchanges the names of two folders; returns False if this system or this disk cannot do it."""
    if sys.platform not in ("linux", "darwin"):
        return False
    libc, names = ctypes.CDLL(None), (os.fsencode(one), os.fsencode(other))
    try:
        if sys.platform == "darwin":
            return libc.renamex_np(*names, 2) == 0  # RENAME_SWAP
        here = -100  # AT_FDCWD, which has no effect on absolute paths
        return libc.renameat2(here, names[0], here, names[1], 2) == 0  # RENAME_EXCHANGE
    except AttributeError:  # this C library does not have the function
        return False


def write_checksums(checkpoint: Path) -> None:
    """Writes the checksums of all files of a complete checkpoint."""
    found = {str(path.relative_to(checkpoint).as_posix()): digest(path) for path in _files(checkpoint)}
    (checkpoint / CHECKSUMS).write_text(json.dumps(found, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def damage(checkpoint: Path) -> str | None:
    """Returns why training cannot continue from a checkpoint of the Trainer, or None if the checkpoint is complete.

    Checkpoints of older versions have no list of their files. They count as complete if their last file exists.
    """
    try:
        json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))["global_step"]
    except (OSError, ValueError, KeyError, TypeError):
        return "it was not written to its end"
    if not (checkpoint / CHECKSUMS).is_file():
        return None
    try:
        written = dict(json.loads((checkpoint / CHECKSUMS).read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        return f"{CHECKSUMS} cannot be read"
    for name, checksum in written.items():
        path = checkpoint / name
        if not path.is_file():
            return f"{name} is missing"
        if digest(path) != checksum:
            return f"{name} is not as it was written"
    return None


def checkpoints(folder: Path) -> list[Path]:
    """Returns the checkpoints of the Trainer in the folder of a run, from the newest to the oldest."""
    found = [path for path in folder.glob("checkpoint-*") if path.name.removeprefix("checkpoint-").isdecimal()]
    return sorted(found, key=lambda path: int(path.name.removeprefix("checkpoint-")), reverse=True)


def last_whole(folder: Path) -> Path | None:
    """Returns the newest complete checkpoint, or None if there is none; warns of newer checkpoints with damage."""
    for checkpoint in checkpoints(folder):
        why = damage(checkpoint)
        if why is None:
            return checkpoint
        warnings.warn(f"{checkpoint} is skipped: {why}.", stacklevel=2)
    return None


def check_settings(checkpoint: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Warns if the present recipe differs from the recipe of a checkpoint.

    Raises:
        ValueError: The recipes differ in a setting that must not change, because the checkpoint depends on it.
    """
    before, now = _flat(before), _flat(json.loads(json.dumps(now, default=str)))
    changed = [key for key in sorted(before.keys() | now.keys()) if before.get(key) != now.get(key)]
    changed = [key for key in changed if not key.startswith(WITHOUT_EFFECT)]
    if not changed:
        return
    differences = "; ".join(
        f"{key} was {before.get(key, 'not given')} and is {now.get(key, 'not given')}" for key in changed
    )
    if any(key.partition(".")[0] in FIXED for key in changed):
        raise ValueError(
            f"{checkpoint} was trained with another recipe ({differences}): continue with that recipe, or choose "
            "another output_dir."
        )
    warnings.warn(
        f"{checkpoint} was trained with another recipe ({differences}), and training continues with this one.",
        stacklevel=3,
    )


def _flat(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a recipe in which each key inside `model` is a separate key such as `model.hidden_size`."""
    model = recipe.get("model") or {}
    rest = {key: value for key, value in recipe.items() if key != "model"}
    return rest | {f"model.{key}": value for key, value in model.items()}


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path != folder / CHECKSUMS:
            yield path
