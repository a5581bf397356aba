# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Conditions: a difference that is there is found, one that is lost or reversed is missed."""

import numpy as np
import pytest

from get_hf.training.evaluation.recordings import Signal
from get_hf.training.evaluation.rows.conditions import alpha_rows, eyes_rows
from get_hf.training.evaluation.rows.fists import LEFT, RIGHT, cut_fists
from get_hf.training.evaluation.table import Rows
from get_hf.training.evaluation.trials import cut_trials
from synthetic import synthetic_eeg

CH_NAMES = ["C3", "Cz", "C4", "Pz"]
N_PEOPLE, N_TRIALS = 5, 12


def eeg(seconds: float, seed: int) -> np.ndarray:
    return 1e6 * synthetic_eeg(seconds, 100.0, len(CH_NAMES), seed)


def run(person: int, seed: int, gain: float = 2.0) -> Signal:
    """Rest and one fist in turn: rhythm noise at C3 for the left fist, at C4 for the right one."""
    rng = np.random.default_rng(seed)
    x = eeg(8.2 * N_TRIALS + 5, seed)
    spans = []
    for trial in range(N_TRIALS):
        begin = 8.2 * trial
        side = (LEFT, RIGHT)[trial % 2]
        spans += [(begin, begin + 4.1, "rest"), (begin + 4.1, begin + 8.2, side)]
        part = slice(round(100 * (begin + 4.1)), round(100 * (begin + 8.2)))
        t = np.arange(part.stop - part.start) / 100
        x[CH_NAMES.index("C3" if side == LEFT else "C4"), part] += (
            gain * 8 * np.sin(2 * np.pi * 12 * t + rng.uniform(0, 7))
        )
    return Signal(x, f"S{person}", "none", tuple(spans))


@pytest.fixture(scope="module")
def fists():
    return cut_fists([run(person, person) for person in range(N_PEOPLE)], CH_NAMES)


@pytest.fixture(scope="module")
def made():
    """Other trials of the same kind."""
    return cut_fists([run(person, 50 + person) for person in range(N_PEOPLE)], CH_NAMES).trial


def values(fists, made) -> tuple[float, float]:
    rows = fists.rows(made, 0)
    return tuple(row["value"] for row in rows.values())


def test_trials_are_cut_at_the_cue_with_the_rest_before_it(fists):
    assert fists.prompt.shape == fists.trial.shape == (N_PEOPLE * N_TRIALS, 4, 400)
    assert sorted(set(fists.conditions)) == [("rest", LEFT), ("rest", RIGHT)]
    x = run(0, 0).x
    np.testing.assert_array_equal(fists.trial[0], x[:, 410:810])
    np.testing.assert_array_equal(fists.prompt[0], x[:, 10:410])


def test_trials_are_limited_per_fist_and_need_rest_before_them():
    few = cut_fists([run(0, 0)], CH_NAMES, trials_per_recording=4)
    assert sorted(few.labels) == [LEFT, LEFT, RIGHT, RIGHT]
    restless = run(0, 0)._replace(spans=tuple(span for span in run(0, 0).spans if span[2] != "rest"))
    assert cut_fists([restless], CH_NAMES) is None


def test_trials_of_changes_are_cut_evenly_spread():
    one = run(0, 0)
    changes = [(before, after) for side in (LEFT, RIGHT) for before, after in (("rest", side), (side, "rest"))]
    trials = cut_trials([one], CH_NAMES, changes, per_recording=3)
    afterwards = [(side, "rest") for side in (LEFT, RIGHT, LEFT)]
    assert trials.conditions == [("rest", LEFT)] * 3 + afterwards + [("rest", RIGHT)] * 3
    for trial, begin in zip(trials.trial[3:6], (1, 6, 11), strict=True):  # of eleven
        np.testing.assert_array_equal(trial, one.x[:, 820 * begin : 820 * begin + 400])
    hasty = one._replace(spans=((0.0, 4.1, "rest"), (4.1, 7.0, LEFT), (7.0, 11.1, "rest")))
    assert cut_trials([hasty], CH_NAMES, changes) is None
    assert cut_trials([one], CH_NAMES, [("rest", "feet")]) is None


def test_a_lateralised_rhythm_is_measured_and_decoded(fists, made):
    for lateralised, accuracy in (values(fists, None), values(fists, made)):
        assert lateralised > 3  # dB
        assert accuracy > 0.8
    assert values(fists, made)[0] == pytest.approx(values(fists, None)[0], rel=0.1)


def test_a_lost_difference_and_a_reversed_one_are_caught(fists):
    lost = cut_fists([run(person, 50 + person, gain=0.0) for person in range(N_PEOPLE)], CH_NAMES).trial
    lateralised, accuracy = values(fists, lost)
    assert abs(lateralised) < 1
    assert accuracy < 0.8 < values(fists, fists.trial)[1]
    lateralised, accuracy = values(fists, fists.trial[:, [2, 1, 0, 3]])
    assert lateralised < -3
    assert accuracy < 0.2


def test_a_constant_has_finite_figures(fists):
    lateralised, accuracy = values(fists, np.zeros_like(fists.trial))
    assert lateralised == 0
    assert 0.2 < accuracy < 0.8


@pytest.fixture(scope="module")
def eyes():
    """Closed: alpha at twice the amplitude."""
    x = np.stack([eeg(6.0, seed) for seed in range(2 * N_PEOPLE)])
    alpha = np.sin(2 * np.pi * 10 * np.arange(600) / 100)
    conditions = ["eyes_closed", "eyes_open"] * N_PEOPLE
    x += np.where(np.array(conditions) == "eyes_closed", 20, 2)[:, None, None] * alpha
    return x, conditions, np.repeat([f"S{p}" for p in range(N_PEOPLE)], 2)


def eyes_accuracy(made, eyes) -> float:
    x, conditions, subjects = eyes
    rows = Rows(subjects, 0)
    eyes_rows(rows, x, made, conditions, 100.0)
    return rows.table["eyes closed or open: trained on it, right on real"]["value"]


def test_a_decoder_learns_eyes_closed_only_from_a_real_difference(eyes):
    x = eyes[0]
    again = np.roll(x, 2, axis=0)
    assert eyes_accuracy(again, eyes) > 0.9
    reversed_pairs = x.reshape(N_PEOPLE, 2, *x.shape[1:])[:, ::-1].reshape(x.shape)
    assert eyes_accuracy(reversed_pairs, eyes) < 0.2


def test_the_alpha_ratio_is_of_logarithms_averaged_over_people():
    subjects = np.repeat(["a", "b", "c"], 2)
    conditions = ["eyes_closed", "eyes_open"] * 2 + ["eyes_closed"] * 2
    real = np.log(np.array([8.0, 2.0, 4.0, 2.0, 1.0, 1.0]))[:, None]
    made = np.log(np.array([4.0, 2.0, 2.0, 2.0, 9.0, 9.0]))[:, None]
    rows = Rows(subjects, 30)
    alpha_rows(rows, real, made, conditions, None)
    assert rows.table["alpha eyes closed / open"]["value"] == pytest.approx(0.5)
    assert rows.table["alpha eyes closed / open, itself"]["value"] == pytest.approx(np.sqrt(2))
    rows = Rows(subjects, 0)
    alpha_rows(rows, real, made, ["eyes_open"] * 6, None)
    assert not rows.table
