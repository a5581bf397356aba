# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from get_hf.training.corpora import CORPORA, get_corpus
from get_hf.training.data.splits import check_disjoint, check_unseen, people_of
from get_hf.training.evaluation.recordings import SPLITS
from get_hf.training.evaluation.run import run

SUBJECTS = st.sets(st.sampled_from([f"S{n:03d}" for n in range(1, 40)]), max_size=12)


@pytest.fixture
def twin(monkeypatch):
    """A corpus that recorded people of EEGMMIDB under other names: its subject 7 is S007."""
    corpus = dataclasses.replace(
        get_corpus("eegmmidb"), name="twin", splits=None, person=lambda subject: f"eegmmidb/S{int(subject):03d}"
    )
    monkeypatch.setitem(CORPORA, "twin", corpus)
    return "twin"


@given(SUBJECTS, SUBJECTS)
def test_splits_are_accepted_only_if_no_person_is_in_both(train, test):
    splits = {"train": [("eegmmidb", s) for s in train], "test": [("eegmmidb", s) for s in test]}
    if train & test:
        with pytest.raises(ValueError, match="are one person, eegmmidb/S0"):
            check_disjoint(splits)
    else:
        check_disjoint(splits)


def test_one_person_in_two_corpora_is_found(twin):
    splits = {"train": [("eegmmidb", "S007"), ("eegmmidb", "S008")], "test": [(twin, "9"), (twin, "7")]}
    message = "eegmmidb S007 in train and twin 7 in test are one person, eegmmidb/S007: leave one"
    with pytest.raises(ValueError, match=message) as error:
        check_disjoint(splits)
    assert "\n" not in str(error.value)
    check_disjoint({"train": splits["train"] + [(twin, "7")], "test": [(twin, "9")]})


def test_how_many_more_there_are_is_said(twin):
    train = [("eegmmidb", f"S{n:03d}") for n in range(1, 6)]
    with pytest.raises(ValueError, match="as are 2 more"):
        check_disjoint({"train": train, "validation": [], "test": [(twin, str(n)) for n in (2, 3, 4)]})


def test_same_names_in_corpora_that_do_not_share_people_are_different_people():
    check_disjoint(
        {"train": [("eegmmidb", "S001")], "test": [("files:/a/*.edf", "S001"), ("of another time", "S001")]}
    )


def test_people_are_counted_once_whatever_they_are_called(twin):
    people = people_of([("eegmmidb", "S001"), (twin, "1"), (twin, "2"), (twin, "2")])
    assert people == {"eegmmidb/S001": ("eegmmidb", "S001"), "eegmmidb/S002": (twin, "2")}


@pytest.mark.parametrize("corpus", CORPORA.values(), ids=lambda corpus: corpus.name)
def test_splits_of_every_corpus_are_people_apart(corpus):
    if corpus.splits:
        check_disjoint({split: [(corpus.name, s) for s in subjects] for split, subjects in corpus.splits.items()})


def test_a_model_is_not_judged_on_whom_it_was_trained_on(twin, tmp_path):
    summary = tmp_path / "training_summary.json"
    test = [("eegmmidb", "S090"), ("eegmmidb", "S001")]
    summary.write_text(json.dumps({"training_people": ["eegmmidb/S001", "eegmmidb/S002"]}))
    check_unseen(summary, test[:1])
    with pytest.raises(ValueError, match=r"trained on 1 of the 2 people .* eegmmidb S001"):
        check_unseen(summary, test)
    with pytest.raises(ValueError, match="twin 2"):
        check_unseen(summary, [(twin, "2")])


@pytest.mark.parametrize("corpus", ["eegmmidb", {"eegmmidb": 3, "twin": 1}])
def test_without_people_in_the_summary_its_recipe_counts(corpus, monkeypatch, tmp_path):
    registered = dataclasses.replace(get_corpus("eegmmidb"), name="twin", splits={"train": ("7",)})
    monkeypatch.setitem(CORPORA, "twin", registered)
    summary = tmp_path / "training_summary.json"
    summary.write_text(json.dumps({"recipe": {"corpus": corpus}}))
    check_unseen(summary, [("eegmmidb", "S080"), ("eegmmidb", "S090")])
    with pytest.raises(ValueError, match="trained on 1 of the 2 people"):
        check_unseen(summary, [("eegmmidb", "S080"), ("eegmmidb", "S001")])


@pytest.mark.parametrize("content", [None, "{}", '{"recipe": {"corpus": "someone/on-the-hub"}}'])
def test_unknown_training_people_give_a_warning(content, tmp_path):
    summary = tmp_path / "training_summary.json"
    if content is not None:
        summary.write_text(content)
    with pytest.warns(UserWarning, match="does not say which people the model was trained on"):
        check_unseen(summary, [("eegmmidb", "S001")])


def test_evaluation_refuses_before_it_reads_or_generates_anything(data_dir, tmp_path, monkeypatch):
    (tmp_path / "training_summary.json").write_text(json.dumps({"training_people": ["eegmmidb/S090"]}))
    monkeypatch.setattr(
        "get_hf.training.evaluation.comparison.recordings", lambda *_: pytest.fail("something was read")
    )
    with pytest.raises(ValueError, match="trained on 1 of the 1 people"):
        run(tmp_path, data_dir, tmp_path / "out", split=SPLITS[-1])
