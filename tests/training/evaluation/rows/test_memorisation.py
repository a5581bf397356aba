# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from get_hf.training.evaluation.rows.memorisation import BLOCK, memorisation_rows, nearest_distances, pick_windows
from get_hf.training.evaluation.table import Rows
from synthetic import synthetic_eeg


@pytest.fixture(scope="module")
def train():
    return [1e6 * synthetic_eeg(60.0, 100.0, 6, seed) for seed in range(2)]


@pytest.fixture(scope="module")
def held_out():
    return np.stack([1e6 * synthetic_eeg(4.0, 100.0, 6, seed) for seed in range(100, 112)])


def rows_of(held_out, generated, train) -> dict[str, float]:
    rows = Rows(np.repeat(np.arange(4), 3), 0)
    real, made = (nearest_distances(pick_windows(x, 100.0, 2), train) for x in (held_out, generated))
    memorisation_rows(rows, real, made)
    return {name: row["value"] for name, row in rows.table.items()}


@pytest.mark.parametrize("start", [0, 1, 137, BLOCK - 50, 5900])
@pytest.mark.parametrize("scale", [1.0, -0.2])
def test_a_copy_is_found_at_any_position_and_scale(train, start, scale):
    window = scale * train[1][None, :, start : start + 100]
    assert nearest_distances(window, train)[0] < 1e-3
    assert nearest_distances(window, train[:1])[0] > 0.1


def test_distances_are_those_of_a_search_by_hand(train, held_out):
    windows = held_out[:2, :, :100]
    short = [train[0][:, :300]]
    past = np.lib.stride_tricks.sliding_window_view(np.diff(short[0]), 99, axis=-1).transpose(1, 0, 2).reshape(201, -1)
    now = np.diff(windows).reshape(2, -1)
    correlation = past @ now.T / np.linalg.norm(past, axis=1)[:, None] / np.linalg.norm(now, axis=1)
    np.testing.assert_allclose(nearest_distances(windows, short), 1 - np.abs(correlation).max(axis=0), atol=1e-4)


def test_flat_or_too_short_eeg_matches_no_training_window(train):
    assert nearest_distances(np.zeros((1, 6, 100)), train)[0] == 1
    assert nearest_distances(train[0][None, :, :100], [np.zeros((6, 500)), train[0][:, :50]])[0] == 1


def test_other_peoples_eeg_is_as_far_as_held_out_eeg(train, held_out):
    other = np.stack([1e6 * synthetic_eeg(4.0, 100.0, 6, seed) for seed in range(200, 212)])
    values = rows_of(held_out, other, train)
    assert values["distance to the nearest training window"] == pytest.approx(1, abs=0.05)
    assert values["smallest distance to one"] == pytest.approx(1, abs=0.2)


def test_memorised_windows_are_caught_by_both_rows(train, held_out):
    copies = np.stack([train[0][:, 100 * k + 13 : 100 * k + 413] for k in range(12)])
    values = rows_of(held_out, copies, train)
    assert values["distance to the nearest training window"] < 0.1
    assert values["smallest distance to one"] < 0.01


def test_one_memorised_continuation_among_many_is_caught(train, held_out):
    made = held_out.copy()
    made[5] = train[0][:, 1013:1413]
    values = rows_of(held_out, made, train)
    assert values["distance to the nearest training window"] > 0.9
    assert values["smallest distance to one"] < 0.01
