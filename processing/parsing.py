# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Parses files in a separate process. `loading.py` runs this file as a script, and never imports it.

A malicious or damaged file can crash its reader, or make it run for ever or use all memory. Such a file must stop only
this process. The process imports neither torch nor transformers, so it starts within a second. Requests are lines of
JSON. Answers are lines of JSON with blocks of samples between them.
"""

import importlib
import json
import os
import re
import signal
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

#: Time in seconds after which the process ends if it gets no request.
IDLE_SECONDS = 120
#: Smallest length in seconds of a constant end of a file that counts as padding, not as signal.
SHORTEST_PADDING = 0.05
#: Number of values that are sent at once.
BLOCK = 1 << 21

# Largest number of times that one file may be opened before the first sample is read. If it is opened more often, its
# parts refer to one another without end.
_MOST_OPENED = 64
_OF_THE_SYSTEM = ("/dev/null", "/proc/self/statm", "/proc/self/status", "/proc/meminfo", "/proc/cpuinfo")
_CODE = (".py", ".pyc", ".so", ".pyd", ".dll", ".dylib")


class Doors:
    """An audit hook that allows readers to open only the recording, files in the same folder, and files of Python.

    A recording can contain the paths of other files. A person who uploads a recording must not be able to read files
    in other folders of the machine.
    """

    def __init__(self):
        self.recording: Path | None = None
        self.scratch = ""
        self.follow_links = True
        self.refused = ""
        self.counts, self.opened = True, {}
        places = [sys.prefix, sys.base_prefix, *(p for p in sys.path if p.endswith("-packages"))]
        places.append(os.path.dirname(os.path.abspath(__file__)))
        self.libraries = tuple({os.path.join(place, "") for p in places for place in (p, os.path.realpath(p))})
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple) -> None:
        """Checks a file before it is opened."""
        if event != "open" or self.recording is None or isinstance(arguments[0], int) or arguments[0] is None:
            return
        path = os.path.abspath(os.fsdecode(arguments[0]))
        recording = str(self.recording)
        beside = os.path.dirname(path) == os.path.dirname(recording) or path.startswith(os.path.join(recording, ""))
        if beside:
            if not self.follow_links and os.path.islink(path):
                self._refuse(f"{os.path.basename(path)} is a link to another file, which is not followed here")
            if self.counts:
                self.opened[path] = self.opened.get(path, 0) + 1
            if self.opened.get(path, 0) > _MOST_OPENED:
                self._refuse(f"{os.path.basename(path)} names itself as the part that comes after it")
        elif not (
            path.startswith((self.scratch, *self.libraries))
            or path.endswith(_CODE)
            or path in _OF_THE_SYSTEM
            or f"{os.sep}.mne{os.sep}" in path
        ):
            self._refuse(f"it names a file elsewhere, {path}, and only files beside it are read: put that there")

    def _refuse(self, reason: str) -> None:
        self.refused = reason
        raise PermissionError(reason)


def limit(size: int, seconds: float) -> None:
    """Limits the memory and computing time for a file of `size` bytes, if the system allows this."""
    try:
        import resource
    except ImportError:  # Windows has no such limits; there, only the waiting time of the other process is limited
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hardest = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime + seconds) + 1, hardest))
    if sys.platform == "linux":  # on other systems, the size of the address space says little about memory
        own = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        _, hardest = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (own + (1 << 30) + 24 * size, hardest))


@dataclass
class Opened:
    """A recording that is open: which of its samples are EEG, and how they are read.

    Attributes:
        read: Function from two sample numbers to `(channels, times)` in volts.
        info: `mne.Info` of the channels.
        rate: Hz.
        n_times: Samples of the file.
        stop: Sample at which the signal ends and padding begins.
        first_sample: MNE's number of the first sample.
        annotations: (onset, duration, description, channel names), seconds from the first sample.
        notes: Notes for the caller.
    """

    read: Callable[[int, int], Any]
    info: Any
    rate: float
    n_times: int
    stop: int
    first_sample: int
    annotations: list[tuple[float, float, str, list[str]]]
    notes: list[str]


def open_recording(request: dict[str, Any], doors: Doors) -> Opened:
    """Opens a recording, and chooses its EEG channels.

    Raises:
        Exception: An exception of any type; see `formats.open_source`.
    """
    import numpy as np

    formats, scalp, units = (sys.modules[f"{PACKAGE}.{name}"] for name in ("formats", "scalp", "units_get"))
    path = Path(request["path"])
    source = formats.open_source(path, Path(request["scratch"]))
    doors.counts = False  # from here on, a file may be opened many times to read its samples
    doors.opened.clear()
    channels, notes = source.channels, source.notes
    if request["unit"]:  # the user's unit replaces units that cannot be read
        channels = [replace(each, unit=request["unit"]) if each.is_in_other_unit else each for each in channels]
    if request["channels"]:
        picks = scalp.choose(channels, request["channels"])
    else:
        patterns = (request["ignore"], request["known"])
        picks = scalp.find_eeg(channels, *(p and re.compile(p, re.IGNORECASE) for p in patterns))
        if not picks:
            raise ValueError(_no_eeg(path, channels))
        notes += _left_out([each for number, each in enumerate(channels) if number not in picks], channels[picks[0]])
    rate, n_times = channels[picks[0]].rate, int(source.n_times[picks[0]])
    if n_times == 0:
        raise ValueError(f"{path} holds no samples.")
    if not 0 < rate < np.inf:
        raise ValueError(f"it says that its sampling rate is {rate:g} Hz")
    if 8 * n_times * len(picks) > (256 << 20) + 64 * request["size"]:
        raise ValueError(
            f"it has {request['size']:,} bytes and says that it holds {n_times:,} samples of {len(picks)} channels"
        )
    scales = np.array([[_volts(channels[pick], request["unit"], units.volts_per_unit)] for pick in picks])
    if not request["unit"] and (unnamed := [channels[pick].name for pick in picks if channels[pick].unit == ""]):
        some = ", ".join(unnamed[:5]) + (f" and {len(unnamed) - 5} more" if len(unnamed) > 5 else "")
        notes.append(f"names no unit of {some}: read as microvolts; unit= (--unit) says otherwise")

    def read(start: int, stop: int) -> np.ndarray:
        return scales * source.read(picks, start, stop)

    stop = end_of_signal(read, n_times, rate)
    if stop < n_times:
        notes.append(f"left out the last {(n_times - stop) / rate:.2f} s, in which no channel moves")
    info = source.info(picks)
    own = {channels[pick].name: name for pick, name in zip(picks, info["ch_names"], strict=True)}
    annotations = [(*event, [own[name] for name in names if name in own]) for *event, names in source.annotations]
    return Opened(read, info, rate, n_times, stop, int(source.first_sample), annotations, notes)


def parse(request: dict[str, Any], doors: Doors, kept: dict[str, Opened]) -> Iterator[dict[str, Any] | bytes]:
    """Reads a recording, or a piece of it.

    Args:
        request: What to read. With `piece`, a pair of sample numbers, only these samples are sent, with the
            description of the whole recording.
        doors: The audit hook.
        kept: The recording of which a piece was read last, by its description. It stays open for the next piece.

    Yields:
        Its description, with `n_times`, `info` and others; then blocks of samples, `(channels, BLOCK // channels)`
        float64 volts each, the last one shorter.

    Raises:
        Exception: One of many kinds; see `formats.open_source`.
    """
    import numpy as np

    piece = request["piece"]
    key = json.dumps([request[name] for name in ("path", "changed", "size", "channels", "unit", "ignore", "known")])
    opened = kept.get(key)
    kept.clear()
    if opened is None:
        opened = open_recording(request, doors)
    first, stop, wanted = 0, opened.stop, request["last_seconds"]
    if wanted is not None:
        first = max(0, stop - max(1, round(wanted * opened.rate)))
    notes = list(opened.notes)
    if first:
        notes.append(f"of {stop / opened.rate:.0f} s the last {(stop - first) / opened.rate:.0f} s are read")
    length, events = (stop - first) / opened.rate, []
    for onset, duration, description, names in opened.annotations:
        begin, end = onset - first / opened.rate, onset + duration - first / opened.rate
        if begin < length and end >= 0 and (begin >= 0 or end > 0):
            events.append((max(0.0, begin), end - max(0.0, begin), description, names))
    start, end = (first, stop) if piece is None else (min(max(0, sample), stop) for sample in piece)
    yield {
        "info": opened.info.to_json_dict(),
        "first_sample": opened.first_sample + first,
        "n_times": stop - first,
        "n_sent": max(0, end - start),
        "annotations": events,
        "notes": notes,
    }
    n_chans = len(opened.info["ch_names"])
    step = max(1, BLOCK // n_chans)
    for begin in range(start, end, step):
        block = np.ascontiguousarray(opened.read(begin, min(begin + step, end)), dtype="<f8")
        if block.shape != (n_chans, min(begin + step, end) - begin):
            raise ValueError(
                f"it ends after {begin / opened.rate:g} s of the {opened.n_times / opened.rate:g} s that it promises"
            )
        yield block.tobytes()
    if piece is not None:
        kept[key] = opened


def _no_eeg(path: Path, channels: list[Any]) -> str:
    """Returns the reason why no channel counts as EEG."""
    unread = [each for each in channels if each.has_place and each.is_in_other_unit]
    if unread:
        return (
            f"{path} says that {unread[0].name} and others are in {unread[0].unit!r}, which is not a voltage that can "
            "be read: say what they are in, by unit= (--unit)."
        )
    return f"{path} has no EEG channels, only {', '.join(each.name for each in channels) or 'none at all'}."


def _left_out(others: list[Any], kept: Any) -> list[str]:
    """Returns messages about the channels that are not read; `kept` is one of the channels that are read."""
    slower = [each for each in others if each.rate != kept.rate and each.has_place and not each.is_in_other_unit]
    other = [each for each in others if each not in slower]
    notes = []
    if other:
        units = [f" ({each.unit})" if each.is_in_other_unit else "" for each in other]
        named = [each.name + unit for each, unit in zip(other, units, strict=True)]
        notes.append(f"left out what is not scalp EEG: {', '.join(named)}")
    if slower:
        named = [f"{each.name} ({each.rate:g} Hz)" for each in slower]
        notes.append(
            f"left out EEG at another rate than the {kept.rate:g} Hz of most channels: {', '.join(named)}; "
            "channels= (--channels) reads these instead"
        )
    return notes


def _volts(channel: Any, unit: str | None, volts_per_unit: Any) -> float:
    stored = unit or channel.unit
    if stored is None:
        return 1.0
    volts = volts_per_unit(stored or "uV")
    if volts is None:
        raise ValueError(f"its channel {channel.name} is in {stored}, which is not a voltage")
    return volts


def end_of_signal(read: Any, n_times: int, rate: float) -> int:
    """Finds the sample at which the signal ends and padding begins.

    Padding consists of repeated values, zeros, or both in turn. It is in the last record of EDF files, which must be
    full, and recorders may repeat the last value. A model cannot continue such samples.

    Args:
        read: Function that returns the samples `(channels, times)` from a first to a last sample (exclusive).
        n_times: Number of samples of the recording.
        rate: Sampling rate in Hz.
    """
    import numpy as np

    shortest = max(1, round(SHORTEST_PADDING * rate))
    seconds = 4.0
    while True:
        begin = max(0, n_times - int(seconds * rate) - 2)
        tail = read(begin, n_times)
        moves = (np.diff(tail, axis=-1) != 0).any(axis=0)
        end, skipped = tail.shape[-1], 0
        while end > 1 and skipped <= 2:
            moving = np.flatnonzero(moves[: end - 1 - skipped])
            held = int(moving[-1]) + 1 if len(moving) else 0  # the first of the equal samples at the end
            if end - skipped - 1 - held < shortest:
                skipped += 1
                continue
            # even a single sample is padding if it is zero in all channels
            end, skipped = held if not np.ptp(tail[:, held]) and not tail[0, held] else held + 1, 0
        if end > 1 and begin + end > 1:
            return begin + end
        if begin == 0:
            return n_times  # no channel changes at all
        seconds *= 4


def _sentence(error: BaseException, path: str, doors: Doors) -> str:
    """Returns one sentence about the error, which contains the name of the file."""
    reason = doors.refused or str(error).strip().partition("\n")[0].strip()
    if isinstance(error, MemoryError):
        reason = "it asks for more memory than a file of its size can need"
    elif isinstance(error, RecursionError):
        reason = "its parts lie within one another without an end"
    elif not doors.refused and not isinstance(error, (ValueError, OSError, RuntimeError, NotImplementedError)):
        reason = f"its content is damaged ({type(error).__name__}{': ' if reason else ''}{reason})"
    if reason.startswith(path):
        return reason
    return f"{path} is not a recording that can be read: {(reason or type(error).__name__)[:300].rstrip('. ')}."


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answers requests one after the other, until there are no more requests."""

    def send(answer: dict[str, Any] | bytes) -> None:
        answers.write(answer if isinstance(answer, bytes) else json.dumps(answer).encode() + b"\n")

    sys.path[:] = json.loads(requests.readline())
    import mne  # slow, so it is imported before the first request

    for name in ("scipy.io", f"{PACKAGE}.formats", f"{PACKAGE}.scalp"):
        importlib.import_module(name)
    warnings.simplefilter("ignore")
    mne.set_log_level("ERROR")
    doors, kept = Doors(), {}
    send({"ready": True})
    answers.flush()
    has_alarm = hasattr(signal, "alarm")
    while True:
        if has_alarm:
            signal.alarm(IDLE_SECONDS)
        line = requests.readline()
        if has_alarm:
            signal.alarm(0)
        if not line:
            return
        request = json.loads(line)
        doors.recording, doors.scratch = Path(request["path"]), os.path.join(request["scratch"], "")
        doors.follow_links, doors.refused = request["follow_links"], ""
        doors.counts = True
        doors.opened.clear()
        limit(request["size"], request["seconds"])
        try:
            for part in parse(request, doors, kept):
                if isinstance(part, bytes):
                    send({"bytes": len(part)})
                send(part)
            send({"done": True})
        except Exception as error:  # each reader raises its own errors on an unreadable file
            send({"error": _sentence(error, request["path"], doors)})
        doors.recording = None
        answers.flush()


#: Name of the package that this process makes of the folder of this file. The modules of the folder can then import
#: one another without get_hf, whose `__init__` imports torch.
PACKAGE = "get_hf_parsing"

if __name__ == "__main__":
    package = types.ModuleType(PACKAGE)
    package.__path__ = [str(Path(__file__).parent)]
    sys.modules[PACKAGE] = package
    # printed text must not get into the answers
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, channel)
