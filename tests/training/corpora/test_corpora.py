# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import pickle
import shutil

import mne
import numpy as np
import pytest

from edf_files import cut_off
from get_hf.modeling.configuration_get import CONDITIONS
from get_hf.training.corpora import CORPORA, CorpusUnavailableError, get_corpus


def recording(data_dir, session, subject="S001"):
    found = get_corpus("eegmmidb").recordings(data_dir)
    return next(r for r in found if (r.subject, r.session) == (subject, session))


@pytest.mark.parametrize("spec", ["eegmidb", "files", "files:", ""])
def test_an_unknown_corpus_is_answered_with_those_there_are(spec):
    with pytest.raises(ValueError, match=r"no corpus .*eegmmidb, .*files:<\.\.\.>"):
        get_corpus(spec)


@pytest.mark.parametrize("corpus", CORPORA.values(), ids=lambda corpus: corpus.name)
def test_every_corpus_names_its_owners_and_divides_no_subject(corpus):
    assert corpus.licence
    assert corpus.citation
    assert corpus.homepage.startswith("https://")
    subjects = [subject for split in (corpus.splits or {}).values() for subject in split]
    assert len(subjects) == len(set(subjects))


@pytest.mark.parametrize("corpus", CORPORA.values(), ids=lambda corpus: corpus.name)
def test_every_corpus_describes_its_content_and_how_to_get_it(corpus):
    assert get_corpus(corpus.name) is corpus
    assert corpus.description.endswith(".")
    assert corpus.obtain.endswith(".")
    assert corpus.size != "unknown"
    assert corpus.reference != "unknown"
    assert set(corpus.conditions.values()) <= set(CONDITIONS) - {"none"}


def test_splits_of_eegmmidb_are_fixed_and_leave_out_the_subjects_at_128_hz():
    corpus = get_corpus("eegmmidb")
    assert corpus.licence == "ODC-By 1.0"
    assert {split: len(subjects) for split, subjects in corpus.splits.items()} == {
        "train": 79,
        "validation": 9,
        "test": 18,
    }
    assert [corpus.split_of(s) for s in ("S001", "S079", "S080", "S089", "S090", "S109")] == [
        *("train", "train", "validation", "validation", "test", "test")
    ]
    assert [corpus.split_of(s) for s in ("S088", "S092", "S100", "S110")] == [None] * 4


def test_recordings_come_by_split_in_a_fixed_order(data_dir):
    corpus = get_corpus("eegmmidb")
    assert [(r.subject, r.session) for r in corpus.recordings(data_dir, "validation")] == [
        ("S080", "R01"),
        ("S080", "R02"),
        ("S080", "R04"),
    ]
    assert [(r.subject, r.session) for r in corpus.recordings(data_dir, "test")] == [("S090", "R02")]
    assert "S088" not in {r.subject for r in corpus.recordings(data_dir)}


@pytest.mark.parametrize("layout", ["", "eegmmidb", "MNE-eegbci-data/files/eegmmidb/1.0.0"])
def test_eegmmidb_is_found_in_its_own_folder_beside_others_and_where_mne_puts_it(data_dir, tmp_path, layout):
    shutil.copytree(data_dir / "eegmmidb" / "S080", tmp_path / layout / "S080")
    assert len(list(get_corpus("eegmmidb").recordings(tmp_path))) == 3


def test_a_folder_without_the_corpus_gets_an_error_with_the_files_to_add(tmp_path):
    with pytest.raises(CorpusUnavailableError, match=r"not in .*put the folders S001 to S109 .*eegmmidb"):
        list(get_corpus("eegmmidb").recordings(tmp_path))


def test_without_a_network_one_sentence_says_what_to_fetch(monkeypatch):
    def offline(*args, **kwargs):
        raise ConnectionError("Max retries exceeded with url")

    monkeypatch.setattr(mne.datasets.eegbci, "load_data", offline)
    with pytest.raises(CorpusUnavailableError, match=r"could not be downloaded .*data_dir") as error:
        list(get_corpus("eegmmidb").recordings())
    assert "\n" not in str(error.value)


def test_without_a_folder_mne_fetches_the_runs(monkeypatch, data_dir):
    def local(subject, run, **kwargs):
        return [data_dir / f"eegmmidb/S{subject:03d}/S{subject:03d}R{run:02d}.edf"]

    monkeypatch.setattr(mne.datasets.eegbci, "load_data", local)
    found = list(get_corpus("eegmmidb").recordings())
    assert len(found) == (79 + 9 + 18) * 14
    assert len(found[0].open().ch_names) == 8


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        ("R01", ["eyes_open"]),
        ("R02", ["eyes_closed"]),
        ("R04", ["rest", "left_fist", "rest", "right_fist", "rest"]),
        ("R06", ["rest", "both_fists", "rest", "feet", "rest"]),
    ],
)
def test_conditions_follow_the_protocol_of_the_run(data_dir, session, expected):
    found = recording(data_dir, session)
    raw = found.open()
    spans = found.condition_spans(raw)
    assert [name for _, _, name in spans] == expected
    if len(expected) == 1:
        assert spans[0][:2] == (0.0, raw.n_times / 160)
    else:
        assert spans[1][:2] == pytest.approx((4.2, 8.3))


def test_the_zeros_that_fill_the_last_second_are_cut_off(data_dir):
    raw = recording(data_dir, "R01").open()
    assert raw.n_times == 23.5 * 160
    assert np.ptp(raw.get_data()[:, -2:], axis=-1).max() > 0


def test_a_run_that_was_cut_off_is_refused(data_dir, tmp_path):
    shutil.copytree(data_dir / "eegmmidb/S080", tmp_path / "S080")
    cut_off(tmp_path / "S080/S080R01.edf")
    first, *others = get_corpus("eegmmidb").recordings(tmp_path)
    with pytest.raises(ValueError, match=r"S080R01.edf is cut off"):
        first.open()
    assert [other.open().n_times for other in others] == [23.5 * 160] * 2


def test_a_recording_travels_to_another_process_unopened(data_dir):
    found = recording(data_dir, "R04")
    copy = pickle.loads(pickle.dumps(found))
    assert (copy.subject, copy.session) == ("S001", "R04")
    assert copy.open().annotations.description.tolist() == ["T0", "T1", "T0", "T2", "T0"]


def test_any_files_can_be_a_training_corpus_with_conditions_from_annotations(data_dir, tmp_path):
    corpus = get_corpus(f"files:{data_dir}/eegmmidb/S00[12]/*.edf")
    found = list(corpus.recordings())
    assert not corpus.may_redistribute
    assert [(r.subject, r.session) for r in found[:2]] == [("S001", "S001R01.edf"), ("S001", "S001R02.edf")]
    assert {corpus.split_of(r.subject) for r in found} == {"train"}
    raw = found[0].open()
    raw.set_annotations(mne.Annotations([1.0, 5.0], [2.0, 1.0], ["seizure", "T1"]))
    assert found[0].condition_spans(raw) == [(1.0, 3.0, "seizure")]


def test_a_pattern_without_matches_is_reported(tmp_path):
    with pytest.raises(CorpusUnavailableError, match="no file matches"):
        list(get_corpus("files:*.edf").recordings(tmp_path))


def test_annotations_of_local_files_name_conditions_in_any_spelling(tmp_path):
    raw = mne.io.RawArray(np.zeros((1, 1000)), mne.create_info(["Cz"], 100.0, "eeg"), verbose="ERROR")
    raw.set_annotations(mne.Annotations([0.0, 2.0, 4.0, 6.0], 2.0, ["EYES_CLOSED", "eyes-open", "Left fist", "lunch"]))
    raw.save(tmp_path / "mine_raw.fif", verbose="ERROR")
    (found,) = get_corpus(f"files:{tmp_path}/*.fif").recordings(None)
    spans = found.condition_spans(raw)
    assert [name for *_, name in spans] == ["eyes_closed", "eyes_open", "left_fist"]
    assert spans[1][:2] == (2.0, 4.0)
