# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import errno
import os

import mne
import numpy as np
import pytest

from get_hf import load_recording, save_recording
from get_hf.outputs import check_folder, check_output
from get_hf.processing.files import written_whole
from get_hf.recordings import split_at_seam
from synthetic import make_raw, mark_generated


@pytest.mark.parametrize("suffix", [".edf", ".fif"])
@pytest.mark.parametrize(
    ("seconds", "rate"),
    [
        (10.0, 160.0),
        (10.25, 160.0),
        (9973 / 160, 160.0),
        (7.31, 250.0),
        (4.7, 512.0),
        (20.0, 173.61),
        (0.3, 100.0),
    ],
)
def test_a_written_recording_is_read_back(tmp_path, suffix, seconds, rate):
    raw = mark_generated(make_raw(seconds, rate), 0.25)
    raw.annotations.append(0.1, 0.0, "T1")
    save_recording(raw, tmp_path / f"x{suffix}")

    back = load_recording(tmp_path / f"x{suffix}")

    assert back.ch_names == raw.ch_names
    assert back.info["sfreq"] == pytest.approx(rate, rel=1e-6)
    assert 0 <= back.n_times - raw.n_times <= 3  # EDF: what does not fill whole records is padded
    np.testing.assert_allclose(back.get_data(units="uV")[:, : raw.n_times], raw.get_data(units="uV"), atol=0.01)
    assert back.annotations.description.tolist() == ["T1", "GET generated"]
    np.testing.assert_allclose(back.annotations.onset, raw.annotations.onset, atol=1e-4)
    np.testing.assert_allclose(back.annotations.duration, raw.annotations.duration, atol=1e-4)


@pytest.mark.parametrize("microvolts", [0.0, 1e-3, 0.5, 30.0, 12345.678])
def test_edf_keeps_quiet_and_loud_channels_apart(tmp_path, microvolts):
    raw = make_raw(ch_names=["C3", "C4"])
    raw._data[1] *= microvolts * 1e-6 / raw._data[1].std()
    save_recording(raw, tmp_path / "x.edf")
    error = load_recording(tmp_path / "x.edf").get_data(units="uV") - raw.get_data(units="uV")
    assert np.abs(error[0]).max() < 0.003
    assert np.abs(error[1]).max() < max(5 * microvolts / 32767, 3e-5)


def test_annotations_of_a_cropped_recording_keep_their_place(tmp_path):
    raw = mark_generated(make_raw(10.0), 6.0).crop(2.0)
    for name in ("x.edf", "x.npz"):
        save_recording(raw, tmp_path / name)
    assert load_recording(tmp_path / "x.edf").annotations.onset == pytest.approx([4.0])
    assert np.load(tmp_path / "x.npz")["onset"] == pytest.approx([4.0])


def test_npz_holds_microvolts_names_and_annotations(tmp_path):
    raw = mark_generated(make_raw(), 8.0)
    save_recording(raw, tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz") as npz:
        np.testing.assert_allclose(npz["data"], raw.get_data() * 1e6, rtol=1e-5)
        assert npz["sampling_rate"] == 160.0
        assert npz["ch_names"].tolist() == raw.ch_names
        assert npz["description"].tolist() == ["GET generated"]
        assert (npz["onset"], npz["duration"]) == (8.0, 4.0)


def test_only_eeg_is_kept(tmp_path):
    raw = make_raw(ch_names=["Fp1", "EOG horizontal", "C3", "EMG1", "STI 014"])
    raw.set_channel_types({"STI 014": "stim"}, verbose="ERROR")
    raw.save(tmp_path / "x_raw.fif")
    with pytest.warns(UserWarning, match="left out what is not scalp EEG: EOG horizontal, EMG1, STI 014"):
        assert load_recording(tmp_path / "x_raw.fif").ch_names == ["Fp1", "C3"]


def test_padding_at_the_end_is_left_out(tmp_path):
    raw = make_raw(10.0)
    raw._data[:, -100:] = raw._data[:, -101:-100]
    save_recording(raw, tmp_path / "x.edf")
    with pytest.warns(UserWarning, match=r"left out the last 0\.62 s"):
        assert load_recording(tmp_path / "x.edf").n_times == 1500


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no recording at .*missing\.edf"):
        load_recording(tmp_path / "missing.edf")


@pytest.mark.parametrize("name", ["text.edf", "text.fif", "text.xyz", "text"])
def test_files_that_mne_cannot_read_are_refused_in_one_sentence(tmp_path, name):
    (tmp_path / name).write_text("this is no EEG\n" * 100)
    with pytest.raises(ValueError, match=r"not a recording that can be read|is not an EDF") as caught:
        load_recording(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_recording_without_eeg_is_refused(tmp_path):
    raw = make_raw(ch_names=["EOG left", "ECG"])
    save_recording(raw, tmp_path / "x.edf")
    with pytest.raises(ValueError, match="no EEG channels, only EOG left, ECG"):
        load_recording(tmp_path / "x.edf")


@pytest.mark.parametrize(
    ("name", "error", "match"),
    [
        ("x.txt", ValueError, r"must end in \.edf, \.fif, \.npz"),
        ("x", ValueError, "must end in"),
        ("nowhere/x.edf", FileNotFoundError, "nowhere does not exist"),
        ("folder.edf", IsADirectoryError, "it is a folder"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused(tmp_path, name, error, match):
    (tmp_path / "folder.edf").mkdir()
    with pytest.raises(error, match=match):
        check_output(tmp_path / name)


@pytest.mark.parametrize(
    ("suffix", "name", "match"),
    [
        ("edf", "a name of seventeen", "names of up to 16 characters, not a name of seventeen: write .fif or .npz"),
        ("edf", "C3 µ", "EDF holds names in ASCII characters, not 'C3 µ': write .npz"),
        ("fif", "C3 µ", "FIF holds names in ASCII characters, not 'C3 µ': write .npz"),
        ("edf", " ", "ASCII characters, not ' '"),
        ("edf", "C3\t", r"a channel called 'C3\\t'"),
        ("edf", "EDF Annotations", "a channel called 'EDF Annotations'"),
    ],
)
def test_names_that_a_format_cannot_hold_are_refused_before_the_work_and_at_its_end(tmp_path, suffix, name, match):
    with pytest.raises(ValueError, match=match):
        check_output(tmp_path / f"x.{suffix}", ch_names=["C4", name])
    with pytest.raises(ValueError, match=match):
        save_recording(make_raw(ch_names=["C4", name]), tmp_path / f"x.{suffix}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [np.nan, np.inf, 20.0])
def test_samples_that_edf_cannot_hold_are_refused_by_the_name_of_their_channel(tmp_path, value):
    raw = make_raw()
    raw._data[3, 7] = value
    with pytest.raises(ValueError, match=r"and Cz\.\. has others"):
        save_recording(raw, tmp_path / "x.edf")
    assert list(tmp_path.iterdir()) == []


def test_a_rate_that_edf_cannot_hold_is_refused(tmp_path):
    raw = mne.io.RawArray(np.ones((1, 1)), mne.create_info(["C3"], 44_100.0, "eeg"), verbose="ERROR")
    with pytest.raises(ValueError, match="EDF cannot hold 1 samples at 44100 Hz"):
        save_recording(raw, tmp_path / "x.edf")
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_folder_is_refused_before_the_work(tmp_path, monkeypatch):
    def refuse(path, *_):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(OSError, match=r"Cannot write .*x\.edf: Permission denied in the folder"):
        check_output(tmp_path / "x.edf")


@pytest.mark.parametrize("name", ["file", "file/inside"])
def test_a_file_in_place_of_a_folder_is_refused_before_the_work(tmp_path, name):
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotADirectoryError, match=r"Cannot write to .*: .*file is a file"):
        check_folder(tmp_path / name)


def test_checking_a_missing_folder_does_not_create_it(tmp_path):
    check_folder(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "x.npz"
    path.write_text("old")

    def write_half():
        with written_whole(path) as partial:
            partial.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupt_right_after_the_folder_appears_leaves_no_files(tmp_path, monkeypatch):
    mkdir = os.mkdir

    def interrupted(*args, **kwargs):
        mkdir(*args, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "mkdir", interrupted)
    with pytest.raises(KeyboardInterrupt), written_whole(tmp_path / "x.edf"):
        pass
    assert not any(tmp_path.iterdir())


def test_folders_that_killed_processes_left_are_swept(tmp_path):
    old, new, other = (tmp_path / name for name in (".get-hf-0123456789ab", ".get-hf-ba9876543210", ".get-hf-mine"))
    for folder in (old, new, other):
        folder.mkdir()
        (folder / "half").write_text("x")
    for folder in (old, other):
        os.utime(folder, (0, 0))
    save_recording(make_raw(1.0), tmp_path / "x.edf")
    assert {path.name for path in tmp_path.iterdir()} == {new.name, other.name, "x.edf"}


@pytest.mark.filterwarnings("ignore:.*no channel moves")
def test_a_real_recording_survives_edf(tmp_path, eyes_closed):
    raw = load_recording(eyes_closed)
    save_recording(raw, tmp_path / "x.edf")
    back = mne.io.read_raw(tmp_path / "x.edf", preload=True, verbose="ERROR")
    assert back.ch_names == raw.ch_names
    assert back.n_times == raw.n_times
    np.testing.assert_allclose(back.get_data(units="uV"), raw.get_data(units="uV"), atol=0.05)


def test_the_seam_divides_prompt_from_continuation():
    raw = mark_generated(make_raw(12.0), 7.5)
    prompt, continuation = split_at_seam(raw)
    assert prompt.shape == (8, 1200)
    np.testing.assert_array_equal(np.concatenate([prompt, continuation], axis=1), raw.get_data(units="uV"))


def test_the_last_seam_counts_when_the_prompt_was_generated_too():
    raw = mark_generated(make_raw(12.0), 4.0)
    raw.annotations.append(9.0, 3.0, "GET generated")
    assert split_at_seam(raw)[0].shape[1] == 9 * 160


def test_from_nothing_there_is_no_prompt():
    assert split_at_seam(mark_generated(make_raw(12.0), 0.0))[0].shape == (8, 0)


def test_a_recording_that_was_not_generated_has_no_seam():
    with pytest.raises(ValueError, match="GET generated"):
        split_at_seam(make_raw())
