# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Protocols divide windows into those that a classifier is trained on and those that it is evaluated on.

- cross-subject: the classifier is evaluated on other people. The fixed splits of a corpus are used. If a corpus has no
  fixed splits, its people are divided into folds.
- within-subject: the classifier is evaluated on later windows of the same person.
- few-shot: the classifier is trained on a few trials of each class, and evaluated on the other windows of the same
  person.

A trial is never divided between training and evaluation, because its windows overlap or are close in time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from get_hf.training.data.splits import check_disjoint

PROTOCOLS = ("cross-subject", "within-subject", "few-shot")
#: Share of a person's trials that is used for within-subject training. These are the earlier trials.
EARLIER = 0.7


@dataclass(frozen=True)
class Fold:
    """One division of windows into training, validation and test windows.

    Attributes:
        name: Name of the fold, such as the name of a person; "" if there is only one fold.
        train: Indices of the training windows.
        validation: Indices of the windows that may be used to choose an epoch; may be empty.
        test: Indices of the windows that the result is evaluated on; may be empty.
    """

    name: str
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def folds(
    columns: Mapping[str, np.ndarray],
    protocol: str,
    n_people: int | None = None,
    trials_per_class: int | None = None,
    n_folds: int = 5,
    seed: int = 0,
) -> list[Fold]:
    """Divides windows by a protocol.

    Args:
        columns: Dictionary with the arrays `split`, `corpus`, `subject`, `session`, `trial` and `labels`, `(windows,)`
            each.
        protocol: One of `PROTOCOLS`.
        n_people: For cross-subject: number of training people, who are chosen at random. With the same seed, a larger
            group contains all people of a smaller group. None: all people.
        trials_per_class: Number of training trials of each class and person. For few-shot, they are chosen at random;
            otherwise they are the first trials. None: all trials.
        n_folds: For cross-subject in a corpus without fixed splits: number of folds.
        seed: Seed of all random choices.

    Raises:
        ValueError: The protocol is unknown, or the corpus has too few people or trials for it. Or a person would be
            both in training and in evaluation.
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"protocol must be one of {', '.join(PROTOCOLS)}, not {protocol!r}.")
    if protocol == "few-shot" and trials_per_class is None:
        raise ValueError("few-shot needs trials_per_class, the number of training trials of each class.")
    rng = np.random.default_rng(seed)
    if protocol == "cross-subject":
        made = list(_cross_subject(columns, n_people, n_folds, rng))
        for fold in made:
            check_no_leak(columns, fold)
    else:
        made = [_of_person(columns, person, protocol, trials_per_class, rng) for person in _people(columns)]
        return made
    if trials_per_class is not None:
        made = [_with_few_trials(columns, fold, trials_per_class) for fold in made]
    return made


def check_no_leak(columns: Mapping[str, np.ndarray], fold: Fold) -> None:
    """Checks that no person is in two parts of a fold, even if corpora name a person differently.

    Raises:
        ValueError: A person is in two parts.
    """
    parts = {"train": fold.train, "validation": fold.validation, "test": fold.test}
    check_disjoint(
        {
            name: sorted(set(zip(columns["corpus"][own].tolist(), columns["subject"][own].tolist(), strict=True)))
            for name, own in parts.items()
        }
    )


def _people(columns: Mapping[str, np.ndarray], split: str | None = None) -> list[str]:
    own = np.ones(len(columns["subject"]), bool) if split is None else columns["split"] == split
    return sorted(set(columns["subject"][own].tolist()))


def _cross_subject(
    columns: Mapping[str, np.ndarray], n_people: int | None, n_folds: int, rng: np.random.Generator
) -> Iterator[Fold]:
    subject, split = columns["subject"], columns["split"]
    parts = {name: _people(columns, name) for name in ("train", "validation", "test")}
    if parts["validation"] or parts["test"]:
        chosen = _drawn(parts["train"], n_people, rng)
        yield Fold(
            "",
            np.flatnonzero((split == "train") & np.isin(subject, chosen)),
            np.flatnonzero(split == "validation"),
            np.flatnonzero(split == "test"),
        )
        return
    people = rng.permutation(parts["train"]).tolist()
    if len(people) < 3:
        raise ValueError(
            f"cross-subject needs at least three people, and there are {len(people)}: try within-subject."
        )
    groups = [group.tolist() for group in np.array_split(people, min(n_folds, len(people)))]
    for number, group in enumerate(groups):
        validation = groups[(number + 1) % len(groups)]
        others = [person for person in people if person not in (*group, *validation)]
        if not others:
            raise ValueError(f"{len(groups)} folds of {len(people)} people leave nobody to train on: give more folds.")
        train = _drawn(others, n_people, rng)
        own = (np.flatnonzero(np.isin(subject, part)) for part in (train, validation, group))
        yield Fold(f"fold-{number + 1}", *own)


def _drawn(people: Sequence[str], n_people: int | None, rng: np.random.Generator) -> list[str]:
    """Chooses the first `n_people` of a random order, so that a larger group contains each smaller group."""
    order = rng.permutation(sorted(people)).tolist()
    if n_people is not None and n_people > len(order):
        raise ValueError(f"n_people is {n_people}, and there are {len(order)} people to train on.")
    return order[:n_people]


def _of_person(
    columns: Mapping[str, np.ndarray],
    person: str,
    protocol: str,
    trials_per_class: int | None,
    rng: np.random.Generator,
) -> Fold:
    """Returns the fold of one person."""
    own = np.flatnonzero(columns["subject"] == person)
    train: list[int] = []
    for label in np.unique(columns["labels"]):
        of_class = own[columns["labels"][own] == label]
        trials = list(dict.fromkeys(zip(columns["session"][of_class], columns["trial"][of_class], strict=True)))
        if protocol == "few-shot":
            trials = [trials[index] for index in rng.permutation(len(trials))]
            n_train = trials_per_class or 0
        else:
            n_train = min(round(EARLIER * len(trials)), trials_per_class or len(trials))
        if not 0 < n_train < len(trials):
            raise ValueError(
                f"{person} has {len(trials)} trials of class {label}, too few to train on {n_train} and to test on "
                "others."
            )
        chosen = set(trials[:n_train])
        train += [index for index in of_class if (columns["session"][index], columns["trial"][index]) in chosen]
    test = np.setdiff1d(own, train)
    return Fold(person, np.sort(train), np.zeros(0, int), test)


def _with_few_trials(columns: Mapping[str, np.ndarray], fold: Fold, trials_per_class: int) -> Fold:
    """Returns a fold in which the training part has only the first `trials_per_class` trials per class and person."""
    kept, seen = [], {}
    for index in fold.train:
        key = (columns["subject"][index], columns["labels"][index])
        trials = seen.setdefault(key, {})
        trials.setdefault((columns["session"][index], columns["trial"][index]), len(trials))
        if trials[columns["session"][index], columns["trial"][index]] < trials_per_class:
            kept.append(index)
    return Fold(fold.name, np.array(kept), fold.validation, fold.test)
