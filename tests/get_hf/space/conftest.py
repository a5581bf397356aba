# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import pytest

from get_hf import load_pretrained


@pytest.fixture(scope="session")
def tiny(tiny_checkpoint):
    """Model and feature extractor of random weights."""
    return load_pretrained(tiny_checkpoint)
