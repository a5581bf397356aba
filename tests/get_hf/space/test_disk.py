# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What the page keeps on disk: how much, how long, and what is left after a crash."""

import os
import signal
import subprocess
import sys

import pytest

from get_hf.space import disk
from get_hf.space.disk import Disk


@pytest.fixture
def kept(tmp_path):
    with Disk(tmp_path) as kept:
        yield kept


def write(path, megabytes=1.0):
    path.write_bytes(bytes(int(megabytes * 1e6)))
    return path


OTHER_PROCESS = """
import runpy, sys, time
disk = runpy.run_path(sys.argv[1])["Disk"](sys.argv[2])
(disk.files / "upload.edf").write_text("EEG")
(disk.temporary / "half").write_text("EEG")
print("there", flush=True)
time.sleep(60)
"""


def test_files_of_a_process_are_deleted_only_after_it_has_ended(tmp_path):
    command = [sys.executable, "-c", OTHER_PROCESS, disk.__file__, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout.readline() == "there\n"
            (tmp_path / "get-other").mkdir()
            with Disk(tmp_path) as kept:
                kept.sweep()
                assert len(list(tmp_path.rglob("upload.edf"))) == 1
        finally:
            other.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    with Disk(tmp_path):
        assert list(tmp_path.rglob("upload.edf")) == list(tmp_path.rglob("half")) == []
    assert [path.name for path in tmp_path.iterdir()] == ["get-other"]


@pytest.mark.skipif(os.name != "posix", reason="only some may make links there")
def test_a_link_is_not_followed(tmp_path):
    (target := tmp_path / "target").mkdir()
    write(target / "file")
    write(target / "lock")
    (tmp_path / "get-demo-link").symlink_to(target)
    with Disk(tmp_path):
        assert (target / "file").exists()


def test_files_are_deleted_in_time(kept, monkeypatch):
    files = [write(kept.results("tab") / "x.edf"), write(kept.files / "mine.edf"), write(kept.temporary / "unpacked")]
    broken_off = write(kept.files / "tmpabc")
    kept.sweep()
    assert all(file.exists() for file in (*files, broken_off))
    monkeypatch.setattr(disk, "SWEEP_SECONDS", -1)
    kept.sweep()
    assert [file.exists() for file in (*files, broken_off)] == [True, True, True, False]
    monkeypatch.setattr(disk, "KEPT_SECONDS", -1)
    kept.sweep()
    assert list(kept.files.iterdir()) == list(kept.temporary.iterdir()) == []


def test_room_is_limited_for_each_user_and_for_all(kept, monkeypatch):
    monkeypatch.setattr(disk, "USER_MEGABYTES", 3)
    monkeypatch.setattr(disk, "ALL_MEGABYTES", 5)
    kept.own("Alice", write(kept.files / "a.edf", 2))
    with kept.room("Alice", 900_000), pytest.raises(ValueError, match=r"0\.2 MB more, your files would exceed 3 MB"):
        kept.room("Alice", 200_000).__enter__()
    full = pytest.raises(ValueError, match="the files of all users would exceed 5 MB")
    with kept.room("Alice", 900_000), kept.room("Bob", 2_000_000), full:
        kept.room("Carol", 200_000).__enter__()
    kept.delete(kept.files / "a.edf")
    with kept.room("Alice", 2_900_000):
        pass


def test_only_uploads_and_results_can_be_deleted(kept, tmp_path):
    kept.delete(write(tmp_path / "precious"))
    assert (tmp_path / "precious").exists()


def test_a_tab_keeps_its_last_results_only(kept):
    first = write(kept.results("../../tab") / "x.edf")
    assert kept.files in first.parents
    second = write(kept.results("../../tab") / "y.edf")
    assert not first.exists()
    kept.forget("another tab")
    assert second.exists()
    kept.forget("../../tab")
    assert not second.exists()
