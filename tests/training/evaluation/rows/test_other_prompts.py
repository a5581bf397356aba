# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from scipy.signal import lfilter

from get_hf.training.evaluation.recordings import Signal, cut_segments
from get_hf.training.evaluation.rows.other_prompts import cut_longer_prompts, on_few_channels

CHANNELS = ["Fz", "Cz", "Pz", "Oz"]


def signals(seconds: float, people: int = 4) -> list[Signal]:
    """Slow noise that neighbours share, a recording per person."""
    found = []
    for person in range(people):
        noise = np.random.default_rng(person).standard_normal((5, round(100 * seconds)))
        x = 10 * lfilter([1.0], [1.0, -0.9], noise[1:] + noise[:1])
        found.append(Signal(x, f"S{person:03d}", "eyes_open" if person % 2 else "none"))
    return found


def test_prompts_of_24_s_are_continued_under_their_condition():
    part = cut_longer_prompts(signals(62), CHANNELS)
    assert part.prompt.shape == (4, 4, 2400)
    assert (part.n_times, part.ch_names) == (1200, CHANNELS)
    assert part.conditions == [("none", "none"), ("eyes_open", "eyes_open")] * 2
    x = signals(62)[0].x
    np.testing.assert_array_equal(
        np.concatenate([part.prompt[0], part.segments.continuation[0]], axis=-1), x[:, 100:3700]
    )
    assert cut_longer_prompts(signals(110), CHANNELS, items_per_recording=2).prompt.shape[0] == 8


def test_no_recording_is_long_enough():
    assert cut_longer_prompts(signals(49), CHANNELS) is None


def test_the_real_continuation_has_no_error_and_noise_has_more_than_other_stretches():
    part = cut_longer_prompts(signals(62, people=6), CHANNELS)
    truth = part.rows(part.segments.continuation, n_bootstrap=20)
    floor = part.rows(None)
    noise = part.rows(20 * np.random.default_rng(9).standard_normal(part.segments.continuation.shape))
    names = {"log PSD, ensemble", "covariance, ensemble", "coherence 8-13 Hz, ensemble", "coherence, per prompt"}
    assert {f"{name}, after 24 s" for name in names} < set(truth)
    for name, row in truth.items():
        assert row["group"] == "longer prompts"
        assert row["interval"] is not None
        if row["unit"] == "ratio":
            assert row["value"] == pytest.approx(1)
            continue
        assert row["goal"][0] == "times floor"
        assert row["value"] == pytest.approx(0, abs=1e-9)
        assert 0 < floor[name]["value"] < noise[name]["value"]


def test_few_channels_are_those_of_the_same_prompts_and_one_has_no_space():
    segments = cut_segments(signals(62, people=6), CHANNELS)
    two, one = on_few_channels(segments, ["Oz", "Fz"]), on_few_channels(segments, ["Pz"])
    assert on_few_channels(segments, ["Oz", "T7"]) is None
    np.testing.assert_array_equal(two.prompt, segments.prompt[:, [3, 0]])
    np.testing.assert_array_equal(one.prompt, segments.prompt[:, [2]])
    assert (two.ch_names, one.ch_names, two.n_times) == (["Oz", "Fz"], ["Pz"], 1200)
    truth = two.rows(two.segments.continuation) | one.rows(one.segments.continuation)
    assert {row["group"] for row in truth.values()} == {"few channels"}
    assert {"coherence, per prompt, on 2 channels", "log PSD, per prompt, on Pz alone"} < set(truth)
    assert not [name for name in truth if "alone" in name and ("cov" in name or "coh" in name)]


def test_stronger_and_more_variable_eeg_is_detected():
    part = on_few_channels(cut_segments(signals(62, people=6), CHANNELS), ["Pz"])
    real = part.segments.continuation
    louder = part.rows(1.5 * real)
    assert louder["RMS over real, on Pz alone"]["value"] == pytest.approx(1.5, rel=1e-3)
    assert louder["variation of half-second RMS, over real, on Pz alone"]["value"] == pytest.approx(1, abs=1e-3)
    slow = np.repeat(np.random.default_rng(3).normal(0, 0.5, (len(real), 1, 24)), 50, axis=-1)
    varied = part.rows(real * np.exp(slow - (slow.var() / 1)))
    assert varied["variation of half-second RMS, over real, on Pz alone"]["value"] > 1.3
