# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Converts any corpus to a `datasets.Dataset` of long segments, which are cleaned once and then memory-mapped.

    segments = prepare_segments("eegmmidb", data_dir="data")          # DatasetDict: train, validation, test
    segments["train"][0]["ch_names"]

A whole recording is filtered to the model's band, resampled to the model's rate and converted to microvolts. Then it
is cut into equal segments of about two minutes, and each segment is stored in one row. Signals `(channels, times)` are
stored as flattened lists of variable length. If a row is read as Arrow, it is a view of the memory map. So a crop
copies only its few channels and seconds, whatever the montage and the length. With one fixed shape, channels and times
would need padding, and reading would not be faster.

Samples are float32. On EEGMMIDB, int16 with one scale per channel of a segment would halve the size: as Parquet, it
needs 0.47 of the float32 bytes, and float32 needs 0.83. But reading int16 takes up to 1.6 times as long. The rounding
error of int16 depends on the largest sample of the segment, not on the usual size of the signal. It disturbs 0.3 % of
the whitened coefficients at 48-50 Hz (1.2 % in one of a hundred channels), and a third of them after one electrode pop
of 20 mV. Float32 disturbs two of a million coefficients.

All data that cannot be used are reported. A recording that cannot be used gives one row without samples, and the
`problem` in this row says why. A channel that cannot be used is left out of its segments, and their `problem` names
it. Both are also logged.
"""

import logging
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import datasets
import mne
import numpy as np
import pyarrow as pa
from datasets.builder import Key

from get_hf.modeling.configuration_get import CONDITIONS
from get_hf.processing import signal_get
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.processing.montage_get import UnknownChannelError, channel_positions
from get_hf.processing.reading_get import annotated_spans
from get_hf.processing.signal_get import level
from get_hf.processing.stretches_get import good_stretches
from get_hf.training import corpora
from get_hf.training.corpora import CorpusUnavailableError, Recording, get_corpus
from get_hf.training.corpora.full_disk import full_disk_in_one_sentence, is_full_disk

logger = logging.getLogger(__name__)

#: Limits of the median absolute amplitude of scalp EEG over a recording, in microvolts.
PLAUSIBLE_MICROVOLTS = (0.3, 500.0)
#: Recordings shorter than this number of seconds are too short for training.
SHORTEST_SECONDS = 4.0
#: Modules of processing/ that determine how a file is read.
_READERS = ("edf", "formats", "parsing", "scalp")
#: First words of the problem of a recording that could not be downloaded.
UNFETCHED = "not fetched: "

FEATURES = datasets.Features(
    {
        "signal": datasets.List(datasets.Value("float32")),
        "ch_names": datasets.List(datasets.Value("string")),
        "channel_positions": datasets.List(datasets.Value("float32")),
        "sampling_rate": datasets.Value("float32"),
        "n_chans": datasets.Value("int32"),
        "n_times": datasets.Value("int32"),
        "subject": datasets.Value("string"),
        "session": datasets.Value("string"),
        "start": datasets.Value("float32"),
        "corpus": datasets.Value("string"),
        "conditions": datasets.List(datasets.Value("int16")),
        "condition_onsets": datasets.List(datasets.Value("float32")),
        "problem": datasets.Value("string"),
    }
)


@dataclass
class EEGSegmentsConfig(datasets.BuilderConfig):
    """Settings that name the corpus and determine the form of its segments.

    Attributes:
        corpus: Name in the registry of corpora, such as "eegmmidb" or "files:/data/*.edf".
        data_dir: Folder with the corpus. None: see `Corpus.recordings`.
        sampling_rate: The model's sampling rate in Hz.
        patch_size: The model's number of samples per patch; a segment consists of whole patches.
        segment_seconds: Approximate length of a segment in seconds. A recording is cut into equal segments whose
            length is as close to this value as possible.
        own_conditions: Names of additional conditions that annotations may have; their ids follow the usual ones.
    """

    corpus: str = "eegmmidb"
    sampling_rate: float = 100.0
    patch_size: int = 25
    segment_seconds: float = 120.0
    own_conditions: tuple[str, ...] = ()

    @property
    def conditions(self) -> list[str]:
        """Returns the names of all conditions, ordered by id."""
        return [*CONDITIONS, *self.own_conditions]


class EEGSegments(datasets.ArrowBasedBuilder):
    """Builds the segments of one corpus; `FEATURES` and `segment_table` describe the columns."""

    VERSION = datasets.Version("1.1.0")  # increase it when the same recordings give other rows
    BUILDER_CONFIG_CLASS = EEGSegmentsConfig
    DEFAULT_WRITER_BATCH_SIZE = 16  # rows of about 3 MB each

    def _info(self) -> datasets.DatasetInfo:
        corpus = get_corpus(self.config.corpus)
        return datasets.DatasetInfo(
            description=f"Segments of {corpus.name}, cleaned for GET.",
            citation=corpus.citation,
            homepage=corpus.homepage,
            license=corpus.licence,
            features=FEATURES,
        )

    def _split_generators(self, dl_manager: datasets.DownloadManager) -> list[datasets.SplitGenerator]:
        corpus = get_corpus(self.config.corpus)
        by_split: dict[str, list[Recording]] = {}
        for recording in corpus.recordings(self.config.data_dir):
            by_split.setdefault(corpus.split_of(recording.subject), []).append(recording)
        return [
            datasets.SplitGenerator(split, gen_kwargs={"recordings": by_split[split]})
            for split in ("train", "validation", "test")
            if split in by_split
        ]

    def _generate_tables(self, recordings: list[Recording]) -> Iterator[tuple[Key, pa.Table]]:
        config = self.config
        extractor = GETFeatureExtractor(config.sampling_rate, config.patch_size, conditions=config.conditions)
        for index, recording in enumerate(recordings):
            table = segment_table(recording, self.config.corpus, self.config.segment_seconds, extractor)
            yield Key(index, 0), table


def prepare_segments(
    corpus: str,
    data_dir: str | Path | None = None,
    cache_dir: str | Path | None = None,
    sampling_rate: float = 100.0,
    patch_size: int = 25,
    segment_seconds: float = 120.0,
    num_proc: int | None = None,
    own_conditions: Sequence[str] = (),
) -> datasets.DatasetDict:
    """Builds the segments of a corpus, or loads existing segments.

    Existing segments are found by their `fingerprint`. If a recording could not be downloaded for them, they are built
    again.

    Args:
        corpus: Name in the registry of corpora.
        data_dir: Folder with the corpus. None: see `Corpus.recordings`.
        cache_dir: Folder for the result. None: the cache of `datasets`.
        sampling_rate: The model's sampling rate in Hz.
        patch_size: The model's number of samples per patch.
        segment_seconds: Approximate length of a segment in seconds.
        num_proc: Number of processes. The result does not depend on it.
        own_conditions: Names of additional conditions that annotations may have; their ids follow the usual ones.

    Raises:
        CorpusUnavailableError: The corpus cannot be found.
        ValueError: No corpus has that name.
        OSError: The disk is full, or the cache cannot be written to. Incomplete files are removed.
    """
    builder = EEGSegments(
        cache_dir=None if cache_dir is None else str(cache_dir),
        dataset_name=corpus.partition(":")[0],
        hash=fingerprint(corpus, data_dir),
        corpus=corpus,
        data_dir=None if data_dir is None else str(Path(data_dir).expanduser().resolve()),
        sampling_rate=sampling_rate,
        patch_size=patch_size,
        segment_seconds=segment_seconds,
        own_conditions=tuple(own_conditions),
    )
    first = not int(os.environ.get("LOCAL_RANK", 0))  # one of the processes that torchrun starts here is enough
    was_built = Path(builder.cache_dir).exists()
    with full_disk_in_one_sentence(builder.cache_dir):
        builder.download_and_prepare(num_proc=num_proc)
        if first and was_built and any(is_incomplete(problems(split)) for split in builder.as_dataset().values()):
            builder.download_and_prepare(download_mode="force_redownload", num_proc=num_proc)
    return builder.as_dataset()


def fingerprint(corpus: str, data_dir: str | Path | None = None) -> str:
    """Returns a hash of everything that the segments of a corpus depend on: its recordings, their files, and the code.

    For files, the size and the time of the last change are used. Reading the contents of a large corpus would take as
    long as preparing it. The hash does not depend on the folder of the files.

    Raises:
        CorpusUnavailableError: The corpus cannot be found.
        ValueError: No corpus has that name.
    """
    listing = [
        (recording.subject, recording.session, [size_and_time(path) for path in recording.files])
        for recording in get_corpus(corpus).recordings(data_dir)
    ]
    return datasets.fingerprint.Hasher.hash([corpus, listing, source_code()])


def source_code() -> list[str]:
    """Returns the source code that segments depend on, one text per module."""
    names = ("feature_extraction_get", "montage_get", "signal_get", "stretches_get", *_READERS)
    modules = [Path(signal_get.__file__).with_name(f"{name}.py") for name in names]
    sources = [Path(__file__), *modules, *sorted(Path(corpora.__file__).parent.glob("*.py"))]
    return [source.read_text(encoding="utf-8") for source in sources]


def size_and_time(path: Path) -> tuple[int, int] | None:
    """Returns the size of a file in bytes and the time of its last change in nanoseconds, or None if it is missing."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def problems(dataset: datasets.Dataset) -> list[tuple[str, str, str]]:
    """Returns (subject, session, problem) of each recording that could not be used completely."""
    columns = dataset.select_columns(["subject", "session", "problem"])[:]
    rows = zip(columns["subject"], columns["session"], columns["problem"], strict=True)
    return list(dict.fromkeys(row for row in rows if row[2]))


def is_incomplete(found: list[tuple[str, str, str]]) -> bool:
    """Whether any recording could not be downloaded, so that a later download may succeed."""
    return any(problem.startswith(UNFETCHED) for _, _, problem in found)


def segment_table(
    recording: Recording, corpus: str, segment_seconds: float, extractor: GETFeatureExtractor
) -> pa.Table:
    """Cleans one recording and cuts it into segments.

    Args:
        recording: The recording.
        corpus: Name of its corpus.
        segment_seconds: Approximate length of a segment in seconds.
        extractor: Feature extractor that cleans the signal and defines the patch length and the condition ids.

    Returns:
        A table with one row per segment and the columns of `FEATURES`. `signal` is `(n_chans, n_times)` flattened, in
        float32 microvolts at `sampling_rate` Hz. `channel_positions` is `(n_chans, 6)` flattened. `conditions` has one
        id per whole patch, which is 0 if the condition is unknown. `condition_onsets` has for each patch the time when
        its condition began, in seconds from the start of the segment: annotations rarely begin with a patch. The time
        is negative if the condition began before the segment. `start` is in seconds from the first sample of the
        recording. A recording that cannot be used gives one row without channels and times.

    Raises:
        OSError: The disk is full; this is not a problem of the recording.
    """
    row: dict[str, Any] = {"subject": recording.subject, "session": recording.session, "corpus": corpus}
    row["sampling_rate"] = extractor.sampling_rate
    try:
        raw = recording.open()
        stretches = _good_stretches(raw)
        signal, ch_names, positions, problem = _clean_recording(raw, extractor)
        spans = recording.condition_spans(raw, extractor.conditions)
    except Exception as error:  # MNE's readers raise many errors, and one bad file must not stop the others
        if is_full_disk(error):  # some corpora download a recording when it is opened
            raise
        problem = str(error).strip().partition("\n")[0] or type(error).__name__
        for path in recording.files:  # published data must not show private folders
            problem = problem.replace(f"{path.parent}{os.sep}", "")
        if isinstance(error, CorpusUnavailableError):
            problem = f"{UNFETCHED}{problem}"
        logger.warning("%s %s %s cannot be used: %s", corpus, recording.subject, recording.session, problem)
        empty = {
            "signal": [],
            "ch_names": [],
            "channel_positions": [],
            "conditions": [],
            "condition_onsets": [],
            "n_chans": 0,
            "n_times": 0,
            "start": 0.0,
        }
        return pa.Table.from_pylist([row | empty | {"problem": problem}], schema=FEATURES.arrow_schema)
    if problem:
        logger.warning("%s %s %s: %s", corpus, recording.subject, recording.session, problem)

    conditions, onsets = _conditions_per_patch(spans, signal.shape[-1], extractor)
    columns: dict[str, list] = {name: [] for name in FEATURES}
    for first, last in _segments(stretches, signal.shape[-1], segment_seconds, extractor):
        part = signal[:, first * extractor.patch_size : last * extractor.patch_size].astype(np.float32)
        start = first * extractor.patch_size / extractor.sampling_rate
        own = row | {
            "signal": pa.array(part.ravel()),
            "ch_names": ch_names,
            "channel_positions": positions.ravel(),
            "n_chans": part.shape[0],
            "n_times": part.shape[1],
            "start": start,
            "conditions": conditions[first:last],
            "condition_onsets": onsets[first:last] - start,
            "problem": problem,
        }
        for name, value in own.items():
            columns[name].append(value)
    return pa.table(_arrow_columns(columns), schema=FEATURES.arrow_schema)


def _good_stretches(raw: mne.io.BaseRaw) -> list[tuple[float, float]]:
    """Returns begin and end in seconds of stretches without bad annotations, divided at interruptions.

    Raises:
        ValueError: No stretch is long enough.
    """
    rate = raw.info["sfreq"]
    good, cuts = good_stretches(annotated_spans(raw), raw.n_times, rate)
    whole = [
        (begin / rate, end / rate)
        for first, last in good
        for begin, end in pairwise([first, *(cut for cut in cuts if first < cut < last), last])
    ]
    long = [(begin, end) for begin, end in whole if end - begin >= SHORTEST_SECONDS]
    if not long:
        seconds = max(end - begin for begin, end in whole)
        raise ValueError(f"it is {seconds:.1f} s long without a break, and at least {SHORTEST_SECONDS:g} s are needed")
    return long


def _segments(
    stretches: list[tuple[float, float]], n_times: int, segment_seconds: float, extractor: GETFeatureExtractor
) -> Iterator[tuple[int, int]]:
    """Yields the first and the last patch (exclusive) of each segment of the stretches."""
    patch = extractor.patch_size / extractor.sampling_rate
    for begin, end in stretches:
        first, last = math.ceil(begin / patch - 1e-6), min(int(end / patch + 1e-6), n_times // extractor.patch_size)
        n_segments = max(1, round((last - first) * patch / segment_seconds))
        yield from pairwise(np.linspace(first, last, n_segments + 1).astype(int).tolist())


def _arrow_columns(columns: dict[str, list]) -> dict[str, pa.Array]:
    """Converts columns to Arrow arrays; lists of numbers are converted without a Python object for each number."""
    arrays = {}
    for name, values in columns.items():
        field = FEATURES.arrow_schema.field(name).type
        if pa.types.is_list(field) and name != "ch_names":
            offsets = np.cumsum([0] + [len(value) for value in values])
            flat = np.concatenate([np.asarray(value) for value in values])
            arrays[name] = pa.ListArray.from_arrays(offsets.astype(np.int32), pa.array(flat, field.value_type))
        else:
            arrays[name] = pa.array(values, field)
    return arrays


def _clean_recording(
    raw: mne.io.BaseRaw, extractor: GETFeatureExtractor
) -> tuple[np.ndarray, list[str], np.ndarray, str]:
    """Cleans the usable channels of a recording.

    Returns:
        Signal `(channels, times)` in microvolts at the model's sampling rate, channel names, positions
        `(channels, 6)`, and a text that names the omitted channels with the reasons, or "".

    Raises:
        ValueError: No channel of the recording can be used.
    """
    rate = raw.info["sfreq"]
    picks = mne.pick_types(raw.info, meg=False, eeg=True, exclude=())
    if not len(picks):
        raise ValueError("it has no EEG channels")
    montage = raw.get_montage()
    digitised = montage.get_positions()["ch_pos"] if montage is not None else None

    kept, positions, left_out = [], [], []
    for pick in picks:
        name = raw.ch_names[pick]
        try:
            position = _position(name, digitised)
        except UnknownChannelError:
            left_out.append(f"{name} (unknown position)")
            continue
        if name in raw.info["bads"]:
            left_out.append(f"{name} (marked bad)")
            continue
        kept.append(pick)
        positions.append(position)
    if not kept:
        raise ValueError(f"none of its channels can be used: {', '.join(left_out)}")

    signal = 1e6 * raw.get_data(picks=kept)
    finite = np.isfinite(signal).all(axis=-1)
    _, interruptions = good_stretches(annotated_spans(raw), raw.n_times, rate)
    signal = np.where(finite[:, None], signal, 0.0)
    clean = extractor.clean(level(signal, interruptions) if interruptions else signal, rate)
    typical = np.median(np.abs(clean), axis=-1)
    low, high = PLAUSIBLE_MICROVOLTS
    usable = finite & (typical >= low) & (typical <= high)
    for index in np.flatnonzero(~usable):
        reason = f"median amplitude {typical[index]:.3g} uV" if finite[index] else "not finite"
        left_out.append(f"{raw.ch_names[kept[index]]} ({reason})")
    if not usable.any():
        raise ValueError(f"none of its channels can be used: {', '.join(left_out)}")
    ch_names = [raw.ch_names[pick] for pick, use in zip(kept, usable, strict=True) if use]
    return (
        clean[usable],
        ch_names,
        np.stack(positions)[usable],
        f"left out {', '.join(left_out)}" if left_out else "",
    )


def _position(name: str, digitised: dict[str, np.ndarray] | None) -> np.ndarray:
    """Returns the position `(6,)` of a channel by its name, or the digitised position if the name is unknown.

    The feature extractor uses positions in the same form.
    """
    try:
        return channel_positions([name])[0]
    except UnknownChannelError:
        return channel_positions([name], digitised)[0]


def _conditions_per_patch(
    spans: list[tuple[float, float, str]], n_times: int, extractor: GETFeatureExtractor
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the condition id in the middle of each whole patch, and the time in seconds when this condition began.

    If spans overlap, the later span is used. Where the condition is unknown, the time is 0.
    """
    n_patches = n_times // extractor.patch_size
    middles = (np.arange(n_patches) + 0.5) * extractor.patch_size / extractor.sampling_rate
    conditions, onsets = np.zeros(n_patches, dtype=np.int16), np.zeros(n_patches)
    for onset, end, name in spans:
        own = (middles >= onset) & (middles < end)
        conditions[own], onsets[own] = extractor.condition_id(name), onset
    return conditions, onsets
