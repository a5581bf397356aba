# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from get_hf import GETModel
from small import save_small
from tiny import tiny_model, untrained_model

#: What transformers' own tests are marked with.
MARKERS_OF_TRANSFORMERS = (
    "accelerate_tests",
    "flash_attn_test",
    "flash_attn_3_test",
    "flash_attn_4_test",
    "torch_compile_test",
)


def pytest_configure(config):
    for name in MARKERS_OF_TRANSFORMERS:
        config.addinivalue_line("markers", f"{name}: a mark of transformers' own tests")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Gives our reason where a test of transformers skips itself; that we have none is a failure."""
    report = yield
    why_skipped = getattr(item.module, "why_skipped", None)
    if report.skipped and why_skipped is not None:
        path, line, own = report.longrepr
        reason = why_skipped(item.name)
        if reason is None:
            report.outcome, report.longrepr = "failed", f"{own}: SKIPS in {item.path.name} does not say why."
        else:
            report.longrepr = (path, line, f"Skipped: {reason}")
    return report


@pytest.fixture(scope="module")
def model() -> GETModel:
    """A tiny model of random weights; tests leave it as it is."""
    return tiny_model()


@pytest.fixture(scope="module")
def untrained() -> GETModel:
    """A tiny model as it is created, which draws patches as they are: white; tests leave it as it is."""
    return untrained_model(flow_bands=[])


@pytest.fixture(scope="session")
def small_checkpoint(tmp_path_factory) -> Path:
    """A folder with everything a checkpoint has; tests leave it as it is."""
    folder = tmp_path_factory.mktemp("small")
    save_small(folder)
    return folder
