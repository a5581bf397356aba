# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import errno
import json
import os
import shutil
from functools import partial
from pathlib import Path

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError
from hypothesis import given
from hypothesis import strategies as st

from get_hf.training.corpora import CORPORA, Corpus, CorpusUnavailableError, Recording
from get_hf.training.data import prepared, segments
from get_hf.training.data.prepared import Prepared, is_on_hub, load_prepared, prepare, shard_lengths
from get_hf.training.data.segments import prepare_segments
from synthetic import make_raw


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def others(other_corpus, tmp_path) -> str:
    """A copy of the other corpus, to be changed."""
    original = Path(other_corpus.removeprefix("files:").removesuffix("/*/*.edf"))
    shutil.copytree(original, tmp_path / "recordings")
    return f"files:{tmp_path}/recordings/*/*.edf"


def test_anyone_can_load_the_folder_with_datasets_alone(prepared_folder, data_dir, cache_dir, tmp_path):
    loaded = datasets.load_dataset(str(prepared_folder), cache_dir=str(tmp_path))
    built = prepare_segments("eegmmidb", data_dir, cache_dir, segment_seconds=6.0)
    assert loaded.keys() == built.keys()
    for split, dataset in built.items():
        assert loaded[split].features == dataset.features
        ours, theirs = (d.with_format("arrow")[:].combine_chunks() for d in (dataset, loaded[split]))
        assert ours == theirs
    streamed = datasets.load_dataset(str(prepared_folder), split="validation", streaming=True)
    assert [row["start"] for row in streamed] == built["validation"]["start"]


def test_the_description_lies_beside_the_shards(prepared_folder, other_folder):
    info = datasets.DatasetInfo.from_directory(str(prepared_folder))
    assert info.license == CORPORA["eegmmidb"].licence
    assert info.citation == CORPORA["eegmmidb"].citation
    assert {name: split.num_examples for name, split in info.splits.items()} == Prepared.read(prepared_folder).splits
    found = Prepared.read(prepared_folder)
    assert found.corpus == "eegmmidb"
    assert found.subjects == {"train": ["S001", "S002", "S003"], "validation": ["S080"], "test": ["S090"]}
    assert [problem[:2] for problem in found.problems] == [("S003", "R01"), ("S003", "R02")]
    train = found.statistics["train"]
    assert (train["subjects"], train["recordings"], train["channels"]) == (3, 8, [7, 8])
    assert train["segments"] == found.splits["train"] - 1
    assert train["hours"] * 3600 == pytest.approx(8 * 23.5, abs=0.5)
    assert sum(train["hours_of_condition"].values()) * 3600 == pytest.approx(8 * 23.5, abs=0.5)
    assert train["hours_of_condition"]["eyes_open"] * 3600 == pytest.approx(2 * 23.5, abs=0.5)
    # 15 uV of background and alpha on top of it, as `synthetic_eeg` makes them
    assert 10 < train["microvolts"] < 30
    assert found.statistics["test"]["subjects"] == 1

    other = Prepared.read(other_folder)
    assert other.splits == {"train": other.statistics["train"]["segments"] + 1}
    assert other.statistics["train"]["channels"] == [3]
    assert other.subjects == {"train": ["anna", "bert", "cleo"]}
    ((person, session, problem),) = other.problems
    assert (person, session) == ("cleo", "2.edf")
    assert "3.0 s long" in problem


def test_no_folder_of_this_machine_is_published(prepared_folder, data_dir):
    assert Prepared.read(prepared_folder).problems  # one of a file, whose reader names the file
    for content in contents(prepared_folder).values():
        assert str(data_dir).encode() not in content


def test_the_same_recordings_give_the_same_bytes_in_any_number_of_processes(others, tmp_path):
    one = prepare(others, tmp_path / "one", segment_seconds=4.0)
    two = prepare(others, tmp_path / "two", segment_seconds=4.0, num_proc=2)
    assert one.fingerprint == two.fingerprint
    assert contents(one.folder) == contents(two.folder)
    other = prepare(others, tmp_path / "three", segment_seconds=5.0)
    assert other.fingerprint != one.fingerprint


def test_a_prepared_folder_is_reused_until_a_recording_changes(others, tmp_path, monkeypatch):
    first = prepare(others, tmp_path / "out")
    (first.folder / "README.md").write_text("card")
    before = contents(first.folder)
    with monkeypatch.context() as patch:
        patch.setattr(prepared, "clean_recordings", None)
        assert prepare(others, tmp_path / "out") == first
        assert contents(first.folder) == before

    recording = tmp_path / "recordings/bert/0.edf"
    os.utime(recording, ns=(0, recording.stat().st_mtime_ns + 1))
    touched = prepare(others, tmp_path / "out")
    assert touched.fingerprint != first.fingerprint
    assert not (first.folder / "README.md").exists()
    shutil.copytree(tmp_path / "recordings/bert", tmp_path / "recordings/dora")
    more = prepare(others, tmp_path / "out")
    assert more.subjects["train"] == ["anna", "bert", "cleo", "dora"]
    next(first.folder.glob("data/*.parquet")).unlink()
    assert prepare(others, tmp_path / "out") == more
    assert {path.name for path in tmp_path.iterdir()} == {"out", "recordings"}


def test_a_change_of_any_module_of_corpora_counts(others, tmp_path, monkeypatch):
    package = Path(segments.corpora.__file__).parent
    shutil.copytree(package, tmp_path / "corpora", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(segments.corpora, "__file__", str(tmp_path / "corpora/__init__.py"))
    before = segments.fingerprint(others)
    for module in sorted((tmp_path / "corpora").glob("*.py")):
        module.write_text(module.read_text() + "\n# changed\n")
        after = segments.fingerprint(others)
        assert after != before, module.name
        before = after


def test_a_folder_that_is_something_else_is_refused_and_left(others, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter.txt").write_text("words")
    (tmp_path / "file").write_text("words")
    before = contents(tmp_path)
    for name in ("thesis", "file"):
        with pytest.raises(ValueError, match="is not a prepared corpus: choose another folder"):
            prepare(others, tmp_path / name)
    assert contents(tmp_path) == before
    (tmp_path / "empty").mkdir()
    assert prepare(others, tmp_path / "empty").folder == tmp_path / "empty"


@pytest.mark.parametrize("where", ["shards", "segments", "segments by two"])
def test_a_full_disk_keeps_the_old_files_and_the_next_try_works(others, tmp_path, monkeypatch, where):
    earlier = prepare(others, tmp_path / "out", segment_seconds=8.0)
    before = contents(tmp_path)

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        if where == "shards":
            patch.setattr(pq.ParquetWriter, "write_table", full)
        else:
            patch.setattr("datasets.arrow_writer.ArrowWriter._write_table", full)
        with pytest.raises(OSError, match="the disk is full") as error:
            prepare(others, tmp_path / "out", num_proc=2 if where == "segments by two" else None)
    assert "\n" not in str(error.value)
    assert contents(tmp_path) == before
    assert Prepared.read(tmp_path / "out") == earlier
    assert prepare(others, tmp_path / "out").fingerprint != earlier.fingerprint


def test_a_recording_that_could_not_be_fetched_is_tried_again(tmp_path, monkeypatch):
    online = tmp_path / "online"

    def fetch(seed: int):
        if seed == 2 and not online.exists():
            raise CorpusUnavailableError("far could not be downloaded (ConnectionError)")
        return make_raw(6.0, seed=seed)

    def recordings(folder):
        return [Recording(f"P{seed}", "R1", partial(fetch, seed)) for seed in (1, 2)]

    far = Corpus("far", "Far away.", "CC0 1.0", "None.", "https://far.example", True, "By itself.", recordings)
    monkeypatch.setitem(CORPORA, "far", far)
    first = prepare("far", tmp_path / "out")
    assert first.problems == [("P2", "R1", "not fetched: far could not be downloaded (ConnectionError)")]
    assert prepare_segments("far", None, tmp_path / "cache")["train"]["n_chans"] == [8, 0]
    online.touch()
    second = prepare("far", tmp_path / "out")
    assert second.problems == []
    assert second.statistics["train"]["recordings"] == 2
    assert prepare_segments("far", None, tmp_path / "cache")["train"]["n_chans"] == [8, 8]


@pytest.mark.parametrize("num_proc", [None, 2])
def test_progress_counts_recordings_in_any_number_of_processes(others, tmp_path, num_proc):
    seen = []
    prepare(others, tmp_path / "out", num_proc=num_proc, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (6, 6)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert not datasets.are_progress_bars_disabled()


@given(st.integers(1, 3000), st.integers(0, 2**36))
def test_shards_are_a_power_of_two_of_equal_parts(n_rows, n_bytes):
    lengths = shard_lengths(n_rows, n_bytes)
    assert sum(lengths) == n_rows
    assert len(lengths) & (len(lengths) - 1) == 0
    assert max(lengths) - min(lengths) <= 1
    assert min(lengths) > 0
    assert 2 * len(lengths) > min(n_rows, prepared.FEWEST_SHARDS)
    if 2 * len(lengths) <= n_rows:  # else a shard is a row already
        assert n_bytes <= len(lengths) * prepared.SHARD_BYTES


def test_a_split_is_loaded_alone_and_streamed(prepared_folder, tmp_path):
    loaded = load_prepared(prepared_folder, "validation", cache_dir=tmp_path)
    assert set(loaded["subject"]) == {"S080"}
    streamed = load_prepared(str(prepared_folder), streaming=True)
    assert set(streamed) == {"train", "validation", "test"}
    assert next(iter(streamed["test"]))["subject"] == "S090"
    with pytest.raises(ValueError, match="no split 'dev': it has train, validation, test"):
        load_prepared(prepared_folder, "dev")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda info: info | {"format": 1}, "its format is 1, and this version of get-hf reads 2"),
        (lambda info: {k: v for k, v in info.items() if k != "subjects"}, "'subjects'"),
        (lambda info: [info], "prepare it again"),
        (None, "has no dataset_info.json: make one with get-hf corpus prepare"),
    ],
)
def test_an_invalid_prepared_corpus_is_one_sentence(other_folder, tmp_path, change, message):
    if change is not None:
        info = json.loads((other_folder / "dataset_info.json").read_text())
        (tmp_path / "dataset_info.json").write_text(json.dumps(change(info)))
    with pytest.raises(ValueError, match=message) as error:
        load_prepared(tmp_path)
    assert "\n" not in str(error.value)


def test_names_that_are_no_folder_are_looked_for_on_the_hub(other_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert is_on_hub("someone/eeg")
    (tmp_path / "someone/eeg").mkdir(parents=True)
    for name in ("someone/eeg", "eeg", "a/b/c", "files:/a/*.edf", "/someone/eeg"):
        assert not is_on_hub(name)

    info = other_folder / "dataset_info.json"
    monkeypatch.setattr(prepared, "hf_hub_download", lambda repo, name, repo_type: str(info))
    assert Prepared.read("nobody/eeg").folder == "nobody/eeg"

    def failing(error):
        def download(*args, **kwargs):
            raise error

        return download

    response = type("Response", (), {"headers": {}, "request": None, "status_code": 404})()
    missing = RepositoryNotFoundError("404\nnot found", response=response)
    for error, kind, message in (
        (missing, ValueError, "neither a folder nobody/eeg here nor such a dataset on the Hub"),
        (LocalEntryNotFoundError("offline"), OSError, "the Hub cannot be reached"),
    ):
        monkeypatch.setattr(prepared, "hf_hub_download", failing(error))
        with pytest.raises(kind, match=message) as raised:
            load_prepared("nobody/eeg")
        assert "\n" not in str(raised.value)


def test_real_recordings_are_in_microvolts_and_closed_eyes_show_more_alpha(real_data, tmp_path):
    found = prepare(f"files:{real_data}/eegmmidb/S00[1-4]/S00?R0[12].edf", tmp_path / "out")
    assert found.problems == []
    assert 20 < found.statistics["train"]["microvolts"] < 60
    alpha = {}
    for row in load_prepared(tmp_path / "out", "train", cache_dir=tmp_path / "cache"):
        signal = np.reshape(row["signal"], (row["n_chans"], row["n_times"]))
        power = np.abs(np.fft.rfft(signal)) ** 2
        frequencies = np.fft.rfftfreq(row["n_times"], 1 / row["sampling_rate"])
        band = (frequencies >= 8) & (frequencies <= 13)
        alpha.setdefault(row["session"][-7:-4], []).append(np.median(power[:, band].mean(-1)))
    assert np.median(alpha["R02"]) > 1.5 * np.median(alpha["R01"])
