# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What the shipped checkpoint promises, on itself: generate() and its invariances, real recordings, stability."""

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
from get_hf.measures import alpha_peak, rms, split_at_seam
from synthetic import synthetic_eeg

DATA = Path(os.environ.get("GET_HF_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
TEN_TWENTY = ["Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz", "C4"]
TEN_TWENTY += ["T8", "P7", "P3", "Pz", "P4", "P8", "O1", "Oz", "O2"]


@pytest.fixture(scope="module")
def model():
    return AutoModel.from_pretrained(get_hf.CHECKPOINT).eval()


@pytest.fixture(scope="module")
def extractor():
    return AutoFeatureExtractor.from_pretrained(get_hf.CHECKPOINT)


def names(n_chans: int) -> list[str]:
    from get_hf.processing.montage_get import ELECTRODES

    return TEN_TWENTY[:n_chans] if n_chans <= 20 else sorted(ELECTRODES)[:n_chans]


def prompt(extractor, n_chans: int, seconds: float = 6.0, seed: int = 0):
    return extractor(synthetic_eeg(seconds, 160.0, n_chans, seed), 160.0, names(n_chans), "V")


def recording(subject: int, run: int) -> Path:
    path = DATA / "eegmmidb" / f"S{subject:03d}" / f"S{subject:03d}R{run:02d}.edf"
    if not path.is_file():
        pytest.skip(f"no recording {path.name}: set GET_HF_DATA to the folder that contains eegmmidb/")
    return path


def test_the_package_data_stay_below_25_megabytes():
    assert sum(file.stat().st_size for file in get_hf.CHECKPOINT.iterdir()) < 25e6


@pytest.mark.parametrize("n_chans", [1, 8, 20, 64])
def test_generation_is_the_same_with_and_without_cache(model, extractor, n_chans):
    features = prompt(extractor, n_chans, seconds=3)
    cached, whole = (
        model.generate(**features, seconds=2, use_cache=use, generator=torch.Generator().manual_seed(0))
        for use in (True, False)
    )
    assert cached.shape == (1, n_chans, features["input_values"].shape[-1] + 200)
    torch.testing.assert_close(cached, whole, atol=1e-5, rtol=1e-5)


def test_a_shorter_recording_in_a_batch_goes_on_as_it_does_alone(model, extractor):
    signals = [synthetic_eeg(seconds, 160.0, 8, seed) for seed, seconds in enumerate((6.0, 4.0))]
    both = extractor(signals, 160.0, names(8), "V")
    assert not both["attention_mask"][1, 0]
    together = model.generate(**both, seconds=2, do_sample=False)[1, :, -200:]
    alone = model.generate(**extractor(signals[1], 160.0, names(8), "V"), seconds=2, do_sample=False)[0, :, -200:]
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("n_chans", [8, 20, 64])
def test_channels_in_another_order_go_on_in_that_order(model, extractor, n_chans):
    order = np.random.default_rng(0).permutation(n_chans)
    signal = synthetic_eeg(4.0, 160.0, n_chans, 0)
    straight = extractor(signal, 160.0, names(n_chans), "V")
    shuffled = extractor(signal[order], 160.0, [names(n_chans)[i] for i in order], "V")
    # the flow's noise belongs to the channel: with sampling it would have to be shuffled alike
    one = extractor.decode(model.generate(**straight, seconds=1, do_sample=False), straight, "array")[0]
    other = extractor.decode(model.generate(**shuffled, seconds=1, do_sample=False), shuffled, "array")[0]
    np.testing.assert_allclose(one[order], other, atol=1e-3 * one.std())
    state = model(**straight).last_hidden_state[:, :, -1]
    noise = torch.randn(1, n_chans, 25, generator=torch.Generator().manual_seed(0))
    patch = model.flow_head.sample(state, noise, 4)
    torch.testing.assert_close(
        model.flow_head.sample(state[:, order], noise[:, order], 4), patch[:, order], atol=1e-4, rtol=1e-4
    )


def test_a_condition_makes_eeg_from_nothing(model, extractor):
    features = extractor(ch_names=TEN_TWENTY, condition="eyes_closed")
    raw = extractor.decode(model.generate(**features, seconds=10), features)[0]
    assert raw.ch_names == TEN_TWENTY
    assert raw.n_times == 1000
    assert 3 < np.median(rms(raw.get_data(units="uV"))) < 100


@pytest.mark.slow
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
    ratio = rms(after) / rms(before)
    assert ((ratio < 1.5) & (ratio > 1 / 1.5)).mean() >= 0.9
    occipital = [raw.ch_names.index(name) for name in ("O1..", "Oz..", "O2..")]
    assert abs(alpha_peak(after[occipital], 160.0) - alpha_peak(before[occipital], 160.0)) <= 1.0


@pytest.mark.slow
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
        return np.median([rms(signal[:, start : start + size]) for start in starts], axis=1)

    low, high = np.percentile(windows(whole, 100.0), [5, 95])
    made = windows(rollout, 160.0)
    assert made.min() > low / 1.5
    assert made.max() < 1.5 * high


def test_the_cache_holds_no_more_after_minutes_than_after_seconds(model, extractor):
    features = extractor(ch_names=["Cz", "Oz"])
    output = model.generate(**features, seconds=60, num_flow_steps=1, return_dict_in_generate=True)
    window = model.config.sliding_window
    assert all(layer.keys.shape[-2] == window - 1 for layer in output.past_key_values.layers)
