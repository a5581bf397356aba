# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import pytest

from edf_files import cut_off, write_edf
from get_hf.training.corpora import CorpusUnavailableError, get_corpus

AVERAGE = ["EEG FP1-REF", "EEG T3-REF", "EEG A1-REF", "EEG EKG1-REF", "EEG ROC-REF", "EEG 26-REF", "PHOTIC-REF", "IBI"]
EARS = ["EEG FP1-LE", "EEG CZ-LE", "EEG SP1-LE", "EEG 20-LE", "BURSTS", "SUPPR"]
EVENTS = """# version = csv_v1.0.0
# bname = aaaaaaac_s001_t000
# duration = 20.00 secs
# montage_file = $NEDC_NFC/lib/nedc_eas_default_montage.txt
#
channel,start_time,stop_time,label,confidence
"""
SEIZURE = "TERM,0.0000,4.5000,bckg,1.0000\nTERM,4.5000,9.2500,seiz,1.0000\nTERM,9.2500,20.0000,bckg,1.0000\n"
NO_SEIZURE = "TERM,0.0000,20.0000,bckg,1.0000\n"


def write_recording(folder, name, labels=AVERAGE, events=None):
    path = write_edf(folder / f"{name}.edf", labels)
    if events is not None:
        path.with_suffix(".csv_bi").write_text(EVENTS + events)
    return path


@pytest.fixture
def tusz(tmp_path):
    """Seizure corpus: the owners' splits, a list of events beside each recording."""
    edf = tmp_path / "tusz/edf"
    write_recording(edf / "train/aaaaaaac/s001_2002/01_tcp_ar", "aaaaaaac_s001_t000", events=SEIZURE)
    write_recording(edf / "train/aaaaaaac/s002_2003/02_tcp_le", "aaaaaaac_s002_t001", EARS, events=NO_SEIZURE)
    write_recording(edf / "dev/aaaaaajy/s001_2003/01_tcp_ar", "aaaaaajy_s001_t000", events=NO_SEIZURE)
    write_recording(edf / "eval/aaaaaaaq/s005_2014/01_tcp_ar", "aaaaaaaq_s005_t000", events=NO_SEIZURE)
    return tmp_path / "tusz"


def recordings(folder, split=None):
    return {f"{r.subject} {r.session}": r for r in get_corpus(f"tuh:{folder}").recordings(split=split)}


def test_the_owners_splits_are_kept(tusz):
    assert list(recordings(tusz, "train")) == ["aaaaaaac s001_t000", "aaaaaaac s002_t001"]
    assert list(recordings(tusz, "validation")) == ["aaaaaajy s001_t000"]
    assert list(recordings(tusz, "test")) == ["aaaaaaaq s005_t000"]


def test_a_folder_of_held_out_recordings_stays_held_out(tusz):
    corpus = get_corpus(f"tuh:{tusz}/edf/eval")
    assert [(r.subject, corpus.split_of(r.subject)) for r in corpus.recordings()] == [("aaaaaaaq", "test")]


def test_a_subject_in_two_splits_belongs_to_the_more_held_out(tusz):
    write_recording(tusz / "edf/eval/aaaaaaac/s003_2004/01_tcp_ar", "aaaaaaac_s003_t000", events=NO_SEIZURE)
    assert recordings(tusz, "train") == {}
    assert len(recordings(tusz, "test")) == 4


def test_seizures_are_where_the_list_of_events_puts_them(tusz):
    found = recordings(tusz)
    spans = {name: found[name].condition_spans(found[name].open()) for name in found}
    assert spans.pop("aaaaaaac s001_t000") == [(4.5, 9.25, "seizure")]
    assert list(spans.values()) == [[], [], []]


def test_spare_inputs_and_other_sensors_are_left_out(tusz):
    found = recordings(tusz)
    assert found["aaaaaaac s001_t000"].open().ch_names == ["EEG FP1-REF", "EEG T3-REF", "EEG A1-REF"]
    assert found["aaaaaaac s002_t001"].open().ch_names == ["EEG FP1-LE", "EEG CZ-LE"]


def test_without_its_events_a_recording_is_refused_and_the_others_are_not(tusz):
    next(tusz.rglob("aaaaaaac_s001_t000.csv_bi")).unlink()
    found = recordings(tusz)
    with pytest.raises(FileNotFoundError, match=r"aaaaaaac_s001_t000.csv_bi is missing, which says whether") as error:
        found["aaaaaaac s001_t000"].open()
    assert "\n" not in str(error.value)
    assert found["aaaaaaac s002_t001"].open().n_times == 20 * 256


@pytest.mark.parametrize(
    "text", ["", EVENTS, EVENTS + "TERM,0.0,4.5\n", EVENTS + "TERM,0.0,later,seiz,1.0\n", "a,b\n1,2\n"]
)
def test_unreadable_events_do_not_count_as_no_events(tusz, text):
    next(tusz.rglob("aaaaaaac_s001_t000.csv_bi")).write_text(text)
    with pytest.raises(ValueError, match="is cut off or no list of events"):
        recordings(tusz)["aaaaaaac s001_t000"].open()


def test_a_recording_that_was_cut_off_is_refused(tusz):
    cut_off(next(tusz.rglob("aaaaaaac_s001_t000.edf")))
    with pytest.raises(ValueError, match="is cut off"):
        recordings(tusz)["aaaaaaac s001_t000"].open()


def test_the_large_corpus_has_neither_events_nor_splits(tmp_path):
    write_recording(tmp_path / "edf/000/aaaaaaaa/s001_2015/01_tcp_ar", "aaaaaaaa_s001_t000")
    write_edf(tmp_path / "notes/other.edf", AVERAGE)
    corpus = get_corpus(f"tuh:{tmp_path}")
    (found,) = corpus.recordings(split="train")
    assert corpus.splits is None
    assert found.condition_spans(found.open()) == []


def test_its_parts_share_their_people_and_may_not_be_passed_on(tusz, tmp_path):
    whole, part = get_corpus(f"tuh:{tmp_path}"), get_corpus(f"tuh:{tusz}")
    assert whole.person_of("aaaaaaac") == part.person_of("aaaaaaac") != part.person_of("aaaaaajy")
    assert not part.may_redistribute


def test_a_folder_without_it_is_answered_with_whom_to_ask(tmp_path):
    with pytest.raises(CorpusUnavailableError, match=r"ask for access at https://isip") as error:
        recordings(tmp_path / "nowhere")
    assert "\n" not in str(error.value)


def test_a_second_folder_is_refused(tusz, tmp_path):
    with pytest.raises(ValueError, match="names its own folder"):
        list(get_corpus(f"tuh:{tusz}").recordings(tmp_path))
