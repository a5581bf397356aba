# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import time

import mne
import numpy as np
import pytest
import torch

from get_hf.processing.decoding_get import GENERATED
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.processing.montage_get import ELECTRODES, UnknownChannelError, channel_positions
from small import NAMES, PATCH, RATE, SECONDS, as_raw, assert_same, continued, signal


class TestFeatures:
    def test_they_are_what_the_model_takes(self, extractor, read):
        features = read(signal())
        n_patches = 1 + 24  # the start patch and 6 s
        assert list(features) == extractor.model_input_names
        assert features["input_values"].shape == (1, 4, n_patches * PATCH)
        assert features["channel_positions"].shape == (1, 4, 6)
        assert features["channel_mask"].shape == (1, 4)
        assert features["attention_mask"].shape == (1, n_patches)
        assert features["calibration"].shape == (1, 4, 27)
        assert features["condition_ids"].shape == (1, n_patches)
        floats = {name for name, tensor in features.items() if tensor.dtype == torch.float32}
        assert floats == {"input_values", "channel_positions", "calibration"}
        assert all(features[name].dtype == torch.int64 for name in set(features) - floats)

    def test_the_first_patch_is_the_start_patch_of_zeros(self, read):
        values = read(signal())["input_values"]
        assert not values[..., :PATCH].any()
        assert values[..., PATCH : 2 * PATCH].any()

    def test_after_the_start_patch_come_the_innovations_of_the_cleaned_signal(self, extractor, read):
        x = signal()
        cleaned = extractor.clean(x - x.mean(axis=-1, keepdims=True), RATE)
        expected = extractor.transform.forward(cleaned, channel_positions(NAMES))
        features = read(x)
        np.testing.assert_allclose(features["input_values"][0, :, PATCH:], expected.values, atol=1e-5)
        np.testing.assert_allclose(features["calibration"][0], expected.calibration, atol=1e-6)

    def test_band_limited_recordings_are_not_filtered_again(self, extractor, read):
        x = extractor.clean(signal(), RATE)
        features = read(x, sampling_rate=extractor.sampling_rate, band_limited=True)
        expected = extractor.transform.forward(x, channel_positions(NAMES))
        np.testing.assert_allclose(features["input_values"][0, :, PATCH:], expected.values, atol=1e-5)
        with pytest.raises(
            ValueError, match=r"is at 160 Hz, and band_limited is for output of clean\(\), at 100 Hz: leave"
        ):
            read(signal(), band_limited=True)

    def test_values_are_near_unit_variance(self, read):
        assert read(signal(seconds=60))["input_values"][..., PATCH:].var() == pytest.approx(1, abs=0.15)

    def test_names_tell_where_channels_are(self, read):
        features = read(signal(), ch_names=["EEG Fp1-REF", "T3", "Fc5.", "FP1-F7"])
        np.testing.assert_allclose(
            features["channel_positions"][0, :, :3],
            [ELECTRODES[n] for n in ("Fp1", "T7", "FC5", "Fp1")],
            atol=1e-6,
        )
        np.testing.assert_allclose(features["channel_positions"][0, 3, 3:], ELECTRODES["F7"], atol=1e-6)
        assert not features["channel_positions"][0, :3, 3:].any()

    def test_a_recording_of_exactly_one_patch_is_read(self, read):
        assert read(signal(0.25))["input_values"].shape == (1, 4, 2 * PATCH)

    def test_an_offset_of_millivolts_changes_only_the_noise_of_the_continuation(self, read):
        without, with_offset = read(signal()), read(signal() + 5e4)
        assert without.pop("noise_seed") != with_offset.pop("noise_seed")
        assert_same(without, with_offset, atol=1e-4)

    def test_the_users_array_is_left_as_it_was(self, read):
        x = signal()
        before = x.copy()
        read(x)
        np.testing.assert_array_equal(x, before)

    def test_permuting_channels_permutes_the_features(self, read):
        order = [2, 0, 3, 1]
        straight, permuted = read(signal()), read(signal()[order], ch_names=[NAMES[i] for i in order])
        for name in ("input_values", "channel_positions", "channel_mask", "calibration"):
            np.testing.assert_allclose(permuted[name][0], straight[name][0, order], atol=1e-5)


class TestSources:
    @pytest.mark.parametrize(("unit", "per_unit"), [("V", 1e6), ("mV", 1e3), ("nV", 1e-3)])
    def test_the_unit_makes_no_difference(self, read, unit, per_unit):
        assert_same(read(signal() / per_unit, unit=unit), read(signal()))

    def test_raw_array_and_tensor_give_the_same(self, extractor, read):
        expected = read(signal())
        assert_same(extractor(as_raw(signal())), expected)
        assert_same(read(torch.from_numpy(signal())), expected)
        assert_same(read(signal().tolist()), expected)
        assert_same(read(signal()[None]), expected)

    def test_epochs_give_what_their_rows_give(self, extractor, read):
        epochs = mne.EpochsArray(
            1e-6 * np.stack([signal(seed=1), signal(seed=2)]),
            mne.create_info(NAMES, RATE, "eeg"),
            verbose="error",
        )
        assert_same(extractor(epochs), read([signal(seed=1), signal(seed=2)]))

    @pytest.mark.parametrize("rate", [100, 128, 173.61, 250, 256, 512])
    def test_a_signal_gives_the_same_values_from_any_rate(self, read, rate):
        frequencies = np.arange(1.5, 40, 0.37)  # so many that no filter predicts them

        def tones(rate):
            t = np.arange(int(SECONDS * rate)) / rate
            waves = np.sin(
                2 * np.pi * np.outer(frequencies, t)[None] + frequencies[:, None] ** np.arange(1, 5)[:, None, None]
            )
            return 20 * np.einsum("f,cft->ct", 1 / frequencies, waves)

        a, b = (read(tones(r), sampling_rate=r)["input_values"].unflatten(-1, (-1, PATCH)) for r in (rate, 160.0))
        # beyond 44 Hz these tones leave nothing but rounding and the tails of filters, which whitening makes large
        a, b = (x[:, :, 6:-5, :22] for x in (a, b))
        assert torch.linalg.norm(a - b) < 0.05 * torch.linalg.norm(b)

    def test_channels_of_other_kinds_are_left_out(self, extractor):
        raw = as_raw(signal()).set_channel_types({"Pz": "eog"}, on_unit_change="ignore")
        assert extractor(raw)["input_values"].shape[1] == 3


class TestBatches:
    @pytest.fixture
    def batch(self, extractor):
        self.raws = [
            as_raw(signal(6)),
            as_raw(signal(2.5, 2), ["O1", "O2"]),
            as_raw(signal(0.3, 3), ["Fp1", "Fz", "Fp2"]),
        ]
        return extractor(self.raws)

    def test_shorter_recordings_are_padded_at_the_left(self, batch):
        assert batch["attention_mask"].sum(-1).tolist() == [25, 11, 3]
        assert (batch["attention_mask"].diff(dim=-1) >= 0).all()
        assert not batch["input_values"][1, :, : 15 * PATCH].any()  # padding and start patch
        assert batch["input_values"][1, :2, 15 * PATCH : 16 * PATCH].any()

    def test_fewer_channels_are_padded_at_the_end(self, batch):
        assert batch["channel_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 0, 0], [1, 1, 1, 0]]
        for name in ("input_values", "channel_positions", "calibration"):
            assert not batch[name][1, 2:].any()

    def test_each_row_is_what_it_is_alone(self, extractor, batch):
        for row, raw in enumerate(self.raws):
            alone = extractor(raw)
            n_chans, n_times = alone["input_values"].shape[1:]
            np.testing.assert_allclose(
                batch["input_values"][row, :n_chans, -n_times:], alone["input_values"][0], atol=1e-6
            )
            np.testing.assert_allclose(batch["calibration"][row, :n_chans], alone["calibration"][0], atol=1e-6)

    def test_each_row_comes_back_with_its_own_names_and_length(self, extractor, batch):
        raws = extractor.decode(continued(batch), batch)
        assert [raw.ch_names for raw in raws] == [raw.ch_names for raw in self.raws]
        assert [raw.n_times for raw in raws] == [raw.n_times + 320 for raw in self.raws]
        for row, raw in enumerate(raws):
            alone = extractor(self.raws[row])
            own = continued(batch)[row : row + 1, : len(raw.ch_names), -8 * PATCH :]
            (expected,) = extractor.decode(torch.cat([alone["input_values"], own], dim=-1), alone)
            np.testing.assert_allclose(raw.get_data(), expected.get_data(), atol=1e-11)


class TestContext:
    def test_the_model_reads_the_end_and_the_calibration_all(self, read):
        whole, end = read(signal()), read(signal(), context_seconds=2.0)
        assert end["attention_mask"].shape == (1, 1 + 8)
        assert not end["input_values"][..., :PATCH].any()
        np.testing.assert_array_equal(end["input_values"][..., PATCH:], whole["input_values"][..., -8 * PATCH :])
        np.testing.assert_array_equal(end["calibration"], whole["calibration"])

    def test_all_of_the_recording_comes_back(self, extractor, read):
        whole, end = read(signal()), read(signal(), context_seconds=2.0)
        (a,), (b,) = (extractor.decode(continued(f), f, "array") for f in (whole, end))
        np.testing.assert_allclose(a, b, atol=1e-6)

    def test_more_context_than_recording_is_all_of_it(self, read):
        assert_same(read(signal()), read(signal(), context_seconds=60))

    @pytest.mark.parametrize("seconds", [0, -1, float("nan")])
    def test_no_context_is_refused(self, read, seconds):
        with pytest.raises(ValueError, match="context_seconds"):
            read(signal(), context_seconds=seconds)


class TestFromNothing:
    def test_there_is_a_start_patch_and_nothing_else(self, extractor):
        features = extractor(ch_names=NAMES, condition="eyes_closed")
        assert features["input_values"].shape == (1, 4, PATCH)
        assert not features["input_values"].any()
        # as of a recording just like the population: of one nothing is known of, the model would guess the loudness
        assert features["calibration"].tolist() == np.eye(27)[[[1] * 4]].tolist()
        assert features["attention_mask"].tolist() == [[1]]
        assert features["channel_mask"].tolist() == [[1, 1, 1, 1]]
        assert features["condition_ids"].tolist() == [[3]]

    @pytest.mark.parametrize(("rate", "n_times"), [(None, 200), (100, 200), (160, 320), (250, 500), (173.61, 347)])
    def test_all_of_the_output_is_generated(self, extractor, rate, n_times):
        features = extractor(ch_names=NAMES, sampling_rate=rate)
        (raw,) = extractor.decode(continued(features), features)
        assert raw.n_times == n_times
        assert raw.info["sfreq"] == (rate or 100)
        assert raw.ch_names == NAMES
        assert [(a["onset"], a["description"]) for a in raw.annotations] == [(0, GENERATED)]
        assert 1e-6 < raw.get_data().std() < 1e-3

    def test_it_needs_the_channels_and_no_unit(self, extractor):
        with pytest.raises(ValueError, match="pass ch_names="):
            extractor()
        with pytest.raises(ValueError, match="pass ch_names="):
            extractor(ch_names=[])
        with pytest.raises(ValueError, match="one string 'Cz'"):
            extractor(ch_names="Cz")
        with pytest.raises(ValueError, match="leave unit out"):
            extractor(ch_names=NAMES, unit="uV")
        with pytest.raises(ValueError, match="is sampled at"):
            extractor(ch_names=NAMES, sampling_rate=0)
        with pytest.raises(UnknownChannelError, match="C99"):
            extractor(ch_names=["C99"])


class TestPositions:
    def test_an_unknown_channel_lists_near_names(self, read):
        with pytest.raises(UnknownChannelError, match=r"'Q3'.*nearest known names are .*3") as caught:
            read(signal(), ch_names=["C3", "Q3", "C4", "Pz"])
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("n_chans", [8, 128])
    def test_names_of_no_system_are_placed_by_digitisation(self, extractor, n_chans):
        names = [f"E{index}" for index in range(1, n_chans + 1)]
        rng = np.random.default_rng(0)
        places = rng.standard_normal((n_chans, 3)) * [1, 1, 0.5] + [0, 0, 1]
        places = 0.095 * places / np.linalg.norm(places, axis=-1, keepdims=True) + [0, 0.01, 0.04]
        raw = as_raw(signal(2, n_chans), names)
        raw.set_montage(mne.channels.make_dig_montage(dict(zip(names, places, strict=True)), coord_frame="head"))
        begin = time.perf_counter()
        features = extractor(raw)
        assert time.perf_counter() - begin < 60  # once it took minutes
        directions = places - [0, 0.01, 0.04]
        np.testing.assert_allclose(features["channel_positions"][0, :, :3], directions / 0.095, atol=0.15)
        (decoded,) = extractor.decode(continued(features), features)
        assert decoded.ch_names == names

    def test_a_known_name_counts_more_than_its_digitisation(self, extractor):
        raw = as_raw(signal())
        places = {
            name: (0.095 * xyz + [0, 0.02, 0.05])
            for name, xyz in zip(NAMES, channel_positions(NAMES)[:, :3], strict=True)
        }
        raw.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"))
        assert_same(extractor(raw), extractor(as_raw(signal())))

    def test_names_of_another_system_that_look_known_are_placed_by_digitisation(self, extractor):
        # in BioSemi's caps of 128, A1 is the vertex and no ear lobe
        montage = mne.channels.make_standard_montage("biosemi128")
        names = ["A1", "A19", "B4", "B22", "C1", "C21", "D4", "D19"]
        raw = as_raw(signal(2, len(names)), names).set_montage(montage)
        positions = extractor(raw)["channel_positions"][0]
        places = raw.get_montage().get_positions()["ch_pos"]
        for name, position in zip(names, positions[:, :3].double(), strict=True):
            direction = places[name] - [0, 0.01, 0.04]
            assert position.numpy() @ direction / np.linalg.norm(direction) > 0.9
        np.testing.assert_allclose(positions[0, :3], [0, 0, 1], atol=0.1)

    def test_without_digitisation_they_are_unknown(self, extractor):
        with pytest.raises(UnknownChannelError, match=r"'E1' .and 3 more"):
            extractor(as_raw(signal(), ["E1", "E2", "E3", "E4"]))


class TestRefusals:
    def test_shorter_than_a_patch(self, read):
        with pytest.raises(ValueError, match=r"0.1 s long, shorter than one patch of 0.25 s"):
            read(signal(0.1))

    def test_one_recording_of_a_list_refuses_it(self, read):
        with pytest.raises(ValueError, match="shorter than one patch"):
            read([signal(), signal(0.1)])

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"unit": "V"}, "microvolts were declared"),
            ({"unit": None}, "pass unit="),
            ({"sampling_rate": None}, "pass sampling_rate="),
            ({"ch_names": None}, "pass ch_names="),
            ({"ch_names": ["Cz"]}, "1 names, the array 4 channels"),
        ],
    )
    def test_what_an_array_does_not_tell(self, read, change, says):
        with pytest.raises(ValueError, match=says):
            read(signal(), **change)

    @pytest.mark.parametrize("band", [(0.5, 95.0), (0, 45), (45, 0.5)])
    def test_a_band_that_does_not_fit_the_rate(self, band):
        with pytest.raises(ValueError, match="does not fit sampling_rate"):
            GETFeatureExtractor(band=band)
