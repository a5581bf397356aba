# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Nobody is in two splits: the leak check, across corpora that recorded the same people.

    check_disjoint({"train": [("eegmmidb", "S001")], "test": [("moabb:PhysionetMI", "1")]})    # ValueError

Splits are by subject, and each corpus states its own (`Corpus.splits`). What a corpus cannot know is that another
one, or another name of its own, is the same person: `Corpus.person_of` does.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from .corpora import Corpus, get_corpus


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

    Args:
        summary: `training_summary.json` of the model; where there is none, or one that names nobody, nothing is
            known and nothing refused.
        subjects: (corpus, subject) of those it is to be judged on.

    Raises:
        ValueError: It was trained on one of them.
    """
    path = Path(summary)
    trained = set(json.loads(path.read_text(encoding="utf-8")).get("training_people", ())) if path.is_file() else set()
    people = people_of(subjects)
    if met := [person for person in people if person in trained]:
        corpus, subject = people[met[0]]
        raise ValueError(
            f"{path.parent} was trained on {len(met)} of the {len(people)} people it is to be judged on, such as "
            f"{corpus} {subject}: judge it on others, or train it without them."
        )
