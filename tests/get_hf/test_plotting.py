# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import mne
import numpy as np
import pytest

from get_hf.plotting import MAX_TRACES, above_usual, plot_generation, plot_imputation
from synthetic import make_raw, mark_generated

CAP = mne.channels.make_standard_montage("biosemi64").ch_names


def panels(figure) -> dict[str, object]:
    """The axes that carry a letter."""
    letters = {axes.get_title(loc="left"): axes for axes in figure.get_axes()}
    letters.pop("", None)
    return letters


def test_all_three_panels_are_drawn(tmp_path):
    figure = plot_generation(mark_generated(make_raw(12.0), 7.0))
    figure.savefig(tmp_path / "x.png")
    assert list(panels(figure)) == ["a", "b", "c"]
    assert [axes.get_title() for axes in figure.get_axes() if axes.get_title()] == ["Prompt", "Generated"]
    low, high = panels(figure)["a"].get_xlim()
    assert low == pytest.approx(-4.0)
    assert high == pytest.approx(5.0, abs=0.01)


def test_from_nothing_there_is_one_map_and_no_seam(tmp_path):
    figure = plot_generation(mark_generated(make_raw(12.0), 0.0))
    figure.savefig(tmp_path / "x.pdf")
    assert [axes.get_title() for axes in figure.get_axes() if axes.get_title()] == ["Generated"]
    assert panels(figure)["a"].get_xlim()[0] == 0


def test_a_dense_cap_shows_few_traces_in_the_spelling_of_the_field():
    figure = plot_generation(mark_generated(make_raw(ch_names=CAP), 7.0))
    labels = [label.get_text() for label in panels(figure)["a"].get_yticklabels()]
    assert len(labels) <= MAX_TRACES
    assert {"Fp1", "Cz", "O2"} <= set(labels)


@pytest.mark.parametrize(
    ("ch_names", "letters"),
    [
        (["Oz"], ["a", "b"]),
        (["C3", "Cz", "C4"], ["a", "b"]),
        (["AFz", "Fz", "FCz", "Cz", "CPz", "Pz", "POz", "Oz"], ["a", "b", "c"]),
        (["Fp1", "Fp2", "F8", "T8", "P8", "O2", "O1", "P7", "T7", "F7"], ["a", "b", "c"]),
        (["FP1-F7", "F7-T7", "T7-P7", "P7-O1", "FP2-F8", "F8-T8", "T8-P8", "P8-O2"], ["a", "b", "c"]),
    ],
)
def test_few_and_bipolar_channels(tmp_path, ch_names, letters):
    figure = plot_generation(mark_generated(make_raw(ch_names=ch_names), 7.0))
    figure.savefig(tmp_path / "x.png")
    assert list(panels(figure)) == letters


def test_electrodes_known_by_their_digitised_position_only(tmp_path):
    montage = mne.channels.make_standard_montage("GSN-HydroCel-32")
    raw = mark_generated(make_raw(ch_names=montage.ch_names[:20]), 7.0).set_montage(montage, verbose="ERROR")
    figure = plot_generation(raw)
    figure.savefig(tmp_path / "x.png")
    assert "E1" in [label.get_text() for label in panels(figure)["a"].get_yticklabels()]


@pytest.mark.parametrize(("seconds", "seam"), [(0.5, 0.25), (1.5, 1.25), (1.25, 0.0), (0.25, 0.0)])
def test_eeg_too_short_for_a_spectrum_still_gives_a_picture(tmp_path, seconds, seam):
    plot_generation(mark_generated(make_raw(seconds), seam)).savefig(tmp_path / "x.svg")
    assert (tmp_path / "x.svg").stat().st_size > 1000


def test_a_flat_channel_does_not_spoil_the_picture(tmp_path):
    raw = mark_generated(make_raw(), 7.0)
    raw._data[0] = 0.0
    plot_generation(raw).savefig(tmp_path / "x.png")


def test_unknown_values_do_not_count_in_the_usual_range():
    score = np.array([[np.nan, np.nan, np.nan, 41.0, 40.0, 60.0], [np.nan] * 6])
    np.testing.assert_array_equal(above_usual(score)[0], [np.nan, np.nan, np.nan, 0.0, -1.0, 19.0])
    assert np.isnan(above_usual(score)[1]).all()


def test_imputed_channels_are_drawn_beside_the_true_one(tmp_path):
    raw, draw, splines = (make_raw(seed=seed) for seed in range(3))
    figure = plot_imputation(raw, [draw, draw], splines, "Cz..")
    figure.savefig(tmp_path / "x.png")
    traces = panels(figure)["a"].get_lines()
    assert [line.get_label() for line in traces] == ["True channel", "Spherical splines", "GET, draw 1", "GET, draw 2"]
    true = raw.get_data(["Cz.."], units="uV")[0]
    np.testing.assert_allclose(traces[0].get_ydata(), (true - true.mean())[9 * 160 : 12 * 160])
