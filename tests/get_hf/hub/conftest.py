# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import Hub, take_for_the_hub
from training_data import data_dir  # noqa: F401  a fixture


@pytest.fixture
def folder(tiny_checkpoint, tmp_path) -> Path:
    """A checkpoint in a folder whose name must not reach the Hub."""
    return Path(shutil.copytree(tiny_checkpoint, tmp_path / "secret-project"))


@pytest.fixture
def server(monkeypatch, tmp_path) -> Iterator[Hub]:
    """A Hub that the client in this process takes for the real one, and an empty cache."""
    with Hub() as running:
        take_for_the_hub(monkeypatch, running.url, tmp_path / "cache")
        yield running
