# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Files say what of them is generated and by what, and nothing of a person unless they are to."""

import hashlib
import json
from datetime import UTC, date, datetime

import mne
import numpy as np
import pytest

from get_hf import CHECKPOINT, GETModel, __version__, save_recording
from get_hf.outputs import check_output
from small import save_small
from synthetic import make_raw, mark_generated

SUBJECT = {"his_id": "S 003", "first_name": "Zoë", "last_name": "Doe", "sex": 2, "birthday": date(1980, 2, 3)}


@pytest.fixture(scope="module")
def model() -> GETModel:
    return GETModel.from_pretrained(CHECKPOINT)


def generated(seam: float = 8.0) -> mne.io.RawArray:
    return mark_generated(make_raw(), seam)


def read(path) -> mne.io.BaseRaw:
    return mne.io.read_raw(path, preload=True, verbose="ERROR")


@pytest.mark.parametrize("suffix", [".edf", ".fif"])
def test_a_json_file_describes_how_the_recording_was_generated(tmp_path, suffix, model):
    plan = [("eyes_open", 2.0), ("left_fist", 2.0)]
    save_recording(generated(), tmp_path / f"x{suffix}", model=model, seed=7, condition=plan)
    told = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))
    assert told == {
        "generated_by": "GET-HF",
        "version": __version__,
        "file": f"x{suffix}",
        "generated": [{"onset": 8.0, "duration": 4.0}],
        "checkpoint": "shipped",
        "weights_sha256": hashlib.sha256((CHECKPOINT / "model.safetensors").read_bytes()).hexdigest(),
        "seed": 7,
        "condition": [["eyes_open", 2.0], ["left_fist", 2.0]],
    }


def test_the_file_itself_tells_too(tmp_path, model):
    for suffix in (".edf", ".fif", ".npz"):
        save_recording(generated(), tmp_path / f"x{suffix}", model=model, seed=7)
    header = (tmp_path / "x.edf").read_bytes()[8:168].decode()
    assert header[:80].split() == ["X", "X", "X", "X"]
    assert header[80:].split() == [
        "Startdate", "X", "X", "X", f"GET-HF_{__version__}", "generated_from_8.000_s", "seed_7", "shipped"
    ]  # fmt: skip
    said = read(tmp_path / "x.fif").info["description"]
    assert said.startswith(f"GET generated from 8.000 s on (GET-HF {__version__}, checkpoint shipped, weights_sha256 ")
    assert said.endswith(", seed 7)")
    with np.load(tmp_path / "x.npz") as npz:
        assert json.loads(str(npz["generated"]))["seed"] == 7
    assert {path.name for path in tmp_path.iterdir()} == {"x.edf", "x.fif", "x.npz", "x.json"}


def test_a_checkpoint_of_this_machine_has_a_hash_and_no_name(tmp_path):
    small_checkpoint = tmp_path / "janes-own"
    save_small(small_checkpoint)
    save_recording(generated(), tmp_path / "x.edf", model=GETModel.from_pretrained(small_checkpoint), seed=0)
    told = json.loads((tmp_path / "x.json").read_text())
    assert "checkpoint" not in told
    assert told["weights_sha256"] == hashlib.sha256((small_checkpoint / "model.safetensors").read_bytes()).hexdigest()
    everything = (tmp_path / "x.json").read_bytes() + (tmp_path / "x.edf").read_bytes()
    assert small_checkpoint.name.encode() not in everything
    assert str(small_checkpoint).encode() not in everything


@pytest.mark.parametrize(
    ("name", "commit"),
    [("/home/doe/.cache/hub/models--org--get-eeg/snapshots/0123abcdef", None), ("org/get-eeg", "0123abcdef")],
)
def test_a_checkpoint_of_the_hub_is_named_with_its_commit(tmp_path, model, name, commit):
    before = model.config._name_or_path, getattr(model.config, "_commit_hash", None)
    model.config._name_or_path, model.config._commit_hash = name, commit
    try:
        save_recording(generated(), tmp_path / "x.edf", model=model, seed=12)
    finally:
        model.config._name_or_path, model.config._commit_hash = before
    assert json.loads((tmp_path / "x.json").read_text())["checkpoint"] == "org/get-eeg@0123abcdef"
    assert b"seed_12 org/get-eeg@0123abc " in (tmp_path / "x.edf").read_bytes()


def test_recordings_that_were_not_generated_are_not_marked(tmp_path):
    for suffix in (".edf", ".fif"):
        save_recording(make_raw(), tmp_path / f"x{suffix}")
    assert b"GET" not in (tmp_path / "x.edf").read_bytes()[:256]
    assert not read(tmp_path / "x.fif").info["description"]
    assert not (tmp_path / "x.json").exists()


def test_writing_leaves_the_recording_as_it_was(tmp_path):
    raw = generated()
    before = raw.info.copy()
    save_recording(raw, tmp_path / "x.fif", seed=1)
    assert mne.utils.object_diff(before, raw.info) == ""


def test_a_json_file_of_another_is_not_replaced_and_one_of_our_own_is(tmp_path):
    beside = tmp_path / "x.json"
    for other in ('{"SamplingFrequency": 160}', "no JSON", "[1]"):
        beside.write_text(other)
        for refuse in (
            lambda: check_output(tmp_path / "x.edf"),
            lambda: save_recording(generated(), tmp_path / "x.edf"),
        ):
            with pytest.raises(FileExistsError, match=r"x\.json beside it would have to say what is generated"):
                refuse()
        assert beside.read_text() == other
        assert list(tmp_path.iterdir()) == [beside]
    beside.unlink()
    for seed in (1, 2):
        save_recording(generated(), tmp_path / "x.edf", seed=seed)
        assert json.loads(beside.read_text())["seed"] == seed


def test_a_failure_leaves_neither(tmp_path, monkeypatch):
    monkeypatch.setattr(json, "dumps", lambda *args, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save_recording(generated(), tmp_path / "x.edf")
    assert list(tmp_path.iterdir()) == []


def test_person_and_date_are_written_if_the_recording_has_them(tmp_path):
    raw = generated()
    raw.set_meas_date(datetime(2020, 5, 6, 7, 8, 9, tzinfo=UTC)).crop(2.0)
    raw.info["subject_info"] = SUBJECT
    for suffix in (".edf", ".fif"):
        save_recording(raw, tmp_path / f"x{suffix}")
        back = read(tmp_path / f"x{suffix}")
        assert back.info["subject_info"]["last_name"] == "Doe"
        assert back.info["subject_info"]["birthday"] == date(1980, 2, 3)
        assert back.info["subject_info"]["sex"] == 2
        clock = back.info["meas_date"].timestamp() + back.first_time
        assert clock == datetime(2020, 5, 6, 7, 8, 11, tzinfo=UTC).timestamp()
        (onset,) = back.annotations.onset
        assert onset - back.first_time == pytest.approx(6.0)
    header = (tmp_path / "x.edf").read_bytes()[8:168].decode()
    assert header[:80].split() == ["S_003", "F", "03-FEB-1980", "Zoe_Doe"]
    assert header[80:].split()[1] == "06-MAY-2020"


def test_a_date_before_those_of_edf_is_left_out(tmp_path):
    save_recording(generated().set_meas_date(datetime(1970, 1, 2, tzinfo=UTC)), tmp_path / "x.edf")
    assert (tmp_path / "x.edf").read_bytes()[88:168].split()[1] == b"X"


def test_filters_and_the_channels_of_annotations_survive(tmp_path):
    raw = make_raw()
    with raw.info._unlock():
        raw.info.update(highpass=0.5, lowpass=45.0)
    raw.set_annotations(
        mne.Annotations(
            [3.0, 5.0, 6.0], [1.0, 0.5, 0.0], ["BAD_pop", "hop", "T1"], ch_names=[["C3.."], ["C3..", "Pz.."], []]
        )
    )
    for suffix in (".edf", ".fif"):
        save_recording(raw, tmp_path / f"x{suffix}")
        back = read(tmp_path / f"x{suffix}")
        assert (back.info["highpass"], back.info["lowpass"]) == (0.5, 45.0)
        assert list(back.annotations.description) == ["BAD_pop", "hop", "T1"]
        assert list(back.annotations.ch_names) == [("C3..",), ("C3..", "Pz.."), ()]
    save_recording(raw, tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz") as npz:
        assert npz["description"].tolist() == ["BAD_pop", "hop", "hop", "T1"]
        assert npz["channel"].tolist() == ["C3..", "C3..", "Pz..", ""]


def test_texts_that_edf_would_cut_are_written_whole(tmp_path):
    raw = make_raw().set_annotations(mne.Annotations([1.0, 2.0], [0, 0], ["one\x14two\x00", "\u95ed\u773c, \u00e9"]))
    save_recording(raw, tmp_path / "x.edf")
    assert list(read(tmp_path / "x.edf").annotations.description) == ["one two ", "\u95ed\u773c, \u00e9"]
