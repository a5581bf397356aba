# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import errno
import json
import os
import pickle
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import mne
import moabb.datasets
import numpy as np
import pytest
import requests
from moabb.datasets.fake import FakeDataset, FakeVirtualRealityDataset

from get_hf.modeling.configuration_get import CONDITIONS
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.training.corpora import CorpusUnavailableError, get_corpus, moabb_reading
from get_hf.training.corpora.moabb_sets import MOABB_CORPORA
from get_hf.training.data.segments import segment_table
from moabb_files import write_alpha_waves, write_cho, write_graz

GRAZ_A = ["left hand", "right hand", "feet", "tongue"]


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """No test reaches a network, whatever it asks for; and none remembers what another read."""

    def send(*args, **kwargs):
        raise requests.ConnectionError("there is no network\nand there never was")

    monkeypatch.setattr(requests.Session, "send", send)
    monkeypatch.setenv("MOABB_DOWNLOAD_PROVIDER", "upstream")  # MOABB 1.7 asks another host first, and insists
    moabb_reading._read_last.cache_clear()


@pytest.fixture
def few(monkeypatch):
    """Leaves a data set only some of its people, the others of whom each test would look for."""

    def few(name, *subjects):
        whole = getattr(moabb.datasets, name)
        part = type(name, (whole,), {"__init__": lambda self: whole.__init__(self, subjects=list(subjects))})
        monkeypatch.setattr(moabb.datasets, name, part)
        return part

    return few


class Hands(FakeDataset):
    """Two people, a session, two runs of 40 s: left, right, rest, a word, every 4.5 s or so, for 3 s each."""

    def __init__(self):
        events = ("left_hand", "right_hand", "rest", "word_ass")
        super().__init__(events, 1, 2, 2, duration=40, n_events=8, seed=3, channels=("C3", "Cz", "C4"))


class Joined(Hands):
    """One run: trials of 5 s, then zeros; a short one at the end."""

    def _get_single_subject_data(self, subject):
        raw = super()._get_single_subject_data(subject)["0"]["0"]
        for start in (5, 11, 17):
            raw._data[:3, start * 128 : (start + 1) * 128] = 0.0
        return {"0": {"0": raw.crop(tmax=20.0)}}


class Snippets(Hands):
    """One run of trials of a second."""

    def _get_single_subject_data(self, subject):
        raw = super()._get_single_subject_data(subject)["0"]["0"]
        raw._data[:3, np.arange(raw.n_times) % 144 < 16] = 0.0
        return {"0": {"0": raw}}


@pytest.fixture
def hands(monkeypatch):
    monkeypatch.setattr(moabb.datasets, "FakeDataset", Hands)
    return list(get_corpus("moabb:FakeDataset").recordings())


def segments(recording, corpus="moabb:X"):
    return segment_table(recording, corpus, 120.0, GETFeatureExtractor()).to_pylist()


def names(row):
    """Conditions of a row's patches, 0.25 s each."""
    return [CONDITIONS[number] for number in row["conditions"]]


def patches(*spans):
    """What `names` is for [(seconds, condition), ...]."""
    return [name for seconds, name in spans for _ in range(round(4 * seconds))]


def typical(row):
    """Median absolute amplitude in microvolts."""
    return np.median(np.abs(row["signal"]))


def only(recordings, subject, *sessions):
    found = [r for r in recordings if r.subject == subject]
    assert [r.session for r in found] == list(sessions)
    return found


def test_alpha_waves_have_their_conditions_and_their_microvolts(tmp_path, few):
    few("Rodrigues2017", 1)
    write_alpha_waves(tmp_path, 1)
    recordings = list(get_corpus("alpha-waves").recordings(tmp_path))
    (recording,) = only(recordings, "1", "0_0")
    (row,) = segments(recording)
    assert not row["problem"]
    assert (row["n_chans"], row["n_times"]) == (16, 5400)
    assert [name.lower() for name in row["ch_names"][:3]] == ["fp1", "fp2", "fc5"]
    gap = (2, "none")
    assert names(row) == patches(gap, *[(10, "eyes_closed"), gap, (10, "eyes_open"), gap] * 2, (4, "none"))
    # of the 15 microvolts (one standard deviation) per channel that were written, the model's band keeps most
    assert 5 < typical(row) < 20


def test_a_person_who_cannot_be_downloaded_is_listed_and_does_not_affect_others(tmp_path):
    write_alpha_waves(tmp_path, 1)
    write_alpha_waves(tmp_path, 3).write_bytes(b"MATLAB 5.0 MAT-file, cut off")
    recordings = list(get_corpus("alpha-waves").recordings(tmp_path))
    assert [r.subject for r in recordings] == [str(n) for n in range(1, 21) if n != 7]
    problems = {r.subject: segments(r)[0]["problem"] for r in recordings if r.session == "unread"}
    assert len(problems) == 18
    assert "subject 2 of MOABB's Rodrigues2017 could not be downloaded" in problems["2"]
    assert f"copy the folders MNE-...-data that it fills to {tmp_path}" in problems["2"]
    assert "MOABB cannot read subject 3 of Rodrigues2017" in problems["3"]
    assert not any("\n" in problem for problem in problems.values())


def test_a_full_disk_ends_the_listing(tmp_path, few, monkeypatch):
    few("Rodrigues2017", 1, 2)
    write_alpha_waves(tmp_path, 1)

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(requests.Session, "send", full)
    with pytest.raises(CorpusUnavailableError, match=r"subject 2 .*No space left on device"):
        list(get_corpus("alpha-waves").recordings(tmp_path))


@pytest.mark.parametrize("name", ["alpha-waves", "bnci2014-001", "bnci2014-004", "cho2017", "moabb:PhysionetMI"])
def test_without_data_and_network_one_sentence_says_what_to_fetch_and_where_to_put_it(name, tmp_path, capfd):
    with pytest.raises(CorpusUnavailableError, match=r"ConnectionError.*run python -c .* and copy ") as error:
        list(get_corpus(name).recordings(tmp_path))
    assert str(error.value).endswith(f"to {tmp_path}.")
    assert "\n" not in str(error.value)
    assert not capfd.readouterr().out


def test_nothing_is_said_but_by_the_recordings(tmp_path, few, capfd, recwarn):
    few("BNCI2014_001", 1)
    for part in "TE":
        write_graz(tmp_path, f"001-2014/A01{part}", 22, GRAZ_A, [[1, 2]])
    (train, _) = get_corpus("bnci2014-001").recordings(tmp_path)
    train.open()
    said = capfd.readouterr()
    assert not said.out
    assert set(said.err.replace("\r", "\n").splitlines()) <= {""}
    assert not [warning for warning in recwarn if "moabb" in str(warning.filename)]


def test_a_missing_data_dir_is_not_created(tmp_path):
    with pytest.raises(CorpusUnavailableError, match=r"cho2017: there is no folder .*nowhere"):
        list(get_corpus("cho2017").recordings(tmp_path / "nowhere"))
    assert not (tmp_path / "nowhere").exists()


def test_2a_has_its_imagery_from_cue_to_end_and_its_sessions(tmp_path, few):
    few("BNCI2014_001", 1)
    for part in "TE":
        write_graz(tmp_path, f"001-2014/A01{part}", 22, GRAZ_A, [[], [], [1, 2, 3, 4], [4, 3, 2, 1]])
    recordings = list(get_corpus("bnci2014-001").recordings(tmp_path))
    found = only(recordings, "1", "0train_0", "0train_1", "1test_0", "1test_1")
    (row,) = segments(found[1])
    assert (row["n_chans"], row["ch_names"][0], row["ch_names"][-1], row["problem"]) == (22, "Fz", "POz", "")
    imagery = [(4, name) for name in ("tongue", "feet", "right_fist", "left_fist")]
    # the cross at 1 s, the cue 2 s later, imagery for 4 s; the next cross 8 s after the last
    expected = [span for trial in imagery for span in (trial, (4, "none"))]
    assert names(row) == patches((3, "none"), *expected, (1, "none"))
    assert 5 < typical(row) < 20


def test_2b_is_bipolar(tmp_path, few):
    few("BNCI2014_004", 1)
    for part, n_runs in (("T", 3), ("E", 2)):
        write_graz(tmp_path, f"004-2014/B01{part}", 3, GRAZ_A[:2], [[1, 2]] * n_runs)
    recordings = list(get_corpus("bnci2014-004").recordings(tmp_path))
    found = only(recordings, "1", "0train_0", "1train_0", "2train_0", "3test_0", "4test_0")
    (row,) = segments(found[0])
    assert row["ch_names"] == ["FC3-CP3", "FCz-CPz", "FC4-CP4"]
    positions = np.reshape(row["channel_positions"], (3, 6))
    assert (positions[:, 1] > positions[:, 4]).all()  # before, against behind
    assert names(row) == patches((4, "none"), (4.5, "left_fist"), (3.5, "none"), (4.5, "right_fist"), (3.5, "none"))


def test_cho_is_trials_and_never_across_two(tmp_path, few):
    few("Cho2017", 1)
    write_cho(tmp_path, 1, n_trials=2)
    recordings = [r for r in get_corpus("cho2017").recordings(tmp_path) if r.subject == "1"]
    assert [r.session for r in recordings] == [f"0_0_{number:03d}" for number in range(1, 5)]
    rows = [segments(recording)[0] for recording in recordings]
    assert {(row["n_chans"], row["n_times"], row["problem"]) for row in rows} == {(64, 700, "")}
    for row, name in zip(rows, ["left_fist"] * 2 + ["right_fist"] * 2, strict=True):
        assert names(row) == patches((2, "none"), (3, name), (2, "none"))
    # a step of 500 microvolts between two trials would show in the high-passed signal
    assert max(np.abs(row["signal"]).max() for row in rows) < 100


def test_events_with_known_names_become_conditions_in_any_data_set(hands):
    assert [(r.subject, r.session) for r in hands] == [("1", "0_0"), ("1", "0_1"), ("2", "0_0"), ("2", "0_1")]
    raw = hands[0].open()
    spans = hands[0].condition_spans(raw)
    assert [name for _, _, name in spans] == ["left_fist", "right_fist", "rest"] * 2
    assert all(end - onset == pytest.approx(3.0) for onset, end, _ in spans)
    stim = mne.find_events(raw, "stim", shortest_event=0, verbose="ERROR")
    assert [onset for onset, _, _ in spans] == pytest.approx([s / 128 for s, _, code in stim if code < 4], abs=1e-6)


def test_recordings_travel_to_other_processes(hands):
    expected = [hand.open().get_data(picks="C3") for hand in hands[:2]]
    with ProcessPoolExecutor(2, get_context("fork")) as pool:
        found = list(pool.map(_c3, pickle.loads(pickle.dumps(hands[:2]))))
    np.testing.assert_array_equal(found, expected)


def _c3(recording):
    return recording.open().get_data(picks="C3")


def test_a_recording_is_a_copy_that_may_be_changed(hands):
    first = hands[0].open()
    before = first.get_data().copy()
    first.apply_function(lambda x: 0 * x)
    np.testing.assert_array_equal(hands[0].open().get_data(), before)


def test_only_the_last_person_is_kept_in_memory(hands, monkeypatch):
    read = []
    monkeypatch.setattr(Hands, "_get_single_subject_data", _counted(Hands._get_single_subject_data, read))
    for recording in hands:
        recording.open()
    assert read == [1, 2]
    assert moabb_reading._read_last.cache_info().currsize == 1


def _counted(method, calls):
    def counted(self, subject):
        calls.append(subject)
        return method(self, subject)

    return counted


def test_events_that_are_no_state_are_no_condition(monkeypatch):
    monkeypatch.setattr(moabb.datasets, "FakeVirtualRealityDataset", lambda: None)  # no class, so no data set
    with pytest.raises(ValueError, match="no data set"):
        get_corpus("moabb:FakeVirtualRealityDataset")
    monkeypatch.setattr(moabb.datasets, "FakeVirtualRealityDataset", FakeVirtualRealityDataset)
    assert get_corpus("moabb:FakeVirtualRealityDataset").conditions == {}


def test_runs_are_taken_apart_where_moabb_put_zeros(monkeypatch):
    monkeypatch.setattr(moabb.datasets, "FakeDataset", Joined)
    recordings = only(get_corpus("moabb:FakeDataset").recordings(), "1", *(f"0_0_{n:03d}" for n in (1, 2, 3, 4)))
    lengths = [recording.open().n_times / 128 for recording in recordings]
    assert lengths == pytest.approx([5, 5, 5, 2], abs=0.01)
    # an event of 3 s whose end fell among the zeros ends with the piece
    whole = Hands()._get_single_subject_data(1)["0"]["0"]
    onsets = [s / 128 for s, _, _ in mne.find_events(whole, "stim", shortest_event=0, verbose="ERROR")]
    spans = [recording.condition_spans(recording.open()) for recording in recordings]
    assert spans[0][0] == pytest.approx((onsets[0], onsets[0] + 3, "left_fist"), abs=1e-6)
    assert all(end <= length + 1e-6 for each, length in zip(spans, lengths, strict=True) for _, end, _ in each)
    assert "it is 2.0 s long" in segments(recordings[3])[0]["problem"]


def test_trials_that_are_all_too_short_are_one_problem(monkeypatch):
    monkeypatch.setattr(moabb.datasets, "FakeDataset", Snippets)
    (recording,) = only(get_corpus("moabb:FakeDataset").recordings(), "1", "0_0")
    assert segments(recording)[0]["problem"] == "it is trials shorter than 4 s with zeros put between them"


def test_listed_recordings_are_not_read_again_until_a_file_changes(tmp_path, monkeypatch, few):
    one = few("Rodrigues2017", 1, 2)
    write_alpha_waves(tmp_path, 1)
    write_alpha_waves(tmp_path, 2)
    read = []
    monkeypatch.setattr(one, "_get_single_subject_data", _counted(one._get_single_subject_data, read))
    first = [(r.subject, r.session, r.files) for r in get_corpus("alpha-waves").recordings(tmp_path)]
    assert read == [1, 2]
    assert all(files and all(path.exists() for path in files) for _, _, files in first)
    again = [(r.subject, r.session, r.files) for r in get_corpus("moabb:Rodrigues2017").recordings(tmp_path)]
    assert again == first
    assert read == [1, 2]
    changed = write_alpha_waves(tmp_path, 2)
    os.utime(changed.parent, ns=(1, 1))
    list(get_corpus("alpha-waves").recordings(tmp_path))
    assert read == [1, 2, 2]
    (listing,) = tmp_path.glob("get-hf-listings/*/1.json")
    listing.write_text(json.dumps({"files": {}})[:-1])  # as a full disk leaves it
    list(get_corpus("alpha-waves").recordings(tmp_path))
    assert read == [1, 2, 2, 1]


def test_mne_is_configured_as_before(tmp_path, monkeypatch, few):
    few("Rodrigues2017", 1)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("_MNE_FAKE_HOME_DIR", str(home))
    monkeypatch.setenv("MNE_DATASETS_ALPHAWAVES_PATH", str(tmp_path / "elsewhere"))
    before = dict(os.environ)
    (tmp_path / "data").mkdir()
    write_alpha_waves(tmp_path / "data", 1)
    list(get_corpus("alpha-waves").recordings(tmp_path / "data"))
    assert dict(os.environ) == before
    assert not list(home.iterdir())
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_of_the_corpus_name_will_do(tmp_path, few):
    few("Rodrigues2017", 1)
    write_alpha_waves(tmp_path / "alpha-waves", 1)
    recordings = list(get_corpus("alpha-waves").recordings(tmp_path))
    assert segments(recordings[0])[0]["n_chans"] == 16


def test_a_person_has_one_name_wherever_recorded():
    person = {spec: get_corpus(spec).person_of("7") for spec in ("moabb:Lee2019_MI", "moabb:Lee2019_ERP", "cho2017")}
    assert person["moabb:Lee2019_MI"] == person["moabb:Lee2019_ERP"] != person["cho2017"]
    for corpus in MOABB_CORPORA:
        same = get_corpus(f"moabb:{corpus.find.args[1]}")
        assert same.name != corpus.name
        assert same.person_of("1") == corpus.person_of("1") == f"{corpus.name}/1"


def test_physionetmi_is_eegmmidb():
    moabbs, ours = get_corpus("moabb:PhysionetMI"), get_corpus("eegmmidb")
    people = [(str(number), f"S{number:03d}") for number in range(1, 110)]
    assert [moabbs.person_of(a) for a, _ in people] == [ours.person_of(b) for _, b in people]
    assert [moabbs.split_of(a) for a, _ in people] == [ours.split_of(b) for _, b in people]
    assert moabbs.may_redistribute


def test_physionetmi_gives_the_samples_of_the_files_and_the_conditions_of_eegmmidb(real_data, tmp_path, few):
    few("PhysionetMI", 1)
    place = tmp_path / "MNE-eegbci-data/files/eegmmidb/1.0.0"
    place.mkdir(parents=True)
    (place / "S001").symlink_to(real_data / "eegmmidb/S001")
    moabbs = {r.session: r for r in get_corpus("moabb:PhysionetMI").recordings(tmp_path)}
    ours = {r.session: r for r in get_corpus("eegmmidb").recordings(place)}
    assert list(moabbs) == [f"0_{run}" for run in range(6)]
    for theirs, own in (("0_0", "R04"), ("0_3", "R06")):  # of one fist, of both or the feet
        raw, file = moabbs[theirs].open(), mne.io.read_raw_edf(place / f"S001/S001{own}.edf", verbose="ERROR")
        np.testing.assert_allclose(raw.get_data(picks="eeg"), file.get_data()[:, : raw.n_times], atol=1e-9)
        (a,), (b,) = segments(moabbs[theirs]), segments(ours[own])
        assert [name.upper() for name in a["ch_names"]] == [name.strip(".").upper() for name in b["ch_names"]]
        np.testing.assert_allclose(a["channel_positions"], b["channel_positions"])
        assert 20 < typical(a) < 60
        # MOABB ends a trial after 3 s of its 4.1 or 4.2
        known = np.flatnonzero(a["conditions"])
        assert len(known) > 0.65 * len(a["conditions"])
        assert np.array_equal(np.array(a["conditions"])[known], np.array(b["conditions"])[known])


@pytest.mark.parametrize("corpus", MOABB_CORPORA, ids=lambda corpus: corpus.name)
def test_the_entries_agree_with_moabb(corpus):
    dataset = getattr(moabb.datasets, corpus.find.args[1])()
    recorded, about = dataset.metadata.acquisition, dataset.metadata.documentation
    assert corpus.licence == about.license
    assert corpus.sampling_rate == recorded.sampling_rate
    assert corpus.n_chans == recorded.channel_types["eeg"]
    assert set(corpus.conditions) == set(dataset.event_id)
    assert corpus.size.startswith(f"{len(dataset.subject_list)} people")
    assert corpus.may_redistribute == ("ND" not in about.license)


@pytest.mark.parametrize(
    ("name", "licence", "shared"),
    [
        ("Weibo2014", "CC0-1.0", True),
        ("Stieger2021", "CC-BY-NC-4.0", True),
        ("BNCI2015_001", "CC-BY-NC-ND-4.0", False),
        ("Lee2019_MI", "GPL-3.0", False),
        ("FakeDataset", "unknown", False),
    ],
)
def test_licences_come_from_moabb_and_doubt_forbids_sharing(name, licence, shared):
    corpus = get_corpus(f"moabb:{name}")
    assert (corpus.licence, corpus.may_redistribute) == (licence, shared)


def test_an_unknown_data_set_is_answered_with_the_nearest_names():
    with pytest.raises(ValueError, match=r"no data set 'BNCI2014001'; the nearest names are .*BNCI2014_001"):
        get_corpus("moabb:BNCI2014001")


def test_without_moabb_one_sentence_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "moabb", None)
    monkeypatch.setitem(sys.modules, "moabb.datasets", None)
    with pytest.raises(CorpusUnavailableError, match=r'pip install "get-hf\[train\]"'):
        get_corpus("moabb:Cho2017X")
    with pytest.raises(CorpusUnavailableError, match=r'pip install "get-hf\[train\]"'):
        list(get_corpus("cho2017").recordings(tmp_path))
