# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Reads recordings from files. The command line, the web page and the corpora all use this module for files.

A separate process (`parsing.py`) parses a file, and then waits for the next file. If a file crashes this process, or
needs too much time or memory, the user gets an error message of one sentence.
"""

import atexit
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

# Advice for files that are not recordings, by suffix.
_ARRAYS = "pass the array in Python, with sampling_rate=, ch_names= and unit="
_OTHERS = {
    ".mat": f"it tells neither rate, names nor unit of its arrays: load it with scipy.io.loadmat and {_ARRAYS}",
    ".npy": f"it tells neither rate, names nor unit of its array: load it with numpy.load and {_ARRAYS}",
    **dict.fromkeys(
        (".txt", ".csv", ".tsv", ".asc", ".xls", ".xlsx", ".json", ".parquet", ".feather"),
        f"text and tables tell neither rate, names nor unit of their numbers: load them and {_ARRAYS}",
    ),
    **dict.fromkeys(
        (".h5", ".hdf5", ".pkl", ".pickle", ".pt", ".pth"),
        f"what it holds only its author knows: load it and {_ARRAYS}",
    ),
    ".xdf": "MNE does not read it: load it with pyxdf and pass the array in Python",
    **dict.fromkeys(
        (".zip", ".gz", ".tar", ".tgz", ".7z", ".rar"), "it is packed: unpack it, and name what is inside"
    ),
}
# Suffix of the header file that describes a file, by the suffix of the described file.
_HEADERS = {".fdt": (".set",), ".eeg": (".vhdr",), ".vmrk": (".vhdr",), ".dat": (".vhdr",), ".avg": (".vhdr",)}
# Largest number of idle processes that are kept. More processes are only needed for simultaneous requests.
_MOST_IDLE = 2


def load_recording(
    path: str | Path,
    *,
    last_seconds: float | None = None,
    channels: Sequence[str] | None = None,
    unit: str | None = None,
    follow_links: bool = True,
    ignore: str | None = None,
    known: str | None = None,
    preload: bool = True,
) -> Any:
    """Reads the EEG channels of a recording into an `mne.io.Raw`.

    Channels that are not EEG are left out. They are recognised by type, unit, sampling rate and name. If most of the
    remaining channels have a known position on the head, channels without a position are left out too. If no channel
    changes at the end of the file, this end is left out. Interruptions get the annotation "BAD boundary". A warning
    reports each of these. An incomplete file is refused. If a recording consists of several files, all of them must be
    in the same folder.

    Args:
        path: A file of any format that MNE reads (EDF, BDF, GDF, FIF, BrainVision, EEGLAB, ...), or an `.npz` file of
            get-hf.
        last_seconds: Length in seconds of the end of the file that is read. None: all of it is read. Filters and
            amplitudes are estimated from everything that is read. So a minute or more is better than only the length
            of the model's context.
        channels: Names of the channels to read, which may be of any type. None: all EEG channels.
        unit: Unit of the samples in the file (V, mV, uV or nV), if the file contains no unit or a wrong one.
        follow_links: Whether symbolic links to other files are followed.
        ignore: Regular expression for names of further channels to leave out. It has to match at the beginning of a
            name.
        known: Regular expression for names of EEG channels from which no position can be found.
        preload: Whether all samples are read at once. If not, the `Raw` reads them when they are needed, such as by
            `get_data(start=..., stop=...)`, so that a recording of hours needs little memory; `last_seconds` must then
            be None.

    Returns:
        The recording, in volts.

    Raises:
        FileNotFoundError: There is no file or folder at `path`.
        ImportError: MNE is not installed.
        ValueError: The file cannot be read, is cut off, or contains no samples or no EEG channels.
    """
    try:
        import mne
    except ImportError as error:
        raise ImportError("Reading a file of EEG needs MNE: pip install mne, or give an array.") from error

    path = Path(path)
    if last_seconds is not None and not 0 < last_seconds < np.inf:
        raise ValueError(f"last_seconds must be positive, not {last_seconds}: leave it out to read everything.")
    if last_seconds is not None and not preload:
        raise ValueError(f"last_seconds={last_seconds} is for preload=True: crop the recording instead.")
    if isinstance(channels, str):
        raise ValueError(f"channels is the one string {channels!r}: give a list of names, such as [{channels!r}].")
    file = _file_to_open(path, follow_links)
    size = _size(file)
    request = {
        "path": os.path.abspath(file),
        "size": size,
        "changed": file.stat().st_mtime_ns,
        "seconds": 5 + size / 4e6,
        "last_seconds": last_seconds,
        "channels": None if channels is None else [str(name) for name in channels],
        "unit": unit,
        "ignore": ignore,
        "known": known,
        "follow_links": follow_links,
        "piece": None if preload else [0, 0],
    }
    about, data = _parsed(request, file)
    for note in about["notes"]:
        warnings.warn(f"{path.name}: {note}.", stacklevel=2)
    info = mne.Info.from_json_dict(about["info"])
    if preload:
        raw = mne.io.RawArray(data, info, first_samp=about["first_sample"], verbose="ERROR")
    else:
        from .pieces import RawInPieces

        raw = RawInPieces(info, about["first_sample"], about["n_times"], file, PieceReader(file, request))
    onsets, durations, descriptions, names = (
        zip(*about["annotations"], strict=True) if about["annotations"] else [()] * 4
    )
    raw.set_annotations(
        mne.Annotations(onsets, durations, descriptions, ch_names=names or None), emit_warning=False, verbose="ERROR"
    )
    return raw


class PieceReader:
    """Reads pieces of a file.

    Args:
        file: The file, as the caller named it.
        request: The request that opened it.
    """

    def __init__(self, file: Path, request: dict[str, Any]):
        self.file = file
        self.request = request

    def __call__(self, start: int, stop: int) -> np.ndarray:
        """Reads all channels from one sample to another, `(channels, times)` in volts.

        Raises:
            ValueError: The file cannot be read any more.
        """
        try:
            changed = self.file.stat().st_mtime_ns != self.request["changed"]
        except OSError:
            raise ValueError(f"{self.file} was taken away while it was read: put it back.") from None
        if changed:
            raise ValueError(f"{self.file} was changed while it was read: start again.")
        about, data = _parsed(self.request | {"piece": [start, stop]}, self.file)
        if data.shape[-1] != stop - start:
            raise ValueError(f"{self.file} has {about['n_times']} samples, and {start} to {stop} were asked for.")
        return data


def _file_to_open(path: Path, follow_links: bool) -> Path:
    """Returns the file to open if `path` is given; this is another file if `path` is only a part of a recording."""
    if not path.exists():
        raise FileNotFoundError(f"There is no recording at {path}.")
    if not follow_links and path.is_symlink():
        raise ValueError(f"{path} is a link to another file, which is not followed here: give the file itself.")
    if not (path.is_file() or path.is_dir()):
        raise ValueError(f"{path} is neither a file nor a folder: give a recording.")
    suffix = path.suffix.lower()
    for header in _HEADERS.get(suffix, ()):
        beside = [path.with_suffix(spelt) for spelt in (header, header.upper())]
        if found := next((each for each in beside if each.is_file()), None):
            return found
        if suffix in (".fdt", ".vmrk") or (suffix == ".eeg" and not path.with_suffix(".pnt").is_file()):
            raise ValueError(
                f"{path} holds samples or markers alone, and {beside[0].name}, which says what they are, is not "
                "beside it: put it there, or give it."
            )
    if suffix in _OTHERS and not path.name.lower().endswith(".fif.gz"):
        raise ValueError(f"{path} is not a recording of EEG: {_OTHERS[suffix]}.")
    return path


def _size(path: Path) -> int:
    """Returns the number of bytes of a recording: a folder with all its files, or all files with the same stem."""
    # the stem has no part number, because FIF numbers its parts; the brackets escape special characters of patterns
    stem = re.sub(r"([*?[])", r"[\1]", re.sub(r"-\d+$", "", path.stem))
    beside = path.rglob("*") if path.is_dir() else path.parent.glob(f"{stem}*")
    return path.stat().st_size + sum(each.stat().st_size for each in beside if each.is_file() and each != path)


def _parsed(request: dict[str, Any], file: Path) -> tuple[dict[str, Any], np.ndarray]:
    """The answer of the parsing process: the description of a recording, and its samples in volts.

    Raises:
        ValueError: The recording cannot be read; the message names `file`.
    """
    try:
        return _answered(request)
    except ValueError as error:
        raise ValueError(str(error).replace(request["path"], str(file))) from None


def _answered(request: dict[str, Any]) -> tuple[dict[str, Any], np.ndarray]:
    with tempfile.TemporaryDirectory(prefix="get-hf-") as scratch:
        request = request | {"scratch": os.path.realpath(scratch)}
        while True:
            worker = _take()
            try:
                answer = worker.ask(request)
            except _EndedIdle:
                worker.close()
                continue
            except _Refused:
                _give_back(worker)
                raise
            except BaseException:
                worker.close()
                raise
            _give_back(worker)
            return answer


class _EndedIdle(Exception):
    """The error that the process had ended before the request, because it got no request for a long time."""


class _Worker:
    """A separate process that parses files."""

    def __init__(self):
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        self.owner = os.getpid()
        self.process = subprocess.Popen(
            [sys.executable, "-I", str(Path(__file__).with_name("parsing.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | threads,
        )
        with self._patient(120):
            with contextlib.suppress(OSError):
                self._send([os.path.abspath(entry) for entry in sys.path if entry])
            if not self._line():
                self.close()
                raise ValueError("The process that reads files could not be started: check that `import mne` works.")

    def ask(self, request: dict[str, Any]) -> tuple[dict[str, Any], np.ndarray]:
        """Asks the process to parse a file; see `_parsed`."""
        # the process limits its computing time; waiting may take longer than this on a busy machine
        with self._patient(30 + 4 * request["seconds"]):
            with contextlib.suppress(OSError):
                self._send(request)
            about = self._answer(request)
            data = np.empty((len(about["info"]["chs"]), about["n_sent"]))
            at = 0
            while not (part := self._answer(request)).get("done"):
                block = np.empty((len(data), part["bytes"] // 8 // len(data)), dtype="<f8")
                self.process.stdout.readinto(memoryview(block).cast("B"))
                data[:, at : at + block.shape[-1]] = block
                at += block.shape[-1]
            return about, data

    def close(self) -> None:
        """Ends the process."""
        if self.owner == os.getpid():
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()

    def _patient(self, seconds: float) -> "_Patience":
        return _Patience(self.process, seconds)

    def _send(self, message: Any) -> None:
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def _line(self) -> bytes:
        return self.process.stdout.readline()

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        line = self._line()
        if not line.endswith(b"\n"):
            code = self.process.wait()
            if code == -getattr(signal, "SIGALRM", 0):
                raise _EndedIdle
            path = request["path"]
            # on Windows, a killed process ends with 1
            if code in {1, *(-getattr(signal, name, -1) for name in ("SIGXCPU", "SIGKILL"))}:
                raise ValueError(
                    f"{path} needs more time or memory to read than a file of its size can: it is damaged, or was "
                    "built to do this."
                )
            raise ValueError(
                f"{path} makes its reader crash: it is damaged, or was built to do this; fetch or copy it again."
            )
        answer = json.loads(line)
        if "error" in answer:
            raise _Refused(answer["error"])
        return answer


class _Refused(ValueError):
    """The error that the process refused a file; the process is still running."""


class _Patience:
    """A context manager that ends a process if it does not answer within some seconds."""

    def __init__(self, process: subprocess.Popen, seconds: float):
        self.timer = threading.Timer(seconds, process.kill)
        self.timer.daemon = True

    def __enter__(self):
        self.timer.start()

    def __exit__(self, *_):
        self.timer.cancel()


_idle: list[_Worker] = []
_lock = threading.Lock()


def _take() -> _Worker:
    """Returns an idle process or a new one. After a fork, the old idle processes belong to the parent process."""
    with _lock:
        while _idle:
            worker = _idle.pop()
            if worker.owner == os.getpid() and worker.process.poll() is None:
                return worker
            worker.close()
    return _Worker()


def _give_back(worker: _Worker) -> None:
    with _lock:
        if len(_idle) < _MOST_IDLE:
            _idle.append(worker)
            return
    worker.close()


@atexit.register
def _close_all() -> None:
    while _idle:
        _idle.pop().close()
