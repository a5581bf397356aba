# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0

import numpy as np
import pytest

from get_hf.training.evaluation.table import Rows


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
