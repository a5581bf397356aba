# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Stretches of recordings that generators are judged on: prompts, their continuations and other stretches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from get_hf.processing.montage_get import USUAL_CHANNELS, UnknownChannelError, parse_channel_name
from get_hf.processing.signal_get import band_limit
from get_hf.training.corpora import get_corpus

#: Channels that are judged by default.
CHANNELS = USUAL_CHANNELS
#: Rate of all signals in the evaluation, in Hz.
SAMPLING_RATE = 100.0
#: "left-out" is everybody except the test people, for a corpus that no training has seen.
SPLITS = ("left-out", "train", "validation", "test")


@dataclass(frozen=True)
class Preset:
    """Size of an evaluation.

    Attributes:
        items_per_recording: Prompts per recording; None: all that fit.
        n_bootstrap: Resamples of subjects for each interval.
        n_train_subjects: Training subjects for the pooled VAR and for the search for memorised windows; None: all.
        n_train_sessions: Sessions of each training subject; None: all.
        trials_per_recording: Cued trials per recording; None: all.
        n_rollouts: Number of people whose recordings get a long continuation.
        rollout_seconds: Length of a long continuation.
        windows_per_item: Windows of each continuation that are compared with the training windows.
        n_items: Maximum number of prompts, evenly spread over the recordings; None: no maximum.
        n_other_items: Maximum number of prompts for other references and for cleaned EEG; None: no maximum.
    """

    items_per_recording: int | None
    n_bootstrap: int
    n_train_subjects: int | None
    n_train_sessions: int | None
    trials_per_recording: int | None
    n_rollouts: int
    rollout_seconds: float
    windows_per_item: int
    n_items: int | None = None
    n_other_items: int | None = None


PRESETS = {
    "fast": Preset(2, 100, 24, 3, 4, 3, 120.0, 1, 300, 40),
    "full": Preset(None, 1000, None, None, None, 4, 3600.0, 2),
}


class Signal(NamedTuple):
    """A recording, ready to be cut.

    Attributes:
        x: `(channels, times)` in microvolts, 0.5-45 Hz at `SAMPLING_RATE`.
        subject: Subject of the recording.
        condition: Condition of the whole recording; "none" where it changes.
        spans: Conditions over time: (onset, end, condition), in seconds.
        session: Name of the session and run. Signals with the same subject and session are parts of one recording. "":
            the signal is a recording of its own.
    """

    x: np.ndarray
    subject: str
    condition: str
    spans: tuple[tuple[float, float, str], ...] = ()
    session: str = ""


@dataclass(frozen=True)
class Segments:
    """Prompts, their real continuations and other stretches of the same recordings.

    Attributes:
        prompt: Prompts `(items, channels, prompt times)` in microvolts.
        continuation: Real continuations `(items, channels, times)` in microvolts.
        other: Stretches of the same recordings, shaped like `continuation`, that overlap with no continuation.
        subjects: Subject of each item, `(items,)`.
        conditions: Condition of each item; "none" where the recording holds several.
        ch_names: Name of each channel.
        sampling_rate: Sampling rate in Hz.
        recordings: Number of each item's recording, `(items,)`; None: every item has a recording of its own.
    """

    prompt: np.ndarray
    continuation: np.ndarray
    other: np.ndarray
    subjects: np.ndarray
    conditions: list[str]
    ch_names: list[str]
    sampling_rate: float = SAMPLING_RATE
    recordings: np.ndarray | None = None

    @property
    def n_times(self) -> int:
        """Samples to generate after each prompt."""
        return self.continuation.shape[-1]

    @property
    def unchanged_conditions(self) -> list[tuple[str, str]]:
        """Conditions of each prompt and of its continuation, which are the same."""
        return [(condition, condition) for condition in self.conditions]

    def items(self, chosen: np.ndarray) -> Segments:
        """The chosen items `(n,)`."""
        arrays = {name: getattr(self, name)[chosen] for name in ("prompt", "continuation", "other", "subjects")}
        recordings = None if self.recordings is None else self.recordings[chosen]
        return replace(self, **arrays, conditions=[self.conditions[i] for i in chosen], recordings=recordings)

    def thinned(self, n_items: int | None) -> Segments:
        """At most `n_items` items, evenly spread; None: all items."""
        if n_items is None or len(self.subjects) <= n_items:
            return self
        return self.items(np.linspace(0, len(self.subjects) - 1, n_items).round().astype(int))

    def pick(self, ch_names: Sequence[str]) -> Segments:
        """The same segments on some of the channels."""
        picks = [self.ch_names.index(name) for name in ch_names]
        parts = {name: getattr(self, name)[:, picks] for name in ("prompt", "continuation", "other")}
        return replace(self, **parts, ch_names=list(ch_names))


def recordings(
    data_dir: str | Path | None,
    split: str,
    ch_names: Sequence[str] = CHANNELS,
    corpus: str = "eegmmidb",
    n_subjects: int | None = None,
    n_sessions: int | None = None,
) -> Iterator[Signal]:
    """Reads the recordings of a split, 0.5-45 Hz at 100 Hz.

    Args:
        data_dir: Folder that contains the corpus; see `get_hf.training.corpora`.
        split: See `is_in_split`.
        ch_names: Channels to keep, by canonical name.
        corpus: Name of a registered corpus.
        n_subjects: Maximum number of subjects, the first ones.
        n_sessions: Maximum number of sessions of each subject.

    Raises:
        ValueError: A recording lacks one of `ch_names`, or the split is empty.
    """
    seen: dict[str, int] = {}
    entry = get_corpus(corpus)
    for recording in entry.recordings(data_dir):
        if not is_in_split(entry.split_of(recording.subject), split, entry.splits is not None):
            continue
        if recording.subject not in seen and n_subjects is not None and len(seen) >= n_subjects:
            break
        seen[recording.subject] = seen.get(recording.subject, 0) + 1
        if n_sessions is not None and seen[recording.subject] > n_sessions:
            continue
        raw = recording.open()
        names = {_electrode(name): name for name in raw.ch_names}
        missing = [name for name in ch_names if name not in names]
        if missing:
            raise ValueError(
                f"{corpus} {recording.subject} {recording.session} has no channel {', '.join(missing)}: "
                f"choose ch_names among {', '.join(name for name in names if name)}."
            )
        x = 1e6 * np.stack([raw.get_data(picks=[names[name]])[0] for name in ch_names])
        yield Signal(
            band_limit(x, raw.info["sfreq"], SAMPLING_RATE, 0.5, 45.0),
            recording.subject,
            recording.condition or "none",
            tuple(recording.condition_spans(raw)),
        )
    if not seen:
        raise ValueError(f"{corpus} has no recordings of the {split} split in {data_dir}.")


def is_in_split(own: str | None, split: str, has_splits: bool = True) -> bool:
    """Whether a subject is judged in a split.

    Args:
        own: Split of the subject in its corpus; None: the subject is in no split.
        split: "train", "validation", "test", or "left-out": everybody except the test people, for a corpus that no
            training has seen.
        has_splits: Whether the corpus has agreed splits. If not, everybody is in "validation", "test" and "left-out",
            and nobody is in "train".
    """
    if own is None or not has_splits:
        return own is not None and split != "train"
    return own in ("train", "validation") if split == "left-out" else own == split


def _electrode(name: str) -> str | None:
    """Canonical name of a channel's electrode, or None for a channel that is not on the scalp."""
    try:
        return parse_channel_name(name)[0]
    except UnknownChannelError:
        return None


@dataclass(frozen=True)
class Cut:
    """Lengths of prompts and continuations, and where the floor comes from.

    Attributes:
        prompt_seconds: Length of the prompts.
        continuation_seconds: Length of the continuations and of the other stretches.
        other_recordings: Whether the other stretch comes from another recording of the same person, for recordings
            that are too short for a second stretch. If not, it follows the continuation.
    """

    prompt_seconds: float = 8.0
    continuation_seconds: float = 12.0
    other_recordings: bool = False

    @property
    def lengths(self) -> dict[str, Any]:
        """The arguments of `cut_segments`."""
        return asdict(self)

    @property
    def needed(self) -> float:
        """Length in seconds of the shortest recording that gives an item, with 1 s at each end for the filters."""
        return 2 + self.prompt_seconds + (1 if self.other_recordings else 2) * self.continuation_seconds


def cut_segments(
    signals: Iterable[Signal],
    ch_names: Sequence[str] = CHANNELS,
    prompt_seconds: float = 8.0,
    continuation_seconds: float = 12.0,
    items_per_recording: int | None = None,
    other_recordings: bool = False,
    n_items: int | None = None,
) -> Segments:
    """Cuts recordings into blocks: a prompt, its real continuation and another stretch.

    A prompt may reach into the other stretch of the block before.

    Args:
        signals: Signals from `recordings`.
        ch_names: Channels of the signals.
        prompt_seconds: Length of the prompts.
        continuation_seconds: Length of the continuations and of the other stretches.
        items_per_recording: Maximum number of blocks, evenly spread over the recording; None: all that fit.
        other_recordings: See `Cut`. The other stretch is the continuation of a block of the person's next recording,
            of one in the same condition if there is one. People with a single recording are left out.
        n_items: Maximum number of blocks, evenly spread over all recordings; None: all.

    Raises:
        ValueError: No recording is long enough for one block, or nobody has two recordings where they are needed.
    """
    cut = Cut(prompt_seconds, continuation_seconds, other_recordings)
    skip, n_prompt = int(SAMPLING_RATE), round(prompt_seconds * SAMPLING_RATE)  # 1 s: the filters' edge
    n = round(continuation_seconds * SAMPLING_RATE)
    step = n_prompt + n if other_recordings else 2 * n
    parts: tuple[list, ...] = ([], [], [], [], [], [])
    longest, numbers = 0, dict[object, int]()
    for order, signal in enumerate(signals):
        x, subject, condition, spans, session = Signal(*signal)
        longest = max(longest, x.shape[-1])
        number = numbers.setdefault((subject, session) if session else order, len(numbers))
        inner = x.shape[-1] - 2 * skip
        fit = inner // step if other_recordings else (inner - n_prompt) // step
        count = min(fit, items_per_recording or fit)
        for k in np.linspace(0, fit - 1, max(count, 0)).round().astype(int):
            start = skip + n_prompt + step * k
            end = start + (n if other_recordings else 2 * n)
            stretches = (x[:, start - n_prompt : start], x[:, start : start + n], x[:, end - n : end])
            own = condition if condition != "none" else _condition(spans, start - n_prompt, end)
            for part, value in zip(parts, (*stretches, subject, own, number), strict=True):
                part.append(value)
    if not parts[0]:
        others = "once" if other_recordings else "twice"
        raise ValueError(
            f"The longest recording has {longest / SAMPLING_RATE:.0f} s, but {cut.needed:.0f} s are needed: a "
            f"prompt of {prompt_seconds:g} s, {others} {continuation_seconds:g} s of continuation. Shorten them."
        )
    prompt, real, other = (np.stack(part) for part in parts[:3])
    segments = Segments(
        prompt, real, other, np.array(parts[3]), parts[4], list(ch_names), recordings=np.array(parts[5])
    )
    if other_recordings:
        segments = _with_other_recordings(segments)
    return segments if n_items is None else segments.thinned(n_items)


def _condition(spans: Sequence[tuple[float, float, str]], first: int, last: int) -> str:
    """The condition that holds from one sample to another; "none" if there is no such condition."""
    begin, end = first / SAMPLING_RATE, last / SAMPLING_RATE
    return next((name for onset, offset, name in spans if onset <= begin and end <= offset), "none")


def _with_other_recordings(segments: Segments) -> Segments:
    """Takes the other stretch of each item from another recording of the same person."""
    own = segments.recordings if segments.recordings is not None else np.arange(len(segments.subjects))
    conditions = np.array(segments.conditions)
    kept, others = [], []
    for item, subject in enumerate(segments.subjects):
        is_other = (segments.subjects == subject) & (own != own[item])
        alike = np.flatnonzero(is_other & (conditions == conditions[item]))
        found = alike if len(alike) else np.flatnonzero(is_other)
        if len(found):
            later = found[found > item]
            kept.append(item)
            others.append(later[0] if len(later) else found[0])
    if not kept:
        raise ValueError(
            "Nobody has two recordings, which are needed to compare short recordings with others of the same person."
        )
    return replace(segments.items(np.array(kept)), other=segments.continuation[others])


def read_segments(
    data_dir: str | Path | None, split: str = "validation", preset: str = "fast", **lengths: float
) -> Segments:
    """Reads a split's recordings, and cuts them into segments.

    Args:
        data_dir: Folder that contains the corpus.
        split: "train", "validation" or "test".
        preset: "fast" or "full".
        lengths: `prompt_seconds=`, `continuation_seconds=`, and `ch_names=` of `cut_segments`.

    Raises:
        ValueError: The split or the preset is unknown.
    """
    check_choices(split, preset)
    ch_names = lengths.pop("ch_names", CHANNELS)
    read = recordings(data_dir, split, ch_names)
    return cut_segments(read, ch_names, items_per_recording=PRESETS[preset].items_per_recording, **lengths)


def check_choices(split: str, preset: str) -> None:
    """Raises a ValueError for an unknown split or preset."""
    if split not in SPLITS or preset not in PRESETS:
        raise ValueError(
            f"split {split!r} and preset {preset!r}: choose a split among {', '.join(SPLITS)} "
            f"and a preset among {', '.join(PRESETS)}."
        )
