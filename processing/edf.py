# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Reads EDF and BDF files: samples, annotations and interruptions. Incomplete files are refused.

MNE has three problems with these formats. If a file was cut off, MNE reads the remaining part without an error. It
joins the parts before and after a pause. It loses the annotations after a pause. An incomplete recording must not look
like a complete one, so this module reads these two formats.

The formats are defined in: Kemp et al. (1992), Electroencephalogr. Clin. Neurophysiol. 82, 391-393; Kemp and Olivan
(2003), Clin. Neurophysiol. 114, 1755-1761 (EDF+: annotations, and gaps in `EDF+D`); and
https://www.biosemi.com/faq/file_format.htm (BioSemi's 24 bits, and the bit of its status channel that changes from 0
to 1 where the recording continues after a pause).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

#: Suffixes of EDF and BDF files.
SUFFIXES = (".edf", ".bdf")
#: Labels of the channels that contain text.
ANNOTATIONS = ("EDF Annotations", "BDF Annotations")

# Bit of BioSemi's status channel that is set where a recording begins or continues.
_NEW_EPOCH = 1 << 16
# Number of bytes that are read in one block.
_BLOCK = 1 << 24


@dataclass(frozen=True)
class Header:
    """Header of an EDF or BDF file.

    Attributes:
        n_bytes: Number of bytes of the header.
        n_records: Number of data records, or -1 if the recorder did not know it.
        record_seconds: Duration of a data record in seconds.
        labels: Names of the channels, as written in the file.
        units: Units of the channels (physical dimensions), as written in the file.
        prefilters: Filters of the recorder for each channel, as written in the file.
        n_samples: Number of samples of each channel in a data record.
        limits: Physical minimum, physical maximum, digital minimum and digital maximum of each channel,
            `(4, channels)`.
        width: Number of bytes of a sample.
        started: Date and time at which the recording starts; None if the date cannot be read.
        patient: Description of the recorded person, as written in the file.
    """

    n_bytes: int
    n_records: int
    record_seconds: float
    labels: tuple[str, ...]
    units: tuple[str, ...]
    prefilters: tuple[str, ...]
    n_samples: tuple[int, ...]
    limits: np.ndarray = field(repr=False)
    width: int
    started: datetime | None
    patient: str

    @property
    def record_bytes(self) -> int:
        """Number of bytes of one data record."""
        return sum(self.n_samples) * self.width

    @property
    def rates(self) -> list[float]:
        """Sampling rate of each channel in Hz."""
        return [n / self.record_seconds if self.record_seconds else 0.0 for n in self.n_samples]


def is_edf(path: Path) -> bool:
    """Whether a file is EDF or BDF, according to its suffix or its first bytes."""
    if path.suffix.lower() in SUFFIXES:
        return True
    with open(path, "rb") as file:
        return file.read(8) in (b"0       ", b"\xffBIOSEMI")


def read_header(path: Path) -> Header:
    """Reads the header of an EDF or BDF file.

    Raises:
        ValueError: The file has no header, or the header is damaged.
    """
    with open(path, "rb") as file:
        fixed = file.read(256)
        try:
            n_signals = _integer(fixed[252:256])
            if n_signals < 1 or _integer(fixed[184:192]) != 256 * (1 + n_signals):
                raise ValueError
            signals = file.read(256 * n_signals)
            if len(signals) < 256 * n_signals:
                raise ValueError
            n_records, n_samples = _integer(fixed[236:244]), [_integer(n) for n in _fields(signals, n_signals, 216, 8)]
        except ValueError:
            raise ValueError(
                f"{path} is not an EDF or BDF file: its {path.stat().st_size:,} bytes begin with no readable header."
            ) from None
    labels = tuple(text(label).strip() for label in _fields(signals, n_signals, 0, 16))
    try:
        limits = np.array([[_number(x) for x in _fields(signals, n_signals, at, 8)] for at in (104, 112, 120, 128)])
        seconds = _number(fixed[244:252])
    except ValueError:
        raise ValueError(
            f"{path} has a damaged header, in which the limits of the samples or the length of the records are not "
            "numbers: fetch or copy it again."
        ) from None
    # a hypnogram contains only annotations, in records of 0 s
    if min(n_samples) < 0 or seconds < 0 or (seconds == 0 and not set(ANNOTATIONS).issuperset(labels)):
        raise ValueError(
            f"{path} says that its records last {seconds:g} s and hold {min(n_samples)} samples of a channel: its "
            "header is damaged; fetch or copy it again."
        )
    return Header(
        n_bytes=256 * (1 + n_signals),
        n_records=n_records,
        record_seconds=seconds,
        labels=labels,
        units=tuple(text(unit).strip() for unit in _fields(signals, n_signals, 96, 8)),
        prefilters=tuple(text(each) for each in _fields(signals, n_signals, 136, 80)),
        n_samples=tuple(n_samples),
        limits=limits,
        width=3 if fixed[0] == 0xFF else 2,
        started=_started(fixed[168:176], fixed[176:184]),
        patient=text(fixed[8:88]).strip(),
    )


def text(content: bytes) -> str:
    """Decodes text as UTF-8, which EDF+ requires, or else as Latin-1, which some recorders write."""
    try:
        return content.replace(b"\0", b" ").decode("utf-8")
    except UnicodeDecodeError:
        return content.replace(b"\0", b" ").decode("latin-1")


def _fields(signals: bytes, n_signals: int, offset: int, width: int) -> list[bytes]:
    start = offset * n_signals
    return [signals[start + width * index :][:width] for index in range(n_signals)]


def _integer(content: bytes) -> int:
    return int(content.partition(b"\0")[0])  # some recorders pad with zero bytes, not spaces


def _number(content: bytes) -> float:
    value = float(content.partition(b"\0")[0].replace(b",", b"."))
    if not np.isfinite(value):
        raise ValueError
    return value


def _started(date: bytes, time: bytes) -> datetime | None:
    try:
        day, month, year = (int(part) for part in re.split(rb"\D", date.strip()))
        hour, minute, second = (int(part) for part in re.split(rb"\D", time.strip()))
        return datetime(year + (1900 if year >= 85 else 2000), month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:  # 00.00.00, or another format
        return None


def check_whole(path: Path) -> Header:
    """Checks that an EDF or BDF file is as long as its header says.

    A file may be longer than its header says (`chb17b_69.edf` of CHB-MIT is 256 bytes longer). If the recorder stopped
    before it wrote the number of records (-1), the file may have any length.

    Returns:
        The header.

    Raises:
        ValueError: The file is shorter than its header says, or `read_header` cannot read the header.
    """
    header = read_header(path)
    size, promised = path.stat().st_size, header.n_bytes + max(0, header.n_records) * header.record_bytes
    if size < promised:
        raise ValueError(
            f"{path} is cut off: its header says {promised:,} bytes and it has {size:,}; fetch or copy it again."
        )
    return header


class EDFFile:
    """A complete EDF or BDF file. Its samples are read from disk only when they are needed.

    Args:
        path: Path of the file.

    Attributes:
        header: Header of the file.
        n_records: Number of data records in the file.
        annotations: Onset, duration and description of each annotation. Times are in seconds on the time axis of the
            samples, which does not include pauses.
        gaps: Interruptions of the recording: time of the interruption in seconds on the same time axis, and length of
            the pause in seconds (NaN if unknown).

    Raises:
        ValueError: The file is cut off, or is not EDF or BDF.
    """

    def __init__(self, path: Path):
        self.path = path
        self.header = header = check_whole(path)
        there = (path.stat().st_size - header.n_bytes) // max(1, header.record_bytes)
        self.n_records = there if header.n_records < 0 else min(there, header.n_records)
        self._starts = header.width * np.cumsum([0, *header.n_samples])
        self.annotations: list[tuple[float, float, str]] = []
        self.gaps: list[tuple[float, float]] = []
        self._read_annotations()
        if header.width == 3 and "Status" in header.labels:
            self._find_pauses(header.labels.index("Status"))

    def read(self, picks: list[int], start: int, stop: int) -> np.ndarray:
        """Reads the samples `start` to `stop` of the channels `picks`, `(channels, times)` in their physical units.

        All these channels must have the same sampling rate.
        """
        n = self.header.n_samples[picks[0]]
        first, last = start // n, -(-stop // n)
        out = np.empty((len(picks), (last - first) * n))
        at = 0
        for block in self._blocks(first, last):
            for row, pick in enumerate(picks):
                physical_min, physical_max, digital_min, digital_max = self.header.limits[:, pick]
                digital = self._digital(block, pick)
                span = digital_max - digital_min
                # if the range of a channel is empty, as for a reference, its samples are zero
                gain = (physical_max - physical_min) / span if span and physical_max != physical_min else 0.0
                offset = physical_min - gain * digital_min if gain else 0.0
                out[row, at : at + digital.size] = gain * digital + offset
            at += len(block) * n
        return out[:, start - first * n : stop - first * n]

    def _blocks(self, first: int, last: int) -> Iterator[np.ndarray]:
        """Yields the data records `first` to `last` in blocks, as bytes `(records, bytes)`."""
        size = self.header.record_bytes
        step = max(1, _BLOCK // size)
        with open(self.path, "rb") as file:
            file.seek(self.header.n_bytes + first * size)
            for begin in range(first, last, step):
                n = min(step, last - begin)
                yield np.frombuffer(file.read(n * size), np.uint8).reshape(n, size)

    def _digital(self, block: np.ndarray, pick: int) -> np.ndarray:
        own = np.ascontiguousarray(block[:, self._starts[pick] : self._starts[pick + 1]])
        if self.header.width == 2:
            return own.view("<i2").ravel()
        triples = own.reshape(-1, 3).astype(np.int32)
        value = triples[:, 0] | triples[:, 1] << 8 | triples[:, 2] << 16
        return value - ((value & 0x800000) << 1)

    def _read_annotations(self) -> None:
        channels = [pick for pick, label in enumerate(self.header.labels) if label in ANNOTATIONS]
        if not channels or not self.n_records:
            return
        onsets, events = np.full(self.n_records, np.nan), []
        with open(self.path, "rb") as file:
            for record in range(self.n_records):
                for pick in channels:
                    file.seek(self.header.n_bytes + record * self.header.record_bytes + int(self._starts[pick]))
                    for onset, duration, texts in _lists(file.read(self.header.n_samples[pick] * self.header.width)):
                        # the first list of a record gives the time of the record
                        if np.isnan(onsets[record]) and pick == channels[0]:
                            onsets[record] = onset
                        events.extend((onset, duration, each) for each in texts if each.strip())
        self._place(onsets, events)

    def _place(self, onsets: np.ndarray, events: list[tuple[float, float, str]]) -> None:
        """Finds the gaps between records that begin at `onsets`, and converts `events` to the samples' time axis."""
        seconds = self.header.record_seconds
        nominal = seconds * np.arange(self.n_records)
        if np.isnan(onsets[0]):
            onsets[0] = 0.0
        known = np.flatnonzero(np.isfinite(onsets))
        # a record without a start time follows the record before it
        last = known[np.searchsorted(known, np.arange(self.n_records), side="right") - 1]
        onsets = onsets[last] + nominal - nominal[last]
        late = np.diff(onsets) - seconds
        self.gaps = [(float(nominal[r + 1]), float(late[r])) for r in np.flatnonzero(np.abs(late) > 0.1 * seconds)]
        if not seconds:
            self.gaps = []
        order = np.argsort(onsets, kind="stable")

        def placed(time: float) -> float:
            record = order[max(0, int(np.searchsorted(onsets[order], time, side="right")) - 1)]
            within = time - onsets[record]
            if record + 1 < self.n_records and within > seconds:  # this time is in a pause
                within = seconds
            return float(nominal[record] + within)

        for onset, duration, description in events:
            begin = placed(onset)
            self.annotations.append((begin, max(0.0, placed(onset + duration) - begin), description))
        self.annotations.sort(key=lambda event: event[0])

    def _find_pauses(self, status: int) -> None:
        n, was_high = self.header.n_samples[status], True
        at = 0
        for block in self._blocks(0, self.n_records):
            high = (self._digital(block, status) & _NEW_EPOCH) != 0
            risen = np.flatnonzero(high & ~np.concatenate([[was_high], high[:-1]]))
            self.gaps += [((at + int(index)) / n * self.header.record_seconds, np.nan) for index in risen]
            was_high, at = bool(high[-1]), at + high.size


def _lists(content: bytes) -> Iterator[tuple[float, float, list[str]]]:
    """Yields the time-stamped annotation lists: onset and duration in seconds, and a list of texts."""
    for part in content.split(b"\0"):
        stamp, *texts = part.split(b"\x14")
        onset, _, duration = stamp.partition(b"\x15")
        try:
            times = float(onset), float(duration or 0)
        except ValueError:
            continue
        if texts and np.isfinite(times).all():
            yield *times, [text(each) for each in texts]
