# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from edf_files import cut_off, write_edf
from get_hf.modeling.configuration_get import CONDITIONS
from get_hf.processing.montage_get import channel_positions
from get_hf.training.corpora import get_corpus
from get_hf.training.corpora.chb_mit import read_summary
from get_hf.training.data.segments import prepare_segments, problems

LABELS = ["FP1-F7", "F7-T7", "T7-P7", "T8-P8", "P8-O2", "-", "P7-T7", "T7-FT9", "T8-P8", "-", "ECG", "VNS", "."]
AT_NECK = ["F7-CS2", "-", "O1-CS2", "CP2-CS2", "LOC-ROC", "EKG1-CHIN"]
BARE = ["F7", "01", "C2", "LUE-RAE"]

SUMMARY = """Data Sampling Rate: 256 Hz
*************************

Channels in EDF Files:
**********************
Channel 1: FP1-F7
Channel 2: F7-T7

File Name: chb12_06.edf
File Start Time: 22:44:34
File End Time: 23:44:40
Number of Seizures in File: 2
Seizure 1 Start Time: 3 seconds
Seizure 1 End Time:  5 seconds
Seizure 2 Start Time: 10 seconds
Seizure 2 End Time: 14 seconds

Channels changed:
*****************
Channel 1: F7-CS2
Channel 2: -

File Name: chb12_27.edf
File Start Time: 23:59:10
File End Time: 24:59:10
Number of Seizures in File: 1
Seizure Start Time: 7 seconds
Seizure End Time: 20 seconds

File Name: chb12_28.edf
File Start Time: 3:11:04
File End Time: 4:11:04
Number of Seizures in File: 0
"""
#: chb24 gives no times of the files, and says nothing of some.
SHORT_SUMMARY = """File Name: chb24_01.edf
Number of Seizures in File: 2
Seizure Start Time: 1 seconds
Seizure End Time: 2 seconds
Seizure Start Time: 5 seconds
Seizure End Time: 8 seconds
"""


@pytest.fixture
def corpus_dir(tmp_path):
    case = tmp_path / "chb12"
    write_edf(case / "chb12_06.edf", LABELS)
    write_edf(case / "chb12_27.edf", AT_NECK)
    write_edf(case / "chb12_28.edf", BARE)
    (case / "chb12-summary.txt").write_text(SUMMARY)
    write_edf(tmp_path / "chb24/chb24_01.edf", LABELS)
    write_edf(tmp_path / "chb24/chb24_02.edf", LABELS)
    (tmp_path / "chb24/chb24-summary.txt").write_text(SHORT_SUMMARY)
    return tmp_path


def recordings(folder):
    return {r.session: r for r in get_corpus("chb-mit").recordings(folder)}


def test_each_case_is_a_subject_and_each_file_a_session(corpus_dir):
    found = list(get_corpus("chb-mit").recordings(corpus_dir))
    assert [(r.subject, r.session) for r in found] == [
        *(("chb12", "chb12_06"), ("chb12", "chb12_27"), ("chb12", "chb12_28")),
        *(("chb24", "chb24_01"), ("chb24", "chb24_02")),
    ]
    assert found[0].files == (corpus_dir / "chb12/chb12_06.edf", corpus_dir / "chb12/chb12-summary.txt")


@pytest.mark.parametrize(
    ("session", "seizures"),
    [
        ("chb12_06", [(3.0, 5.0), (10.0, 14.0)]),
        ("chb12_27", [(7.0, 20.0)]),
        ("chb12_28", []),
        ("chb24_01", [(1.0, 2.0), (5.0, 8.0)]),
    ],
)
def test_seizures_are_where_the_summary_puts_them(corpus_dir, session, seizures):
    found = recordings(corpus_dir)[session]
    raw = found.open()
    assert found.condition_spans(raw) == [(begin, end, "seizure") for begin, end in seizures]


def test_derivations_stay_and_sensors_dummies_and_repetitions_go(corpus_dir):
    raw = recordings(corpus_dir)["chb12_06"].open()
    assert raw.ch_names == ["FP1-F7", "F7-T7", "T7-P7", "T8-P8", "P8-O2", "P7-T7", "T7-FT9"]
    assert raw.info["sfreq"] == 256.0
    positions = channel_positions(raw.ch_names)
    np.testing.assert_array_equal(positions[0, 3:], positions[1, :3])  # F7 is the end of one and the start of the next


def test_the_other_montages_of_a_case_have_positions_too(corpus_dir):
    found = recordings(corpus_dir)
    at_neck, bare = found["chb12_27"].open().ch_names, found["chb12_28"].open().ch_names
    assert at_neck == ["F7-REF", "O1-REF", "CP2-REF"]
    assert bare == ["F7", "O1", "C2"]
    assert not channel_positions([*at_neck, *bare])[:, 3:].any()


def test_a_recording_no_summary_speaks_of_is_refused_and_the_others_are_not(corpus_dir):
    found = recordings(corpus_dir)
    with pytest.raises(ValueError, match=r"chb24-summary.txt does not say whether chb24_02.edf holds seizures"):
        found["chb24_02"].open()
    assert found["chb24_01"].open().n_times == 20 * 256


def test_without_its_summary_a_case_is_refused_and_the_others_are_not(corpus_dir):
    (corpus_dir / "chb12/chb12-summary.txt").unlink()
    found = recordings(corpus_dir)
    for session in ("chb12_06", "chb12_27", "chb12_28"):
        with pytest.raises(FileNotFoundError, match=r"chb12-summary.txt is missing: fetch it from https") as error:
            found[session].open()
        assert "\n" not in str(error.value)
    assert found["chb24_01"].open().n_times == 20 * 256


def test_a_recording_that_was_cut_off_is_refused(corpus_dir):
    cut_off(corpus_dir / "chb12/chb12_06.edf")
    with pytest.raises(ValueError, match=r"chb12_06.edf is cut off"):
        recordings(corpus_dir)["chb12_06"].open()


def test_a_seizure_after_the_end_of_its_recording_is_refused(corpus_dir):
    summary = corpus_dir / "chb12/chb12-summary.txt"
    summary.write_text(SUMMARY.replace("End Time: 20 seconds", "End Time: 3036 seconds"))
    with pytest.raises(ValueError, match=r"chb12-summary.txt has a seizure from 7 to 3036 s, .* 20 s long"):
        recordings(corpus_dir)["chb12_27"].open()


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("Seizure 2 End Time: 14 seconds\n", ""),
        ("Number of Seizures in File: 2", "Number of Seizures in File: 3"),
        ("Number of Seizures in File: 2\n", ""),
        ("Seizure 1 End Time:  5", "Seizure 1 End Time:  2"),
        ("Seizure 1 End Time:  5 seconds\nSeizure 2 Start", "Seizure 2 Start Time: 6 seconds\nSeizure 2 Start"),
    ],
)
def test_a_summary_that_contradicts_itself_is_refused(tmp_path, right, wrong):
    assert right in SUMMARY
    summary = tmp_path / "chb12-summary.txt"
    summary.write_text(SUMMARY.replace(right, wrong))
    with pytest.raises(ValueError, match=r"chb12-summary.txt gives .* for chb12_06.edf"):
        read_summary(summary)


def test_refused_recordings_are_listed_and_the_rest_is_prepared(corpus_dir, tmp_path):
    cut_off(corpus_dir / "chb12/chb12_06.edf")
    train = prepare_segments("chb-mit", corpus_dir, tmp_path / "cache")["train"]
    listed = {session: problem for _, session, problem in problems(train)}
    assert list(listed) == ["chb12_06", "chb24_02"]
    assert "is cut off" in listed["chb12_06"]
    assert "does not say whether" in listed["chb24_02"]
    (marked,) = (row for row in train if row["session"] == "chb12_27")
    assert marked["ch_names"] == ["F7-REF", "O1-REF", "CP2-REF"]
    assert set(marked["conditions"][:28]) == {0}
    assert set(marked["conditions"][28:]) == {CONDITIONS.index("seizure")}


def test_two_cases_are_one_girl():
    corpus = get_corpus("chb-mit")
    assert corpus.person_of("chb01") == corpus.person_of("chb21")
    assert len({corpus.person_of(f"chb{n:02d}") for n in range(1, 25)}) == 23
