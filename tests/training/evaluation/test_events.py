# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Detected events against a reference, by the rules of SzCORE."""

import numpy as np
import pytest

from get_hf.training.evaluation.events import event_figures, read_szcore

pytest.importorskip("timescoring")
HOUR = 3600.0


@pytest.mark.parametrize(
    ("reference", "found", "expected"),
    [
        ([(600, 60)], [(600, 60)], (1, 1, 0)),
        ([(600, 60)], [(575, 10)], (1, 1, 0)),  # 30 s before the onset count
        ([(600, 60)], [(550, 10)], (1, 0, 1)),
        ([(600, 60)], [(710, 10)], (1, 1, 0)),  # and 60 s after the end
        ([(600, 60)], [(730, 10)], (1, 0, 1)),
        ([(600, 60)], [(600, 5), (640, 5)], (1, 1, 0)),  # less than 90 s apart: one event
        ([(600, 60), (700, 20)], [(600, 60)], (1, 1, 0)),
        ([(600, 700)], [(600, 700)], (3, 3, 0)),  # longer than five minutes: several
        ([(600, 60)], [], (1, 0, 0)),
        ([], [(100, 10), (2000, 10)], (0, 0, 2)),
        ([], [], (0, 0, 0)),
    ],
)
def test_the_rules_of_szcore(reference, found, expected):
    figures = event_figures([(reference, found, HOUR)])
    assert (figures.n_events, figures.n_detected, figures.n_false) == expected


def test_figures_of_several_recordings_are_of_all_events_together():
    figures = event_figures(
        [
            ([(600, 60), (1800, 60)], [(600, 60), (3000, 10)], HOUR),
            ([(100, 30)], [(100, 30)], HOUR),
            ([], [(100, 30)], HOUR),
        ]
    )
    assert figures.sensitivity == pytest.approx(2 / 3)
    assert figures.precision == pytest.approx(2 / 4)
    assert figures.f1 == pytest.approx(2 * 2 / (3 + 2 + 2))
    assert figures.false_alarms_per_day == pytest.approx(2 * 8)


def test_nothing_to_detect_and_nothing_detected_have_no_share():
    figures = event_figures([([], [], HOUR)])
    assert all(np.isnan(value) for value in (figures.sensitivity, figures.precision, figures.f1))
    assert figures.false_alarms_per_day == 0


def test_an_event_outside_its_recording_is_refused():
    with pytest.raises(ValueError, match="from 3590 to 3650 s, and its recording 3600 s"):
        event_figures([([(3590, 60)], [], HOUR)])
    with pytest.raises(ValueError, match="no recording"):
        event_figures([])


@pytest.mark.parametrize("text", ["", "onset\tduration\n1\t2\n", "a,b\n", "onset\tduration\teventType\n1\t2\tsz\n"])
def test_a_table_without_the_columns_is_refused(tmp_path, text):
    (tmp_path / "events.tsv").write_text(text)
    with pytest.raises(ValueError, match="has the columns onset, duration, eventType, recordingDuration"):
        read_szcore(tmp_path / "events.tsv")


def test_a_table_without_numbers_is_refused(tmp_path):
    (tmp_path / "events.tsv").write_text("onset\tduration\teventType\trecordingDuration\nsoon\t2\tsz\t60\n")
    with pytest.raises(ValueError, match="no number"):
        read_szcore(tmp_path / "events.tsv")
