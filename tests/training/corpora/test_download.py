# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import errno
import io
import sys

import pooch
import pytest

from get_hf.training.corpora import CorpusUnavailableError, get_corpus

EEGMAT = "eegmat/1.0.0"


def files(folder):
    """Everything under a folder, temporary files included."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def recordings():
    return {f"{r.subject} {r.session}": r for r in get_corpus("eegmat").recordings()}


def test_only_requested_files_are_downloaded(physionet, mne_data):
    found = recordings()
    assert list(found) == ["Subject00 rest", "Subject00 arithmetic", "Subject01 rest", "Subject01 arithmetic"]
    copy = mne_data / "MNE-eegmat-data"
    assert files(copy) == ["SHA256SUMS.txt", "Subject00_1.edf"]  # the first of all, to fail early
    assert found["Subject01 arithmetic"].open().n_times == 6 * 500
    assert files(copy) == ["SHA256SUMS.txt", "Subject00_1.edf", "Subject01_2.edf"]
    original = physionet.project(EEGMAT) / "Subject01_2.edf"
    assert (copy / "Subject01_2.edf").read_bytes() == original.read_bytes()


def test_a_stopped_download_goes_on_with_the_file_it_lacks(physionet, mne_data):
    found = recordings()
    found["Subject00 arithmetic"].open()
    physionet.cut.add("Subject01_1.edf")
    with pytest.raises(CorpusUnavailableError, match=r"Subject01_1.edf could not be downloaded") as error:
        found["Subject01 rest"].open()
    assert "\n" not in str(error.value)
    assert files(mne_data / "MNE-eegmat-data") == ["SHA256SUMS.txt", "Subject00_1.edf", "Subject00_2.edf"]

    physionet.cut.clear()
    physionet.asked.clear()
    for recording in recordings().values():
        recording.open()
    assert physionet.asked == [f"{EEGMAT}/Subject01_1.edf", f"{EEGMAT}/Subject01_2.edf"]


def test_a_complete_copy_is_read_without_a_server(physionet):
    for recording in recordings().values():
        recording.open()
    physionet.stop()
    assert [r.open().n_times for r in recordings().values()] == [3000] * 4


def test_a_wrong_checksum_is_one_sentence_and_the_file_is_removed(physionet, mne_data):
    found = recordings()
    wrong = physionet.project(EEGMAT) / "Subject01_1.edf"
    wrong.write_bytes(wrong.read_bytes()[:-1] + b"x")
    with pytest.raises(CorpusUnavailableError, match="does not have the SHA-256 sum in") as error:
        found["Subject01 rest"].open()
    assert "\n" not in str(error.value)
    assert "Subject01_1.edf" not in files(mne_data / "MNE-eegmat-data")
    assert found["Subject01 arithmetic"].open().n_times == 3000  # the others are none the worse


def test_a_file_that_changed_on_disk_is_downloaded_again(physionet, mne_data):
    found = recordings()
    found["Subject00 rest"].open()
    own = mne_data / "MNE-eegmat-data/Subject00_1.edf"
    whole = own.read_bytes()
    own.write_bytes(whole[:-100])
    found["Subject00 rest"].open()
    assert own.read_bytes() == whole


def test_without_a_server_one_sentence_says_which_files_to_add(physionet, mne_data):
    physionet.stop()
    with pytest.raises(CorpusUnavailableError, match=r"could not be downloaded \(ConnectionError\)") as error:
        recordings()
    assert "\n" not in str(error.value)
    assert f"put its files and SHA256SUMS.txt in {mne_data / 'MNE-eegmat-data'}" in str(error.value)
    assert files(mne_data) == []


def test_a_page_in_place_of_the_checksums_is_removed(physionet, mne_data):
    (physionet.project(EEGMAT) / "SHA256SUMS.txt").write_text("<html>Please log in.</html>\n")
    with pytest.raises(CorpusUnavailableError, match="is not a list of SHA-256 sums"):
        recordings()
    assert files(mne_data) == []


def test_a_full_disk_leaves_nothing_half_written(physionet, mne_data, monkeypatch):
    found = recordings()

    class FullDisk(pooch.HTTPDownloader):
        def __call__(self, url, output_file, *args, **kwargs):
            with open(output_file, "wb") as file:
                file.write(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pooch, "HTTPDownloader", FullDisk)
    with pytest.raises(CorpusUnavailableError, match=r"the disk is full\): make room") as error:
        found["Subject01 rest"].open()
    assert "\n" not in str(error.value)
    assert files(mne_data / "MNE-eegmat-data") == ["SHA256SUMS.txt", "Subject00_1.edf"]


def test_progress_goes_to_stderr_of_a_terminal(physionet, monkeypatch, capfd):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    recordings()
    assert capfd.readouterr() == ("", "")  # nobody looks, and pooch has no advice to give
    monkeypatch.setattr(sys, "stderr", Terminal())
    recordings()["Subject01 rest"].open()
    assert "Subject01_1.edf" in sys.stderr.getvalue()
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    "layout", ["", "eegmat", "MNE-eegmat-data", "eegmat/1.0.0", "physionet.org/files/eegmat/1.0.0"]
)
def test_a_copy_is_found_however_it_came_here(physionet, tmp_path, layout):
    place = tmp_path / "copy" / layout
    place.mkdir(parents=True)
    for name in ("Subject00_1.edf", "Subject01_1.edf"):
        (place / name).write_bytes((physionet.project(EEGMAT) / name).read_bytes())
    physionet.stop()
    found = list(get_corpus("eegmat").recordings(tmp_path / "copy"))
    assert [r.files for r in found] == [(place / "Subject00_1.edf",), (place / "Subject01_1.edf",)]
    assert found[0].open().n_times == 3000


@pytest.mark.parametrize("name", ["chb-mit", "siena", "eegmat", "sleep-edf"])
def test_a_folder_without_the_corpus_gets_an_error_with_the_files_to_add(tmp_path, name):
    with pytest.raises(CorpusUnavailableError, match=rf"{name} is not in .*physionet.org/files/.*/{name} ") as error:
        list(get_corpus(name).recordings(tmp_path))
    assert "\n" not in str(error.value)
