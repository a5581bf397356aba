# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import os
import sys
from pathlib import Path

import pytest

from get_hf import cli, load_pretrained, save_recording
from get_hf.scoring import fit_reference
from small import save_small
from synthetic import make_raw


@pytest.fixture
def get_hf(monkeypatch, capsys, tmp_path):
    """Runs the command in an empty folder and returns its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["get-hf", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        out, err = capsys.readouterr()
        return exit_.value.code or 0, out, err

    return run


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory) -> Path:
    """A model of random weights with everything a checkpoint has, small enough to generate in no time."""
    folder = tmp_path_factory.mktemp("tiny")
    save_small(folder)
    return folder


@pytest.fixture(scope="session")
def pair(tiny_checkpoint):
    """The tiny model and its feature extractor."""
    return load_pretrained(tiny_checkpoint)


@pytest.fixture(scope="session")
def reference(pair):
    """What is usual in a synthetic recording."""
    return fit_reference(make_raw(40.0, seed=1), *pair)


@pytest.fixture
def recording(tmp_path) -> Path:
    """A synthetic EDF file of 12 s and 8 channels in the spelling of EEGMMIDB."""
    path = tmp_path / "recording.edf"
    save_recording(make_raw(), path)
    return path


@pytest.fixture(scope="session")
def eyes_closed() -> Path:
    """A real recording with eyes closed, where there is one."""
    data = Path(os.environ.get("GET_HF_DATA", Path(__file__).parents[3] / "shared" / "data"))
    path = data / "eegmmidb" / "S003" / "S003R02.edf"
    if not path.is_file():
        pytest.skip(f"no real EEG at {path}: set GET_HF_DATA to the folder that holds eegmmidb/")
    return path
