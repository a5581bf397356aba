# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import mne
import numpy as np
import pytest

from get_hf.processing.reading_get import read_recordings
from get_hf.processing.stretches_get import is_bad_channel, last_stretch
from small import as_raw, signal

RATE = 100.0


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], (0, 2000, [])),
        ([(5.0, 3.0, "eyes_closed")], (0, 2000, [])),
        ([(18.0, 2.0, "BAD_movement")], (0, 1800, [])),
        ([(5.0, 3.0, "bad segment")], (800, 2000, [])),
        ([(5.0, 3.0, "BAD_a"), (7.0, 2.0, "BAD_b"), (18.0, 5.0, "BAD_c")], (900, 1800, [])),
        ([(5.0, 3.0, "BAD_a"), (18.0, 1.0, "BAD_b")], (800, 1800, [])),  # a second is too little to go on from
        ([(12.0, 0.0, "EDGE boundary"), (12.0, 0.0, "BAD boundary")], (0, 2000, [1200])),
        ([(5.0, 3.0, "BAD_a"), (12.0, 0.0, "BAD boundary")], (800, 2000, [400])),
        ([(19.0, 0.0, "BAD boundary")], (0, 1900, [])),
        ([(0.0, 18.5, "BAD_a")], (1850, 2000, [])),  # it is all that there is
    ],
)
def test_the_last_good_stretch_is_continued(spans, expected):
    assert last_stretch(spans, 2000, RATE) == expected


def test_a_recording_without_a_good_stretch_is_refused():
    with pytest.raises(ValueError, match="The whole recording is annotated BAD_a"):
        last_stretch([(0.0, 20.0, "BAD_a")], 2000, RATE)


@pytest.mark.parametrize(
    ("spans", "bad"), [([], False), ([(3.0, 1.0)], False), ([(9.5, 0.5)], True), ([(1.0, 2.0), (4.0, 1.0)], True)]
)
def test_a_channel_is_bad_at_the_end_or_for_long(spans, bad):
    assert is_bad_channel(spans, 10.0) == bad


def test_what_is_annotated_bad_is_not_read():
    x = signal(20.0)
    raw = as_raw(x)
    raw.set_annotations(mne.Annotations([4.0, 6.0, 18.0], [1.0, 2.0, 2.0], ["BAD_blink", "rest", "BAD_movement"]))
    with pytest.warns(UserWarning, match="Only 5 to 18 s of 20 s are read: .* annotated BAD_blink, BAD_movement"):
        (recording,) = read_recordings(raw, None, None, None)
    np.testing.assert_allclose(recording.data, x[:, 800:2880])
    assert (1.0, 2.0, "rest") in [tuple(np.round(span[:2], 6)) + span[2:] for span in recording.spans]
    assert raw.n_times == 20 * 160
    # nothing is left of them at the ends, where it would look like an interruption
    assert [text for *_, text in recording.spans] == ["rest"]


def test_a_fault_of_one_channel_does_not_affect_the_others():
    raw = as_raw(signal(20.0))
    raw.set_annotations(mne.Annotations([4.0, 17.0], [1.0, 3.0], ["BAD_pop", "BAD_loose"], ch_names=[["C3"], ["Pz"]]))
    with pytest.warns(UserWarning, match="masked: Pz"):
        (recording,) = read_recordings(raw, None, None, None)
    assert recording.data.shape == (4, 3200)


class TestInterruptions:
    def test_the_network_sees_only_samples_after_an_interruption(self, extractor):
        raw = as_raw(signal(20.0))
        whole = extractor(raw)
        raw.set_annotations(mne.Annotations([12.0], [0.0], ["BAD boundary"]))
        features = extractor(raw)
        assert int(features["attention_mask"].sum()) == 1 + 8 * 4
        assert features["input_values"].shape[-1] == (1 + 8 * 4) * 25
        assert whole["input_values"].shape[-1] == (1 + 20 * 4) * 25
        assert features.recordings[0].n_times == 20 * 160

    def test_another_offset_after_it_does_no_harm(self, extractor):
        x = signal(20.0)
        plain, shifted = as_raw(x), as_raw(x + np.where(np.arange(3200) < 1600, 0.0, 40_000.0))
        for raw in (plain, shifted):
            raw.set_annotations(mne.Annotations([10.0], [0.0], ["BAD boundary"]))
        np.testing.assert_allclose(extractor(shifted)["input_values"], extractor(plain)["input_values"], atol=1e-2)
