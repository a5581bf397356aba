# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Conditions: what a person does. People use names, the model uses ids.

The condition of a recording and the condition that comes next are two things. `condition=` and annotations give the
first, `next_condition=` gives the second. Without `next_condition=`, the last condition of the recording goes on.
"""

import difflib
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .reading_get import Recording

#: Names of the conditions by id, the same as in GETConfig (the rooms share no code; a test compares them).
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
#: (from, to, condition id), seconds of a recording.
Span = tuple[float, float, int]
#: Seconds of the longest plan: its conditions are laid out patch by patch.
LONGEST_PLAN = 7 * 24 * 3600.0
_EXAMPLE = '[("eyes_open", 10), ("left_fist", 4)]'


@dataclass(frozen=True)
class Course:
    """The conditions of a recording, and of what follows it.

    Attributes:
        spans: What conditions the recording was in, and when.
        elsewhere: Id of its condition at other times; from nothing, of what is generated.
        plan: (id, patches) of what comes next, one after another; the last holds from there on. Empty: the condition
            that the recording ended in goes on.
    """

    spans: list[Span] = field(default_factory=list)
    elsewhere: int = 0
    plan: list[tuple[int, int]] = field(default_factory=list)

    def ids(self, end: float, n_patches: int, patch_seconds: float) -> np.ndarray:
        """Condition of the patch after each position, as the model takes them.

        Args:
            end: Where the recording ends, in seconds.
            n_patches: Positions that end with the recording's last patch, start patch and padding included.
            patch_seconds: Duration of a patch.

        Returns:
            `(positions,)` int64: `n_patches - 1` ids of the recording's patches, then those of what follows, up to
            the first patch of the last condition.
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
    """Conditions of a recording's own patches, and of those that were generated after it.

    Args:
        ids: Of the patch after each position; the last one holds from there on.
        n_patches: Positions of the prompt, start patch and padding included; `ids` may go on beyond them as a plan.
        n_own: Patches of the recording itself, of which the prompt holds the last ones.
        n_new: Patches that were generated.
    """
    places = np.arange(n_patches - 1 - min(n_own, n_patches - 1), n_patches - 1 + n_new)
    found = np.asarray(ids)[np.minimum(places, len(ids) - 1)].tolist()
    n_before = len(places) - n_new
    return found[:n_before], found[n_before:]


@dataclass(frozen=True)
class Vocabulary:
    """The names of conditions that a checkpoint understands, in any spelling: "EYES_CLOSED", "eyes-closed".

    Attributes:
        names: By id; the first means that nothing is known.
        heard: Those that the model heard in training.
    """

    names: Sequence[str]
    heard: Sequence[str]

    def find(self, name: Any) -> str | None:
        """The name as it is spelt here, heard or not; None where there is none like it."""
        if name in self.names:
            return name
        return next((known for known in self.names if _letters(known) == _letters(name)), None)

    def id_of(self, name: Any) -> int:
        """Id of a condition that the model heard, or of the first name, which tells it nothing.

        Raises:
            ValueError: Any other; the message lists the names there are, and the nearest.
        """
        known = self.find(name)
        if known == self.names[0] or known in self.heard:
            return self.names.index(known)
        fault = "is not a condition" if known is None else "is a condition that this model never heard in training"
        near = difflib.get_close_matches(_letters(name), [_letters(each) for each in self.heard], 1)
        nearest = f", the nearest being {self.find(near[0])!r}" if near else ""
        knows = f"it knows {', '.join(self.heard)}{nearest}" if self.heard else "it knows none, leave conditions out"
        raise ValueError(f"{name!r} {fault}: {knows}.")

    def spans(self, recordings: Sequence[Recording], by_description: Mapping[str, str] | None) -> list[list[Span]]:
        """What conditions the annotations of recordings tell.

        Those that the model never heard are passed over with a note.

        Args:
            recordings: With their annotations.
            by_description: Condition names by description; None: descriptions count that are such names.

        Raises:
            ValueError: A name in `by_description` that `id_of` refuses.
        """
        if by_description is None:
            found = {text: self.find(text) for item in recordings for *_, text in item.spans}
            unheard = {name for name in found.values() if name not in (None, self.names[0], *self.heard)}
            if unheard:
                warnings.warn(
                    f"Annotations say {', '.join(sorted(unheard))}, which this model never heard in training: "
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
        """The course of each recording; arguments are those of `GETFeatureExtractor`.

        Raises:
            ValueError: A condition that `id_of` refuses, not as many as recordings, a plan that is none, or something
                that comes next where nothing went before.
        """
        spans = self.spans(recordings, by_description)
        is_for_all = condition is None or isinstance(condition, str)
        conditions = _one_each("condition", condition, is_for_all, len(recordings))
        wanted = _one_each("next_condition", next_condition, _is_for_all(next_condition), len(recordings))
        courses = []
        for item, own, name, following in zip(recordings, spans, conditions, wanted, strict=True):
            if not item.data.shape[-1]:
                _check_from_nothing(name, following)
            plan = [] if following is None else self._plan(following, patch_seconds)
            courses.append(Course(own, 0 if name is None else self.id_of(name), plan))
        return courses

    def _plan(self, following: Any, patch_seconds: float) -> list[tuple[int, int]]:
        """(id, patches) of a name or of a plan."""
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
        # a patch is in the condition that its middle is in
        changes = np.floor(ends / patch_seconds + 0.5 + 1e-6).astype(int)
        lengths = np.diff(changes, prepend=0)
        return [(self.id_of(name), int(n)) for (name, _), n in zip(entries, lengths, strict=True)]


def _letters(name: Any) -> str:
    """What is left of a name without capitals, spaces and punctuation."""
    return "".join(letter for letter in name.casefold() if letter.isalnum()) if isinstance(name, str) else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _is_for_all(following: Any) -> bool:
    """Whether it is a name or a plan, not a list of these for each recording: a plan's entries begin with a name."""
    if following is None or isinstance(following, str):
        return True
    return isinstance(following, (list, tuple)) and any(
        isinstance(entry, (list, tuple)) and len(entry) > 0 and isinstance(entry[0], str) for entry in following
    )


def _one_each(argument: str, given: Any, is_for_all: bool, n_items: int) -> list[Any]:
    """What is given for all recordings, or for each."""
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
    """Refuses what only a recording gives a meaning to."""
    if isinstance(following, str):
        raise ValueError(
            f"next_condition={following!r} is what follows a recording, and there is none: from nothing, "
            f"condition={following!r} is what is generated."
        )
    if name is not None and following is not None:
        raise ValueError(
            f"From nothing, condition={name!r} and a plan in next_condition both say what is generated: give one."
        )
