# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import json
import pickle
import sys

import mne
import numpy as np
import pytest
from mne_bids import BIDSPath, make_dataset_description, mark_channels, write_raw_bids

from edf_files import cut_off
from get_hf.modeling.configuration_get import CONDITIONS
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.training.corpora import CorpusUnavailableError, get_corpus
from get_hf.training.corpora.vocabulary import allows_sharing, condition_of
from get_hf.training.data.segments import prepare_segments, problems, segment_table
from synthetic import make_raw

NAMES = ["Fp1", "C3", "C4", "E17", "O2", "EOGv"]
#: (onset s, duration s, what the experimenter called it), the cue lasting as long as the imagery
TRIALS = [(2.0, 3.0, "Left Hand"), (6.0, 4.0, "right_hand"), (11.0, 2.5, "word association"), (15.0, 0.0, "feet")]


def write(root, subject, task, session=None, run=None, trials=(), suffix=".vhdr"):
    """One recording of 20 s at 200 Hz: five EEG channels, one of them known by its position alone, and an EOG."""
    raw = make_raw(20.0, 200.0, NAMES, seed=int(subject))
    raw.set_channel_types({"EOGv": "eog"}, verbose="ERROR")
    raw.info["line_freq"] = 50
    places = mne.channels.make_standard_montage("biosemi64").get_positions()["ch_pos"]
    own = {name: places["T7" if name == "E17" else name] for name in NAMES[:5]}
    fiducials = {"nasion": [0, 0.1, 0], "lpa": [-0.08, 0, 0], "rpa": [0.08, 0, 0]}
    raw.set_montage(mne.channels.make_dig_montage(own, coord_frame="head", **fiducials), verbose="ERROR")
    if trials:
        raw.set_annotations(mne.Annotations(*zip(*trials, strict=True)))
    path = BIDSPath(subject, session, task, run=run, datatype="eeg", root=root)
    kind = {".vhdr": "BrainVision", ".edf": "EDF"}[suffix]
    return write_raw_bids(raw, path, format=kind, allow_preload=True, overwrite=True, verbose="ERROR")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A data set of two people, with what can be right or wrong about it."""
    root = tmp_path_factory.mktemp("bids")
    path = write(root, "01", "motor", "a", "1", TRIALS)
    mark_channels(path, ch_names=["O2"], status="bad", verbose="ERROR")
    write(root, "01", "motor", "a", "2", TRIALS[:2], suffix=".edf")
    write(root, "01", "eyesclosed", "b", trials=TRIALS[:1])
    write(root, "02", "rest")
    write(root, "02", "motor", run="2", trials=TRIALS)
    _sidecar(write(root, "02", "motor", run="3", trials=TRIALS), "events", ".tsv").unlink()
    cut_off(write(root, "02", "motor", run="4", trials=TRIALS, suffix=".edf").fpath)
    cut_off(write(root, "02", "motor", run="5", trials=TRIALS).fpath.with_suffix(".eeg"), 30_000)
    derived = root / "derivatives/filtered/sub-01/eeg/sub-01_task-motor_eeg.edf"
    derived.parent.mkdir(parents=True)
    derived.write_bytes(b"not to be read")
    _describe(root, License="CC0", HowToAcknowledge="Cite us.", DatasetDOI="doi:10.1000/1")
    return root


def _sidecar(path, suffix, extension):
    return path.copy().update(suffix=suffix, extension=extension).fpath


def _describe(root, **fields):
    path = root / "dataset_description.json"
    path.write_text(json.dumps({"Name": "Fists", "BIDSVersion": "1.8.0"} | fields))


def recordings(tree):
    return {(r.subject, r.session): r for r in get_corpus(f"bids:{tree}").recordings()}


def segments(recording):
    return segment_table(recording, "bids:X", 120.0, GETFeatureExtractor()).to_pylist()


def patches(*spans):
    return [CONDITIONS.index(name) for seconds, name in spans for _ in range(round(4 * seconds))]


def test_subjects_and_sessions_are_those_of_the_file_names(tree):
    assert list(recordings(tree)) == [
        ("01", "ses-a_task-motor_run-1"),
        ("01", "ses-a_task-motor_run-2"),
        ("01", "ses-b_task-eyesclosed"),
        ("02", "task-motor_run-2"),
        ("02", "task-motor_run-3"),
        ("02", "task-motor_run-4"),
        ("02", "task-motor_run-5"),
        ("02", "task-rest"),
    ]


@pytest.mark.parametrize("run", ["1", "2"])
def test_events_called_like_a_condition_are_it_for_as_long_as_they_last(tree, run):
    (row,) = segments(recordings(tree)["01", f"ses-a_task-motor_run-{run}"])
    known = [(2, "none"), (3, "left_fist"), (1, "none"), (4, "right_fist")]
    assert row["conditions"] == patches(*known, (10, "none"))
    assert 5 < np.median(np.abs(row["signal"])) < 20  # microvolts, of one standard deviation of 15


def test_bad_channels_other_types_and_digitised_positions_come_from_the_sidecars(tree):
    (row,) = segments(recordings(tree)["01", "ses-a_task-motor_run-1"])
    assert row["ch_names"] == ["Fp1", "C3", "C4", "E17"]
    assert row["problem"] == "left out O2 (marked bad)"
    place = np.reshape(row["channel_positions"], (4, 6))[3, :3]
    assert place[0] < -0.8  # of T7, far to the left
    assert abs(place[1]) < 0.3


def test_a_task_called_after_the_eyes_is_one_condition(tree):
    (row,) = segments(recordings(tree)["01", "ses-b_task-eyesclosed"])
    assert row["conditions"] == patches((20, "eyes_closed"))


def test_rest_needs_no_events(tree):
    (row,) = segments(recordings(tree)["02", "task-rest"])
    assert row["conditions"] == patches((20, "rest"))
    assert not row["problem"]


def test_a_bad_recording_is_listed_and_does_not_affect_others(tree, tmp_path):
    prepared = prepare_segments(f"bids:{tree}", cache_dir=tmp_path)["train"]
    found = {(subject, session): problem for subject, session, problem in problems(prepared)}
    assert found.pop(("01", "ses-a_task-motor_run-1")) == "left out O2 (marked bad)"
    assert list(found) == [("02", f"task-motor_run-{run}") for run in (3, 4, 5)]
    missing, edf, brainvision = found.values()
    assert "sub-02_task-motor_run-3_eeg.vhdr has no events.tsv" in missing
    assert "run-4_eeg.edf is cut off: its header says" in edf
    assert "run-5_eeg.vhdr is cut off: its json says RecordingDuration" in brainvision
    assert sum(n_times > 0 for n_times in prepared["n_times"]) == 5


def test_a_recording_knows_its_files_and_travels(tree):
    recording = recordings(tree)["01", "ses-a_task-motor_run-1"]
    suffixes = {path.name.removeprefix("sub-01_ses-a_") for path in recording.files}
    parts = ("channels.tsv", "eeg.eeg", "eeg.json", "eeg.vhdr", "eeg.vmrk", "events.tsv", "events.json")
    assert suffixes >= {f"task-motor_run-1_{part}" for part in parts}
    assert any(suffix.endswith("_electrodes.tsv") for suffix in suffixes)
    assert not any("run-2" in suffix for suffix in suffixes)
    same = pickle.loads(pickle.dumps(recording))
    np.testing.assert_array_equal(same.open().get_data(), recording.open().get_data())


def test_events_of_several_values_keep_their_name(tmp_path):
    path = write(tmp_path, "01", "motor", trials=TRIALS[:2])
    rows = ["onset\tduration\ttrial_type\tvalue", "2\t3\tleft_hand\t1", "6\t4\tleft_hand\t2", "12\tn/a\trest\t3"]
    _sidecar(path, "events", ".tsv").write_text("\n".join(rows) + "\n")
    (row,) = segments(recordings(tmp_path)["01", "task-motor"])
    known = [(2, "none"), (3, "left_fist"), (1, "none"), (4, "left_fist")]
    assert row["conditions"] == patches(*known, (10, "none"))


def test_seizures_of_szcore(tmp_path):
    path = write(tmp_path, "01", "szMonitoring", trials=TRIALS[:1])
    rows = ["onset\tduration\teventType\tconfidence", "0\t20\tbckg\tn/a", "5.0\t6.5\tsz_foc_ia\tn/a"]
    _sidecar(path, "events", ".tsv").write_text("\n".join(rows) + "\n")
    (row,) = segments(recordings(tmp_path)["01", "task-szMonitoring"])
    assert row["conditions"] == patches((5, "none"), (6.5, "seizure"), (8.5, "none"))


def test_licence_and_citation_are_the_data_sets_own(tree):
    corpus = get_corpus(f"bids:{tree}")
    assert (corpus.licence, corpus.may_redistribute) == ("CC0", True)
    assert corpus.citation == "Cite us. doi:10.1000/1"
    assert corpus.homepage == "https://doi.org/10.1000/1"


def test_a_licence_that_forbids_derivatives_forbids_sharing(tmp_path):
    make_dataset_description(path=tmp_path, name="Fists", data_license="CC-BY-ND-4.0", references_and_links=["A", "B"])
    corpus = get_corpus(f"bids:{tmp_path}")
    assert (corpus.licence, corpus.may_redistribute) == ("CC-BY-ND-4.0", False)
    assert corpus.citation == "A B"


def test_a_data_set_without_a_licence_may_not_be_shared(tmp_path):
    _describe(tmp_path)
    assert (get_corpus(f"bids:{tmp_path}").licence, get_corpus(f"bids:{tmp_path}").may_redistribute) == (
        "unknown",
        False,
    )


def test_an_invalid_json_description_is_named(tmp_path):
    (tmp_path / "dataset_description.json").write_text('{"Name": "Fists"')
    with pytest.raises(ValueError, match=r"dataset_description\.json is not JSON"):
        get_corpus(f"bids:{tmp_path}")


def test_the_folder_is_looked_for_in_data_dir(tree):
    found = get_corpus(f"bids:{tree.name}").recordings(tree.parent, "train")
    assert len(list(found)) == 8


def test_a_folder_without_a_data_set_gets_an_error_with_the_folder_to_name(tmp_path):
    with pytest.raises(CorpusUnavailableError, match=r"no BIDS data set in .*name the folder that holds"):
        list(get_corpus(f"bids:{tmp_path / 'nowhere'}").recordings())
    _describe(tmp_path)
    with pytest.raises(CorpusUnavailableError, match="has no EEG"):
        list(get_corpus(f"bids:{tmp_path}").recordings())


def test_without_mne_bids_one_sentence_says_what_to_install(monkeypatch, tree):
    monkeypatch.setitem(sys.modules, "mne_bids", None)
    with pytest.raises(CorpusUnavailableError, match=r'pip install "get-hf\[train\]"'):
        list(get_corpus(f"bids:{tree}").recordings())


@pytest.mark.parametrize(
    ("name", "condition"),
    [
        ("left_hand", "left_fist"),
        ("Right-Hand", "right_fist"),
        ("both hands", "both_fists"),
        ("feet", "feet"),
        ("tongue", "tongue"),
        ("eyesClosed", "eyes_closed"),
        ("eyes_open", "eyes_open"),
        ("rest", "rest"),
        ("seizure", "seizure"),
        ("open", None),  # a hand, it may be
        ("left", None),
        ("T1", None),
        ("none", None),
        ("", None),
    ],
)
def test_an_ambiguous_event_name_is_not_a_condition(name, condition):
    assert condition_of(name) == condition


def test_every_condition_is_called_by_its_own_name():
    assert [condition_of(name) for name in CONDITIONS] == [None, *CONDITIONS[1:]]


@pytest.mark.parametrize(
    ("licence", "shared"),
    [
        ("CC0", True),
        ("CC0-1.0", True),
        ("CC0 1.0 Universal", True),
        ("PDDL", True),
        ("ODC-By-1.0", True),
        ("CC BY 4.0", True),
        ("CC-BY-SA-4.0", True),
        ("CC-BY-NC-SA-4.0", True),
        ("Creative Commons Attribution 4.0 International", True),
        ("https://creativecommons.org/licenses/by/4.0/", True),
        ("CC-BY-ND-4.0", False),
        ("CC-BY-NC-ND-4.0", False),
        ("https://creativecommons.org/licenses/by-nd/4.0/", False),
        ("Creative Commons Attribution-NoDerivatives 4.0", False),
        ("CC BY 4.0 for the paper, ask for the data", False),
        ("GPL-3.0", False),
        ("Non-commercial research use", False),
        ("n/a", False),
        ("unknown", False),
        ("", False),
    ],
)
def test_only_a_licence_that_clearly_allows_it_allows_sharing(licence, shared):
    assert allows_sharing(licence) is shared
