# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What a corpus is: recordings under one licence, each opened only when it is read."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import mne

from get_hf.modeling.configuration_get import CONDITIONS
from get_hf.processing.conditions_get import Vocabulary

_NAMES = Vocabulary(CONDITIONS, CONDITIONS[1:])


class CorpusUnavailableError(ValueError):
    """A corpus is neither here nor within reach; the message says what to fetch and where to put it."""


@dataclass(frozen=True)
class Recording:
    """One recording of a corpus, cheap to hold and to send to another process: nothing is read before `open`.

    Attributes:
        subject: Whose brain it is; splits never divide a subject.
        session: Name of the session and run, unique within the subject.
        opener: Opens the recording, samples lazily.
        condition: What the subject did from beginning to end, if it was one thing.
        annotation_conditions: Condition of each annotation description that means one; None where descriptions
            are names of conditions, in any spelling.
        files: Local files it is read from, as far as they are known: when one changes, what was built is built
            anew.
    """

    subject: str
    session: str
    opener: Callable[[], mne.io.BaseRaw]
    condition: str | None = None
    annotation_conditions: Mapping[str, str] | None = field(default_factory=dict)
    files: tuple[Path, ...] = ()

    def open(self) -> mne.io.BaseRaw:
        """Opens the recording in volts, at its own rate, samples lazily.

        Channels known not to be EEG are left out, or typed as what they are.
        """
        return self.opener()

    def condition_spans(self, raw: mne.io.BaseRaw) -> list[tuple[float, float, str]]:
        """What the subject did when: (onset, end, condition), seconds from the first sample of `raw`."""
        if self.condition is not None:
            return [(0.0, raw.n_times / raw.info["sfreq"], self.condition)]
        name_of = _NAMES.find if self.annotation_conditions is None else self.annotation_conditions.get
        onsets, notes = raw.annotations.onset - raw.first_time, raw.annotations
        return [
            (float(onset), float(onset + duration), name)
            for onset, duration, description in zip(onsets, notes.duration, notes.description, strict=True)
            if (name := name_of(description)) is not None
        ]


@dataclass(frozen=True)
class Corpus:
    """A body of recordings under one licence.

    Attributes:
        name: What `get_corpus` calls it.
        description: What was recorded, in one sentence.
        licence: Licence of the recordings, as its owners name it.
        citation: What to cite.
        homepage: Where it is described.
        may_redistribute: Whether the licence allows publishing what is derived from the recordings.
        obtain: How it gets here: who downloads it, or what to fetch by hand and where to put it.
        find: Lists all recordings, given the folder where the data may lie (or None), in a fixed order.
        conditions: GET's condition for each of the corpus's own events or states, such as
            `{"T1 in runs 4, 8, 12": "left_fist"}`: for people to read, `Recording` does the work.
        size: People, recordings, hours and gigabytes, in words.
        n_chans: EEG channels of a recording, or None where they differ.
        sampling_rate: Hz, or None where it differs.
        reference: What the channels were recorded against, in words.
        splits: Subjects of each split, or None where everything is for training. Subjects in no split are
            left out.
        person: Who a subject is, across corpora and across names: two subjects with the same person must
            never be in different splits. By default everybody is somebody else.
    """

    name: str
    description: str
    licence: str
    citation: str
    homepage: str
    may_redistribute: bool
    obtain: str
    find: Callable[[Path | None], list[Recording]]
    conditions: Mapping[str, str] = field(default_factory=dict)
    size: str = "unknown"
    n_chans: int | None = None
    sampling_rate: float | None = None
    reference: str = "unknown"
    splits: Mapping[str, tuple[str, ...]] | None = None
    person: Callable[[str], str] | None = None

    def recordings(self, data_dir: str | Path | None = None, split: str | None = None) -> Iterator[Recording]:
        """Iterates over the recordings of one split, or of all splits, in a fixed order.

        Args:
            data_dir: Folder that holds the corpus or a folder of its name. None: where MNE keeps its data
                sets, and downloaded to there if need be.
            split: "train", "validation" or "test".

        Raises:
            CorpusUnavailableError: The corpus is not in `data_dir`, or could not be downloaded.
        """
        for recording in self.find(None if data_dir is None else Path(data_dir).expanduser()):
            own = self.split_of(recording.subject)
            if own is not None and split in (None, own):
                yield recording

    def split_of(self, subject: str) -> str | None:
        """Split of a subject, or None for one that no split uses."""
        if self.splits is None:
            return "train"
        return next((split for split, subjects in self.splits.items() if subject in subjects), None)

    def person_of(self, subject: str) -> str:
        """Who a subject is, the same text wherever the same person was recorded."""
        return f"{self.name}/{subject}" if self.person is None else self.person(subject)
