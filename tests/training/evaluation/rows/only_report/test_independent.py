# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Features within person: differences between people do not count, differences within a person do."""

import numpy as np
import pytest
from scipy import signal as sps

from get_hf.training.evaluation.rows.only_report.independent import independent_rows, window_features, within_person
from get_hf.training.evaluation.table import Rows

RATE, SUBJECTS = 100.0, np.repeat(np.arange(6), 5)


def recordings(seed: int, change=lambda x: x, n_chans: int = 4) -> np.ndarray:
    """`(30, n_chans, 1200)` microvolts of coloured noise, of six people who differ much in loudness and colour."""
    rng = np.random.default_rng(seed)
    out = []
    for person in SUBJECTS:
        pole = 0.5 + 0.07 * person
        out.append((2 + 10 * person) * sps.lfilter([1], [1, -pole], rng.standard_normal((n_chans, 1200))))
    return change(np.array(out))


def auc(real: np.ndarray, generated: np.ndarray) -> dict[str, float]:
    rows = Rows(SUBJECTS, n_bootstrap=5)
    independent_rows(rows, real, generated, RATE)
    return {name: row["value"] for name, row in rows.table.items()}


def test_recordings_of_one_kind_cannot_be_separated_whoever_they_are_from():
    found = auc(recordings(0), recordings(1))
    assert list(found) == ["AUC independent, logistic", "AUC independent, boosting"]
    assert all(0.38 < value < 0.62 for value in found.values()), found


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda x: 1.3 * x, id="louder"),
        pytest.param(lambda x: x + 0.5 * np.abs(x), id="skewed"),
        pytest.param(lambda x: x + 0.6 * x[:, :1], id="more alike over the scalp"),
        pytest.param(lambda x: x * (1 + 0.8 * np.sin(np.arange(1200) / 20)), id="waxing and waning"),
    ],
)
def test_what_changes_within_every_person_is_found(change):
    assert min(auc(recordings(0), recordings(1, change)).values()) > 0.75


def test_features_are_sixty_and_standardised_within_each_person():
    x = recordings(0, n_chans=6)
    assert window_features(x[:3, :, :400], RATE).shape == (3, 60)
    assert window_features(x[:3, :1, :400], RATE).shape == (3, 24)
    first, second = within_person(x, recordings(1, n_chans=6), SUBJECTS, RATE)
    assert first.shape == second.shape == (90, 60)
    owner = np.repeat(SUBJECTS, 3)
    for person in range(6):
        both = np.concatenate([first[owner == person], second[owner == person]])
        np.testing.assert_allclose(both.mean(axis=0), 0, atol=0.1)
        assert np.abs(both).max() <= 5


@pytest.mark.parametrize(("n_chans", "n_times"), [(1, 1200), (2, 300), (4, 1200)])
def test_flat_and_short_recordings_have_finite_features(n_chans, n_times):
    x = recordings(0, n_chans=n_chans)[..., :n_times]
    flat = np.zeros_like(x)
    for pair in ((x, flat), (flat, flat)):
        for features in within_person(*pair, SUBJECTS, RATE):
            assert np.isfinite(features).all()


def test_a_single_person_is_judged_over_recordings():
    x, y = recordings(0), recordings(1, lambda x: 1.5 * x)
    one = np.flatnonzero(SUBJECTS == 3)
    rows = Rows(["S1"] * 5, recordings=np.arange(5))
    independent_rows(rows, x[one], y[one], RATE, ["logistic"])
    row = rows.table["AUC independent, logistic"]
    assert row["value"] > 0.75
    assert row["interval"] is None
    with pytest.raises(ValueError, match="at least two subjects"):
        independent_rows(Rows(["S1"] * 5), x[one], y[one], RATE, ["logistic"])
