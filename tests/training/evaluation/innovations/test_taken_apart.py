# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Each change of the innovations takes away what it says, and nothing else."""

import json

import numpy as np
import pytest

from get_hf import GETFeatureExtractor
from get_hf.training.evaluation.innovations.baselines import amplitudes
from get_hf.training.evaluation.innovations.filters import PromptFilters
from get_hf.training.evaluation.innovations.taken_apart import (
    CHANGES,
    JUDGES,
    TakenApart,
    take_apart,
    taken_apart_table,
    write_taken_apart,
)
from get_hf.training.evaluation.recordings import Segments
from get_hf.training.evaluation.table import FLOOR
from synthetic import make_raw

CH_NAMES = ["Fz", "C3", "C4", "O1"]


@pytest.fixture(scope="module")
def changed() -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Innovations of a future and of a prompt, and every change of them."""
    rng = np.random.default_rng(0)
    real, prompt = (rng.standard_normal((4, n, 25)) for n in (48, 32))
    return real, prompt, {name: change(real, prompt, np.random.default_rng(1)) for name, change in CHANGES.items()}


def test_every_change_gives_as_many_innovations(changed):
    real, _, made = changed
    assert len(made) == 11
    assert {x.shape for x in made.values()} == {real.shape}
    np.testing.assert_array_equal(made["the real ones of the future"], real)


def patches_of(x: np.ndarray) -> set[bytes]:
    return {x[:, k].tobytes() for k in range(x.shape[1])}


def test_orders_keep_every_patch_and_replay_keeps_those_of_the_prompt(changed):
    real, prompt, made = changed
    for name in ("real, blocks of 1 s in random order", "real, patches in random order"):
        assert patches_of(made[name]) == patches_of(real)
        assert not np.array_equal(made[name], real)
    seconds = made["real, blocks of 1 s in random order"].reshape(4, 12, 4, 25)
    assert {seconds[:, k].tobytes() for k in range(12)} == {
        real.reshape(4, 12, 4, 25)[:, k].tobytes() for k in range(12)
    }
    replayed = made["the prompt's own, blocks of 2 s in random order (replay)"]
    assert patches_of(replayed) == patches_of(prompt)


def test_signs_are_shared_as_the_row_says(changed):
    real, _, made = changed
    signs = {name: np.sign(x / real) for name, x in made.items() if "sign" in name}
    second = signs["real, one random sign per second for all channels"]
    assert (second.reshape(4, 12, 100) == second.reshape(4, 12, 100)[:1, :, :1]).all()
    patch = signs["real, in order, one random sign per patch for all channels"]
    assert (patch == patch[:1, :, :1]).all()
    assert not (patch.reshape(4, 12, 100) == patch.reshape(4, 12, 100)[:, :, :1]).all()
    coefficient = signs["real, one random sign per coefficient and patch for all channels"]
    assert (coefficient == coefficient[:1]).all()
    assert not (coefficient == coefficient[..., :1]).all()
    magnitudes = signs["real magnitudes, all signs random"]
    assert abs(np.corrcoef(magnitudes[0].ravel(), magnitudes[1].ravel())[0, 1]) < 0.1
    for name in signs:
        np.testing.assert_allclose(np.abs(made[name]), np.abs(real))
        assert 0.1 < (signs[name] > 0).mean() < 0.9


def test_amplitudes_are_kept_or_made_equal(changed):
    real, _, made = changed
    kept = made["real amplitudes per patch, band and channel, else noise"]
    np.testing.assert_allclose(amplitudes(kept), amplitudes(real))
    equal = made["real, but all amplitudes made equal"]
    np.testing.assert_allclose(amplitudes(equal), 1)
    np.testing.assert_array_equal(np.sign(equal), np.sign(real))
    white = made["independent noise (white)"]
    assert abs(np.corrcoef(white.ravel(), real.ravel())[0, 1]) < 0.05


@pytest.fixture(scope="module")
def found() -> TakenApart:
    """The table of four people with bursts of alpha, beside a network that is deaf."""
    whole = np.stack([make_raw(32.0, 100.0, CH_NAMES, seed).get_data(units="uV") for seed in range(20)])
    subjects = np.repeat([f"S{k}" for k in range(4)], 5)
    segments = Segments(whole[..., :800], whole[..., 800:2000], whole[..., 2000:], subjects, ["none"] * 20, CH_NAMES)
    network = lambda prompts, ch_names, n_times, conditions: np.zeros((len(prompts), len(ch_names), n_times))  # noqa: E731
    return take_apart(segments, PromptFilters(GETFeatureExtractor()), network, n_bootstrap=5)


def test_every_row_is_judged_and_a_deaf_network_is_found(found):
    assert list(found.rows) == [FLOOR, *CHANGES, "those of the network"]
    for rows in found.rows.values():
        assert list(rows) == list(JUDGES)
        assert all(0 <= row["value"] <= 1 and row["interval"] for row in rows.values())
    assert min(row["value"] for row in found.rows["those of the network"].values()) > 0.95
    real = found.rows["the real ones of the future"]["AUC independent, logistic"]["value"]
    white = found.rows["independent noise (white)"]["AUC independent, logistic"]["value"]
    assert white > real + 0.03  # its alpha waxes and wanes in a regular way, which noise does not


def test_the_table_has_three_columns_for_each_corpus(found, tmp_path):
    one = taken_apart_table({"a": found}).splitlines()
    assert one[0] == "| innovations sent through the prompt's filters | logistic | boosting | log covariance |"
    assert len(one) == 2 + len(found.rows)
    two = taken_apart_table({"a": found, "b": found}).splitlines()
    assert "| a: logistic |" in two[0]
    assert "| b: log covariance |" in two[0]
    text = write_taken_apart({"a": found}, {"date": "2026-01-01", "seed": 0}, tmp_path)
    assert "a: 20 prompts of 4 people" in text
    assert (tmp_path / "innovations.md").read_text().endswith(text)
    stored = json.loads((tmp_path / "innovations.json").read_text())
    assert stored["rows"]["a"][FLOOR]["AUC log covariance"]["group"] == "two-sample"
