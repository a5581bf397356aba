# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import warnings

import numpy as np
import pytest

from get_hf.processing.plausibility_get import HIGHEST_MICROVOLTS, usable_channels
from small import NAMES, as_raw, signal


class TestUnits:
    def test_volts_declared_as_microvolts_are_refused(self, read):
        with pytest.raises(ValueError, match=r"volts were taken for microvolts; declare the unit="):
            read(1e-6 * signal())

    def test_microvolts_declared_as_volts_are_refused(self, read):
        with pytest.raises(ValueError, match="microvolts were declared, or stored, as volts"):
            read(signal(), unit="V")

    def test_microvolts_stored_as_volts_in_mne_are_refused(self, extractor):
        with pytest.raises(ValueError, match="microvolts were declared, or stored, as volts"):
            extractor(as_raw(1e6 * signal()))

    @pytest.mark.filterwarnings("error")  # a warning, raised, is as good as an error
    @pytest.mark.parametrize("factor", [1 / 1000, 1 / 100, 1 / 20, 100, 1000])
    def test_other_factors_are_refused_or_questioned(self, read, factor):
        with pytest.raises((ValueError, UserWarning), match="unit"):
            read(factor * signal())

    @pytest.mark.parametrize("factor", [0.3, 1, 4])
    def test_quiet_and_loud_people_are_read_without_a_word(self, read, factor):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            read(factor * signal())

    @pytest.mark.parametrize("drift", ["offset", "slow wave"])
    def test_offset_and_slow_drift_are_no_unit_mistake(self, read, drift):
        x = signal(40.0)
        slow = 50_000 * np.ones(x.shape[-1])
        if drift == "slow wave":
            slow = slow + 7500 * (1 - np.cos(np.pi * np.linspace(0, 1, x.shape[-1])))
        drifting, still = (read(each)["input_values"].numpy()[..., 25:].ravel() for each in (x + slow, x))
        assert np.corrcoef(drifting, still)[0, 1] > 0.98


class TestChannels:
    @pytest.mark.parametrize("factor", [100, 1000, 1e6])
    def test_a_far_too_strong_channel_is_masked_and_does_not_affect_others(self, read, factor):
        x = signal(20.0)
        with pytest.warns(UserWarning, match=r"masked: Pz \(.* uV\); the others have"):
            features = read(x * np.array([[1.0], [1.0], [1.0], [factor]]))
        assert features["channel_mask"].tolist() == [[1, 1, 1, 0]]
        alone = read(x[:3], ch_names=NAMES[:3])
        np.testing.assert_allclose(features["input_values"][:, :3], alone["input_values"], atol=1e-5)

    def test_eyes_that_move_all_the_time_are_no_loose_electrodes(self, read):
        x = signal(20.0)
        x[3] = np.sign(np.sin(np.arange(x.shape[-1]) / 40)) * 500
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert read(x)["channel_mask"].tolist() == [[1, 1, 1, 1]]

    @pytest.mark.parametrize("level", [500, 2000])
    def test_a_loose_electrode_is_masked(self, read, level):
        x = signal(20.0)
        x[3] = np.random.default_rng(0).normal(size=x.shape[-1]) * level
        with pytest.warns(UserWarning, match="masked: Pz"):
            assert read(x)["channel_mask"].tolist() == [[1, 1, 1, 0]]

    def test_blinks_are_no_fault(self):
        x = signal(20.0)
        x[0, ::400] += 1000.0
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert usable_channels(x, NAMES).all()

    def test_none_that_is_used_exceeds_the_highest(self):
        x = signal(20.0)
        x[1, 700] = HIGHEST_MICROVOLTS + 1
        with pytest.warns(UserWarning, match=r"masked: Cz \(3e\+03 uV\)"):
            assert usable_channels(x, NAMES).tolist() == [True, False, True, True]

    def test_where_all_do_it_is_refused(self):
        x = signal(20.0)
        x[:, 700] = 2 * HIGHEST_MICROVOLTS
        with pytest.raises(ValueError, match="no channel has the amplitude of EEG"):
            usable_channels(x, NAMES)

    def test_masked_channels_are_silent_after_decoding(self, read, extractor):
        from small import continued

        x = signal(20.0)
        x[2] *= 1000
        with pytest.warns(UserWarning, match="masked: C4"):
            features = read(x)
        (decoded,) = extractor.decode(continued(features), features)
        assert decoded.info["bads"] == ["C4"]
        assert not decoded.get_data()[2].any()
        assert np.abs(decoded.get_data(units="uV")).max() < HIGHEST_MICROVOLTS
