# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import sys
from datetime import UTC, date, datetime, timedelta

import mne
import numpy as np
import pytest

from get_hf.processing import decoding_get
from get_hf.processing.decoding_get import GENERATED, keep_projected, to_epochs, to_raw
from get_hf.processing.montage_get import channel_positions
from get_hf.processing.reading_get import Recording, read_recordings
from synthetic import make_raw

NAMES = ["C3", "Cz", "C4", "Fp1-F7"]
RATE, N_BEFORE, N_TIMES = 160.0, 320, 800


def signal() -> np.ndarray:
    return 20 * np.random.default_rng(0).standard_normal((len(NAMES), N_TIMES))


def recording(**kwargs) -> Recording:
    return Recording(np.zeros((4, 0)), RATE, NAMES, bad=np.array([False, True, False, False]), **kwargs)


def raw_of(source: Recording, n_before: int = N_BEFORE) -> mne.io.RawArray:
    n_chans = len(source.ch_names)
    return to_raw(np.resize(signal(), (n_chans, N_TIMES)), source, channel_positions(source.ch_names), n_before)


def read(raw: mne.io.BaseRaw) -> Recording:
    return read_recordings(raw, None, None, None)[0]


def test_an_array_becomes_raw_in_volts_with_its_names_rate_and_bad_channels():
    raw = raw_of(recording())
    np.testing.assert_allclose(raw.get_data(), 1e-6 * signal())
    assert raw.ch_names == NAMES
    assert raw.info["sfreq"] == RATE
    assert raw.info["bads"] == ["Cz"]
    assert raw.get_channel_types() == ["eeg"] * 4


def test_the_annotation_begins_where_the_recording_ends_and_lasts_to_the_end():
    raw = raw_of(recording())
    assert list(raw.annotations.description) == [GENERATED]
    assert raw.annotations.onset[0] == N_BEFORE / RATE
    assert raw.annotations.duration[0] == pytest.approx((N_TIMES - N_BEFORE) / RATE)


def test_annotations_of_the_recording_stay_where_they_were():
    raw = raw_of(recording(spans=[(0.5, 1.0, "T1"), (1.5, 0.0, "T2")]))
    assert list(raw.annotations.description) == ["T1", "T2", GENERATED]
    np.testing.assert_allclose(raw.annotations.onset, [0.5, 1.5, 2.0])
    np.testing.assert_allclose(raw.annotations.duration, [1.0, 0.0, 3.0])


def test_without_the_recording_its_annotations_are_left_out():
    raw = raw_of(recording(spans=[(0.5, 1.0, "T1")]), n_before=0)
    assert list(raw.annotations.description) == [GENERATED]
    assert raw.annotations.onset[0] == 0


@pytest.mark.parametrize("meas_date", [None, datetime(2020, 1, 1, tzinfo=UTC)])
@pytest.mark.parametrize("first_samp", [0, 1000])
@pytest.mark.parametrize("crop", [0.0, 3.0])
def test_annotations_of_a_cropped_or_dated_raw_mark_the_same_samples(meas_date, first_samp, crop):
    source = mne.io.RawArray(make_raw().get_data(), make_raw().info, first_samp=first_samp, verbose="error")
    source.set_meas_date(meas_date)
    source.set_annotations(mne.Annotations([4.0, 8.0], [1.0, 2.0], ["T1", "T2"]))
    source.crop(crop)
    raw = to_raw(1e6 * source.get_data(), read(source), channel_positions(source.ch_names), 1000)
    events, ids = mne.events_from_annotations(raw, verbose="error")
    expected, _ = mne.events_from_annotations(source, verbose="error")
    assert set(ids) == {"T1", "T2", GENERATED}
    generated = events[:, 2] == ids[GENERATED]
    np.testing.assert_array_equal(events[~generated, 0], expected[:, 0] - source.first_samp)
    np.testing.assert_array_equal(events[generated, 0], [1000])


def of_somebody(rate: float = RATE) -> mne.io.RawArray:
    """A recording that tells whose it is, wherever MNE has room for that."""
    source = make_raw(rate=rate).set_meas_date(datetime(2020, 1, 1, 12, tzinfo=UTC))
    source.info.update(
        line_freq=60.0,
        subject_info={"his_id": "S003", "last_name": "Doe", "birthday": date(1980, 2, 3)},
        description="eyes closed, Jane Doe",
        experimenter="Dr Doe",
        proj_name="Doe's study",
        device_info={"type": "x", "serial": "doe-17"},
    )
    return source


def test_signal_metadata_is_kept_and_personal_metadata_is_not(tmp_path):
    raw = raw_of(read(of_somebody()))
    assert raw.info["line_freq"] == 60
    assert raw.info["meas_date"] is None
    assert raw.info["description"] == f"{GENERATED} from 2.000 s on"
    raw.save(tmp_path / "x_raw.fif", verbose="error")
    assert b"doe" not in (tmp_path / "x_raw.fif").read_bytes().lower()
    assert b"S003" not in (tmp_path / "x_raw.fif").read_bytes()


def test_the_person_is_kept_on_request():
    source = read(of_somebody())
    raw = to_raw(np.resize(signal(), (8, 800)), source, channel_positions(source.ch_names), 320, keep_identity=True)
    assert raw.info["subject_info"]["his_id"] == "S003"
    assert raw.info["experimenter"] == "Dr Doe"
    assert raw.info["description"] == f"eyes closed, Jane Doe; {GENERATED} from 2.000 s on"
    assert raw.info["meas_date"] == datetime(2020, 1, 1, 12, tzinfo=UTC)


def test_points_that_show_a_face_are_left_out():
    places = {"Cz": (0.0, 0.0, 0.1), "Pz": (0.0, -0.06, 0.08)}
    head = {"nasion": [0, 0.1, 0], "lpa": [-0.08, 0, 0], "rpa": [0.08, 0, 0]}
    source = make_raw(ch_names=list(places))
    face = np.random.default_rng(0).normal(size=(20, 3))
    source.set_montage(mne.channels.make_dig_montage(places, hsp=face, coord_frame="head", **head))
    kept = raw_of(read(source)).get_montage().get_positions()
    assert kept["hsp"] is None
    assert set(kept["ch_pos"]) == set(places)
    np.testing.assert_allclose(kept["nasion"], head["nasion"], atol=1e-6)


@pytest.mark.parametrize("first_samp", [0, 500])
@pytest.mark.parametrize("n_left_out", [0, 320])
def test_the_clock_is_that_of_the_first_sample(first_samp, n_left_out):
    began = datetime(2020, 1, 1, 12, tzinfo=UTC)
    source = mne.io.RawArray(make_raw().get_data(), make_raw().info, first_samp=first_samp, verbose="error")
    source.set_meas_date(began).crop(3.0)
    item = read(source)
    raw = to_raw(signal()[:1].repeat(8, 0), item, channel_positions(item.ch_names), 0, n_left_out, keep_identity=True)
    clock = raw.info["meas_date"] + timedelta(seconds=raw.first_time)
    assert clock == began + timedelta(seconds=first_samp / RATE + 3 + n_left_out / RATE)


@pytest.mark.parametrize(
    ("rate", "own", "expected"),
    [(512.0, (0.0, 256.0), (0.5, 45.0)), (512.0, (1.0, 30.0), (1.0, 30.0)), (60.0, (0.1, 30.0), (0.5, 30.0))],
)
def test_info_says_which_frequencies_are_left(rate, own, expected):
    source = make_raw(rate=rate)
    with source.info._unlock():
        source.info["highpass"], source.info["lowpass"] = own
    item = read(source)
    places = channel_positions(item.ch_names)
    for made in (
        to_raw(signal()[:1].repeat(8, 0), item, places, 100, band=(0.5, 45.0)),
        to_raw(signal()[:1].repeat(8, 0), item, places, 100, band=(0.5, 45.0), keep_identity=True),
        to_epochs(signal()[None, :1].repeat(8, 1), [item], places, 100, band=(0.5, 45.0)),
    ):
        assert (made.info["highpass"], made.info["lowpass"]) == expected


def test_annotations_of_single_channels_stay_theirs():
    source = make_raw().set_channel_types({"O2..": "eog"}, on_unit_change="ignore")
    about = [["Fz.."], [], ["C3..", "O2.."], ["O2.."]]
    source.set_annotations(
        mne.Annotations([1, 2, 3, 4], [1] * 4, ["BAD_pop", "T1", "BAD_hop", "blink"], ch_names=about)
    )
    raw = raw_of(read(source))
    assert list(raw.annotations.description) == ["BAD_pop", "T1", GENERATED, "BAD_hop"]
    assert list(raw.annotations.ch_names) == [("Fz..",), (), (), ("C3..",)]


def test_gaps_stay_where_they_are():
    source = mne.concatenate_raws([make_raw(2.0), make_raw(2.0, seed=1)], verbose="error").crop(0.5)
    raw = raw_of(read(source))
    found = dict(zip(raw.annotations.description, raw.annotations.onset, strict=True))
    assert found["EDGE boundary"] == pytest.approx(1.5)
    assert found["BAD boundary"] == pytest.approx(1.5)


class TestProjectors:
    @pytest.fixture
    def referenced(self) -> mne.io.RawArray:
        return make_raw().set_eeg_reference(projection=True, verbose="error")

    def test_an_applied_one_holds(self, referenced):
        item = read(referenced.apply_proj(verbose="error"))
        data = keep_projected(np.resize(signal(), (8, N_TIMES)), item)
        np.testing.assert_allclose(data.mean(axis=0), 0, atol=1e-9)
        raw = to_raw(data, item, channel_positions(item.ch_names), N_BEFORE)
        assert [p["active"] for p in raw.info["projs"]] == [True]
        np.testing.assert_allclose(raw.copy().apply_proj(verbose="error").get_data(), raw.get_data(), atol=1e-12)

    @pytest.mark.parametrize(
        "form",
        [
            raw_of,
            lambda item: to_epochs(
                np.resize(signal(), (1, 8, N_TIMES)), [item], channel_positions(item.ch_names), N_BEFORE
            ),
        ],
        ids=["raw", "epochs"],
    )
    def test_one_that_waits_goes_on_waiting(self, referenced, form):
        item = read(referenced)
        x = np.resize(signal(), (8, N_TIMES))
        np.testing.assert_array_equal(keep_projected(x, item), x)
        made = form(item)
        assert [p["active"] for p in made.info["projs"]] == [False]
        np.testing.assert_allclose(np.squeeze(made.get_data()), 1e-6 * x)

    def test_one_over_channels_that_are_gone_was_applied_and_is_not_applied_again(self, referenced):
        item = read(referenced.apply_proj(verbose="error").pick(["C3..", "Cz..", "Pz.."]))
        x = np.resize(signal(), (3, N_TIMES))
        np.testing.assert_array_equal(keep_projected(x, item), x)

    def test_one_over_channels_that_are_silenced_holds_no_longer_and_is_left_out(self, referenced):
        referenced.apply_proj(verbose="error").info["bads"] = ["Cz.."]
        with pytest.warns(UserWarning, match="masked"):
            item = read(referenced)
        x = np.resize(signal(), (8, N_TIMES))
        np.testing.assert_array_equal(keep_projected(x, item), x)
        with pytest.warns(UserWarning, match="no longer hold.*Average EEG reference"):
            raw = raw_of(item)
        assert raw.info["projs"] == []


def test_the_users_info_is_not_changed():
    source = make_raw()
    before = source.info.copy()
    raw_of(read(source)).info["bads"] = ["Cz.."]
    assert mne.utils.object_diff(before, source.info) == ""


def test_digitised_positions_are_kept():
    places = {"E1": (0.05, 0.06, 0.05), "E2": (-0.05, 0.06, 0.05)}
    source = make_raw(ch_names=list(places))
    source.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"))
    item = read(source)
    raw = to_raw(signal()[:2], item, channel_positions(item.ch_names, item.digitised), N_BEFORE)
    for name, place in raw.get_montage().get_positions()["ch_pos"].items():
        np.testing.assert_allclose(place, places[name], atol=1e-6)


def test_without_digitised_positions_the_names_tell_where_to_draw():
    for source in (recording(), read(make_raw(ch_names=NAMES))):
        places = raw_of(source).get_montage().get_positions()["ch_pos"]
        assert list(places) == NAMES
        np.testing.assert_allclose(places["Cz"], [0, 0, decoding_get.HEAD_RADIUS], atol=1e-6)
        assert places["C3"][0] < 0 < places["C4"][0]


def test_a_bipolar_channel_is_drawn_between_its_electrodes():
    place = raw_of(recording()).get_montage().get_positions()["ch_pos"]["Fp1-F7"]
    fp1, f7 = channel_positions(["Fp1", "F7"])[:, :3]
    np.testing.assert_allclose(place / np.linalg.norm(place), (fp1 + f7) / np.linalg.norm(fp1 + f7), atol=1e-5)


def test_names_that_repeat_are_numbered_as_mne_does():
    source = Recording(np.zeros((3, 0)), RATE, ["Cz", "Cz", "Pz"], bad=np.array([False, True, False]))
    with pytest.warns(RuntimeWarning, match="not unique"):
        raw = raw_of(source)
    assert raw.ch_names == ["Cz-0", "Cz-1", "Pz"]
    assert raw.info["bads"] == ["Cz-1"]


def test_epochs_begin_generating_at_zero_seconds():
    epochs = to_epochs(np.stack([signal()] * 3), [recording()] * 3, channel_positions(NAMES), N_BEFORE)
    assert epochs.get_data(copy=True).shape == (3, 4, N_TIMES)
    np.testing.assert_allclose(epochs.get_data(copy=True)[1], 1e-6 * signal())
    assert epochs.tmin == -N_BEFORE / RATE
    assert epochs.times[N_BEFORE] == pytest.approx(0)
    assert list(epochs.event_id) == [GENERATED]
    assert epochs.metadata["generated_from"].tolist() == [0, 0, 0]
    assert epochs.metadata["generated_draw"].tolist() == [0, 1, 2]
    assert epochs.ch_names == NAMES
    assert epochs.info["bads"] == ["Cz"]


def test_without_mne_the_message_says_what_works(monkeypatch):
    monkeypatch.setitem(sys.modules, "mne", None)
    with pytest.raises(ImportError, match="ask for output='array'"):
        raw_of(recording())
    with pytest.raises(ImportError, match="ask for output='array'"):
        to_epochs(signal()[None], [recording()], channel_positions(NAMES), N_BEFORE)
