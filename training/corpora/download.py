# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Finds the files of a PhysioNet project in a folder, or downloads each file when it is needed.

A PhysioNet project is a tree of files with one list of their SHA-256 sums. A downloaded file is read only after its
sum was checked, and no file is downloaded twice. An incomplete download never has the final file name: pooch writes to
a temporary file, compares the sum, and then renames the file. So after an interruption, the download continues with
the first missing file.
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
_TIMEOUT = 30.0  # seconds without any received byte


@dataclass(frozen=True)
class LocalFiles:
    """A complete copy of a project that a user put in a folder."""

    folder: Path
    url: str

    def names(self, pattern: str) -> list[str]:
        """Returns the sorted names of the files that match a pattern such as `chb*/*.edf`."""
        return sorted(path.relative_to(self.folder).as_posix() for path in self.folder.glob(pattern))

    def path(self, name: str) -> Path:
        """Returns the path of a file.

        Raises:
            FileNotFoundError: The file is missing.
        """
        if not (self.folder / name).is_file():
            raise FileNotFoundError(f"{self.folder / name} is missing: fetch it from {self.url}/{quote(name)}.")
        return self.folder / name

    def known(self, *names: str) -> tuple[Path, ...]:
        """Returns the existing files among `names` for `Recording.files`, because a user may change these files."""
        return tuple(self.folder / name for name in names if (self.folder / name).is_file())


@dataclass(frozen=True)
class PhysioNetFiles:
    """A copy of a project in MNE's folder for data sets; files are added to it when they are needed."""

    corpus: str
    folder: Path
    url: str

    def names(self, pattern: str) -> list[str]:
        """Returns the sorted names of all files of the project, downloaded or not, that match a pattern.

        Raises:
            CorpusUnavailableError: The list of files is neither local nor downloadable.
        """
        return sorted(name for name in self._sums() if PurePosixPath(name).match(pattern))

    def path(self, name: str) -> Path:
        """Returns the path of a file, after downloading it if necessary and checking its sum.

        Raises:
            CorpusUnavailableError: The complete file could not be downloaded.
        """
        sums = self._sums()
        if name not in sums:
            raise CorpusUnavailableError(f"{self.corpus} has no file {name}: {self.folder / SUMS} does not list it.")
        return self._fetch(name, sums[name])

    def known(self, *names: str) -> tuple[Path, ...]:
        """Returns no files: a file with a wrong sum is never read, so the content of the files cannot change."""
        return ()

    def _sums(self) -> dict[str, str]:
        path = self.folder / SUMS
        if not path.is_file():
            self._fetch(SUMS, None)
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
        lines = [line.strip() for line in lines if line.strip()]
        entries = [entry for entry in map(_SUM.fullmatch, lines) if entry]
        if not entries or len(entries) < len(lines):
            path.unlink()  # for example, the server sent a login page instead of the list
            raise CorpusUnavailableError(
                f"{self.url}/{SUMS} is not a list of SHA-256 sums, and was removed again: {self._way_out()}."
            )
        return {entry[2]: entry[1] for entry in entries}

    def _fetch(self, name: str, sha256: str | None) -> Path:
        # pooch sets the total later, but does not accept a progress bar without a total
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
        recordings: Pattern of the file names of its recordings. A folder with such files is a copy of the project.
    """

    corpus: str
    path: str
    recordings: str

    def files(self, data_dir: Path | None) -> LocalFiles | PhysioNetFiles:
        """Returns the files of a local copy, or the files to download.

        Args:
            data_dir: Folder with the project, or its parent folder. None: files are downloaded from PhysioNet to
                `MNE-<corpus>-data` in MNE's folder for data sets (MNE's option MNE_DATA, else `~/mne_data`).

        Raises:
            CorpusUnavailableError: There is no copy in `data_dir`.
        """
        url = f"{PHYSIONET}/{self.path}"
        own = f"MNE-{self.corpus}-data"
        if data_dir is None:
            root = Path(mne.get_config("MNE_DATA") or Path.home() / "mne_data").expanduser()
            return PhysioNetFiles(self.corpus, root / own, url)
        short = self.path.partition("/")[0]
        # `wget -r` of the project's page creates the last two
        for name in ("", self.corpus, own, short, self.path, f"files/{self.path}", f"physionet.org/files/{self.path}"):
            if any((data_dir / name).glob(self.recordings)):
                return LocalFiles(data_dir / name, url)
        raise CorpusUnavailableError(
            f"{self.corpus} is not in {data_dir}: put the files of {url}/ in {data_dir / self.corpus} "
            f"(as {self.recordings}), or leave the folder out to have them downloaded."
        )

    def find(self, data_dir: Path | None) -> tuple[LocalFiles | PhysioNetFiles, list[str]]:
        """Returns the files of the project and the names of its recordings.

        The first recording is downloaded if it is missing, so that errors occur early.

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
    """Hides pooch's message that users should write the sum of each file into their program."""
    logger = pooch.get_logger()
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)
