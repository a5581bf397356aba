# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The interactive figures of the page."""

import numpy as np
import pytest

pytest.importorskip("plotly")
from get_hf.plotting import GENERATED, PROMPT, channel_label
from get_hf.space import charts
from synthetic import make_raw, mark_generated


def lines(figure, colour: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Times and values of the traces of a colour."""
    drawn = [each for each in figure.data if each.line.color == colour]
    return [(each.x0 + each.dx * np.arange(len(each.y)), np.asarray(each.y)) for each in drawn]


def test_traces_of_all_channels_go_on_at_the_line():
    raw = mark_generated(make_raw(12.0), 7.0)
    figure = charts.traces(raw, narrow=False)
    given, generated = lines(figure, PROMPT), lines(figure, GENERATED)
    assert len(given) == len(generated) == len(raw.ch_names)
    for (before, left), (after, right) in zip(given, generated, strict=True):
        assert before[0] == pytest.approx(-7.0)
        assert before[-1] == after[0] == pytest.approx(0.0)
        assert left[-1] == right[0]
        assert after[-1] == pytest.approx(5.0, abs=0.01)
    assert list(figure.layout.yaxis.ticktext) == [channel_label(name) for name in raw.ch_names]
    assert figure.layout.xaxis.rangeslider.visible


def test_drawn_traces_are_those_of_the_recording():
    raw = mark_generated(make_raw(12.0), 7.0)
    figure = charts.traces(raw, narrow=False)
    (_, left), (_, right) = lines(figure, PROMPT)[0], lines(figure, GENERATED)[0]
    signal = raw.get_data(units="uV")[0]
    np.testing.assert_allclose(np.concatenate([left[:-1], right]), signal - np.median(signal), atol=1e-3)


@pytest.mark.parametrize(("narrow", "view"), [(False, (-4.0, 5.0)), (True, (-2.0, 3.0))])
def test_a_narrow_window_shows_fewer_seconds_at_first(narrow, view):
    figure = charts.traces(mark_generated(make_raw(12.0), 7.0), narrow)
    assert figure.layout.xaxis.range == pytest.approx(view, abs=0.01)


def test_a_fast_recording_is_drawn_at_a_rate_that_a_browser_carries():
    raw = make_raw(12.0).resample(2000.0)
    figure = charts.traces(mark_generated(raw, 7.0), narrow=False)
    times, values = lines(figure, GENERATED)[0]
    assert len(values) <= 2 * charts.DRAWN_RATE * 5.0
    assert times[[0, -1]] == pytest.approx([0.0, 5.0], abs=0.02)
    signal = raw.get_data(units="uV")[0]
    expected = (signal - np.median(signal))[14000 :: len(signal[14000:]) // len(values)][: len(values)]
    assert np.corrcoef(expected[50:-50], values[50:-50])[0, 1] > 0.95


@pytest.mark.parametrize(("seconds", "seam"), [(0.5, 0.25), (0.25, 0.0)])
def test_eeg_too_short_for_a_spectrum_is_drawn_as_traces_only(seconds, seam):
    raw = mark_generated(make_raw(seconds), seam)
    assert charts.spectra(raw) is None
    assert len(lines(charts.traces(raw, narrow=True), GENERATED)) == len(raw.ch_names)


def test_spectra_of_both_parts_are_drawn():
    figure = charts.spectra(mark_generated(make_raw(12.0), 7.0))
    assert [each.name for each in figure.data if each.name] == list(charts.NAMES)


def test_surprise_is_drawn_where_it_is_known():
    score = np.array([[np.nan, 41.0, 40.0, 60.0], [np.nan] * 4])
    figure = charts.surprise(score, ["Cz", "Pz"], 0.5, 0.25, narrow=False)
    (heatmap,) = [each for each in figure.data if each.type == "heatmap"]
    np.testing.assert_array_equal(heatmap.z[0], [np.nan, 0.0, -1.0, 19.0])
    np.testing.assert_allclose(heatmap.x, [-0.375, -0.125, 0.125, 0.375])
    assert charts.surprise(score[1:], ["Pz"], 0.5, 0.25, narrow=True).data
