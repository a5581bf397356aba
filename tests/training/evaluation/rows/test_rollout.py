# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from get_hf.training.evaluation.recordings import Signal
from get_hf.training.evaluation.rows.rollout import MEASURES, PROMPT_SECONDS, cut_rollout, drift
from synthetic import synthetic_eeg

SECONDS = 100.0


def recording(seconds: float, seed: int) -> np.ndarray:
    return 1e6 * synthetic_eeg(seconds, 100.0, 4, seed)


@pytest.fixture(scope="module")
def rollout():
    conditions = ["eyes_open", "eyes_closed", "none"]
    signals = [
        Signal(recording(90.0, 10 * person + run), f"S{person}", condition)
        for person in range(4)
        for run, condition in enumerate(conditions)
    ]
    signals.append(Signal(recording(20.0, 99), "S9", "eyes_open"))  # too short: passed over
    return cut_rollout(signals, list("abcd"), 3, SECONDS)


@pytest.fixture(scope="module")
def steady(rollout):
    """What goes on as it was: the rest of longer recordings of the same kind, at each prompt's amplitude."""
    made = np.stack([recording(SECONDS, 200 + k) for k in range(3)])
    return made * (rollout.prompt.std(axis=(1, 2)) / made.std(axis=(1, 2)))[:, None, None]


def values(rows) -> dict[str, float]:
    return {name.split(" inside")[0]: row["value"] for name, row in rows.items()}


def test_prompts_are_of_people_apart_and_conditions_in_turn(rollout):
    assert rollout.prompt.shape == (3, 4, 100 * PROMPT_SECONDS)
    assert list(rollout.subjects) == ["S0", "S1", "S2"]
    assert rollout.conditions == [(c, c) for c in ("eyes_closed", "eyes_open", "eyes_closed")]
    assert len(rollout.real) == 12


def test_a_corpus_without_conditions_has_a_rollout_too_and_short_recordings_have_none():
    found = cut_rollout([Signal(recording(90.0, 0), "S0", "none")], list("abcd"), 3, SECONDS)
    assert found.conditions == [("none", "none")]
    assert cut_rollout([Signal(recording(12.0, 0), "S0", "none")], list("abcd"), 3, SECONDS) is None


def test_drift_is_in_decibels_over_the_reference():
    x = recording(40.0, 3)
    changes = drift(2 * x[:, :2000], x[:, :2000])
    assert changes.shape == (len(MEASURES), 3)
    np.testing.assert_allclose(changes[0], 20 * np.log10(2), atol=1.5)
    tilted = x[:, :2000].copy()
    tilted[0] *= 5
    assert drift(tilted, x[:, :2000])[-1].min() > drift(x[:, :2000], x[:, :2000])[-1].max()


def test_real_recordings_are_inside_about_nine_times_out_of_ten(rollout):
    found = rollout.rows(None, 0)
    inside = values(found)
    assert all(0.75 < inside[measure] <= 1 for measure in MEASURES)
    assert np.mean([inside[measure] for measure in MEASURES]) == pytest.approx(0.88, abs=0.06)


def test_eeg_without_drift_is_inside_the_envelope(rollout, steady):
    found = values(rollout.rows(steady, 20, pace={"cost": 1.0, "memory": 1.0}))
    assert min(found[measure] for measure in MEASURES) > 0.7
    assert found["cost per second, end over start"] == 1.0


@pytest.mark.parametrize(
    ("change", "measure"),
    [
        (lambda x: x * np.exp(np.linspace(0, -1.5, x.shape[-1])), "RMS"),
        (lambda x: x + 4 * np.random.default_rng(0).standard_normal(x.shape), "30-45 Hz"),
        (lambda x: x.mean(axis=1, keepdims=True) + 0.2 * x, "covariance"),
        (lambda x: 0 * x, "RMS"),
        (lambda x: x[:, ::-1] * np.array([1, 1, 1, 3.0])[:, None], "covariance"),
    ],
    ids=["sinks", "hisses", "synchronises", "constant", "turns round"],
)
def test_drift_is_caught_by_its_measure(rollout, steady, change, measure):
    rows = rollout.rows(change(steady), 0)
    assert values(rows)[measure] < 0.5
    assert values(rows)["median over people and a minute"] < 0.6
    course = rows[f"{measure} inside real 5-95 %"]["course"]
    assert len(course) == 1 + (SECONDS - 10) / 5


def test_a_generator_that_tells_no_pace_has_no_row_about_it(rollout, steady):
    assert not [name for name in rollout.rows(steady, 0) if "end over start" in name]
