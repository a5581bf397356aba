# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
from collections import Counter

import numpy as np
import pytest

from get_hf.training.corpora import CorpusUnavailableError, get_corpus

CONDITIONS = {"A": "eyes_open", "B": "eyes_closed", "C": None, "D": None, "E": "seizure"}


def write_segment(path, n_times=4097, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).integers(-200, 200, n_times)
    path.write_bytes(b"".join(b"%d\r\n" % value for value in values))
    return values


@pytest.mark.parametrize("layout", ["{letter}", "bonn/{set}_{letter}", "bonn", "set_{set}"])
def test_segments_are_found_whatever_their_folders_are_called(tmp_path, layout):
    for name, letter in zip("ABCDE", "ZONFS", strict=True):
        suffix = "TXT" if letter == "N" else "txt"  # as in the original archives
        write_segment(tmp_path / layout.format(letter=letter, set=name) / f"{letter}001.{suffix}")
    found = list(get_corpus("bonn").recordings(tmp_path))
    assert [(r.subject, r.session) for r in found] == [
        *(("A", "Z001"), ("B", "O001"), ("C", "N001"), ("D", "F001"), ("E", "S001"))
    ]
    assert {r.subject: r.condition for r in found} == CONDITIONS


def test_a_segment_is_one_channel_at_a_stand_in_place_in_volts(tmp_path):
    values = write_segment(tmp_path / "E_S/S007.txt")
    (found,) = get_corpus("bonn").recordings(tmp_path)
    raw = found.open()
    assert raw.ch_names == ["Cz"]
    assert raw.info["sfreq"] == pytest.approx(173.61)
    np.testing.assert_allclose(raw.get_data()[0], 1e-6 * values, rtol=1e-12)
    assert found.condition_spans(raw) == [(0.0, pytest.approx(23.6, abs=0.01), "seizure")]


def test_a_segment_that_was_cut_off_is_refused(tmp_path):
    write_segment(tmp_path / "A_Z/Z001.txt", n_times=4000)
    (found,) = get_corpus("bonn").recordings(tmp_path)
    with pytest.raises(ValueError, match="has 4,000 numbers and a segment has 4,097"):
        found.open()


@pytest.mark.parametrize("text", ["", "12\n<html>\n", "1 2\n3 4\n"])
def test_an_invalid_segment_is_refused(tmp_path, text):
    (tmp_path / "Z001.txt").write_text(text)
    (found,) = get_corpus("bonn").recordings(tmp_path)
    with pytest.raises(ValueError, match="segment"):
        found.open()


@pytest.mark.parametrize("given", [True, False])
def test_it_is_never_downloaded(tmp_path, given):
    with pytest.raises(CorpusUnavailableError, match=r"fetch Z.zip, .*S.zip from https://.* bonn") as error:
        list(get_corpus("bonn").recordings(tmp_path if given else None))
    assert "\n" not in str(error.value)


def test_sets_whose_people_are_unknown_count_as_one_person():
    corpus = get_corpus("bonn")
    people = {name: corpus.person_of(name) for name in "ABCDE"}
    assert people["A"] == people["B"] != people["C"] == people["D"] == people["E"]
    assert not corpus.may_redistribute


def test_the_real_segments_are_all_there(real_data):
    if not (real_data / "bonn").is_dir():
        pytest.skip(f"no Bonn at {real_data}")
    found = list(get_corpus("bonn").recordings(real_data))
    assert Counter((r.subject, r.condition) for r in found) == {key: 100 for key in CONDITIONS.items()}
    typical = {}
    for name in CONDITIONS:
        raws = [r.open() for r in found if r.subject == name][:20]
        assert {raw.n_times for raw in raws} == {4097}
        typical[name] = np.median([np.median(np.abs(1e6 * raw.get_data())) for raw in raws])
    assert 20 < typical["A"] < 60  # microvolts of scalp EEG with eyes open
    assert typical["A"] < typical["B"] < typical["E"]  # alpha, and seizures inside the brain
