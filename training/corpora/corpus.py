# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Defines corpora: a corpus holds recordings under one licence, and opens each recording only when it is read."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import mne

from get_hf.modeling.configuration_get import CONDITIONS
from get_hf.processing.conditions_get import Vocabulary


class CorpusUnavailableError(ValueError):
    """Error for a corpus that is not local and cannot be downloaded; its message says which files to put where."""


@dataclass(frozen=True)
class Recording:
    """One recording of a corpus.

    No file is read before `open`. So the object needs little memory and can be sent to another process quickly.

    Attributes:
        subject: Name of the recorded person; all recordings of a subject are in the same split.
        session: Name of the session and run, unique within the subject.
        opener: Function that opens the recording; samples are loaded lazily.
        condition: Condition of the whole recording, or None if the recording has no single condition.
        annotation_conditions: Dictionary from annotation descriptions to conditions. Descriptions that are not in it
            have no condition. None: the descriptions are names of conditions, in any spelling.
        files: Known local files of the recording. When one of these files changes, segments are built again.
    """

    subject: str
    session: str
    opener: Callable[[], mne.io.BaseRaw]
    condition: str | None = None
    annotation_conditions: Mapping[str, str] | None = field(default_factory=dict)
    files: tuple[Path, ...] = ()

    def open(self) -> mne.io.BaseRaw:
        """Opens the recording in volts, at its original sampling rate; samples are loaded lazily.

        Channels that are known not to be EEG are left out, or get their correct channel type.
        """
        return self.opener()

    def condition_spans(
        self, raw: mne.io.BaseRaw, conditions: Sequence[str] = CONDITIONS
    ) -> list[tuple[float, float, str]]:
        """Returns the conditions over time as (onset, end, condition), in seconds from the first sample of `raw`.

        Args:
            raw: The opened recording.
            conditions: Names of conditions that annotations may have. They are used if the recording has no
                `annotation_conditions`. The first name means unknown.
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
        name: Name of the corpus; pass it to `get_corpus`.
        description: One sentence that says what was recorded.
        licence: Licence of the recordings, as the owners name it.
        citation: Publications to cite.
        homepage: Web page that describes the corpus.
        may_redistribute: Whether the licence allows publishing data derived from the recordings.
        obtain: Text that says how to get the corpus: which program downloads it, or what to fetch by hand and where to
            put it.
        find: Function that lists all recordings in a fixed order. Its argument is the folder that may hold the data,
            or None.
        conditions: GET's condition for each event or state of the corpus, such as
            `{"T1 in runs 4, 8, 12": "left_fist"}`. This is only documentation; `Recording` assigns the conditions.
        size: Text with the number of people, recordings, hours and gigabytes.
        n_chans: Number of EEG channels of a recording, or None if recordings differ.
        sampling_rate: Sampling rate in Hz, or None if recordings differ.
        reference: Text that names the reference of the channels.
        splits: Subjects of each split. Subjects that are in no split are left out. None: all subjects are for
            training.
        person: Function that returns the person of a subject. The same person has the same name in all corpora.
            Subjects that are the same person must never be in different splits. None: each subject is a different
            person.
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
            data_dir: Folder with the corpus, or its parent folder. None: MNE's folder for data sets. The corpus is
                downloaded to this folder if necessary.
            split: "train", "validation" or "test"; None: all splits.

        Raises:
            CorpusUnavailableError: The corpus is not in `data_dir`, or could not be downloaded.
        """
        for recording in self.find(None if data_dir is None else Path(data_dir).expanduser()):
            own = self.split_of(recording.subject)
            if own is not None and split in (None, own):
                yield recording

    def split_of(self, subject: str) -> str | None:
        """Returns the split of a subject, or None if the subject is in no split."""
        if self.splits is None:
            return "train"
        return next((split for split, subjects in self.splits.items() if subject in subjects), None)

    def person_of(self, subject: str) -> str:
        """Returns the name of the person of a subject; it is the same in every corpus that recorded this person."""
        return f"{self.name}/{subject}" if self.person is None else self.person(subject)
