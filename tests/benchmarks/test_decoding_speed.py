# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The benchmark of the speed of decoding."""

import time

import mne
import numpy as np
import pytest

from get_hf.pretrained import CLASSIFIERS
from synthetic import make_raw


def test_trials_are_four_seconds_from_each_cue_and_have_their_classes(decoding_speed):
    raws = []
    for seed in range(3):
        raw = make_raw(200.0, seed=seed)
        onsets = 4.2 + 8.2 * np.arange(20)
        raws.append(raw.set_annotations(mne.Annotations(onsets, 4.1, ["T1", "T2"] * 10)))
    epochs = decoding_speed.trials_of(raws)
    assert len(epochs) == 45
    assert epochs.get_data().shape[1:] == (8, 640)
    np.testing.assert_allclose(epochs.get_data()[1], raws[0].get_data()[:, 1984:2624])
    names = {code: name for name, code in epochs.event_id.items()}
    assert [names[code] for code in epochs.events[:4, 2]] == ["left_fist", "right_fist"] * 2


def test_a_ratio_is_that_of_the_medians_without_the_first(decoding_speed):
    calls = []

    def slow_at_first():
        time.sleep(0.5 if not calls else 0.02)
        calls.append("ours")

    rows = decoding_speed.compared("ours", slow_at_first, "theirs", lambda: time.sleep(0.1), 3)
    (row,) = rows.values()
    assert len(calls) == 4
    assert row["seconds"] == pytest.approx(0.02, abs=0.05)
    assert row["ratio"] == pytest.approx(row["seconds"] / row["seconds of the other"])
    assert "| ours / theirs |" in decoding_speed.markdown(rows)


@pytest.mark.skipif(not (CLASSIFIERS / "eyes").is_dir(), reason="no classifiers are shipped")
def test_a_file_of_two_minutes_is_answered_and_continued(decoding_speed):
    rows = decoding_speed.answering(make_raw(125.0, ch_names=("O1", "Oz", "O2")), "eyes", 1)
    ((name, row),) = rows.items()
    assert name == "classify, a file of 2 minutes / 10 s generated"
    assert row["seconds"] > 0
    assert row["seconds of the other"] > 0


def test_a_person_who_is_no_training_person_is_refused(decoding_speed, data_dir):
    with pytest.raises(ValueError, match="has no runs R04, R08, R12 of S080 among the training people"):
        decoding_speed.recordings(data_dir, "S080")
