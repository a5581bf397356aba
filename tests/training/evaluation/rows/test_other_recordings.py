# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Other references keep what they fix, and cleaned recordings do not blink."""

import numpy as np
import pytest

from get_hf.training.evaluation.descriptors import blinks_per_minute
from get_hf.training.evaluation.recordings import CHANNELS, Cut, Segments, Signal
from get_hf.training.evaluation.rows.other_recordings import (
    bipolar_pairs,
    cut_cleaned,
    with_references,
    without_blinks,
)

RATE = 100.0


def blinking(rng: np.random.Generator, n_times: int, blinks: list[int]) -> np.ndarray:
    """`(20, n_times)` microvolts of coloured noise, with blinks that all channels see, the frontal ones most."""
    mixing = np.eye(20) + 0.2 * rng.standard_normal((20, 20))
    x = 5 * mixing @ np.cumsum(0.2 * rng.standard_normal((20, n_times + 200)), axis=1)
    x = (x - np.apply_along_axis(lambda c: np.convolve(c, np.ones(100) / 100, "same"), 1, x))[:, 100:-100]
    wave = 150 * np.hanning(30)
    course = np.zeros(n_times)
    for start in blinks:
        course[start : start + 30] += wave
    share = np.array([1.0 if name.startswith("Fp") else 0.4 if name.startswith("F") else 0.1 for name in CHANNELS])
    return x + share[:, None] * course


@pytest.fixture(scope="module")
def segments() -> Segments:
    rng = np.random.default_rng(0)
    whole = np.stack([blinking(rng, 3200, []) for _ in range(8)])
    return Segments(
        whole[..., :800], whole[..., 800:2000], whole[..., 2000:], np.repeat(list("abcd"), 2), ["none"] * 8,
        list(CHANNELS),
    )  # fmt: skip


def test_references_hold_for_real_eeg_and_their_breach_is_found(segments):
    found = with_references(segments, 6)
    assert list(found) == ["average reference", "Cz as reference", "bipolar"]
    average, cz, bipolar = found.values()
    np.testing.assert_allclose(average.prompt.sum(axis=1), 0, atol=1e-9)
    assert len(average.prompt) == 6
    assert "Cz" not in cz.ch_names
    whole = segments.thinned(6)
    np.testing.assert_allclose(
        cz.prompt[:, cz.ch_names.index("O1")], (whole.pick(["O1"]).prompt - whole.pick(["Cz"]).prompt)[:, 0]
    )
    assert bipolar.ch_names[:2] == ["Fp1-F7", "F7-T7"]
    assert [part.constraints.shape[1] for part in found.values()] == [1, 0, 2]  # two closed loops
    for part in (average, bipolar):
        name = f"constraints, largest error, {part.label}"
        floor, noise = (
            part.rows(None, 0),
            part.rows(np.random.default_rng(0).standard_normal(part.segments.other.shape)),
        )
        assert floor[name]["value"] < 1e-9
        assert noise[name]["value"] > 0.5
        assert floor[name]["goal"] == ("at most", 1e-3)
        assert noise[f"AUC everything, logistic, {part.label}"]["value"] > 0.9
        assert floor[f"log PSD, ensemble, {part.label}"]["group"] == "references"
    assert not any("constraints" in name for name in cz.rows(None, 0))


def test_references_need_channels(segments):
    assert with_references(segments.pick(["C3", "Cz", "C4"])) == {}
    assert list(with_references(segments.pick(["C3", "C4", "O1", "O2"]))) == ["average reference"]
    assert bipolar_pairs(["F7", "T7", "O1", "F8"]) == [("F7", "T7"), ("T7", "O1")]
    bipolar = with_references(segments)["bipolar"].segments
    assert with_references(bipolar) == {}


def test_blinks_are_counted_and_other_waves_are_not():
    rng = np.random.default_rng(1)
    starts = list(range(100, 5900, 300))
    x = blinking(rng, 6000, starts)
    assert blinks_per_minute(x[None], CHANNELS, RATE)[0] == pytest.approx(len(starts), abs=2)
    assert blinks_per_minute(blinking(rng, 6000, [])[None], CHANNELS, RATE)[0] < 2
    assert blinks_per_minute(-x[None], CHANNELS, RATE)[0] < 3
    assert blinks_per_minute(x[None, 10:], CHANNELS[10:], RATE) is None


def test_cleaning_removes_blinks_and_leaves_recordings_without_them_alone():
    rng = np.random.default_rng(2)
    signals = [
        Signal(blinking(rng, 6000, list(range(100 + 7 * k, 5900, 310))), f"S{k}", "none", (), "a") for k in range(4)
    ]
    cleaned = without_blinks(signals[0].x, CHANNELS)
    assert blinks_per_minute(cleaned[None], CHANNELS, RATE)[0] <= 2
    truth = blinking(np.random.default_rng(2), 6000, [])  # the same noise
    back, front = (CHANNELS.index(name) for name in ("O1", "Fp1"))
    assert np.corrcoef(cleaned[back], truth[back])[0, 1] > 0.95
    assert np.corrcoef(signals[0].x[front], truth[front])[0, 1] < np.corrcoef(cleaned[front], truth[front])[0, 1]
    quiet = blinking(rng, 6000, [])
    np.testing.assert_array_equal(without_blinks(quiet, CHANNELS), quiet)
    part = cut_cleaned(signals, CHANNELS, Cut(), 3)
    assert len(part.prompt) == 3
    floor = part.rows(None, 0)
    blinker = np.stack([blinking(rng, 1200, [100, 400, 700, 1000]) for _ in range(3)])
    made = part.rows(blinker, 0)
    assert floor["blinks, cleaned"]["value"] <= 3
    assert made["blinks, cleaned"]["value"] > 15
    assert made["blinks, cleaned"]["group"] == "cleaned"
    assert cut_cleaned(signals, CHANNELS, Cut(100.0, 100.0)) is None
    assert cut_cleaned(signals, CHANNELS[10:], Cut()) is None
