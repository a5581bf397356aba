# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import copy
import pickle
import warnings
from datetime import UTC, datetime

import mne
import numpy as np
import pytest
import scipy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from get_hf.processing.decoding_get import GENERATED
from get_hf.processing.equaliser_get import LARGEST_LOG_GAIN, N_TRAITS, Equaliser, EqualiserStream
from get_hf.processing.feature_extraction_get import EEGFeatures, GETFeatureExtractor
from get_hf.processing.montage_get import ELECTRODES
from get_hf.processing.population_get import N_QUADRATIC, quadratic_in_position
from get_hf.processing.signal_get import resample
from small import NAMES, RATE, as_raw, assert_same, continued, corrected, signal


def everywhere(log_gain: float) -> np.ndarray:
    """A table of gains that is the same at all places and frequencies."""
    return np.repeat([[log_gain, *[0.0] * (N_QUADRATIC - 1)]], 101, axis=0)


class TestDecoding:
    @pytest.mark.parametrize("rate", [100.0, 128.0, 160.0, 173.61, 250.0, 500.0])
    def test_the_recording_comes_back_band_limited_and_the_continuation_follows(self, extractor, read, rate):
        x = signal(rate=rate)
        features = read(x, sampling_rate=rate)
        (decoded,) = extractor.decode(continued(features), features, "array")
        n_times = x.shape[-1]
        assert decoded.shape == (4, n_times + round(2 * rate))
        cleaned = extractor.clean(x - x.mean(axis=-1, keepdims=True), rate)
        expected = resample(cleaned, 100.0, rate, ends="antireflect")
        n_same = n_times - round(0.2 * rate)  # where resampling does not see what follows
        np.testing.assert_allclose(decoded[:, :n_same], expected[:, :n_same], atol=1e-6)

    def test_a_signal_inside_the_band_comes_back_as_it_was(self, extractor, read):
        t = np.arange(1600) / RATE
        x = 20 * np.stack([np.sin(2 * np.pi * f * t + f) for f in (6, 10, 17, 23)])
        features = read(x)
        (decoded,) = extractor.decode(continued(features), features, "array")
        np.testing.assert_allclose(decoded[:, 320:1280], x[:, 320:1280], atol=0.2)

    @pytest.mark.parametrize(("frequency", "kept"), [(0.6, 0.75), (1.0, 1.0)])
    def test_activity_at_the_lower_edge_of_the_band_is_kept(self, extractor, read, frequency, kept):
        slow = 20 * np.sin(2 * np.pi * frequency * np.arange(8000) / 100)
        whole = extractor.clean(signal(80, rate=100.0) + slow, 100.0)
        features = read(whole[:, :4000], sampling_rate=100.0, band_limited=True)
        transform = extractor.transform
        values = transform.forward(whole, features["channel_positions"][0].numpy(), 4000).values[:, -4000:]
        continuation = torch.tensor(values[None], dtype=torch.float32)
        generated = torch.cat([features["input_values"], continuation], dim=-1)
        (decoded,) = extractor.decode(generated, features, "array", include_prompt=False)
        share = (decoded @ slow[4000:]) / (whole[:, 4000:] @ slow[4000:])
        np.testing.assert_allclose(share, kept, atol=0.08)

    def test_gains_apply_to_the_generated_part_and_not_to_the_recording(self, extractor, read):
        hertz = np.arange(101) / 2
        gains = np.stack([0.05 * np.sin(hertz / k) for k in range(3, 3 + N_QUADRATIC)], axis=1)
        given = {"none": (-gains).tolist(), "eyes_closed": gains.tolist()}
        with_gains = corrected(extractor, generated_log_gains=given)
        features = read(signal(rate=100.0), sampling_rate=100.0, condition="eyes_closed")
        generated = continued(features, 1200)
        (plain,) = extractor.decode(generated, features, "array")
        (decoded,) = with_gains.decode(generated, features, "array")
        n_prompt = plain.shape[-1] - 1200 * 25
        np.testing.assert_array_equal(decoded[:, :n_prompt], plain[:, :n_prompt])
        spectra = [scipy.signal.welch(x[:, n_prompt:], 100.0, nperseg=400)[1][:, ::4] for x in (plain, decoded)]
        places = quadratic_in_position(features["channel_positions"][0].numpy())
        factors = np.exp(2 * places @ gains[::2].T)  # of power, each channel its own
        np.testing.assert_allclose((spectra[1] / spectra[0])[:, 2:44], factors[:, 2:44], rtol=0.05)

    @pytest.mark.parametrize("condition", ["none", "feet"])
    def test_a_continuation_that_grows_keeps_the_gains_it_was_given(self, condition):
        tables = {"none": np.random.default_rng(0).normal(0, 0.05, (101, N_QUADRATIC))}
        prominence = np.random.default_rng(1).uniform(0, 2, (4, 101))
        equaliser = Equaliser(tables, "none", cues={"feet": [-0.1] * N_QUADRATIC}, prominence=prominence)
        x, ids = signal(rate=100.0)[:, :400], np.zeros(400, int)
        whole, grown = (EqualiserStream(lambda _: equaliser, [condition], np.eye(4, 6)) for _ in range(2))
        expected = whole.push(x, ids)
        assert np.abs(expected - x).max() > 0.1
        parts = [grown.push(x[:, at : at + 60], ids[at : at + 60]) for at in range(0, 400, 60)]
        np.testing.assert_allclose(np.concatenate(parts, axis=-1), expected, atol=1e-9)

    def test_gains_follow_the_condition_of_each_patch(self, extractor, read):
        given = {"none": np.zeros((101, N_QUADRATIC)), "eyes_closed": everywhere(0.2)}
        with_gains = corrected(extractor, generated_log_gains=given)
        features = read(signal(rate=100.0), sampling_rate=100.0, condition="feet")
        generated = continued(features)
        (plain,) = extractor.decode(generated, features, "array")
        np.testing.assert_array_equal(with_gains.decode(generated, features, "array")[0], plain)
        plan = [("feet", 1), ("eyes_closed", 1)]
        features = read(signal(rate=100.0), sampling_rate=100.0, condition="feet", next_condition=plan)
        (decoded,) = with_gains.decode(generated, features, "array")
        n_closed = (generated.shape[-1] - features["input_values"].shape[-1]) - 100
        np.testing.assert_allclose(decoded[:, :-n_closed], plain[:, :-n_closed], atol=1e-9)
        np.testing.assert_allclose(decoded[:, -n_closed:], np.exp(0.2) * plain[:, -n_closed:], atol=1e-2)

    def test_eeg_from_nothing_has_gains_of_its_own(self, extractor, read):
        given = {"none": np.zeros((101, N_QUADRATIC)), "eyes_closed": everywhere(0.5)}
        prompted, unprompted = (
            corrected(extractor, **{name: given}) for name in ("generated_log_gains", "unprompted_log_gains")
        )
        for features, with_gains, without in (
            (extractor(ch_names=["Cz", "Oz"], condition="eyes_closed"), unprompted, prompted),
            (read(signal(rate=100.0), sampling_rate=100.0, condition="eyes_closed"), prompted, unprompted),
        ):
            generated = continued(features)
            (plain,) = extractor.decode(generated, features, "array", include_prompt=False)
            same, louder = (
                each.decode(generated, features, "array", include_prompt=False)[0] for each in (without, with_gains)
            )
            np.testing.assert_array_equal(same, plain)
            bound = 0.5 if with_gains is unprompted else LARGEST_LOG_GAIN  # a prompt is known to be near
            np.testing.assert_allclose(louder, np.exp(bound) * plain, atol=0.05)

    def test_virtual_people_keep_their_traits_in_every_condition(self, extractor, read):
        average = {"none": np.zeros((101, N_QUADRATIC)), "eyes_closed": everywhere(0.05)}
        traits = {name: np.zeros((N_TRAITS, 101, N_QUADRATIC)) for name in average}
        for table in traits.values():
            table[:, :, 0] = 0.05 * np.arange(1, N_TRAITS + 1)[:, None]  # all channels and frequencies alike
        given = {"unprompted_log_gains": average, "trait_log_gains": traits}
        with_traits = corrected(extractor, **given)
        people = [None, 3, 4, 3]

        def made(condition: str) -> list[np.ndarray]:
            features = with_traits(ch_names=["Cz", "Oz"], condition=condition, person=people)
            assert len(features["input_values"]) == 4
            same = continued(with_traits(ch_names=["Cz", "Oz"]))
            return with_traits.decode(same.repeat(4, 1, 1), features, "array", include_prompt=False)

        opened, closed = (np.stack(made(condition)) for condition in ("none", "eyes_closed"))
        np.testing.assert_array_equal(opened[1], opened[3])
        for person in (3, 4):
            factor = np.exp(
                0.05 * np.random.default_rng(person).standard_normal(N_TRAITS) @ np.arange(1, N_TRAITS + 1)
            )
            for x in (opened, closed):
                np.testing.assert_allclose(x[people.index(person)], factor * x[0], rtol=1e-6, atol=1e-6)
        (plain,) = extractor.decode(
            continued(extractor(ch_names=["Cz", "Oz"])), extractor(ch_names=["Cz", "Oz"]), "array", False
        )
        np.testing.assert_allclose(opened[0], plain, atol=1e-9)

    @pytest.mark.parametrize(
        ("person", "message"),
        [
            (-1, "not -1"),
            (1.5, "not 1.5"),
            (True, "not True"),
            ("3", "not '3'"),
            ([0, "x"], "not 'x'"),
            ([], "holds no"),
        ],
    )
    def test_an_invalid_person_is_refused(self, extractor, read, person, message):
        with pytest.raises(ValueError, match=message):
            extractor(ch_names=["Cz"], person=person)

    def test_a_person_beside_a_recording_is_refused(self, read):
        with pytest.raises(ValueError, match="but a recording was given"):
            read(signal(rate=100.0), sampling_rate=100.0, person=1)

    @pytest.mark.parametrize("rate", [100.0, 160.0, 250.0])
    def test_there_is_no_jump_at_the_seam(self, extractor, rate):
        steps = []
        for seed in range(12):
            raw = as_raw(signal(8, seed=seed, rate=rate), rate=rate)
            features = extractor(raw)
            (decoded,) = extractor.decode(continued(features, 16, seed=seed), features, "array")
            step = np.diff(decoded, axis=-1)
            n_before = raw.n_times
            steps.append(step[:, n_before - 3 : n_before + 2] / step[:, :n_before].std(axis=-1, keepdims=True))
        assert np.concatenate(steps).std() < 1.5

    def test_raw_has_names_order_rate_and_the_seam(self, extractor):
        names = ["Pz", "Cz", "O1", "Fp1"]
        features = extractor(as_raw(signal(), names))
        (raw,) = extractor.decode(continued(features), features)
        assert isinstance(raw, mne.io.RawArray)
        assert raw.ch_names == names
        assert raw.info["sfreq"] == RATE
        assert raw.n_times == 960 + 320
        (annotation,) = raw.annotations
        assert (annotation["onset"], annotation["duration"], annotation["description"]) == (
            6.0,
            2.0,
            GENERATED,
        )
        (array,) = extractor.decode(continued(features), features, "array")
        np.testing.assert_allclose(raw.get_data(), 1e-6 * array)

    def test_annotations_of_the_recording_stay_in_place(self, extractor):
        raw = as_raw(signal(12)).set_meas_date(datetime(2020, 1, 1, tzinfo=UTC))
        raw.set_annotations(mne.Annotations([1, 5, 8], [1, 2, 1], ["T0", "T1", "T2"])).crop(4.0)
        features = extractor(raw)
        (decoded,) = extractor.decode(continued(features), features)
        onsets = decoded.annotations.onset - decoded.first_time
        np.testing.assert_allclose(onsets, [1, 4, 8], atol=1e-6)
        assert list(decoded.annotations.description) == ["T1", "T2", GENERATED]

    @pytest.mark.parametrize("output", ["raw", "array"])
    def test_several_sequences_of_a_recording_share_its_beginning(self, extractor, read, output):
        features = read([signal(seed=1), signal(seed=2)])
        rows = extractor.decode(continued(features, rows=3), features, output)
        rows = [row if output == "array" else 1e6 * row.get_data() for row in rows]
        assert len(rows) == 6
        n_same = 960 - 32
        np.testing.assert_allclose(rows[0][:, :n_same], rows[2][:, :n_same], atol=1e-6)
        assert np.abs(rows[0][:, 960:] - rows[2][:, 960:]).max() > 1
        assert np.abs(rows[0][:, :n_same] - rows[3][:, :n_same]).max() > 1

    @pytest.mark.parametrize("output", ["raw", "epochs", "array"])
    def test_the_continuation_alone(self, extractor, output):
        raw = as_raw(signal()).set_annotations(mne.Annotations([1], [1], ["T1"]))
        features = extractor(raw)
        (whole,) = extractor.decode(continued(features), features, "array")
        (alone,) = extractor.decode(continued(features), features, output, include_prompt=False)
        if output == "array":
            data = alone
        else:
            data = 1e6 * np.squeeze(alone.get_data())
            assert alone.times[0] == 0
        np.testing.assert_allclose(data, whole[:, 960:], atol=1e-9)
        if output == "raw":
            assert list(alone.annotations.description) == [GENERATED]

    def test_without_generated_patches_decode_returns_the_recording(self, extractor, read):
        features = read(signal())
        (decoded,) = extractor.decode(features["input_values"], features, "array")
        assert decoded.shape == signal().shape

    @pytest.mark.parametrize("kind", ["array", "half", "gradient"])
    def test_anything_like_a_tensor_is_decoded(self, extractor, read, kind):
        features = read(signal())
        generated = continued(features)
        other = {
            "array": generated.numpy(),
            "half": generated.bfloat16(),
            "gradient": generated.requires_grad_(),
        }[kind]
        (decoded,), (expected,) = (extractor.decode(g, features, "array") for g in (other, generated))
        np.testing.assert_allclose(decoded, expected, atol=5.0 if kind == "half" else 1e-9)

    def test_rows_that_do_not_fit_are_refused(self, extractor, read):
        features = read([signal()] * 2)
        generated = continued(features)
        for wrong in (
            generated[:1],
            generated[:0],
            generated[:, :3],
            generated[0],
            torch.cat([generated, generated[:1]]),
        ):
            with pytest.raises(ValueError, match="the features hold 2 recordings of 4 channels"):
                extractor.decode(wrong, features)
        with pytest.raises(ValueError, match="not its prompt of 625 and whole patches of 25"):
            extractor.decode(generated[..., 600:], features)
        with pytest.raises(ValueError, match="not its prompt of 625 and whole patches of 25"):
            extractor.decode(generated[..., :-3], features)
        with pytest.raises(ValueError, match="'raw', 'epochs' or 'array', not 'edf'"):
            extractor.decode(generated, features, "edf")

    def test_features_without_the_data_for_decode_are_refused(self, extractor, read):
        features = read(signal())
        for lost in ({**features}, EEGFeatures({**features})):
            with pytest.raises(ValueError, match="features as the extractor returned them"):
                extractor.decode(continued(features), lost)

    def test_names_that_repeat_come_back_numbered(self, extractor, read):
        features = read(signal(), ch_names=["Cz", "Pz", "Cz", "C3"])
        with pytest.warns(RuntimeWarning, match="not unique"):
            (raw,) = extractor.decode(continued(features), features)
        assert raw.ch_names == ["Cz-0", "Pz", "Cz-1", "C3"]


class TestBadChannels:
    @pytest.fixture
    def flat(self, read):
        x = signal()
        x[1] = 7.0
        with pytest.warns(UserWarning, match="masked: Cz"):
            return read(x)

    def test_a_flat_channel_is_masked(self, read, flat):
        assert flat["channel_mask"].tolist() == [[1, 0, 1, 1]]
        assert not flat["input_values"][0, 1].any()
        assert not flat["calibration"][0, 1].any()
        good = read(signal()[[0, 2, 3]], ch_names=["C3", "C4", "Pz"])
        np.testing.assert_allclose(flat["input_values"][0, [0, 2, 3]], good["input_values"][0], atol=1e-6)

    @pytest.mark.parametrize("output", ["raw", "array"])
    def test_it_comes_back_silent_and_in_its_place(self, extractor, flat, output):
        (decoded,) = extractor.decode(continued(flat), flat, output)
        data = decoded if output == "array" else decoded.get_data()
        assert np.flatnonzero(data.std(axis=-1) == 0).tolist() == [1]
        assert not data[1].any()
        if output == "raw":
            assert decoded.ch_names == NAMES
            assert decoded.info["bads"] == ["Cz"]

    def test_a_channel_marked_bad_is_masked_whatever_it_holds(self, extractor):
        raw = as_raw(signal())
        raw._data[2, 5] = np.nan
        raw.info["bads"] = ["C4"]
        with pytest.warns(UserWarning, match="masked: C4"):
            features = extractor(raw)
        assert features["channel_mask"].tolist() == [[1, 1, 0, 1]]
        (decoded,) = extractor.decode(continued(features), features)
        assert decoded.info["bads"] == ["C4"]
        assert not decoded.get_data()[2].any()


class TestAnything:
    @given(
        names=st.lists(
            st.sampled_from([*ELECTRODES, "T3", "Fc5.", "EEG FP1-REF", "FP1-F7", "Cz", "Cz"]),
            min_size=1,
            max_size=6,
        ),
        seconds=st.floats(0.05, 3.0),
        rate=st.sampled_from([50.0, 100.0, 128.0, 160.0, 173.61, 250.0, 256.0, 999.9]),
        unit=st.sampled_from([("V", 1e6), ("mV", 1e3), ("uV", 1.0)]),
        gain=st.sampled_from([1.0, 1.0, 1.0, 0.1, 10.0, 1e-6, 1e6]),
        flat=st.sets(st.integers(0, 5), max_size=2),
        copies=st.sets(st.integers(0, 5), max_size=3),
        broken=st.sampled_from([None, None, None, np.nan, np.inf]),
        n_patches=st.integers(0, 5),
    )
    @settings(deadline=None, max_examples=60)
    def test_is_read_and_given_back_or_refused_in_one_sentence(
        self, extractor, names, seconds, rate, unit, gain, flat, copies, broken, n_patches
    ):
        n_chans, n_times = len(names), round(seconds * rate)
        x = 20 * gain * np.random.default_rng(0).standard_normal((n_chans, n_times)).cumsum(-1)
        for index in copies & set(range(n_chans)):
            x[index] = x[0]
        for index in flat & set(range(n_chans)):
            x[index] = 3.0
        if broken is not None:
            x[-1, n_times // 2] = broken
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                features = extractor(x / unit[1], sampling_rate=rate, ch_names=names, unit=unit[0])
            except ValueError as error:
                refusal = str(error)
            else:
                refusal = None
            if refusal is not None:
                assert "\n" not in refusal
                assert refusal.endswith(".")
                return
            assert broken is None
            for tensor in features.values():
                assert torch.isfinite(tensor).all()
            (decoded,) = extractor.decode(continued(features, n_patches), features, "array")
            (raw,) = extractor.decode(continued(features, n_patches), features)
        assert decoded.shape == raw.get_data().shape == (n_chans, n_times + round(n_patches * 0.25 * rate))
        assert np.isfinite(decoded).all()
        good = features["channel_mask"][0].bool().numpy()
        assert not decoded[~good].any()
        cleaned = extractor.clean(x[good] - x[good].mean(axis=-1, keepdims=True), rate)
        expected = resample(cleaned, 100.0, rate, ends="antireflect")
        n_same = n_times - round(0.5 * rate)
        if n_same > 0:
            np.testing.assert_allclose(
                decoded[good, :n_same], expected[:, :n_same], atol=1e-5 * (1 + np.abs(expected).max())
            )


class TestFeaturesTravel:
    @pytest.mark.parametrize(
        "travel",
        [
            lambda f: f.to("cpu"),
            lambda f: f.to(torch.float64),
            copy.copy,
            copy.deepcopy,
            lambda f: f.copy(),
            lambda f: pickle.loads(pickle.dumps(f)),
        ],
        ids=["to device", "to dtype", "copy", "deepcopy", "copy of a dict", "pickle"],
    )
    def test_the_data_for_decode_are_kept_with_the_features(self, extractor, read, travel):
        features = read(signal())
        expected = extractor.decode(continued(features), features, "array")
        other = travel(features)
        assert isinstance(other, EEGFeatures)
        np.testing.assert_array_equal(extractor.decode(continued(features), other, "array"), expected)
        assert_same(other, features)

    def test_the_data_for_decode_are_not_inputs_of_the_model(self, read):
        features = read(signal())
        assert set({**features}) == set(GETFeatureExtractor.model_input_names)
