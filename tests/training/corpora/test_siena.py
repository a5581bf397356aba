# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import pytest

from edf_files import write_edf
from get_hf.training.corpora import get_corpus
from get_hf.training.corpora.siena import read_seizure_list

LABELS = ["EEG Fp1", "EEG F3", "EEG O1", "EEG CZ", "EEG T3", "EKG EKG", "SPO2 SPO2", "HR HR", "1", "2", "MK", "PLET"]
EEG = ["EEG Fp1", "EEG F3", "EEG O1", "EEG CZ", "EEG T3"]

HEAD = """Data Sampling Rate: 512 Hz
****************************

Channels in EDF Files:
******************************
Channel 1: Fp1
Channel 5: 1
Channel 30: EKG 1

"""
PN06 = """Seizure n 1 
File name: PNO6-1.edf
Registration start time:23.59.50
Registration end time:  00.00.50
Seizure start time: 23.59.58
Seizure end time: 00.00.10

Seizure n 1 b
File name: PN06-1.edf
Seizure start time: 00.00.20
Seizure end time: 00.00.30

seizure n2 (in sleep):
FILE NAME: PN06-2.edf
Registration start time: 06.01.23
Registration end time: 06.02.13
Start time: 06:01.20
Seizure end time:06:01:33 opure 06.01.31

Seizure n 3
File name: PN06-2.edf
Registration start time: 1 6.01.13
Registration end time: 06.02.13
Seizure start time: 06.01.40 (CLINICAL ONSET); 06.01.42 (ELECTRIC ONSET)
Seizure end time: 06.01.50
"""  # noqa: W291
#: One file, named only once, before the first seizure, and not as the file is.
PN01 = """File name: PN01.edf
Registration start time: 19.00.44
Registration end time: 19.01.44

Seizure n 1
Start time: 19:00:50
End time: 19:00:59

Seizure n 2
Start time: 19.01.00
End time: 19.01.04
"""
PN00 = """Seizure n 3
File name: PN00-3.edf
Registration start time: 18.15.44
Registration end time: 18.57.13
Seizure start time: 18.28.29
Seizure end time: 19.29.29
"""


def write_patient(folder, patient, text, **clocks):
    for run, (clock, seconds) in clocks.items():
        write_edf(folder / patient / f"{patient}-{run[1:]}.edf", LABELS, seconds, 64.0, clock=clock)
    (folder / patient / f"Seizures-list-{patient}.txt").write_text(HEAD + text, encoding="latin-1")


@pytest.fixture
def corpus_dir(tmp_path):
    write_patient(tmp_path, "PN00", PN00, r3=("18.15.44", 900))
    write_patient(tmp_path, "PN01", PN01, r1=("19.00.44", 60))
    write_patient(tmp_path, "PN06", PN06, r1=("23.59.50", 60), r2=("06.01.13", 60))
    return tmp_path


def recordings(folder):
    return {r.session: r for r in get_corpus("siena").recordings(folder)}


@pytest.mark.parametrize(
    ("session", "seizures"),
    [
        ("PN00-3", [(765.0, 825.0)]),  # the hour of its end is mistyped in the real list
        ("PN01-1", [(6.0, 15.0), (16.0, 20.0)]),
        ("PN06-1", [(8.0, 20.0), (30.0, 40.0)]),  # over midnight, and past it
        ("PN06-2", [(7.0, 20.0), (27.0, 37.0)]),  # from the clock of the header, not that of the list
    ],
)
def test_clock_times_become_seconds_of_the_recording(corpus_dir, session, seizures):
    found = recordings(corpus_dir)[session]
    raw = found.open()
    assert found.condition_spans(raw) == [(begin, end, "seizure") for begin, end in seizures]


def test_only_what_the_file_calls_eeg_is_eeg(corpus_dir):
    raw = recordings(corpus_dir)["PN06-1"].open()
    assert raw.ch_names == EEG
    assert raw.info["sfreq"] == 64.0


def test_a_patient_is_a_subject(corpus_dir):
    found = list(get_corpus("siena").recordings(corpus_dir))
    assert [(r.subject, r.session) for r in found] == [
        *(("PN00", "PN00-3"), ("PN01", "PN01-1"), ("PN06", "PN06-1"), ("PN06", "PN06-2"))
    ]


def test_without_its_list_a_patient_is_refused_and_the_others_are_not(corpus_dir):
    (corpus_dir / "PN06/Seizures-list-PN06.txt").unlink()
    found = recordings(corpus_dir)
    with pytest.raises(FileNotFoundError, match=r"Seizures-list-PN06.txt is missing: fetch it from https"):
        found["PN06-1"].open()
    assert found["PN01-1"].open().n_times == 60 * 64


def test_a_recording_its_list_does_not_name_is_refused(corpus_dir):
    write_edf(corpus_dir / "PN06/PN06-3.edf", LABELS, 10, 64.0)
    with pytest.raises(ValueError, match=r"Seizures-list-PN06.txt lists no seizure of PN06-3.edf"):
        recordings(corpus_dir)["PN06-3"].open()


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("Seizure end time: 00.00.10", "Seizure end time: soon", "holds no time such as"),
        ("Seizure end time: 00.00.10", "Seizure end time: 00.61.10", "holds no time such as"),
        ("Seizure end time: 00.00.10", "", "without the other end"),
        ("Seizure start time: 23.59.58", "", "without the other end"),
        ("Seizure end time: 06.01.50\n", "", "ends before the last seizure does"),
    ],
)
def test_a_list_that_cannot_be_read_is_refused(tmp_path, right, wrong, said):
    assert right in PN06
    path = tmp_path / "Seizures-list-PN06.txt"
    path.write_text(PN06.replace(right, wrong))
    with pytest.raises(ValueError, match=said) as error:
        read_seizure_list(path)
    assert "\n" not in str(error.value)


def test_a_seizure_after_the_end_of_its_recording_is_refused(corpus_dir):
    path = corpus_dir / "PN01/Seizures-list-PN01.txt"
    path.write_text(path.read_text().replace("End time: 19.01.04", "End time: 19.11.04"))
    with pytest.raises(ValueError, match=r"Seizures-list-PN01.txt has a seizure from 16 to 620 s, .* 60 s long"):
        recordings(corpus_dir)["PN01-1"].open()
