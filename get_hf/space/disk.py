# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Stores uploads and results on disk, within a quota, and deletes them after some time and after a crash."""

import hashlib
import os
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be deleted
    fcntl = None

#: Largest size of one upload, in megabytes.
MAX_MEGABYTES = 50
#: Largest total size of uploads and results in megabytes, for one user and for all users.
USER_MEGABYTES, ALL_MEGABYTES = 250, 2000
#: Seconds after which uploads and results are deleted, and seconds between two searches for such files.
KEPT_SECONDS = 30 * 60
SWEEP_SECONDS = 60
_PREFIX, _LOCK = "get-demo-", "lock"


class Disk:
    """Folder of this process for all uploads and results; a lock shows other processes that the folder is in use.

    All visitors with the same network address count as one user. If earlier processes ended without deleting their
    folders, these folders are deleted first.

    Args:
        parent: Folder in which the folder is created. None: the system's folder of temporary files.
    """

    def __init__(self, parent: str | Path | None = None):
        self.parent = Path(parent or tempfile.gettempdir())
        self._sweep_leftovers()
        self._folder, self._lock = _locked_folder(self.parent)
        #: Folder of uploads and results. The lock is not in this folder, because visitors can request any file in it.
        self.files = self._folder / "files"
        #: Folder of temporary files, for example of files that are unpacked while a recording is read.
        self.temporary = self._folder / "temporary"
        self.files.mkdir()
        self.temporary.mkdir()
        self._guard = threading.Lock()
        self._owners: dict[Path, str] = {}
        self._arriving: Counter[str] = Counter()
        self._closed = threading.Event()
        threading.Thread(target=self._keep_sweeping, daemon=True).start()

    def __enter__(self) -> "Disk":
        return self

    def __exit__(self, *_) -> None:
        self._closed.set()
        self._lock.close()  # first: Windows deletes no open file
        shutil.rmtree(self._folder, ignore_errors=True)

    # ------------------------------------------------------------------------------------------------------- the quota

    @contextmanager
    def room(self, user: str, n_bytes: int) -> Iterator[None]:
        """Context that reserves room on the disk for files of a user while they are written.

        Raises:
            ValueError: There is not enough room.
        """
        with self._guard:
            for limit, used, whose in (
                (USER_MEGABYTES, self._used_by(user) + self._arriving[user], "your files"),
                (ALL_MEGABYTES, self._used() + self._arriving.total(), "the files of all users"),
            ):
                if used + n_bytes > limit * 1e6:
                    raise ValueError(
                        f"With {n_bytes / 1e6:.1f} MB more, {whose} would exceed {limit} MB: remove a recording, or "
                        f"try again later, as all files are deleted after {KEPT_SECONDS // 60} minutes."
                    )
            self._arriving[user] += n_bytes
        try:
            yield
        finally:
            with self._guard:
                self._arriving[user] -= n_bytes
                self._arriving += Counter()  # drops the users at 0

    def own(self, user: str, *paths: str | Path) -> None:
        """Counts files to the quota of a user, as long as the files exist."""
        with self._guard:
            self._owners |= {Path(path): user for path in paths}

    def delete(self, path: str | Path) -> None:
        """Deletes an upload or a result early; any other file is not deleted."""
        with self._guard:
            if self._owners.pop(Path(path), None) is not None:
                Path(path).unlink(missing_ok=True)

    def _used_by(self, user: str) -> int:
        return sum(_size(path) for path, owner in self._owners.items() if owner == user)

    def _used(self) -> int:
        return sum(_size(path) for path in self.files.rglob("*"))

    # ----------------------------------------------------------------------------------------------------- the results

    def results(self, tab: str) -> Path:
        """Creates an empty folder for the results of a tab, and deletes the tab's earlier results."""
        self.forget(tab)
        (folder := self._results(tab)).mkdir()
        return folder

    def forget(self, tab: str) -> None:
        """Deletes the results of a tab."""
        shutil.rmtree(self._results(tab), ignore_errors=True)

    def _results(self, tab: str) -> Path:
        return self.files / f"made-{hashlib.sha256(tab.encode()).hexdigest()}"  # tab names may be unsafe as file names

    # ------------------------------------------------------------------------------------------------- the clearing up

    def sweep(self) -> None:
        """Deletes files that are older than their time limit, and folders of processes that have ended."""
        now = time.time()
        paths = [path for folder in (self.files, self.temporary) for path in folder.rglob("*")]
        for path in sorted(paths, reverse=True):  # the content of a folder before the folder
            # if an upload is interrupted, gradio leaves the received part on the disk
            broken_off = path.parent == self.files and path.name.startswith("tmp")
            try:
                if now - path.stat().st_ctime > (SWEEP_SECONDS if broken_off else KEPT_SECONDS):
                    path.rmdir() if path.is_dir() else path.unlink()
            except OSError:  # it is gone already, or is a folder that is not empty
                continue
        with self._guard:
            self._owners = {path: user for path, user in self._owners.items() if path.exists()}
        self._sweep_leftovers()

    def _keep_sweeping(self) -> None:
        while not self._closed.wait(SWEEP_SECONDS):
            self.sweep()

    def _sweep_leftovers(self) -> None:
        for folder in self.parent.glob(f"{_PREFIX}*"):
            try:
                if not folder.is_symlink() and (fcntl is None or folder.stat().st_uid == os.geteuid()):
                    _delete_unless_in_use(folder)
            except OSError:  # it is in use, or another process has just deleted it
                continue


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _locked_folder(parent: Path) -> tuple[Path, Any]:
    """Creates a folder and locks it; the system releases the lock when this process ends, even after a crash."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        try:
            lock = (folder / _LOCK).open("a")
            if fcntl:
                fcntl.flock(lock, fcntl.LOCK_EX)
            if (folder / _LOCK).exists():
                return folder, lock
            lock.close()
        except FileNotFoundError:
            pass
        # another process deleted it before it was locked


def _delete_unless_in_use(folder: Path) -> None:
    """Deletes a folder whose process has ended; it holds the lock meanwhile, so that no other process can use it."""
    try:
        lock = (folder / _LOCK).open("r+")
    except FileNotFoundError:  # another process is just making it, or deleting it
        if time.time() - folder.stat().st_ctime > SWEEP_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
        return
    with lock:
        if fcntl:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    if fcntl is None:
        (folder / _LOCK).unlink()
        shutil.rmtree(folder, ignore_errors=True)
