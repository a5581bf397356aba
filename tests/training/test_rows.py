# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import math

import numpy as np
import pytest

from get_hf.training.bars import check_bars
from get_hf.training.rows import Rows, goal_text, meets


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
    floor = {"value": 2.0}
    assert goal_text(goal) == text
    assert meets({"value": yes, "goal": goal}, floor) is True
    assert meets({"value": no, "goal": goal}, floor) is False
    assert meets({"value": math.nan, "goal": goal}, floor) is None


def test_a_goal_between_multiples_of_a_negative_floor_is_still_between_them():
    goal = ("between times floor", 0.9, 1.1)
    assert meets({"value": -1.0, "goal": goal}, {"value": -1.0})
    assert not meets({"value": 1.0, "goal": goal}, {"value": -1.0})


def test_goals_without_a_floor_to_hold_against_are_not_judged():
    assert meets({"value": 1.0, "goal": ("times floor", 1.1)}, None) is None
    assert meets({"value": 1.0, "goal": None}, {"value": 1.0}) is None


def test_intervals_are_over_people_and_as_wide_as_people_differ():
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(20), 50)
    people = rng.normal(5.0, 1.0, 20)
    rows = Rows(subjects, 400)
    rows.mean("space", "mean", "uV", None, people[subjects] + 0.01 * rng.standard_normal(1000))
    low, high = rows.table["mean"]["interval"]
    assert low < people.mean() < high
    # of 20 people, not of 1000 items
    assert high - low == pytest.approx(2 * 1.96 * people.std() / np.sqrt(20), rel=0.25)


def test_signed_figures_have_signed_intervals_and_errors_none_below_zero():
    subjects = np.arange(10)
    values = np.linspace(-1, 1, 10)
    rows = Rows(subjects, 200)
    rows.mean("space", "signed", "dB", None, values)
    rows.mean("space", "error", "dB", None, np.r_[np.zeros(9), 1.0])
    assert rows.table["signed"]["interval"][0] < 0
    assert rows.table["error"]["interval"][0] == 0


def test_bars_name_value_limit_and_whether_they_hold():
    def column(psd, covariance, auc):
        values = {"log PSD, ensemble": psd, "covariance, ensemble": covariance, "AUC convolutional net": auc}
        return {name: {"value": value} for name, value in values.items()}

    rows = {
        "GET": column(1.25, 0.3, 0.7),
        "real": column(1.0, 0.1, 0.5),
        "pooled VAR(12)": column(3.0, 0.4, 0.9),
        "prompt VAR": column(2.0, 0.2, 0.8),
        "IAAFT": column(1.0, 0.1, 0.65),
    }
    bars = {(bar["bar"], bar["limit"].split(" ")[0]): bar for bar in check_bars(rows, "GET")}
    assert bars["log PSD, ensemble", "<="]["holds"] is True
    assert bars["covariance, ensemble", "<="]["holds"] is False
    assert bars["covariance, ensemble", "below"]["holds"] is True
    assert bars["AUC convolutional net", "<="]["holds"] is True
    assert bars["AUC convolutional net", "below"]["holds"] is False  # above IAAFT
    del rows["real"]
    assert {bar["holds"] for bar in check_bars(rows, "GET") if "real" in bar["limit"]} == {None}
