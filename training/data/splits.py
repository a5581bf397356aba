# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Nobody is in two splits: the leak check, across corpora that recorded the same people.

    check_disjoint({"train": [("eegmmidb", "S001")], "test": [("moabb:PhysionetMI", "1")]})    # ValueError

Splits are by subject, and each corpus states its own (`Corpus.splits`). What a corpus cannot know is that another
one, or another name of its own, is the same person: `Corpus.person_of` does.
"""

import json
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

from get_hf.training.corpora import CORPORA, Corpus, get_corpus


def people_of(subjects: Iterable[tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Who is meant: by person, the first (corpus, subject) that is the person.

    Args:
        subjects: (corpus, subject): the corpus's name in the registry, the subject's in the corpus. In a corpus
            that the registry does not have everybody is somebody else.
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
        splits: (corpus, subject) of everyone in each split, such as `{"train": [("eegmmidb", "S001")]}`.

    Raises:
        ValueError: Somebody is; the message names the person, both splits and both corpora.
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
    """Refuses to judge a model on people whom it was trained on.

    A summary of before it named people is judged by its recipe: whoever is in the training split of its corpora. Where
    that is not known either, a warning says so.

    Args:
        summary: `training_summary.json` of the model.
        subjects: (corpus, subject) of those it is to be judged on.

    Raises:
        ValueError: It was trained on one of them.
    """
    path = Path(summary)
    content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    trained = content.get("training_people")
    if trained is None:
        trained = _people_of_recipe(content.get("recipe", {}))
    if trained is None:
        warnings.warn(
            f"{path} does not say whom the model was trained on: that it never saw the people it is judged on is for "
            "you to know.",
            stacklevel=2,
        )
        return
    people = people_of(subjects)
    if met := [person for person in people if person in set(trained)]:
        corpus, subject = people[met[0]]
        raise ValueError(
            f"{path.parent} was trained on {len(met)} of the {len(people)} people it is to be judged on, such as "
            f"{corpus} {subject}: judge it on others, or train it without them."
        )


def _people_of_recipe(recipe: Mapping) -> list[str] | None:
    """Everybody in the training splits of a recipe's corpora, or None where a corpus has no fixed ones."""
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
