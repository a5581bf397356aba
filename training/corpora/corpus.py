# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Corpora: recordings under one licence, each opened only when it is read."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import mne

from get_hf.modeling.configuration_get import CONDITIONS
from get_hf.processing.conditions_get import Vocabulary


class CorpusUnavailableError(ValueError):
    """A corpus is neither local nor downloadable; the message says what to fetch and where to put it."""


@dataclass(frozen=True)
class Recording:
    """One recording of a corpus, cheap to hold and to send to another process: no file is read before `open`.

    Attributes:
        subject: The recorded person; splits never divide a subject.
        session: Name of the session and run, unique within the subject.
        opener: Opens the recording; samples are loaded lazily.
        condition: Condition of the whole recording, if there is only one.
        annotation_conditions: Condition of each annotation description that has one; None: descriptions
            are names of conditions, in any spelling.
        files: Known local files of the recording. When one of them changes, segments are built again.
    """

    subject: str
    session: str
    opener: Callable[[], mne.io.BaseRaw]
    condition: str | None = None
    annotation_conditions: Mapping[str, str] | None = field(default_factory=dict)
    files: tuple[Path, ...] = ()

    def open(self) -> mne.io.BaseRaw:
        """Opens the recording in volts, at its own sampling rate; samples are loaded lazily.

        Channels known not to be EEG are left out, or have their true channel type.
        """
        return self.opener()

    def condition_spans(
        self, raw: mne.io.BaseRaw, conditions: Sequence[str] = CONDITIONS
    ) -> list[tuple[float, float, str]]:
        """Conditions over time: (onset, end, condition), in seconds from the first sample of `raw`.

        Args:
            raw: The opened recording.
            conditions: Names that descriptions may be, where the recording itself assigns none; the first one means
                unknown.
        """
        if self.condition is not None:
            return [(0.0, raw.n_times / raw.info["sfreq"], self.condition)]
        names = Vocabulary(conditions, conditions[1:])
        name_of = names.find if self.annotation_conditions is None else self.annotation_conditions.get
        onsets, notes = raw.annotations.onset - raw.first_time, raw.annotations
        return [
            (float(onset), float(onset + duration), name)
            for onset, duration, description in zip(onsets, notes.duration, notes.description, strict=True)
            if (name := name_of(description)) is not None
        ]


@dataclass(frozen=True)
class Corpus:
    """A collection of recordings under one licence.

    Attributes:
        name: Name for `get_corpus`.
        description: What was recorded, in one sentence.
        licence: Licence of the recordings, as named by its owners.
        citation: Publications to cite.
        homepage: Web page that describes the corpus.
        may_redistribute: Whether the licence allows publishing data derived from the recordings.
        obtain: How to get the corpus: who downloads it, or what to fetch by hand and where to put it.
        find: Lists all recordings in a fixed order, given the folder that may hold the data (or None).
        conditions: GET's condition for each of the corpus's own events or states, such as
            `{"T1 in runs 4, 8, 12": "left_fist"}`. This is documentation; `Recording` assigns conditions.
        size: People, recordings, hours and gigabytes, in words.
        n_chans: Number of EEG channels of a recording, or None if it differs.
        sampling_rate: Hz, or None if it differs.
        reference: Reference of the channels in the recordings, in words.
        splits: Subjects of each split, or None: all subjects are for training. Subjects in no split are
            left out.
        person: Gives the person behind a subject, across corpora and names: subjects with the same person must
            never be in different splits. By default each subject is a different person.
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
            data_dir: Folder with the corpus, or its parent folder. None: MNE's folder for data sets; the corpus
                is downloaded to it if necessary.
            split: "train", "validation" or "test"; None: all splits.

        Raises:
            CorpusUnavailableError: The corpus is not in `data_dir`, or could not be downloaded.
        """
        for recording in self.find(None if data_dir is None else Path(data_dir).expanduser()):
            own = self.split_of(recording.subject)
            if own is not None and split in (None, own):
                yield recording

    def split_of(self, subject: str) -> str | None:
        """Split of a subject, or None for a subject in no split."""
        if self.splits is None:
            return "train"
        return next((split for split, subjects in self.splits.items() if subject in subjects), None)

    def person_of(self, subject: str) -> str:
        """The person behind a subject: the same text in every corpus that recorded this person."""
        return f"{self.name}/{subject}" if self.person is None else self.person(subject)
