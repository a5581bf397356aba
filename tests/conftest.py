# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Two speeds: `pytest -m "not slow"` takes at most a quarter of the time of the whole suite."""

import os
from pathlib import Path

import pytest

# tests run side by side (pytest -n), and what is tiny gains nothing from threads; subprocesses inherit it
os.environ.setdefault("OMP_NUM_THREADS", "1")

#: Files and folders whose tests train, start processes, or ask the shipped checkpoint; found by `--durations`.
SLOW = (
    "benchmarks",
    "browser",
    "catalogue",
    "examples",
    "get_hf/cli/test_corpus.py",
    "get_hf/cli/test_listen.py",
    "get_hf/cli/test_main.py",
    "get_hf/cli/test_space.py",
    "get_hf/cli/test_stream.py",
    "get_hf/hub",
    "get_hf/live/test_boards.py",
    "get_hf/live/test_listener.py",
    "get_hf/space",
    "get_hf/test_estimators.py",
    "get_hf/test_package.py",
    "get_hf/test_scikit_learn.py",
    "modeling/test_checkpoints.py",
    "modeling/test_shipped_checkpoint.py",
    "modeling/test_transformers_suite.py",
    "processing/test_blinks_get.py",
    "processing/test_real_recordings.py",
    "processing/test_streaming_get.py",
    "test_checkpoint.py",
    "test_readme.py",
    "training/calibration",
    "training/data",
    "training/evaluation/corpora/test_across.py",
    "training/evaluation/test_checkpoint.py",
    "training/evaluation/test_convolutional.py",
    "training/evaluation/test_run.py",
    "training/pretraining",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests of slow files."""
    places = [Path(__file__).parent / name for name in SLOW]
    for item in items:
        if any(item.path.is_relative_to(place) for place in places):
            item.add_marker(pytest.mark.slow)
