# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from get_hf import GETConfig, GETFeatureExtractor, GETForSequenceClassification, load_pretrained
from get_hf.space.disk import Disk


@pytest.fixture(scope="session")
def tiny(tiny_checkpoint):
    """Model and feature extractor of random weights."""
    return load_pretrained(tiny_checkpoint)


@pytest.fixture(scope="session")
def page(tiny_checkpoint, tmp_path_factory):
    """The page with tiny models behind it. Gradio is a matter of ten seconds and more: here, and not in each test."""
    pytest.importorskip("gradio")
    from get_hf.space.page import Page

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("classifier")
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = GETConfig(id2label={0: "open", 1: "closed"}, label2id={"open": 0, "closed": 1}, **sizes)
    GETForSequenceClassification(config).save_pretrained(folder)
    GETFeatureExtractor().save_pretrained(folder)
    with Disk(tmp_path_factory.mktemp("disk")) as disk:
        yield Page(tiny_checkpoint, folder, disk)
