# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""A PhysioNet on this machine, and an MNE that keeps its data sets in a temporary folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edf_files import write_edf
from get_hf.training.corpora import download
from physionet import PhysioNet

EEGMAT_LABELS = ["EEG Fp1", "EEG O2", "EEG A2-A1", "ECG ECG"]


@pytest.fixture
def mne_data(monkeypatch, tmp_path) -> Path:
    folder = tmp_path / "mne_data"
    monkeypatch.setenv("MNE_DATA", str(folder))
    return folder


@pytest.fixture
def physionet(monkeypatch, tmp_path, mne_data) -> Iterator[PhysioNet]:
    """Serves EEGMAT of two people, and is where the corpora look for PhysioNet."""
    server = PhysioNet(tmp_path / "physionet")
    for subject in ("Subject00", "Subject01"):
        for part in (1, 2):
            write_edf(server.project("eegmat/1.0.0") / f"{subject}_{part}.edf", EEGMAT_LABELS, 6, 500.0)
    server.list_sums("eegmat/1.0.0")
    monkeypatch.setattr(download, "PHYSIONET", server.url)
    with server.running():
        yield server
