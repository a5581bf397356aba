# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What the shipped checkpoint makes of nothing and of real recordings, from the command to ten minutes later.

The invariances of generate() are in modeling/test_shipped_checkpoint.py.
"""

import os
import subprocess
import sys
from pathlib import Path

import mne
import numpy as np
import pytest
import torch
from transformers import AutoFeatureExtractor, AutoModel

import get_hf
from get_hf.recordings import split_at_seam
from get_hf.training.evaluation.descriptors import alpha_peak

DATA = Path(os.environ.get("GET_HF_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
TEN_TWENTY = ["Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz", "C4"]
TEN_TWENTY += ["T8", "P7", "P3", "Pz", "P4", "P8", "O1", "Oz", "O2"]


@pytest.fixture(scope="module")
def model():
    return AutoModel.from_pretrained(get_hf.CHECKPOINT).eval()


@pytest.fixture(scope="module")
def extractor():
    return AutoFeatureExtractor.from_pretrained(get_hf.CHECKPOINT)


def recording(subject: int, run: int) -> Path:
    path = DATA / "eegmmidb" / f"S{subject:03d}" / f"S{subject:03d}R{run:02d}.edf"
    if not path.is_file():
        pytest.skip(f"no recording {path.name}: set GET_HF_DATA to the folder that contains eegmmidb/")
    return path


def test_the_package_data_stay_below_25_megabytes():
    assert sum(file.stat().st_size for file in get_hf.CHECKPOINT.iterdir()) < 25e6


def test_a_condition_makes_eeg_from_nothing(model, extractor):
    features = extractor(ch_names=TEN_TWENTY, condition="eyes_closed")
    raw = extractor.decode(model.generate(**features, seconds=10), features)[0]
    assert raw.ch_names == TEN_TWENTY
    assert raw.n_times == 1000
    assert 3 < np.median(raw.get_data(units="uV").std(axis=1)) < 100


def test_conditions_that_were_not_in_training_are_refused(model, extractor):
    for name in ("seizure", "tongue"):
        with pytest.raises(ValueError, match=r"was not trained with: it knows rest, eyes_open, .*, feet"):
            extractor(ch_names=TEN_TWENTY, condition=name)
    assert model.config.heard_conditions == extractor.heard_conditions
    # what was heard has moved from where it began, and the rest has not
    lengths = model.backbone.condition_embedding.weight.detach().norm(dim=1)
    heard = [extractor.condition_id(name) for name in extractor.heard_conditions]
    others = sorted(set(range(1, len(lengths))) - set(heard))
    assert lengths[heard].min() > 1.4 * lengths[others].max()


def test_open_eyes_blink_and_closed_ones_hardly(model, extractor):
    counts = {}
    for condition in ("eyes_open", "eyes_closed"):
        features = extractor(ch_names=TEN_TWENTY, condition=condition)
        generated = model.generate(**features, seconds=60, generator=torch.Generator().manual_seed(0))
        made = extractor.decode(generated, features, "array")[0]
        blinks = extractor(made, 100.0, TEN_TWENTY, "uV", band_limited=True).recordings[0].events.blinks
        counts[condition] = len(blinks.events)
    assert 6 <= counts["eyes_open"] <= 30  # people do 14 times a minute
    assert counts["eyes_closed"] < counts["eyes_open"] / 2


def test_the_command_continues_a_real_recording(tmp_path):
    source = recording(3, 2)
    outputs = [tmp_path / name for name in ("c.edf", "again.edf")]
    for out in outputs:
        subprocess.run(
            [sys.executable, "-m", "get_hf", "generate", source, "--seconds", "20", "--out", out, "--seed", "1"]
            + (["--plot", tmp_path / "c.png"] if out is outputs[0] else []),
            check=True,
            capture_output=True,
        )
    raw, again = (mne.io.read_raw_edf(out, preload=True, verbose="error") for out in outputs)
    original = mne.io.read_raw_edf(source, verbose="error")
    assert raw.ch_names == original.ch_names
    assert raw.info["sfreq"] == original.info["sfreq"]
    np.testing.assert_array_equal(raw.get_data(), again.get_data())
    assert (tmp_path / "c.png").stat().st_size > 100_000

    before, after = split_at_seam(raw)
    assert after.shape[1] == 20 * 160
    ratio = after.std(axis=1) / before.std(axis=1)
    assert ((ratio < 1.5) & (ratio > 1 / 1.5)).mean() >= 0.9
    occipital = [raw.ch_names.index(name) for name in ("O1..", "Oz..", "O2..")]
    assert abs(alpha_peak(after[occipital], 160.0) - alpha_peak(before[occipital], 160.0)) <= 1.0


def test_ten_minutes_neither_die_away_nor_blow_up(model, extractor):
    raw = mne.io.read_raw_edf(recording(3, 2), preload=True, verbose="error").crop(tmax=60.0)
    raw.pick([f"{name:.<4}" for name in ("Fz", "C3", "Cz", "C4", "Pz", "O1", "Oz", "O2")])
    features = extractor(raw.copy().crop(20, 30), condition="eyes_closed")
    generated = model.generate(**features, seconds=600, generator=torch.Generator().manual_seed(0))
    rollout = extractor.decode(generated, features, "array", include_prompt=False)[0]
    whole = extractor.clean(raw.get_data(units="uV"), raw.info["sfreq"])

    def windows(signal: np.ndarray, rate: float) -> np.ndarray:
        size, step = round(10 * rate), round(2 * rate)
        starts = range(0, signal.shape[1] - size + 1, step)
        return np.median([signal[:, start : start + size].std(axis=1) for start in starts], axis=1)

    low, high = np.percentile(windows(whole, 100.0), [5, 95])
    made = windows(rollout, 160.0)
    assert made.min() > low / 1.5
    assert made.max() < 1.5 * high
