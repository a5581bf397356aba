# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Small recordings, a small model of them with its feature extractor, and what a model would make of features."""

import dataclasses
from pathlib import Path

import mne
import numpy as np
import torch

from get_hf import GETConfig, GETFeatureExtractor, GETModel
from get_hf.processing.equaliser_get import N_TRAITS
from get_hf.processing.feature_extraction_get import EEGFeatures
from synthetic import synthetic_eeg

NAMES = ["C3", "Cz", "C4", "Pz"]
RATE, SECONDS = 160.0, 6.0
PATCH = 25


def small_config(**changes) -> GETConfig:
    """The smallest GET that reads what a feature extractor gives by default."""
    sizes = {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "sliding_window": 16,
        "flow_num_layers": 1,
        "flow_hidden_size": 16,
        "flow_intermediate_size": 32,
    }
    return GETConfig(**(sizes | changes))


def save_small(folder: Path) -> None:
    """A checkpoint with everything, of random weights that all matter."""
    torch.manual_seed(0)
    model = GETModel(small_config())
    for parameter in model.parameters():
        parameter.data.add_(0.1 * torch.randn(parameter.shape))
    model.save_pretrained(folder)
    traits = {"none": np.full((N_TRAITS, 4 * PATCH + 1, 9), 0.1)}
    corrected(GETFeatureExtractor(), trait_log_gains=traits).save_pretrained(folder)


def corrected(extractor: GETFeatureExtractor, **measured) -> GETFeatureExtractor:
    """The same feature extractor with other corrections."""
    return extractor.but(corrections=dataclasses.replace(extractor.corrections, **measured))


def signal(seconds: float = SECONDS, n_chans: int = len(NAMES), seed: int = 0, rate: float = RATE) -> np.ndarray:
    """EEG that no one had, microvolts."""
    return 1e6 * synthetic_eeg(seconds, rate, n_chans, seed)


def as_raw(x: np.ndarray, names=NAMES, rate: float = RATE) -> mne.io.RawArray:
    """The same of an array `(channels, times)` in microvolts."""
    return mne.io.RawArray(1e-6 * x, mne.create_info(list(names), rate, "eeg"), verbose="error")


def continued(features: EEGFeatures, n_patches: int = 8, rows: int = 1, seed: int = 0) -> torch.Tensor:
    """What a model would return: each recording continued, by white noise."""
    prompt = features["input_values"].repeat_interleave(rows, dim=0)
    generator = torch.Generator().manual_seed(seed)
    new = torch.randn(*prompt.shape[:2], n_patches * PATCH, generator=generator)
    return torch.cat([prompt, new], dim=-1)


def assert_same(a: EEGFeatures, b: EEGFeatures, atol: float = 1e-5) -> None:
    """Features are alike but for rounding."""
    assert set(a) == set(b)
    for name in a:
        np.testing.assert_allclose(a[name], b[name], atol=atol, err_msg=name)
