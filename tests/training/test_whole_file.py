# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import pytest

from get_hf.training.whole_file import written_whole


def test_a_file_is_there_once_it_is_whole(tmp_path):
    path = tmp_path / "figures.json"
    with written_whole(path) as beside:
        beside.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_interrupted_leaves_things_as_they_were(tmp_path):
    path = tmp_path / "figures.json"
    path.write_text("old")
    with pytest.raises(IsADirectoryError), written_whole(path) as beside:
        beside.write_text("half") and tmp_path.write_text("")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
