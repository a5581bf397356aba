# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Prompts, continuations and other stretches, cut from recordings whose samples say where they are from."""

import numpy as np
import pytest

from get_hf.training.evaluation.recordings import Signal, cut_segments, is_in_split

CH_NAMES = ["C3", "C4"]


def trial(number: int, seconds: float = 12.0) -> np.ndarray:
    """Samples that count up from `number` thousands, in two channels."""
    return np.tile(1000.0 * number + np.arange(seconds * 100) / 100, (2, 1))


def test_the_floor_of_short_trials_is_from_other_trials_of_the_same_person_in_the_same_condition():
    states = ["eyes_open", "eyes_closed"] * 2
    signals = [Signal(trial(k), "S1", state, (), f"t{k}") for k, state in enumerate(states)]
    signals += [Signal(trial(4), "S2", "eyes_open", (), "t4"), Signal(trial(5), "S2", "eyes_closed", (), "t5")]
    signals += [Signal(trial(6), "S3", "eyes_open", (), "t6")]  # has no other trial
    cut = cut_segments(signals, CH_NAMES, 4.0, 3.0, other_recordings=True)
    assert cut.prompt.shape == (6, 2, 400)
    assert cut.continuation.shape == cut.other.shape == (6, 2, 300)
    assert cut.subjects.tolist() == ["S1"] * 4 + ["S2"] * 2
    np.testing.assert_allclose(cut.continuation[:, 0, 0] - cut.prompt[:, 0, -1], 0.01)
    assert (cut.other[:, 0, 0] // 1000).tolist() == [2, 3, 0, 1, 5, 4]
    assert (cut.continuation[:, 0, 0] // 1000).tolist() == [0, 1, 2, 3, 4, 5]
    with pytest.raises(ValueError, match="Nobody has two recordings"):
        cut_segments(signals[-1:], CH_NAMES, 4.0, 3.0, other_recordings=True)
    with pytest.raises(ValueError, match="12 s, but 13 s are needed: a prompt of 8 s, once 3 s"):
        cut_segments(signals, CH_NAMES, 8.0, 3.0, other_recordings=True)


def test_parts_of_a_recording_are_one_recording():
    signals = [Signal(trial(k, 40), "S1", "none", (), session) for k, session in enumerate(["a", "a", "b", ""])]
    assert cut_segments(signals, CH_NAMES).recordings.tolist() == [0, 0, 1, 2]
    whole = cut_segments([Signal(trial(k, 30), "S1", "none", (), "a") for k in range(2)], CH_NAMES, 4.0, 3.0)
    assert len(whole.subjects) == 8


def test_an_item_has_the_condition_that_holds_from_its_prompt_to_its_other_stretch():
    spans = ((0.0, 60.0, "eyes_closed"), (60.0, 110.0, "eyes_open"))
    cut = cut_segments([Signal(trial(0, 120), "S1", "none", spans)], CH_NAMES)
    begins = cut.prompt[:, 0, 0]
    wanted = ["eyes_closed" if t + 32 <= 60 else "eyes_open" if t >= 60 and t + 32 <= 110 else "none" for t in begins]
    assert cut.conditions == wanted
    assert set(wanted) == {"eyes_closed", "eyes_open", "none"}


def test_items_are_thinned_evenly_over_all_recordings():
    signals = [Signal(trial(k, 40), f"S{k}", "none") for k in range(10)]
    cut = cut_segments(signals, CH_NAMES, n_items=4)
    assert cut.subjects.tolist() == ["S0", "S3", "S6", "S9"]
    assert cut.recordings.tolist() == [0, 3, 6, 9]
    assert len(cut.conditions) == len(cut.other) == 4


@pytest.mark.parametrize(
    ("own", "split", "has_splits", "is_in"),
    [
        ("validation", "validation", True, True),
        ("train", "validation", True, False),
        ("train", "left-out", True, True),
        ("test", "left-out", True, False),
        ("train", "validation", False, True),  # nobody has agreed on splits: everybody is judged
        ("train", "train", False, False),
        (None, "test", True, False),
        (None, "left-out", False, False),
    ],
)
def test_who_is_judged(own, split, has_splits, is_in):
    assert is_in_split(own, split, has_splits) is is_in
