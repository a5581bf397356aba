# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""EEG that no one had: what tests use where real recordings are not needed."""

import mne
import numpy as np
from scipy.signal import butter, sosfilt

CH_NAMES = ["Fp1.", "Fz..", "C3..", "Cz..", "C4..", "Pz..", "O1..", "O2.."]


def synthetic_eeg(seconds: float, rate: float, n_chans: int, seed: int = 0) -> np.ndarray:
    """Coloured noise that neighbours share, with 10 Hz alpha that grows to the back, in volts."""
    rng = np.random.default_rng(seed)
    n_times = round(seconds * rate)
    background = sosfilt(butter(1, 6, fs=rate, output="sos"), rng.standard_normal((n_chans, n_times)))
    background += 0.5 * background.mean(axis=0)
    envelope = 1 + np.sin(2 * np.pi * 0.3 * np.arange(n_times) / rate)
    alpha = envelope * np.sin(2 * np.pi * 10 * np.arange(n_times) / rate)
    return 15e-6 * (background / background.std() + np.linspace(0, 0.8, n_chans)[:, None] * alpha)


def make_raw(seconds: float = 12.0, rate: float = 160.0, ch_names=tuple(CH_NAMES), seed: int = 0) -> mne.io.RawArray:
    info = mne.create_info(list(ch_names), rate, "eeg")
    return mne.io.RawArray(synthetic_eeg(seconds, rate, len(ch_names), seed), info, verbose="ERROR")


def mark_generated(raw: mne.io.BaseRaw, seam: float) -> mne.io.BaseRaw:
    """Makes a recording look like what `decode` returns with a prompt of `seam` seconds."""
    return raw.set_annotations(mne.Annotations(seam, raw.n_times / raw.info["sfreq"] - seam, "GET generated"))
