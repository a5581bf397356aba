# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import math

import pytest

from get_hf.training.evaluation.goals import goal_text, meets


@pytest.mark.parametrize(
    ("goal", "text", "yes", "no"),
    [
        (("times floor", 1.1), "<= 1.1x real", 2.1, 2.3),
        (("share of floor", 0.8), ">= 0.8x real", 1.7, 1.5),
        (("between times floor", 0.9, 1.1), "0.9 to 1.1x real", 2.1, 2.3),
        (("floor less", 0.05), ">= real - 0.05", 1.96, 1.94),
        (("at most", 0.6), "<= 0.6", 0.6, 0.61),
        (("at least", 0.9), ">= 0.9", 0.9, 0.89),
        (("between", 0.9, 1.1), "0.9 to 1.1", 1.0, 0.8),
    ],
)
def test_each_goal_reads_as_it_is_judged(goal, text, yes, no):
    assert goal_text(goal) == text
    assert meets(goal, yes, 2.0) is True
    assert meets(goal, no, 2.0) is False
    assert meets(goal, math.nan, 2.0) is None


def test_a_goal_between_multiples_of_a_negative_floor_is_still_between_them():
    goal = ("between times floor", 0.9, 1.1)
    assert meets(goal, -1.0, -1.0)
    assert not meets(goal, 1.0, -1.0)


def test_half_of_the_way_from_white_is_half_in_either_direction():
    goal = ("of the way from white", 0.5)
    assert goal_text(goal) == ">= 0.5 of white to real"
    assert meets(goal, 0.31, 0.5, 0.1) is True
    assert meets(goal, 0.29, 0.5, 0.1) is False
    assert meets(goal, 0.29, 0.1, 0.5) is True  # an error, which should be small
    assert meets(goal, 0.9, 0.5, 0.1) is True
    assert meets(goal, 0.3, 0.5) is None
    assert meets(goal, 0.3, None, 0.1) is None
    assert meets(goal, 0.3, 0.2, 0.2) is None


def test_goals_without_a_floor_to_hold_against_are_not_judged():
    assert meets(("times floor", 1.1), 1.0, None) is None
    assert meets(None, 1.0, 1.0) is None


def test_with_a_floor_the_text_also_says_the_limit():
    assert goal_text(("times floor", 1.3), 0.2) == "<= 1.3x real (0.260)"
    assert goal_text(("at most", 0.6), 0.2) == "<= 0.6"
