# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The checkpoint a command works with."""

from transformers.utils import logging as transformers_logging

from get_hf import GETFeatureExtractor, GETModel
from get_hf.cli.console import stderr
from get_hf.pretrained import load_pretrained


def load(checkpoint: str) -> tuple[GETModel, GETFeatureExtractor]:
    """Loads a folder, or a repository on the Hub, and shows that it does."""
    transformers_logging.disable_progress_bar()
    with stderr.status("Loading the model"):
        return load_pretrained(checkpoint)
