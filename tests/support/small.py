# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Small recordings, and what a model would make of their features."""

import mne
import numpy as np
import torch

from get_hf.processing.feature_extraction_get import EEGFeatures
from synthetic import synthetic_eeg

NAMES = ["C3", "Cz", "C4", "Pz"]
RATE, SECONDS = 160.0, 6.0
PATCH = 25


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
