# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Preparing a corpus takes hours: stopped in whatever way, it goes on, and what was there stays until the end."""

import shutil
from pathlib import Path

import pytest

from get_hf.training.data import cleaning, run_folder
from get_hf.training.data.prepared import Prepared, kept, prepare
from get_hf.training.data.run_folder import locked, put_in_place


@pytest.fixture
def others(other_corpus, tmp_path) -> str:
    """A copy of the other corpus, six recordings, to be changed."""
    original = Path(other_corpus.removeprefix("files:").removesuffix("/*/*.edf"))
    shutil.copytree(original, tmp_path / "recordings")
    return f"files:{tmp_path}/recordings/*/*.edf"


@pytest.fixture
def stop_after(monkeypatch):
    """Lets a number of recordings be cleaned before something goes wrong; gives the list of those cleaned."""
    original = cleaning.segment_table

    def limit(n: int, error: type[BaseException] = KeyboardInterrupt) -> list[str]:
        cleaned = []

        def segment_table(recording, *args):
            if len(cleaned) == n:
                raise error
            cleaned.append(recording.session)
            return original(recording, *args)

        monkeypatch.setattr(cleaning, "segment_table", segment_table)
        return cleaned

    return limit


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_stopped_cleaning_continues_with_the_next_recording(others, tmp_path, stop_after, error):
    stop_after(4, error)
    with pytest.raises(error):
        prepare(others, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert kept(tmp_path / "out").endswith("and 4 recordings that are cleaned are kept: the same command goes on")

    counts, rest = [], stop_after(99)
    prepare(others, tmp_path / "out", progress=lambda done, total: counts.append((done, total)))
    assert len(rest) == 2
    assert counts == [(4, 6), (5, 6), (6, 6)]
    assert contents(tmp_path / "out") == contents(prepare(others, tmp_path / "whole").folder)
    assert {path.name for path in tmp_path.iterdir()} == {"out", "whole", "recordings"}


def test_without_cleaned_recordings_no_work_folder_stays(others, tmp_path, stop_after):
    stop_after(0)
    with pytest.raises(KeyboardInterrupt):
        prepare(others, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["recordings"]
    assert kept(tmp_path / "out").endswith("is as it was: the same command starts again")


def test_with_other_settings_all_is_cleaned_again_and_that_is_said(others, tmp_path, stop_after):
    stop_after(4)
    with pytest.raises(KeyboardInterrupt):
        prepare(others, tmp_path / "out")
    cleaned = stop_after(99)
    with pytest.warns(UserWarning, match="cleaned with other settings before, and are cleaned again"):
        prepare(others, tmp_path / "out", segment_seconds=8.0)
    assert len(cleaned) == 6


def test_files_of_a_killed_process_are_removed_and_a_damaged_recording_is_cleaned_again(others, tmp_path, stop_after):
    stop_after(4)
    with pytest.raises(KeyboardInterrupt):
        prepare(others, tmp_path / "out")
    work = tmp_path / ".get-hf-prepare-out"
    (work / "whole" / "data").mkdir(parents=True)
    (work / "recordings" / "half.part").write_bytes(b"x")
    (work / run_folder.LOCK).touch()
    damaged = next((work / "recordings").glob("*.arrow"))
    damaged.write_bytes(damaged.read_bytes()[:100])
    cleaned = stop_after(99)
    prepare(others, tmp_path / "out")
    assert len(cleaned) == 3
    assert {path.name for path in tmp_path.iterdir()} == {"out", "recordings"}


def test_two_processes_do_not_prepare_the_same_folder(others, tmp_path):
    with (
        locked(tmp_path / ".get-hf-prepare-out", "preparing it"),
        pytest.raises(OSError, match=r"is preparing .*out already"),
    ):
        prepare(others, tmp_path / "out")


def test_a_corpus_that_was_moved_aside_by_a_process_that_died_is_put_back(others, tmp_path, stop_after):
    first = prepare(others, tmp_path / "out")
    work = tmp_path / ".get-hf-prepare-out"
    work.mkdir()
    (tmp_path / "out").rename(work / "replaced")
    stop_after(0)
    with pytest.raises(KeyboardInterrupt):
        prepare(others, tmp_path / "out", segment_seconds=8.0)
    assert Prepared.read(tmp_path / "out") == first
    assert {path.name for path in tmp_path.iterdir()} == {"out", "recordings"}


@pytest.fixture
def folders(tmp_path) -> tuple[Path, Path]:
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    return tmp_path / "new", tmp_path / "old"


def test_a_folder_is_replaced_by_one_renaming(folders, tmp_path, monkeypatch):
    new, old = folders
    if not run_folder._exchanged(new, old):
        pytest.skip("this system cannot exchange two names in one step")
    assert (old / "file").read_text() == "new"
    monkeypatch.setattr(Path, "rename", None)
    put_in_place(new, old, tmp_path / "aside")
    assert (old / "file").read_text() == "old"


def test_where_two_renamings_are_needed_a_failed_second_is_undone(folders, tmp_path, monkeypatch):
    new, old = folders
    rename = Path.rename

    def fail(path, target):
        if path == new:
            raise OSError("no")
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(run_folder, "_exchanged", lambda *_: False)
        patch.setattr(Path, "rename", fail)
        with pytest.raises(OSError, match="no"):
            put_in_place(new, old, tmp_path / "aside")
        assert (old / "file").read_text() == "old"
        patch.setattr(Path, "rename", rename)
        put_in_place(new, old, tmp_path / "aside")
        assert (old / "file").read_text() == "new"
