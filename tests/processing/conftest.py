# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import os
from pathlib import Path

import pytest

from get_hf.processing.feature_extraction_get import EEGFeatures, GETFeatureExtractor
from get_hf.processing.montage_get import channel_positions
from get_hf.training.pretraining.population import fit_feature_extractor
from small import NAMES, RATE
from synthetic import synthetic_eeg

CH_NAMES = ["Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3"]
CH_NAMES += ["Cz", "C4", "T8", "P7", "P3", "Pz", "P4", "O1", "O2"]


@pytest.fixture(scope="session")
def extractor() -> GETFeatureExtractor:
    """A feature extractor fitted to EEG that no one had."""
    positions = channel_positions(CH_NAMES)
    blank = GETFeatureExtractor()
    signals = [1e6 * synthetic_eeg(30, 160, len(CH_NAMES), seed) for seed in range(4)]
    return fit_feature_extractor([(blank.clean(signal, 160), positions) for signal in signals])


@pytest.fixture(scope="session")
def real_eeg() -> Path:
    """The folder of real recordings, where there is one."""
    data = Path(os.environ.get("GET_HF_DATA", Path(__file__).parents[3] / "shared" / "data"))
    if not data.is_dir():
        pytest.skip(f"no real EEG at {data}: set GET_HF_DATA to the folder that holds eegmmidb/")
    return data


@pytest.fixture
def read(extractor):
    """Reads an array of the usual rate, names and unit."""

    def call(data, sampling_rate=RATE, ch_names=NAMES, unit="uV", **kwargs) -> EEGFeatures:
        return extractor(data, sampling_rate=sampling_rate, ch_names=ch_names, unit=unit, **kwargs)

    return call
