# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Prepared corpora: folders of Parquet shards, which many tools read, with a file that describes the shards.

    prepared = prepare("eegmmidb", "prepared/eegmmidb", data_dir="data")
    segments = load_prepared("prepared/eegmmidb")                          # or "owner/name" on the Hub
    stream = load_prepared("owner/name", split="train", streaming=True)    # for a corpus larger than the disk

The folder holds the files `data/<split>-00000-of-0000N.parquet` and `dataset_info.json`. The rows are described in
`get_hf.training.data.segments`. `datasets.load_dataset(folder)` reads the folder without this package. The same
recordings always give the same bytes, whatever the number of processes. The number of shards is a power of two, so
that 2, 4, 8 ... processes can each read the same number of shards. The numbers of rows of two shards differ by at most
one, so that all processes finish at about the same time.
"""

import json
import re
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError, RepositoryNotFoundError

from get_hf.modeling.configuration_get import CONDITIONS
from get_hf.training.corpora import Corpus, get_corpus
from get_hf.training.corpora.full_disk import full_disk_in_one_sentence, is_full_disk

from .cleaning import clean_recordings, read_segments
from .run_folder import locked, put_in_place
from .segments import FEATURES, EEGSegmentsConfig, fingerprint, is_incomplete, problems, source_code

#: File that describes the shards; a folder with this file is a prepared corpus.
INFO = "dataset_info.json"
SPLITS = ("train", "validation", "test")
#: Folder for cleaned recordings, beside a corpus that is being prepared.
RECORDINGS = "recordings"
#: Version of the format. Increase it when a change requires another way of reading the folder.
FORMAT = 2
#: Minimum number of shards of a split (fewer only if the split has fewer rows), and approximate maximum size of the
#: signals in a shard, in bytes.
FEWEST_SHARDS = 16
SHARD_BYTES = 128 * 2**20
#: Number of rows that are read at once: about 50 MB with 64 channels.
ROW_GROUP = 16
#: Floats that are split into byte streams become a fifth smaller with zstd, and are read faster than with Parquet's
#: default.
WRITING = {
    "compression": "zstd",
    "use_dictionary": ["ch_names", "subject", "session", "corpus", "problem"],
    "column_encoding": {"signal.list.element": "BYTE_STREAM_SPLIT"},
}


@dataclass(frozen=True)
class Prepared:
    """Description of a prepared corpus, without its signals.

    Attributes:
        folder: Folder of the prepared corpus, or "owner/name" on the Hub.
        corpus: Name in the registry of corpora.
        fingerprint: Hash of the recordings, the settings and the code.
        sampling_rate: Sampling rate in Hz.
        patch_size: Number of samples per patch; the column `conditions` has one number per patch.
        conditions: Names of the conditions; a number in the column `conditions` is an index into this list.
        splits: Number of rows of each split.
        subjects: Sorted subjects of each split.
        problems: (subject, session, problem) of each recording that could not be used completely.
        statistics: For each split: usable "subjects", "recordings", "segments" and "hours", "channels" (the
            different channel counts), "microvolts" (median of the segments' RMS) and "hours_of_condition".
    """

    folder: Path | str
    corpus: str
    fingerprint: str
    sampling_rate: float
    patch_size: int
    conditions: list[str]
    splits: dict[str, int]
    subjects: dict[str, list[str]]
    problems: list[tuple[str, str, str]]
    statistics: dict[str, dict[str, Any]]

    @classmethod
    def read(cls, source: str | Path) -> "Prepared":
        """Reads the description that `prepare` wrote, from a folder or a dataset on the Hub.

        Raises:
            ValueError: There is no prepared corpus, or it has another format.
            OSError: The Hub cannot be reached, or has no such dataset.
        """
        missing = f"{source} is not a prepared corpus, it has no {INFO}: make one with get-hf corpus prepare."
        path = Path(source).expanduser() / INFO
        if is_on_hub(source):
            try:
                path = Path(hf_hub_download(str(source), INFO, repo_type="dataset"))
            except LocalEntryNotFoundError as error:
                raise OSError(f"the Hub cannot be reached, and {source} was not fetched before.") from error
            except RepositoryNotFoundError as error:
                raise ValueError(f"there is neither a folder {source} here nor such a dataset on the Hub.") from error
            except EntryNotFoundError as error:
                raise ValueError(missing) from error
        elif not path.is_file():
            raise ValueError(missing)
        try:
            info = json.loads(path.read_text(encoding="utf-8"))
            if info.get("format") != FORMAT:
                raise ValueError(f"its format is {info.get('format')!r}, and this version of get-hf reads {FORMAT}")
            return cls(
                folder=str(source) if is_on_hub(source) else Path(source).expanduser(),
                splits={name: split["num_examples"] for name, split in info["splits"].items()},
                problems=[tuple(problem) for problem in info["problems"]],
                **{name: info[name] for name in cls.__annotations__ if name not in ("folder", "splits", "problems")},
            )
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise ValueError(
                f"{source} is not a prepared corpus that can be read ({error}): prepare it again."
            ) from error


def is_on_hub(source: str | Path) -> bool:
    """Whether a name is the name of a dataset on the Hub: it has the form owner/name and is not a local folder."""
    return bool(re.fullmatch(r"[\w.-]+/[\w.-]+", str(source))) and not Path(source).expanduser().is_dir()


def prepare(
    corpus: str,
    out: str | Path,
    data_dir: str | Path | None = None,
    num_proc: int | None = None,
    segment_seconds: float = EEGSegmentsConfig.segment_seconds,
    progress: Callable[[int, int], object] | None = None,
) -> Prepared:
    """Prepares a corpus: cleans its recordings and writes the folder, completely or not at all.

    The preparation needs twice the disk space of the result. If it is interrupted, the cleaned recordings stay in a
    hidden folder beside `out`, and the next call continues from them. If the disk is full, they are deleted.

    Args:
        corpus: Name in the registry of corpora.
        out: Folder to write. An existing prepared corpus is replaced, or kept if the result would be the same.
        data_dir: Folder with the recordings. None: see `Corpus.recordings`.
        num_proc: Number of processes that clean recordings.
        segment_seconds: Approximate length of a segment in seconds.
        progress: Function that is called with the number of cleaned recordings and the number of all recordings.

    Raises:
        CorpusUnavailableError: The corpus cannot be found.
        ValueError: No corpus has that name, or `out` holds other files.
        OSError: The disk is full, `out` cannot be written to, or another process is preparing `out`.
    """
    entry, out = get_corpus(corpus), Path(out).expanduser().absolute()
    own = datasets.fingerprint.Hasher.hash([fingerprint(corpus, data_dir), segment_seconds, FORMAT, _source()])
    if found := _same(out, own):
        return found
    settings = datasets.fingerprint.Hasher.hash([corpus, segment_seconds, FORMAT, _source(), source_code()])
    with _work_folder(out, settings) as work:
        with full_disk_in_one_sentence(out):
            splits = _clean(entry, corpus, data_dir, work / RECORDINGS, segment_seconds, num_proc, progress)
            _write(entry, splits, work / "whole", {"fingerprint": own, "segment_seconds": segment_seconds})
        put_in_place(work / "whole", out, work / "replaced")
    return Prepared.read(out)


def kept(out: str | Path) -> str:
    """Returns a text that says what an interrupted preparation has kept, and how to continue."""
    done = len(list((_beside(Path(out).expanduser().absolute()) / RECORDINGS).glob("*.arrow")))
    if not done:
        return f"{out} is as it was: the same command starts again"
    return f"{out} is as it was, and {done} recordings that are cleaned are kept: the same command goes on"


def _clean(
    entry: Corpus,
    corpus: str,
    data_dir: str | Path | None,
    folder: Path,
    segment_seconds: float,
    num_proc: int | None,
    progress: Callable[[int, int], object] | None,
) -> dict[str, list[Path]]:
    """Cleans the recordings of a corpus and returns, for each split, one file per recording."""
    recordings = list(entry.recordings(data_dir))
    of = {split: [r for r in recordings if entry.split_of(r.subject) == split] for split in SPLITS}
    ordered = [recording for split in SPLITS for recording in of[split]]
    files = iter(clean_recordings(corpus, ordered, folder, segment_seconds, num_proc, progress))
    return {split: [next(files) for _ in of[split]] for split in SPLITS if of[split]}


def _beside(out: Path) -> Path:
    return out.parent / f".get-hf-prepare-{out.name}"


@contextmanager
def _work_folder(out: Path, settings: str) -> Iterator[Path]:
    """Yields the work folder beside `out`, after removing files of an earlier process that cannot be used.

    Args:
        out: Folder of the prepared corpus.
        settings: Hash of everything that cleaned recordings depend on, except the recordings themselves.
    """
    work = _beside(out)
    recordings = work / RECORDINGS
    try:
        with locked(work, f"preparing {out}"):
            if (work / "replaced").exists() and not out.exists():  # an earlier process stopped between two renames
                (work / "replaced").rename(out)
            for left in ("whole", "replaced"):
                shutil.rmtree(work / left, ignore_errors=True)
            written = work / "settings"
            if recordings.exists() and not (written.is_file() and written.read_text() == settings):
                warnings.warn(
                    f"The segments of {out} were cleaned with other settings before, and are cleaned again.",
                    stacklevel=4,
                )
                shutil.rmtree(recordings)
            written.write_text(settings)
            try:
                yield work
            except BaseException as error:
                shutil.rmtree(work / "whole", ignore_errors=True)
                if is_full_disk(error) or not any(recordings.glob("*.arrow")):
                    _empty(work)
                raise
            _empty(work)
    finally:
        with suppress(OSError):  # the folder holds recordings, or another process uses it now
            work.rmdir()


def _empty(work: Path) -> None:
    for left in ("whole", "replaced", RECORDINGS):
        shutil.rmtree(work / left, ignore_errors=True)
    (work / "settings").unlink(missing_ok=True)


def load_prepared(
    source: str | Path, split: str | None = None, streaming: bool = False, cache_dir: str | Path | None = None
) -> Any:
    """Loads a prepared corpus.

    Args:
        source: Folder of the prepared corpus, or "owner/name" on the Hub.
        split: "train", "validation" or "test". None: all splits of the corpus.
        streaming: Whether to read data only when they are needed. Otherwise `datasets` keeps a memory-mapped copy.
        cache_dir: Folder for this copy. None: the cache of `datasets`.

    Returns:
        Result of `datasets.load_dataset`: a `Dataset`, a `DatasetDict`, or their iterable versions.

    Raises:
        ValueError: There is no prepared corpus, or it has no such split.
        OSError: The Hub cannot be reached, or has no such dataset.
    """
    prepared = Prepared.read(source)
    if split is not None and split not in prepared.splits:
        raise ValueError(f"{source} has no split {split!r}: it has {', '.join(prepared.splits)}.")
    where = str(prepared.folder) if is_on_hub(source) else str(Path(prepared.folder).resolve())
    cache = None if cache_dir is None else str(cache_dir)
    return datasets.load_dataset(where, split=split, streaming=streaming, cache_dir=cache)


def shard_lengths(n_rows: int, n_bytes: int) -> list[int]:
    """Returns the number of rows of each shard of a split.

    The number of shards is a power of two, and the rows are divided evenly.
    """
    n_shards = 1
    while n_shards < FEWEST_SHARDS or n_bytes > n_shards * SHARD_BYTES:
        n_shards *= 2
    while n_shards > n_rows:
        n_shards //= 2
    return np.diff(np.linspace(0, n_rows, n_shards + 1).round().astype(int)).tolist()


def _source() -> str:
    return Path(__file__).read_text(encoding="utf-8")


def _same(out: Path, own: str) -> Prepared | None:
    """Returns the prepared corpus in `out`, or None if a new preparation would give another result."""
    found = _found(out)
    is_same = found and found.fingerprint == own and not is_incomplete(found.problems) and _has_all_shards(found)
    return found if is_same else None


def _found(out: Path) -> Prepared | None:
    """Returns the prepared corpus in a folder, or None if the folder is missing, is empty or has to be replaced.

    Raises:
        ValueError: The folder holds other files.
    """
    if not out.exists():
        return None
    if (out / INFO).is_file() and (out / "data").is_dir():
        try:
            return Prepared.read(out)
        except ValueError:
            return None
    if not out.is_dir() or any(out.iterdir()):
        raise ValueError(f"{out} is there and is not a prepared corpus: choose another folder, or remove it.")
    return None


def _has_all_shards(prepared: Prepared) -> bool:
    folder = Path(prepared.folder)
    splits = json.loads((folder / INFO).read_text(encoding="utf-8"))["splits"]
    return all(
        (folder / path).is_file()
        for name, split in splits.items()
        for path in _shards(name, len(split["shard_lengths"]))
    )


def _shards(split: str, n_shards: int) -> list[str]:
    return [f"data/{split}-{index:05d}-of-{n_shards:05d}.parquet" for index in range(n_shards)]


def _write(corpus: Corpus, files: Mapping[str, list[Path]], folder: Path, about: Mapping[str, Any]) -> None:
    """Writes the shards, and then the file that describes them."""
    (folder / "data").mkdir(parents=True)
    splits: dict[str, dict[str, Any]] = {}
    statistics, found, subjects = {}, [], {}
    known = [name for name in FEATURES if name != "signal"]
    for name, paths in files.items():
        dataset = datasets.Dataset(pa.concat_tables(read_segments(path, known) for path in paths))
        columns = dataset.select_columns(["n_chans", "n_times"]).with_format("numpy")[:]
        lengths = shard_lengths(len(dataset), 4 * int(np.dot(columns["n_chans"], columns["n_times"])))
        rows, levels = _rows(paths), []
        for path, length in zip(_shards(name, len(lengths)), lengths, strict=True):
            levels += _write_shard(rows, length, folder / path)
        n_bytes = sum((folder / path).stat().st_size for path in _shards(name, len(lengths)))
        splits[name] = {"name": name, "num_bytes": n_bytes, "num_examples": len(dataset), "shard_lengths": lengths}
        statistics[name] = _statistics(dataset, levels)
        subjects[name] = sorted(set(dataset["subject"]))
        found += problems(dataset)
    size = sum(split["num_bytes"] for split in splits.values())
    info = {
        "description": corpus.description,
        "citation": corpus.citation,
        "homepage": corpus.homepage,
        "license": corpus.licence,
        "features": FEATURES.to_dict(),
        "splits": splits,
        "download_size": size,
        "dataset_size": size,
        # keys for Prepared, which `datasets` ignores
        "format": FORMAT,
        "corpus": corpus.name,
        "sampling_rate": EEGSegmentsConfig.sampling_rate,
        "patch_size": EEGSegmentsConfig.patch_size,
        "conditions": list(CONDITIONS),
        **about,
        "subjects": subjects,
        "statistics": statistics,
        "problems": found,
    }
    (folder / INFO).write_text(json.dumps(info, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _rows(paths: list[Path]) -> Iterator[pa.Table]:
    """Yields the segments in `paths` one by one."""
    for path in paths:
        table = read_segments(path)
        yield from (table.slice(row, 1) for row in range(len(table)))


def _write_shard(rows: Iterator[pa.Table], length: int, path: Path) -> list[float]:
    """Writes the next `length` rows as a shard.

    Returns:
        Root mean square of each segment that has samples, in microvolts.
    """
    levels = []
    with pq.ParquetWriter(path, FEATURES.arrow_schema, **WRITING) as writer:
        for first in range(0, length, ROW_GROUP):
            # without combine_chunks, the bytes of the file would depend on Arrow's chunks
            table = pa.concat_tables(islice(rows, min(ROW_GROUP, length - first))).combine_chunks()
            writer.write_table(table)
            for signal in table["signal"].combine_chunks():
                if len(signal):
                    levels.append(float(np.sqrt(np.mean(signal.values.to_numpy() ** 2, dtype=np.float64))))
    return levels


def _statistics(dataset: datasets.Dataset, levels: list[float]) -> dict[str, Any]:
    """Computes the statistics of one split; see `Prepared`."""
    names = ["subject", "session", "n_chans", "n_times", "sampling_rate", "conditions"]
    columns = dataset.select_columns(names).with_format("numpy")[:]
    usable = columns["n_times"] > 0
    recordings = list(zip(columns["subject"][usable], columns["session"][usable], strict=True))
    ids = np.concatenate([*columns["conditions"], []]).astype(int)
    hours_of_patch = EEGSegmentsConfig.patch_size / EEGSegmentsConfig.sampling_rate / 3600
    patches = np.bincount(ids, minlength=len(CONDITIONS))
    return {
        "subjects": len({subject for subject, _ in recordings}),
        "recordings": len(set(recordings)),
        "segments": int(usable.sum()),
        "hours": float(np.sum(columns["n_times"] / columns["sampling_rate"], dtype=np.float64) / 3600),
        "channels": sorted({int(n) for n in columns["n_chans"][usable]}),
        "microvolts": round(float(np.median(levels)), 3) if levels else None,
        "hours_of_condition": {
            name: float(n * hours_of_patch) for name, n in zip(CONDITIONS, patches, strict=True) if n
        },
    }
