# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What the terminal shows of a stream."""

import io

import numpy as np
import pytest
from rich.console import Console

from classifiers import small_classifier
from get_hf import GETFeatureExtractor, load_pretrained
from get_hf.live.judging import Forecast
from get_hf.live.listener import Listener
from get_hf.live.view import View, plain, sparkline
from get_hf.scoring import fit_reference
from synthetic import make_raw


@pytest.fixture(scope="module")
def pair(tiny_checkpoint):
    return load_pretrained(tiny_checkpoint)


def drawn(view: View, width: int = 100) -> str:
    console = Console(width=width, color_system=None, file=io.StringIO())
    console.print(view)
    return console.file.getvalue()


def test_it_shows_what_is_learnt_and_then_what_is_found(pair):
    raw = make_raw(40.0, seed=2)
    raw._data[:, 160 * 30 :] *= 8
    samples, times = 1e6 * raw.get_data(), np.arange(raw.n_times) / 160
    samples[3, 160 * 25 :] = 0
    listener = Listener(
        *pair, raw.info, reference_seconds=15.0, classifier=(small_classifier(), GETFeatureExtractor())
    )
    view = View(listener, "a cap")
    for finding in listener.push(samples[:, : 160 * 10], times[: 160 * 10]):
        view.take(finding)
    shown = drawn(view)
    assert "a cap" in shown
    assert "8 channels at 160 Hz   heard 0:10   learns what is usual: 10 of 15 s" in shown
    assert "surprise" not in shown
    for finding in listener.push(samples[:, 160 * 10 : 160 * 24], times[160 * 10 : 160 * 24]):
        view.take(finding)
    shown = drawn(view)
    assert "findings up to 0:21" in shown
    assert "deviations" in shown
    assert "unusual" not in shown
    assert all(name in shown for name in (*raw.ch_names, "left", "right", "█"))
    assert "what is usual is known" in shown
    for finding in listener.push(samples[:, 160 * 24 :], times[160 * 24 :]):
        view.take(finding)
    view.behind = 3.2
    shown = drawn(view)
    assert "unusual" in shown
    assert "Cz.." in shown
    assert "left out: Cz.." in shown
    assert "3 s behind" in shown
    assert max(map(len, shown.splitlines())) == 100


def test_a_forecast_is_a_ribbon_after_the_past(pair):
    raw = make_raw(20.0)
    listener = Listener(*pair, raw.info, fit_reference(raw, *pair))
    view = View(listener, "a cap")
    past, draws = np.zeros((8, 200)), np.zeros((3, 8, 100))
    past[:, 100:], draws[0], draws[1] = 20.0, 20.0, -20.0
    draws[:, 0] = np.nan
    view.forecast = Forecast(past, draws, 2.0)
    lines = drawn(view).splitlines()
    (at,) = (number for number, line in enumerate(lines) if "forecast of Fz.., ±20 µV" in line)
    ribbon = lines[at + 1 : at + 8]
    assert "•" in ribbon[0]
    assert "▒" in ribbon[0]
    assert "•" not in ribbon[6]
    assert all("░" in line for line in ribbon[1:])
    view.forecast = Forecast(past, np.full((3, 8, 100), np.nan), 2.0)
    assert "forecast" not in drawn(view)


def test_curves():
    assert sparkline(np.array([0.0, 10.0, np.nan, 5.0, 99.0, -3.0]), 0.0, 10.0, 8) == "  ▁█·▄█▁"
    assert sparkline(np.arange(100.0), 0.0, 100.0, 10) == "▁▂▃▄▄▅▆▇██"
    assert sparkline(np.zeros(0), 0.0, 1.0, 3) == "   "


def test_lines_for_outputs_that_are_no_terminal(pair):
    raw = make_raw(20.0)
    listener = Listener(
        *pair, raw.info, fit_reference(raw, *pair), classifier=(small_classifier(), GETFeatureExtractor())
    )
    found = listener.push(1e6 * raw.get_data(), np.arange(raw.n_times) / 160)
    assert plain(found[0], listener, None) == "0.25 s  surprise -"
    assert plain(found[20], listener, np.array([0.25, 0.75])).endswith("  left 0.250  right 0.750")
