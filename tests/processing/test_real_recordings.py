# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0

import mne
import numpy as np
import pytest

from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.processing.montage_get import channel_positions
from get_hf.training.pretraining.population import fit_feature_extractor
from small import PATCH, RATE, continued


class TestRealRecordings:
    def eegmmidb(self, real_eeg, run: str) -> mne.io.BaseRaw:
        path = real_eeg / "eegmmidb" / run[:4] / f"{run}.edf"
        if not path.is_file():
            pytest.skip(f"no {path}")
        return mne.io.read_raw_edf(path, preload=True, verbose="error")

    def test_sixty_four_channels_of_eegmmidb_are_read_and_come_back(self, extractor, real_eeg):
        raw = self.eegmmidb(real_eeg, "S003R02")
        features = extractor(raw, condition="eyes_closed")
        n_patches = -(-round(raw.n_times / 1.6) // PATCH)
        assert features["input_values"].shape[:2] == (1, 64)
        assert abs(features["input_values"].shape[-1] // PATCH - 1 - n_patches) <= 1
        assert features["channel_mask"].all()
        (decoded,) = extractor.decode(continued(features), features)
        assert decoded.ch_names == raw.ch_names
        assert decoded.n_times == raw.n_times + 320
        band = 1e6 * decoded.get_data()[:, : raw.n_times]
        assert 20 < np.median(band.std(axis=-1)) < 60
        # the band of EEG is untouched
        inside = (np.fft.rfftfreq(raw.n_times, 1 / RATE) > 3) & (np.fft.rfftfreq(raw.n_times, 1 / RATE) < 38)
        ours, theirs = (np.fft.rfft(np.hanning(raw.n_times) * x)[:, inside] for x in (band, 1e6 * raw.get_data()))
        assert np.linalg.norm(ours - theirs) < 0.01 * np.linalg.norm(theirs)

    def test_white_noise_continues_a_real_recording_without_a_jump_and_at_its_amplitude(self, real_eeg):
        raw = self.eegmmidb(real_eeg, "S003R02")
        generic = GETFeatureExtractor()
        cleaned = generic.clean(1e6 * raw.get_data(), raw.info["sfreq"])
        own = fit_feature_extractor([(cleaned, channel_positions(raw.ch_names))])
        features = own(raw)
        (decoded,) = own.decode(continued(features, 120), features, "array")
        step = np.diff(decoded, axis=-1)
        n_before = raw.n_times
        typical = step[:, :n_before].std(axis=-1)
        assert np.sqrt(np.mean((step[:, n_before - 1] / typical) ** 2)) < 2
        ratio = decoded[:, n_before:].std(axis=-1) / decoded[:, :n_before].std(axis=-1)
        assert 0.5 < np.median(ratio) < 1.5

    def test_annotations_of_a_task_are_conditions(self, extractor, real_eeg):
        raw = self.eegmmidb(real_eeg, "S003R04").pick(["C3..", "Cz..", "C4.."])
        ids = extractor(raw, annotation_conditions={"T0": "rest", "T1": "left_fist", "T2": "right_fist"})[
            "condition_ids"
        ][0]
        shares = [
            float((ids == extractor.condition_id(n)).float().mean()) for n in ("rest", "left_fist", "right_fist")
        ]
        assert sum(shares) > 0.95
        assert 0.4 < shares[0] < 0.6
        assert min(shares[1:]) > 0.15

    @pytest.mark.parametrize("name", ["A_Z/Z001.txt", "E_S/S001.txt"])
    def test_bonn_is_read_as_an_array_at_its_odd_rate(self, extractor, real_eeg, name):
        path = real_eeg / "bonn" / name
        if not path.is_file():
            pytest.skip(f"no {path}")
        x = np.loadtxt(path)[None]
        features = extractor(x, sampling_rate=173.61, ch_names=["Cz"], unit="uV")
        seconds = 4097 / 173.61
        assert abs(features["attention_mask"].shape[-1] - 1 - 4 * seconds) < 2
        (decoded,) = extractor.decode(continued(features), features, "array")
        assert decoded.shape == (1, 4097 + 347)
        np.testing.assert_allclose(decoded[:, 200:3900].std(), x[:, 200:3900].std(), rtol=0.2)
