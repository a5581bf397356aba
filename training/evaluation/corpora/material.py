# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Reads the recordings of any corpus for the evaluation: a corpus of the registry, or a prepared folder.

    found = read_material("muse-sequence", "data", "validation")
    segments = cut_segments(found.signals, found.ch_names, **found.cut().lengths)

A recording is cleaned as for training (`segment_table`): marked stretches and unusable channels are left out. The
evaluation uses the channels that give the most EEG (see `shared_channels`), and lengths that fit most of the
recordings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from get_hf.modeling.configuration_get import CONDITIONS
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.processing.montage_get import find_electrodes
from get_hf.training.corpora import CORPORA, FAMILIES, get_corpus
from get_hf.training.data.prepared import Prepared, load_prepared
from get_hf.training.data.segments import EEGSegmentsConfig, segment_table
from get_hf.training.evaluation.recordings import CHANNELS, SAMPLING_RATE, Cut, Signal, is_in_split

#: Lengths of prompts and continuations: the first that fits most recordings is used, or else the last. Trials of a few
#: seconds, such as those of muse-sequence, have no room for a second stretch.
CUTS = (Cut(), Cut(8.0, 6.0), Cut(4.0, 3.0, other_recordings=True))
#: Share of the recordings that a length must fit.
MOST = 0.5
#: Channels that are enough to leave out all unusual ones, and the largest number of channels.
ENOUGH_CHANNELS, MOST_CHANNELS = 16, 32
#: Length in seconds of a segment of a recording, so long that stretches are not divided.
WHOLE = 1e6


@dataclass(frozen=True)
class Material:
    """The recordings of a split, on the channels that they share.

    Attributes:
        signals: Stretches of the recordings without interruptions.
        ch_names: Name of each channel.
        left_out: A text for each recording that cannot be used.
    """

    signals: list[Signal]
    ch_names: list[str]
    left_out: list[str] = field(default_factory=list)

    def cut(self, choices: Sequence[Cut] = CUTS) -> Cut:
        """The first of the choices that fits at least half of the stretches, or else the last.

        Where nobody has two recordings, the other stretch always follows the continuation.
        """
        lengths = np.array([signal.x.shape[-1] / SAMPLING_RATE for signal in self.signals])
        cut = next((cut for cut in choices if (lengths >= cut.needed).mean() >= MOST), choices[-1])
        recordings = {(signal.subject, signal.session) for signal in self.signals}
        has_others = len(recordings) > len({subject for subject, _ in recordings})
        return cut if has_others else replace(cut, other_recordings=False)


def read_material(
    name: str | Path,
    data_dir: str | Path | None,
    split: str,
    ch_names: Sequence[str] | None = None,
    n_subjects: int | None = None,
    n_sessions: int | None = None,
) -> Material:
    """Reads the recordings of a split.

    Args:
        name: Name of a corpus in the registry, or folder of a prepared corpus.
        data_dir: Folder that contains the corpus of the registry; see `get_hf.training.corpora`.
        split: See `is_in_split`.
        ch_names: Channels to keep, by canonical name. None: see `shared_channels`.
        n_subjects: Maximum number of subjects, the first ones; None: all.
        n_sessions: Maximum number of sessions of each subject; None: all.

    Raises:
        CorpusUnavailableError: `data_dir` has no such corpus.
        ValueError: No corpus has that name, the split is empty, no recording can be used, or they share no channel.
    """
    prepared = Prepared.read(name) if is_prepared(name) else None
    rows = _registered(str(name), data_dir, split) if prepared is None else _prepared(prepared, split)
    corpus = get_corpus(str(name)) if prepared is None else None
    sessions: dict[str, set[str]] = {}
    stretches, left_out = [], []
    for row in rows:
        subject, session = row["subject"], row["session"]
        if subject not in sessions and n_subjects is not None and len(sessions) >= n_subjects:
            break
        of_subject = sessions.setdefault(subject, set())
        if session not in of_subject and n_sessions is not None and len(of_subject) >= n_sessions:
            continue
        of_subject.add(session)
        if not row["n_chans"]:
            left_out.append(f"{subject} {session}: {row['problem']}")
            continue
        person = subject if corpus is None or corpus.person is None else corpus.person_of(subject)
        stretches.append((person, session, *_channels(row)))
    if not stretches:
        reasons = f": {left_out[0]}" if left_out else ""
        raise ValueError(f"{name} has no recording of the {split} split that can be used{reasons}.")
    names = list(ch_names) if ch_names is not None else shared_channels([found for _, _, found, *_ in stretches])
    if not names:
        raise ValueError(f"The recordings of {name} share no channel whose position is known from its name.")
    signals = []
    for person, session, found, x, ids in stretches:
        if not set(names) <= set(found):
            missing = ", ".join(name for name in names if name not in found)
            left_out.append(f"{person} {session}: it has no channel {missing}")
            continue
        spans = _spans(ids)
        condition = spans[0][2] if len(spans) == 1 and len(ids) * _patch_seconds() == spans[0][1] else "none"
        signals.append(Signal(x[[found.index(name) for name in names]], person, condition, spans, session))
    return Material(signals, names, left_out)


def judged_people(name: str | Path, data_dir: str | Path | None, split: str) -> list[tuple[str, str]]:
    """Lists (corpus, subject) of each person of a split without reading a recording; see `read_material`."""
    if is_prepared(name):
        prepared = Prepared.read(name)
        several = len(prepared.splits) > 1
        own = (of for split_of, of in prepared.subjects.items() if is_in_split(split_of, split, several))
        return [(prepared.corpus, subject) for subjects in own for subject in subjects]
    corpus = get_corpus(str(name))
    subjects = dict.fromkeys(recording.subject for recording in corpus.recordings(data_dir))
    return [
        (str(name), subject)
        for subject in subjects
        if is_in_split(corpus.split_of(subject), split, corpus.splits is not None)
    ]


def is_prepared(name: str | Path) -> bool:
    """Whether a name is a folder. A name of the registry is never a folder, even if there is one with that name."""
    known = str(name) in CORPORA or str(name).partition(":")[0] in FAMILIES
    return not known and Path(name).expanduser().is_dir()


def shared_channels(of_recordings: Sequence[Sequence[str]]) -> list[str]:
    """Chooses the most frequent channels, as many as give the most EEG: channels times recordings that have them all.

    Args:
        of_recordings: Channels of each recording, by canonical name.

    Returns:
        The usual channels of the evaluation among them if there are at least 16, else all of them. If there are more
        than 32, 32 of them, evenly spread.
    """
    counts = Counter(name for names in of_recordings for name in dict.fromkeys(names))
    frequent = [name for name, _ in counts.most_common()]
    leading = [sum(1 for _ in takewhile(set(names).__contains__, frequent)) for names in of_recordings]
    amounts = [n * sum(own >= n for own in leading) for n in range(len(frequent) + 1)]
    chosen = frequent[: int(np.argmax(amounts))]
    shared = [name for name in counts if name in chosen]  # in the order of the recordings
    usual = [name for name in CHANNELS if name in shared]
    if len(usual) >= ENOUGH_CHANNELS:
        return usual
    if len(shared) > MOST_CHANNELS:
        return [shared[k] for k in np.linspace(0, len(shared) - 1, MOST_CHANNELS).round().astype(int)]
    return shared


def _registered(name: str, data_dir: str | Path | None, split: str) -> Iterator[dict[str, Any]]:
    """Rows of `FEATURES` of a corpus in the registry."""
    corpus = get_corpus(name)
    extractor = GETFeatureExtractor(SAMPLING_RATE, EEGSegmentsConfig.patch_size)
    for recording in corpus.recordings(data_dir):
        if is_in_split(corpus.split_of(recording.subject), split, corpus.splits is not None):
            yield from _rows(segment_table(recording, name, WHOLE, extractor))


def _prepared(prepared: Prepared, split: str) -> Iterator[dict[str, Any]]:
    """Rows of `FEATURES` of a prepared folder; segments that follow each other are joined."""
    if prepared.sampling_rate != SAMPLING_RATE:
        raise ValueError(
            f"{prepared.folder} was prepared at {prepared.sampling_rate:g} Hz, and the evaluation is at "
            f"{SAMPLING_RATE:g} Hz: name the corpus itself, {prepared.corpus}."
        )
    for own in prepared.splits:
        if is_in_split(own, split, len(prepared.splits) > 1):
            dataset = load_prepared(prepared.folder, own, streaming=True).with_format("arrow")
            rows = (row for table in dataset for row in _rows(table))
            for _, parts in groupby(rows, key=lambda row: (row["subject"], row["session"], tuple(row["ch_names"]))):
                yield from _joined(list(parts))


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    """Rows of a table, with arrays instead of lists of numbers."""
    for index in range(len(table)):
        row = table.slice(index, 1)
        known = row.drop_columns(["signal", "conditions", "channel_positions"]).to_pylist()[0]
        arrays = {name: row[name].combine_chunks().flatten().to_numpy() for name in ("signal", "conditions")}
        yield known | arrays


def _joined(parts: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Joins segments of a recording that follow each other without a gap."""
    joined: list[list[dict[str, Any]]] = []
    for part in sorted(parts, key=lambda row: row["start"]):
        before = joined[-1][-1] if joined else None
        end = before["start"] + before["n_times"] / SAMPLING_RATE if before else None
        if end is not None and abs(end - part["start"]) < 0.01:
            joined[-1].append(part)
        else:
            joined.append([part])
    for group in joined:
        signals = [row["signal"].reshape(row["n_chans"], -1) for row in group]
        yield group[0] | {
            "signal": np.concatenate(signals, axis=-1).ravel(),
            "n_times": sum(row["n_times"] for row in group),
            "conditions": np.concatenate([row["conditions"] for row in group]),
        }


def _channels(row: dict[str, Any]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Canonical names, signal `(channels, times)` in microvolts, and condition id of each patch."""
    names: dict[str, int] = {}
    for index, name in enumerate(row["ch_names"]):
        if (electrodes := find_electrodes(name)) is not None:
            names.setdefault("-".join(each for each in electrodes if each), index)
    x = row["signal"].reshape(row["n_chans"], -1)[list(names.values())]
    return list(names), x.astype(np.float64), row["conditions"]


def _patch_seconds() -> float:
    return EEGSegmentsConfig.patch_size / SAMPLING_RATE


def _spans(ids: np.ndarray) -> tuple[tuple[float, float, str], ...]:
    """Conditions over time, (onset, end, condition) in seconds, of the condition id of each patch."""
    found, first = [], 0
    for number, same in groupby(ids.tolist()):
        last = first + len(list(same))
        if number:
            found.append((first * _patch_seconds(), last * _patch_seconds(), CONDITIONS[number]))
        first = last
    return tuple(found)
