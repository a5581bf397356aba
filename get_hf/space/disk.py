# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What the page keeps on disk: uploads and results, within a quota, deleted in time and after a crash."""

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
except ImportError:  # Windows, where a file that a process holds open cannot be deleted
    fcntl = None

#: Megabytes of one upload.
MAX_MEGABYTES = 50
#: Megabytes of uploads and results of one user, and of all.
USER_MEGABYTES, ALL_MEGABYTES = 250, 2000
#: Seconds after which what was uploaded or made is deleted.
KEPT_SECONDS = 30 * 60
SWEEP_SECONDS = 60
_PREFIX, _LOCK = "get-demo-", "lock"


class Disk:
    """One folder of this process that holds all uploads and results; locked, so that others see that it is in use.

    A user is whoever sends from one address.

    Args:
        parent: Where the folder is made; by default where temporary files go. Folders of processes that have ended
            without clearing up are deleted there first.
    """

    def __init__(self, parent: str | Path | None = None):
        self.parent = Path(parent or tempfile.gettempdir())
        self._sweep_leftovers()
        self._folder, self._lock = _locked_folder(self.parent)
        #: Where all files go. The lock lies outside: what is inside may be named by those who visit the page.
        self.files = self._folder / "files"
        #: What is on its way, such as what a reader of recordings unpacks.
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
        """Keeps room for files of a user while they are written.

        Raises:
            ValueError: There is no room.
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
                self._arriving += Counter()  # without those that are at 0

    def own(self, user: str, *paths: str | Path) -> None:
        """Counts files as those of a user for as long as they are there."""
        with self._guard:
            self._owners |= {Path(path): user for path in paths}

    def delete(self, path: str | Path) -> None:
        """Deletes an upload before its time; what was never uploaded or made is left alone."""
        with self._guard:
            if self._owners.pop(Path(path), None) is not None:
                Path(path).unlink(missing_ok=True)

    def _used_by(self, user: str) -> int:
        return sum(_size(path) for path, owner in self._owners.items() if owner == user)

    def _used(self) -> int:
        return sum(_size(path) for path in self.files.rglob("*"))

    # ----------------------------------------------------------------------------------------------------- the results

    def results(self, tab: str) -> Path:
        """An empty folder for what a tab makes; what the tab made before is deleted."""
        self.forget(tab)
        (folder := self._results(tab)).mkdir()
        return folder

    def forget(self, tab: str) -> None:
        """Deletes what a tab made."""
        shutil.rmtree(self._results(tab), ignore_errors=True)

    def _results(self, tab: str) -> Path:
        return self.files / f"made-{hashlib.sha256(tab.encode()).hexdigest()}"  # the tab is what a browser says it is

    # ------------------------------------------------------------------------------------------------- the clearing up

    def sweep(self) -> None:
        """Deletes what is older than its time, and what processes left that have ended."""
        now = time.time()
        paths = [path for folder in (self.files, self.temporary) for path in folder.rglob("*")]
        for path in sorted(paths, reverse=True):  # what is in a folder before the folder
            # gradio leaves what it has received of an upload that was broken off
            broken_off = path.parent == self.files and path.name.startswith("tmp")
            try:
                if now - path.stat().st_ctime > (SWEEP_SECONDS if broken_off else KEPT_SECONDS):
                    path.rmdir() if path.is_dir() else path.unlink()
            except OSError:  # gone meanwhile; or a folder that is not empty
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
            except OSError:  # it is in use; or another process has deleted it meanwhile
                continue


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _locked_folder(parent: Path) -> tuple[Path, Any]:
    """A folder of this process, and its lock, which the system gives up when the process ends in whatever way."""
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
        # another process took it for one that was left behind, before it was locked


def _delete_unless_in_use(folder: Path) -> None:
    """Deletes a folder whose process has ended; holds its lock meanwhile, so that nobody takes it for his own."""
    try:
        lock = (folder / _LOCK).open("r+")
    except FileNotFoundError:  # on the way to be made, or to be deleted
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
