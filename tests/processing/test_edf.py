# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import mne
import numpy as np
import pytest

from edf_files import cut_off, write_bdf, write_edf
from get_hf.processing.edf import EDFFile, check_whole, read_header
from get_hf.processing.loading import load_recording


def set_records(path, n_records):
    """Rewrites what the header says of the number of records."""
    content = bytearray(path.read_bytes())
    content[236:244] = f"{n_records:<8}".encode()
    path.write_bytes(content)


@pytest.mark.parametrize("annotations", [None, [(1.0, 2.0, "seizure")]], ids=["EDF", "EDF+"])
def test_a_whole_file_opens_in_volts_with_its_annotations(tmp_path, annotations):
    path = write_edf(tmp_path / "a.edf", ["Fp1", "O2"], annotations=annotations)
    raw = load_recording(path)
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
        load_recording(cut_off(path, lost))
    assert "\n" not in str(error.value)


def test_a_header_filled_up_with_zero_bytes_is_read(tmp_path):
    path = write_edf(tmp_path / "a.edf", ["Fp1", "O2"], seconds=4)
    content = bytearray(path.read_bytes())
    content[236:244] = b"4" + bytes(7)
    path.write_bytes(content)
    assert read_header(path).n_records == 4
    assert load_recording(path).n_times == 4 * 256


def test_bdf_counts_three_bytes_a_sample(tmp_path):
    path = tmp_path / "a.bdf"
    info = mne.create_info(["Fp1", "O2"], 128.0, "eeg")
    raw = mne.io.RawArray(1e-5 * np.random.default_rng(0).standard_normal((2, 128 * 5)), info, verbose="ERROR")
    mne.export.export_raw(path, raw, fmt="bdf", verbose="ERROR")
    header = read_header(path)
    assert header.n_bytes + header.n_records * header.record_bytes == path.stat().st_size
    assert load_recording(path).n_times == 128 * 5
    with pytest.raises(ValueError, match="cut off"):
        load_recording(cut_off(path, 3))


def test_bytes_after_the_last_record_do_no_harm(tmp_path):
    path = write_edf(tmp_path / "a.edf", ["Fp1", "O2"])
    path.write_bytes(path.read_bytes() + bytes(256))
    assert load_recording(path).n_times == 20 * 256


def test_of_a_file_that_does_not_count_its_records_the_whole_ones_are_read(tmp_path):
    path = write_edf(tmp_path / "a.edf", ["Fp1", "O2"])
    set_records(path, -1)
    assert load_recording(cut_off(path, 300)).n_times == 19 * 256


@pytest.mark.parametrize("content", [b"", b"0" * 300, b"<html>log in</html>" * 50])
def test_a_file_that_is_not_edf_is_refused(tmp_path, content):
    path = tmp_path / "a.edf"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is not an EDF or BDF file"):
        check_whole(path)


def set_onsets(path, onsets):
    """Rewrites when records of an EDF+ file began."""
    header, content = read_header(path), bytearray(path.read_bytes())
    width = 2 * header.n_samples[-1]
    for record, onset in enumerate(onsets):
        start = header.n_bytes + (record + 1) * header.record_bytes - width
        _, _, rest = bytes(content[start : start + width]).partition(b"\x14\x14\0")
        content[start : start + width] = (b"+%g\x14\x14\0" % onset + rest)[:width].ljust(width, b"\0")
    content[192:197] = b"EDF+D"
    path.write_bytes(content)


@pytest.mark.filterwarnings("ignore:.*interrupted")
def test_records_that_were_interrupted_keep_their_gap_and_what_comes_after_it(tmp_path):
    path = write_edf(tmp_path / "a.edf", ["Fp1", "O2"], annotations=[(3.0, 2.0, "rest"), (115.0, 4.0, "eyes_closed")])
    set_onsets(path, [*range(10), *range(110, 120)])
    file = EDFFile(path)
    assert file.gaps == [(10.0, 100.0)]
    assert file.annotations == [(3.0, 2.0, "rest"), (15.0, 4.0, "eyes_closed")]
    raw = load_recording(path)
    assert raw.n_times == 20 * 256
    notes = zip(raw.annotations.onset, raw.annotations.duration, raw.annotations.description, strict=True)
    assert (10.0, 0.0, "BAD boundary") in list(notes)


def test_an_annotation_that_a_pause_cuts_ends_where_the_samples_do(tmp_path):
    path = write_edf(tmp_path / "a.edf", ["Fp1"], annotations=[(8.0, 50.0, "rest"), (8.0, 105.0, "eyes_open")])
    set_onsets(path, [*range(10), *range(110, 120)])
    assert EDFFile(path).annotations == [(8.0, 2.0, "rest"), (8.0, 5.0, "eyes_open")]


def test_text_is_read_in_utf8_then_in_latin1(tmp_path):
    path = write_edf(tmp_path / "a.edf", ["Fp1"], annotations=[(3.0, 2.0, "Augen auf"), (8.0, 1.0, "zu")])
    content = path.read_bytes()
    path.write_bytes(content.replace(b"Augen auf", b"Augen \xe4uf").replace(b"zu\x14", b"z\xfc\x14"))
    assert [text for *_, text in EDFFile(path).annotations] == ["Augen äuf", "zü"]


@pytest.mark.parametrize(
    ("at", "field"),
    [(184, b"99999   "), (236, b"many    "), (244, b"-1      "), (244, b"nan     "), (252, b"0   "), (252, b"9999")],
)
def test_a_damaged_header_is_refused_in_one_sentence(tmp_path, at, field):
    path = write_edf(tmp_path / "a.edf", ["Fp1", "O2"], seconds=4)
    content = bytearray(path.read_bytes())
    content[at : at + len(field)] = field
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.edf .*\.$") as caught:
        load_recording(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("date", [b"00.00.00", b"31.02.20", b"        "])
def test_an_invalid_date_is_ignored(tmp_path, date):
    path = write_edf(tmp_path / "a.edf", ["Fp1"], seconds=4)
    content = bytearray(path.read_bytes())
    content[168:176] = date
    path.write_bytes(content)
    assert load_recording(path).info["meas_date"] is None


@pytest.mark.parametrize("unit", ["µV", "μV", b"\xb5V", "uv", "microV", "mkV", "UV", "uVolts"])
def test_microvolts_are_read_in_every_spelling(tmp_path, unit):
    path = write_edf(tmp_path / "a.edf", ["Fp1", "O2"], seconds=4)
    want = load_recording(path).get_data()
    content = bytearray(path.read_bytes())
    for number in range(2):
        start = 256 + 96 * 2 + 8 * number
        content[start : start + 8] = (unit if isinstance(unit, bytes) else unit.encode()).ljust(8)
    path.write_bytes(content)
    np.testing.assert_allclose(load_recording(path).get_data(), want)


def test_bdf_pauses_are_gaps(tmp_path):
    rate, status = 128, np.zeros(128 * 6, dtype=int)
    status[0] = status[300] = 1 << 16
    signals = [np.random.default_rng(0).normal(size=len(status)) * 20, status]
    path = write_bdf(tmp_path / "a.bdf", ["Cz", "Status"], signals, rate)
    assert EDFFile(path).gaps == [(300 / 128, pytest.approx(np.nan, nan_ok=True))]
    with pytest.warns(UserWarning, match=r"interrupted: gaps after 2\.34375 s"):
        raw = load_recording(path)
    assert raw.ch_names == ["Cz"]
    np.testing.assert_allclose(raw.get_data(units="uV")[0], signals[0], atol=0.5)


def test_every_real_recording_is_whole(real_eeg):
    files = sorted((real_eeg / "eegmmidb").glob("S*/*.edf"))
    headers = [check_whole(file) for file in files]
    assert {len(header.labels) for header in headers} <= {64, 65}
    assert len(headers) == len(files) > 0
