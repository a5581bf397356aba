# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Which windows train a classifier, and which judge it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from get_hf.training.finetuning.protocols import folds


def columns(n_people=6, n_trials=8, splits=("train",), windows_per_trial=2):
    rows = [
        (splits[person % len(splits)], "lab", f"P{person}", "run-1", trial, trial % 2)
        for person in range(n_people)
        for trial in range(n_trials)
        for _ in range(windows_per_trial)
    ]
    names = ("split", "corpus", "subject", "session", "trial", "labels")
    return {name: np.array(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}


def people(table, windows):
    return set(table["subject"][windows].tolist())


def test_fixed_splits_of_a_corpus_are_kept():
    table = columns(splits=("train", "validation", "test"))
    [fold] = folds(table, "cross-subject")
    for part in ("train", "validation", "test"):
        assert set(table["split"][getattr(fold, part)]) == {part}


@given(n_people=st.integers(3, 9), n_folds=st.integers(3, 9), seed=st.integers(0, 5))
def test_without_fixed_splits_each_person_is_tested_once_and_never_trained_on_in_that_fold(n_people, n_folds, seed):
    table = columns(n_people)
    made = folds(table, "cross-subject", n_folds=n_folds, seed=seed)
    tested = [person for fold in made for person in people(table, fold.test)]
    assert sorted(tested) == sorted(people(table, slice(None)))
    for fold in made:
        parts = [people(table, part) for part in (fold.train, fold.validation, fold.test)]
        assert all(parts)
        assert sum(map(len, parts)) == len(set().union(*parts))


def test_fewer_people_are_among_the_more_of_the_same_seed():
    table = columns(9, splits=("train", "train", "test"))
    few, more = (people(table, folds(table, "cross-subject", n, seed=3)[0].train) for n in (2, 4))
    assert (len(few), len(more)) == (2, 4)
    assert few < more
    assert people(table, folds(table, "cross-subject", 2, seed=4)[0].train) != few


@given(protocol=st.sampled_from(["within-subject", "few-shot"]), per_class=st.integers(1, 3), seed=st.integers(0, 5))
def test_no_trial_is_divided_and_no_other_person_is_in_the_fold(protocol, per_class, seed):
    table = columns()
    for fold in folds(table, protocol, trials_per_class=per_class, seed=seed):
        assert people(table, fold.train) == people(table, fold.test) == {fold.name}
        trials = [set(table["trial"][part].tolist()) for part in (fold.train, fold.test)]
        assert trials[0].isdisjoint(trials[1])
        assert len(trials[0]) == 2 * per_class


def test_within_subject_trains_on_the_earlier_trials():
    table = columns()
    for fold in folds(table, "within-subject"):
        assert table["trial"][fold.train].max() < table["trial"][fold.test].min()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"protocol": "leave-one-out"}, "protocol must be one of cross-subject, within-subject, few-shot"),
        ({"protocol": "few-shot"}, "few-shot needs trials_per_class"),
        ({"protocol": "few-shot", "trials_per_class": 4}, "P0 has 4 trials of class 0, too few to train on 4"),
        ({"protocol": "cross-subject", "n_people": 20}, "n_people is 20, and there are"),
    ],
)
def test_protocols_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        folds(columns(), **arguments)


def test_two_people_are_too_few_for_other_people():
    with pytest.raises(ValueError, match="at least three people, and there are 2"):
        folds(columns(2), "cross-subject")


def test_a_person_under_two_names_is_found():
    table = columns(splits=("train", "validation", "test"))
    table["corpus"] = np.where(table["split"] == "train", "eegmmidb", "moabb:PhysionetMI")
    table["subject"] = np.where(table["split"] == "train", "S001", "1")
    with pytest.raises(ValueError, match="are one person"):
        folds(table, "cross-subject")
