# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import pytest
from tiny import tiny_model, untrained_model

from get_hf import GETModel

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


@pytest.fixture(scope="module")
def model() -> GETModel:
    """A tiny model of random weights; tests leave it as it is."""
    return tiny_model()


@pytest.fixture(scope="module")
def untrained() -> GETModel:
    """A tiny model as it is created; tests leave it as it is."""
    return untrained_model()
