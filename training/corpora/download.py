# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Files of a PhysioNet project: in a folder, or downloaded one by one when they are needed.

A project of PhysioNet is a tree of files with one list of their SHA-256 sums. No file is read before its sum is
checked, and no file is downloaded twice. A partial download never has the file's name: pooch writes to a temporary
file, compares the sum, and then renames. So an interrupted download continues with the first missing file.
"""

import errno
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote

import mne
import pooch
import requests
from tqdm import tqdm

from .corpus import CorpusUnavailableError

PHYSIONET = "https://physionet.org/files"
SUMS = "SHA256SUMS.txt"

_SUM = re.compile(r"([0-9a-f]{64}) [ *]?(\S.*)")
_TIMEOUT = 30.0  # seconds without a byte


@dataclass(frozen=True)
class LocalFiles:
    """A complete copy that a user put in a folder."""

    folder: Path
    url: str

    def names(self, pattern: str) -> list[str]:
        """Names of the files that match a pattern such as `chb*/*.edf`, in order."""
        return sorted(path.relative_to(self.folder).as_posix() for path in self.folder.glob(pattern))

    def path(self, name: str) -> Path:
        """Path of a file.

        Raises:
            FileNotFoundError: The file is missing.
        """
        if not (self.folder / name).is_file():
            raise FileNotFoundError(f"{self.folder / name} is missing: fetch it from {self.url}/{quote(name)}.")
        return self.folder / name

    def known(self, *names: str) -> tuple[Path, ...]:
        """Existing files with some of these names, which a user may change: for `Recording.files`."""
        return tuple(self.folder / name for name in names if (self.folder / name).is_file())


@dataclass(frozen=True)
class PhysioNetFiles:
    """A copy in MNE's folder for data sets, which grows with each file that is needed."""

    corpus: str
    folder: Path
    url: str

    def names(self, pattern: str) -> list[str]:
        """Names of the project's files that match a pattern such as `chb*/*.edf`, in order, downloaded or not.

        Raises:
            CorpusUnavailableError: The list of files is neither local nor downloadable.
        """
        return sorted(name for name in self._sums() if PurePosixPath(name).match(pattern))

    def path(self, name: str) -> Path:
        """Path of a file, which is downloaded if necessary; its sum is always checked.

        Raises:
            CorpusUnavailableError: The complete file could not be downloaded.
        """
        sums = self._sums()
        if name not in sums:
            raise CorpusUnavailableError(f"{self.corpus} has no file {name}: {self.folder / SUMS} does not list it.")
        return self._fetch(name, sums[name])

    def known(self, *names: str) -> tuple[Path, ...]:
        """Returns no files, because a file with another sum is never read, so no file can change."""
        return ()

    def _sums(self) -> dict[str, str]:
        path = self.folder / SUMS
        if not path.is_file():
            self._fetch(SUMS, None)
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
        lines = [line.strip() for line in lines if line.strip()]
        entries = [entry for entry in map(_SUM.fullmatch, lines) if entry]
        if not entries or len(entries) < len(lines):
            path.unlink()  # for example a login page, not the list
            raise CorpusUnavailableError(
                f"{self.url}/{SUMS} is not a list of SHA-256 sums, and was removed again: {self._way_out()}."
            )
        return {entry[2]: entry[1] for entry in entries}

    def _fetch(self, name: str, sha256: str | None) -> Path:
        # pooch sets the total later, but accepts no bar without a total
        bar = tqdm(desc=name, total=1, unit="B", unit_scale=True, leave=False, disable=None, file=sys.stderr)
        downloader = pooch.HTTPDownloader(progressbar=bar, timeout=_TIMEOUT)
        try:
            with bar, _quiet_pooch():
                fetched = pooch.retrieve(
                    f"{self.url}/{quote(name)}", sha256, fname=name, path=self.folder, downloader=downloader
                )
        except requests.RequestException as error:  # a subclass of OSError, so it comes first
            raise CorpusUnavailableError(
                f"{self.corpus}: {name} could not be downloaded ({type(error).__name__}): {self._way_out()}."
            ) from error
        except ValueError as error:
            raise CorpusUnavailableError(
                f"{self.corpus}: {name} from {self.url} does not have the SHA-256 sum in {SUMS}, and was removed "
                f"again: {self._way_out()}."
            ) from error
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            reason = "the disk is full" if full else error.strerror or type(error).__name__
            raise CorpusUnavailableError(
                f"{self.corpus}: {name} could not be written to {self.folder} ({reason}): make room or set MNE_DATA "
                "to another folder, and start again; complete files are kept."
            ) from error
        return Path(fetched)

    def _way_out(self) -> str:
        return f"try again, or put its files and {SUMS} in {self.folder}, or pass another folder that holds them"


@dataclass(frozen=True)
class Project:
    """A project of PhysioNet.

    Attributes:
        corpus: Name in the registry of corpora.
        path: Name and version on PhysioNet, such as "chbmit/1.0.0".
        recordings: Pattern of its recordings' names, which identifies a copy.
    """

    corpus: str
    path: str
    recordings: str

    def files(self, data_dir: Path | None) -> LocalFiles | PhysioNetFiles:
        """Finds a copy, or gives the files to be downloaded.

        Args:
            data_dir: Folder with the project, or its parent folder; None: `MNE-<corpus>-data` in MNE's folder
                for data sets (its option MNE_DATA, else `~/mne_data`), filled from PhysioNet.

        Raises:
            CorpusUnavailableError: There is no copy in `data_dir`.
        """
        url = f"{PHYSIONET}/{self.path}"
        own = f"MNE-{self.corpus}-data"
        if data_dir is None:
            root = Path(mne.get_config("MNE_DATA") or Path.home() / "mne_data").expanduser()
            return PhysioNetFiles(self.corpus, root / own, url)
        short = self.path.partition("/")[0]
        # `wget -r` of the project's page makes the last two
        for name in ("", self.corpus, own, short, self.path, f"files/{self.path}", f"physionet.org/files/{self.path}"):
            if any((data_dir / name).glob(self.recordings)):
                return LocalFiles(data_dir / name, url)
        raise CorpusUnavailableError(
            f"{self.corpus} is not in {data_dir}: put the files of {url}/ in {data_dir / self.corpus} "
            f"(as {self.recordings}), or leave the folder out to have them downloaded."
        )

    def find(self, data_dir: Path | None) -> tuple[LocalFiles | PhysioNetFiles, list[str]]:
        """Finds a copy and the names of its recordings; downloads the first if it is missing, to fail early.

        Raises:
            CorpusUnavailableError: There is no copy, and PhysioNet cannot be reached.
        """
        files = self.files(data_dir)
        names = files.names(self.recordings)
        if not names:
            raise CorpusUnavailableError(f"{self.corpus}: {files.folder / SUMS} lists no {self.recordings}.")
        files.path(names[0])
        return files, names


@contextmanager
def _quiet_pooch() -> Iterator[None]:
    """Hides pooch's advice to users to write the sum of each file into their program."""
    logger = pooch.get_logger()
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)
