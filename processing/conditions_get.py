# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Converts the names of conditions, which users write, to the ids that the model uses.

A condition is what a person does, such as resting with closed eyes. `condition=` and annotations give the condition of
a recording. `next_condition=` gives the condition of its continuation. Without `next_condition=`, the last condition
of the recording goes on.
"""

import difflib
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .reading_get import Recording

#: Names of the conditions. The index of a name is its id. GETConfig has the same names (a test compares both lists,
#: because the folders share no code).
CONDITIONS = (
    "none",
    "rest",
    "eyes_open",
    "eyes_closed",
    "left_fist",
    "right_fist",
    "both_fists",
    "feet",
    "tongue",
    "seizure",
)
#: Begin and end of a condition, in seconds from the first sample of a recording, and its condition id.
Span = tuple[float, float, int]
#: Length of the longest plan in seconds. It is limited because a plan is stored patch by patch.
LONGEST_PLAN = 7 * 24 * 3600.0
_EXAMPLE = '[("eyes_open", 10), ("left_fist", 4)]'


@dataclass(frozen=True)
class Course:
    """The conditions of a recording and of its continuation.

    Attributes:
        spans: Conditions of the recording, with their begin and end.
        elsewhere: Condition id of the recording outside the spans. If EEG is generated from nothing, id of the
            condition to generate.
        plan: Condition id and number of patches of each part of the continuation, in order. The last condition goes
            on without end. Empty: the last condition of the recording goes on.
    """

    spans: list[Span] = field(default_factory=list)
    elsewhere: int = 0
    plan: list[tuple[int, int]] = field(default_factory=list)

    def ids(self, end: float, n_patches: int, patch_seconds: float) -> np.ndarray:
        """Computes the condition ids in the format of the model: for each position, the id of the patch after it.

        Args:
            end: End of the recording, in seconds.
            n_patches: Number of positions up to the last patch of the recording, with the start patch and padding.
            patch_seconds: Duration of a patch in seconds.

        Returns:
            Condition ids `(positions,)` int64. The first `n_patches - 1` ids are those of the recording's patches. The
            ids of the continuation follow, up to the first patch of its last condition.
        """
        middles = end + (np.arange(n_patches - 1) - n_patches + 1.5) * patch_seconds
        before = np.full(n_patches - 1, self.elsewhere, np.int64)
        for start, stop, index in self.spans:
            before[(middles >= start) & (middles < stop)] = index
        if not self.plan:
            return np.append(before, before[-1] if len(before) else self.elsewhere)
        ids, lengths = np.array(self.plan, np.int64).T
        lengths[-1] = 1
        return np.concatenate([before, np.repeat(ids, lengths)])


def split_ids(ids: Sequence[int], n_patches: int, n_own: int, n_new: int) -> tuple[list[int], list[int]]:
    """Returns the condition ids of a recording's own patches, and of the patches that were generated after them.

    Args:
        ids: For each position, the condition id of the patch after it. The last id is valid for all later patches.
        n_patches: Number of positions of the prompt, including the start patch and padding. `ids` is longer than this
            if there is a plan.
        n_own: Number of patches of the recording. The prompt may contain only the last of them.
        n_new: Number of generated patches.
    """
    places = np.arange(n_patches - 1 - min(n_own, n_patches - 1), n_patches - 1 + n_new)
    found = np.asarray(ids)[np.minimum(places, len(ids) - 1)].tolist()
    n_before = len(places) - n_new
    return found[:n_before], found[n_before:]


@dataclass(frozen=True)
class Vocabulary:
    """The names of the conditions of a checkpoint. All spellings are accepted, such as "EYES_CLOSED", "eyes-closed".

    Attributes:
        names: Names of all conditions. The index of a name is its id. The first name means "unknown".
        heard: Names of the conditions that the model was trained with.
    """

    names: Sequence[str]
    heard: Sequence[str]

    def find(self, name: Any) -> str | None:
        """Returns a name in the spelling of `names`, or None if it is not the name of a condition.

        The model may or may not have been trained with the condition.
        """
        if name in self.names:
            return name
        return next((known for known in self.names if _letters(known) == _letters(name)), None)

    def id_of(self, name: Any) -> int:
        """Returns the id of a condition that the model was trained with, or of the first name, which means "unknown".

        Raises:
            ValueError: It is not such a name. The message lists the possible names and the most similar one.
        """
        known = self.find(name)
        if known == self.names[0] or known in self.heard:
            return self.names.index(known)
        fault = "is not a condition" if known is None else "is a condition that this model was not trained with"
        near = difflib.get_close_matches(_letters(name), [_letters(each) for each in self.heard], 1)
        nearest = f", the nearest being {self.find(near[0])!r}" if near else ""
        knows = f"it knows {', '.join(self.heard)}{nearest}" if self.heard else "it knows none, leave conditions out"
        raise ValueError(f"{name!r} {fault}: {knows}.")

    def spans(self, recordings: Sequence[Recording], by_description: Mapping[str, str] | None) -> list[list[Span]]:
        """Finds the conditions of each recording in its annotations.

        Conditions that the model was not trained with are ignored with a warning.

        Args:
            recordings: Recordings with their annotations.
            by_description: Mapping from descriptions of annotations to condition names. None: descriptions that are
                condition names are used.

        Raises:
            ValueError: `id_of` refuses a name in `by_description`, or `by_description` is not a mapping.
        """
        if by_description is None:
            found = {text: self.find(text) for item in recordings for *_, text in item.spans}
            unheard = {name for name in found.values() if name not in (None, self.names[0], *self.heard)}
            if unheard:
                warnings.warn(
                    f"Annotations say {', '.join(sorted(unheard))}, which this model was not trained with: "
                    "they are ignored.",
                    stacklevel=4,
                )
            by_description = {text: name for text, name in found.items() if name is not None and name not in unheard}
        elif not isinstance(by_description, Mapping):
            raise ValueError(
                f"annotation_conditions is {by_description!r}: give conditions by description, as "
                "{'T1': 'left_fist'}."
            )
        ids = {text: self.id_of(name) for text, name in by_description.items()}
        return [
            [(onset, onset + duration, ids[text]) for onset, duration, text in item.spans if text in ids]
            for item in recordings
        ]

    def courses(
        self,
        recordings: Sequence[Recording],
        condition: Any,
        next_condition: Any,
        by_description: Mapping[str, str] | None,
        patch_seconds: float,
    ) -> list[Course]:
        """Returns the `Course` of each recording; the arguments are as for `GETFeatureExtractor.__call__`.

        Raises:
            ValueError: `id_of` refuses a condition; the number of conditions differs from the number of recordings; a
                plan has a wrong format; or generation from nothing has a next condition.
        """
        spans = self.spans(recordings, by_description)
        is_for_all = condition is None or isinstance(condition, str)
        conditions = _one_each("condition", condition, is_for_all, len(recordings))
        wanted = _one_each("next_condition", next_condition, _is_for_all(next_condition), len(recordings))
        courses = []
        for item, own, name, following in zip(recordings, spans, conditions, wanted, strict=True):
            if not item.data.shape[-1]:
                _check_from_nothing(name, following)
            plan = [] if following is None else self.plan(following, patch_seconds)
            courses.append(Course(own, 0 if name is None else self.id_of(name), plan))
        return courses

    def plan(self, following: Any, patch_seconds: float) -> list[tuple[int, int]]:
        """Returns the condition id and number of patches of each entry of a plan; a name is a plan of one patch.

        Raises:
            ValueError: `following` is neither a condition that the model was trained with nor a plan of conditions.
        """
        if isinstance(following, str):
            return [(self.id_of(following), 1)]
        if isinstance(following, (list, tuple)) and not following:
            raise ValueError(
                f"next_condition is empty: give a condition or a plan such as {_EXAMPLE}, or leave it out."
            )
        entries = following if isinstance(following, (list, tuple)) else [following]
        for entry in entries:
            if not isinstance(entry, (list, tuple)) or len(entry) != 2 or not _is_number(entry[1]):
                raise ValueError(
                    f"next_condition holds {entry!r}: give the name of a condition, or a plan of names and seconds "
                    f"such as {_EXAMPLE}, or one of them for each recording."
                )
            if not entry[1] >= patch_seconds:
                raise ValueError(
                    f"The plan's {entry[0]!r} lasts {entry[1]:g} s, less than a patch of {patch_seconds:g} s, and "
                    "conditions change between patches: let it last longer, or leave it out."
                )
        ends = np.cumsum([seconds for _, seconds in entries])
        if not ends[-1] <= LONGEST_PLAN:
            raise ValueError(
                f"The plan lasts longer than {LONGEST_PLAN:g} s, a week: the last condition goes on by itself."
            )
        # a patch has the condition at its middle
        changes = np.floor(ends / patch_seconds + 0.5 + 1e-6).astype(int)
        lengths = np.diff(changes, prepend=0)
        return [(self.id_of(name), int(n)) for (name, _), n in zip(entries, lengths, strict=True)]


def _letters(name: Any) -> str:
    """Returns only the letters and digits of a name, in lower case."""
    return "".join(letter for letter in name.casefold() if letter.isalnum()) if isinstance(name, str) else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _is_for_all(following: Any) -> bool:
    """Whether `next_condition` is one name or plan for all recordings, not a list with one entry for each recording.

    A list is a plan if one of its entries begins with a name.
    """
    if following is None or isinstance(following, str):
        return True
    return isinstance(following, (list, tuple)) and any(
        isinstance(entry, (list, tuple)) and len(entry) > 0 and isinstance(entry[0], str) for entry in following
    )


def _one_each(argument: str, given: Any, is_for_all: bool, n_items: int) -> list[Any]:
    """Returns a list with one value for each recording, from one value for all recordings or a list of values."""
    if is_for_all:
        return [given] * n_items
    if isinstance(given, (Mapping, bytes)) or not isinstance(given, Iterable):
        raise ValueError(f"{argument} is {given!r}: give the name of a condition, or one for each recording.")
    each = list(given)
    if not each:
        raise ValueError(f"{argument} is an empty list: give a condition, or leave it out.")
    if len(each) != n_items:
        raise ValueError(f"{len(each)} conditions were given for {n_items} recordings: give one, or one each.")
    return each


def _check_from_nothing(name: Any, following: Any) -> None:
    """Raises a ValueError for conditions that have a meaning only if a recording is given."""
    if isinstance(following, str):
        raise ValueError(
            f"next_condition={following!r} is what follows a recording, and there is none: from nothing, "
            f"condition={following!r} is what is generated."
        )
    if name is not None and following is not None:
        raise ValueError(
            f"From nothing, condition={name!r} and a plan in next_condition both say what is generated: give one."
        )
