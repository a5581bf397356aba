# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Stretches of recordings that generators are judged on: prompts, their continuations and other stretches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from get_hf.processing.montage_get import USUAL_CHANNELS, UnknownChannelError, parse_channel_name
from get_hf.processing.signal_get import band_limit
from get_hf.training.corpora import get_corpus

#: Channels that are judged by default.
CHANNELS = USUAL_CHANNELS
#: Rate of all signals in the evaluation, in Hz.
SAMPLING_RATE = 100.0
SPLITS = ("train", "validation", "test")


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
    """

    items_per_recording: int | None
    n_bootstrap: int
    n_train_subjects: int | None
    n_train_sessions: int | None
    trials_per_recording: int | None
    n_rollouts: int
    rollout_seconds: float
    windows_per_item: int


PRESETS = {
    "fast": Preset(2, 100, 24, 3, 4, 3, 120.0, 1),
    "full": Preset(None, 1000, None, None, None, 4, 3600.0, 2),
}


class Signal(NamedTuple):
    """A recording, ready to be cut.

    Attributes:
        x: `(channels, times)` in microvolts, 0.5-45 Hz at `SAMPLING_RATE`.
        subject: Subject of the recording.
        condition: Condition of the whole recording; "none" where it changes.
        spans: Conditions over time: (onset, end, condition), in seconds.
    """

    x: np.ndarray
    subject: str
    condition: str
    spans: tuple[tuple[float, float, str], ...] = ()


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
        split: "train", "validation" or "test".
        ch_names: Channels to keep, by canonical name.
        corpus: Name of a registered corpus.
        n_subjects: Maximum number of subjects, the first ones.
        n_sessions: Maximum number of sessions of each subject.

    Raises:
        ValueError: A recording lacks one of `ch_names`, or the split is empty.
    """
    seen: dict[str, int] = {}
    for recording in get_corpus(corpus).recordings(data_dir, split):
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


def _electrode(name: str) -> str | None:
    """Canonical name of a channel's electrode, or None for a channel that is not on the scalp."""
    try:
        return parse_channel_name(name)[0]
    except UnknownChannelError:
        return None


def cut_segments(
    signals: Iterable[Signal],
    ch_names: Sequence[str] = CHANNELS,
    prompt_seconds: float = 8.0,
    continuation_seconds: float = 12.0,
    items_per_recording: int | None = None,
) -> Segments:
    """Cuts recordings into blocks: a prompt, its real continuation and another stretch.

    A prompt may reach into the other stretch of the block before.

    Args:
        signals: Signals from `recordings`.
        ch_names: Channels of the signals.
        prompt_seconds: Length of the prompts.
        continuation_seconds: Length of the continuations and of the other stretches.
        items_per_recording: Maximum number of blocks, evenly spread over the recording; None: all that fit.

    Raises:
        ValueError: No recording is long enough for one block.
    """
    skip, n_prompt = int(SAMPLING_RATE), round(prompt_seconds * SAMPLING_RATE)  # 1 s: the filters' edge
    n = round(continuation_seconds * SAMPLING_RATE)
    parts: tuple[list, ...] = ([], [], [], [], [], [])
    longest = 0
    for number, (x, subject, condition, *_) in enumerate(signals):
        longest = max(longest, x.shape[-1])
        fit = (x.shape[-1] - 2 * skip - n_prompt) // (2 * n)
        count = min(fit, items_per_recording or fit)
        for k in np.linspace(0, fit - 1, max(count, 0)).round().astype(int):
            start = skip + n_prompt + 2 * n * k
            cuts = (start - n_prompt, start, start + n, start + 2 * n)
            stretches = (x[:, a:b] for a, b in pairwise(cuts))
            for part, value in zip(parts, (*stretches, subject, condition, number), strict=True):
                part.append(value)
    if not parts[0]:
        needed = 2 + prompt_seconds + 2 * continuation_seconds
        raise ValueError(
            f"The longest recording has {longest / SAMPLING_RATE:.0f} s, but {needed:.0f} s are needed: a "
            f"prompt of {prompt_seconds:g} s, twice {continuation_seconds:g} s of continuation. Shorten them."
        )
    prompt, real, other = (np.stack(part) for part in parts[:3])
    return Segments(prompt, real, other, np.array(parts[3]), parts[4], list(ch_names), recordings=np.array(parts[5]))


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
