# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Opens files of all formats, and gives them one interface: channels, samples, annotations, and the info of MNE.

This module runs in the process that parses files (`parsing.py`), and never in the process of the caller.
"""

import csv
import functools
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from .edf import EDFFile, is_edf
from .scalp import Channel
from .units_get import volts_per_unit

#: Annotation at the sample where an interrupted recording continues. MNE uses the same one where it joins recordings.
BOUNDARY = "BAD boundary"


@dataclass
class Source:
    """A recording in an open file.

    Attributes:
        channels: All channels of the file.
        n_times: Number of samples of each channel.
        read: Function that reads samples. Its arguments are a list of channel indices (of one sampling rate), the
            first sample and the last sample (exclusive). It returns `(channels, times)` in the units of `channels`.
        info: Function that returns the `mne.Info` of a list of channel indices.
        annotations: Onset, duration, description and channel names of each annotation. Times are in seconds from the
            first sample.
        first_sample: Number that MNE gives to the first sample.
        notes: Messages to the user.
    """

    channels: list[Channel]
    n_times: list[int]
    read: Callable[[list[int], int, int], np.ndarray]
    info: Callable[[list[int]], Any]
    annotations: list[tuple[float, float, str, list[str]]] = field(default_factory=list)
    first_sample: int = 0
    notes: list[str] = field(default_factory=list)


def open_source(path: Path, scratch: Path) -> Source:
    """Opens a recording.

    Args:
        path: Path of the file, with its suffix.
        scratch: Folder for temporary files.

    Raises:
        Exception: Each reader raises its own types of exceptions. The message of a `ValueError` can be shown to users.
    """
    if path.is_file() and is_edf(path):
        source = _open_edf(path)
    elif path.suffix.lower() == ".npz":
        source = _open_npz(path)
    else:
        source = _open_with_mne(path, scratch)
    return _as_bids_says(source, path)


def _open_edf(path: Path) -> Source:
    import mne

    file = EDFFile(path)
    header = file.header
    numbers = [n for n, label in enumerate(header.labels) if label not in ("EDF Annotations", "BDF Annotations")]

    def info(picks: list[int]) -> Any:
        own = [numbers[pick] for pick in picks]
        mne_info = mne.create_info([header.labels[n] for n in own], header.rates[own[0]], "eeg", verbose="ERROR")
        with mne_info._unlock():
            for key, pattern, limit in (("highpass", r"HP:\s*([\d.]+)", max), ("lowpass", r"LP:\s*([\d.]+)", min)):
                found = [float(m[1]) for n in own if (m := re.search(pattern, header.prefilters[n])) and m[1] != "."]
                if found and 0 < limit(found) < mne_info["sfreq"] / 2:
                    mne_info[key] = limit(found)
            if header.patient.strip("X ") and header.patient.isprintable():
                mne_info["subject_info"] = {"his_id": header.patient.split()[0]}
            mne_info["meas_date"] = header.started
        return mne_info

    notes = []
    if file.gaps:
        pauses = ", ".join(f"{at:g} s" + (f" ({lost:g} s)" if np.isfinite(lost) else "") for at, lost in file.gaps[:5])
        more = f" and {len(file.gaps) - 5} more" if len(file.gaps) > 5 else ""
        notes.append(f"the recording was interrupted: gaps after {pauses}{more}")
    return Source(
        channels=[Channel(header.labels[n], header.rates[n], unit=header.units[n]) for n in numbers],
        n_times=[file.n_records * header.n_samples[n] for n in numbers],
        read=lambda picks, start, stop: file.read([numbers[pick] for pick in picks], start, stop),
        info=info,
        annotations=[(*event, []) for event in file.annotations] + [(at, 0.0, BOUNDARY, []) for at, _ in file.gaps],
        notes=notes,
    )


def _open_npz(path: Path) -> Source:
    import mne

    with np.load(path, allow_pickle=False) as stored:
        missing = {"data", "sampling_rate", "ch_names"} - set(stored.files)
        if missing:
            raise ValueError(
                f"it holds {', '.join(stored.files) or 'nothing'}, and get-hf's own .npz holds data, sampling_rate "
                "and ch_names: pass its array in Python instead, with sampling_rate=, ch_names= and unit="
            )
        data, rate = np.asarray(stored["data"], dtype=np.float64), float(stored["sampling_rate"])
        names = [str(name) for name in np.atleast_1d(stored["ch_names"])]
        events = [np.atleast_1d(stored.get(key, [])) for key in ("onset", "duration", "description")]
    if data.ndim != 2 or len(data) != len(names) or not 0 < rate < np.inf:
        raise ValueError(f"its data are {data.shape} of {len(names)} channels at {rate:g} Hz")
    return Source(
        channels=[Channel(name, rate, unit="uV") for name in names],
        n_times=[data.shape[-1]] * len(names),
        read=lambda picks, start, stop: data[picks, start:stop],
        info=lambda picks: mne.create_info([names[pick] for pick in picks], rate, "eeg", verbose="ERROR"),
        annotations=[(float(o), float(d), str(t), []) for o, d, t in zip(*events, strict=True)]
        if len(events) == 3
        else [],
    )


def _open_with_mne(path: Path, scratch: Path) -> Source:
    import mne

    suffix = path.suffix.lower()
    if suffix in (".vhdr", ".ahdr"):
        raw = mne.io.read_raw_brainvision(_with_companions(path, scratch), preload=False, verbose="ERROR")
    elif suffix == ".set":
        raw = _read_eeglab(path)
    else:
        raw = mne.io.read_raw(path, preload=False, verbose="ERROR")
    kinds, rate = raw.get_channel_types(), float(raw.info["sfreq"])
    located = [bool(np.isfinite(c["loc"][:3]).all() and np.any(c["loc"][:3])) for c in raw.info["chs"]]
    stored, usual = getattr(raw, "_orig_units", None) or {}, "uV" if suffix == ".set" else "V"
    # MNE converts samples from these units to volts
    scales = [volts_per_unit(stored.get(name) or usual) or 1.0 for name in raw.ch_names]
    columns = zip(raw.ch_names, kinds, located, scales, strict=True)
    channels = [
        Channel(name, rate, kind, _UNIT_OF.get(scale, "V") if kind in ("eeg", "seeg", "ecog", "dbs") else None, there)
        for name, kind, there, scale in columns
    ]
    picks_of = {name: number for number, name in enumerate(raw.ch_names)}

    def read(picks: list[int], start: int, stop: int) -> np.ndarray:
        return raw.get_data(picks=picks, start=start, stop=stop) / np.array([[scales[pick]] for pick in picks])

    annotations = []
    for onset, duration, description, names in zip(
        raw.annotations.onset,
        raw.annotations.duration,
        raw.annotations.description,
        raw.annotations.ch_names,
        strict=True,
    ):
        length = float(duration) if np.isfinite(duration) else 0.0
        begin = float(onset) - raw.first_time if np.isfinite(onset) else 0.0
        annotations.append((begin, length, str(description), [name for name in names if name in picks_of]))
        pause = description == "boundary" if suffix == ".set" else description.startswith("New Segment/")
        if pause and begin > 0:
            annotations.append((begin, 0.0, BOUNDARY, []))
    return Source(
        channels=channels,
        n_times=[raw.n_times] * len(channels),
        read=read,
        info=lambda picks: mne.pick_info(raw.info, picks),
        annotations=annotations,
        first_sample=int(raw.first_samp),
    )


_UNIT_OF = {1.0: "V", 1e-3: "mV", 1e-6: "uV", 1e-9: "nV"}


def _read_eeglab(path: Path) -> Any:
    import mne
    from mne.io.eeglab import eeglab

    # MNE uses the samples' path in the file; here only the last part of this path is used, or the file's own name
    eeglab._check_eeglab_fname = lambda fname, dataname: str(_companion(path, str(dataname), ".fdt"))
    # MNE expects that chaninfo is a structure; EEGLAB leaves it empty if there is no information
    load = inspect.unwrap(eeglab._check_load_mat)

    @functools.wraps(load)
    def load_set(*args: Any, **kwargs: Any) -> Any:
        eeg = load(*args, **kwargs)
        if not isinstance(getattr(eeg, "chaninfo", None), dict):
            eeg.chaninfo = {}
        return eeg

    eeglab._check_load_mat = load_set
    try:
        return mne.io.read_raw_eeglab(path, preload=False, verbose="ERROR")
    except TypeError as error:
        if "trials" in str(error):
            raise ValueError(
                "it holds epochs, not a continuous recording: read it with mne.io.read_epochs_eeglab and pass them"
            ) from error
        raise


def _companion(path: Path, named: str, suffix: str) -> Path:
    """Finds a file that belongs to `path`, in the same folder and never in another folder.

    It is the file with the name `named`, or else the file with the name of `path` and the given suffix.

    Raises:
        ValueError: Neither file exists.
    """
    own = re.split(r"[/\\]", named.strip())[-1]
    candidates = [path.with_name(own)] if own.strip(".") else []
    candidates += [path.with_suffix(suffix), path.with_suffix(suffix.upper())]
    for candidate in candidates:
        if candidate.is_file() and candidate != path:
            return candidate
    raise ValueError(
        f"its samples are in {own or path.with_suffix(suffix).name}, which is not beside it: put it there"
    )


def _with_companions(path: Path, scratch: Path) -> Path:
    """Copies a BrainVision header and its markers to the temporary folder, and returns the path of the header.

    The copied header contains the paths of the samples (beside the original header) and of the copied markers. The
    copies are needed because MNE does not recognise a header or markers whose suffix is in capitals.
    """
    header = path.read_bytes()

    def named(key: bytes, suffix: str) -> Path:
        found = re.search(rb"(?mi)^[ \t]*" + key + rb"[ \t]*=[ \t]*([^\r\n]*)", header)
        value = (found[1] if found else b"").decode("utf-8", "replace").replace("$b", path.stem)
        return _companion(path, value, suffix).absolute()

    header = _assigned(header, b"DataFile", str(named(b"DataFile", ".eeg")).encode())
    try:
        markers = scratch / f"{path.stem}.vmrk"
        markers.write_bytes(named(b"MarkerFile", ".vmrk").read_bytes())
        header = _assigned(header, b"MarkerFile", str(markers).encode())
    except ValueError:  # a recording without markers is still valid
        header = _assigned(header, b"MarkerFile", b"")
    copy = scratch / f"{path.stem}{path.suffix.lower()}"
    copy.write_bytes(header)
    return copy


def _assigned(header: bytes, key: bytes, value: bytes) -> bytes:
    line = re.compile(rb"(?mi)^[ \t]*" + key + rb"[ \t]*=[^\r\n]*(\r?\n)?")
    return line.sub(lambda match: key + b"=" + value + (match[1] or b"\n") if value else b"", header, count=1)


def _as_bids_says(source: Source, path: Path) -> Source:
    """Adds the types, units and bad channels from the `channels.tsv` beside a recording in BIDS format."""
    table = path.with_name(re.sub(r"_eeg$", "", path.stem) + "_channels.tsv")
    if not path.stem.endswith("_eeg") or not table.is_file():
        return source
    with open(table, encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = {str(row.get("name")).strip(): row for row in csv.DictReader(file, delimiter="\t")}
    bad, info = set(), source.info
    for number, channel in enumerate(source.channels):
        row = rows.get(channel.name.strip())
        if row is None:
            continue
        kind = (row.get("type") or "").strip().lower()
        unit = (row.get("units") or "").strip()
        changes = {
            "kind": {"eeg": "eeg", "seeg": "seeg", "ecog": "ecog", "": channel.kind, "n/a": channel.kind}.get(
                kind, kind
            )
        }
        if not channel.unit and volts_per_unit(unit):
            changes["unit"] = unit
        source.channels[number] = replace(channel, **changes)
        if (row.get("status") or "").strip().lower() == "bad":
            bad.add(channel.name)

    def with_bads(picks: list[int]) -> Any:
        mne_info = info(picks)
        own = zip(mne_info["ch_names"], picks, strict=True)
        mne_info["bads"] = list(mne_info["bads"]) + [
            n for n, p in own if source.channels[p].name in bad and n not in mne_info["bads"]
        ]
        return mne_info

    return replace(source, info=with_bads)
