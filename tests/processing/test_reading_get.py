# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import warnings
from datetime import UTC, datetime

import mne
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from get_hf.processing.reading_get import (
    PLAUSIBLE_HZ,
    Recording,
    check_recording,
    read_recordings,
)
from synthetic import make_raw, synthetic_eeg

NAMES = ["C3", "Cz", "C4", "Pz"]


def signal(n_times: int = 400) -> np.ndarray:
    """Four channels of EEG in microvolts at 160 Hz."""
    return 1e6 * synthetic_eeg(n_times / 160, 160, len(NAMES))


def read(data, sampling_rate=160.0, ch_names=NAMES, unit="uV") -> list[Recording]:
    return read_recordings(data, sampling_rate, ch_names, unit)


def refusal(*args, **kwargs) -> str:
    """The message of a refusal, which has to be one readable sentence."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011  the message is what the tests look at
        read(*args, **kwargs)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    assert len(message) < 320
    return message


class TestWhatIsARecording:
    def test_an_array_of_two_axes_is_one_recording(self):
        (recording,) = read(signal())
        np.testing.assert_array_equal(recording.data, signal())
        assert recording.sampling_rate == 160
        assert recording.ch_names == NAMES
        assert not recording.bad.any()

    def test_an_array_of_three_axes_is_a_recording_per_row(self):
        rows = read(np.stack([signal(), 2 * signal()]))
        assert len(rows) == 2
        np.testing.assert_array_equal(rows[1].data, 2 * signal())

    @pytest.mark.parametrize(
        "convert",
        [
            torch.from_numpy,
            lambda x: torch.from_numpy(x).requires_grad_(),
            lambda x: x.tolist(),
            lambda x: x.astype(np.float32),
            lambda x: [list(row) for row in x],
        ],
        ids=["tensor", "tensor with gradient", "nested lists", "float32", "lists of scalars"],
    )
    def test_anything_like_an_array_is_one(self, convert):
        (recording,) = read(convert(signal()))
        np.testing.assert_allclose(recording.data, signal(), rtol=1e-6)
        assert recording.data.dtype == np.float64

    @pytest.mark.parametrize(
        ("dtype", "rtol"), [(torch.float16, 1e-2), (torch.bfloat16, 1e-2), (torch.float8_e4m3fn, 0.1)]
    )
    def test_short_floats_are_read(self, dtype, rtol):
        (recording,) = read(torch.from_numpy(signal()).to(dtype))
        np.testing.assert_allclose(recording.data, signal(), rtol=rtol, atol=1e-2)

    def test_a_sparse_tensor_is_refused(self):
        assert "Tensor is not an EEG recording" in refusal(torch.from_numpy(signal()).to_sparse())

    def test_integers_are_read(self):
        (recording,) = read(np.round(signal()).astype(np.int16))
        np.testing.assert_array_equal(recording.data, np.round(signal()))

    def test_a_list_may_hold_recordings_of_different_lengths(self):
        rows = read([signal(400), torch.from_numpy(signal(300)), np.stack([signal(200)] * 2)])
        assert [row.data.shape[-1] for row in rows] == [400, 300, 200, 200]

    def test_raw_comes_in_volts_and_is_read_in_microvolts(self):
        raw = make_raw()
        (recording,) = read_recordings(raw, None, None, None)
        np.testing.assert_allclose(recording.data, 1e6 * raw.get_data())
        assert recording.ch_names == raw.ch_names
        assert recording.sampling_rate == raw.info["sfreq"]

    def test_each_epoch_is_a_recording(self):
        raw = make_raw()
        epochs = mne.make_fixed_length_epochs(raw, 2.0, preload=True, verbose="error")
        rows = read_recordings(epochs, None, None, None)
        assert len(rows) == len(epochs) == 6
        np.testing.assert_allclose(rows[2].data, 1e6 * raw.get_data()[:, 640:960])
        assert rows[2].spans == [(0.0, 2.0, "1")]

    def test_epochs_not_loaded_yet_are_read_without_those_that_will_be_dropped(self):
        raw = make_raw()
        raw._data[:, 700:710] = 1e-3
        events = mne.make_fixed_length_events(raw, id=3, duration=2.0)
        epochs = mne.Epochs(
            raw, events, {"rest": 3}, 0, 2 - 1 / 160, reject={"eeg": 5e-4}, baseline=None, verbose="error"
        )
        rows = read_recordings(epochs, None, None, None)
        assert len(rows) == 5
        assert {row.spans[0][2] for row in rows} == {"rest"}
        np.testing.assert_allclose(rows[2].data, 1e6 * raw.get_data()[:, 960:1280])

    def test_a_list_may_mix_mne_objects_of_different_channels(self):
        raw = make_raw()
        epochs = mne.make_fixed_length_epochs(raw, 4.0, preload=True, verbose="error")
        rows = read_recordings([raw, raw.copy().pick(["Cz..", "O1.."]), epochs], None, None, None)
        assert [len(row.data) for row in rows] == [8, 2, 8, 8, 8]

    def test_the_users_data_are_left_as_they_were(self):
        x, raw = signal(), make_raw()
        before, raw_before = x.copy(), raw.get_data()
        read(x)[0].data[:] = 0
        read_recordings(raw, None, None, None)[0].data[:] = 0
        np.testing.assert_array_equal(x, before)
        np.testing.assert_array_equal(raw.get_data(), raw_before)

    def test_channels_that_are_not_eeg_are_left_out(self):
        raw = make_raw().set_channel_types({"Fp1.": "eog", "O2..": "misc"}, on_unit_change="ignore")
        (recording,) = read_recordings(raw, None, None, None)
        assert recording.ch_names == ["Fz..", "C3..", "Cz..", "C4..", "Pz..", "O1.."]

    @pytest.mark.parametrize("kind", ["seeg", "ecog"])
    def test_intracranial_channels_are_eeg(self, kind):
        raw = make_raw()
        raw.set_channel_types(dict.fromkeys(raw.ch_names, kind), verbose="error")
        assert len(read_recordings(raw, None, None, None)[0].data) == 8

    def test_digitised_positions_are_kept(self):
        raw = make_raw(ch_names=["Cz", "Pz"])
        assert read_recordings(raw, None, None, None)[0].digitised == {}
        raw.set_montage(mne.channels.make_dig_montage({"Cz": (0, 0, 0.1), "Pz": (0, -0.06, 0.08)}, coord_frame="head"))
        assert set(read_recordings(raw, None, None, None)[0].digitised) == {"Cz", "Pz"}


class TestUnits:
    @pytest.mark.parametrize(
        ("unit", "per_unit"),
        [
            ("V", 1e6),
            ("mV", 1e3),
            ("uV", 1),
            ("\u00b5V", 1),
            ("\u03bcV", 1),
            ("uv", 1),
            ("microvolts", 1),
            ("nV", 1e-3),
        ],
    )
    def test_declared_units_are_brought_to_microvolts(self, unit, per_unit):
        (recording,) = read(signal() / per_unit, unit=unit)
        np.testing.assert_allclose(recording.data, signal(), rtol=1e-12)

    @pytest.mark.parametrize("unit", [None, "volt-ish", "uVAC", "T", 1])
    def test_a_missing_or_unknown_unit_is_refused(self, unit):
        assert "one of V, mV, uV, nV" in refusal(signal(), unit=unit)


class TestRefusals:
    def test_a_missing_rate(self):
        assert "sampling_rate=" in refusal(signal(), sampling_rate=None)

    @pytest.mark.parametrize("rate", [0, -160, float("nan"), float("inf"), 0.16, 1e6])
    def test_an_impossible_rate(self, rate):
        assert "is sampled at 20 to 100000 Hz" in refusal(signal(), sampling_rate=rate)

    def test_missing_names(self):
        assert "names for its 4 channels: pass ch_names=" in refusal(signal(), ch_names=None)

    def test_names_that_do_not_fit_the_channels(self):
        assert "2 names, the array 4 channels" in refusal(signal(), ch_names=["Cz", "Pz"])

    def test_one_string_of_names(self):
        assert "'Cz'" in refusal(signal(), ch_names="Cz")

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_samples_that_are_no_numbers(self, value):
        x = signal()
        x[1, 50] = x[3, 60] = value
        assert "2 of 4 channels hold NaN or infinite samples (Cz, Pz)" in refusal(x)

    def test_masked_samples(self):
        x = np.ma.masked_array(signal(), mask=False)
        np.testing.assert_array_equal(read(x)[0].data, signal())
        x[1, 50:53] = np.ma.masked
        assert "3 samples of the array are masked" in refusal(x)
        assert "3 samples of the array are masked" in refusal([list(x), list(x.filled(0))])

    def test_many_broken_channels_are_not_all_listed(self):
        names = [f"C{n}" for n in range(1, 7)] + ["Cz", "Pz"]
        assert "C1, C2, C3, C4, C5 and 3 more" in refusal(np.full((8, 100), np.nan), ch_names=names)

    def test_a_flat_recording(self):
        assert "All 4 channels are flat" in refusal(np.zeros((4, 400)))
        assert "All 4 channels are flat" in refusal(np.full((4, 400), 37.5))

    @pytest.mark.parametrize("shape", [(4, 0), (0, 100), (1, 4, 0)])
    def test_an_empty_recording(self, shape):
        names = NAMES if 4 in shape else []
        assert "empty" in refusal(np.zeros(shape), ch_names=names)

    def test_an_empty_list_and_an_empty_batch(self):
        assert "The list of recordings is empty" in refusal([])
        assert "(0, 4, 100) holds no recording" in refusal(np.zeros((0, 4, 100)))

    @pytest.mark.parametrize("shape", [(), (400,), (1, 1, 4, 400)])
    def test_an_array_of_other_axes(self, shape):
        assert "(channels, times) or (batch, channels, times)" in refusal(np.ones(shape))

    def test_a_file_that_is_not_there(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"no recording at .*S001R01\.edf"):
            read_recordings([tmp_path / "S001R01.edf"], None, None, None)

    @pytest.mark.parametrize("thing", [{"data": 1}, object()])
    def test_what_is_no_recording_at_all(self, thing):
        assert f"{type(thing).__name__} is not an EEG recording" in refusal(thing)

    def test_ragged_lists_of_numbers(self):
        refusal([[1.0, 2.0], [1.0]])

    def test_mne_objects_know_rate_unit_and_names_already(self):
        raw = make_raw()
        with pytest.raises(ValueError, match=r"250.* contradicts the recording's own 160.0 Hz"):
            read_recordings(raw, 250, None, None)
        with pytest.raises(ValueError, match="unit='uV' contradicts MNE"):
            read_recordings(raw, None, None, "uV")
        with pytest.raises(ValueError, match="ch_names= is for arrays"):
            read_recordings(raw, None, raw.ch_names, None)
        assert len(read_recordings(raw, 160, None, "V")) == 1

    def test_a_recording_without_eeg_channels(self):
        raw = make_raw()
        raw.set_channel_types(dict.fromkeys(raw.ch_names, "ecg"), on_unit_change="ignore")
        with pytest.raises(ValueError, match="no EEG channel, only ecg"):
            read_recordings(raw, None, None, None)

    def test_epochs_of_which_none_survived(self):
        epochs = mne.make_fixed_length_epochs(make_raw(), 2.0, preload=True, verbose="error")
        with pytest.raises(ValueError, match="drop_log"):
            read_recordings(epochs.drop(range(6), verbose="error"), None, None, None)

    @given(
        shape=st.tuples(st.integers(0, 4), st.integers(0, 60)),
        gain=st.sampled_from([0, 1e-6, 1e-3, 1, 1e3, 1e6, 1e300, np.nan, np.inf]),
        rate=st.floats() | st.none(),
        unit=st.sampled_from(["V", "mV", "uV", "nV", "?", None]),
    )
    @settings(deadline=None, max_examples=100)
    def test_whatever_comes_it_is_read_or_refused_in_one_sentence(self, shape, gain, rate, unit):
        x = np.random.default_rng(0).standard_normal(shape)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            x = x * gain
            try:
                (recording,) = read(x, rate, NAMES[: len(x)], unit)
            except ValueError as error:
                refusal = str(error)
            else:
                refusal = None
        if refusal is not None:
            assert refusal.endswith(".")
            assert "\n" not in refusal
            return
        assert np.isfinite(recording.data).all()
        assert PLAUSIBLE_HZ[0] <= recording.sampling_rate <= PLAUSIBLE_HZ[1]


class TestBadChannels:
    def test_a_flat_channel_is_a_warning(self):
        x = signal()
        x[2] = 12.0
        with pytest.warns(UserWarning, match="masked: C4"):
            (recording,) = read(x)
        assert recording.bad.tolist() == [False, False, True, False]

    def test_a_channel_marked_bad_is_a_warning(self):
        raw = make_raw()
        raw.info["bads"] = ["Cz.."]
        with pytest.warns(UserWarning, match="masked: Cz"):
            (recording,) = read_recordings(raw, None, None, None)
        assert np.flatnonzero(recording.bad).tolist() == [3]

    @pytest.mark.parametrize("value", [np.nan, 1e12, 0.0])
    def test_samples_of_a_bad_channel_do_not_matter(self, value):
        x = signal()
        x[0] = value
        with pytest.warns(UserWarning, match="masked: C3"):
            recording = check_recording(Recording(x, 160.0, NAMES, bad=np.array([True, False, False, False])))
        assert recording.bad.tolist() == [True, False, False, False]

    def test_all_channels_bad_is_refused(self):
        raw = make_raw()
        raw.info["bads"] = list(raw.ch_names)
        with pytest.raises(ValueError, match="All 8 channels are marked bad"):
            read_recordings(raw, None, None, None)

    def test_good_channels_that_are_all_flat_are_refused(self):
        raw = make_raw()
        raw.info["bads"] = ["Cz.."]
        raw.apply_function(lambda x: 0 * x, picks=[name for name in raw.ch_names if name != "Cz.."])
        with pytest.raises(ValueError, match="All 7 channels are flat"):
            read_recordings(raw, None, None, None)

    def test_a_good_recording_gives_no_warning(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            read(signal())


class TestAnnotations:
    """Onsets count from the first sample of what was given, whatever MNE counts from."""

    @pytest.mark.parametrize("meas_date", [None, datetime(2020, 1, 1, tzinfo=UTC)])
    @pytest.mark.parametrize("first_samp", [0, 1000])
    @pytest.mark.parametrize("crop", [None, 3.0])
    def test_onsets_are_those_mne_itself_finds(self, meas_date, first_samp, crop):
        raw = mne.io.RawArray(make_raw().get_data(), make_raw().info, first_samp=first_samp, verbose="error")
        raw.set_meas_date(meas_date)
        raw.set_annotations(mne.Annotations([4.0, 8.0], [1.0, 2.0], ["T1", "T2"]))
        if crop:
            raw.crop(crop)
        events, _ = mne.events_from_annotations(raw, verbose="error")
        (recording,) = read_recordings(raw, None, None, None)
        onsets = [onset for onset, _, _ in recording.spans]
        np.testing.assert_allclose(onsets, (events[:, 0] - raw.first_samp) / 160, atol=1 / 160)
        np.testing.assert_allclose(onsets, np.array([4.0, 8.0]) - (crop or 0.0), atol=1 / 160)
        assert [(duration, name) for _, duration, name in recording.spans] == [(1.0, "T1"), (2.0, "T2")]

    def test_annotations_with_a_date_of_their_own_are_found(self):
        raw = make_raw().set_meas_date(datetime(2020, 1, 1, tzinfo=UTC))
        later = datetime(2020, 1, 1, 0, 0, 5, tzinfo=UTC)
        raw.set_annotations(mne.Annotations([1.0], [1.0], ["T1"], orig_time=later))
        assert read_recordings(raw, None, None, None)[0].spans == [(pytest.approx(6.0), 1.0, "T1")]
