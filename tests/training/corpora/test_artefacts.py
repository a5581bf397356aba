# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import mne
import numpy as np
import pytest

from get_hf.training.corpora.artefacts import LIMIT, mark_artefacts
from synthetic import make_raw

NAMES = ("F3", "F4", "O1", "O2")


def quiet(seconds=40.0, rate=128.0) -> mne.io.RawArray:
    return make_raw(seconds, rate, NAMES)


def bad_spans(raw):
    found = raw.annotations
    return [
        (str(name), onset, onset + lasts)
        for onset, lasts, name in zip(found.onset, found.duration, found.description, strict=True)
    ]


def test_usual_eeg_on_any_offset_with_hum_stays_as_it_is():
    raw = quiet()
    hum = 1.2e-6 * LIMIT * np.sin(2 * np.pi * 50 * raw.times)  # above the limit, and above the band
    marked = mark_artefacts(mne.io.RawArray(raw.get_data() + 4.2e-3 + hum, raw.info, verbose="ERROR"))
    assert marked.info["bads"] == []
    assert all(end <= 1 for *_, end in bad_spans(marked))  # the filters ring where hum begins


def test_a_movement_is_marked_with_a_margin_and_nothing_else():
    raw = quiet()
    raw._data[:, raw.time_as_index(20.0)[0] : raw.time_as_index(20.5)[0]] += 2e-6 * LIMIT
    ((name, begin, end),) = bad_spans(mark_artefacts(raw))
    assert name == "BAD_amplitude"
    assert 18.5 <= begin <= 19.5
    assert 21.0 <= end <= 22.5
    assert raw.info["bads"] == []


def test_a_still_channel_is_marked_where_it_is_still():
    raw = quiet()
    first, last = raw.time_as_index([10.0, 13.0])
    raw._data[:, first:last] = raw._data[:, [first]]
    spans = bad_spans(mark_artefacts(raw))
    assert [name for name, *_ in spans] == ["BAD_still"]
    assert spans[0][1] == pytest.approx(9.5, abs=0.3)
    assert spans[0][2] == pytest.approx(13.5, abs=0.3)


def test_lost_contact_is_marked_though_the_signal_is_usual():
    raw = quiet()
    contact = np.ones((4, raw.n_times), dtype=bool)
    contact[2, raw.time_as_index(5.0)[0] : raw.time_as_index(7.0)[0]] = False
    assert bad_spans(mark_artefacts(raw, contact)) == [("BAD_contact", 4.5, 7.5)]


def test_a_channel_that_is_bad_for_long_is_left_out_so_that_the_time_is_kept():
    raw = quiet()
    contact = np.ones((4, raw.n_times), dtype=bool)
    contact[1, raw.n_times // 2 :] = False
    mark_artefacts(raw, contact)
    assert raw.info["bads"] == ["F4"]
    assert bad_spans(raw) == []


def test_a_channel_that_is_bad_for_a_moment_is_kept():
    raw = quiet()
    contact = np.ones((4, raw.n_times), dtype=bool)
    contact[1, : raw.n_times // 16] = False
    mark_artefacts(raw, contact)
    assert raw.info["bads"] == []
    assert [name for name, *_ in bad_spans(raw)] == ["BAD_contact"]


def test_what_is_bad_everywhere_is_all_marked():
    raw = quiet()
    mark_artefacts(raw, np.zeros((4, raw.n_times), dtype=bool))
    assert len(raw.info["bads"]) == 3  # one channel has to stay
    assert bad_spans(raw) == [("BAD_contact", 0.0, pytest.approx(40.0))]
