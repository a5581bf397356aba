# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The leak check: no person is in two splits, also across corpora that recorded the same people.

    check_disjoint({"train": [("eegmmidb", "S001")], "test": [("moabb:PhysionetMI", "1")]})    # ValueError

Splits are by subject, and each corpus states its own (`Corpus.splits`). The same person may have another name in
another corpus or in the same one; `Corpus.person_of` gives the person.
"""

import json
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

from get_hf.training.corpora import CORPORA, Corpus, get_corpus


def people_of(subjects: Iterable[tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """The people behind subjects: for each person, the first (corpus, subject) that is this person.

    Args:
        subjects: (corpus, subject): the corpus's name in the registry, the subject's name in the corpus. In a
            corpus that is not in the registry, each subject is a different person.
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
    """Refuses a person who is in two splits.

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
    """Refuses to evaluate a model on people whom it was trained on.

    Older summaries do not name people. Then the people in the training splits of the recipe's corpora count. If these
    are not known either, there is a warning.

    Args:
        summary: `training_summary.json` of the model.
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
    """All people in the training splits of a recipe's corpora, or None if a corpus has no fixed splits."""
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
