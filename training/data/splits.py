# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Checks that no person is in two splits, even if several corpora recorded the same person.

    check_disjoint({"train": [("eegmmidb", "S001")], "test": [("moabb:PhysionetMI", "1")]})    # ValueError

Each corpus defines which subjects are in which split (`Corpus.splits`). The same person may have two names, in two
corpora or in one corpus. `Corpus.person_of` returns the person of a subject.
"""

import json
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

from get_hf.training.corpora import CORPORA, Corpus, get_corpus


def people_of(subjects: Iterable[tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Returns the people among subjects: for each person, the first (corpus, subject) that is this person.

    Args:
        subjects: (corpus, subject) of each subject: the name of the corpus in the registry, and the name of the
            subject in the corpus. In a corpus that is not in the registry, each subject counts as a different person.
    """
    corpora: dict[str, Corpus | None] = {}
    people: dict[str, tuple[str, str]] = {}
    for name, subject in dict.fromkeys(subjects):
        if name not in corpora:
            try:
                corpora[name] = get_corpus(name)
            except ValueError:
                corpora[name] = None
        corpus = corpora[name]
        person = f"{name}/{subject}" if corpus is None else corpus.person_of(subject)
        people.setdefault(person, (name, subject))
    return people


def check_disjoint(splits: Mapping[str, Iterable[tuple[str, str]]]) -> None:
    """Checks that no person is in two splits.

    Args:
        splits: (corpus, subject) of each subject in each split, such as `{"train": [("eegmmidb", "S001")]}`.

    Raises:
        ValueError: A person is in two splits; the message names the person, both splits and both corpora.
    """
    seen: dict[str, tuple[str, str, str]] = {}
    for split, subjects in splits.items():
        people = people_of(subjects)
        for person, (corpus, subject) in people.items():
            if person in seen:
                other_split, other_corpus, other_subject = seen[person]
                also = sum(one in seen for one in people) - 1
                raise ValueError(
                    f"{other_corpus} {other_subject} in {other_split} and {corpus} {subject} in {split} are one "
                    f"person, {person}{f', as are {also} more' if also else ''}: leave one of the two out."
                )
        seen |= {person: (split, *who) for person, who in people.items()}


def check_unseen(summary: str | Path, subjects: Iterable[tuple[str, str]]) -> None:
    """Checks that a model was not trained on the people of an evaluation.

    Older summaries do not name the people of the training. For such a summary, the people in the training splits of
    the recipe's corpora are used. If these people are not known either, a warning is given.

    Args:
        summary: Path of the `training_summary.json` of the model.
        subjects: (corpus, subject) of each person in the evaluation.

    Raises:
        ValueError: The model was trained on one of these people.
    """
    path = Path(summary)
    content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    trained = content.get("training_people")
    if trained is None:
        trained = _people_of_recipe(content.get("recipe", {}))
    if trained is None:
        warnings.warn(
            f"{path} does not say which people the model was trained on: make sure yourself that the people of the "
            "evaluation are not among them.",
            stacklevel=2,
        )
        return
    people = people_of(subjects)
    if met := [person for person in people if person in set(trained)]:
        corpus, subject = people[met[0]]
        raise ValueError(
            f"{path.parent} was trained on {len(met)} of the {len(people)} people of the evaluation, such as "
            f"{corpus} {subject}: evaluate it on other people, or train it without these."
        )


def _people_of_recipe(recipe: Mapping) -> list[str] | None:
    """Returns all people in the training splits of a recipe's corpora, or None if a corpus has no fixed splits."""
    corpora = recipe.get("corpus")
    if not corpora:
        return None
    subjects = []
    for name in [corpora] if isinstance(corpora, str) else corpora:
        splits = CORPORA[name].splits if name in CORPORA else None
        if splits is None:
            return None
        subjects += [(name, subject) for subject in splits["train"]]
    return list(people_of(subjects))
