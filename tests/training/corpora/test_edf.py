# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import re

import mne
import numpy as np
import pytest

from edf_files import cut_off, write_edf
from get_hf.training.corpora import get_corpus
from get_hf.training.corpora.edf import check_whole, open_edf, read_header


def set_records(path, n_records):
    """Rewrites what the header says of the number of records."""
    content = bytearray(path.read_bytes())
    content[236:244] = f"{n_records:<8}".encode()
    path.write_bytes(content)


@pytest.mark.parametrize("annotations", [None, [(1.0, 2.0, "seizure")]], ids=["EDF", "EDF+"])
def test_a_whole_file_opens_in_volts_with_its_annotations(tmp_path, annotations):
    path = write_edf(tmp_path / "a.edf", ["Fp1", "O2"], annotations=annotations)
    raw = open_edf(path)
    assert raw.ch_names == ["Fp1", "O2"]
    assert raw.n_times == 20 * 256
    assert 5e-6 < np.median(np.abs(raw.get_data())) < 50e-6
    assert raw.annotations.description.tolist() == ([] if annotations is None else ["seizure"])


def test_the_header_says_how_long_the_file_should_be(tmp_path):
    path = write_edf(tmp_path / "a.edf", ["Fp1", "ECG"], seconds=7, rates={"ECG": 64.0})
    header = read_header(path)
    assert header.labels == ("Fp1", "ECG")
    assert (header.n_records, header.record_bytes) == (7, 2 * (256 + 64))
    assert header.n_bytes + 7 * header.record_bytes == path.stat().st_size


@pytest.mark.parametrize("lost", [1, 512, 10_000])
def test_a_file_that_was_cut_off_is_refused_with_both_sizes(tmp_path, lost):
    path = write_edf(tmp_path / "a.edf", ["Fp1", "O2"])
    whole = path.stat().st_size
    with pytest.raises(ValueError, match=rf"cut off: .*says {whole:,} bytes and it has {whole - lost:,}") as error:
        open_edf(cut_off(path, lost))
    assert "\n" not in str(error.value)


def test_a_header_filled_up_with_zero_bytes_is_read(tmp_path):
    path = write_edf(tmp_path / "a.edf", ["Fp1", "O2"], seconds=4)
    content = bytearray(path.read_bytes())
    content[236:244] = b"4" + bytes(7)
    path.write_bytes(content)
    assert read_header(path).n_records == 4
    assert open_edf(path).n_times == 4 * 256


def test_bdf_counts_three_bytes_a_sample(tmp_path):
    path = tmp_path / "a.bdf"
    info = mne.create_info(["Fp1", "O2"], 128.0, "eeg")
    raw = mne.io.RawArray(1e-5 * np.random.default_rng(0).standard_normal((2, 128 * 5)), info, verbose="ERROR")
    mne.export.export_raw(path, raw, fmt="bdf", verbose="ERROR")
    header = read_header(path)
    assert header.n_bytes + header.n_records * header.record_bytes == path.stat().st_size
    assert open_edf(path).n_times == 128 * 5
    with pytest.raises(ValueError, match="cut off"):
        open_edf(cut_off(path, 3))


def test_bytes_after_the_last_record_do_no_harm(tmp_path):
    path = write_edf(tmp_path / "a.edf", ["Fp1", "O2"])
    path.write_bytes(path.read_bytes() + bytes(256))
    assert open_edf(path).n_times == 20 * 256


def test_of_a_file_that_does_not_count_its_records_the_whole_ones_are_read(tmp_path):
    path = write_edf(tmp_path / "a.edf", ["Fp1", "O2"])
    set_records(path, -1)
    assert open_edf(cut_off(path, 300)).n_times == 19 * 256


@pytest.mark.parametrize("content", [b"", b"0" * 300, b"<html>log in</html>" * 50])
def test_what_is_no_edf_is_said_to_be_none(tmp_path, content):
    path = tmp_path / "a.edf"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is not an EDF or BDF file"):
        check_whole(path)


def test_other_sensors_are_left_out_and_places_unknown_are_not(tmp_path):
    eeg = ["Fp1", "FP1-F7", "T8-P8", "SP1"]
    other = ["ECG", "EKG1-CHIN", "LOC-ROC", "VNS", "-", ".", "A2-A1", "SpO2"]
    path = write_edf(tmp_path / "a.edf", [*eeg, *other, "-"], seconds=4)
    assert open_edf(path).ch_names == eeg


def test_in_a_file_that_names_types_what_is_not_named_eeg_is_none(tmp_path):
    labels = ["EEG Fp1", "EEG SP1", "Cz", "1", "HR", "MK", "EEG EKG1-REF"]
    path = write_edf(tmp_path / "a.edf", labels, seconds=4)
    assert open_edf(path).ch_names == ["EEG Fp1", "EEG SP1", "Cz"]
    assert open_edf(path, ignore=re.compile("EEG SP")).ch_names == ["EEG Fp1", "Cz"]


def test_a_quick_channel_that_is_no_eeg_does_not_change_the_rate_of_the_eeg(tmp_path):
    path = write_edf(tmp_path / "a.edf", ["Fp1", "ECG"], rates={"ECG": 1000.0}, seconds=4)
    assert open_edf(path).info["sfreq"] == 256.0


def test_a_file_without_eeg_is_said_to_have_none(tmp_path):
    path = write_edf(tmp_path / "a.edf", ["ECG", "EMG chin"], seconds=4)
    with pytest.raises(ValueError, match="no EEG channels, only ECG, EMG chin"):
        open_edf(path)


def test_any_files_are_checked_too(tmp_path):
    path = write_edf(tmp_path / "S1" / "a.EDF", ["EEG Fp1", "ECG"])
    (found,) = get_corpus(f"files:{tmp_path}/*/*").recordings()
    assert found.open().ch_names == ["EEG Fp1"]
    cut_off(path)
    with pytest.raises(ValueError, match="cut off"):
        found.open()


def test_every_real_recording_is_whole(real_data):
    files = sorted((real_data / "eegmmidb").glob("S*/*.edf"))
    headers = [check_whole(file) for file in files]
    assert {len(header.labels) for header in headers} <= {64, 65}
    assert len(headers) == len(files) > 0
