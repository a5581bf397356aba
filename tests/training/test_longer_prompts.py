# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from scipy.signal import lfilter

from get_hf.training.longer_prompts import cut_longer_prompts
from get_hf.training.segments import Signal

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


def test_what_truly_followed_has_no_error_and_noise_has_more_than_other_stretches():
    part = cut_longer_prompts(signals(62, people=6), CHANNELS)
    truth = part.rows(part.segments.continuation, n_bootstrap=20)
    floor = part.rows(None)
    noise = part.rows(20 * np.random.default_rng(9).standard_normal(part.segments.continuation.shape))
    names = {"log PSD, ensemble", "covariance, ensemble", "coherence 8-13 Hz, ensemble", "coherence, per prompt"}
    assert {f"{name}, after 24 s" for name in names} < set(truth)
    for name, row in truth.items():
        assert (row["group"], row["goal"][0]) == ("longer prompts", "times floor")
        assert row["value"] == pytest.approx(0, abs=1e-9)
        assert 0 < floor[name]["value"] < noise[name]["value"]
        assert row["interval"] is not None
