# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The one reader of files: what belongs together is found, and what is hostile costs one sentence."""

import gzip
import os
import threading
import zipfile

import mne
import numpy as np
import pytest
import scipy.io

from edf_files import write_edf
from get_hf.processing.loading import load_recording
from get_hf.recordings import save_recording
from synthetic import make_raw

CH_NAMES = ["Fp1", "C3", "O2"]


def refusal(path, **kwargs) -> str:
    """The message of a refusal, which has to be one sentence that names the file."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011  the message is what the tests look at
        load_recording(path, **kwargs)
    message = str(caught.value)
    assert path.name in message
    assert message.endswith(".")
    assert "\n" not in message
    return message


def write_set(path, data, fdt=None, trials=1, names=CH_NAMES, chaninfo=None):
    """Writes an EEGLAB file `(channels, times)` of microvolts at 100 Hz, its samples in `fdt` if one is named."""
    locations = np.zeros(len(names), dtype=[("labels", object)])
    locations["labels"] = names
    n_times = data.shape[-1] // trials
    stored = fdt or data.reshape(len(names), trials, n_times).transpose(0, 2, 1).squeeze().astype("f4")
    if fdt:
        data.astype("<f4").T.tofile(path.parent / fdt.split("/")[-1])
    eeg = {"setname": "x", "nbchan": len(names), "trials": trials, "pnts": n_times, "srate": 100.0, "xmin": 0.0}
    eeg |= {"xmax": 1.0, "data": stored, "chanlocs": locations, "event": np.array([]), "epoch": np.array([])}
    eeg |= dict.fromkeys(("icawinv", "icaweights", "icasphere", "icachansind", "urevent"), np.array([]))
    scipy.io.savemat(
        path,
        {"EEG": eeg | {"ref": "common", "chaninfo": {"nosedir": "+X"} if chaninfo is None else chaninfo}},
        appendmat=False,
    )
    return path


def write_brainvision(folder, stem="rec"):
    """Writes three files that name one another."""
    x = np.round(1e6 * make_raw(ch_names=CH_NAMES).get_data() * 10).astype("<i2")
    x.T.tofile(folder / f"{stem}.eeg")
    channels = "".join(f"Ch{number}={name},,0.1,µV\n" for number, name in enumerate(CH_NAMES, 1))
    (folder / f"{stem}.vhdr").write_text(
        "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\nCodepage=UTF-8\n"
        f"DataFile={stem}.eeg\nMarkerFile={stem}.vmrk\nDataFormat=BINARY\nDataOrientation=MULTIPLEXED\n"
        f"NumberOfChannels=3\nSamplingInterval=6250\n[Binary Infos]\nBinaryFormat=INT_16\n[Channel Infos]\n{channels}"
    )
    (folder / f"{stem}.vmrk").write_text(
        "Brain Vision Data Exchange Marker File, Version 1.0\n[Common Infos]\nCodepage=UTF-8\n"
        f"DataFile={stem}.eeg\n[Marker Infos]\nMk1=New Segment,,1,1,0,20200101120000000000\n"
        "Mk2=Stimulus,S  1,321,1,0\nMk3=New Segment,,801,1,0,20200101120100000000\n"
    )
    return folder / f"{stem}.vhdr"


def microvolts() -> np.ndarray:
    return 1e6 * make_raw(seconds=8.0, rate=100.0, ch_names=CH_NAMES).get_data()


class TestWhatBelongsTogether:
    @pytest.mark.parametrize(
        "fdt", ["x.fdt", "old name.fdt", "/somewhere/else/x.fdt", "/etc/hostname/x.fdt", "C:\\a\\x.fdt"]
    )
    def test_the_samples_of_a_set_are_found_by_name_beside_it(self, tmp_path, fdt):
        write_set(tmp_path / "x.set", microvolts(), fdt=fdt)
        if (other := tmp_path / fdt.split("/")[-1]).name != "x.fdt":
            other.rename(tmp_path / "x.fdt")
        np.testing.assert_allclose(load_recording(tmp_path / "x.set").get_data(units="uV"), microvolts(), atol=1e-3)

    @pytest.mark.parametrize("suffix", [".fdt", ".set"])
    def test_either_file_may_be_named(self, tmp_path, suffix):
        write_set(tmp_path / "x.set", microvolts(), fdt="x.fdt")
        assert load_recording(tmp_path / f"x{suffix}").n_times == 800

    def test_brainvision_is_read_by_its_stem_after_renaming(self, tmp_path):
        header = write_brainvision(tmp_path)
        want = load_recording(header)
        for suffix in (".vhdr", ".eeg", ".vmrk"):
            (tmp_path / f"rec{suffix}").rename(tmp_path / f"new_name{suffix}")
        for suffix in (".vhdr", ".eeg", ".vmrk"):
            raw = load_recording(tmp_path / f"new_name{suffix}")
            np.testing.assert_array_equal(raw.get_data(), want.get_data())
            assert raw.annotations.description.tolist() == want.annotations.description.tolist()

    @pytest.mark.parametrize("suffix", [".VHDR", ".EEG", ".VMRK"])
    def test_brainvision_in_capitals(self, tmp_path, suffix):
        header = write_brainvision(tmp_path)
        want = load_recording(header)
        for each in (".vhdr", ".eeg", ".vmrk"):
            (tmp_path / f"rec{each}").rename(tmp_path / f"REC{each.upper()}")
        raw = load_recording(tmp_path / f"REC{suffix}")
        np.testing.assert_array_equal(raw.get_data(), want.get_data())
        assert raw.annotations.description.tolist() == want.annotations.description.tolist()

    def test_other_formats_in_capitals(self, tmp_path):
        write_set(tmp_path / "X.SET", microvolts())
        make_raw(ch_names=CH_NAMES).save(tmp_path / "x_raw.fif", verbose="error")
        (tmp_path / "x_raw.fif").rename(tmp_path / "X_RAW.FIF")
        write_edf(tmp_path / "X.EDF", CH_NAMES)
        for name in ("X.SET", "X_RAW.FIF", "X.EDF"):
            assert load_recording(tmp_path / name).ch_names == CH_NAMES

    @pytest.mark.parametrize("chaninfo", [np.array([]), "", np.array([1.0, 2.0])])
    def test_a_set_that_knows_nothing_of_its_channels(self, tmp_path, chaninfo):
        write_set(tmp_path / "x.set", microvolts(), chaninfo=chaninfo)
        assert load_recording(tmp_path / "x.set").n_times == 800

    def test_a_new_segment_is_an_interruption(self, tmp_path):
        raw = load_recording(write_brainvision(tmp_path))
        notes = zip(raw.annotations.onset, raw.annotations.description, strict=True)
        assert [onset for onset, text in notes if text == "BAD boundary"] == [5.0]

    def test_what_says_what_samples_mean_is_asked_for(self, tmp_path):
        (tmp_path / "x.eeg").write_bytes(bytes(1000))
        (tmp_path / "y.fdt").write_bytes(bytes(1000))
        assert "x.vhdr" in refusal(tmp_path / "x.eeg")
        assert "y.set" in refusal(tmp_path / "y.fdt")
        write_set(tmp_path / "z.set", microvolts(), fdt="z.fdt")
        (tmp_path / "z.fdt").unlink()
        assert "its samples are in z.fdt, which is not beside it" in refusal(tmp_path / "z.set")

    def test_epochs_are_no_recording(self, tmp_path):
        assert "it holds epochs" in refusal(write_set(tmp_path / "x.set", microvolts(), trials=4))

    def test_bids_says_types_units_and_bad_channels(self, tmp_path):
        path = write_edf(tmp_path / "sub-01_task-rest_eeg.edf", ["Fp1", "C3", "C4", "O2"])
        (tmp_path / "sub-01_task-rest_channels.tsv").write_text(
            "name\ttype\tunits\tstatus\nFp1\tEOG\tuV\tgood\nC3\tEEG\tuV\tbad\nC4\tEEG\tuV\tgood\nO2\tn/a\tuV\tn/a\n"
        )
        with pytest.warns(UserWarning, match="left out what is not scalp EEG: Fp1"):
            raw = load_recording(path)
        assert (raw.ch_names, raw.info["bads"]) == (["C3", "C4", "O2"], ["C3"])


class TestWhatIsRead:
    @pytest.mark.parametrize("suffix", [".edf", ".fif", ".npz"])
    def test_what_get_hf_wrote_comes_back(self, tmp_path, suffix):
        raw = make_raw(ch_names=CH_NAMES).set_annotations(mne.Annotations([2.0], [1.0], ["rest"]))
        save_recording(raw, tmp_path / f"x{suffix}")
        back = load_recording(tmp_path / f"x{suffix}")
        np.testing.assert_allclose(back.get_data(), raw.get_data(), atol=1e-8)
        assert (back.annotations.onset[0], back.annotations.description[0]) == (pytest.approx(2.0), "rest")

    def test_a_fif_keeps_all_that_mne_knows_of_it(self, tmp_path):
        raw = make_raw(ch_names=CH_NAMES).set_montage("colin27_1005").crop(2.0)
        raw.set_eeg_reference(projection=True, verbose="error").set_meas_date(1e9)
        raw.info["bads"] = ["C3"]
        raw.set_annotations(
            mne.Annotations([3.0], [1.0], ["BAD_x"], orig_time=raw.info["meas_date"], ch_names=[["C3"]])
        )
        raw.save(tmp_path / "x_raw.fif", verbose="error")
        want, back = (
            mne.io.read_raw_fif(tmp_path / "x_raw.fif", verbose="error"),
            load_recording(tmp_path / "x_raw.fif"),
        )
        assert mne.utils.object_diff(want.info, back.info) == ""
        assert (back.first_samp, back.annotations) == (want.first_samp, want.annotations)
        assert back.annotations.ch_names.tolist() == [("C3",)]

    def test_the_end_alone(self, tmp_path):
        raw = make_raw(ch_names=CH_NAMES).set_annotations(
            mne.Annotations([1.0, 8.0, 10.0], [1.0, 2.0, 1.0], ["a", "b", "c"])
        )
        save_recording(raw, tmp_path / "x.edf")
        with pytest.warns(UserWarning, match=r"x\.edf: of 12 s the last 3 s are read\."):
            back = load_recording(tmp_path / "x.edf", last_seconds=3.0)
        np.testing.assert_allclose(back.get_data(), raw.get_data()[:, -480:], atol=1e-8)
        onsets = back.annotations.onset - back.first_time
        assert [*zip(onsets, back.annotations.duration, back.annotations.description, strict=True)] == [
            (0.0, pytest.approx(1.0), "b"), (pytest.approx(1.0), 1.0, "c"),
        ]  # fmt: skip

    def test_channels_and_unit_that_a_user_names(self, tmp_path):
        path = write_edf(tmp_path / "x.edf", ["Fp1", "ECG", "O2"])
        raw = load_recording(path, channels=["ecg", "O2"], unit="mV")
        assert raw.ch_names == ["ECG", "O2"]
        want = mne.io.read_raw_edf(path, preload=True, verbose="error").get_data(["ECG", "O2"])
        np.testing.assert_allclose(raw.get_data(), 1000 * want)
        assert "no channel Pz, only Fp1, ECG, O2" in refusal(path, channels=["Pz"])

    def test_a_unit_that_cannot_be_read_is_asked_for(self, tmp_path):
        path = write_edf(tmp_path / "x.edf", CH_NAMES, units="uVAC")
        assert "in 'uVAC', which is not a voltage that can be read: say what they are in" in refusal(path)
        want = load_recording(write_edf(tmp_path / "y.edf", CH_NAMES)).get_data()
        np.testing.assert_allclose(load_recording(path, unit="uV").get_data(), want)

    @pytest.mark.parametrize("ends", [["held", "zeros"], ["zeros"], ["held"], ["zeros", "held", "zeros"]])
    def test_held_values_and_zeros_at_the_end_all_go(self, tmp_path, ends):
        raw = make_raw(ch_names=CH_NAMES)
        parts = [raw.get_data()]
        for end in ends:
            parts.append(np.repeat(parts[-1][:, -1:] if end == "held" else np.zeros((3, 1)), 160, axis=1))
        raw = mne.io.RawArray(np.concatenate(parts, axis=1), raw.info, verbose="error")
        save_recording(raw, tmp_path / "x.edf")
        with pytest.warns(UserWarning, match="in which no channel moves"):
            assert load_recording(tmp_path / "x.edf").n_times == 12 * 160

    @pytest.mark.parametrize("name", ["x.mat", "x.txt", "x.csv", "x.npy", "x.h5", "x.zip", "x.xdf"])
    def test_files_without_a_recording_get_an_error_with_a_way_out(self, tmp_path, name):
        (tmp_path / name).write_bytes(b"1 2 3")
        assert any(word in refusal(tmp_path / name) for word in ("array in Python", "unpack it"))


class TestHostile:
    def test_a_file_that_names_itself_as_its_next_part(self, tmp_path):
        big = make_raw(1500.0, ch_names=CH_NAMES)
        big.save(tmp_path / "y_raw.fif", split_size="2MB", verbose="error")
        (tmp_path / "y_raw.fif").replace(tmp_path / "y_raw-1.fif")  # which it names as the part that comes next
        assert "names itself as the part that comes after it" in refusal(tmp_path / "y_raw-1.fif")

    def test_a_parser_that_crashes_costs_its_file_alone(self, tmp_path, monkeypatch):
        good = write_edf(tmp_path / "good.edf", CH_NAMES)
        bad = write_set(tmp_path / "bad.set", microvolts())
        crashing = tmp_path / "site-packages"
        crashing.mkdir()
        # a reader that crashes, as SciPy's does on some files
        (crashing / "pymatreader.py").write_text("import os\nos.abort()\n")
        monkeypatch.syspath_prepend(str(crashing))
        from get_hf.processing import loading

        loading._close_all()
        if "crash" not in refusal(bad):
            pytest.skip("this MNE reads .set without pymatreader")
        assert load_recording(good).n_times == 20 * 256
        loading._close_all()

    def test_a_small_file_that_unpacks_to_gigabytes(self, tmp_path):
        header = (
            b"\x93NUMPY\x01\x00v\x00"
            + b"{'descr': '<f8', 'fortran_order': False, 'shape': (3, 200000000), }".ljust(117)
            + b"\n"
        )
        members = {"sampling_rate": 100.0, "ch_names": np.array(CH_NAMES)}
        with zipfile.ZipFile(tmp_path / "x.npz", "w") as file:
            file.writestr("data.npy", header)
            for name, value in members.items():
                with file.open(f"{name}.npy", "w") as member:
                    np.save(member, value)
        assert "memory" in refusal(tmp_path / "x.npz")

    def test_a_fif_that_unpacks_to_gigabytes(self, tmp_path):
        with gzip.open(tmp_path / "x_raw.fif.gz", "wb", compresslevel=1) as file:
            for _ in range(32):
                file.write(bytes(1 << 20))
        assert refusal(tmp_path / "x_raw.fif.gz")

    def test_links_are_followed_but_where_they_must_not_be(self, tmp_path):
        (tmp_path / "there").mkdir()
        path = write_edf(tmp_path / "there" / "x.edf", CH_NAMES)
        (tmp_path / "link.edf").symlink_to(path)
        assert load_recording(tmp_path / "link.edf").n_times == 20 * 256
        assert "is a link to another file" in refusal(tmp_path / "link.edf", follow_links=False)
        write_set(tmp_path / "there" / "y.set", microvolts(), fdt="y.fdt")
        (tmp_path / "there" / "y.fdt").rename(tmp_path / "y.fdt")
        (tmp_path / "there" / "y.fdt").symlink_to(tmp_path / "y.fdt")
        assert load_recording(tmp_path / "there" / "y.set").n_times == 800
        assert "y.fdt is a link" in refusal(tmp_path / "there" / "y.set", follow_links=False)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without pipes that have names")
    def test_what_is_no_file_is_not_waited_for(self, tmp_path):
        os.mkfifo(tmp_path / "x.edf")
        assert "neither a file nor a folder" in refusal(tmp_path / "x.edf")

    def test_many_threads_read_at_once(self, tmp_path):
        path, lengths = write_edf(tmp_path / "x.edf", CH_NAMES), []
        threads = [threading.Thread(target=lambda: lengths.append(load_recording(path).n_times)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert lengths == [20 * 256] * 3


def test_pieces_are_those_of_the_whole(tmp_path):
    raw = make_raw(20.0, ch_names=CH_NAMES).set_annotations(mne.Annotations([3.0, 8.0], [1.0, 0.0], ["T1", "T2"]))
    raw.crop(2.0, 18.0).save(tmp_path / "x_raw.fif", verbose="ERROR")
    save_recording(raw, tmp_path / "x.edf")
    for name in ("x_raw.fif", "x.edf"):
        whole, pieces = (load_recording(tmp_path / name, preload=preload) for preload in (True, False))
        assert not pieces.preload
        assert (pieces.ch_names, pieces.n_times, pieces.first_samp) == (
            whole.ch_names,
            whole.n_times,
            whole.first_samp,
        )
        assert pieces.annotations.description.tolist() == whole.annotations.description.tolist()
        np.testing.assert_array_equal(pieces.annotations.onset, whole.annotations.onset)
        some = {"picks": [2, 0], "start": 100, "stop": 300}
        np.testing.assert_array_equal(pieces.get_data(**some), whole.get_data(**some))
        late, late_whole = pieces.copy().crop(5.0, 12.0), whole.copy().crop(5.0, 12.0)
        np.testing.assert_array_equal(late.get_data(), late_whole.get_data())


def test_a_file_that_changes_between_pieces_is_refused(tmp_path):
    path = tmp_path / "x.edf"
    save_recording(make_raw(ch_names=CH_NAMES), path)
    raw = load_recording(path, preload=False)
    os.utime(path, ns=(1, 1))
    with pytest.raises(ValueError, match="was changed while it was read"):
        raw.get_data()
    path.unlink()
    with pytest.raises(ValueError, match="was taken away"):
        raw.get_data()


def test_the_end_alone_is_read_at_once(tmp_path):
    save_recording(make_raw(ch_names=CH_NAMES), tmp_path / "x.edf")
    with pytest.raises(ValueError, match="preload=True"):
        load_recording(tmp_path / "x.edf", last_seconds=3.0, preload=False)
