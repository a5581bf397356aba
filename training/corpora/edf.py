# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""EDF and BDF files: whole or refused, and of their channels only what is EEG.

MNE shortens a file that was cut off to what is there, and types every channel of it as EEG. Neither may reach
a model in silence: half a recording looks like a whole one, and a heart looks like a brain.

Format: Kemp et al. (1992), Electroencephalogr. Clin. Neurophysiol. 82, 391-393; Kemp and Olivan (2003), Clin.
Neurophysiol. 114, 1755-1761 (EDF+, whose labels name the type first: `EEG Fpz-Cz`, `ECG`).
"""

import re
from dataclasses import dataclass
from pathlib import Path

import mne

from get_hf.processing.montage_get import find_electrodes

#: Suffixes of the files that `open_edf` opens.
SUFFIXES = (".edf", ".bdf")

_TYPED = re.compile(r"EEG[\s:._-]", re.IGNORECASE)
_NOT_EEG = re.compile(
    r"(EEG[\s:._-]+)?(E[OCKM]G|[HV]E?OG|LOC|ROC|CHIN|VNS|GSR|EDA|RESP|S[PA]O2|PULSE|PLET|HR\b|TEMP|PHOTIC|TRIG|STI"
    r"|EVENT|MARKER|DC\d)",
    re.IGNORECASE,
)
_DUMMY = re.compile(r"[-.\s]*")
_EARS = {"A1", "A2", "M1", "M2"}
_ANNOTATIONS = ("EDF Annotations", "BDF Annotations")


@dataclass(frozen=True)
class Header:
    """What an EDF or BDF file says of itself.

    Attributes:
        n_bytes: Bytes of the header.
        n_records: Data records, or -1 where the recorder did not know.
        record_bytes: Bytes of one data record.
        labels: Names of the channels, as they stand in the file.
    """

    n_bytes: int
    n_records: int
    record_bytes: int
    labels: tuple[str, ...]


def read_header(path: Path) -> Header:
    """Reads the header of an EDF or BDF file.

    Raises:
        ValueError: The file has none.
    """
    try:
        with open(path, "rb") as file:
            fixed = file.read(256)
            n_signals = _number(fixed[252:256])
            if n_signals < 1 or _number(fixed[184:192]) != 256 * (1 + n_signals):
                raise ValueError
            signals = file.read(256 * n_signals)
        samples = [_number(signals[216 * n_signals + 8 * index :][:8]) for index in range(n_signals)]
        return Header(
            n_bytes=256 * (1 + n_signals),
            n_records=_number(fixed[236:244]),
            record_bytes=sum(samples) * (3 if fixed[0] == 0xFF else 2),
            labels=tuple(signals[16 * i : 16 * i + 16].strip().decode("latin-1") for i in range(n_signals)),
        )
    except ValueError:
        raise ValueError(
            f"{path} is not an EDF or BDF file: its {path.stat().st_size:,} bytes begin with no readable header."
        ) from None


def _number(field: bytes) -> int:
    return int(field.partition(b"\0")[0])  # some recorders fill up with zero bytes, not spaces


def check_whole(path: Path) -> Header:
    """Compares the size of an EDF or BDF file with what its header says.

    A file may be longer than its header says (`chb17b_69.edf` of CHB-MIT is, by 256 bytes), and one whose
    recorder was stopped before it counted its records (-1) is taken as it is.

    Returns:
        The header.

    Raises:
        ValueError: The file is shorter than its header says, or has no header.
    """
    header = read_header(path)
    size, promised = path.stat().st_size, header.n_bytes + max(0, header.n_records) * header.record_bytes
    if size < promised:
        raise ValueError(
            f"{path} is cut off: its header says {promised:,} bytes and it has {size:,}; fetch or copy it again."
        )
    return header


def open_edf(path: Path, ignore: re.Pattern[str] | None = None) -> mne.io.BaseRaw:
    """Opens the EEG channels of an EDF or BDF file that is whole.

    Left out are channels named after the heart, the eyes, muscles and other sensors; channels without a name
    (`-`, `.`); one ear against the other; and, in a file that says `EEG` of some channels, those that bear
    neither that word nor the name of an electrode. What remains may still hold an EEG channel at an unknown
    place: that is for who needs the place to say.

    Channels are left out when the file is read, not after, so that a quick channel among them does not
    oblige MNE to resample the EEG to its rate.

    Args:
        path: The file.
        ignore: Matches, from their beginning, labels that a corpus is known to give to what is no EEG.

    Returns:
        The recording in volts, samples still on disk, with the annotations of the file.

    Raises:
        ValueError: The file is cut off, is none of these formats, or has no EEG channels.
    """
    labels = [label for label in check_whole(path).labels if label not in _ANNOTATIONS]
    typed = any(_TYPED.match(label) for label in labels)
    left_out = [label for label in labels if not _may_be_eeg(label, typed) or (ignore and ignore.match(label))]
    if len(left_out) == len(labels):
        raise ValueError(f"{path} has no EEG channels, only {', '.join(labels) or 'none at all'}.")
    read = mne.io.read_raw_bdf if path.suffix.lower() == ".bdf" else mne.io.read_raw_edf
    return read(path, exclude=left_out, preload=False, verbose="ERROR")


def _may_be_eeg(label: str, typed: bool) -> bool:
    """Whether a channel may be EEG, in a file that says `EEG` of its EEG channels (`typed`) or does not."""
    electrodes = find_electrodes(label)
    if electrodes is not None:
        return not _EARS.issuperset(electrodes)
    if _DUMMY.fullmatch(label) or _NOT_EEG.match(label):
        return False
    return not typed or bool(_TYPED.match(label))
